//! What an operator does to a daemon in use: restart it, back it up, bring it up elsewhere. Nothing acknowledged is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Daemon, Sink, wait_for};

const RESTARTS: usize = 6;
const CLIENTS: u64 = 4;

/// What a client that tries again until it succeeds went through.
#[derive(Debug, Default)]
struct Told {
    acknowledged: BTreeSet<u64>,
    tries_that_failed: usize,
}

/// Puts event after event until it is over, each as often as it takes, as SDKs do.
fn put_events(client: Client, next: &AtomicU64, over: &AtomicBool) -> Told {
    let mut told = Told::default();
    while !over.load(Ordering::Relaxed) {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let entry = json!({"Source": "s", "DetailType": "n", "Detail": json!({"n": n}).to_string()});
        let input = json!({"Entries": [entry]});
        wait_for("the event to be taken", || {
            let Ok(reply) = client.try_call("PutEvents", &input) else {
                told.tries_that_failed += 1;
                return None;
            };
            // A daemon that stops takes no more connections, but a request that it answers it has done.
            assert_eq!(reply.status, 200, "{}", reply.body);
            assert!(reply.body.contains(r#""FailedEntryCount":0"#), "{}", reply.body);
            Some(())
        });
        told.acknowledged.insert(n);
    }
    told
}

fn numbers(sink: &Sink) -> BTreeMap<u64, usize> {
    let mut numbers = BTreeMap::new();
    for body in sink.received() {
        let event: Value = serde_json::from_str(&body).unwrap();
        *numbers.entry(event["detail"]["n"].as_u64().unwrap()).or_default() += 1;
    }
    numbers
}

#[test]
fn clients_that_try_again_get_through_restarts_and_nothing_is_lost() {
    let sink = Sink::healthy();
    let mut daemon = Daemon::start(&[]);
    daemon.api().route("s", sink.target());
    let (next, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (client, next, over) = (daemon.api(), Arc::clone(&next), Arc::clone(&over));
            std::thread::spawn(move || put_events(client, &next, &over))
        })
        .collect();
    for restart in 1..=RESTARTS {
        let put_before = next.load(Ordering::Relaxed);
        wait_for("events between the restarts", || (next.load(Ordering::Relaxed) > put_before + 50).then_some(()));
        daemon.signal("TERM");
        assert!(daemon.wait().success(), "restart {restart}");
        std::thread::sleep(Duration::from_millis(20));
        daemon.restart();
    }
    over.store(true, Ordering::Relaxed);
    let told: Vec<Told> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    daemon.wait_until_settled();

    let acknowledged: BTreeSet<u64> = told.iter().flat_map(|told| &told.acknowledged).copied().collect();
    let delivered = numbers(&sink);
    let failed: usize = told.iter().map(|told| told.tries_that_failed).sum();
    let more_than_once = delivered.values().filter(|count| **count > 1).count();
    println!("{} acknowledged, {failed} tries failed, {more_than_once} delivered more than once", acknowledged.len());
    assert_eq!(acknowledged, delivered.keys().copied().collect(), "what was acknowledged, and what was delivered");
    assert!(failed > 0, "no client met a restart");
    assert!(daemon.dead_letters().is_empty());
}

#[test]
fn a_copy_of_the_data_directory_is_a_daemon_elsewhere() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let sink = Sink::start(move |_| Answer::Status(if is_down.load(Ordering::Relaxed) { 500 } else { 200 }));
    let folder = tempfile::tempdir().unwrap();
    let (original, copy) = (folder.path().join("eventyard"), folder.path().join("backup"));
    let options = [("DELIVERY__BACKOFF_BASE_MS", "10"), ("DELIVERY__BACKOFF_MAX_MS", "100")];
    let mut daemon = Daemon::start_in(&original, &options);
    daemon.api().route("s", sink.target());
    (0..20).for_each(|n| daemon.api().put("s", &json!({"n": n})));
    let rules = daemon.api().call("ListRules", &json!({}));
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    // As docs/OPERATIONS.md says.
    assert!(Command::new("cp").arg("-a").args([&original, &copy]).status().unwrap().success());
    drop(daemon);
    std::fs::remove_dir_all(&original).unwrap();
    let tried = sink.count();

    down.store(false, Ordering::Relaxed);
    let restored = Daemon::start_in(&copy, &options);
    assert_eq!(restored.api().call("ListRules", &json!({})), rules);
    restored.wait_until_settled();
    let received = sink.received();
    let events = received[tried..].iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
    let delivered: BTreeSet<u64> = events.map(|event| event["detail"]["n"].as_u64().unwrap()).collect();
    assert_eq!(delivered, (0..20).collect(), "what was owed");
}
