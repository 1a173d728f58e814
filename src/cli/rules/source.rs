//! A file with rules, of whichever kind.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::{ImportArguments, cloud_formation, yaml};

/// Files larger than this are none.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// What `aws events list-rules` prints of a rule and nobody puts.
const OUTPUT_ONLY: [&str; 2] = ["Arn", "CreatedBy"];

/// A rule to be put.
#[derive(Debug, Default, PartialEq)]
pub(super) struct DeclaredRule {
    /// The members of `PutRule`.
    pub(super) members: Map<String, Value>,
    /// Its targets as `PutTargets` has them.
    pub(super) targets: Vec<Value>,
}

impl DeclaredRule {
    /// A member that is a string; empty when it is not there.
    pub(super) fn text(&self, member: &str) -> &str {
        self.members.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// A rule of an object with the members of `PutRule` and `Targets`. A pattern may be written as what it is.
    pub(super) fn of(mut members: Map<String, Value>) -> Result<Self, String> {
        let targets = match members.remove("Targets") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(targets)) => targets,
            Some(_) => return Err("Targets is no list".to_owned()),
        };
        if let Some(pattern) = members.get_mut("EventPattern").filter(|pattern| pattern.is_object()) {
            *pattern = pattern.to_string().into();
        }
        Ok(Self { members, targets })
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) rules: Vec<DeclaredRule>,
    /// Event buses, as [`export`](super::event_buses::export) writes them.
    pub(super) event_buses: Vec<Value>,
    /// What is to be known beside, such as rules that were left out.
    pub(super) remarks: Vec<String>,
}

impl Source {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(arguments: &ImportArguments) -> Result<Self, String> {
        let document = document(&arguments.file)?;
        let Value::Object(document) = document else { return Err("it holds no object".to_owned()) };
        if document.contains_key("Resources") {
            let rules = cloud_formation::rules(&document, arguments)?;
            return Ok(Self { rules, ..Self::default() });
        }
        let Some(Value::Array(rules)) = document.get("Rules") else {
            return Err("it has neither Rules, as aws events list-rules prints and rules export writes, nor \
                        Resources, as a CloudFormation template has"
                .to_owned());
        };
        let mut source = Self { event_buses: event_buses(&document)?, ..Self::default() };
        for (rule, number) in rules.iter().zip(1..) {
            let Value::Object(rule) = rule else { return Err(format!("rule number {number} is no object")) };
            let place = rule.get("Name").and_then(Value::as_str).map_or(format!("rule number {number}"), str::to_owned);
            source.add(rule.clone(), arguments.targets_dir.as_deref()).map_err(|why| format!("{place}: {why}"))?;
        }
        Ok(source)
    }

    fn add(&mut self, mut rule: Map<String, Value>, targets_dir: Option<&Path>) -> Result<(), String> {
        let name = rule.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(owner) = rule.remove("ManagedBy") {
            self.remarks.push(format!("rule {name} was left out: it is managed by {owner}"));
            return Ok(());
        }
        for member in OUTPUT_ONLY {
            rule.remove(member);
        }
        let mut rule = DeclaredRule::of(rule)?;
        if let Some(folder) = targets_dir {
            let file = folder.join(format!("{name}.json"));
            if file.exists() {
                let printed = document(&file).map_err(|why| format!("{}: {why}", file.display()))?;
                let targets = printed.get("Targets").and_then(Value::as_array);
                rule.targets = targets.cloned().ok_or_else(|| format!("{} has no Targets", file.display()))?;
            } else {
                self.remarks.push(format!("rule {name} gets no targets: there is no {}", file.display()));
            }
        }
        self.rules.push(rule);
        Ok(())
    }
}

/// What `rules export --event-buses` wrote beside the rules.
fn event_buses(document: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let buses = match document.get("EventBuses") {
        None => return Ok(Vec::new()),
        Some(buses) => buses.as_array().ok_or("EventBuses is no list")?,
    };
    match buses.iter().position(|bus| !bus["Name"].is_string()) {
        Some(index) => Err(format!("event bus number {} has no Name", index + 1)),
        None => Ok(buses.clone()),
    }
}

/// The content of a file: JSON where it is JSON, else YAML.
fn document(file: &Path) -> Result<Value, String> {
    let size = fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it has {size} bytes, and at most {FILE_BYTES_MAX} are read"));
    }
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"));
    }
    yaml::parse(&text)
}

/// Reads `NAME=VALUE`.
pub(super) fn parse_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_lists_have_is_left_out() {
        let mut source = Source::default();
        let rule = json!({"Name": "a", "Arn": "arn", "EventPattern": {"a": [1]}, "CreatedBy": "1", "State": "ENABLED"});
        source.add(rule.as_object().unwrap().clone(), None).unwrap();
        let managed = json!({"Name": "b", "ManagedBy": "x.amazonaws.com"});
        source.add(managed.as_object().unwrap().clone(), None).unwrap();
        let expected = json!({"Name": "a", "EventPattern": "{\"a\":[1]}", "State": "ENABLED"});
        assert_eq!(source.rules, [DeclaredRule { members: expected.as_object().unwrap().clone(), targets: vec![] }]);
        assert_eq!(source.remarks.len(), 1);
    }
}
