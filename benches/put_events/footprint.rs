//! What the daemon takes when nobody uses it: the binary, its memory, and how long a start takes, by the number of rules.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::Result;
use crate::process::{Daemon, EVENTYARD};

/// Rules, each with a pattern of its own and a target, and the starts of which the median counts.
const RULES: [(u32, usize); 3] = [(0, 5), (1_000, 5), (100_000, 3)];
/// After it what a start needs only once has been given back.
const SETTLED: Duration = Duration::from_secs(5);
/// What is measured may not be more than this; docs/PERFORMANCE.md says so.
const BARS: &str =
    "bars: binary 30 MB, 40 MB idle with 1,000 rules, ready after 300 ms with 1,000 and 3 s with 100,000 rules";

/// Measures and says it.
pub(crate) async fn measure(folder: &Path) -> Result<String> {
    let mut text = format!(
        "\nbinary: {:.1} MB\n{BARS}\n{:<10}{:>16}{:>14}{:>18}\n",
        megabytes(fs::metadata(EVENTYARD)?.len()),
        "rules",
        "start to ready",
        "idle RSS",
        "of it anonymous"
    );
    let data_dir = tempfile::tempdir_in(folder)?;
    let data_dir = data_dir.path().join("data");
    let mut made = 0;
    for (rules, starts) in RULES {
        let daemon = Daemon::start(&data_dir).await?;
        for rule in made..rules {
            let pattern = json!({"source": [format!("shop-{rule}")], "detail": {"total": [{"numeric": [">=", rule]}]}});
            // Nothing is sent to it: no event is put.
            daemon.put_targets(&format!("rule-{rule}"), &pattern, &["http://127.0.0.1:9/".to_owned()]).await?;
        }
        made = rules;
        drop(daemon);
        let mut ready_after = Vec::new();
        for _ in 0..starts {
            ready_after.push(Daemon::start(&data_dir).await?.ready_after);
        }
        ready_after.sort_unstable();
        let daemon = Daemon::start(&data_dir).await?;
        sleep(SETTLED).await;
        let memory = |name| daemon.process.memory_mib(name).map(|mib| mib * 1.048_576);
        let (ready_ms, rss, anonymous) =
            (ready_after[starts / 2].as_secs_f64() * 1e3, memory("VmRSS")?, memory("RssAnon")?);
        writeln!(text, "{rules:<10}{ready_ms:>13.0} ms{rss:>11.1} MB{anonymous:>15.1} MB")?;
    }
    Ok(text)
}

/// Millions of bytes, as in the bars.
fn megabytes(bytes: u64) -> f64 {
    u32::try_from(bytes / 1_000).map_or(f64::INFINITY, f64::from) / 1e3
}
