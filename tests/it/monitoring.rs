//! The alert rules and the dashboard in `deploy/`: each metric that they name is one that a daemon has, and where
//! Prometheus is installed (Debian's package `prometheus`), each query is asked of one that scrapes a daemon.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Answer, Client, Daemon, Sink, wait_for};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

fn rules() -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(file("prometheus/eventyard.rules.yml")).unwrap()).unwrap()
}

/// The expressions of the alert rules.
fn alerts() -> Vec<String> {
    let rules = rules();
    let alerts = rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    alerts.map(|alert| alert["expr"].as_str().unwrap().to_owned()).collect()
}

/// The expressions of the dashboard's panels and annotations, with what Grafana puts in.
fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file("grafana/eventyard.json")).unwrap()).unwrap();
    let (mut found, mut left) = (Vec::new(), vec![&dashboard]);
    while let Some(value) = left.pop() {
        if let Some(expression) = value["expr"].as_str() {
            found.push(expression.replace("$__rate_interval", "1m").replace("$instance", ".*"));
        }
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(members) => left.extend(members.values()),
            _ => {}
        }
    }
    found
}

fn names(expressions: &[String]) -> BTreeSet<String> {
    let words = expressions.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with("eventyard_") || word.starts_with("process_")).map(ToOwned::to_owned).collect()
}

/// A daemon that has met everything that a metric with labels waits for.
fn daemon_with_a_past() -> (Daemon, Sink) {
    let sink = Sink::start(|_| Answer::Status(404));
    let daemon = Daemon::start(&[]);
    daemon.api().route("refused", sink.target());
    daemon.api().put("refused", &json!({}));
    let rejected = json!({"Entries": [{"Source": "s", "DetailType": "t", "Detail": "no JSON"}]});
    assert!(daemon.api().call("PutEvents", &rejected).contains(r#""FailedEntryCount":1"#));
    let strange = daemon.api().request("POST", "/", &[("Host", "attacker.example")], b"{}").unwrap();
    assert_ne!(strange.status, 200);
    daemon.wait_until_settled();
    wait_for("the data directory to be looked at", || {
        daemon.admin().get("/metrics").unwrap().body.contains("eventyard_storage_bytes{").then_some(())
    });
    (daemon, sink)
}

#[test]
fn every_metric_in_a_query_is_one_that_a_daemon_has() {
    let (daemon, _sink) = daemon_with_a_past();
    let metrics = daemon.admin().get("/metrics").unwrap().body;
    let has = |name: &str| {
        metrics.lines().any(|line| line.starts_with(&format!("{name} ")) || line.starts_with(&format!("{name}{{")))
    };
    for (what, expressions, least) in [("alert rules", alerts(), 15), ("dashboard", panels(), 40)] {
        assert!(expressions.len() >= least, "only {} queries were found in the {what}", expressions.len());
        let missing: Vec<_> = names(&expressions).into_iter().filter(|name| !has(name)).collect();
        assert!(missing.is_empty(), "the {what} ask for metrics that a daemon does not have: {missing:?}");
    }
}

#[test]
fn every_alert_leads_to_a_section_of_the_documentation() {
    let operations = include_str!("../../docs/OPERATIONS.md");
    let rules = rules();
    for alert in rules["groups"][0]["rules"].as_array().unwrap() {
        let section = alert["annotations"]["runbook"].as_str().unwrap();
        let is_there =
            operations.lines().any(|line| line.trim_start_matches('#').trim() == section && line.starts_with('#'));
        assert!(is_there, "{} names a section that is none: {section}", alert["alert"]);
        assert!(["page", "ticket"].contains(&alert["labels"]["severity"].as_str().unwrap()), "{alert}");
    }
}

#[test]
fn promtool_takes_the_alert_rules() {
    let Ok(checked) =
        Command::new("promtool").args(["check", "rules"]).arg(file("prometheus/eventyard.rules.yml")).output()
    else {
        println!("SKIPPED: promtool is not installed; the alert rules were not checked by it");
        return;
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// Prometheus as a child process. It is killed when the test ends.
struct Prometheus(Child, SocketAddr);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Prometheus {
    /// None where it is not installed.
    fn start(folder: &Path, scraped: SocketAddr) -> Option<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let config = json!({
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
            "rule_files": [file("prometheus/eventyard.rules.yml")],
            "scrape_configs": [{"job_name": "eventyard", "static_configs": [{"targets": [scraped.to_string()]}]}],
        });
        // JSON is YAML, too.
        std::fs::write(folder.join("prometheus.yml"), config.to_string()).unwrap();
        let started = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        started.ok().map(|child| Self(child, address))
    }

    /// How many series a query gives; none before Prometheus answers.
    fn ask(&self, query: &str) -> Option<usize> {
        let encoded: Vec<String> = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let reply = Client(self.1).get(&format!("/api/v1/query?query={}", encoded.concat())).ok()?;
        // It says 503 while it starts. A query that it does not understand is 400.
        assert!([200, 503].contains(&reply.status), "{query}: {}", reply.body);
        (reply.status == 200).then(|| reply.json()["data"]["result"].as_array().unwrap().len())
    }
}

#[test]
fn prometheus_answers_every_query() {
    let (daemon, _sink) = daemon_with_a_past();
    let folder = tempfile::tempdir().unwrap();
    let Some(prometheus) = Prometheus::start(folder.path(), daemon.admin().0) else {
        println!("SKIPPED: prometheus is not installed; the queries were not asked");
        return;
    };
    wait_for("two scrapes", || prometheus.ask("count_over_time(eventyard_rules[1m]) >= 2").filter(|count| *count > 0));
    // It fills the ranges of its first minute by and by.
    wait_for("a rate", || prometheus.ask("rate(eventyard_events_received_total[1m])").filter(|count| *count > 0));
    let silent: Vec<_> =
        panels().into_iter().filter(|query| !query.contains("> 0") && prometheus.ask(query) == Some(0)).collect();
    assert!(silent.is_empty(), "panels without a series: {silent:#?}");
    // Each alert is understood, and one is made to fire.
    let firing = || alerts().into_iter().filter(|query| prometheus.ask(query).unwrap() > 0).collect::<Vec<_>>();
    assert!(!firing().iter().any(|query| query.contains("dead_letters_total")), "before anything died under its eyes");
    daemon.api().put("refused", &json!({}));
    wait_for("the alert for dead letters", || firing().into_iter().find(|query| query.contains("dead_letters_total")));
}
