//! The alert rules in `deploy/`, one by one: series under which each fires, and series under which none does. Asked of promtool
//! (Debian's package `prometheus`), which plays them without waiting.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const RULES: &str = "deploy/prometheus/eventyard.rules.yml";

/// A case: the alert, the minute at which it fires, and the series it fires for, as promtool writes them.
type Case = (&'static str, u32, &'static [(&'static str, &'static str)]);

const RISES: &str = "0+1x90";

const CASES: &[Case] = &[
    ("EventyardDown", 5, &[(r#"up{job="eventyard"}"#, "0x10")]),
    ("EventyardRestartsOften", 20, &[(r#"process_start_time_seconds{job="eventyard"}"#, "1+1x30")]),
    ("EventyardJournalFull", 1, &[("eventyard_journal_full", "1x10")]),
    ("EventyardBacklogFull", 1, &[("eventyard_backlog_full", "1x10")]),
    (
        "EventyardDiskFillsUp",
        80,
        &[
            ("eventyard_storage_free_bytes", "1000000000-5000000x90"),
            ("eventyard_storage_free_bytes_min", "134217728x90"),
        ],
    ),
    (
        "EventyardRequestsFail",
        15,
        &[
            (r#"eventyard_api_requests_total{code="InternalException"}"#, RISES),
            (r#"eventyard_api_requests_total{code=""}"#, "0+50x90"),
        ],
    ),
    ("EventyardBacklogGrows", 40, &[("eventyard_deliveries_pending", "2000+10x90")]),
    ("EventyardTargetsLeftAlone", 20, &[("eventyard_circuit_breakers_open", "1x90")]),
    ("EventyardTargetsPaused", 1_450, &[("eventyard_targets_paused", "1x1500")]),
    ("EventyardDeliveriesGivenUp", 10, &[(r#"eventyard_dead_letters_total{code="TIMED_OUT"}"#, RISES)]),
    (
        "EventyardDeadLettersDeleted",
        10,
        &[(r#"eventyard_dead_letters_expired_total{bound="dead_letters.size_bytes_max"}"#, RISES)],
    ),
    ("EventyardTargetsFail", 40, &[(r#"eventyard_circuit_breaker_transitions_total{to="open"}"#, RISES)]),
    (
        "EventyardCommitsSlowly",
        30,
        &[
            (r#"eventyard_commit_seconds_bucket{le="0.5"}"#, "0x90"),
            (r#"eventyard_commit_seconds_bucket{le="1"}"#, RISES),
            (r#"eventyard_commit_seconds_bucket{le="+Inf"}"#, RISES),
        ],
    ),
    (
        "EventyardSchedulesLate",
        30,
        &[
            (r#"eventyard_schedule_lateness_seconds_bucket{le="5"}"#, "0x90"),
            (r#"eventyard_schedule_lateness_seconds_bucket{le="10"}"#, RISES),
            (r#"eventyard_schedule_lateness_seconds_bucket{le="+Inf"}"#, RISES),
        ],
    ),
    ("EventyardSchedulesMissed", 10, &[("eventyard_schedules_missed_total", RISES)]),
    (
        "EventyardRefusesClients",
        15,
        &[(r#"eventyard_authentication_failures_total{reason="unknown_key"}"#, "0+120x90")],
    ),
    ("EventyardOpenToEverybody", 1, &[("eventyard_dangerous_allow_anonymous", "1x10")]),
    ("EventyardCertificateNotReloaded", 10, &[("eventyard_tls_reload_failures_total", RISES)]),
    (
        "EventyardBug",
        10,
        &[(r#"eventyard_task_panics_total{task="worker"}"#, RISES), ("eventyard_backlog_read_failures_total", "0x90")],
    ),
    (
        "EventyardFewFilesLeft",
        10,
        &[(r#"process_open_fds{job="eventyard"}"#, "90x20"), (r#"process_max_fds{job="eventyard"}"#, "100x20")],
    ),
    ("EventyardDeadLettersNotQueued", 10, &[("eventyard_dead_letters_not_queued_total", RISES)]),
    ("EventyardDamageOnDisk", 10, &[("eventyard_journal_quarantined_total", RISES)]),
    ("EventyardBackupsFail", 10, &[(r#"eventyard_backups_total{outcome="failed"}"#, RISES)]),
    ("EventyardConfigurationNotReloaded", 10, &[("eventyard_configuration_reload_failures_total", RISES)]),
    ("EventyardSpansDropped", 40, &[(r#"eventyard_trace_spans_dropped_total{reason="not_taken"}"#, RISES)]),
];

/// One test of promtool: that so many alerts of this kind fire then.
fn unit_test(series: &[(&str, &str)], minute: u32, alerts: &str, count: u32) -> Value {
    let series: Vec<Value> =
        series.iter().map(|(series, values)| json!({"series": series, "values": values})).collect();
    let expression = format!("count(ALERTS{{{alerts}alertstate=\"firing\"}}) or vector(0)");
    json!({
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{
            "expr": expression,
            "eval_time": format!("{minute}m"),
            "exp_samples": [{"labels": "{}", "value": count}],
        }],
    })
}

fn alerts() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES);
    let rules: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    rules.iter().map(|rule| rule["alert"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_alert_has_its_case() {
    assert_eq!(CASES.iter().map(|(alert, ..)| (*alert).to_owned()).collect::<BTreeSet<_>>(), alerts());
}

#[test]
fn each_alert_fires_when_it_should_and_none_when_all_is_well() {
    // A series that nothing moves: no alert looks at how high a counter is.
    let is_gauge = |series: &str| !series.contains("_total") && !series.contains("_bucket");
    let still = |series: &'static str| {
        let name = series.split('{').next().unwrap_or_default();
        let well = match name {
            "up" => "1x90",
            "process_max_fds" | "eventyard_storage_free_bytes" => "1000000x90",
            _ if is_gauge(series) => "0x90",
            _ => "7x90",
        };
        (series, well)
    };
    let well: Vec<_> = CASES.iter().flat_map(|(_, _, series)| series.iter().map(|(series, _)| still(series))).collect();
    let mut tests = vec![unit_test(&well, 80, "", 0)];
    tests.extend(
        CASES.iter().map(|(alert, minute, series)| unit_test(series, *minute, &format!("alertname=\"{alert}\","), 1)),
    );
    let folder = tempfile::tempdir().unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES);
    let file = folder.path().join("tests.yml");
    // JSON is YAML, too.
    let asked = json!({"rule_files": [rules], "evaluation_interval": "1m", "tests": tests});
    std::fs::write(&file, asked.to_string()).unwrap();
    let Ok(played) = Command::new("promtool").args(["test", "rules"]).arg(&file).output() else {
        println!("SKIPPED: promtool is not installed; the alerts were not played");
        return;
    };
    let said = [played.stdout, played.stderr].concat();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&said));
}
