//! One connection: its requests one after another, each within the limits.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as HyperRequest, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use eventyard_core::limits::{HEADER_SIZE_BYTES_MAX, HEADERS_MAX};

use super::{Answer, BodyError, Handler, Limits, Request, until};
use crate::runtime::{StopSignal, Tasks};

/// How long a client may pause while what it sends is only discarded.
const DISCARD_PAUSE: Duration = Duration::from_millis(500);

/// Serves a connection, through TLS if there is any, until its client or `stop` ends it.
pub(super) async fn accept(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    handler: Arc<impl Handler>,
    tasks: Tasks,
    stop: StopSignal,
) {
    // Answers are small and written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve(stream, limits, handler, tasks, stop).await };
    let handshake = tokio::time::timeout(limits.header_timeout, tls.accept(stream));
    match until(&stop, handshake).await {
        Some(Ok(Ok(stream))) => serve(stream, limits, handler, tasks, stop).await,
        Some(Ok(Err(error))) => tracing::debug!(%error, "no TLS with this client"),
        Some(Err(_)) | None => {}
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    limits: Limits,
    handler: Arc<impl Handler>,
    tasks: Tasks,
    stop: StopSignal,
) {
    let service = service_fn(|request| {
        let (handler, tasks) = (Arc::clone(&handler), tasks.clone());
        async move { Ok::<_, Infallible>(answer(request, &limits, handler.as_ref(), &tasks).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
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

async fn answer(request: HyperRequest<Incoming>, limits: &Limits, handler: &impl Handler, tasks: &Tasks) -> Answer {
    let outcome = tasks.guard("request", async {
        let (head, body) = request.into_parts();
        let body_size_bytes_max = limits.body_size_bytes_max;
        let mut request =
            Request { method: head.method, uri: head.uri, headers: head.headers, body: Ok(bytes::Bytes::new()) };
        if let Some(answer) = handler.refuse(&request) {
            discard(body, body_size_bytes_max).await;
            return answer;
        }
        request.body = read(body, body_size_bytes_max).await;
        handler.handle(request).await
    });
    match tokio::time::timeout(limits.request_timeout, outcome).await {
        Ok(Some(answer)) => answer,
        Ok(None) => handler.failure(StatusCode::INTERNAL_SERVER_ERROR),
        Err(_) => handler.failure(StatusCode::REQUEST_TIMEOUT),
    }
}

async fn read(body: Incoming, body_size_bytes_max: usize) -> Result<bytes::Bytes, BodyError> {
    if body.size_hint().lower() > body_size_bytes_max as u64 {
        discard(body, body_size_bytes_max).await;
        return Err(BodyError::TooLarge(body_size_bytes_max));
    }
    match Limited::new(body, body_size_bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge(body_size_bytes_max)),
        Err(_) => Err(BodyError::Broken),
    }
}

/// Takes in what a client sends of a body that announced itself as too large, as long as it keeps coming and is not out of
/// all proportion. A client that is cut off while it sends sees a broken connection and not the answer.
async fn discard(mut body: Incoming, body_size_bytes_max: usize) {
    let mut left = 4 * body_size_bytes_max;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(DISCARD_PAUSE, body.frame()).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, bytes::Bytes::len));
        if left == 0 {
            return;
        }
    }
}
