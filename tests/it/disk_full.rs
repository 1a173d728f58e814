//! A full disk: nothing acknowledged is lost, what cannot be kept is refused, and service goes on when there is room.
//!
//! The disk is a small tmpfs, which takes root to mount. Where that is not allowed the tests say so and do nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{Answer, Client, Daemon, Reply, Sink, SmallDisk, wait_for};

fn put(client: Client, n: u64) -> std::io::Result<Reply> {
    let detail = json!({"n": n, "filling": "x".repeat(20_000)}).to_string();
    client.try_call("PutEvents", &json!({"Entries": [{"Source": "full", "DetailType": "n", "Detail": detail}]}))
}

fn arrived(sink: &Sink) -> BTreeSet<u64> {
    let number = |body: &String| serde_json::from_str::<Value>(body).unwrap()["detail"]["n"].as_u64().unwrap();
    sink.received().iter().map(number).collect()
}

#[test]
fn events_are_refused_while_the_disk_is_nearly_full_and_taken_again_after() {
    let Some(disk) = SmallDisk::mount(256) else { return };
    let sink = Sink::healthy();
    let daemon = Daemon::start_in(&disk.path().join("data"), &[("JOURNAL__FREE_SPACE_BYTES_MIN", "67108864")]);
    daemon.api().route("full", sink.target());
    let mut acknowledged = BTreeSet::new();
    for n in 0..20 {
        assert_eq!(put(daemon.api(), n).unwrap().status, 200);
        acknowledged.insert(n);
    }
    let filling = disk.fill();
    let refused = put(daemon.api(), 100).unwrap();
    assert_eq!((refused.status, refused.error_code().as_str()), (400, "ThrottlingException"));
    let rule = daemon.api().try_call("PutRule", &json!({"Name": "r", "EventPattern": r#"{"source":["x"]}"#})).unwrap();
    assert_eq!((rule.status, rule.error_code().as_str()), (500, "InternalException"));
    assert_eq!(daemon.admin().get("/health/ready").unwrap().status, 503);
    assert!(daemon.metric("eventyard_journal_full") > 0.5);

    std::fs::remove_file(filling).unwrap();
    for n in 20..40 {
        assert_eq!(put(daemon.api(), n).unwrap().status, 200);
        acknowledged.insert(n);
    }
    assert_eq!(daemon.admin().get("/health/ready").unwrap().status, 200);
    daemon.wait_until_settled();
    assert_eq!(arrived(&sink), acknowledged);
    assert!(
        !daemon.api().call("ListRules", &json!({})).contains(r#""Name":"r""#),
        "what was refused is not there by half"
    );
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_write_ends_the_daemon_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount(160) else { return };
    let sink = Sink::healthy();
    // No room is kept free, so the storage engine itself meets the end of the disk.
    let mut daemon = Daemon::start_in(&disk.path().join("data"), &[("JOURNAL__FREE_SPACE_BYTES_MIN", "0")]);
    daemon.api().route("full", sink.target());
    let mut acknowledged = BTreeSet::new();
    for n in 0..20 {
        assert_eq!(put(daemon.api(), n).unwrap().status, 200);
        acknowledged.insert(n);
    }
    let filling = disk.fill();
    for n in 20.. {
        match put(daemon.api(), n) {
            Ok(reply) if reply.status == 200 => acknowledged.insert(n),
            _ => break,
        };
    }
    assert!(!daemon.wait().success(), "it says that something is wrong");
    std::fs::remove_file(filling).unwrap();
    daemon.restart();
    daemon.wait_until_settled();
    let missing: Vec<_> =
        wait_for("the last deliveries", || Some(acknowledged.difference(&arrived(&sink)).copied().collect()));
    assert_eq!(missing, Vec::<u64>::new(), "of {} acknowledged", acknowledged.len());
    assert_eq!(put(daemon.api(), 1_000_000).unwrap().status, 200);
}

#[test]
fn a_backlog_that_is_too_large_refuses_events_until_it_drains() {
    let healed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&healed);
    let sink = Sink::start(move |_| Answer::Status(if flag.load(Ordering::Relaxed) { 200 } else { 503 }));
    let mut daemon = Daemon::start(&[
        ("JOURNAL__SIZE_BYTES_MAX", "3000000"),
        ("JOURNAL__SEGMENT_SIZE_BYTES", "1048576"),
        ("JOURNAL__COMMIT_GROUP_BYTES_MAX", "1048576"),
        ("DELIVERY__BACKOFF_BASE_MS", "10"),
        ("DELIVERY__BACKOFF_MAX_MS", "100"),
        ("DELIVERY__CIRCUIT_BREAKER_FAILURES", "0"),
    ]);
    daemon.api().route("full", sink.target());
    let mut acknowledged = BTreeSet::new();
    let refused = (0..1_000).find_map(|n| {
        let reply = put(daemon.api(), n).unwrap();
        if reply.status == 200 {
            acknowledged.insert(n);
            return None;
        }
        Some(reply)
    });
    let refused = refused.unwrap();
    assert_eq!((refused.status, refused.error_code().as_str()), (400, "ThrottlingException"), "{}", refused.body);
    assert!((100..200).contains(&acknowledged.len()), "{} of 20 KB", acknowledged.len());
    daemon.kill();
    daemon.restart();
    let entry = json!({"Source": "full", "DetailType": "n", "Detail": {"n": 7}}).to_string();
    let plain = daemon.api().request("POST", "/events", &[], entry.as_bytes()).unwrap();
    assert_eq!((plain.status, plain.error_code().as_str()), (429, "ThrottlingException"));
    assert!(plain.head.to_ascii_lowercase().contains("retry-after: 5"), "{}", plain.head);
    let ready = daemon.admin().get("/health/ready").unwrap();
    assert!(ready.status == 503 && ready.body.contains("journal.size_bytes_max"), "{}", ready.body);
    assert!(daemon.metric("eventyard_backlog_full") > 0.5);
    // What nobody wants needs no room, and rules can be changed: that may be the way out.
    daemon.api().put("unwanted", &json!({}));
    daemon.api().call("DisableRule", &json!({"Name": "full"}));
    daemon.api().call("EnableRule", &json!({"Name": "full"}));

    healed.store(true, Ordering::Relaxed);
    daemon.wait_until_settled();
    assert_eq!(daemon.admin().get("/health/ready").unwrap().status, 200);
    assert!(daemon.metric("eventyard_backlog_full") < 0.5);
    assert_eq!(put(daemon.api(), 5_000).unwrap().status, 200);
    daemon.wait_until_settled();
    acknowledged.insert(5_000);
    assert_eq!(arrived(&sink), acknowledged);
}
