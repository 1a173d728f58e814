//! Metrics: what the documentation, the alert rules and the dashboard say of them, and that rules do not make series.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use eventyard::telemetry::{Description, Telemetry};
use serde_json::json;

use crate::support::{Answer, Daemon, Sink, wait_for};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All metrics that a daemon can have, with the series of its histograms.
fn all_names() -> BTreeSet<String> {
    let telemetry = Telemetry::new().unwrap();
    let mut names = BTreeSet::new();
    for Description { name, kind, .. } in telemetry.metrics().descriptions() {
        names.insert((*name).to_owned());
        if *kind == "histogram" {
            names.extend(["_bucket", "_sum", "_count"].map(|series| format!("{name}{series}")));
        }
    }
    names
}

/// The names in a text that are those of our metrics by their look.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("eventyard_") || word.starts_with("process_"));
    ours.filter(|word| !word.ends_with('_')).map(ToOwned::to_owned).collect()
}

fn table() -> String {
    let mut table = "| metric | kind | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for Description { name, kind, labels, help } in Telemetry::new().unwrap().metrics().descriptions() {
        let labels: Vec<_> = labels.iter().map(|(label, values)| format!("`{label}`: {values}")).collect();
        writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join("<br>")).unwrap();
    }
    table
}

#[test]
fn the_table_in_the_documentation_is_that_of_the_code() {
    let (document, table) = (read("docs/METRICS.md"), table());
    let begin = document.find("<!-- From the code").unwrap();
    let begin = begin + document[begin..].find('\n').unwrap() + 1;
    let end = document.find("<!-- end -->").unwrap();
    if std::env::vars().any(|(name, _)| name == "EVENTYARD_WRITE_DOCS") {
        let written = format!("{}\n{table}\n{}", &document[..begin], &document[end..]);
        std::fs::write(file("docs/METRICS.md"), written).unwrap();
        return;
    }
    assert_eq!(document[begin..end].trim(), table.trim(), "write it again with EVENTYARD_WRITE_DOCS=1");
}

#[test]
fn every_metric_that_a_document_names_exists() {
    let all = all_names();
    for path in ["docs/METRICS.md", "docs/OPERATIONS.md", "docs/PERFORMANCE.md", "README.md"] {
        let unknown: Vec<_> = names_in(&read(path)).into_iter().filter(|name| !all.contains(name)).collect();
        assert!(unknown.is_empty(), "{path} names metrics that are none: {unknown:?}");
    }
}

/// The series of a daemon, without their values.
fn series(daemon: &Daemon) -> BTreeSet<String> {
    let metrics = daemon.admin().get("/metrics").unwrap().body;
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

#[test]
fn rules_and_targets_make_series_up_to_a_bound() {
    let sink = Sink::start(|_| Answer::Status(200));
    let daemon = Daemon::start(&[("QUOTAS__RULES_PER_EVENT_BUS_MAX", "5000"), ("METRICS__TARGETS_MAX", "10")]);
    let make = |n: usize| {
        let source = format!("source-{n}");
        daemon.api().route(&source, json!({"Id": format!("target-{n}"), "Arn": sink.target()["Arn"]}));
        daemon.api().put(&source, &json!({"n": n}));
    };
    make(0);
    daemon.wait_until_settled();
    wait_for("the data directory to be looked at", || {
        (daemon.metric("eventyard_storage_free_bytes") > 0.0).then_some(())
    });
    let before = series(&daemon);
    let of_the_first: Vec<_> = before.iter().filter(|series| series.contains("target-0")).collect();
    assert_eq!(of_the_first.len(), 4, "{of_the_first:?}");
    (1..2_000).for_each(make);
    daemon.wait_until_settled();
    assert!((daemon.metric("eventyard_rules") - 2_000.0).abs() < 0.5);
    let new: Vec<_> = series(&daemon).difference(&before).cloned().collect();
    assert_eq!(new.len(), 4 * 9, "{new:?}");
    assert!(new.iter().all(|series| series.starts_with("eventyard_target_")), "{new:?}");
    assert!(before.len() < 400, "{}", before.len());
    daemon.api().call("RemoveTargets", &json!({"Rule": "source-0", "Ids": ["target-0"]}));
    let left = series(&daemon);
    assert!(!left.iter().any(|series| series.contains("target-0")), "{left:?}");
}

#[test]
fn requests_to_every_operation_are_counted_from_zero_and_to_no_other() {
    let daemon = Daemon::start(&[]);
    let of_requests = || -> BTreeSet<_> {
        series(&daemon).into_iter().filter(|series| series.starts_with("eventyard_api_requests_total")).collect()
    };
    let before = of_requests();
    for operation in ["PutEvents", "PutRule", "ListRules", "POST /events"] {
        for code in ["", "InternalException"] {
            let series = format!("eventyard_api_requests_total{{code=\"{code}\",operation=\"{operation}\"}}");
            assert!(before.contains(&series), "{series} is not in {before:?}");
        }
    }
    for operation in ["CreateArchive", "NoSuchOperation"] {
        daemon.api().try_call(operation, &json!({})).unwrap();
    }
    daemon.api().try_call("ListRules", &json!({})).unwrap();
    let new: Vec<_> = of_requests().difference(&before).cloned().collect();
    assert_eq!(new.len(), 2, "the codes of two operations that are not here: {new:?}");
    assert!(new.iter().all(|series| series.contains("operation=\"Unknown\"")), "{new:?}");
}

#[test]
fn every_way_to_die_is_counted_from_zero() {
    // An alert looks for a rise, and a series that begins at 1 has none.
    let compatibility = read("docs/COMPATIBILITY.md");
    let rows = compatibility.lines().skip_while(|line| !line.starts_with("| ERROR_CODE of a dead letter")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let codes: BTreeSet<_> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    assert!(codes.len() >= 13, "{codes:?}");
    let metrics = Telemetry::new().unwrap().encode();
    for code in codes {
        let series = format!("eventyard_dead_letters_total{{code=\"{code}\"}} 0");
        assert!(metrics.lines().any(|line| line == series), "{code}");
    }
}
