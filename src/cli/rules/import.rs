//! Rules into a daemon, as `PutRule` and `PutTargets` put them.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::source::{DeclaredRule, Source};
use super::{ImportArguments, event_buses};
use crate::cli::api::{self, Api, Failure, members};
use crate::cli::progress::Progress;
use crate::cli::{fail, invalid, remark, say};

/// Targets of one call of `PutTargets`.
const TARGETS_PER_CALL: usize = 100;

pub(super) fn import(arguments: ImportArguments) -> ExitCode {
    let source = match Source::read(&arguments) {
        Ok(source) => source,
        Err(reason) => return invalid(&format!("{}: {reason}", arguments.file.display())),
    };
    for text in &source.remarks {
        remark(text);
    }
    if arguments.dry_run {
        source.event_buses.iter().for_each(|bus| say(&format!("event bus {}: would be put", bus["Name"])));
        source.rules.iter().for_each(|rule| say(&format!("{}: would be put", describe(rule))));
        return ExitCode::SUCCESS;
    }
    let api = match Api::new(arguments.api) {
        Ok(api) => api,
        Err(failure) => return api::exit(Err(failure)),
    };
    let named: &[DeclaredRule] = if arguments.create_event_buses { &source.rules } else { &[] };
    let buses = event_buses::import(&api, &source.event_buses).and_then(|()| create_event_buses(&api, named));
    if buses.is_err() {
        return api::exit(buses);
    }
    put_all(&api, &source.rules)
}

fn put_all(api: &Api, rules: &[DeclaredRule]) -> ExitCode {
    let mut progress = Progress::of("importing", u64::try_from(rules.len()).unwrap_or(u64::MAX));
    let mut failed = 0;
    for rule in rules {
        progress.step();
        match put(api, rule) {
            Ok(lost) => {
                say(&format!("{}: put", describe(rule)));
                failed += usize::from(!lost.is_empty());
                for what in lost {
                    remark(&format!("{}: {what}", describe(rule)));
                }
            }
            // The others would not get there either.
            Err(failure @ Failure::Unreachable { .. }) => return api::exit(Err(failure)),
            Err(error) => {
                failed += 1;
                remark(&format!("{}: {error}", describe(rule)));
            }
        }
    }
    let count = rules.len();
    if failed == 0 { ExitCode::SUCCESS } else { fail(&format!("{failed} of {count} rules were not put as they are")) }
}

fn describe(rule: &DeclaredRule) -> String {
    let (name, bus) = (rule.text("Name"), rule.text("EventBusName"));
    let bus = if bus.is_empty() { "default" } else { bus };
    format!("rule {name} on the event bus {bus} with {} targets", rule.targets.len())
}

fn create_event_buses(api: &Api, rules: &[DeclaredRule]) -> Result<(), Failure> {
    let named: BTreeSet<&str> = rules.iter().map(|rule| rule.text("EventBusName")).collect();
    for name in named.into_iter().filter(|name| !matches!(*name, "" | "default") && !name.starts_with("arn:")) {
        if event_buses::create(api, &json!({ "Name": name }))? {
            say(&format!("event bus {name}: made"));
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
