//! Bad targets beside good ones: 98 that answer, alone and with one that never answers and one that nobody listens for.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::process::{Daemon, Player};
use crate::roles::Role;
use crate::timing_sink::{Timings, take};
use crate::{Result, events, paced};

/// Targets that answer; each has a rule and events of its own.
const GOOD: u32 = 98;
/// Kinds of events: those of the two bad targets are always sent, and match nothing where these are not there.
const KINDS: u32 = GOOD + 2;
/// Events in a second, of all kinds alike.
const RATE: f64 = 1_000.0;
const WARM_UP: Duration = Duration::from_secs(2);
const TIMED: Duration = Duration::from_secs(10);
/// Pairs of phases, in turns.
const ROUNDS: usize = 3;

/// Runs all phases and says what the good targets saw.
pub(crate) async fn measure(folder: &Path) -> Result<String> {
    let mut text =
        format!("\n{GOOD} targets that answer, {RATE:.0} events a second of 1 KB over {KINDS} kinds, one a call\n");
    writeln!(text, "{:<44}{:>8}{:>10}{:>10}{:>10}", "", "events", "p50 ms", "p99 ms", "p99.9 ms")?;
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let alone = phase(folder, false).await?;
        let beside = phase(folder, true).await?;
        for (name, timings) in [("alone", alone), ("beside a black hole and a closed port", beside)] {
            writeln!(
                text,
                "{name:<44}{:>8}{:>10.2}{:>10.2}{:>10.2}",
                timings.count, timings.p50_ms, timings.p99_ms, timings.p999_ms
            )?;
        }
        ratios.push(beside.p99_ms / alone.p99_ms);
    }
    ratios.sort_by(f64::total_cmp);
    writeln!(
        text,
        "p99 beside the bad ones to p99 alone, within a round: {ratios:.2?}, median {:.2}",
        ratios[ROUNDS / 2]
    )?;
    Ok(text)
}

async fn phase(folder: &Path, has_bad: bool) -> Result<Timings> {
    let sink = Player::start(&Role::TimingSink(None))?;
    // Connections are taken until the system's queue is full, then they time out; nobody ever reads or answers.
    let black_hole = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let data_dir = tempfile::tempdir_in(folder)?;
    let daemon = Daemon::start(&data_dir.path().join("data")).await?;
    for kind in 0..GOOD {
        put_rule(&daemon, kind, sink.address).await?;
    }
    if has_bad {
        put_rule(&daemon, GOOD, black_hole.local_addr()?).await?;
        put_rule(&daemon, GOOD + 1, closed).await?;
    }
    let calls = || (0..KINDS).map(|kind| events::call(kind, 1)).collect();
    paced::send(daemon.api, RATE, WARM_UP, calls).await?;
    take(sink.address).await?;
    paced::send(daemon.api, RATE, TIMED, calls).await?;
    // What is under way arrives.
    sleep(Duration::from_millis(500)).await;
    take(sink.address).await
}

/// A rule for the events of one kind, with one target.
async fn put_rule(daemon: &Daemon, kind: u32, target: SocketAddr) -> Result<()> {
    let pattern = json!({"source": ["shop.orders"], "detail": {"order_id": [events::order_id(kind)]}});
    daemon.put_targets(&format!("kind-{kind}"), &pattern, &[format!("http://{target}/{kind}")]).await
}
