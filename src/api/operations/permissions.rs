//! `PutPermission`, `RemovePermission`.

use eventyard_core::constraint::{StringConstraint, Violations};
use eventyard_core::error::ServiceError;
use eventyard_core::name::{AccountId, EventBusKey, EventBusName};
use eventyard_core::policy::Permission;
use serde::Deserialize;

use crate::api::object::Object;
use crate::api::wire::{decode, finish};
use crate::engine::{Caller, Engine};

type Result<T> = std::result::Result<T, ServiceError>;

/// What the API model asks of `Action`.
const ACTION: StringConstraint = StringConstraint {
    length_min: 1,
    length_max: 64,
    pattern: Some(("events:[a-zA-Z]+", |text| {
        text.strip_prefix("events:")
            .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()))
    })),
};
/// What the API model asks of `Principal`.
const PRINCIPAL: StringConstraint = StringConstraint {
    length_min: 1,
    length_max: 12,
    pattern: Some((r"(\d{12}|\*)", |text| text == EVERYBODY || AccountId::parse(text).is_ok())),
};
/// What the API model asks of `StatementId`.
const STATEMENT_ID: StringConstraint = StringConstraint {
    length_min: 1,
    length_max: 64,
    pattern: Some(("[a-zA-Z0-9-_]+", |text| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })),
};
/// The principal that stands for all accounts.
const EVERYBODY: &str = "*";
/// The one action that a single permission can be about.
const PUT_EVENTS: &str = "events:PutEvents";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutPermissionRequest {
    event_bus_name: Option<String>,
    action: Option<String>,
    principal: Option<String>,
    statement_id: Option<String>,
    condition: Option<Object<ConditionShape>>,
    policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConditionShape {
    #[serde(rename = "Type")]
    kind: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

impl ConditionShape {
    fn check(&self, violations: &mut Violations) {
        for (path, value) in [("type", &self.kind), ("key", &self.key), ("value", &self.value)] {
            if value.is_none() {
                violations.push_missing(&format!("condition.{path}"));
            }
        }
    }

    /// The organization that it asks for; Amazon's service knows no other condition.
    fn organization(self) -> Result<String> {
        let (kind, key) = (self.kind.unwrap_or_default(), self.key.unwrap_or_default());
        if kind != "StringEquals" || key != "aws:PrincipalOrgID" {
            return Err(ServiceError::validation(
                "Parameter Condition is not valid. Reason: Type must be StringEquals and Key aws:PrincipalOrgID.",
            ));
        }
        self.value.filter(|value| !value.is_empty()).ok_or_else(|| {
            ServiceError::validation(
                "Parameter Condition is not valid. Reason: Value must be the id of an organization.",
            )
        })
    }
}

pub(in crate::api) fn put_permission(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: PutPermissionRequest = decode(body)?;
    let mut violations = Violations::default();
    check_bus(&mut violations, request.event_bus_name.as_deref());
    violations.check_option("action", request.action.as_deref(), &ACTION);
    violations.check_option("principal", request.principal.as_deref(), &PRINCIPAL);
    violations.check_option("statementId", request.statement_id.as_deref(), &STATEMENT_ID);
    if let Some(Object(condition)) = &request.condition {
        condition.check(&mut violations);
    }
    finish(violations)?;
    let bus = own_bus(caller, request.event_bus_name.as_deref())?;
    if let Some(policy) = &request.policy {
        if request.action.is_some()
            || request.principal.is_some()
            || request.statement_id.is_some()
            || request.condition.is_some()
        {
            return Err(ServiceError::validation(
                "Parameter Policy is not valid. Reason: Action, Principal, StatementId and Condition cannot be given with it.",
            ));
        }
        engine.put_policy(&bus, policy)?;
    } else {
        engine.put_permission(&bus, permission(request)?)?;
    }
    Ok(Vec::new())
}

fn permission(request: PutPermissionRequest) -> Result<Permission> {
    let named =
        [("Action", &request.action), ("Principal", &request.principal), ("StatementId", &request.statement_id)];
    let missing: Vec<&str> = named.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        return Err(ServiceError::validation(format!("Parameter(s) {} must be specified.", missing.join(", "))));
    }
    let action = request.action.unwrap_or_default();
    if action != PUT_EVENTS {
        return Err(ServiceError::validation("Provided value in parameter 'action' is not supported."));
    }
    Ok(Permission {
        statement_id: request.statement_id.unwrap_or_default(),
        // What is no account is `*`, after the checks against the model.
        principal: request.principal.and_then(|principal| AccountId::parse(&principal).ok()),
        action,
        organization: request.condition.map(|Object(condition)| condition.organization()).transpose()?,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemovePermissionRequest {
    statement_id: Option<String>,
    remove_all_permissions: Option<bool>,
    event_bus_name: Option<String>,
}

pub(in crate::api) fn remove_permission(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: RemovePermissionRequest = decode(body)?;
    let mut violations = Violations::default();
    violations.check_option("statementId", request.statement_id.as_deref(), &STATEMENT_ID);
    check_bus(&mut violations, request.event_bus_name.as_deref());
    finish(violations)?;
    let bus = own_bus(caller, request.event_bus_name.as_deref())?;
    match (request.remove_all_permissions.unwrap_or_default(), request.statement_id) {
        (true, _) => engine.remove_all_permissions(&bus)?,
        (false, Some(statement_id)) => engine.remove_permission(&bus, &statement_id)?,
        (false, None) => {
            return Err(ServiceError::validation(
                "Parameter(s) StatementId or RemoveAllPermissions must be specified.",
            ));
        }
    }
    Ok(Vec::new())
}

fn check_bus(violations: &mut Violations, name: Option<&str>) {
    violations.check_option("eventBusName", name, &EventBusName::NON_PARTNER_CONSTRAINT);
}

/// The event bus that a request names. Only its owner gives permissions, so it is never an ARN.
fn own_bus(caller: &Caller, name: Option<&str>) -> Result<EventBusKey> {
    let name = EventBusName::parse(name.unwrap_or(EventBusName::DEFAULT))
        .map_err(|_| ServiceError::validation("Parameter EventBusName is not valid."))?;
    Ok(caller.own_bus(name))
}
