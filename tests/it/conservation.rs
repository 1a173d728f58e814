//! Conservation under kill -9: what was acknowledged is delivered or a dead letter, and nothing is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Daemon, Dice, Sink, mix};

const KILLS: usize = 24;
const SOURCE: &str = "conservation";
const OPTIONS: &[(&str, &str)] = &[
    ("DELIVERY__BACKOFF_BASE_MS", "5"),
    ("DELIVERY__BACKOFF_MAX_MS", "100"),
    ("DELIVERY__RESPONSE_TIMEOUT_MS", "2000"),
    // Opened by three failures in a row, so that kills meet it in all its states.
    ("DELIVERY__CIRCUIT_BREAKER_FAILURES", "3"),
    ("DELIVERY__CIRCUIT_BREAKER_OPEN_BASE_MS", "5"),
    ("DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS", "50"),
    // Small, so that segments are dropped and made between the kills.
    ("JOURNAL__SEGMENT_SIZE_BYTES", "1048576"),
    ("JOURNAL__COMMIT_GROUP_BYTES_MAX", "1048576"),
    ("PUT_EVENTS__ENTRIES_SIZE_BYTES_MAX", "262144"),
    ("JOURNAL__FREE_SPACE_BYTES_MIN", "0"),
];

/// The detail of event `n`. It follows from the number, so that a change on the way shows.
fn detail(n: u64) -> Value {
    let filling: String = (0..mix(n) % 40).map(|i| mix(n + i).to_string()).collect();
    json!({"n": n, "check": mix(n).to_string(), "filling": filling})
}

/// What the clients know.
#[derive(Debug, Default)]
struct Oracle {
    next: AtomicU64,
    sent: Mutex<BTreeSet<u64>>,
    acknowledged: Mutex<BTreeSet<u64>>,
    over: AtomicBool,
}

/// Puts events until it is over. Whatever is not answered with success may or may not have been accepted.
fn put_events(client: Client, oracle: &Oracle) {
    while !oracle.over.load(Ordering::Relaxed) {
        let first = oracle.next.fetch_add(10, Ordering::Relaxed);
        let numbers: Vec<u64> = (first..first + 1 + first % 10).collect();
        oracle.sent.lock().unwrap().extend(&numbers);
        let entry = |n: &u64| json!({"Source": SOURCE, "DetailType": "n", "Detail": detail(*n).to_string()});
        let input = json!({"Entries": numbers.iter().map(entry).collect::<Vec<_>>()});
        match client.try_call("PutEvents", &input) {
            Ok(reply) if reply.status == 200 => {
                assert!(reply.body.contains(r#""FailedEntryCount":0"#), "{}", reply.body);
                oracle.acknowledged.lock().unwrap().extend(&numbers);
            }
            // The daemon was killed, or is not up yet.
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The number in a delivered or dead event, once its detail is known to be that of this number.
fn checked_number(envelope: &Value) -> u64 {
    let n = envelope["detail"]["n"].as_u64().unwrap();
    assert_eq!(envelope["detail"], detail(n));
    n
}

/// How the sink answers request `number`.
fn answer(number: usize) -> Answer {
    match mix(number as u64) % 40 {
        0..=3 => Answer::Status(500),
        4 => Answer::Status(404),
        5 => Answer::Hangup,
        6 => Answer::Late(Duration::from_millis(50)),
        _ => Answer::Status(200),
    }
}

#[test]
fn what_is_acknowledged_is_delivered_whenever_the_daemon_is_killed() {
    let mut dice = Dice::from_environment();
    // Some answers fail, some for good, so that retries and dead letters are under way when the daemon is killed.
    let sink = Sink::start(answer);
    let mut daemon = Daemon::start(OPTIONS);
    daemon.api().route(SOURCE, sink.target());
    let oracle = Arc::new(Oracle::default());
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (client, oracle) = (daemon.api(), Arc::clone(&oracle));
            std::thread::spawn(move || put_events(client, &oracle))
        })
        .collect();
    let (mut with_backlog, mut alive_ms) = (0, Vec::new());
    for _ in 0..KILLS {
        alive_ms.push(dice.below(400));
        std::thread::sleep(Duration::from_millis(*alive_ms.last().unwrap()));
        with_backlog += usize::from(daemon.metric("eventyard_deliveries_pending") > 0.0);
        daemon.kill();
        daemon.restart();
    }
    oracle.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    daemon.wait_until_settled();

    let mut delivered: BTreeMap<u64, usize> = BTreeMap::new();
    let received = sink.received();
    for (number, body) in received.iter().enumerate() {
        let n = checked_number(&serde_json::from_str(body).unwrap());
        if matches!(answer(number), Answer::Status(200) | Answer::Late(_)) {
            *delivered.entry(n).or_default() += 1;
        }
    }
    let dead: BTreeSet<u64> = daemon.dead_letters().iter().map(|letter| checked_number(&letter["event"])).collect();
    let (sent, acknowledged) = (oracle.sent.lock().unwrap(), oracle.acknowledged.lock().unwrap());
    println!(
        "{KILLS} kills ({with_backlog} with a backlog, alive for {alive_ms:?} ms): {} sent, {} acknowledged, {} requests, \
         {} delivered, {} of them more than once, {} dead letters",
        sent.len(),
        acknowledged.len(),
        received.len(),
        delivered.len(),
        delivered.values().filter(|count| **count > 1).count(),
        dead.len(),
    );
    let lost: Vec<_> = acknowledged.iter().filter(|n| !delivered.contains_key(n) && !dead.contains(n)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let made_up: Vec<_> = delivered.keys().chain(&dead).filter(|n| !sent.contains(n)).collect();
    assert!(made_up.is_empty(), "never sent: {made_up:?}");
    // A run that reached nothing has shown nothing.
    assert!(acknowledged.len() > 100, "too few events to mean anything");
    assert!(with_backlog > 0, "no kill met a backlog");
    assert!(!dead.is_empty(), "nothing died");
}
