//! `PutTargets`, `ListTargetsByRule`, `RemoveTargets`.

use std::collections::BTreeSet;

use eventyard_core::arn::{EventBusNameOrArn, rule_arn};
use eventyard_core::constraint::{Rule as Constraint, Violations};
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::limits::TARGETS_PER_CALL_MAX;
use eventyard_core::name::{RuleKey, RuleName, TargetId};
use eventyard_core::target::Target;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::target_shapes::TargetShape;
use crate::api::object::Object;
use crate::api::wire::{bus, check_page, decode, encode, finish, next_token, page, required, rule_name};
use crate::engine::{Caller, Engine};

type Result<T> = std::result::Result<T, ServiceError>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutTargetsRequest {
    rule: Option<String>,
    event_bus_name: Option<String>,
    targets: Option<Vec<Object<TargetShape>>>,
}

/// The answer of `PutTargets` and `RemoveTargets`: a call succeeds or fails whole, so the list is always empty.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntriesResponse {
    failed_entry_count: u32,
    failed_entries: [(); 0],
}

const NO_FAILED_ENTRIES: FailedEntriesResponse = FailedEntriesResponse { failed_entry_count: 0, failed_entries: [] };

/// Checks the members that all operations on targets have.
fn check_rule(violations: &mut Violations, rule: Option<&str>, event_bus_name: Option<&str>) {
    required(violations, "rule", rule, &RuleName::CONSTRAINT);
    violations.check_option("eventBusName", event_bus_name, &EventBusNameOrArn::CONSTRAINT);
}

/// The rule, when the caller may do `action` with it.
fn key(
    engine: &Engine,
    caller: &Caller,
    action: &'static str,
    (rule, event_bus_name): (Option<&str>, Option<&str>),
) -> Result<RuleKey> {
    engine.authorized_rule(caller, action, bus(event_bus_name)?, rule_name(rule.unwrap_or_default())?)
}

/// Checks the length of a list that must have 1 to 100 items.
fn check_length<T>(violations: &mut Violations, path: &str, list: Option<&Vec<T>>) {
    match list.map(Vec::len) {
        None => violations.push_missing(path),
        Some(0) => violations.push(path, "[]", &Constraint::LengthMin(1)),
        Some(length) if length > TARGETS_PER_CALL_MAX => {
            violations.push(path, &format!("[{length} items]"), &Constraint::LengthMax(TARGETS_PER_CALL_MAX));
        }
        Some(_) => {}
    }
}

pub(in crate::api) fn put_targets(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: PutTargetsRequest = decode(body)?;
    let (rule, event_bus_name) = (request.rule.as_deref(), request.event_bus_name.as_deref());
    let mut violations = Violations::default();
    check_rule(&mut violations, rule, event_bus_name);
    check_length(&mut violations, "targets", request.targets.as_ref());
    for (Object(target), number) in request.targets.iter().flatten().zip(1..) {
        target.check(&mut violations, &format!("targets.{number}.member"));
    }
    finish(violations)?;
    let key = key(engine, caller, "events:PutTargets", (rule, event_bus_name))?;
    let targets =
        request.targets.into_iter().flatten().map(|Object(target)| target.into_target()).collect::<Result<_>>()?;
    engine.put_targets(&key, targets, false)?;
    encode(&NO_FAILED_ENTRIES)
}

/// Reads one target as `PutTargets` takes it, outside of a request. `id` is its Id when it has none.
///
/// # Errors
/// What `PutTargets` would answer, but for what takes compiling to see; and an absent Arn is none.
pub fn read_target(json: &str, id: &str) -> Result<Target> {
    let Object(target) = serde_json::from_str::<Object<TargetShape>>(json)
        .map_err(|error| ServiceError::new(ErrorCode::Serialization, format!("The target cannot be read: {error}")))?;
    let target = target.with_defaults(id);
    let mut violations = Violations::default();
    target.check(&mut violations, "targets.1.member");
    finish(violations)?;
    target.into_target()
}

/// The targets of a rule that is declared in a file. Unlike on the wire, a member that is not known is an error there.
pub(in crate::api) fn read_declared_targets(declared: Vec<Value>) -> Result<Vec<Target>> {
    let mut seen = BTreeSet::new();
    let mut violations = Violations::default();
    let mut shapes = Vec::new();
    for (value, number) in declared.into_iter().zip(1..) {
        let path = format!("targets.{number}.member");
        let wrong = |reason: String| ServiceError::validation(format!("{path}: {reason}"));
        let Object(shape) = Object::<TargetShape>::deserialize(&value).map_err(|error| wrong(error.to_string()))?;
        shape.check(&mut violations, &path);
        // What was read and is written again has lost what was not known.
        if serde_json::to_value(&shape).ok().as_ref() != Some(&value) {
            return Err(wrong("it has members that are not known, or not supported.".to_owned()));
        }
        if !seen.insert(shape.id.clone()) {
            return Err(wrong("a target before it has the same Id.".to_owned()));
        }
        shapes.push(shape);
    }
    finish(violations)?;
    shapes.into_iter().map(TargetShape::into_target).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListTargetsByRuleRequest {
    rule: Option<String>,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListTargetsByRuleResponse {
    targets: Vec<TargetShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(in crate::api) fn list_targets_by_rule(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: ListTargetsByRuleRequest = decode(body)?;
    let (rule, event_bus_name) = (request.rule.as_deref(), request.event_bus_name.as_deref());
    let mut violations = Violations::default();
    check_rule(&mut violations, rule, event_bus_name);
    check_page(&mut violations, request.limit, request.next_token.as_deref());
    finish(violations)?;
    let key = key(engine, caller, "events:ListTargetsByRule", (rule, event_bus_name))?;
    let list = format!("ListTargetsByRule {}", rule_arn(&key));
    let page = engine.list_targets_by_rule(&key, &page(&list, request.limit, request.next_token.as_deref())?)?;
    let next_token = next_token(&list, page.last.as_ref());
    encode(&ListTargetsByRuleResponse {
        targets: page.entries.into_iter().map(TargetShape::from).collect(),
        next_token,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemoveTargetsRequest {
    rule: Option<String>,
    event_bus_name: Option<String>,
    ids: Option<Vec<String>>,
    force: Option<bool>,
}

pub(in crate::api) fn remove_targets(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: RemoveTargetsRequest = decode(body)?;
    let (rule, event_bus_name) = (request.rule.as_deref(), request.event_bus_name.as_deref());
    let mut violations = Violations::default();
    check_rule(&mut violations, rule, event_bus_name);
    check_length(&mut violations, "ids", request.ids.as_ref());
    for (id, number) in request.ids.iter().flatten().zip(1..) {
        violations.check(&format!("ids.{number}.member"), id, &TargetId::CONSTRAINT);
    }
    finish(violations)?;
    let key = key(engine, caller, "events:RemoveTargets", (rule, event_bus_name))?;
    let ids: Vec<TargetId> = request.ids.iter().flatten().filter_map(|id| TargetId::parse(id).ok()).collect();
    engine.remove_targets(&key, &ids, request.force.unwrap_or_default())?;
    encode(&NO_FAILED_ENTRIES)
}
