//! The floors: the least that a server of `PutEvents`, a sink, and a client that delivers have to do.

use std::convert::Infallible;
use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::{Result, events};

/// Calls that are written with one fdatasync, as the default of `journal.commit_group_requests_max`.
const GROUP_CALLS_MAX: usize = 512;

/// A call's body, and whom to tell that it is on disk.
type Append = (Bytes, oneshot::Sender<()>);

/// Answers each request on every connection with what `answer` makes of its method and body.
pub(crate) async fn serve<A, F>(listener: TcpListener, answer: A) -> Result<()>
where
    A: Fn(Method, Bytes) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Bytes>> + Send,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer.clone();
            async move {
                let method = request.method().clone();
                let body = request.into_body().collect().await?.to_bytes();
                Result::Ok(Response::new(Full::new(answer(method, body).await?)))
            }
        });
        // A client that ends its connection is the end of a phase.
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// A port of our own, or the one that is asked for.
pub(crate) async fn listen(address: Option<SocketAddr>) -> Result<TcpListener> {
    Ok(TcpListener::bind(address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsRequest<'a> {
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
}

/// An entry; members that are escaped are copied, as everyone has to.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    source: &'a str,
    detail_type: &'a str,
    detail: String,
}

/// Parses calls and answers them; with a file, after their bytes are on disk in it.
pub(crate) async fn put_events(listener: TcpListener, file: Option<&Path>, entries: u32) -> Result<()> {
    let appends = file.map(start_writer).transpose()?;
    let answer = events::call_answer(entries);
    serve(listener, move |_, body: Bytes| {
        let (appends, answer) = (appends.clone(), answer.clone());
        async move {
            let call: PutEventsRequest<'_> = serde_json::from_slice(&body)?;
            if call
                .entries
                .iter()
                .any(|entry| entry.source.is_empty() || entry.detail_type.is_empty() || entry.detail.is_empty())
            {
                return Err("an entry without a detail".into());
            }
            if let Some(appends) = appends {
                let (written, is_written) = oneshot::channel();
                appends.send((body, written)).await?;
                is_written.await?;
            }
            Ok(answer)
        }
    })
    .await
}

/// One thread that writes what waits, brings it to disk at once, and answers.
fn start_writer(path: &Path) -> Result<mpsc::Sender<Append>> {
    let mut file = File::create(path)?;
    let (appends, mut waiting) = mpsc::channel::<Append>(4 * GROUP_CALLS_MAX);
    std::thread::spawn(move || -> std::io::Result<()> {
        let (mut bytes, mut answers) = (Vec::new(), Vec::new());
        while let Some((body, written)) = waiting.blocking_recv() {
            bytes.extend_from_slice(&body);
            answers.push(written);
            while answers.len() < GROUP_CALLS_MAX
                && let Ok((body, written)) = waiting.try_recv()
            {
                bytes.extend_from_slice(&body);
                answers.push(written);
            }
            file.write_all(&bytes)?;
            file.sync_data()?;
            bytes.clear();
            for answer in answers.drain(..) {
                // Whoever asked may be gone.
                let _ = answer.send(());
            }
        }
        Ok(())
    });
    Ok(appends)
}

/// Counts what is posted, and answers the count to a GET.
pub(crate) async fn sink(listener: TcpListener) -> Result<()> {
    let count = Arc::new(AtomicU32::new(0));
    serve(listener, move |method, _| {
        let count = Arc::clone(&count);
        async move {
            if method == Method::POST {
                count.fetch_add(1, Ordering::Relaxed);
                return Ok(Bytes::new());
            }
            Ok(count.load(Ordering::Relaxed).to_string().into())
        }
    })
    .await
}

/// Posts envelopes to a sink on `connections` connections, each with one post under way, until it is ended.
pub(crate) async fn post(sink: SocketAddr, connections: u32) -> Result<()> {
    let mut posting = tokio::task::JoinSet::new();
    for number in 0..connections {
        posting.spawn(post_on_one_connection(sink, events::envelope(number)));
    }
    match posting.join_next().await {
        Some(ended) => ended?.map(|never| match never {}),
        None => Ok(()),
    }
}

async fn post_on_one_connection(sink: SocketAddr, envelope: Bytes) -> Result<Infallible> {
    let stream = TcpStream::connect(sink).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    loop {
        let request = Request::post("/orders")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("eventyard-event-id", "00000000-0000-4000-8000-000000000000")
            .body(Full::new(envelope.clone()))?;
        let response = sender.send_request(request).await?;
        response.into_body().collect().await?;
    }
}
