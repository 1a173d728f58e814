//! Dead letters by the admin listener and the command line: found, sent again, deleted.

use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{Answer, Daemon, Sink, wait_for};

/// A daemon with 30 dead letters of the rule `refused` and 12 of `failed`, and their targets, which take everything from
/// the moment the flag is set.
struct Graveyard {
    daemon: Daemon,
    refused: Sink,
    failed: Sink,
    healed: Arc<AtomicBool>,
}

fn graveyard() -> Graveyard {
    let healed = Arc::new(AtomicBool::new(false));
    let sink = |status| {
        let healed = Arc::clone(&healed);
        Sink::start(move |_| Answer::Status(if healed.load(Ordering::Relaxed) { 200 } else { status }))
    };
    let (refused, failed) = (sink(403), sink(503));
    let daemon = Daemon::start(&[("DELIVERY__CIRCUIT_BREAKER_FAILURES", "0")]);
    let mut target = failed.target();
    target["RetryPolicy"] = json!({"MaximumRetryAttempts": 0});
    daemon.api().route("refused", refused.target());
    daemon.api().route("failed", target);
    (0..30).for_each(|n| daemon.api().put("refused", &json!({"n": n})));
    (0..12).for_each(|n| daemon.api().put("failed", &json!({"n": n})));
    daemon.wait_until_settled();
    Graveyard { daemon, refused, failed, healed }
}

fn command(daemon: &Daemon, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eventyard"))
        .arg("dead-letters")
        .args(arguments)
        .args(["--admin", &daemon.admin().0.to_string()])
        .output()
        .unwrap()
}

fn said(daemon: &Daemon, arguments: &[&str]) -> String {
    let output = command(daemon, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// How many there are below the headings.
fn lines(daemon: &Daemon, arguments: &[&str]) -> usize {
    said(daemon, arguments).lines().skip(1).count()
}

#[test]
fn they_are_found_by_rule_target_reason_and_time() {
    let Graveyard { daemon, .. } = graveyard();
    assert_eq!(lines(&daemon, &["list", "--limit", "0"]), 42);
    assert_eq!(lines(&daemon, &["list", "--limit", "7"]), 7);
    assert_eq!(lines(&daemon, &["list", "--rule", "failed"]), 12);
    assert_eq!(lines(&daemon, &["list", "--rule", "arn:aws:events:us-east-1:000000000000:rule/refused"]), 30);
    assert_eq!(lines(&daemon, &["list", "--code", "TARGET_FAILED", "--target", "sink"]), 12);
    assert_eq!(lines(&daemon, &["list", "--code", "TARGET_FAILED", "--rule", "refused"]), 0);
    assert_eq!(lines(&daemon, &["list", "--since", "2999-01-01T00:00:00Z"]), 0);
    assert_eq!(lines(&daemon, &["list", "--until", "2999-01-01T00:00:00Z"]), 42);
    let whole: Vec<Value> = said(&daemon, &["list", "--output", "json", "--rule", "failed"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // One that is in the middle, by its time alone.
    let died = whole[5]["died"].as_str().unwrap();
    let later = whole.iter().filter(|letter| letter["died"].as_str() >= Some(died)).count();
    assert_eq!(lines(&daemon, &["list", "--rule", "failed", "--since", died]), later);
    let shown: Value = serde_json::from_str(&said(&daemon, &["show", whole[5]["id"].as_str().unwrap()])).unwrap();
    assert_eq!(shown, whole[5]);
}

#[test]
fn they_are_sent_again_once_and_the_rest_is_purged() {
    let Graveyard { daemon, refused, failed, healed } = graveyard();
    assert_eq!(said(&daemon, &["redrive", "--all", "--dry-run"]), "42 would be sent again\n");
    let dry: Value =
        serde_json::from_str(&said(&daemon, &["redrive", "--all", "--dry-run", "--output", "json"])).unwrap();
    let expected = json!({"total": 42, "redriven": 42, "without_target": 0, "without_event": 0, "dry_run": true});
    assert_eq!(dry, expected);
    assert_eq!(said(&daemon, &["redrive", "--rule", "refused", "--rate", "0"]), "30 are owed to their targets again\n");
    daemon.wait_until_settled();
    // They were refused again, each once, and died again.
    assert_eq!((refused.count(), lines(&daemon, &["list", "--rule", "refused"])), (60, 30));
    healed.store(true, Ordering::Relaxed);
    assert_eq!(said(&daemon, &["redrive", "--rule", "refused"]), "30 are owed to their targets again\n");
    daemon.wait_until_settled();
    let received = refused.received();
    let (mut first, mut last) = (received[..30].to_vec(), received[60..].to_vec());
    first.sort();
    last.sort();
    assert_eq!(first, last, "the same events with the same ids");
    assert_eq!(lines(&daemon, &["list"]), 12);
    assert_eq!(said(&daemon, &["purge", "--code", "THROTTLED"]), "0 deleted\n");
    assert_eq!(said(&daemon, &["purge", "--all", "--dry-run"]), "12 would be deleted\n");
    let purged: Value = serde_json::from_str(&said(&daemon, &["purge", "--all", "--output", "json"])).unwrap();
    assert_eq!(purged, json!({"purged": 12, "dry_run": false}));
    assert_eq!(lines(&daemon, &["list"]), 0);
    assert_eq!(failed.count(), 12, "what is purged is not sent");
    let metrics = daemon.admin().get("/metrics").unwrap().body;
    assert!(metrics.contains("\neventyard_dead_letters_redriven_total 60\n"), "{metrics}");
    assert!(metrics.contains("\neventyard_dead_letters_purged_total 12\n"), "{metrics}");
}

#[test]
fn a_target_that_was_made_anew_gets_what_the_old_one_was_owed() {
    let Graveyard { daemon, failed, healed, .. } = graveyard();
    daemon.api().call("RemoveTargets", &json!({"Rule": "failed", "Ids": ["sink"]}));
    let gone = said(&daemon, &["redrive", "--rule", "failed"]);
    assert_eq!(gone, "0 are owed to their targets again\n12 left: their target is gone\n");
    healed.store(true, Ordering::Relaxed);
    daemon.api().route("failed", failed.target());
    let one = daemon.admin().get("/dead-letters?rule=failed&limit=1").unwrap().json();
    let id = one["dead_letters"][0]["id"].as_str().unwrap();
    let redriven = daemon.admin().request("POST", &format!("/dead-letters/{id}/redrive"), &[], b"").unwrap().json();
    assert_eq!(redriven["redriven"], 1);
    assert_eq!(said(&daemon, &["redrive", "--rule", "failed"]), "11 are owed to their targets again\n");
    wait_for("all to arrive", || (failed.count() == 24).then_some(()));
}

#[test]
fn what_is_not_meant_is_not_done() {
    let Graveyard { daemon, .. } = graveyard();
    let admin = daemon.admin();
    for (method, path, status) in [
        ("POST", "/dead-letters/purge", 400),
        ("POST", "/dead-letters/redrive?dry_run=true", 400),
        ("POST", "/dead-letters/purge?all=perhaps", 400),
        ("POST", "/dead-letters/purge?all=true&rules=a", 400),
        ("POST", "/dead-letters/purge?code=A&code=B", 400),
        ("POST", "/dead-letters", 405),
        ("POST", "/metrics", 405),
        ("GET", "/dead-letters/purge", 404),
        ("GET", "/dead-letters?since=yesterday", 400),
        ("GET", "/dead-letters?limit=101", 400),
        ("GET", "/dead-letters/1-2-3", 404),
        ("POST", "/dead-letters/1-2-3/redrive", 404),
        ("DELETE", "/dead-letters", 405),
        ("GET", "/dead-letters/redrive", 404),
        ("POST", "/dead-letters/redrive/cancel", 404),
        ("GET", "/dead-letters/redrive/cancel", 404),
        ("POST", "/dead-letters/redrive?all=true&rate=-1", 400),
        ("POST", "/dead-letters/redrive?all=true&limit=5", 400),
    ] {
        let reply = admin.request(method, path, &[], b"").unwrap();
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
    }
    let from_a_page = [("Origin", "http://example.com")];
    assert_eq!(admin.request("POST", "/dead-letters/purge?all=true", &from_a_page, b"").unwrap().status, 403);
    assert!(!command(&daemon, &["purge"]).status.success());
    assert_eq!(daemon.dead_letters().len(), 42);
}

#[test]
fn a_redrive_goes_on_in_the_daemon_at_its_rate_until_it_is_cancelled() {
    let Graveyard { mut daemon, refused, healed, .. } = graveyard();
    healed.store(true, Ordering::Relaxed);
    let ask = |daemon: &Daemon, method: &str, path: &str| daemon.admin().request(method, path, &[], b"").unwrap();
    // One a second: after the first one, which is at once, it waits.
    let begun = ask(&daemon, "POST", "/dead-letters/redrive?rule=refused&rate=1");
    assert_eq!((begun.status, &begun.json()["state"]), (200, &json!("counting")));
    wait_for("the first", || (refused.count() > 30).then_some(()));
    let progress = ask(&daemon, "GET", "/dead-letters/redrive").json();
    assert_eq!((&progress["state"], &progress["total"]), (&json!("running"), &json!(30)), "{progress}");
    assert_eq!(ask(&daemon, "POST", "/dead-letters/redrive?all=true").status, 409);
    assert_eq!(ask(&daemon, "POST", "/dead-letters/redrive/cancel").status, 200);
    let ended = wait_for("the end", || {
        Some(ask(&daemon, "GET", "/dead-letters/redrive").json()).filter(|progress| progress["ended"].is_string())
    });
    assert_eq!(ended["state"], "cancelled", "{ended}");
    daemon.wait_until_settled();
    let redriven = ended["redriven"].as_u64().unwrap();
    assert!((1..30).contains(&redriven), "{ended}");
    assert_eq!(
        lines(&daemon, &["list", "--rule", "refused"]) as u64,
        30 - redriven,
        "what it did not come to is there"
    );
    // Of one that ends with the process nothing is known, and nothing is lost.
    ask(&daemon, "POST", "/dead-letters/redrive?rule=refused&rate=1");
    daemon.kill();
    daemon.restart();
    assert_eq!(ask(&daemon, "GET", "/dead-letters/redrive").status, 404);
    said(&daemon, &["redrive", "--rule", "refused", "--rate", "0"]);
    daemon.wait_until_settled();
    assert_eq!(lines(&daemon, &["list", "--rule", "refused"]), 0);
    assert!(refused.count() >= 60, "all came, some perhaps twice for the kill");
}

#[test]
fn ctrl_c_ends_the_redrive_with_the_command() {
    let Graveyard { daemon, .. } = graveyard();
    let child = Command::new(env!("CARGO_BIN_EXE_eventyard"))
        .args(["dead-letters", "redrive", "--all", "--rate", "1", "--output", "json"])
        .args(["--admin", &daemon.admin().0.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let progress = || daemon.admin().request("GET", "/dead-letters/redrive", &[], b"").unwrap();
    wait_for("its begin", || (progress().status == 200).then_some(()));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["state"], &told["total"]), (&json!("cancelled"), &json!(42)), "{told}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("were not looked at"), "{output:?}");
    assert_eq!(progress().json()["state"], "cancelled");
}

#[test]
fn the_command_line_shows_its_token_where_one_is_asked_for() {
    // Of "correct-horse".
    let hash = "9dca666eb54730714630d1519264a7bf1eeaad00b8f2edc90d3ecbfad928d163";
    let daemon = Daemon::start(&[("ADMIN__TOKEN_HASHES", hash)]);
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    std::fs::write(&right, "correct-horse\n").unwrap();
    std::fs::write(&wrong, "battery-staple").unwrap();
    let succeeds = |arguments: &[&str]| command(&daemon, arguments).status.success();
    assert!(!succeeds(&["list"]));
    assert!(!succeeds(&["list", "--token-file", wrong.to_str().unwrap()]));
    assert!(!succeeds(&["list", "--token-file", folder.path().join("absent").to_str().unwrap()]));
    assert!(succeeds(&["list", "--token-file", right.to_str().unwrap()]));
}
