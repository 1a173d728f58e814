//! MQTT 5: publishes to a topic at quality of service 1. The PUBACK is the confirmation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::{MqttTopic, check_mqtt_topic};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::Message;
use super::dial::{Dialer, Peer, Stream, broken, failed, gone};
use super::pool::Line;

/// Longest packet that is read, in bytes; a broker sends nothing but short answers.
const PACKET_BYTES_MAX: usize = 65_536;
/// Messages that wait to be written.
const WAITING_MAX: usize = 64;

/// Kinds of packets, in the upper half of their first byte.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const DISCONNECT: u8 = 0xE0;
/// What is or-ed to PUBLISH.
const AT_LEAST_ONCE: u8 = 0x02;
const RETAIN: u8 = 0x01;
/// Properties.
const CONTENT_TYPE: u8 = 0x03;
const RECEIVE_MAXIMUM: u8 = 0x21;
const MAXIMUM_PACKET_SIZE: u8 = 0x27;
const USER_PROPERTY: u8 = 0x26;

/// A connection to a broker.
#[derive(Clone, Debug)]
pub(super) struct MqttConnection {
    writes: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    packet_bytes_max: u32,
    /// How many messages the broker lets be without an answer.
    unanswered: Semaphore,
    waiting: Mutex<Waiting>,
}

/// Who waits for the answer to which message.
#[derive(Debug, Default)]
struct Waiting {
    last: u16,
    answers: HashMap<u16, oneshot::Sender<u8>>,
}

impl Line for MqttConnection {
    fn is_open(&self) -> bool {
        !self.writes.is_closed()
    }
}

/// Opens a connection.
///
/// # Errors
/// When the broker cannot be reached, or does not let us in.
pub(super) async fn connect(dialer: Dialer, peer: Peer) -> Result<MqttConnection, AttemptOutcome> {
    dialer.open(&peer, |stream, host| greet(&dialer, &peer, stream, host)).await
}

async fn greet(
    dialer: &Dialer,
    peer: &Peer,
    stream: TcpStream,
    host: String,
) -> Result<MqttConnection, AttemptOutcome> {
    let mut stream = dialer.begin(stream, peer, &host).await?;
    let (user, password) = (peer.username(), peer.password());
    // Version 5, a new session, no signs of life: a broker that is gone is noticed by the answer that does not come. It
    // gives us a name.
    let flags = 0x02 | if user.is_some() { 0x80 } else { 0 } | if password.is_some() { 0x40 } else { 0 };
    let mut hello = [text("MQTT")?, vec![5, flags, 0, 0, 0], text("")?].concat();
    for credential in [user, password].into_iter().flatten() {
        hello.extend(text(credential)?);
    }
    stream.write_all(&packet(CONNECT, &hello)).await.map_err(|error| broken(&error))?;
    stream.flush().await.map_err(|error| broken(&error))?;
    let (kind, answer) = read_packet(&mut stream).await?;
    let (CONNACK, [_flags, code, properties @ ..]) = (kind & 0xF0, answer.as_slice()) else {
        return Err(failed("what answers is no MQTT broker"));
    };
    match code {
        0 => {}
        0x01 | 0x84 => return Err(failed("the broker does not speak MQTT 5")),
        0x86 | 0x87 | 0x8C => return Err(failed("the broker does not let us in")),
        code => return Err(failed(&format!("the broker does not let us in, reason 0x{code:02X}"))),
    }
    let (receive_maximum, packet_bytes_max) = bounds(properties);
    let shared = Arc::new(Shared {
        packet_bytes_max,
        unanswered: Semaphore::new(usize::from(receive_maximum)),
        waiting: Mutex::default(),
    });
    let (receiving, sending) = tokio::io::split(stream);
    let (writes, to_write) = mpsc::channel(WAITING_MAX);
    tokio::spawn(run(Arc::clone(&shared), receiving, sending, to_write));
    Ok(MqttConnection { writes, shared })
}

impl MqttConnection {
    /// Publishes a message and waits until the broker has it.
    pub(super) async fn publish(&self, to: &MqttTopic, topic: &str, message: &Message) -> AttemptOutcome {
        if let Err(reason) = check_mqtt_topic(topic) {
            return AttemptOutcome::RequestInvalid { reason: format!("the URL {reason}: '{topic}'") };
        }
        let Ok(_turn) = self.shared.unanswered.acquire().await else { return gone() };
        let (answered, answer) = oneshot::channel();
        let number = lock(&self.shared.waiting).add(answered);
        let _forgotten = Forgotten { shared: &self.shared, number };
        let packet = match publication(to, topic, number, message) {
            Ok(packet) => packet,
            Err(outcome) => return outcome,
        };
        if u32::try_from(packet.len()).map_or(true, |length| length > self.shared.packet_bytes_max) {
            let reason = format!("{} bytes are more than its maximum packet size", packet.len());
            return AttemptOutcome::Rejected { reason };
        }
        if self.writes.send(packet).await.is_err() {
            return gone();
        }
        match answer.await {
            // Whether somebody has subscribed is not for the publisher to mind.
            Ok(0x00 | 0x10) => AttemptOutcome::Delivered,
            Ok(0x87) => AttemptOutcome::Rejected { reason: "not authorized".to_owned() },
            Ok(0x90) => AttemptOutcome::Rejected { reason: "the topic name is invalid".to_owned() },
            Ok(0x99) => AttemptOutcome::Rejected { reason: "the payload format is invalid".to_owned() },
            Ok(code) => failed(&format!("the broker's reason is 0x{code:02X}")),
            Err(_) => gone(),
        }
    }
}

/// The packet that publishes a message.
fn publication(to: &MqttTopic, topic: &str, number: u16, message: &Message) -> Result<Vec<u8>, AttemptOutcome> {
    let mut properties = [vec![CONTENT_TYPE], text("application/json")?].concat();
    let id = ("eventyard-event-id".to_owned(), message.event.to_string());
    for (name, value) in message.headers.iter().chain([&id]) {
        properties.extend([vec![USER_PROPERTY], text(name)?, text(value)?].concat());
    }
    let length = variable(properties.len());
    let head = [text(topic)?, number.to_be_bytes().to_vec(), length, properties].concat();
    let kind = PUBLISH | AT_LEAST_ONCE | if to.retain { RETAIN } else { 0 };
    Ok(packet(kind, &[&head, message.body.as_bytes()].concat()))
}

/// A wait for an answer; who gives it up leaves nothing behind.
struct Forgotten<'a> {
    shared: &'a Shared,
    number: u16,
}

impl Drop for Forgotten<'_> {
    fn drop(&mut self) {
        lock(&self.shared.waiting).answers.remove(&self.number);
    }
}

impl Waiting {
    /// The next number that nobody waits with; there are more of them than messages without an answer.
    fn add(&mut self, answered: oneshot::Sender<u8>) -> u16 {
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.answers.contains_key(&self.last) {
                self.answers.insert(self.last, answered);
                return self.last;
            }
        }
    }
}

/// Reads and writes until either ends, or nobody is left to write for; then nobody waits any longer.
async fn run(
    shared: Arc<Shared>,
    receiving: ReadHalf<Box<dyn Stream>>,
    sending: WriteHalf<Box<dyn Stream>>,
    mut to_write: mpsc::Receiver<Vec<u8>>,
) {
    tokio::select! {
        () = write(sending, &mut to_write) => {}
        () = async {
            let mut reader = BufReader::new(receiving);
            while let Ok((kind, packet)) = read_packet(&mut reader).await && kind & 0xF0 != DISCONNECT {
                if kind & 0xF0 == PUBACK && let [high, low, rest @ ..] = packet.as_slice() {
                    let answered = lock(&shared.waiting).answers.remove(&u16::from_be_bytes([*high, *low]));
                    let _ = answered.map(|answered| answered.send(rest.first().copied().unwrap_or(0)));
                }
            }
        } => {}
    }
    to_write.close();
    shared.unanswered.close();
    lock(&shared.waiting).answers.clear();
}

async fn write(mut writer: WriteHalf<Box<dyn Stream>>, to_write: &mut mpsc::Receiver<Vec<u8>>) {
    while let Some(mut bytes) = to_write.recv().await {
        // What waits goes out together.
        while let Ok(next) = to_write.try_recv() {
            bytes.extend(next);
        }
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.write_all(&packet(DISCONNECT, &[])).await;
    let _ = writer.flush().await;
}

/// The first byte of a packet, and what follows its length.
async fn read_packet(reader: &mut (impl AsyncRead + Unpin)) -> Result<(u8, Vec<u8>), AttemptOutcome> {
    let kind = reader.read_u8().await.map_err(|error| broken(&error))?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = reader.read_u8().await.map_err(|error| broken(&error))?;
        length |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
        if shift > 21 {
            return Err(failed("what answers is no MQTT broker"));
        }
    }
    if length > PACKET_BYTES_MAX {
        return Err(failed("the broker sent a packet that is too long"));
    }
    let mut packet = vec![0; length];
    reader.read_exact(&mut packet).await.map_err(|error| broken(&error))?;
    Ok((kind, packet))
}

/// The broker's Receive Maximum and Maximum Packet Size, from the properties of a CONNACK with their length. Both have a
/// default, which also counts for what stands behind a property that nobody knows.
fn bounds(properties: &[u8]) -> (u16, u32) {
    let (mut receive_maximum, mut packet_bytes_max) = (u16::MAX, u32::MAX);
    // They are few, so their length has one byte, or two.
    let mut rest = match properties {
        [first, _, rest @ ..] if first & 0x80 != 0 => rest,
        [_, rest @ ..] => rest,
        [] => properties,
    };
    while let [id, value @ ..] = rest {
        let number = |bytes: usize| value.get(..bytes).map(|bytes| bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
        let after_text =
            |at: usize| Some(at + 2 + usize::from(u16::from_be_bytes([*value.get(at)?, *value.get(at + 1)?])));
        let length = match id {
            0x24 | 0x25 | 0x28..=0x2A => Some(1),
            0x13 | 0x21 | 0x22 => Some(2),
            0x11 | 0x27 => Some(4),
            0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F => after_text(0),
            &USER_PROPERTY => after_text(0).and_then(after_text),
            _ => None,
        };
        match (*id, number(2), number(4)) {
            (RECEIVE_MAXIMUM, Some(number), _) => receive_maximum = u16::try_from(number).unwrap_or(u16::MAX).max(1),
            (MAXIMUM_PACKET_SIZE, _, Some(number)) => packet_bytes_max = number,
            _ => {}
        }
        rest = length.and_then(|length| value.get(length..)).unwrap_or_default();
    }
    (receive_maximum, packet_bytes_max)
}

fn packet(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind], variable(content.len()).as_slice(), content].concat()
}

/// A length in as many bytes as it takes.
fn variable(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(length & 0x7F).unwrap_or_default();
        length >>= 7;
        if length == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A text with its length in front.
///
/// # Errors
/// When it has more than the 65,535 bytes that fit.
fn text(text: &str) -> Result<Vec<u8>, AttemptOutcome> {
    let length = u16::try_from(text.len()).map_err(|_| {
        let reason = format!("a text of MQTT has at most 65535 bytes, and one has {}", text.len());
        AttemptOutcome::RequestInvalid { reason }
    })?;
    Ok([&length.to_be_bytes(), text.as_bytes()].concat())
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read() {
        for length in [0, 127, 128, 16_383, 16_384, 65_536] {
            let bytes = packet(PUBACK, &vec![7; length]);
            assert_eq!(read_packet(&mut bytes.as_slice()).await.unwrap(), (PUBACK, vec![7; length]));
        }
        assert!(read_packet(&mut packet(PUBACK, &vec![0; 65_537]).as_slice()).await.is_err());
        assert!(read_packet(&mut [PUBACK, 0xFF, 0xFF, 0xFF, 0xFF, 1].as_slice()).await.is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_a_packet_or_refused(bytes: Vec<u8>) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            if let Ok((_, packet)) = runtime.block_on(read_packet(&mut bytes.as_slice())) {
                proptest::prop_assert!(bytes.ends_with(&packet) || packet.len() < bytes.len());
            }
            let (receive_maximum, _) = bounds(&bytes);
            proptest::prop_assert!(receive_maximum > 0);
        }
    }

    #[test]
    fn a_broker_says_what_it_takes() {
        let name = b"\x12\x00\x02us\x26\x00\x01a\x00\x01b".as_slice();
        let bounded = [name, &[RECEIVE_MAXIMUM, 0, 20, MAXIMUM_PACKET_SIZE, 0, 1, 0, 0]].concat();
        let properties = [variable(bounded.len()), bounded].concat();
        assert_eq!(bounds(&properties), (20, 65_536));
        assert_eq!(bounds(&[0]), (u16::MAX, u32::MAX));
        for cut in 0..properties.len() {
            let _ = bounds(&properties[..cut]);
        }
    }
}
