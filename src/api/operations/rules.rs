//! `PutRule`, `DescribeRule`, `ListRules`, `DeleteRule`, `EnableRule`, `DisableRule`, `ListRuleNamesByTarget`.

use eventyard_core::arn::{EventBusNameOrArn, event_bus_arn, rule_arn};
use eventyard_core::constraint::{Rule as Constraint, StringConstraint, Violations};
use eventyard_core::error::ServiceError;
use eventyard_core::name::{RuleKey, RuleName};
use eventyard_core::rule::{Rule, RuleState};
use eventyard_core::target::Target;
use serde::{Deserialize, Serialize};

use super::tags::{TagList, check_tags, read_tags};
use crate::api::wire::{bus, check_page, decode, encode, finish, next_token, page, required, rule_name};
use crate::engine::{Caller, Engine, PutRule, RuleDescription};

type Result<T> = std::result::Result<T, ServiceError>;

/// The request of `PutRule`. Rules that are declared in files are read through it, too.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::api) struct PutRuleRequest {
    pub(in crate::api) name: Option<String>,
    pub(in crate::api) schedule_expression: Option<String>,
    pub(in crate::api) event_pattern: Option<String>,
    pub(in crate::api) state: Option<String>,
    pub(in crate::api) description: Option<String>,
    pub(in crate::api) role_arn: Option<String>,
    pub(in crate::api) tags: Option<TagList>,
    pub(in crate::api) event_bus_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRuleResponse {
    rule_arn: String,
}

impl PutRuleRequest {
    /// Checks all members against the model: the event bus that is named, the name of the rule, and the rule.
    pub(in crate::api) fn read(self, engine: &Engine) -> Result<(Option<EventBusNameOrArn>, RuleName, Rule)> {
        let mut violations = Violations::default();
        let name = required(&mut violations, "name", self.name.as_deref(), &RuleName::CONSTRAINT);
        violations.check_option("scheduleExpression", self.schedule_expression.as_deref(), &Rule::SCHEDULE_EXPRESSION);
        let pattern = StringConstraint::length(0, engine.pattern_length_max());
        violations.check_option("eventPattern", self.event_pattern.as_deref(), &pattern);
        let state = self.state.as_deref().unwrap_or("ENABLED");
        if RuleState::parse(state).is_none() {
            violations.push("state", state, &Constraint::Enumeration(RuleState::NAMES));
        }
        violations.check_option("description", self.description.as_deref(), &Rule::DESCRIPTION);
        violations.check_option("roleArn", self.role_arn.as_deref(), &Rule::ROLE_ARN);
        violations.check_option("eventBusName", self.event_bus_name.as_deref(), &EventBusNameOrArn::CONSTRAINT);
        check_tags(&mut violations, self.tags.as_ref());
        finish(violations)?;
        // Clients that fill in every member send "" for a pattern or schedule they do not want.
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (bus, name) = (bus(self.event_bus_name.as_deref())?, rule_name(name)?);
        let rule = Rule {
            event_pattern: given(self.event_pattern),
            schedule_expression: given(self.schedule_expression),
            state: RuleState::parse(state).unwrap_or(RuleState::Enabled),
            description: self.description,
            role_arn: self.role_arn,
            managed_by: None,
            tags: read_tags(self.tags)?,
        };
        Ok((bus, name, rule))
    }
}

pub(in crate::api) fn put_rule(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let (bus, name, rule) = decode::<PutRuleRequest>(body)?.read(engine)?;
    let key = engine.authorized_rule(caller, "events:PutRule", bus, name)?;
    let rule_arn = engine.put_rule(PutRule { key, rule, caller: caller.account.clone() })?;
    encode(&PutRuleResponse { rule_arn })
}

/// The request of the operations that name a rule and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedRuleRequest {
    name: Option<String>,
    event_bus_name: Option<String>,
}

impl NamedRuleRequest {
    /// The rule, when the caller may do `action` with it.
    fn key(engine: &Engine, caller: &Caller, action: &'static str, body: &[u8]) -> Result<RuleKey> {
        decode::<Self>(body)?.read(engine, caller, action)
    }

    fn read(&self, engine: &Engine, caller: &Caller, action: &'static str) -> Result<RuleKey> {
        let mut violations = Violations::default();
        let name = required(&mut violations, "name", self.name.as_deref(), &RuleName::CONSTRAINT);
        violations.check_option("eventBusName", self.event_bus_name.as_deref(), &EventBusNameOrArn::CONSTRAINT);
        finish(violations)?;
        engine.authorized_rule(caller, action, bus(self.event_bus_name.as_deref())?, rule_name(name)?)
    }
}

/// A rule as `DescribeRule` and `ListRules` show it; only the former says who created it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RuleShape {
    name: String,
    arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_expression: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    managed_by: Option<String>,
    event_bus_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
}

impl From<RuleDescription> for RuleShape {
    fn from(RuleDescription { key, rule, .. }: RuleDescription) -> Self {
        Self {
            arn: rule_arn(&key),
            name: key.name.to_string(),
            event_pattern: rule.event_pattern,
            schedule_expression: rule.schedule_expression,
            state: rule.state.name(),
            description: rule.description,
            role_arn: rule.role_arn,
            managed_by: rule.managed_by,
            event_bus_name: key.bus.name.to_string(),
            created_by: None,
        }
    }
}

pub(in crate::api) fn describe_rule(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let rule = engine.describe_rule(&NamedRuleRequest::key(engine, caller, "events:DescribeRule", body)?)?;
    let created_by = Some(rule.created_by.to_string());
    encode(&RuleShape { created_by, ..RuleShape::from(rule) })
}

pub(in crate::api) fn enable_rule(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    engine.set_rule_state(&NamedRuleRequest::key(engine, caller, "events:EnableRule", body)?, RuleState::Enabled)?;
    Ok(Vec::new())
}

pub(in crate::api) fn disable_rule(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    engine.set_rule_state(&NamedRuleRequest::key(engine, caller, "events:DisableRule", body)?, RuleState::Disabled)?;
    Ok(Vec::new())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteRuleRequest {
    name: Option<String>,
    event_bus_name: Option<String>,
    force: Option<bool>,
}

pub(in crate::api) fn delete_rule(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let DeleteRuleRequest { name, event_bus_name, force } = decode(body)?;
    let key = NamedRuleRequest { name, event_bus_name }.read(engine, caller, "events:DeleteRule")?;
    engine.delete_rule(&key, force.unwrap_or_default())?;
    Ok(Vec::new())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRulesRequest {
    name_prefix: Option<String>,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListRulesResponse {
    rules: Vec<RuleShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(in crate::api) fn list_rules(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: ListRulesRequest = decode(body)?;
    let mut violations = Violations::default();
    violations.check_option("namePrefix", request.name_prefix.as_deref(), &RuleName::CONSTRAINT);
    violations.check_option("eventBusName", request.event_bus_name.as_deref(), &EventBusNameOrArn::CONSTRAINT);
    check_page(&mut violations, request.limit, request.next_token.as_deref());
    finish(violations)?;
    let bus = engine.authorized_bus(caller, "events:ListRules", bus(request.event_bus_name.as_deref())?)?;
    let prefix = request.name_prefix.unwrap_or_default();
    let list = format!("ListRules {} {prefix}", event_bus_arn(&bus));
    let page = engine.list_rules(&bus, &prefix, &page(&list, request.limit, request.next_token.as_deref())?)?;
    let next_token = next_token(&list, page.last.as_ref());
    encode(&ListRulesResponse { rules: page.entries.into_iter().map(RuleShape::from).collect(), next_token })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRuleNamesByTargetRequest {
    target_arn: Option<String>,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListRuleNamesByTargetResponse {
    rule_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(in crate::api) fn list_rule_names_by_target(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: ListRuleNamesByTargetRequest = decode(body)?;
    let mut violations = Violations::default();
    let target_arn = required(&mut violations, "targetArn", request.target_arn.as_deref(), &Target::ARN);
    violations.check_option("eventBusName", request.event_bus_name.as_deref(), &EventBusNameOrArn::CONSTRAINT);
    check_page(&mut violations, request.limit, request.next_token.as_deref());
    finish(violations)?;
    let bus = bus(request.event_bus_name.as_deref())?;
    let bus = engine.authorized_bus(caller, "events:ListRuleNamesByTarget", bus)?;
    let list = format!("ListRuleNamesByTarget {} {target_arn}", event_bus_arn(&bus));
    let page = engine.list_rule_names_by_target(
        &bus,
        target_arn,
        &page(&list, request.limit, request.next_token.as_deref())?,
    )?;
    let next_token = next_token(&list, page.last.as_ref());
    encode(&ListRuleNamesByTargetResponse { rule_names: page.entries, next_token })
}
