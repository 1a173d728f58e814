//! The HTTP server that both listeners share: accepting, limits, and ending gracefully.
//!
//! A [`Handler`] gets requests whose body has been read whole, within the limits, and answers them. What a request means is
//! the handler's business; what it may cost is decided here.

mod body;
mod connection;
mod room;
mod tls;

use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eventyard_core::trace_context::TraceContext;
pub use hyper::StatusCode;
use hyper::{HeaderMap, Method, Response, Uri};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub use body::{Body, BodyWriter};
pub use tls::{Tls, TlsError, TlsFiles};

use connection::Service;
use room::Room;

use crate::runtime::{StopSignal, Tasks};

/// What a listener may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at one time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Bytes of a request's body.
    pub body_size_bytes_max: usize,
    /// Bytes of the bodies of all requests that are under way.
    pub bodies_size_bytes_max: usize,
    /// Time for a client to send a request's header.
    pub header_timeout: Duration,
    /// Time for one request from its header to its answer.
    pub request_timeout: Duration,
}

/// A request with its whole body.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The far end of the connection: a proxy, where there is one.
    pub client: SocketAddr,
    /// The body, or why there is none.
    pub body: Result<Bytes, BodyError>,
}

impl Request {
    /// The span that its sender made it in, when it says one. What is no trace context counts as none, as the W3C has it.
    #[must_use]
    pub fn trace(&self) -> Option<TraceContext> {
        TraceContext::parse(self.headers.get(TraceContext::HEADER)?.to_str().ok()?)
    }
}

/// Why a request has no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the listener takes.
    #[error("the request's body is larger than {0} bytes")]
    TooLarge(usize),
    /// The bodies of all requests together are as large as they may be.
    #[error("there is no room for the request's body beside those of others")]
    NoRoom,
    /// The connection broke before its end.
    #[error("the request's body ended early")]
    Broken,
}

/// An answer.
pub type Answer = Response<Body>;

/// Makes an answer of a status, a content type and a body.
#[must_use]
pub fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(hyper::header::WWW_AUTHENTICATE, hyper::header::HeaderValue::from_static("Bearer"));
    }
    answer.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    answer
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The answer to a request that need not be read any further. The body is not there yet, and is thrown away if there is an
    /// answer.
    fn refuse(&self, _head: &Request) -> Option<Answer> {
        None
    }

    /// Answers one request.
    fn handle(&self, request: Request) -> impl Future<Output = Answer> + Send;

    /// The answer to `client` when handling took longer than the limit, or ended in a bug.
    fn failure(&self, client: SocketAddr, status: StatusCode) -> Answer;
}

/// A port that is bound and not served yet, so that all ports are known to be ours before anything starts.
#[derive(Debug)]
pub struct Listener {
    name: &'static str,
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

/// Why a listener could not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken or not ours to take.
    #[error("cannot listen on {address} for the {name}: {reason}; choose another address with {name}.listen")]
    Refused {
        /// The listener.
        name: &'static str,
        /// Where it should listen.
        address: SocketAddr,
        /// What failed.
        reason: io::Error,
    },
    /// The socket that was handed over listens elsewhere.
    #[error(
        "the service manager's socket for the {name} listens on {inherited}, but {name}.listen is {address}: who may use a \
         listener is decided by its option, so both have to be the same address"
    )]
    Elsewhere {
        /// The listener.
        name: &'static str,
        /// Where it should listen.
        address: SocketAddr,
        /// Where the socket does.
        inherited: SocketAddr,
    },
}

impl Listener {
    /// Binds `address` for the listener called `name`.
    ///
    /// # Errors
    /// When the address is taken or not ours to take.
    pub async fn bind(name: &'static str, address: SocketAddr) -> Result<Self, BindError> {
        let bound =
            TcpListener::bind(address).await.and_then(|socket| socket.local_addr().map(|address| (socket, address)));
        let (socket, address) = bound.map_err(|reason| BindError::Refused { name, address, reason })?;
        Ok(Self { name, socket, address, tls: None })
    }

    /// The same on a socket that listens on `address` already.
    ///
    /// # Errors
    /// When it listens on another one, or cannot be used.
    pub fn inherit(name: &'static str, address: SocketAddr, socket: net::TcpListener) -> Result<Self, BindError> {
        let refused = |reason| BindError::Refused { name, address, reason };
        let inherited = socket.local_addr().map_err(refused)?;
        if inherited != address {
            return Err(BindError::Elsewhere { name, address, inherited });
        }
        socket.set_nonblocking(true).map_err(refused)?;
        let socket = TcpListener::from_std(socket).map_err(refused)?;
        Ok(Self { name, socket, address, tls: None })
    }

    /// Speaks TLS on every connection, if there is any.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<Tls>>) -> Self {
        Self { tls, ..self }
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The bound address, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then closes idle connections, lets requests under way end, and returns.
    pub async fn serve(self, limits: Limits, handler: Arc<impl Handler>, tasks: Tasks, stop: StopSignal) {
        let open = Arc::new(Semaphore::new(limits.connections_max));
        let room = Room::new(limits.bodies_size_bytes_max);
        let connections = TaskTracker::new();
        loop {
            let Some(permit) = until(&stop, Arc::clone(&open).acquire_owned()).await else { break };
            let Some(accepted) = until(&stop, self.socket.accept()).await else { break };
            let Ok((stream, client)) = accepted else {
                // Most often the process is out of file descriptors; trying at once again would only burn time.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (room, handler) = (room.clone(), Arc::clone(&handler));
            let service = Service { client, limits, room, handler, tasks: tasks.clone() };
            let stop = stop.clone();
            let tls = self.tls.as_ref().map(|tls| tls.acceptor());
            tasks.spawn(
                "connection",
                connections.track_future(async move {
                    connection::accept(stream, tls, service, stop).await;
                    drop(permit);
                }),
            );
        }
        drop(self.socket);
        connections.close();
        connections.wait().await;
    }
}

/// The result of `future`, or none when stop was said first.
async fn until<T>(stop: &StopSignal, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stop.stopped() => None,
        result = future => Some(result),
    }
}
