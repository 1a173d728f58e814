//! The load generator: connections that send one prepared request after another and look at little of the answers.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::stamps::{self, Call};
use crate::{Result, events};

/// Connections, each with one call under way.
pub(crate) const CONNECTIONS: u32 = 64;

/// A keep-alive connection that knows just enough HTTP.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4_096) })
    }

    /// Sends a request and answers the body; anything but 200 is an error.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let (mut scanned, mut whole) = (0, None);
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if whole.is_none() {
                whole = head(&self.received, scanned)?;
                scanned = self.received.len().saturating_sub(3);
            }
            match whole {
                Some((body, end)) if self.received.len() >= end => return Ok(&self.received[body..end]),
                _ => {}
            }
        }
    }
}

/// Where the body begins and ends, once all of the head is there; bytes before `scanned` hold no end of it.
fn head(received: &[u8], scanned: usize) -> Result<Option<(usize, usize)>> {
    let Some(end) = received[scanned..].windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let body = scanned + end + 4;
    let head = std::str::from_utf8(&received[..body])?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("an answer that is not 200: {}", String::from_utf8_lossy(received)).into());
    }
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .ok_or("an answer without Content-Length")?;
    Ok(Some((body, body + length.1.trim().parse::<usize>()?)))
}

/// What the connections share; all on one thread.
#[derive(Default)]
struct Shared {
    accepted: Cell<u32>,
    is_timed: Cell<bool>,
    is_over: Cell<bool>,
}

/// `PutEvents` under way on all connections.
pub(crate) struct Load {
    shared: Rc<Shared>,
    connections: Vec<JoinHandle<Result<Vec<u32>>>>,
}

impl Load {
    /// Begins, with as many entries in a call as Amazon takes; must be called on a `LocalSet`.
    pub(crate) fn start(address: SocketAddr) -> Self {
        Self::start_calls(address, events::ENTRIES_PER_CALL)
    }

    /// Begins with so many entries in a call; must be called on a `LocalSet`.
    pub(crate) fn start_calls(address: SocketAddr, entries: u32) -> Self {
        let shared = Rc::new(Shared::default());
        let connections = (0..CONNECTIONS).map(|number| {
            tokio::task::spawn_local(put_events(address, events::call(number, entries), Rc::clone(&shared)))
        });
        Self { connections: connections.collect(), shared }
    }

    /// Events accepted so far.
    pub(crate) fn accepted(&self) -> u32 {
        self.shared.accepted.get()
    }

    /// Says whether calls count for the latencies.
    pub(crate) fn set_timed(&self, is_timed: bool) {
        self.shared.is_timed.set(is_timed);
    }

    /// Ends when the calls under way are answered; answers all events accepted, and the latencies in microseconds, sorted.
    pub(crate) async fn stop(self) -> Result<(u32, Vec<u32>)> {
        self.shared.is_over.set(true);
        let mut latencies = Vec::new();
        for connection in self.connections {
            latencies.extend(connection.await??);
        }
        latencies.sort_unstable();
        Ok((self.shared.accepted.get(), latencies))
    }
}

async fn put_events(address: SocketAddr, mut call: Call, shared: Rc<Shared>) -> Result<Vec<u32>> {
    let mut connection = Connection::open(address).await?;
    let mut latencies_us = Vec::new();
    while !shared.is_over.get() {
        let started = Instant::now();
        call.send(&mut connection, stamps::now_us()).await?;
        shared.accepted.set(shared.accepted.get() + call.entries());
        if shared.is_timed.get() {
            latencies_us.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
    Ok(latencies_us)
}
