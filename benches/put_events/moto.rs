//! moto, an emulator that keeps everything in memory and delivers nothing over HTTP, taking the same `PutEvents`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::load::Connection;
use crate::process::{self, Process};
use crate::{Result, events};

/// It answers one request a connection.
const CALLERS: u32 = 8;
const TIMED: Duration = Duration::from_secs(4);
const START_MAX: Duration = Duration::from_secs(30);

/// What it takes in a second; that it is not there is no error.
pub(crate) async fn measure(folder: &Path, entries: u32) -> Result<String> {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/moto_server");
    if !program.exists() {
        return Ok("moto: SKIPPED, tests/run --only compat installs it".to_owned());
    }
    let address = process::free_address()?;
    let child = Command::new(program)
        .args(["-H", &address.ip().to_string(), "-p", &address.port().to_string()])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let process = Process::new(child);
    let request = signed(&events::call_body(0..entries));
    let started = Instant::now();
    while put(address, &request).await.is_err() {
        if started.elapsed() > START_MAX {
            return Err("moto_server does not take PutEvents".into());
        }
        sleep(Duration::from_millis(100)).await;
    }
    let (cpu, started) = (process.cpu_seconds()?, Instant::now());
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let request = request.clone();
        callers.spawn(async move {
            let mut calls = 0_u32;
            while started.elapsed() < TIMED {
                put(address, &request).await?;
                calls += 1;
            }
            Result::Ok(calls)
        });
    }
    let mut calls = 0;
    while let Some(ended) = callers.join_next().await {
        calls += ended??;
    }
    let taken = f64::from(calls * entries);
    Ok(format!(
        "moto, in memory, no delivery, {entries} a call: {:.0} events/s, {:.1} us of CPU each",
        taken / started.elapsed().as_secs_f64(),
        (process.cpu_seconds()? - cpu) * 1e6 / taken
    ))
}

async fn put(address: SocketAddr, request: &[u8]) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(request).await?;
    if answer.windows(7).any(|bytes| bytes == b"EventId") { Ok(()) } else { Err("no EventId".into()) }
}

/// It finds the service in the scope of a signature, which it does not check.
fn signed(body: &str) -> Bytes {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSEvents.PutEvents\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/events/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    format!("{head}{body}").into()
}
