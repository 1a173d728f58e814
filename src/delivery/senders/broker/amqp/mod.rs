//! AMQP 0-9-1, as `RabbitMQ` speaks it: publishes to an exchange, with publisher confirms.
//!
//! Each exchange has a connection of its own: the broker answers a message for an exchange that is not there by closing the
//! channel, and with it goes the fate of everything else on it.

mod frames;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::AmqpExchange;
use tokio::io::{AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use frames::{Bytes, Fields, Frame};

use super::Message;
use super::dial::{Dialer, Peer, Stream, broken, gone};
use super::pool::Line;

/// Messages that wait to be written.
const WAITING_MAX: usize = 64;
/// The one channel.
const CHANNEL: u16 = 1;
/// What is said where the configuration knows nothing better; `RabbitMQ` takes it from its own machine only.
const GUEST: &str = "guest";

/// The exchange of a virtual host that a connection is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AmqpPlace {
    pub(super) peer: Peer,
    pub(super) virtual_host: String,
    pub(super) exchange: String,
}

/// A connection to a broker, for one exchange.
#[derive(Clone, Debug)]
pub(super) struct AmqpConnection {
    writes: mpsc::Sender<Write>,
    /// Largest frame, in bytes.
    frame_max: usize,
}

/// A message as frames, and who waits for its confirmation.
#[derive(Debug)]
struct Write {
    frames: Vec<u8>,
    waits: Waits,
}

#[derive(Debug)]
struct Waits {
    /// By which a message that comes back is known.
    message_id: String,
    routing_key: String,
    confirmed: oneshot::Sender<AttemptOutcome>,
}

/// What the broker owes an answer.
#[derive(Debug, Default)]
struct Unconfirmed {
    messages: BTreeMap<u64, Waits>,
    /// What came back, because no queue wanted it. Its confirmation follows.
    returned: HashSet<String>,
}

impl Line for AmqpConnection {
    fn is_open(&self) -> bool {
        !self.writes.is_closed()
    }
}

/// Opens a connection.
///
/// # Errors
/// When the broker cannot be reached, or does not let us in.
pub(super) async fn connect(dialer: Dialer, place: AmqpPlace) -> Result<AmqpConnection, AttemptOutcome> {
    dialer.open(&place.peer, |stream, host| greet(&dialer, &place, stream, host)).await
}

async fn greet(
    dialer: &Dialer,
    place: &AmqpPlace,
    stream: TcpStream,
    host: String,
) -> Result<AmqpConnection, AttemptOutcome> {
    let peer = &place.peer;
    let mut stream = dialer.begin(stream, peer, &host).await?;
    let tune = say(&mut stream, b"AMQP\x00\x00\x09\x01".to_vec(), frames::CONNECTION_START).await?;
    drop(tune);
    let tune = say(&mut stream, start_ok(peer).frame(frames::METHOD, 0), frames::CONNECTION_TUNE).await?;
    let frame_max = tune.method().and_then(|(_, mut fields)| fields.u16().and(fields.u32())).unwrap_or_default();
    let frame_max = if frame_max == 0 { 131_072 } else { frame_max };
    // One channel, and no heartbeats: a broker that is gone is noticed by the confirmation that does not come.
    let tune_ok = frames::method(frames::CONNECTION_TUNE_OK).u16(CHANNEL).u32(frame_max).u16(0);
    let open = frames::method(frames::CONNECTION_OPEN).short_text(&place.virtual_host).u8(0).u8(0);
    let both = [tune_ok.frame(frames::METHOD, 0), open.frame(frames::METHOD, 0)].concat();
    say(&mut stream, both, frames::CONNECTION_OPEN_OK).await?;
    let open = frames::method(frames::CHANNEL_OPEN).u8(0).frame(frames::METHOD, CHANNEL);
    say(&mut stream, open, frames::CHANNEL_OPEN_OK).await?;
    let select = frames::method(frames::CONFIRM_SELECT).u8(0).frame(frames::METHOD, CHANNEL);
    say(&mut stream, select, frames::CONFIRM_SELECT_OK).await?;
    let (receiving, sending) = tokio::io::split(stream);
    let (writes, to_write) = mpsc::channel(WAITING_MAX);
    tokio::spawn(run(receiving, sending, to_write));
    Ok(AmqpConnection { writes, frame_max: usize::try_from(frame_max).unwrap_or(usize::MAX) })
}

/// Who we are, and what we know to do.
fn start_ok(peer: &Peer) -> Bytes {
    let capability = |bytes: Bytes, name: &str| bytes.short_text(name).u8(b't').u8(1);
    let capabilities = ["authentication_failure_close", "publisher_confirms", "basic.nack"];
    let capabilities = capabilities.into_iter().fold(Bytes::default(), capability);
    let capabilities = Bytes::default().short_text("capabilities").u8(b'F').long_text(&capabilities.0);
    let names = [("product", "eventyard"), ("version", env!("CARGO_PKG_VERSION"))];
    let names = names.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let shows_certificate = peer.connection.as_ref().is_some_and(|it| it.client_certificate.is_some());
    let (mechanism, proof) = match (peer.username(), peer.password()) {
        (None, None) if shows_certificate => ("EXTERNAL", String::new()),
        (user, password) => ("PLAIN", format!("\0{}\0{}", user.unwrap_or(GUEST), password.unwrap_or(GUEST))),
    };
    frames::method(frames::CONNECTION_START_OK)
        .table(capabilities.0, &names)
        .short_text(mechanism)
        .long_text(proof.as_bytes())
        .short_text("en_US")
}

/// Says something and reads what answers it.
async fn say(stream: &mut Box<dyn Stream>, bytes: Vec<u8>, answer: (u16, u16)) -> Result<Frame, AttemptOutcome> {
    stream.write_all(&bytes).await.map_err(|error| broken(&error))?;
    stream.flush().await.map_err(|error| broken(&error))?;
    loop {
        let frame = Frame::read(stream).await.map_err(|error| broken(&error))?;
        match frame.method() {
            Some((method, _)) if method == answer => return Ok(frame),
            Some((frames::CONNECTION_CLOSE | frames::CHANNEL_CLOSE, fields)) => {
                let (_, reason) = closed(fields);
                return Err(AttemptOutcome::NotConfirmed { reason });
            }
            _ => {}
        }
    }
}

/// The code and the text of a close.
fn closed(mut fields: Fields<'_>) -> (u16, String) {
    let code = fields.u16().unwrap_or_default();
    (code, format!("{code} {}", fields.short_text().unwrap_or_default()))
}

/// How a connection ended.
#[derive(Debug)]
enum End {
    Broken(AttemptOutcome),
    /// The broker closed it, for this reason.
    Closed(u16, String),
}

impl End {
    /// How the attempt at a message ended that had no confirmation yet. The broker closes the channel over one message; which
    /// one that was is certain where it was `alone`, or where the text names its routing key.
    fn of(&self, routing_key: &str, alone: bool) -> AttemptOutcome {
        const NOT_THIS_KEY: &str = "access to topic '";
        match self {
            Self::Broken(outcome) => outcome.clone(),
            Self::Closed(code, reason) => {
                let reason = reason.clone();
                let is_refused = match code {
                    404 => true,
                    403 => {
                        alone
                            || !reason.contains(NOT_THIS_KEY)
                            || reason.contains(&format!("{NOT_THIS_KEY}{routing_key}'"))
                    }
                    _ => false,
                };
                if is_refused { AttemptOutcome::Rejected { reason } } else { AttemptOutcome::NotConfirmed { reason } }
            }
        }
    }
}

impl AmqpConnection {
    /// Publishes a message and waits until the broker has taken it.
    pub(super) async fn publish(&self, to: &AmqpExchange, routing_key: String, message: &Message) -> AttemptOutcome {
        let longest = message.headers.iter().map(|(name, _)| name.len()).chain([routing_key.len()]).max();
        if longest.is_some_and(|length| length > 255) {
            let reason = "the routing key or the name of a header has more than 255 bytes".to_owned();
            return AttemptOutcome::RequestInvalid { reason };
        }
        let body = message.body.as_bytes();
        let publish = frames::method(frames::BASIC_PUBLISH)
            .u16(0)
            .short_text(&to.exchange)
            .short_text(&routing_key)
            .u8(u8::from(to.mandatory));
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let mut headers = message.headers.clone();
        headers.push(("eventyard-event-id".to_owned(), message.event.to_string()));
        let header = frames::content(size, &message.id, &headers, !to.persistent);
        // Unlike a body, a header is one frame, and one that is too large would be the end of the connection.
        let room = self.frame_max.saturating_sub(frames::AROUND_BYTES);
        if header.0.len() > room {
            let reason = format!("the headers take {} bytes, and the broker takes {room} at most", header.0.len());
            return AttemptOutcome::RequestInvalid { reason };
        }
        let mut bytes = publish.frame(frames::METHOD, CHANNEL);
        bytes.extend(header.frame(frames::HEADER, CHANNEL));
        for part in body.chunks(room.max(1)) {
            bytes.extend(Bytes(part.to_vec()).frame(frames::BODY, CHANNEL));
        }
        let (confirmed, confirmation) = oneshot::channel();
        let waits = Waits { message_id: message.id.clone(), routing_key, confirmed };
        if self.writes.send(Write { frames: bytes, waits }).await.is_err() {
            return gone();
        }
        confirmation.await.unwrap_or_else(|_| gone())
    }
}

/// Reads and writes until either ends, or nobody is left to write for; then nobody waits any longer.
async fn run(
    receiving: ReadHalf<Box<dyn Stream>>,
    sending: WriteHalf<Box<dyn Stream>>,
    mut to_write: mpsc::Receiver<Write>,
) {
    let unconfirmed = Arc::new(Mutex::new(Unconfirmed::default()));
    let end = tokio::select! {
        () = write(&unconfirmed, sending, &mut to_write) => End::Broken(gone()),
        end = read(&unconfirmed, BufReader::new(receiving)) => end,
    };
    to_write.close();
    let messages = std::mem::take(&mut lock(&unconfirmed).messages);
    let alone = messages.len() == 1;
    for waits in messages.into_values() {
        let _ = waits.confirmed.send(end.of(&waits.routing_key, alone));
    }
}

async fn write(
    unconfirmed: &Mutex<Unconfirmed>,
    mut writer: WriteHalf<Box<dyn Stream>>,
    to_write: &mut mpsc::Receiver<Write>,
) {
    let mut number = 0;
    while let Some(first) = to_write.recv().await {
        let (mut bytes, mut next) = (Vec::new(), Some(first));
        // What waits goes out together.
        while let Some(Write { frames, waits }) = next {
            number += 1;
            bytes.extend(frames);
            lock(unconfirmed).messages.insert(number, waits);
            next = to_write.try_recv().ok();
        }
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let close = frames::method(frames::CONNECTION_CLOSE).u16(200).short_text("").u16(0).u16(0);
    let _ = writer.write_all(&close.frame(frames::METHOD, 0)).await;
    let _ = writer.flush().await;
}

/// Reads what the broker says until it says no more.
async fn read(unconfirmed: &Mutex<Unconfirmed>, mut reader: BufReader<ReadHalf<Box<dyn Stream>>>) -> End {
    loop {
        let frame = match Frame::read(&mut reader).await {
            Ok(frame) => frame,
            Err(error) => return End::Broken(broken(&error)),
        };
        // Only what comes back has a content header.
        if frame.kind == frames::HEADER
            && let Some((_, Some(id))) = frame.content()
        {
            lock(unconfirmed).returned.insert(id);
        }
        let Some((method, mut fields)) = frame.method() else { continue };
        match method {
            frames::BASIC_ACK | frames::BASIC_NACK => {
                let (number, bits) = (fields.u64().unwrap_or_default(), fields.u8().unwrap_or_default());
                lock(unconfirmed).confirm(number, bits & 1 == 1, method == frames::BASIC_ACK);
            }
            frames::CHANNEL_CLOSE | frames::CONNECTION_CLOSE => {
                let (code, reason) = closed(fields);
                return End::Closed(code, reason);
            }
            _ => {}
        }
    }
}

impl Unconfirmed {
    /// The message of this number, or all up to it, were taken or not.
    fn confirm(&mut self, number: u64, all: bool, taken: bool) {
        let done = if all {
            let rest = self.messages.split_off(&(number + 1));
            std::mem::replace(&mut self.messages, rest)
        } else {
            self.messages.remove_entry(&number).into_iter().collect()
        };
        for waits in done.into_values() {
            let came_back = self.returned.remove(&waits.message_id);
            let outcome = match (taken, came_back) {
                (true, false) => AttemptOutcome::Delivered,
                (_, true) => rejected("no queue is bound to the exchange for this routing key"),
                (false, false) => AttemptOutcome::NotConfirmed { reason: "the broker did not confirm it".to_owned() },
            };
            let _ = waits.confirmed.send(outcome);
        }
    }
}

fn lock(unconfirmed: &Mutex<Unconfirmed>) -> MutexGuard<'_, Unconfirmed> {
    unconfirmed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rejected(reason: &str) -> AttemptOutcome {
    AttemptOutcome::Rejected { reason: reason.to_owned() }
}
