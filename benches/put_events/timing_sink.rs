//! A sink that notes how long each event took from its sending, and how far it came behind younger ones.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::Method;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::load::Connection;
use crate::{Result, floor, stamps};

/// What came, in microseconds.
#[derive(Default)]
struct Taken {
    ages: Vec<u32>,
    /// How much younger the youngest before it was.
    behind: Vec<u32>,
    youngest: u64,
}

/// What a sink took since it was asked before; times in milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Timings {
    pub(crate) count: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) behind_p999_ms: f64,
    pub(crate) behind_max_ms: f64,
}

/// Takes posts, answers their count to a GET, and to a DELETE the timings, which it then forgets.
pub(crate) async fn serve(listener: TcpListener) -> Result<()> {
    let taken = Arc::new(Mutex::new(Taken::default()));
    floor::serve(listener, move |method, body| {
        let taken = Arc::clone(&taken);
        async move {
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(match method {
                Method::POST => {
                    taken.note(stamps::stamp_us(&body).ok_or("an event without a stamp")?);
                    Bytes::new()
                }
                Method::DELETE => serde_json::to_vec(&std::mem::take(&mut *taken).timings())?.into(),
                _ => taken.ages.len().to_string().into(),
            })
        }
    })
    .await
}

/// Asks a sink what it took since the last time.
pub(crate) async fn take(sink: SocketAddr) -> Result<Timings> {
    let request = format!("DELETE / HTTP/1.1\r\nHost: {sink}\r\n\r\n");
    let mut connection = Connection::open(sink).await?;
    Ok(serde_json::from_slice(connection.exchange(request.as_bytes()).await?)?)
}

impl Taken {
    fn note(&mut self, stamp: u64) {
        let micros = |later: u64, earlier: u64| u32::try_from(later.saturating_sub(earlier)).unwrap_or(u32::MAX);
        self.ages.push(micros(stamps::now_us(), stamp));
        self.behind.push(micros(self.youngest, stamp));
        self.youngest = self.youngest.max(stamp);
    }

    fn timings(mut self) -> Timings {
        self.ages.sort_unstable();
        self.behind.sort_unstable();
        let quantile = |sorted: &[u32], per_mille: usize| {
            let at = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
            sorted.get(at).map_or(f64::NAN, |us| f64::from(*us) / 1e3)
        };
        Timings {
            count: self.ages.len(),
            p50_ms: quantile(&self.ages, 500),
            p99_ms: quantile(&self.ages, 990),
            p999_ms: quantile(&self.ages, 999),
            behind_p999_ms: quantile(&self.behind, 999),
            behind_max_ms: quantile(&self.behind, 1_000),
        }
    }
}
