//! Rules into a daemon, as `PutRule` and `PutTargets` put them.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};

use super::source::{DeclaredRule, Source};
use super::{ImportArguments, event_buses};
use crate::cli::api::{self, Api, Failure, members};
use crate::cli::output::{Output, say_json};
use crate::cli::progress::Progress;
use crate::cli::{fail, invalid, remark, say};

/// Targets of one call of `PutTargets`.
const TARGETS_PER_CALL: usize = 100;
/// The outcome of a rule that was refused.
const FAILED: &str = "failed";

pub(super) fn import(arguments: ImportArguments) -> ExitCode {
    let source = match Source::read(&arguments) {
        Ok(source) => source,
        Err(reason) => return invalid(&format!("{}: {reason}", arguments.file.display())),
    };
    for text in &source.remarks {
        remark(text);
    }
    let output = arguments.output.output;
    if arguments.dry_run {
        source.event_buses.iter().for_each(|bus| Told::event_bus(name(bus), "would be put").tell(output));
        source.rules.iter().for_each(|rule| Told::rule(rule, "would be put").tell(output));
        return ExitCode::SUCCESS;
    }
    let api = match Api::new(arguments.api) {
        Ok(api) => api,
        Err(failure) => return api::exit(Err(failure)),
    };
    let named: &[DeclaredRule] = if arguments.create_event_buses { &source.rules } else { &[] };
    let buses =
        put_event_buses(&api, &source.event_buses, output).and_then(|()| create_event_buses(&api, named, output));
    if buses.is_err() {
        return api::exit(buses);
    }
    put_all(&api, &source.rules, output)
}

/// What became of one thing of the file.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    event_bus: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<usize>,
    /// `put`, `made`, `would be put` or `failed`.
    outcome: &'static str,
    /// Why it failed, or what of the targets the daemon did not keep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

impl<'a> Told<'a> {
    fn event_bus(name: &'a str, outcome: &'static str) -> Self {
        Self { rule: None, event_bus: name, targets: None, outcome, reasons: Vec::new() }
    }

    fn rule(rule: &'a DeclaredRule, outcome: &'static str) -> Self {
        let bus = rule.text("EventBusName");
        let event_bus = if bus.is_empty() { "default" } else { bus };
        let (name, targets) = (Some(rule.text("Name")), Some(rule.targets.len()));
        Self { rule: name, event_bus, targets, outcome, reasons: Vec::new() }
    }

    fn because(self, reasons: Vec<String>) -> Self {
        Self { reasons, ..self }
    }

    /// To people failures are told beside what was done, to programs with it.
    fn tell(&self, output: Output) {
        if output == Output::Json {
            return say_json(self);
        }
        let Self { rule, event_bus, targets, outcome, reasons } = self;
        let what = match (rule, targets) {
            (Some(rule), Some(targets)) => format!("rule {rule} on the event bus {event_bus} with {targets} targets"),
            _ => format!("event bus {event_bus}"),
        };
        if *outcome != FAILED {
            say(&format!("{what}: {outcome}"));
        }
        for reason in reasons {
            remark(&format!("{what}: {reason}"));
        }
    }
}

/// Puts event buses as the file has them.
fn put_event_buses(api: &Api, buses: &[Value], output: Output) -> Result<(), Failure> {
    for bus in buses {
        event_buses::put(api, bus)?;
        Told::event_bus(name(bus), "put").tell(output);
    }
    Ok(())
}

fn name(bus: &Value) -> &str {
    bus["Name"].as_str().unwrap_or_default()
}

fn put_all(api: &Api, rules: &[DeclaredRule], output: Output) -> ExitCode {
    let mut progress = Progress::of("importing", u64::try_from(rules.len()).unwrap_or(u64::MAX));
    let mut failed = 0;
    for rule in rules {
        progress.step();
        match put(api, rule) {
            Ok(lost) => {
                failed += usize::from(!lost.is_empty());
                Told::rule(rule, "put").because(lost).tell(output);
            }
            // The others would not get there either.
            Err(failure @ Failure::Unreachable { .. }) => return api::exit(Err(failure)),
            Err(error) => {
                failed += 1;
                Told::rule(rule, FAILED).because(vec![error.to_string()]).tell(output);
            }
        }
    }
    let count = rules.len();
    if failed == 0 { ExitCode::SUCCESS } else { fail(&format!("{failed} of {count} rules were not put as they are")) }
}

fn create_event_buses(api: &Api, rules: &[DeclaredRule], output: Output) -> Result<(), Failure> {
    let named: BTreeSet<&str> = rules.iter().map(|rule| rule.text("EventBusName")).collect();
    for name in named.into_iter().filter(|name| !matches!(*name, "" | "default") && !name.starts_with("arn:")) {
        if event_buses::create(api, &json!({ "Name": name }))? {
            Told::event_bus(name, "made").tell(output);
        }
    }
    Ok(())
}

/// Puts a rule and its targets. Answers what of the targets the daemon did not keep, in words: on the wire a member that a
/// service does not know is no error.
fn put(api: &Api, rule: &DeclaredRule) -> Result<Vec<String>, Failure> {
    api.call("PutRule", &rule.members.clone().into())?;
    let mut of_rule = members(&rule.members.clone().into(), &["EventBusName"]);
    of_rule.insert("Rule".to_owned(), rule.text("Name").into());
    for targets in rule.targets.chunks(TARGETS_PER_CALL) {
        let mut request = of_rule.clone();
        request.insert("Targets".to_owned(), targets.into());
        let answer = api.call("PutTargets", &request.into())?;
        if let Some(entry) = answer["FailedEntries"].get(0) {
            let text = |member: &str| entry[member].as_str().unwrap_or_default();
            let message = format!("target {}: {}", text("TargetId"), text("ErrorMessage"));
            return Err(Failure::refused(text("ErrorCode"), &message));
        }
    }
    if rule.targets.is_empty() {
        return Ok(Vec::new());
    }
    let kept = api.list("ListTargetsByRule", of_rule.into(), "Targets")?;
    Ok(rule.targets.iter().filter(|target| !kept.contains(target)).map(|target| lost(target, &kept)).collect())
}

fn lost(target: &Value, kept: &[Value]) -> String {
    let id = target["Id"].as_str().unwrap_or_default();
    let now = kept.iter().find(|kept| kept["Id"] == target["Id"]);
    let of_target = target.as_object().into_iter().flatten();
    let changed = of_target.filter(|(name, value)| now.is_none_or(|now| now.get(name.as_str()) != Some(value)));
    let names: Vec<&str> = changed.map(|(name, _)| name.as_str()).collect();
    format!("target {id} is not kept as it was put: {}", names.join(", "))
}
