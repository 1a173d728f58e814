//! NATS: publishes to a subject.
//!
//! Written out here because the confirmation is the point: a PING follows each message, and its PONG says that the server has
//! processed the message before it. Clients that only flush know no more than that the system took the bytes.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::check_nats_subject;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};

use super::Message;
use super::dial::{Dialer, Peer, Stream, broken, failed, gone};
use super::pool::Line;

/// Longest line of a server, in bytes; its INFO may name many other servers.
const LINE_BYTES_MAX: u64 = 65_536;
/// Longest answer of `JetStream`, in bytes.
const ANSWER_BYTES_MAX: usize = 65_536;
/// Messages that wait to be written.
const WAITING_MAX: usize = 64;

/// A connection to a NATS server.
#[derive(Clone, Debug)]
pub(super) struct NatsConnection {
    writes: mpsc::Sender<Write>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    max_payload: usize,
    /// Where the answers of `JetStream` come, without the number of the message at the end; none where they are not asked for.
    inbox: Option<String>,
    next_reply: AtomicU64,
    waiting: Mutex<Waiting>,
    /// The server wants to know whether we are there.
    ping: Notify,
}

/// Who waits for what.
#[derive(Debug, Default)]
struct Waiting {
    /// For the PONG of each PING, in their order.
    pongs: VecDeque<oneshot::Sender<Result<(), String>>>,
    /// What the server said against the message whose PONG is next.
    error: Option<String>,
    /// For answers of `JetStream`, by the number at the end of the inbox.
    replies: HashMap<u64, oneshot::Sender<Vec<u8>>>,
}

/// A message and its PING, as bytes.
#[derive(Debug)]
struct Write {
    bytes: Vec<u8>,
    pong: oneshot::Sender<Result<(), String>>,
}

/// What a server says of itself.
#[derive(Debug, Deserialize)]
struct Info {
    #[serde(default)]
    headers: bool,
    #[serde(default)]
    tls_required: bool,
    max_payload: usize,
}

impl Line for NatsConnection {
    fn is_open(&self) -> bool {
        !self.writes.is_closed()
    }
}

/// Opens a connection. With an `inbox` each message waits for the answer of a stream, which comes to a subject that begins
/// with it; without one nothing is subscribed to, which not every user may.
///
/// # Errors
/// When no server can be reached, or it does not let us in.
pub(super) async fn connect(
    dialer: Dialer,
    peer: Peer,
    inbox: Option<String>,
) -> Result<NatsConnection, AttemptOutcome> {
    dialer.open(&peer, |stream, host| greet(&dialer, &peer, stream, host, inbox.clone())).await
}

async fn greet(
    dialer: &Dialer,
    peer: &Peer,
    stream: TcpStream,
    host: String,
    inbox: Option<String>,
) -> Result<NatsConnection, AttemptOutcome> {
    let mut stream: Box<dyn Stream> = Box::new(stream);
    // The server speaks first, and nothing more until it was answered, so a reader that is thrown away has read no more.
    let line = line(&mut BufReader::new(&mut stream)).await?;
    let info: Info = line
        .strip_prefix("INFO ")
        .and_then(|info| serde_json::from_str(info).ok())
        .ok_or_else(|| failed("what answers is no NATS server"))?;
    if !info.headers {
        return Err(failed("the server knows no headers; 2.2 is the oldest that does"));
    }
    if peer.server.tls || info.tls_required {
        stream = dialer.tls(stream, peer, &host).await?;
    }
    // A password without a name is what NATS calls a token.
    let (user, password) = (peer.username(), peer.password());
    let token = password.filter(|_| user.is_none());
    let hello = serde_json::json!({
        "verbose": false, "pedantic": false, "lang": "rust", "version": env!("CARGO_PKG_VERSION"), "name": "eventyard",
        "protocol": 1, "echo": false, "headers": true, "no_responders": true, "tls_required": peer.server.tls,
        "user": user, "pass": password.filter(|_| user.is_some()), "auth_token": token,
    });
    let subscription = inbox.as_ref().map(|inbox| format!("SUB {inbox}.* 1\r\n")).unwrap_or_default();
    let hello = format!("CONNECT {hello}\r\n{subscription}PING\r\n");
    stream.write_all(hello.as_bytes()).await.map_err(|error| broken(&error))?;
    stream.flush().await.map_err(|error| broken(&error))?;
    let (receiving, sending) = tokio::io::split(stream);
    let mut reader = BufReader::new(receiving);
    loop {
        let line = self::line(&mut reader).await?;
        match line.split_once(' ').map_or(line.as_str(), |(word, _)| word) {
            "PONG" => break,
            "-ERR" => return Err(failed(&format!("the server does not let us in: {}", said(&line)))),
            _ => {}
        }
    }
    let shared = Arc::new(Shared {
        max_payload: info.max_payload,
        inbox,
        next_reply: AtomicU64::new(0),
        waiting: Mutex::default(),
        ping: Notify::new(),
    });
    let (writes, to_write) = mpsc::channel(WAITING_MAX);
    tokio::spawn(run(Arc::clone(&shared), reader, sending, to_write));
    Ok(NatsConnection { writes, shared })
}

impl NatsConnection {
    /// Publishes a message and waits until the server has it, and a stream where the connection has an inbox.
    pub(super) async fn publish(&self, subject: &str, message: &Message) -> AttemptOutcome {
        if let Err(reason) = check_nats_subject(subject) {
            return AttemptOutcome::RequestInvalid { reason: format!("the URL {reason}: '{subject}'") };
        }
        let (mut reply, mut answer) = (String::new(), None);
        if let Some(inbox) = &self.shared.inbox {
            let number = self.shared.next_reply.fetch_add(1, Ordering::Relaxed);
            let (told, tells) = oneshot::channel();
            self.shared.waiting().replies.insert(number, told);
            reply = format!(" {inbox}.{number}");
            answer = Some(Answer { shared: &self.shared, number, tells });
        }
        let (headers, body) = (headers(message), &message.body);
        let size = headers.len() + body.len();
        if size > self.shared.max_payload {
            let max = self.shared.max_payload;
            return AttemptOutcome::Rejected { reason: format!("{size} bytes are more than its max_payload, {max}") };
        }
        let text = format!("HPUB {subject}{reply} {} {size}\r\n{headers}{body}\r\nPING\r\n", headers.len());
        let (pong, confirmed) = oneshot::channel();
        if self.writes.send(Write { bytes: text.into_bytes(), pong }).await.is_err() {
            return gone();
        }
        match (confirmed.await, answer) {
            (Err(_), _) => gone(),
            (Ok(Err(reason)), _) => AttemptOutcome::Rejected { reason },
            (Ok(Ok(())), None) => AttemptOutcome::Delivered,
            (Ok(Ok(())), Some(mut answer)) => (&mut answer.tells).await.map_or_else(|_| gone(), |said| stored(&said)),
        }
    }
}

/// An answer that is waited for; who gives up waiting leaves nothing behind.
struct Answer<'a> {
    shared: &'a Shared,
    number: u64,
    tells: oneshot::Receiver<Vec<u8>>,
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        self.shared.waiting().replies.remove(&self.number);
    }
}

impl Shared {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The message's headers, as NATS writes them.
fn headers(message: &Message) -> String {
    let Message { id, event, .. } = message;
    let mut text = format!("NATS/1.0\r\nNats-Msg-Id: {id}\r\neventyard-event-id: {event}\r\n");
    for (name, value) in &message.headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text + "\r\n"
}

/// Reads and writes until either ends, or nobody is left to write for; then nobody waits any longer.
async fn run(
    shared: Arc<Shared>,
    mut reader: BufReader<ReadHalf<Box<dyn Stream>>>,
    writer: WriteHalf<Box<dyn Stream>>,
    mut to_write: mpsc::Receiver<Write>,
) {
    tokio::select! {
        () = write(&shared, writer, &mut to_write) => {}
        () = async { while read(&shared, &mut reader).await.is_ok() {} } => {}
    }
    to_write.close();
    *shared.waiting() = Waiting::default();
}

async fn write(shared: &Shared, mut writer: WriteHalf<Box<dyn Stream>>, to_write: &mut mpsc::Receiver<Write>) {
    loop {
        let mut bytes = Vec::new();
        tokio::select! {
            first = to_write.recv() => {
                let Some(first) = first else { return };
                let mut next = Some(first);
                // What waits goes out together.
                while let Some(Write { bytes: message, pong }) = next {
                    bytes.extend_from_slice(&message);
                    shared.waiting().pongs.push_back(pong);
                    next = to_write.try_recv().ok();
                }
            }
            () = shared.ping.notified() => bytes.extend_from_slice(b"PONG\r\n"),
        }
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

/// Reads one thing the server says. The error means that it says no more.
async fn read(shared: &Shared, reader: &mut BufReader<ReadHalf<Box<dyn Stream>>>) -> Result<(), AttemptOutcome> {
    let line = line(reader).await?;
    let mut words = line.split_ascii_whitespace();
    match words.next() {
        Some("PING") => shared.ping.notify_one(),
        Some("PONG") => {
            let mut waiting = shared.waiting();
            let said = waiting.error.take().map_or(Ok(()), Err);
            if let Some(pong) = waiting.pongs.pop_front() {
                let _ = pong.send(said);
            }
        }
        // It came before the PONG of the message that it is about.
        Some("-ERR") => shared.waiting().error = Some(said(&line)),
        Some("MSG" | "HMSG") => {
            let subject = words.next().unwrap_or_default();
            let size: usize = words.next_back().and_then(|size| size.parse().ok()).unwrap_or(usize::MAX);
            if size > ANSWER_BYTES_MAX {
                return Err(failed("the server sent an answer that is none"));
            }
            let mut answer = vec![0; size + 2];
            reader.read_exact(&mut answer).await.map_err(|error| broken(&error))?;
            answer.truncate(size);
            let number = subject.rsplit('.').next().and_then(|number| number.parse().ok());
            if let Some(reply) = number.and_then(|number| shared.waiting().replies.remove(&number)) {
                let _ = reply.send(answer);
            }
        }
        _ => {}
    }
    Ok(())
}

/// What `JetStream` answered.
#[derive(Debug, Deserialize)]
struct Ack {
    stream: Option<String>,
    error: Option<AckError>,
}

#[derive(Debug, Deserialize)]
struct AckError {
    code: u16,
    description: Option<String>,
}

fn stored(answer: &[u8]) -> AttemptOutcome {
    if answer.starts_with(b"NATS/1.0 503") {
        return failed("no stream has the subject, or JetStream is not there");
    }
    match serde_json::from_slice(answer) {
        Ok(Ack { error: Some(AckError { code, description }), .. }) => {
            let reason = description.unwrap_or_default();
            if code >= 500 { AttemptOutcome::NotConfirmed { reason } } else { AttemptOutcome::Rejected { reason } }
        }
        // Also where it says `duplicate`: only an attempt before this one had the same message id.
        Ok(Ack { stream: Some(_), error: None }) => AttemptOutcome::Delivered,
        _ => failed("what answered was no stream"),
    }
}

async fn line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Result<String, AttemptOutcome> {
    let mut line = Vec::new();
    reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await.map_err(|error| broken(&error))?;
    if line.pop() != Some(b'\n') {
        return Err(gone());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// What an error of the server says, without the word and the quotes around it.
fn said(line: &str) -> String {
    line.trim_start_matches("-ERR").trim().trim_matches('\'').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        let inbox = Some("_INBOX.a".to_owned());
        let (next_reply, ping) = (AtomicU64::new(0), Notify::new());
        Shared { max_payload: 1, inbox, next_reply, waiting: Mutex::default(), ping }
    }

    fn read_all(bytes: &[u8]) -> Shared {
        let shared = shared();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = tokio::io::duplex(bytes.len().max(1));
            theirs.write_all(bytes).await.unwrap();
            drop(theirs);
            let (receiving, _sending) = tokio::io::split(Box::new(ours) as Box<dyn Stream>);
            let mut reader = BufReader::new(receiving);
            while read(&shared, &mut reader).await.is_ok() {}
        });
        shared
    }

    #[test]
    fn an_error_is_kept_for_the_message_that_it_is_about() {
        let said = read_all(b"+OK\r\n-ERR 'Permissions Violation'\r\nMSG _INBOX.a.7 1 2\r\n{}\r\nPING\r\n");
        assert_eq!(said.waiting().error.as_deref(), Some("Permissions Violation"));
    }

    #[test]
    fn a_stream_says_whether_it_stored() {
        for (answer, code) in [
            (r#"{"stream": "s", "seq": 1}"#, "DELIVERED"),
            (r#"{"stream": "s", "seq": 1, "duplicate": true}"#, "DELIVERED"),
            (r#"{"error": {"code": 503, "description": "busy"}}"#, "TARGET_FAILED"),
            (r#"{"error": {"code": 400, "description": "no"}}"#, "REFUSED_BY_TARGET"),
            ("NATS/1.0 503\r\n\r\n", "TARGET_FAILED"),
            ("thanks", "TARGET_FAILED"),
        ] {
            assert_eq!(stored(answer.as_bytes()).error_code(), code, "{answer}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_read_to_its_end(bytes: Vec<u8>, size: usize, rest: Vec<u8>) {
            read_all(&bytes);
            let message = [format!("HMSG _INBOX.a.1 1 12 {size}\r\n").as_bytes(), rest.as_slice()].concat();
            read_all(&message);
            let _ = stored(&bytes);
        }
    }
}
