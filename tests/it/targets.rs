//! Bad targets: retried as long as they should be, never longer, and never at the cost of a good one.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Daemon, Sink, wait_for};

const QUICK: &[(&str, &str)] = &[
    ("DELIVERY__BACKOFF_BASE_MS", "2"),
    ("DELIVERY__BACKOFF_MAX_MS", "20"),
    ("DELIVERY__RESPONSE_TIMEOUT_MS", "300"),
    ("DELIVERY__CONNECT_TIMEOUT_MS", "300"),
    ("DELIVERY__CIRCUIT_BREAKER_OPEN_BASE_MS", "2"),
    ("DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS", "20"),
];

#[test]
fn a_target_that_fails_ten_times_gets_its_event_the_eleventh() {
    let sink = Sink::start(|number| Answer::Status(if number < 10 { 500 } else { 200 }));
    let daemon = Daemon::start(QUICK);
    daemon.api().route("flaky", sink.target());
    daemon.api().put("flaky", &json!({"a": 1}));
    daemon.wait_until_settled();
    let received = sink.received();
    assert_eq!(received.len(), 11);
    assert!(received.iter().all(|body| *body == received[0]), "each attempt sends the same");
    assert!(daemon.dead_letters().is_empty());
}

#[test]
fn a_target_that_asks_to_wait_is_left_alone_for_so_long() {
    let sink = Sink::start(|number| if number == 0 { Answer::Busy(1) } else { Answer::Status(200) });
    let daemon = Daemon::start(QUICK);
    daemon.api().route("busy", sink.target());
    let started = Instant::now();
    daemon.api().put("busy", &json!({}));
    daemon.wait_until_settled();
    assert_eq!(sink.count(), 2);
    // Without the header the retry would have come after 20 ms at most.
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn retries_go_on_after_a_restart_and_count_on() {
    let sink = Sink::start(|_| Answer::Status(503));
    let mut daemon = Daemon::start(&[
        ("DELIVERY__BACKOFF_BASE_MS", "30"),
        ("DELIVERY__BACKOFF_MAX_MS", "60"),
        ("DELIVERY__CIRCUIT_BREAKER_FAILURES", "0"),
    ]);
    let mut target = sink.target();
    target["RetryPolicy"] = json!({"MaximumRetryAttempts": 20});
    daemon.api().route("down", target);
    daemon.api().put("down", &json!({}));
    wait_for("a few attempts", || (sink.count() >= 5).then_some(()));
    daemon.kill();
    daemon.restart();
    daemon.wait_until_settled();
    let letters = daemon.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["RETRY_ATTEMPTS"], 20);
    assert_eq!(letters[0]["EXHAUSTED_RETRY_CONDITION"], "MaximumRetryAttempts");
    // At most the attempt that was under way when it was killed is made twice.
    assert!((21..=22).contains(&sink.count()), "{}", sink.count());
}

#[test]
fn bad_targets_end_as_dead_letters_and_delay_nobody() {
    let (healthy, black_hole) = (Sink::healthy(), Sink::start(|_| Answer::Never));
    let refusing = Sink::start(|_| Answer::Status(403));
    let redirecting = Sink::start(|_| Answer::Status(302));
    let daemon = Daemon::start(QUICK);
    let api = daemon.api();
    let with_retries = |mut target: serde_json::Value, attempts: u32| {
        target["RetryPolicy"] = json!({"MaximumRetryAttempts": attempts});
        target
    };
    let absent = json!({"Id": "absent", "Arn": "http://127.0.0.1:9/"});
    api.route("healthy", healthy.target());
    api.route("black-hole", with_retries(black_hole.target(), 185));
    api.route("absent", with_retries(absent, 2));
    api.route("refusing", refusing.target());
    api.route("redirecting", redirecting.target());
    for n in 0..50 {
        for source in ["black-hole", "absent", "refusing", "redirecting", "healthy"] {
            api.put(source, &json!({"n": n}));
        }
    }
    wait_for("the healthy target to have everything", || (healthy.count() == 50).then_some(()));
    assert!(daemon.metric("eventyard_deliveries_pending") >= 50.0, "the black hole is still owed everything");
    assert!(daemon.dead_letters().iter().all(|letter| letter["target_id"] != "black-hole"));

    let letters =
        wait_for("the others to have died", || Some(daemon.dead_letters()).filter(|letters| letters.len() == 150));
    let codes = |rule: &str| -> Vec<String> {
        let of_rule =
            letters.iter().filter(|letter| letter["RULE_ARN"].as_str().unwrap().ends_with(&format!("rule/{rule}")));
        let mut codes: Vec<_> =
            of_rule.map(|letter| format!("{} {}", letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"])).collect();
        codes.sort();
        codes.dedup();
        codes
    };
    assert_eq!(codes("absent"), [r#""CONNECTION_FAILED" 2"#]);
    assert_eq!(codes("refusing"), [r#""REFUSED_BY_TARGET" 0"#]);
    assert_eq!(codes("redirecting"), [r#""REDIRECTED" 0"#]);
    assert_eq!((refusing.count(), redirecting.count()), (50, 50), "what is permanent is tried once");
}

#[test]
fn a_target_that_never_answers_times_out() {
    let black_hole = Sink::start(|_| Answer::Never);
    let daemon = Daemon::start(QUICK);
    let mut target = black_hole.target();
    target["RetryPolicy"] = json!({"MaximumRetryAttempts": 1});
    daemon.api().route("black-hole", target);
    daemon.api().put("black-hole", &json!({}));
    daemon.wait_until_settled();
    let letters = daemon.dead_letters();
    assert_eq!(letters[0]["ERROR_CODE"], "TIMED_OUT");
    assert_eq!(black_hole.count(), 2);
}

#[test]
fn what_a_removed_target_is_owed_becomes_dead_letters_under_its_name() {
    let sink = Sink::start(|_| Answer::Status(500));
    let mut daemon =
        Daemon::start(&[("DELIVERY__BACKOFF_BASE_MS", "3600000"), ("DELIVERY__BACKOFF_MAX_MS", "3600000")]);
    daemon.api().route("gone", sink.target());
    for n in 0..5 {
        daemon.api().put("gone", &json!({"n": n}));
    }
    wait_for("the first attempts", || (sink.count() == 5).then_some(()));
    daemon.api().call("RemoveTargets", &json!({"Rule": "gone", "Ids": ["sink"]}));
    daemon.wait_until_settled();
    daemon.kill();
    daemon.restart();
    let letters = daemon.dead_letters();
    assert_eq!(letters.len(), 5);
    assert!(
        letters.iter().all(|letter| letter["ERROR_CODE"] == "TARGET_REMOVED" && letter["target_id"] == "sink"),
        "{letters:?}"
    );
    daemon.api().call("DeleteRule", &json!({"Name": "gone"}));
}

#[test]
fn a_target_that_fails_is_left_alone_and_burns_no_attempts() {
    let (failing, healthy) = (Sink::start(|_| Answer::Status(500)), Sink::healthy());
    let mut options = QUICK.to_vec();
    options.retain(|(name, _)| !name.contains("CIRCUIT_BREAKER_OPEN"));
    options.push(("DELIVERY__CIRCUIT_BREAKER_OPEN_BASE_MS", "3600000"));
    options.push(("DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS", "3600000"));
    let daemon = Daemon::start(&options);
    daemon.api().route("failing", failing.target());
    daemon.api().route("healthy", healthy.target());
    let put = |source, events| (0..events).for_each(|n| daemon.api().put(source, &json!({"n": n})));
    put("failing", 30);
    let opened = r#"eventyard_circuit_breaker_transitions_total{to="open"}"#;
    wait_for("the circuit breaker to open", || (daemon.metric(opened) >= 1.0).then_some(()));
    put("failing", 30);
    put("healthy", 30);
    wait_for("the healthy target to have everything", || (healthy.count() == 30).then_some(()));
    // Ten failures open it, while at most 15 more are under way.
    assert!((10..=25).contains(&failing.count()), "{}", failing.count());
    assert!(daemon.metric("eventyard_deliveries_pending") >= 60.0);
    assert!(daemon.dead_letters().is_empty());
}

#[test]
fn a_target_that_comes_back_gets_what_was_queued() {
    let sink = Sink::start(|number| Answer::Status(if number < 40 { 503 } else { 200 }));
    let daemon = Daemon::start(QUICK);
    daemon.api().route("back", sink.target());
    for n in 0..50 {
        daemon.api().put("back", &json!({"n": n}));
    }
    daemon.wait_until_settled();
    assert_eq!(sink.count(), 40 + 50);
    assert!(daemon.dead_letters().is_empty());
    let moved = |to| daemon.metric(&format!(r#"eventyard_circuit_breaker_transitions_total{{to="{to}"}}"#));
    assert_eq!((moved("open"), moved("closed")), (moved("half_open"), 1.0));
}

#[test]
fn a_rate_limit_spreads_attempts() {
    let sink = Sink::healthy();
    let daemon = Daemon::start(&[("DELIVERY__ATTEMPTS_PER_SECOND_PER_TARGET", "20")]);
    daemon.api().route("slow", sink.target());
    let started = Instant::now();
    for n in 0..40 {
        daemon.api().put("slow", &json!({"n": n}));
    }
    daemon.wait_until_settled();
    assert_eq!(sink.count(), 40);
    // Twenty at once, and twenty that flow in.
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
}
