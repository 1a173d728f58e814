//! The body of an answer: whole, or written bit by bit while it is sent.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as HyperBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Bytes that are gathered before they are sent.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait for the client.
const CHUNKS_WAITING: usize = 4;
/// How long a client may take no chunk at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Full<Bytes>),
    /// What a [`BodyWriter`] writes.
    Written(mpsc::Receiver<Bytes>),
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(whole: T) -> Self {
        Self::Whole(Full::new(whole.into()))
    }
}

impl HyperBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(context),
            Self::Written(chunks) => chunks.poll_recv(context).map(|chunk| Some(Ok(Frame::data(chunk?)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(whole) if whole.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Written(_) => SizeHint::default(),
        }
    }
}

/// Writes a body while it is sent, from a thread that may block. A reader sees no difference between an end and a writer that
/// gave up, so what is written has to say itself where it ends.
#[derive(Debug)]
pub struct BodyWriter {
    chunks: mpsc::Sender<Bytes>,
    gathered: Vec<u8>,
    runtime: Handle,
}

impl BodyWriter {
    /// A writer and the body that it writes. To be called on the runtime.
    #[must_use]
    pub fn new() -> (Self, Body) {
        let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING);
        let writer = Self { chunks, gathered: Vec::with_capacity(CHUNK_BYTES), runtime: Handle::current() };
        (writer, Body::Written(receiver))
    }
}

impl io::Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    /// Hands over what was gathered.
    ///
    /// # Errors
    /// When the client is gone, or takes nothing.
    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.gathered));
        let sending = async { tokio::time::timeout(PATIENCE, self.chunks.send(chunk)).await };
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client went away")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")),
        }
    }
}
