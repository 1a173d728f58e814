//! A run: rounds of a minute, at whose end everything must add up.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eventyard::runtime::Random;
use serde_json::{Value, json};

use crate::client::Client;
use crate::clients::Clients;
use crate::daemon::{Daemon, PATIENCE};
use crate::facts::{Fact, Has};
use crate::failing_disk::FailingDisk;
use crate::faults::World;
use crate::moved_time::MovedTime;
use crate::oracle::{GROUPS, IMPATIENT, ORDERED, Oracle, SOURCE, TARGETS};
use crate::small_disk::SmallDisk;
use crate::targets::Targets;

/// How long faults are drawn before it must add up.
const ROUND: Duration = Duration::from_secs(60);
const DISK_MIB: u32 = 512;
const OPTIONS: [(&str, &str); 17] = [
    ("DELIVERY__BACKOFF_BASE_MS", "5"),
    ("DELIVERY__BACKOFF_MAX_MS", "200"),
    ("DELIVERY__CONNECT_TIMEOUT_MS", "500"),
    ("DELIVERY__RESPONSE_TIMEOUT_MS", "1000"),
    ("DELIVERY__CIRCUIT_BREAKER_FAILURES", "5"),
    ("DELIVERY__CIRCUIT_BREAKER_OPEN_BASE_MS", "20"),
    ("DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS", "500"),
    // Small, so that a worker reads page after page.
    ("DELIVERY__READ_AHEAD_PER_TARGET", "64"),
    // Small, so that segments and spans are dropped and made all the time.
    ("JOURNAL__SEGMENT_SIZE_BYTES", "1048576"),
    ("JOURNAL__COMMIT_GROUP_BYTES_MAX", "1048576"),
    ("PUT_EVENTS__ENTRIES_SIZE_BYTES_MAX", "524288"),
    // Longer than the clock is ever moved, so that what is put again is known.
    ("PUT_EVENTS__DEDUPLICATION_WINDOW_MS", "86400000"),
    ("JOURNAL__FREE_SPACE_BYTES_MIN", "33554432"),
    ("HISTORY__SIZE_BYTES_MAX", "8388608"),
    ("SHUTDOWN__DEADLINE_MS", "5000"),
    ("LOG__LEVEL", "info,fjall=warn,lsm_tree=warn,tokio_cron_scheduler=warn"),
    ("AWS__ACCOUNT_ID", "000000000000"),
];

/// Draws faults for that long, in rounds at whose end what is owed is waited for; an error says what was wrong, and where log and data were left.
pub(crate) fn run(program: PathBuf, duration: Duration, seed: u64) -> Result<(), String> {
    let folder = tempfile::Builder::new().prefix("eventyard-conservation-").tempdir().map_err(|e| e.to_string())?;
    let (disk, time) = (SmallDisk::mount(DISK_MIB), MovedTime::find());
    let data_dir = disk.as_ref().map_or(folder.path(), SmallDisk::path).join("data");
    let failing = FailingDisk::compile(folder.path(), &data_dir)?;
    let mut environment: Vec<_> =
        OPTIONS.iter().map(|(name, value)| (format!("EVENTYARD_{name}"), (*value).to_owned())).collect();
    let oracle = Arc::<Mutex<Oracle>>::default();
    let targets = Targets::start(&oracle, seed ^ 1).map_err(|error| error.to_string())?;
    environment.extend([
        ("EVENTYARD_AWS_SERVICES__ENDPOINT_URL".to_owned(), targets.aws_endpoint()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
    ]);
    environment.extend(time.as_ref().map(MovedTime::environment).unwrap_or_default());
    let daemon = Daemon::new(program, data_dir, folder.path().join("daemon.log"), environment);
    let daemon = daemon.map_err(|error| error.to_string())?;
    let (random, beside) = (Random::from_seed(seed), folder.path().to_owned());
    let mut world = World::new(daemon, (disk, time, failing), beside, Arc::clone(&oracle), random);
    let result = play(&mut world, &oracle, &targets, duration, seed);
    world.daemon.kill();
    result.map_err(|fault| {
        let left = folder.keep();
        let copied = Command::new("cp").arg("-a").arg(world.daemon.data_dir()).arg(&left).status();
        let data = if copied.is_ok_and(|status| status.success()) { "log and data" } else { "the log" };
        format!("{fault}\n{data} are in {}", left.display())
    })
}

fn play(
    world: &mut World,
    oracle: &Arc<Mutex<Oracle>>,
    targets: &Targets,
    duration: Duration,
    seed: u64,
) -> Result<(), String> {
    world.start()?;
    put_rules(world.daemon.api(), targets)?;
    let has = Has { disk: world.disk.is_some(), clock: world.time.is_some(), compiler: world.failing.is_some() };
    let (mut worked, mut number) = (Duration::ZERO, 0_u64);
    let missing = || locked(oracle).facts.missing(has);
    // A slow machine gets more rounds to meet what must be met.
    while worked < duration || (worked < 2 * duration && !missing().is_empty()) {
        number += 1;
        let clients = Clients::start(world.daemon.api(), oracle, seed ^ number << 8);
        targets.set_calm(false);
        let mut struck = BTreeMap::<String, u32>::new();
        let began = Instant::now();
        while began.elapsed() < ROUND.min(duration) {
            let fault = world.next()?;
            *struck.entry(format!("{fault:?}")).or_default() += 1;
        }
        worked += began.elapsed();
        clients.stop()?;
        targets.set_calm(true);
        println!("round {number}, {:.0} s: {struck:?}", began.elapsed().as_secs_f64());
        settle(world, oracle)?;
    }
    let missing = missing();
    println!("met:\n{}", locked(oracle).facts.table());
    if missing.is_empty() { Ok(()) } else { Err(format!("never met, so the run has shown too little: {missing:?}")) }
}

fn locked(oracle: &Mutex<Oracle>) -> MutexGuard<'_, Oracle> {
    oracle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One rule and target each, the last behind an event bus of its own; and two schedules.
fn put_rules(api: Client, targets: &Targets) -> Result<(), String> {
    let call = |operation: &str, input: Value| match api.try_call(operation, &input) {
        Ok(reply) if reply.status == 200 && !reply.body.contains("\"FailedEntries\":[{") => Ok(()),
        Ok(reply) => Err(format!("{operation}: {}", reply.body)),
        Err(error) => Err(format!("{operation}: {error}")),
    };
    call("CreateEventBus", json!({"Name": "second"}))?;
    for (target, name) in TARGETS.iter().enumerate() {
        let pattern = json!({"source": [SOURCE], "detail": {"group": GROUPS[target]}}).to_string();
        let mut arn = targets.url(target);
        if *name == "forwarded" {
            let behind = json!({"Id": name, "Arn": arn});
            call("PutRule", json!({"Name": name, "EventBusName": "second", "EventPattern": pattern}))?;
            call("PutTargets", json!({"Rule": name, "EventBusName": "second", "Targets": [behind]}))?;
            "arn:aws:events:us-east-1:000000000000:event-bus/second".clone_into(&mut arn);
        }
        let mut own = json!({"Id": name, "Arn": arn});
        if target == IMPATIENT {
            own["RetryPolicy"] = json!({"MaximumRetryAttempts": 1});
            own["DeadLetterConfig"] = json!({"Arn": "arn:aws:sqs:us-east-1:000000000000:dead"});
        }
        let mut rule = json!({"Name": name, "EventPattern": pattern});
        if target == ORDERED {
            rule["Tags"] = json!([{"Key": "eventyard:group-path", "Value": "detail.lane"}]);
        }
        call("PutRule", rule)?;
        call("PutTargets", json!({"Rule": name, "Targets": [own]}))?;
    }
    for (name, expression) in [("each-minute", "cron(* * * * ? *)"), ("each-period", "rate(1 minute)")] {
        let tags = json!([{"Key": "eventyard:catch-up", "Value": "all"}]);
        call("PutRule", json!({"Name": name, "ScheduleExpression": expression, "Tags": tags}))?;
        call("PutTargets", json!({"Rule": name, "Targets": [{"Id": TARGETS[0], "Arn": targets.url(0)}]}))?;
    }
    Ok(())
}

/// Checks the data of a daemon that was killed with all it owes, waits until nothing is owed, restarts once more, and asks the
/// oracle.
fn settle(world: &mut World, oracle: &Mutex<Oracle>) -> Result<(), String> {
    let began = Instant::now();
    world.end();
    world.daemon.check_data()?;
    world.catch_up_clock();
    world.start()?;
    world.resume()?;
    wait_until_settled(world)?;
    world.end();
    world.start()?;
    wait_until_settled(world)?;
    for letter in world.daemon.dead_letters()? {
        locked(oracle).bury(&letter);
    }
    purge(&world.daemon)?;
    let mut oracle = locked(oracle);
    let figures = oracle.end_round();
    println!("  settled after {:.1} s: {figures:?}", began.elapsed().as_secs_f64());
    oracle.facts.meet_if(figures.firings > 4, Fact::Fired);
    let bugs = bugs(world.daemon.log());
    let found: Vec<_> = oracle.violations().iter().chain(&bugs).cloned().collect();
    if figures.acknowledged == 0 {
        return Err("nothing was acknowledged".to_owned());
    }
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

fn wait_until_settled(world: &mut World) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    let mut pending = None;
    while Instant::now() < end {
        if let Some(status) = world.daemon.exited() {
            return Err(format!("the daemon ended by itself: {status}"));
        }
        pending = world.daemon.metric("eventyard_deliveries_pending");
        if pending == Some(0.0) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(format!("all targets are well, and after five minutes {pending:?} deliveries are still owed"))
}

/// Deletes all dead letters, which have been seen.
fn purge(daemon: &Daemon) -> Result<(), String> {
    let mut path = "/dead-letters/purge?all=true".to_owned();
    loop {
        let answer = daemon.admin("POST", &path)?;
        match answer["next_after"].as_str() {
            Some(after) => path = format!("/dead-letters/purge?all=true&after={after}"),
            None => return Ok(()),
        }
    }
}

/// Bugs that were caught, and those that were not.
fn bugs(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .filter(|line| line.contains("a bug was caught") || line.contains("panicked at"))
        .map(str::to_owned)
        .collect()
}
