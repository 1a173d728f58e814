//! What happened to an event, by the admin listener and the command line.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Answer, Daemon, Sink, wait_for};

/// Puts an event and answers its id.
fn put(daemon: &Daemon, source: &str) -> String {
    let entry = json!({"Source": source, "DetailType": "test", "Detail": "{}"});
    let body: Value = serde_json::from_str(&daemon.api().call("PutEvents", &json!({"Entries": [entry]}))).unwrap();
    body["Entries"][0]["EventId"].as_str().unwrap().to_owned()
}

fn report(daemon: &Daemon, id: &str) -> Value {
    let reply = daemon.admin().get(&format!("/events/{id}")).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

fn shown(daemon: &Daemon, id: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventyard"));
    let output = command.args(["events", "show", id, "--admin", &daemon.admin().0.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// State and outcomes of the one delivery.
fn told(report: &Value) -> (String, Vec<String>) {
    let deliveries = report["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 1, "{report}");
    let outcomes = deliveries[0]["attempts"].as_array().unwrap().iter();
    let outcomes = outcomes.map(|attempt| attempt["outcome"].as_str().unwrap().to_owned());
    (deliveries[0]["state"].as_str().unwrap().to_owned(), outcomes.collect())
}

#[test]
fn it_is_told_for_what_was_delivered_given_up_retried_and_never_tried() {
    let flaky = Sink::start(|number| Answer::Status(if number < 2 { 500 } else { 200 }));
    let (refusing, down) = (Sink::start(|_| Answer::Status(403)), Sink::start(|_| Answer::Status(503)));
    let mut daemon = Daemon::start(&[
        ("DELIVERY__BACKOFF_BASE_MS", "5"),
        ("DELIVERY__BACKOFF_MAX_MS", "10"),
        ("DELIVERY__CIRCUIT_BREAKER_FAILURES", "3"),
        ("DELIVERY__CIRCUIT_BREAKER_OPEN_BASE_MS", "3600000"),
        ("DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS", "3600000"),
    ]);
    let api = daemon.api();
    api.route("flaky", flaky.target());
    api.route("refusing", refusing.target());
    api.route("down", down.target());
    let (delivered, dead, retried) = (put(&daemon, "flaky"), put(&daemon, "refusing"), put(&daemon, "down"));
    let opened = r#"eventyard_circuit_breaker_transitions_total{to="open"}"#;
    wait_for("the circuit breaker to open", || (daemon.metric(opened) >= 1.0).then_some(()));
    let untried = put(&daemon, "down");
    wait_for("two deliveries to be settled", || (daemon.metric("eventyard_deliveries_pending") < 2.5).then_some(()));

    let check = |daemon: &Daemon| {
        let delivery = report(daemon, &delivered);
        assert_eq!(
            told(&delivery),
            ("delivered".into(), vec!["TARGET_FAILED".into(), "TARGET_FAILED".into(), "DELIVERED".into()])
        );
        let rule = "arn:aws:events:us-east-1:000000000000:rule/flaky";
        assert_eq!((&delivery["id"], &delivery["deliveries"][0]["rule_arn"]), (&json!(delivered), &json!(rule)));
        assert!(shown(daemon, &delivered).ends_with("DELIVERED\n  delivered\n"), "{}", shown(daemon, &delivered));

        let death = report(daemon, &dead);
        assert_eq!(told(&death), ("dead".into(), vec!["REFUSED_BY_TARGET".into()]));
        let letter = death["deliveries"][0]["dead_letter"].as_str().unwrap();
        let letter = daemon.admin().get(&format!("/dead-letters/{letter}")).unwrap().json();
        assert_eq!(letter["event"]["id"], json!(dead));

        let (state, outcomes) = told(&report(daemon, &retried));
        assert_eq!((state.as_str(), outcomes.len()), ("pending", 3), "{outcomes:?}");
        assert!(report(daemon, &retried)["deliveries"][0]["next_attempt"].is_string());
        let waiting = report(daemon, &untried);
        assert_eq!(told(&waiting), ("pending".into(), vec![]));
        assert_eq!(waiting["event"]["id"], json!(untried));
        assert!(shown(daemon, &untried).contains("pending: not tried yet"));
    };
    check(&daemon);
    daemon.kill();
    daemon.restart();
    for (id, status) in [("x", 400), ("018f0000-0000-7000-8000-000000000000", 404)] {
        assert_eq!(daemon.admin().get(&format!("/events/{id}")).unwrap().status, status);
    }
    let delivery = report(&daemon, &delivered);
    assert_eq!(told(&delivery).0, "delivered", "the history outlives the process");
}

#[test]
fn a_redriven_event_tells_both_its_deliveries() {
    let sink = Sink::start(|number| Answer::Status(if number == 0 { 403 } else { 200 }));
    let daemon = Daemon::start(&[]);
    daemon.api().route("again", sink.target());
    let id = put(&daemon, "again");
    daemon.wait_until_settled();
    assert_eq!(daemon.redrive("all=true")["redriven"], 1);
    daemon.wait_until_settled();
    let report = report(&daemon, &id);
    let states: Vec<_> = report["deliveries"].as_array().unwrap().iter().map(|delivery| &delivery["state"]).collect();
    assert_eq!(states, ["dead_letter_gone", "delivered"]);
}

#[test]
fn without_a_history_only_what_is_owed_is_told() {
    let (sink, down) = (Sink::healthy(), Sink::start(|_| Answer::Never));
    let daemon = Daemon::start(&[("HISTORY__SIZE_BYTES_MAX", "0")]);
    daemon.api().route("up", sink.target());
    daemon.api().route("down", down.target());
    let (delivered, owed) = (put(&daemon, "up"), put(&daemon, "down"));
    wait_for("one to be delivered", || (daemon.metric("eventyard_deliveries_pending") < 1.5).then_some(()));
    assert_eq!(told(&report(&daemon, &owed)).0, "pending");
    // The event is stored still, as its segment is, but nothing is remembered of its delivery.
    let report = report(&daemon, &delivered);
    assert_eq!(report["deliveries"], json!([]));
}
