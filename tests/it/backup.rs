//! Backups: of a daemon under load and of one that is stopped; what a restore brings back, and what it refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Answer, Client, Daemon, Sink, wait_for};

const FAST: &[(&str, &str)] = &[
    ("DELIVERY__BACKOFF_BASE_MS", "10"),
    ("DELIVERY__BACKOFF_MAX_MS", "50"),
    ("DELIVERY__CIRCUIT_BREAKER_FAILURES", "0"),
];

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eventyard")).args(arguments).output().unwrap()
}

fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it says when it fails.
fn fail(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn number(body: &str) -> u64 {
    serde_json::from_str::<Value>(body).unwrap()["detail"]["n"].as_u64().unwrap()
}

/// How many lines there are of each kind.
fn kinds(lines: &str) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        *kinds.entry(line["kind"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    kinds
}

/// All there is to see of rules and targets.
fn resources(api: Client) -> [String; 3] {
    let rules = api.call("ListRules", &json!({}));
    let [failing, dead] = ["failing", "dead"].map(|rule| api.call("ListTargetsByRule", &json!({"Rule": rule})));
    [rules, failing, dead]
}

#[test]
fn a_backup_under_load_loses_nothing_that_was_acknowledged_before_it() {
    let healed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&healed);
    let sink = Sink::start(move |_| Answer::Status(if flag.load(Ordering::Relaxed) { 200 } else { 503 }));
    let refusing = Sink::start(|_| Answer::Status(403));
    let mut daemon = Daemon::start(FAST);
    daemon.api().route("failing", sink.target());
    daemon.api().route("dead", refusing.target());
    daemon.api().put("dead", &json!({"n": 0}));
    wait_for("the dead letter", || (!daemon.dead_letters().is_empty()).then_some(()));

    let (acknowledged, stop) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
    let posters = (0..4_u64).map(|poster| {
        let (api, acknowledged, stop) = (daemon.api(), Arc::clone(&acknowledged), Arc::clone(&stop));
        std::thread::spawn(move || {
            for n in (poster..).step_by(4) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                api.put("failing", &json!({"n": n}));
                acknowledged.lock().unwrap().insert(n);
            }
        })
    });
    let posters: Vec<_> = posters.collect();
    wait_for("some load", || (acknowledged.lock().unwrap().len() > 100).then_some(()));
    let before = acknowledged.lock().unwrap().clone();
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("backup"), folder.path().join("data"));
    let admin = daemon.admin().0.to_string();
    succeed(&["backup", "--to", text(&file), "--admin", &admin]);
    stop.store(true, Ordering::Relaxed);
    for poster in posters {
        poster.join().unwrap();
    }
    assert!(acknowledged.lock().unwrap().len() > before.len(), "the load went on meanwhile");
    assert!((daemon.metric(r#"eventyard_backups_total{outcome="taken"}"#) - 1.0).abs() < 0.1);
    assert!(fail(&["backup", "--to", text(&file), "--admin", &admin]).contains("never overwritten"));
    let (resources_before, letters) = (resources(daemon.api()), daemon.dead_letters());
    daemon.kill();

    succeed(&["restore", text(&file), "--data-dir", text(&data)]);
    let (restored, received) = (Daemon::start_in(&data, FAST), sink.count());
    assert_eq!(resources(restored.api()), resources_before);
    assert_eq!(restored.dead_letters(), letters);
    healed.store(true, Ordering::Relaxed);
    restored.api().put("failing", &json!({"n": 1_000_000_000}));
    restored.wait_until_settled();
    let arrived: BTreeSet<u64> = sink.received()[received..].iter().map(|body| number(body)).collect();
    let missing: Vec<_> = before.difference(&arrived).collect();
    assert!(missing.is_empty(), "of {} acknowledged before the backup: {missing:?}", before.len());
    assert!(arrived.contains(&1_000_000_000), "events go on after it");
}

#[test]
fn a_stopped_daemon_is_backed_up_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let [first, file, second] = ["first", "backup", "second"].map(|name| folder.path().join(name));
    let sink = Sink::start(|_| Answer::Status(503));
    let slow = &[("DELIVERY__BACKOFF_BASE_MS", "3600000"), ("DELIVERY__BACKOFF_MAX_MS", "3600000")];
    let mut daemon = Daemon::start_in(&first, slow);
    daemon.api().route("failing", sink.target());
    daemon.api().route("dead", Sink::start(|_| Answer::Status(403)).target());
    for rule in ["failing", "dead"] {
        daemon.api().put(rule, &json!({"of": rule}));
    }
    wait_for("an attempt and the dead letter", || {
        (sink.count() > 0 && !daemon.dead_letters().is_empty() && daemon.metric("eventyard_deliveries_pending") < 1.5)
            .then_some(())
    });
    daemon.api().call("DisableRule", &json!({"Name": "failing"}));
    let before = resources(daemon.api());
    let in_use = fail(&["backup", "--to", text(&file), "--data-dir", text(&first)]);
    assert!(in_use.contains("is another eventyard using this data directory"), "{in_use}");
    let admin = daemon.admin().0.to_string();
    let mut exported = vec![kinds(&succeed(&["export", "--admin", &admin]))];
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    succeed(&["backup", "--to", text(&file), "--data-dir", text(&first)]);
    for from in [["--data-dir", text(&first)], ["--backup", text(&file)]] {
        exported.push(kinds(&succeed(&["export", from[0], from[1]])));
    }
    assert!(exported.windows(2).all(|two| two[0] == two[1]), "from the daemon, its folder and a backup: {exported:?}");
    for (kind, count) in [("rule", 2), ("target", 2), ("delivery", 1), ("event", 2), ("dead_letter", 1), ("attempt", 2)]
    {
        assert_eq!(exported[0].get(kind), Some(&count), "{kind} in {exported:?}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    succeed(&["restore", text(&file), "--data-dir", text(&second)]);
    assert_eq!(resources(Daemon::start_in(&second, FAST).api()), before);
    assert!(fail(&["restore", text(&file), "--data-dir", text(&first)]).contains("is not empty"));
    assert!(fail(&["backup", "--to", text(&file.join("x")), "--data-dir", "/nowhere"]).contains("Not a directory"));
    assert!(
        fail(&["backup", "--to", text(&first.join("x")), "--data-dir", "/nowhere"]).contains("not a data directory")
    );
    assert!(!first.join("x.partial").exists());
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let [first, file, damaged, second] = ["first", "backup", "damaged", "second"].map(|name| folder.path().join(name));
    let mut daemon = Daemon::start_in(&first, FAST);
    daemon.api().route("dead", Sink::healthy().target());
    daemon.signal("TERM");
    daemon.wait();
    succeed(&["backup", "--to", text(&file), "--data-dir", text(&first)]);
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for (bytes, says) in
        [(&changed[..], "is damaged at byte"), (&whole[..whole.len() - 1], "was cut short"), (b"{}", "no backup")]
    {
        std::fs::write(&damaged, bytes).unwrap();
        let said = fail(&["restore", text(&damaged), "--data-dir", text(&second)]);
        assert!(said.contains(says), "{said}");
        assert!(!second.exists());
    }
    // A restore that was broken off leaves its folder, and no daemon starts on it.
    std::fs::create_dir_all(second.join("restoring")).unwrap();
    let said =
        fail(&["serve", "--data-dir", text(&second), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    assert!(said.contains("has not ended"), "{said}");
}

#[test]
fn a_client_that_goes_away_ends_its_backup_and_the_next_is_taken() {
    let daemon = Daemon::start(FAST);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let admin = daemon.admin().0;
    drop(std::net::TcpStream::connect(admin).map(|mut stream| {
        std::io::Write::write_all(&mut stream, b"POST /backup HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    }));
    wait_for("a backup", || {
        run(&["backup", "--to", text(&file), "--admin", &admin.to_string()]).status.success().then_some(())
    });
    assert_eq!(daemon.admin().get("/backup").unwrap().status, 404, "it takes a POST");
    let reply = daemon.admin().request("POST", "/backup", &[("Origin", "http://example.com")], b"").unwrap();
    assert_eq!(reply.status, 403, "no web page has it");
}
