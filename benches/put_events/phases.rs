//! The phases: what runs while it is measured, and what is measured of it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::Result;
use crate::events::ENTRIES_PER_CALL;
use crate::load::Load;
use crate::process::{Daemon, Player, Process, get};
use crate::roles::Role;

/// Load that is not counted, until caches and connections are warm.
const WARM_UP: Duration = Duration::from_millis(500);
/// The part of a phase that is counted.
const TIMED: Duration = Duration::from_secs(4);
/// A backlog that takes longer to drain is left; the rate says the rest.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Deliveries under way to one target, as the default of `delivery.concurrency_per_target`.
const POSTS_UNDER_WAY: u32 = 16;
/// Starts of which the median counts.
const STARTS: usize = 5;

/// What a process does with its time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    pub(crate) events_per_second: f64,
    /// Processor time of the measured process, in microseconds.
    pub(crate) cpu_us_per_event: f64,
}

/// `PutEvents` under load.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ingest {
    pub(crate) rate: Rate,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Deliveries to one sink.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery {
    pub(crate) while_ingesting_per_second: f64,
    pub(crate) draining: Rate,
    pub(crate) backlog: u32,
    pub(crate) left: u32,
    pub(crate) drain_seconds: f64,
    pub(crate) rss_peak_mib: f64,
}

/// How the journal wrote what came in, from the start of the daemon.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) mean_events: f64,
    pub(crate) mean_ms: f64,
}

/// Every phase once.
pub(crate) struct Round {
    pub(crate) parse: Ingest,
    pub(crate) unmatched: Ingest,
    pub(crate) write: Ingest,
    pub(crate) journalled: Ingest,
    pub(crate) journalled_groups: Groups,
    pub(crate) delivering: Ingest,
    pub(crate) delivering_groups: Groups,
    pub(crate) delivery: Delivery,
    pub(crate) post: Rate,
}

/// A daemon that nobody uses.
pub(crate) struct Idle {
    pub(crate) ready_after: Duration,
    pub(crate) rss_mib: f64,
    pub(crate) rss_anonymous_mib: f64,
}

impl Idle {
    pub(crate) async fn measure(folder: &Path) -> Result<Self> {
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            let data_dir = tempfile::tempdir_in(folder)?;
            starts.push(Daemon::start(&data_dir.path().join("data")).await?.ready_after);
        }
        starts.sort_unstable();
        let data_dir = tempfile::tempdir_in(folder)?;
        let daemon = Daemon::start(&data_dir.path().join("data")).await?;
        sleep(Duration::from_secs(1)).await;
        Ok(Self {
            ready_after: starts[STARTS / 2],
            rss_mib: daemon.process.memory_mib("VmRSS")?,
            rss_anonymous_mib: daemon.process.memory_mib("RssAnon")?,
        })
    }
}

impl Round {
    /// Floors and what is measured against them take turns.
    pub(crate) async fn run(folder: &Path) -> Result<Self> {
        let parse = floor(&Role::Parse(ENTRIES_PER_CALL), ENTRIES_PER_CALL).await?;
        let unmatched = unmatched(folder).await?;
        let write = {
            let data_dir = tempfile::tempdir_in(folder)?;
            floor(&Role::Write(data_dir.path().join("events"), ENTRIES_PER_CALL), ENTRIES_PER_CALL).await?
        };
        let (journalled, journalled_groups) = journalled(folder).await?;
        let (delivering, delivering_groups, delivery) = delivering(folder).await?;
        let post = post().await?;
        Ok(Self {
            parse,
            unmatched,
            write,
            journalled,
            journalled_groups,
            delivering,
            delivering_groups,
            delivery,
            post,
        })
    }
}

pub(crate) async fn floor(role: &Role, entries: u32) -> Result<Ingest> {
    let player = Player::start(role)?;
    Ok(ingest(&player.process, player.address, entries, None).await?.ingest)
}

/// No rule: events are accepted and forgotten.
async fn unmatched(folder: &Path) -> Result<Ingest> {
    let data_dir = tempfile::tempdir_in(folder)?;
    let daemon = Daemon::start(&data_dir.path().join("data")).await?;
    Ok(ingest(&daemon.process, daemon.api, ENTRIES_PER_CALL, None).await?.ingest)
}

/// A rule takes every event, and its target takes connections but never answers: all the work but for the deliveries.
async fn journalled(folder: &Path) -> Result<(Ingest, Groups)> {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let data_dir = tempfile::tempdir_in(folder)?;
    let daemon = Daemon::start(&data_dir.path().join("data")).await?;
    daemon.put_rule(silent.local_addr()?).await?;
    let ingested = ingest(&daemon.process, daemon.api, ENTRIES_PER_CALL, None).await?;
    Ok((ingested.ingest, groups(&daemon).await?))
}

/// A rule takes every event, and a sink answers at once.
async fn delivering(folder: &Path) -> Result<(Ingest, Groups, Delivery)> {
    let sink = Player::start(&Role::Sink)?;
    let data_dir = tempfile::tempdir_in(folder)?;
    let daemon = Daemon::start(&data_dir.path().join("data")).await?;
    daemon.put_rule(sink.address).await?;
    let ingested = ingest(&daemon.process, daemon.api, ENTRIES_PER_CALL, Some(sink.address)).await?;
    let groups = groups(&daemon).await?;
    let (cpu, started, delivered) = (daemon.process.cpu_seconds()?, Instant::now(), count(sink.address).await?);
    let mut now = delivered;
    while now < ingested.accepted && started.elapsed() < DRAIN_MAX {
        sleep(Duration::from_millis(20)).await;
        now = count(sink.address).await?;
    }
    let drain = started.elapsed();
    let delivery = Delivery {
        while_ingesting_per_second: ingested.delivered_per_second,
        draining: rate(now - delivered, drain, daemon.process.cpu_seconds()? - cpu),
        backlog: ingested.accepted.saturating_sub(delivered),
        left: ingested.accepted.saturating_sub(now),
        drain_seconds: drain.as_secs_f64(),
        rss_peak_mib: daemon.process.memory_mib("VmHWM")?,
    };
    Ok((ingested.ingest, groups, delivery))
}

async fn groups(daemon: &Daemon) -> Result<Groups> {
    let count = daemon.metric("eventyard_commit_groups_total").await?;
    let events = daemon.metric("eventyard_events_committed_total").await?;
    let seconds = daemon.metric("eventyard_commit_seconds_sum").await?;
    Ok(Groups { mean_events: events / count, mean_ms: seconds * 1e3 / count })
}

/// A bare client posts to the same sink.
pub(crate) async fn post() -> Result<Rate> {
    let sink = Player::start(&Role::Sink)?;
    let client = Player::start(&Role::Post(sink.address, POSTS_UNDER_WAY))?;
    sleep(WARM_UP).await;
    let (cpu, started, delivered) = (client.process.cpu_seconds()?, Instant::now(), count(sink.address).await?);
    sleep(TIMED).await;
    let delivered = count(sink.address).await? - delivered;
    Ok(rate(delivered, started.elapsed(), client.process.cpu_seconds()? - cpu))
}

/// What a phase of `PutEvents` showed.
pub(crate) struct Ingested {
    pub(crate) ingest: Ingest,
    /// All events, the warm-up's too.
    accepted: u32,
    delivered_per_second: f64,
}

pub(crate) async fn ingest(
    process: &Process,
    address: SocketAddr,
    entries: u32,
    sink: Option<SocketAddr>,
) -> Result<Ingested> {
    LocalSet::new().run_until(ingest_here(process, address, entries, sink)).await
}

async fn ingest_here(
    process: &Process,
    address: SocketAddr,
    entries: u32,
    sink: Option<SocketAddr>,
) -> Result<Ingested> {
    let load = Load::start_calls(address, entries);
    sleep(WARM_UP).await;
    let delivered = count_if(sink).await?;
    let (cpu, started, accepted) = (process.cpu_seconds()?, Instant::now(), load.accepted());
    load.set_timed(true);
    sleep(TIMED).await;
    load.set_timed(false);
    let rate = rate(load.accepted() - accepted, started.elapsed(), process.cpu_seconds()? - cpu);
    let delivered = count_if(sink).await? - delivered;
    let delivered_per_second = f64::from(delivered) / started.elapsed().as_secs_f64();
    let (accepted, latencies_us) = load.stop().await?;
    let quantile = |percent: usize| {
        latencies_us.get(latencies_us.len() * percent / 100).map_or(f64::NAN, |us| f64::from(*us) / 1_000.0)
    };
    let ingest = Ingest { rate, p50_ms: quantile(50), p99_ms: quantile(99) };
    Ok(Ingested { ingest, accepted, delivered_per_second })
}

fn rate(events: u32, elapsed: Duration, cpu_seconds: f64) -> Rate {
    let events = f64::from(events);
    Rate { events_per_second: events / elapsed.as_secs_f64(), cpu_us_per_event: cpu_seconds * 1e6 / events }
}

/// What a sink has been sent.
pub(crate) async fn count(sink: SocketAddr) -> Result<u32> {
    Ok(get(sink, "/").await?.parse()?)
}

async fn count_if(sink: Option<SocketAddr>) -> Result<u32> {
    match sink {
        Some(sink) => count(sink).await,
        None => Ok(0),
    }
}
