//! What `PutEvents` and delivery cost, as a ratio to bare servers and clients that do the least that could be done.
//!
//! `cargo bench --bench put_events`; with `-- schedules` very many schedules at once, with `-- isolation` bad targets beside
//! good ones, with `-- backlog` a million deliveries for a target that is down, with `-- delivery` events all the way to sinks,
//! with `-- scale` many rules and many stored events, with `-- footprint` size, memory and starts of a daemon that is idle.
//! docs/PERFORMANCE.md says how to read it. The bench starts everything that is measured as a process of its own: eventyard,
//! and itself in one of the `roles`. It is the load generator, on one thread. All traffic
//! stays on 127.0.0.1, every phase ends by itself, and each round has every phase once, so that what else the machine does
//! falls on all of them.

#[path = "put_events/backlog.rs"]
mod backlog;
#[path = "put_events/delivery.rs"]
mod delivery;
#[path = "put_events/events.rs"]
mod events;
#[path = "put_events/floor.rs"]
mod floor;
#[path = "put_events/footprint.rs"]
mod footprint;
#[path = "put_events/isolation.rs"]
mod isolation;
#[path = "put_events/load.rs"]
mod load;
#[path = "put_events/moto.rs"]
mod moto;
#[path = "put_events/paced.rs"]
mod paced;
#[path = "put_events/phases.rs"]
mod phases;
#[path = "put_events/process.rs"]
mod process;
#[path = "put_events/report.rs"]
mod report;
#[path = "put_events/roles.rs"]
mod roles;
#[path = "put_events/scale.rs"]
mod scale;
#[path = "put_events/schedules.rs"]
mod schedules;
#[path = "put_events/stamps.rs"]
mod stamps;
#[path = "put_events/timing_sink.rs"]
mod timing_sink;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use phases::{Idle, Round};

/// Whatever goes wrong ends the bench.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Names the folder in which data directories are made, when that is not the system's temporary one.
const FOLDER_VARIABLE: &str = "EVENTYARD_BENCH_DIR";
/// How often every phase is run.
const ROUNDS: usize = 2;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = roles::Role::parse(&arguments) {
        return role?.play();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // cargo adds arguments of its own.
    let parts: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with("--")).map(String::as_str).collect();
    runtime.block_on(bench(&parts))
}

async fn bench(parts: &[&str]) -> Result<()> {
    let parent = std::env::var_os(FOLDER_VARIABLE).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::Builder::new().prefix("eventyard-bench-").tempdir_in(&parent)?;
    say(&report::machine(folder.path()))?;
    if parts.is_empty() {
        return rounds(folder.path()).await;
    }
    for part in parts {
        let text = match *part {
            "schedules" => schedules::measure(folder.path()).await?,
            "isolation" => isolation::measure(folder.path()).await?,
            "backlog" => backlog::measure(folder.path()).await?,
            "delivery" => delivery::measure(folder.path()).await?,
            "scale" => scale::measure(folder.path()).await?,
            "footprint" => footprint::measure(folder.path()).await?,
            _ => {
                let known = "schedules, isolation, backlog, delivery, scale, footprint";
                return Err(format!("'{part}' is none of {known}").into());
            }
        };
        say(&text)?;
    }
    Ok(())
}

/// What comes without a word.
async fn rounds(folder: &Path) -> Result<()> {
    let idle = Idle::measure(folder).await?;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        say(&format!("round {number} of {ROUNDS} ...\n"))?;
        rounds.push(Round::run(folder).await?);
    }
    say(&report::tables(&idle, &rounds))
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
