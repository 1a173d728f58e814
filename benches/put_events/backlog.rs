//! A million deliveries owed to a target that is down: what they take, how long a restart takes, and how they drain.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::Result;
use crate::load::Load;
use crate::phases::count;
use crate::process::{Daemon, Player};
use crate::roles::Role;
use crate::timing_sink::{Timings, take};

/// Deliveries owed before the target returns.
const OWED: u32 = 1_000_000;
/// How often the memory is looked at while they gather.
const LOOKS: u32 = 8;
/// When what is not delivered is given up.
const DRAIN_MAX: Duration = Duration::from_secs(300);

/// Runs it and says what it showed.
pub(crate) async fn measure(folder: &Path) -> Result<String> {
    LocalSet::new().run_until(run(folder)).await
}

async fn run(folder: &Path) -> Result<String> {
    let mut text = format!("\n{OWED} events of 1 KB for one target that is down\n");
    let data_dir = tempfile::tempdir_in(folder)?;
    let data_dir = data_dir.path().join("data");
    // Nobody listens there until the target returns.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let daemon = Daemon::start(&data_dir).await?;
    daemon.put_rule(address).await?;
    let gathering = Instant::now();
    let load = Load::start(daemon.api);
    for look in 1..=LOOKS {
        while load.accepted() < OWED / LOOKS * look {
            sleep(Duration::from_millis(10)).await;
        }
        memory(&mut text, &daemon, load.accepted())?;
    }
    let (accepted, _) = load.stop().await?;
    writeln!(text, "gathered after {:.1} s", gathering.elapsed().as_secs_f64())?;
    sleep(Duration::from_secs(5)).await;
    memory(&mut text, &daemon, accepted)?;
    let pending = daemon.metric("eventyard_deliveries_pending").await?;
    writeln!(text, "{pending:.0} owed, {:.0} MiB on disk", megabytes(&data_dir)?)?;

    // kill -9.
    drop(daemon);
    let daemon = Daemon::start(&data_dir).await?;
    writeln!(text, "ready again after {:.2} s", daemon.ready_after.as_secs_f64())?;
    let pending = daemon.metric("eventyard_deliveries_pending").await?;
    writeln!(text, "{pending:.0} owed, RSS {:.0} MiB", daemon.process.memory_mib("VmRSS")?)?;
    drained(&mut text, &daemon, address, accepted).await?;
    Ok(text)
}

fn memory(text: &mut String, daemon: &Daemon, accepted: u32) -> Result<()> {
    let (rss, anonymous) = (daemon.process.memory_mib("VmRSS")?, daemon.process.memory_mib("RssAnon")?);
    Ok(writeln!(text, "{accepted:>9} accepted: RSS {rss:.0} MiB, of which anonymous {anonymous:.0} MiB")?)
}

/// The target returns and takes all of it.
async fn drained(text: &mut String, daemon: &Daemon, address: SocketAddr, owed: u32) -> Result<()> {
    let sink = Player::start(&Role::TimingSink(Some(address)))?;
    let (started, mut first) = (Instant::now(), None);
    let mut arrived = 0;
    while arrived < owed && started.elapsed() < DRAIN_MAX {
        sleep(Duration::from_millis(20)).await;
        arrived = count(sink.address).await?;
        if arrived > 0 && first.is_none() {
            first = Some(started.elapsed());
        }
    }
    let all = started.elapsed();
    let first = first.unwrap_or(all);
    let rate = f64::from(arrived) / all.saturating_sub(first).as_secs_f64();
    let Timings { behind_p999_ms, behind_max_ms, .. } = take(sink.address).await?;
    writeln!(text, "the first came {:.1} s after the target returned", first.as_secs_f64())?;
    writeln!(text, "{arrived} of {owed} came, the last after {:.1} s: {rate:.0} a second", all.as_secs_f64())?;
    writeln!(
        text,
        "in order of age, but for what came behind a younger one: 99.9 % by less than {behind_p999_ms:.0} ms, all by \
         {behind_max_ms:.0} ms"
    )?;
    writeln!(text, "peak RSS {:.0} MiB", daemon.process.memory_mib("VmHWM")?)?;
    Ok(())
}

/// What a folder takes, in MiB.
fn megabytes(folder: &Path) -> Result<f64> {
    let output = std::process::Command::new("du").arg("-sm").arg(folder).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split_whitespace().next().ok_or("du says nothing")?.parse()?)
}
