//! A full disk: nothing acknowledged is lost, what cannot be kept is refused, and service goes on when there is room.
//!
//! The disk is a small tmpfs, which takes root to mount. Where that is not allowed the tests say so and do nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, Daemon, Reply, Sink, SmallDisk, wait_for};

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
    assert_eq!((refused.status, refused.error_code().as_str()), (500, "InternalException"));
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
