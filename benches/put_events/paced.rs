//! A load that keeps a rate whatever the answers do, so that latencies are not those of an overloaded machine.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use crate::Result;
use crate::load::{CONNECTIONS, Connection};
use crate::stamps::{self, Call};

/// A timer that is no later than this is on time.
const TIMER_MS: u64 = 2;

/// Sends the calls that `calls` makes in turns for `duration`, so many in a second; answers how many were sent. Each event is stamped with the time
/// at which it was to be sent, so what waits because calls before it are slow counts as slow.
pub(crate) async fn send(
    address: SocketAddr,
    calls_per_second: f64,
    duration: Duration,
    calls: impl Fn() -> Vec<Call>,
) -> Result<u32> {
    let (slot, started) = (Rc::new(Cell::new(0_u32)), Instant::now());
    let local = LocalSet::new();
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (slot, mut calls) = (Rc::clone(&slot), calls());
            local.spawn_local(async move {
                let mut connection = Connection::open(address).await?;
                loop {
                    let due = Duration::from_secs_f64(f64::from(slot.get()) / calls_per_second);
                    if due >= duration {
                        return Result::Ok(());
                    }
                    let number = usize::try_from(slot.replace(slot.get() + 1))? % calls.len();
                    tokio::time::sleep_until((started + due).into()).await;
                    let late = started.elapsed().saturating_sub(due);
                    let late = if late > Duration::from_millis(TIMER_MS) { late } else { Duration::ZERO };
                    let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
                    calls[number].send(&mut connection, stamps::now_us().saturating_sub(late_us)).await?;
                }
            })
        })
        .collect();
    local
        .run_until(async {
            for sender in senders {
                sender.await??;
            }
            Ok(slot.get())
        })
        .await
}
