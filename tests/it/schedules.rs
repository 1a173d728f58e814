//! Schedules of the real binary, on a clock that the test moves: kills, jumps and stops.
//!
//! The clock is that of libfaketime (the Debian package `libfaketime`). Where it is not installed, these tests say so and
//! test nothing; `tests/run` installs it where it may.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use serde_json::{Value, json};

use crate::support::{Daemon, Dice, MINUTE, MovedTime, Sink, wait_for};

fn start(time: &MovedTime, data_dir: &Path) -> Daemon {
    let mut environment = time.environment();
    let options = [("EVENTYARD_DELIVERY__BACKOFF_BASE_MS", "10"), ("EVENTYARD_DELIVERY__BACKOFF_MAX_MS", "50")];
    environment.extend(options.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Daemon::start_in_environment(data_dir, &environment)
}

fn put_rule(daemon: &Daemon, sink: &Sink, name: &str, catch_up: &str) {
    let rule = json!({
        "Name": name,
        "ScheduleExpression": "cron(* * * * ? *)",
        "Tags": [{"Key": "eventyard:catch-up", "Value": catch_up}],
    });
    daemon.api().call("PutRule", &rule);
    daemon.api().call("PutTargets", &json!({"Rule": name, "Targets": [sink.target()]}));
}

/// The ids that came for each due time.
fn ids_by_due(sink: &Sink) -> BTreeMap<String, BTreeSet<String>> {
    let mut ids: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for body in sink.received() {
        let event: Value = serde_json::from_str(&body).unwrap();
        let text = |member: &str| event[member].as_str().unwrap().to_owned();
        ids.entry(text("time")).or_default().insert(text("id"));
    }
    ids
}

/// The minutes of due times, counted from the first.
fn minutes(dues: &BTreeMap<String, BTreeSet<String>>) -> Vec<i64> {
    let minute = |due: &String| Timestamp::parse_rfc3339(due).unwrap().as_millis() / (MINUTE * 1_000);
    let all: Vec<_> = dues.keys().map(minute).collect();
    all.iter().map(|minute| minute - all[0]).collect()
}

#[test]
fn each_minute_fires_once_through_kills_and_jumps_of_the_clock() {
    let Some(mut time) = MovedTime::find() else { return };
    let (folder, sink, mut dice) = (tempfile::tempdir().unwrap(), Sink::healthy(), Dice::from_environment());
    let mut daemon = start(&time, folder.path());
    put_rule(&daemon, &sink, "minutely", "all");
    let mut kills = 0;
    for step in 0..24 {
        time.advance(MINUTE);
        std::thread::sleep(Duration::from_millis(dice.below(700)));
        if dice.below(2) == 0 {
            daemon.kill();
            kills += 1;
            daemon.restart();
        }
        if step == 12 {
            // Back by ten minutes and forth again: nothing is due meanwhile.
            wait_for("what is due", || (ids_by_due(&sink).len() > 12).then_some(()));
            let before = ids_by_due(&sink).len();
            time.advance(-10 * MINUTE);
            std::thread::sleep(Duration::from_millis(1_500));
            assert!(ids_by_due(&sink).len() <= before + 1, "at most what was under way");
            time.advance(10 * MINUTE);
        }
    }
    wait_for("24 minutes", || (ids_by_due(&sink).len() >= 24).then_some(()));
    let dues = ids_by_due(&sink);
    println!("{kills} kills, {} firings, {} arrivals", dues.len(), sink.count());
    assert!(kills > 0, "another seed kills");
    assert_eq!(minutes(&dues), (0..i64::try_from(dues.len()).unwrap()).collect::<Vec<_>>(), "each minute fired");
    for (due, ids) in &dues {
        assert_eq!(ids.len(), 1, "the minute {due} fired more than once");
    }
}

#[test]
fn a_daemon_that_was_stopped_makes_up_for_what_it_was_told_to() {
    let Some(mut time) = MovedTime::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (last, all) = (Sink::healthy(), Sink::healthy());
    let daemon = start(&time, folder.path());
    put_rule(&daemon, &last, "last", "last");
    put_rule(&daemon, &all, "all", "all");
    time.advance(MINUTE);
    wait_for("the first minute", || (ids_by_due(&last).len() == 1 && ids_by_due(&all).len() == 1).then_some(()));
    daemon.signal("STOP");
    time.advance(5 * MINUTE);
    std::thread::sleep(Duration::from_millis(1_200));
    daemon.signal("CONT");
    wait_for("five more minutes", || (ids_by_due(&all).len() >= 6).then_some(()));
    wait_for("the last of them", || (ids_by_due(&last).len() >= 2).then_some(()));
    assert_eq!(minutes(&ids_by_due(&last)), [0, 5]);
    assert!((3.5..4.5).contains(&daemon.metric("eventyard_schedules_missed_total")));
}
