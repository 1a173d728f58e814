//! One connection: its requests one after another, each within the limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as HyperRequest, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use eventyard_core::limits::{HEADER_SIZE_BYTES_MAX, HEADERS_MAX};

use super::room::Room;
use super::{Answer, Handler, Limits, Request, until};
use crate::runtime::{StopSignal, Tasks};

/// How long a client may pause while what it sends is only discarded.
const DISCARD_PAUSE: Duration = Duration::from_millis(500);

/// What a connection is served with.
pub(super) struct Service<H> {
    pub(super) client: SocketAddr,
    pub(super) limits: Limits,
    pub(super) room: Room,
    pub(super) handler: Arc<H>,
    pub(super) tasks: Tasks,
}

/// Serves a connection, through TLS if there is any, until its client or `stop` ends it.
pub(super) async fn accept(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: Service<impl Handler>,
    stop: StopSignal,
) {
    // Answers are small and written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve(stream, service, stop).await };
    let handshake = tokio::time::timeout(service.limits.header_timeout, tls.accept(stream));
    match until(&stop, handshake).await {
        Some(Ok(Ok(stream))) => serve(stream, service, stop).await,
        Some(Ok(Err(error))) => tracing::debug!(%error, "no TLS with this client"),
        Some(Err(_)) | None => {}
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: Service<impl Handler>,
    stop: StopSignal,
) {
    let header_timeout = service.limits.header_timeout;
    let service = Arc::new(service);
    let service = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_SIZE_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // The client went away or spoke no HTTP: its own affair, of interest only to who looks for it.
        tracing::debug!(%error, "connection ended early");
    }
}

impl<H: Handler> Service<H> {
    async fn answer(&self, request: HyperRequest<Incoming>) -> Answer {
        let &Self { client, ref limits, ref room, ref handler, ref tasks } = self;
        let outcome = tasks.guard("request", async {
            let (head, body) = request.into_parts();
            let (method, uri, headers) = (head.method, head.uri, head.headers);
            let mut request = Request { method, uri, headers, client, body: Ok(bytes::Bytes::new()) };
            if let Some(answer) = handler.refuse(&request) {
                discard(body, limits.body_size_bytes_max).await;
                return answer;
            }
            // The room is taken until the request is answered.
            let received = room.read(body, limits).await;
            request.body = received.body.clone();
            handler.handle(request).await
        });
        match tokio::time::timeout(limits.request_timeout, outcome).await {
            Ok(Some(answer)) => answer,
            Ok(None) => handler.failure(client, StatusCode::INTERNAL_SERVER_ERROR),
            Err(_) => handler.failure(client, StatusCode::REQUEST_TIMEOUT),
        }
    }
}

/// Takes in what a client sends of a body that is not wanted, as long as it keeps coming and is not out of
/// all proportion. A client that is cut off while it sends sees a broken connection and not the answer.
pub(super) async fn discard(mut body: Incoming, body_size_bytes_max: usize) {
    let mut left = 4 * body_size_bytes_max;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(DISCARD_PAUSE, body.frame()).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, bytes::Bytes::len));
        if left == 0 {
            return;
        }
    }
}
