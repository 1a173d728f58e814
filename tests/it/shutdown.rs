//! Stopping: in order, within the deadline, and at once when told twice.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Daemon, Sink, wait_for};

#[test]
fn sigterm_lets_attempts_end_and_settles_them() {
    let sink = Sink::start(|_| Answer::Late(Duration::from_millis(400)));
    let mut daemon = Daemon::start(&[]);
    daemon.api().route("slow", sink.target());
    for n in 0..10 {
        daemon.api().put("slow", &json!({"n": n}));
    }
    wait_for("attempts to be under way", || (sink.count() == 10).then_some(()));
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    daemon.restart();
    assert!(daemon.metric("eventyard_deliveries_pending") < 0.5, "all of them were settled");
    assert_eq!(sink.count(), 10, "and none is sent again");
}

#[test]
fn a_second_signal_leaves_at_once_and_loses_nothing() {
    let sink = Sink::start(|_| Answer::Never);
    let mut daemon = Daemon::start(&[("DELIVERY__RESPONSE_TIMEOUT_MS", "600000"), ("SHUTDOWN__DEADLINE_MS", "600000")]);
    daemon.api().route("stuck", sink.target());
    daemon.api().put("stuck", &json!({}));
    wait_for("the attempt to be under way", || (sink.count() == 1).then_some(()));
    daemon.signal("TERM");
    wait_for("readiness to be taken back", || {
        daemon.admin().get("/health/ready").ok().filter(|reply| reply.status == 503)
    });
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(1));
    daemon.restart();
    assert!(daemon.metric("eventyard_deliveries_pending") > 0.5, "it is still owed");
}

#[test]
fn the_deadline_bounds_the_wait() {
    let sink = Sink::start(|_| Answer::Never);
    let mut daemon = Daemon::start(&[("DELIVERY__RESPONSE_TIMEOUT_MS", "600000"), ("SHUTDOWN__DEADLINE_MS", "200")]);
    daemon.api().route("stuck", sink.target());
    daemon.api().put("stuck", &json!({}));
    wait_for("the attempt to be under way", || (sink.count() == 1).then_some(()));
    daemon.signal("INT");
    assert_eq!(daemon.wait().code(), Some(1), "it says that it gave up on something");
    daemon.restart();
    assert!(daemon.metric("eventyard_deliveries_pending") > 0.5, "it is still owed");
}
