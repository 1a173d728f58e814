//! Very many rules that are due in the same second, alone and beside a load of `PutEvents`.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use eventyard::runtime::SystemClock;
use eventyard::store::{Change, Store, StoredRule, StoredTarget};
use eventyard_core::clock::{Clock as _, Timestamp};
use eventyard_core::name::{
    AccountId, EventBusKey, EventBusName, Region, RuleKey, RuleName, RuleNumber, TargetId, TargetNumber,
};
use eventyard_core::rule::{Rule, RuleState};
use eventyard_core::tag::Tags;
use eventyard_core::target::Target;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::Result;
use crate::load::Load;
use crate::phases::count;
use crate::process::{Daemon, Player};
use crate::roles::Role;

/// Rules with one target each, all due at once.
const RULES: u32 = 100_000;
/// From the making of the rules until they are due: they have to be written and read by then.
const LEAD: Duration = Duration::from_secs(30);
/// Load before and after.
const CALM: Duration = Duration::from_secs(4);
/// When what is not delivered is given up.
const DELIVERED_MAX: Duration = Duration::from_secs(120);

/// What one run showed.
struct Fired {
    ready_after: Duration,
    on_disk: Duration,
    delivered: u32,
    delivered_after: Duration,
    /// `PutEvents` a second before, until all is on disk, and until all is delivered.
    ingest: Option<[f64; 3]>,
    rss_peak_mib: f64,
}

/// Runs both and says what they showed.
pub(crate) async fn measure(folder: &Path) -> Result<String> {
    let mut text = format!("\n{RULES} rules with one target each, all due in the same second\n");
    for has_load in [false, true] {
        let fired = LocalSet::new().run_until(fire(folder, has_load)).await?;
        writeln!(text, "{}", if has_load { "beside PutEvents on 64 connections" } else { "alone" })?;
        writeln!(text, "  ready with all rules after {:.1} s", fired.ready_after.as_secs_f64())?;
        writeln!(text, "  all on disk {:.1} s after they were due", fired.on_disk.as_secs_f64())?;
        let after = fired.delivered_after.as_secs_f64();
        writeln!(text, "  {} of {RULES} delivered {after:.1} s after they were due", fired.delivered)?;
        if let Some([before, firing, delivering]) = fired.ingest {
            writeln!(
                text,
                "  events/s taken: {before:.0} before, {firing:.0} until all was on disk, {delivering:.0} until all was delivered"
            )?;
        }
        writeln!(text, "  peak RSS {:.0} MiB", fired.rss_peak_mib)?;
    }
    Ok(text)
}

async fn fire(folder: &Path, has_load: bool) -> Result<Fired> {
    let (sink, silent) = (Player::start(&Role::Sink)?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
    let data_dir = tempfile::tempdir_in(folder)?;
    let data_dir = data_dir.path().join("data");
    std::fs::create_dir_all(&data_dir)?;
    let due = Timestamp::from_millis((SystemClock.now().as_millis() / 1_000 + 1) * 1_000).ok_or("no time")?;
    let due = due.saturating_add(LEAD);
    make_rules(&data_dir, &format!("http://{}/", sink.address), due)?;
    let daemon = Daemon::start(&data_dir).await?;
    let load = if has_load {
        daemon.put_rule(silent.local_addr()?).await?;
        Some(Load::start(daemon.api))
    } else {
        None
    };
    let accepted = || load.as_ref().map_or(0, Load::accepted);
    until(due.as_millis() - i64::try_from(CALM.as_millis())?).await;
    let (calm, at_calm) = (Instant::now(), accepted());
    until(due.as_millis()).await;
    let (started, at_due) = (Instant::now(), accepted());
    while daemon.metric("eventyard_schedules_fired_total").await? < f64::from(RULES) {
        sleep(Duration::from_millis(10)).await;
    }
    let (on_disk, at_disk) = (started.elapsed(), accepted());
    let mut delivered = 0;
    while delivered < RULES && started.elapsed() < DELIVERED_MAX {
        sleep(Duration::from_millis(20)).await;
        delivered = count(sink.address).await?;
    }
    let (delivered_after, at_delivered) = (started.elapsed(), accepted());
    let rate = |events: u32, elapsed: Duration| f64::from(events) / elapsed.as_secs_f64();
    let ingest = has_load.then(|| {
        [
            rate(at_due - at_calm, started - calm),
            rate(at_disk - at_due, on_disk),
            rate(at_delivered - at_due, delivered_after),
        ]
    });
    if let Some(load) = load {
        load.stop().await?;
    }
    let rss_peak_mib = daemon.process.memory_mib("VmHWM")?;
    Ok(Fired { ready_after: daemon.ready_after, on_disk, delivered, delivered_after, ingest, rss_peak_mib })
}

async fn until(millis: i64) {
    let left = u64::try_from(millis - SystemClock.now().as_millis()).unwrap_or(0);
    sleep(Duration::from_millis(left)).await;
}

/// Writes the rules straight into a store: putting them by API would take longer than everything that is measured.
fn make_rules(data_dir: &Path, target: &str, due: Timestamp) -> Result<()> {
    let wrong = |rules| format!("{rules:?}");
    let bus = EventBusKey {
        account: AccountId::parse("000000000000").map_err(wrong)?,
        region: Region::parse("us-east-1").map_err(wrong)?,
        name: EventBusName::default_bus(),
    };
    let now = SystemClock.now();
    let expression = format!("at({})", due.to_rfc3339_seconds().trim_end_matches('Z'));
    let tags = Tags::parse([("eventyard:timezone".to_owned(), "UTC".to_owned())]).map_err(|error| error.message)?;
    let mut changes = Vec::new();
    for number in 0..RULES {
        let key = RuleKey { bus: bus.clone(), name: RuleName::parse(&format!("r{number}")).map_err(wrong)? };
        let rule = Rule {
            event_pattern: None,
            schedule_expression: Some(expression.clone()),
            state: RuleState::Enabled,
            description: None,
            role_arn: None,
            managed_by: None,
            tags: tags.clone(),
        };
        let number = u64::from(number) * 2 + 1;
        changes.push(Change::PutRule(
            key.clone(),
            StoredRule { number: RuleNumber(number), rule, scheduled_since: Some(now), created_by: None },
        ));
        let target = Target::new(TargetId::parse("sink").map_err(wrong)?, target);
        changes.push(Change::PutTarget(key, Box::new(StoredTarget { number: TargetNumber(number + 1), target })));
    }
    changes.push(Change::NextNumber(u64::from(RULES) * 2 + 1));
    Ok(Store::open(data_dir, now)?.apply(&changes)?)
}
