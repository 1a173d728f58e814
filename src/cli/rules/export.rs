//! Rules from a daemon: what `rules import` and `managed_rules.rules_dir` read.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::event_buses;
use crate::cli::api::{self, Api, Failure, members};
use crate::cli::{remark, say_exactly};

/// The members of a rule that are put again.
const RULE: [&str; 7] =
    ["Name", "EventBusName", "EventPattern", "ScheduleExpression", "State", "Description", "RoleArn"];

/// Answers with what `import` reads. Without `with_event_buses` it says what is lost.
pub(super) fn export(api: &Api, event_bus: Option<String>, with_event_buses: bool) -> ExitCode {
    match document(api, event_bus, with_event_buses) {
        Ok(document) => {
            let text = serde_json::to_string_pretty(&document).unwrap_or_default();
            say_exactly(&format!("{text}\n"))
        }
        Err(failure) => api::exit(Err(failure)),
    }
}

fn document(api: &Api, event_bus: Option<String>, with_event_buses: bool) -> Result<Value, Failure> {
    let buses = api.event_buses(event_bus.clone())?;
    let rules = rules(api, event_bus)?;
    let event_buses = event_buses::export(api, &buses)?;
    if with_event_buses {
        return Ok(json!({ "EventBuses": event_buses, "Rules": rules }));
    }
    let lost = event_buses.iter().filter(|bus| bus.as_object().is_some_and(|bus| bus.len() > 1)).count();
    if lost > 0 {
        remark(&format!("{lost} event buses have a description, tags or a policy; --event-buses writes them, too"));
    }
    Ok(json!({ "Rules": rules }))
}

fn rules(api: &Api, event_bus: Option<String>) -> Result<Vec<Value>, Failure> {
    let (mut exported, mut managed) = (Vec::new(), 0);
    for rule in api.rules(event_bus)? {
        if rule.get("ManagedBy").is_some() {
            managed += 1;
        } else {
            exported.push(with_targets(api, &rule)?);
        }
    }
    if managed > 0 {
        remark(&format!("{managed} managed rules were left out: they are declared elsewhere"));
    }
    Ok(exported)
}

/// A rule with its targets and tags, as `PutRule` and `PutTargets` take them.
pub(super) fn with_targets(api: &Api, rule: &Value) -> Result<Value, Failure> {
    let mut exported = members(rule, &RULE);
    let tags = api.call("ListTagsForResource", &json!({ "ResourceARN": rule["Arn"] }))?;
    if tags["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
        exported.insert("Tags".to_owned(), tags["Tags"].clone());
    }
    let targets = api.targets(rule)?;
    if !targets.is_empty() {
        exported.insert("Targets".to_owned(), targets.into());
    }
    Ok(exported.into())
}
