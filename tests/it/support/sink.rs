//! A sink: an HTTP server that keeps what it is sent and answers as the test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// With this status.
    Status(u16),
    /// With 200, after a while.
    Late(Duration),
    /// With 429 and so many seconds as Retry-After.
    Busy(u16),
    /// Never.
    Never,
    /// By closing the connection.
    Hangup,
}

/// A request that was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The request line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A running sink. It goes on until the process ends.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Sink {
    /// A sink that answers request number n (from 0) with `answer(n)`.
    pub(crate) fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let (received, answer) = (Arc::clone(&sink.received), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &received, answer.as_ref()));
            }
        });
        sink
    }

    /// A sink that takes everything.
    pub(crate) fn healthy() -> Self {
        Self::start(|_| Answer::Status(200))
    }

    /// A target that posts to it.
    pub(crate) fn target(&self) -> Value {
        json!({"Id": "sink", "Arn": self.url()})
    }

    /// The bodies received so far.
    pub(crate) fn received(&self) -> Vec<String> {
        self.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
    }

    /// The requests received so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its URL, with the path `/`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn count(&self) -> usize {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The requests of one connection, until it ends.
fn serve(
    stream: TcpStream,
    received: &Mutex<Vec<Received>>,
    answer: &(dyn Fn(usize) -> Answer + Send + Sync),
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            line.make_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let number = {
            let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
            received.push(Received { head, body });
            received.len() - 1
        };
        let mut asked = String::new();
        let status = match answer(number) {
            Answer::Status(status) => status,
            Answer::Busy(seconds) => {
                asked = format!("Retry-After: {seconds}\r\n");
                429
            }
            Answer::Late(duration) => {
                std::thread::sleep(duration);
                200
            }
            Answer::Never => {
                std::thread::sleep(Duration::from_secs(120));
                return None;
            }
            Answer::Hangup => return None,
        };
        write!(writer, "HTTP/1.1 {status} -\r\n{asked}Content-Length: 0\r\n\r\n").ok()?;
    }
}
