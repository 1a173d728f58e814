//! Events all the way to HTTP sinks: the rate that can be kept up, and the time from end to end at half of it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::load::Load;
use crate::phases::{self, count};
use crate::process::{Daemon, Player};
use crate::roles::Role;
use crate::timing_sink::{Timings, take};
use crate::{Result, events, moto, paced};

/// Targets of the one rule.
const TARGETS: [u32; 3] = [1, 3, 10];
/// Entries in a call.
const ENTRIES: [u32; 2] = [1, events::ENTRIES_PER_CALL];
const WARM_UP: Duration = Duration::from_secs(2);
/// How long events are put as fast as it goes, and then at half of the rate that was found.
const TIMED: Duration = Duration::from_secs(8);
/// When what is not delivered is given up.
const DRAIN_MAX: Duration = Duration::from_secs(120);

/// What one row showed.
struct Row {
    /// Of all events, until all their deliveries were made.
    events_per_second: f64,
    cpu_us_per_event: f64,
    /// Events put in a second in the second phase.
    half: f64,
    timings: Timings,
    cpu_us_per_event_at_half: f64,
}

/// Runs all phases and says what they showed.
pub(crate) async fn measure(folder: &Path) -> Result<String> {
    let mut text =
        String::from("\nPutEvents of 1 KB on 64 connections, until the last delivery to a sink that answers at once\n");
    writeln!(
        text,
        "{:<26}{:>10}{:>14}{:>14}{:>12}{:>9}{:>9}{:>10}{:>14}",
        "", "events/s", "deliveries/s", "CPU us/event", "half: ev/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU us/event"
    )?;
    for entries in ENTRIES {
        for targets in TARGETS {
            let row = LocalSet::new().run_until(row(folder, entries, targets)).await?;
            let name = format!("{targets} targets, {entries} a call");
            writeln!(
                text,
                "{name:<26}{:>10.0}{:>14.0}{:>14.1}{:>12.0}{:>9.2}{:>9.2}{:>10.2}{:>14.1}",
                row.events_per_second,
                row.events_per_second * f64::from(targets),
                row.cpu_us_per_event,
                row.half,
                row.timings.p50_ms,
                row.timings.p99_ms,
                row.timings.p999_ms,
                row.cpu_us_per_event_at_half,
            )?;
        }
    }
    floors(&mut text, folder).await?;
    Ok(text)
}

/// What the least would do for the same bytes, and what another server of `PutEvents` does.
async fn floors(text: &mut String, folder: &Path) -> Result<()> {
    for entries in ENTRIES {
        let data_dir = tempfile::tempdir_in(folder)?;
        let floor = phases::floor(&Role::Write(data_dir.path().join("events"), entries), entries).await?;
        writeln!(
            text,
            "floor: parsed, on disk, answered, {entries} a call: {:.0} events/s, {:.1} us of CPU each",
            floor.rate.events_per_second, floor.rate.cpu_us_per_event
        )?;
    }
    let post = phases::post().await?;
    writeln!(
        text,
        "floor: a bare client: {:.0} deliveries/s, {:.1} us of CPU each",
        post.events_per_second, post.cpu_us_per_event
    )?;
    for entries in ENTRIES {
        writeln!(text, "{}", moto::measure(folder, entries).await?)?;
    }
    Ok(())
}

async fn row(folder: &Path, entries: u32, targets: u32) -> Result<Row> {
    let sink = Player::start(&Role::TimingSink(None))?;
    let data_dir = tempfile::tempdir_in(folder)?;
    let options = [("QUOTAS__TARGETS_PER_RULE_MAX", "10")];
    let daemon = Daemon::start_with(&data_dir.path().join("data"), &options).await?;
    let urls: Vec<_> = (0..targets).map(|target| format!("http://{}/{target}", sink.address)).collect();
    daemon.put_targets("orders", &json!({"source": ["shop.orders"]}), &urls).await?;

    let (cpu, started) = (daemon.process.cpu_seconds()?, Instant::now());
    let load = Load::start_calls(daemon.api, entries);
    sleep(TIMED).await;
    let (accepted, _) = load.stop().await?;
    let owed = accepted * targets;
    let mut arrived = 0;
    while arrived < owed && started.elapsed() < DRAIN_MAX {
        sleep(Duration::from_millis(10)).await;
        arrived = count(sink.address).await?;
    }
    // What a settlement lost or repeated does not count; nothing is killed here, so nothing should be.
    let events = f64::from(arrived) / f64::from(targets);
    let events_per_second = events / started.elapsed().as_secs_f64();
    let cpu_us_per_event = (daemon.process.cpu_seconds()? - cpu) * 1e6 / events;
    if arrived < owed {
        return Err(format!("{arrived} of {owed} deliveries were made in {} s", DRAIN_MAX.as_secs()).into());
    }

    let half = events_per_second / 2.0;
    let calls_per_second = half / f64::from(entries);
    let calls = || vec![events::call(0, entries)];
    paced::send(daemon.api, calls_per_second, WARM_UP, calls).await?;
    sleep(Duration::from_millis(500)).await;
    take(sink.address).await?;
    let cpu = daemon.process.cpu_seconds()?;
    let sent = paced::send(daemon.api, calls_per_second, TIMED, calls).await? * entries;
    sleep(Duration::from_secs(1)).await;
    let cpu_us_per_event_at_half = (daemon.process.cpu_seconds()? - cpu) * 1e6 / f64::from(sent);
    let timings = take(sink.address).await?;
    Ok(Row { events_per_second, cpu_us_per_event, half, timings, cpu_us_per_event_at_half })
}
