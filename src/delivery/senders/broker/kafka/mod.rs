//! Kafka: writes a record to a partition of a topic. All replicas in sync have it when that is confirmed.
//!
//! Written out here because the two libraries do not fit: rdkafka builds a library in C, rskafka dials by itself wherever a
//! broker points, past the guard over addresses.

mod topics;
mod wire;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::BrokerServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Message;
use super::dial::{Dialer, Peer, Stream, broken, failed, gone};
use super::pool::{Line, Pool};
use topics::{Topic, Topics};
use wire::{Bytes, Fields, batch, murmur2};

/// Longest answer, in bytes: the description of a topic with some hundred thousand partitions.
const ANSWER_BYTES_MAX: i32 = 16 * 1024 * 1024;
/// Questions that wait to be written.
const WAITING_MAX: usize = 64;

/// What can be asked, with the version of the question that brokers from 0.11 to 4 understand.
const PRODUCE: (i16, i16) = (0, 3);
const METADATA: (i16, i16) = (3, 4);
const SASL_HANDSHAKE: (i16, i16) = (17, 1);
const SASL_AUTHENTICATE: (i16, i16) = (36, 0);

/// Writes to Kafka.
#[derive(Debug, Default)]
pub(super) struct KafkaProducer {
    lines: Pool<KafkaConnection>,
    topics: Mutex<Topics<(Peer, String)>>,
}

/// A connection to one broker.
#[derive(Clone, Debug)]
struct KafkaConnection {
    calls: mpsc::Sender<Call>,
}

#[derive(Debug)]
struct Call {
    question: Vec<u8>,
    answered: oneshot::Sender<Vec<u8>>,
}

impl Line for KafkaConnection {
    fn is_open(&self) -> bool {
        !self.calls.is_closed()
    }
}

impl KafkaProducer {
    /// Writes a record to the partition that its key says, or its id where it has none.
    pub(super) async fn write(
        &self,
        dialer: &Dialer,
        peer: Peer,
        topic: &str,
        key: Option<&str>,
        message: &Message,
    ) -> Result<AttemptOutcome, AttemptOutcome> {
        let place = (peer, topic.to_owned());
        let written = self.try_write(dialer, &place, key, message).await;
        // The leader may be another one by now.
        if !matches!(written, Ok(AttemptOutcome::Delivered | AttemptOutcome::Rejected { .. })) {
            lock(&self.topics).forget(&place);
        }
        written
    }

    async fn try_write(
        &self,
        dialer: &Dialer,
        place: &(Peer, String),
        key: Option<&str>,
        message: &Message,
    ) -> Result<AttemptOutcome, AttemptOutcome> {
        let (peer, name) = place;
        let topic = self.topic(dialer, place).await?;
        let id = message.event.to_string();
        let hash = usize::try_from(murmur2(key.unwrap_or(&id).as_bytes()) & 0x7fff_ffff).unwrap_or_default();
        let partition = hash.checked_rem(topic.leaders.len()).ok_or_else(|| failed("the topic has no partitions"))?;
        let leader = topic.leaders[partition].clone().ok_or_else(|| failed("the partition has no leader"))?;
        let server = BrokerServer { addresses: vec![leader], tls: peer.server.tls };
        let leader = Peer { server, ..peer.clone() };
        let mut headers = message.headers.clone();
        headers.push(("eventyard-event-id".to_owned(), id));
        let records = batch(message.received_ms, key.map(str::as_bytes), message.body.as_bytes(), &headers);
        let question = produce((name, partition), message.response_timeout, &records);
        let answer = self.call(dialer, &leader, PRODUCE, question).await?;
        let mut fields = Fields(&answer);
        let code = (|| {
            let (_topics, _name, _partitions) = (fields.i32()?, fields.text()?, fields.i32()?);
            fields.i32().and_then(|_partition| fields.i16())
        })();
        Ok(outcome(code.ok_or_else(unintelligible)?))
    }

    /// What is known of a topic, asked for where nothing is.
    async fn topic(&self, dialer: &Dialer, place: &(Peer, String)) -> Result<Arc<Topic>, AttemptOutcome> {
        if let Some(known) = lock(&self.topics).get(place, Instant::now()) {
            return Ok(known);
        }
        // Whether a topic is made that is not there is for the broker to say.
        let question = Bytes::default().i32(1).text(&place.1).i8(1);
        let answer = self.call(dialer, &place.0, METADATA, question).await?;
        let (code, topic) = topics::read(&answer).ok_or_else(unintelligible)?;
        if code != 0 {
            return Err(outcome(code));
        }
        let topic = Arc::new(topic);
        lock(&self.topics).remember(place.clone(), Arc::clone(&topic), Instant::now());
        Ok(topic)
    }

    async fn call(
        &self,
        dialer: &Dialer,
        peer: &Peer,
        api: (i16, i16),
        question: Bytes,
    ) -> Result<Vec<u8>, AttemptOutcome> {
        let line = self.lines.get(peer, connect(dialer.clone(), peer.clone())).await?;
        self.lines.watch(peer, line.call(api, question)).await
    }
}

async fn connect(dialer: Dialer, peer: Peer) -> Result<KafkaConnection, AttemptOutcome> {
    dialer.open(&peer, |stream, host| greet(&dialer, &peer, stream, host)).await
}

async fn greet(
    dialer: &Dialer,
    peer: &Peer,
    stream: TcpStream,
    host: String,
) -> Result<KafkaConnection, AttemptOutcome> {
    let stream = dialer.begin(stream, peer, &host).await?;
    let (receiving, sending) = tokio::io::split(stream);
    let (calls, to_call) = mpsc::channel(WAITING_MAX);
    tokio::spawn(run(receiving, sending, to_call));
    let line = KafkaConnection { calls };
    if let Some(password) = peer.password() {
        let answer = line.call(SASL_HANDSHAKE, Bytes::default().text("PLAIN")).await?;
        if Fields(&answer).i16() != Some(0) {
            return Err(failed("the broker does not take passwords by SASL PLAIN"));
        }
        let proof = format!("\0{}\0{password}", peer.username().unwrap_or_default());
        let answer = line.call(SASL_AUTHENTICATE, Bytes::default().bytes(proof.as_bytes())).await?;
        let mut fields = Fields(&answer);
        if fields.i16() != Some(0) {
            let said = fields.text().unwrap_or_default();
            return Err(failed(&format!("the broker does not let us in: {said}")));
        }
    }
    Ok(line)
}

impl KafkaConnection {
    async fn call(&self, (api, version): (i16, i16), question: Bytes) -> Result<Vec<u8>, AttemptOutcome> {
        let (answered, answer) = oneshot::channel();
        // Answers come in the order of the questions, so their number says nothing.
        let mut head = Bytes::default().i16(api).i16(version).i32(0).text("eventyard").0;
        head.extend(question.0);
        let call = Call { question: Bytes::default().bytes(&head).0, answered };
        self.calls.send(call).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

/// Reads and writes until either ends, or nobody is left to ask; then nobody waits any longer.
async fn run(
    receiving: ReadHalf<Box<dyn Stream>>,
    sending: WriteHalf<Box<dyn Stream>>,
    mut to_call: mpsc::Receiver<Call>,
) {
    let waiting = Mutex::new(VecDeque::new());
    tokio::select! {
        () = write(&waiting, sending, &mut to_call) => {}
        () = async {
            let mut reader = BufReader::new(receiving);
            while read(&waiting, &mut reader).await.is_ok() {}
        } => {}
    }
}

type Waiting = Mutex<VecDeque<oneshot::Sender<Vec<u8>>>>;

async fn write(waiting: &Waiting, mut writer: WriteHalf<Box<dyn Stream>>, to_call: &mut mpsc::Receiver<Call>) {
    while let Some(first) = to_call.recv().await {
        let (mut bytes, mut next) = (Vec::new(), Some(first));
        // What waits goes out together.
        while let Some(Call { question, answered }) = next {
            bytes.extend(question);
            lock(waiting).push_back(answered);
            next = to_call.try_recv().ok();
        }
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

/// Reads one answer. The error means that there are no more.
async fn read(waiting: &Waiting, reader: &mut BufReader<ReadHalf<Box<dyn Stream>>>) -> Result<(), AttemptOutcome> {
    let size = reader.read_i32().await.map_err(|error| broken(&error))?;
    let size = usize::try_from(size.clamp(0, ANSWER_BYTES_MAX)).unwrap_or_default();
    let mut answer = vec![0; size];
    reader.read_exact(&mut answer).await.map_err(|error| broken(&error))?;
    let waits = lock(waiting).pop_front().ok_or_else(gone)?;
    let _ = waits.send(answer.split_off(answer.len().min(4)));
    Ok(())
}

/// What an error code of Kafka means. Most of them speak of brokers that are busy with themselves.
fn outcome(code: i16) -> AttemptOutcome {
    let said = |text: &str| format!("Kafka's error {code}, {text}");
    match code {
        0 => AttemptOutcome::Delivered,
        10 => AttemptOutcome::Rejected { reason: said("MESSAGE_TOO_LARGE") },
        17 => AttemptOutcome::Rejected { reason: said("INVALID_TOPIC_EXCEPTION") },
        18 => AttemptOutcome::Rejected { reason: said("RECORD_LIST_TOO_LARGE") },
        29 => AttemptOutcome::Rejected { reason: said("TOPIC_AUTHORIZATION_FAILED") },
        87 => AttemptOutcome::Rejected { reason: said("INVALID_RECORD") },
        3 => failed(&said("UNKNOWN_TOPIC_OR_PARTITION")),
        5 => failed(&said("LEADER_NOT_AVAILABLE")),
        6 => failed(&said("NOT_LEADER_OR_FOLLOWER")),
        19 => failed(&said("NOT_ENOUGH_REPLICAS")),
        _ => failed(&format!("Kafka's error {code}")),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unintelligible() -> AttemptOutcome {
    failed("the broker's answer is not what Kafka's protocol says")
}

/// The question that writes to a partition of a topic: no transaction, all replicas in sync within the time, one topic and
/// one partition.
fn produce((topic, partition): (&str, usize), timeout: Duration, records: &[u8]) -> Bytes {
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let question = Bytes::default().i16(-1).i16(-1).i32(timeout_ms).i32(1).text(topic);
    question.i32(1).i32(i32::try_from(partition).unwrap_or_default()).bytes(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_given_the_time_that_the_attempt_has() {
        let timeout = |timeout| produce(("t", 0), timeout, &[]).0[4..8].to_vec();
        assert_eq!(timeout(Duration::from_millis(1_234)), 1_234_i32.to_be_bytes());
        assert_eq!(timeout(Duration::MAX), i32::MAX.to_be_bytes());
    }
}
