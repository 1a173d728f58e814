//! Whether an event costs the same beside ten thousand rules as beside ten, and behind ten million stored events as behind none.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::load::Load;
use crate::phases::{floor, ingest};
use crate::process::Daemon;
use crate::roles::Role;
use crate::{Result, events};

/// Rules beside the one that matches.
const OTHER_RULES: [u32; 5] = [0, 10, 100, 1_000, 10_000];
/// Events stored in the end.
const STORED: u32 = 10_000_000;
/// What each line of the table is about.
const WINDOW: u32 = 1_000_000;

/// Runs both parts and says what they showed.
pub(crate) async fn measure(folder: &Path) -> Result<String> {
    Ok(rules(folder).await? + &LocalSet::new().run_until(stored(folder)).await?)
}

/// Every event is held against all rules; one matches, or none.
async fn rules(folder: &Path) -> Result<String> {
    let mut text = format!(
        "\nPutEvents, 64 connections, 10 entries of 1 KB a call, by the number of rules that do not match\n{:<8}{:>22}{:>14}{:>16}{:>22}{:>14}{:>16}\n",
        "rules",
        "none matches: ev/s",
        "to its floor",
        "CPU us/event",
        "one matches: ev/s",
        "to its floor",
        "CPU us/event"
    );
    for others in OTHER_RULES {
        let entries = events::ENTRIES_PER_CALL;
        let parsed = floor(&Role::Parse(entries), entries).await?.rate;
        let written = {
            let file = tempfile::tempdir_in(folder)?;
            floor(&Role::Write(file.path().join("events"), entries), entries).await?.rate
        };
        write!(text, "{others:<8}")?;
        for (has_match, floor) in [(false, parsed), (true, written)] {
            let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let data_dir = tempfile::tempdir_in(folder)?;
            let daemon = Daemon::start(&data_dir.path().join("data")).await?;
            for other in 0..others {
                // Of the same source, so that nothing but the order tells them apart.
                let order = events::order_id(1_000_000_000 + other);
                let pattern = json!({"source": ["shop.orders"], "detail": {"order_id": [order]}});
                let url = format!("http://{}/", silent.local_addr()?);
                daemon.put_targets(&format!("other-{other}"), &pattern, &[url]).await?;
            }
            if has_match {
                daemon.put_rule(silent.local_addr()?).await?;
            }
            let rate = ingest(&daemon.process, daemon.api, entries, None).await?.ingest.rate;
            let ratio = rate.events_per_second / floor.events_per_second;
            let (per_second, cpu) = (rate.events_per_second, rate.cpu_us_per_event);
            write!(text, "{per_second:>22.0}{ratio:>14.2}{cpu:>16.1}")?;
        }
        writeln!(text)?;
    }
    Ok(text)
}

/// Every event is stored, for its target never answers.
async fn stored(folder: &Path) -> Result<String> {
    let mut text = format!(
        "\nthe same load with one rule and a silent target\n{:<12}{:>10}{:>14}{:>10}\n",
        "stored", "events/s", "CPU us/event", "RSS MiB"
    );
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let data_dir = tempfile::tempdir_in(folder)?;
    let daemon = Daemon::start(&data_dir.path().join("data")).await?;
    daemon.put_rule(silent.local_addr()?).await?;
    let load = Load::start(daemon.api);
    let (mut before, mut cpu, mut began) = (0, daemon.process.cpu_seconds()?, Instant::now());
    while before < STORED {
        while load.accepted() < before + WINDOW {
            sleep(Duration::from_millis(10)).await;
        }
        let (accepted, cpu_now, now) = (load.accepted(), daemon.process.cpu_seconds()?, Instant::now());
        let of_window = f64::from(accepted - before);
        let per_second = of_window / (now - began).as_secs_f64();
        let (each, rss) = ((cpu_now - cpu) * 1e6 / of_window, daemon.process.memory_mib("VmRSS")?);
        writeln!(text, "{accepted:<12}{per_second:>10.0}{each:>14.1}{rss:>10.0}")?;
        (before, cpu, began) = (accepted, cpu_now, now);
    }
    load.stop().await?;
    Ok(text)
}
