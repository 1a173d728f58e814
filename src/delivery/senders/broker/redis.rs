//! Redis: adds an entry to a stream. The answer to XADD is the confirmation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::RedisStream;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, ServerErrorKind, cmd};
use tokio::net::TcpStream;

use super::Message;
use super::dial::{Dialer, Peer};
use super::pool::Line;

/// A connection to a database of a Redis server.
#[derive(Clone, Debug)]
pub(super) struct RedisConnection {
    line: MultiplexedConnection,
    is_open: Arc<AtomicBool>,
}

impl Line for RedisConnection {
    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }
}

/// Opens a connection to a database.
///
/// # Errors
/// When the server cannot be reached, or does not let us in.
pub(super) async fn connect(dialer: Dialer, (peer, database): (Peer, u16)) -> Result<RedisConnection, AttemptOutcome> {
    let mut info = RedisConnectionInfo::default().set_db(i64::from(database));
    if let Some(name) = peer.username() {
        info = info.set_username(name);
    }
    if let Some(password) = peer.password() {
        info = info.set_password(password);
    }
    dialer.open(&peer, |stream, host| greet(&dialer, &peer, &info, stream, host)).await
}

async fn greet(
    dialer: &Dialer,
    peer: &Peer,
    info: &RedisConnectionInfo,
    stream: TcpStream,
    host: String,
) -> Result<RedisConnection, AttemptOutcome> {
    let stream = dialer.begin(stream, peer, &host).await?;
    // Each attempt has its own bound.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let line = MultiplexedConnection::new_with_config(info, stream, config).await;
    let (line, driver) = line.map_err(|error| outcome(&error))?;
    let is_open = Arc::new(AtomicBool::new(true));
    let ends = Arc::clone(&is_open);
    tokio::spawn(async move {
        driver.await;
        ends.store(false, Ordering::Relaxed);
    });
    Ok(RedisConnection { line, is_open })
}

impl RedisConnection {
    /// Adds a message to a stream.
    pub(super) async fn add(mut self, to: &RedisStream, key: &str, message: &Message) -> AttemptOutcome {
        if key.is_empty() {
            return AttemptOutcome::RequestInvalid { reason: "the key of the stream is empty".to_owned() };
        }
        let mut command = cmd("XADD");
        command.arg(key);
        if let Some(length) = to.length_max {
            command.arg("MAXLEN").arg("~").arg(length);
        }
        command.arg("*").arg("id").arg(message.event.to_string()).arg("event").arg(&message.body);
        for (name, value) in &message.headers {
            command.arg(name).arg(value);
        }
        match command.query_async::<String>(&mut self.line).await {
            Ok(_) => AttemptOutcome::Delivered,
            Err(error) => outcome(&error),
        }
    }
}

fn outcome(error: &RedisError) -> AttemptOutcome {
    let reason = error.to_string();
    match (error.kind(), error.code()) {
        (ErrorKind::Io, _) => AttemptOutcome::ConnectionFailed { reason },
        (ErrorKind::Server(ServerErrorKind::NoPerm | ServerErrorKind::ResponseError), _) | (_, Some("WRONGTYPE")) => {
            AttemptOutcome::Rejected { reason }
        }
        // It is loading, full, a replica, or wants a password: all of that can be mended.
        _ => AttemptOutcome::NotConfirmed { reason },
    }
}
