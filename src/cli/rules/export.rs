//! Rules from a daemon: what `rules import` and `managed_rules.rules_dir` read.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::api::{Api, ApiError, members};
use crate::cli::{fail, remark, say_exactly};

/// The members of a rule that are put again.
const RULE: [&str; 7] =
    ["Name", "EventBusName", "EventPattern", "ScheduleExpression", "State", "Description", "RoleArn"];

pub(super) fn export(api: &Api, event_bus: Option<String>) -> ExitCode {
    match rules(api, event_bus) {
        Ok(rules) => {
            let text = serde_json::to_string_pretty(&json!({ "Rules": rules })).unwrap_or_default();
            say_exactly(&format!("{text}\n"))
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn rules(api: &Api, event_bus: Option<String>) -> Result<Vec<Value>, ApiError> {
    let buses = match event_bus {
        Some(bus) => vec![json!({ "Name": bus })],
        None => api.list("ListEventBuses", json!({}), "EventBuses")?,
    };
    let (mut exported, mut managed) = (Vec::new(), 0);
    for bus in buses {
        for rule in api.list("ListRules", json!({ "EventBusName": bus["Name"] }), "Rules")? {
            if rule.get("ManagedBy").is_some() {
                managed += 1;
            } else {
                exported.push(with_targets(api, &rule)?);
            }
        }
    }
    if managed > 0 {
        remark(&format!("{managed} managed rules were left out: they are declared elsewhere"));
    }
    Ok(exported)
}

fn with_targets(api: &Api, rule: &Value) -> Result<Value, ApiError> {
    let mut exported = members(rule, &RULE);
    let tags = api.call("ListTagsForResource", &json!({ "ResourceARN": rule["Arn"] }))?;
    if tags["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
        exported.insert("Tags".to_owned(), tags["Tags"].clone());
    }
    let of_rule = json!({ "Rule": rule["Name"], "EventBusName": rule["EventBusName"] });
    let targets = api.list("ListTargetsByRule", of_rule, "Targets")?;
    if !targets.is_empty() {
        exported.insert("Targets".to_owned(), targets.into());
    }
    Ok(exported.into())
}
