//! A disk of which one write or fsync fails, and one that loses its power: the daemon ends, and nothing acknowledged is lost.
//!
//! The disk is a library in C around the real binary. Where there is no compiler the test says so and does nothing. The
//! conservation harness lets many more calls fail, by seed and under load.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Daemon, FailingDisk, Failure, Sink};

/// More calls than the first start of a daemon makes.
const NTH: u64 = 400;

fn numbers(sink: &Sink) -> BTreeSet<u64> {
    let number = |body: &String| serde_json::from_str::<Value>(body).unwrap()["detail"]["n"].as_u64().unwrap();
    sink.received().iter().map(number).collect()
}

#[test]
fn a_call_that_fails_ends_the_daemon_and_loses_nothing_acknowledged() {
    for failure in [Failure::Sync, Failure::Write, Failure::PowerAtSync, Failure::PowerAtWrite] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let Some(disk) = FailingDisk::compile(folder.path(), &data).unwrap() else { return };
        let sink = Sink::healthy();
        let environment = disk.environment(failure, NTH, &[]);
        let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut daemon = Daemon::start_in_environment(&data, &environment);
        daemon.api().route("failing", sink.target());
        let entry = |n: u64| json!([{"Source": "failing", "DetailType": "n", "Detail": json!({"n": n}).to_string()}]);
        let is_acknowledged = |n: &u64| {
            let reply = daemon.api().try_call("PutEvents", &json!({"Entries": entry(*n)}));
            reply.is_ok_and(|reply| reply.status == 200 && reply.body.contains("\"FailedEntryCount\":0"))
        };
        let acknowledged: BTreeSet<_> = (0..NTH).take_while(is_acknowledged).collect();
        let ended = daemon.wait();
        let file = disk.failed().unwrap();
        match failure {
            Failure::Sync | Failure::Write => assert_eq!(ended.code(), Some(1), "{failure:?} of {file}"),
            Failure::PowerAtSync | Failure::PowerAtWrite => {
                assert_eq!(ended.signal(), Some(9), "{failure:?} of {file}");
            }
        }
        assert!(
            !acknowledged.is_empty() && acknowledged.len() < usize::try_from(NTH).unwrap(),
            "{failure:?} of {file}"
        );

        let fsck = Command::new(env!("CARGO_BIN_EXE_eventyard")).args(["fsck", "--data-dir"]).arg(&data).output();
        let fsck = fsck.unwrap();
        assert!(fsck.status.success(), "{failure:?} of {file}: {}", String::from_utf8_lossy(&fsck.stdout));
        let daemon = Daemon::start_in(&data, &[]);
        daemon.wait_until_settled();
        let arrived = numbers(&sink);
        let missing: Vec<_> = acknowledged.difference(&arrived).collect();
        assert!(missing.is_empty(), "{failure:?} of {file}: {missing:?} of {}", acknowledged.len());
    }
}
