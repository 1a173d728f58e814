//! `CreateEventBus`, `DescribeEventBus`, `ListEventBuses`, `UpdateEventBus`, `DeleteEventBus`.

use eventyard_core::arn::{EventBusNameOrArn, event_bus_arn};
use eventyard_core::constraint::{Rule as Constraint, StringConstraint, Violations};
use eventyard_core::error::ServiceError;
use eventyard_core::event_bus::{EventBus, LogConfig};
use eventyard_core::name::{EventBusKey, EventBusName};
use serde::{Deserialize, Serialize};

use super::tags::{TagList, check_tags, read_tags};
use crate::api::object::Object;
use crate::api::wire::{bus, check_page, decode, encode, finish, next_token, page, required};
use crate::engine::{Caller, Engine};

type Result<T> = std::result::Result<T, ServiceError>;

/// What the API model asks of `EventSourceName`.
const EVENT_SOURCE_NAME: StringConstraint = StringConstraint {
    length_min: 1,
    length_max: 256,
    pattern: Some((r"aws\.partner(/[\.\-_A-Za-z0-9]+){2,}", |text| {
        let is_part = |part: &str| EventBusName::parse(part).is_ok();
        text.strip_prefix("aws.partner/").is_some_and(|rest| rest.contains('/') && rest.split('/').all(is_part))
    })),
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfigShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogConfigShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    include_detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
}

/// The members that `CreateEventBus` and `UpdateEventBus` share.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventBusMembers {
    description: Option<String>,
    kms_key_identifier: Option<String>,
    dead_letter_config: Option<Object<DeadLetterConfigShape>>,
    log_config: Option<Object<LogConfigShape>>,
}

impl EventBusMembers {
    fn check(&self, violations: &mut Violations) {
        violations.check_option("description", self.description.as_deref(), &EventBus::DESCRIPTION);
        violations.check_option("kmsKeyIdentifier", self.kms_key_identifier.as_deref(), &EventBus::KMS_KEY_IDENTIFIER);
        let arn = self.dead_letter_config.as_ref().and_then(|Object(config)| config.arn.as_deref());
        violations.check_option("deadLetterConfig.arn", arn, &EventBus::DEAD_LETTER_ARN);
        let Some(Object(log)) = &self.log_config else { return };
        for (path, value, values) in [
            ("logConfig.includeDetail", &log.include_detail, LogConfig::INCLUDE_DETAILS),
            ("logConfig.level", &log.level, LogConfig::LEVELS),
        ] {
            if let Some(value) = value.as_deref().filter(|value| !values.contains(value)) {
                violations.push(path, value, &Constraint::Enumeration(values));
            }
        }
    }

    /// An event bus whose owner believes it to be encrypted would be worse than a refusal.
    fn refuse_encryption(&self) -> Result<()> {
        if self.kms_key_identifier.as_deref().is_some_and(|key| !key.is_empty()) {
            return Err(ServiceError::validation(
                "Parameter KmsKeyIdentifier is not valid. Reason: eventyard does not encrypt events with KMS keys.",
            ));
        }
        Ok(())
    }

    /// What is given replaces what was there; an empty description or dead-letter queue takes it away.
    fn apply(self, bus: &mut EventBus) {
        if let Some(description) = self.description {
            bus.description = Some(description).filter(|text| !text.is_empty());
        }
        if let Some(Object(config)) = self.dead_letter_config {
            bus.dead_letter_arn = config.arn;
        }
        if let Some(Object(LogConfigShape { include_detail, level })) = self.log_config {
            bus.log_config = Some(LogConfig { include_detail, level });
        }
    }
}

/// An event bus as the answers show it.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct EventBusShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    /// `CreateEventBus` names its ARN so.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_bus_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfigShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_config: Option<LogConfigShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// In seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified_time: Option<f64>,
}

impl EventBusShape {
    /// What its owner says about it.
    fn described(bus: EventBus) -> Self {
        let log_config = |LogConfig { include_detail, level }| LogConfigShape { include_detail, level };
        Self {
            description: bus.description,
            dead_letter_config: bus.dead_letter_arn.map(|arn| DeadLetterConfigShape { arn: Some(arn) }),
            log_config: bus.log_config.map(log_config),
            ..Self::default()
        }
    }

    /// With its names.
    fn named(key: &EventBusKey, bus: EventBus) -> Self {
        Self { name: Some(key.name.to_string()), arn: Some(event_bus_arn(key)), ..Self::described(bus) }
    }

    /// With its names, its policy and its times.
    fn whole(key: &EventBusKey, bus: EventBus) -> Self {
        Self {
            policy: bus.policy.as_ref().map(ToString::to_string),
            creation_time: Some(bus.created.as_epoch_seconds()),
            last_modified_time: Some(bus.modified.as_epoch_seconds()),
            ..Self::named(key, bus)
        }
    }
}

/// The event bus of the caller that has this name, after the checks against the model.
fn own_bus(caller: &Caller, name: &str) -> Result<EventBusKey> {
    let name = EventBusName::parse(name).map_err(|_| ServiceError::validation("Parameter Name is not valid."))?;
    Ok(caller.own_bus(name))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateEventBusRequest {
    name: Option<String>,
    event_source_name: Option<String>,
    tags: Option<TagList>,
    #[serde(flatten)]
    members: EventBusMembers,
}

pub(in crate::api) fn create_event_bus(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: CreateEventBusRequest = decode(body)?;
    let mut violations = Violations::default();
    let name = required(&mut violations, "name", request.name.as_deref(), &EventBusName::CONSTRAINT);
    violations.check_option("eventSourceName", request.event_source_name.as_deref(), &EVENT_SOURCE_NAME);
    request.members.check(&mut violations);
    check_tags(&mut violations, request.tags.as_ref());
    finish(violations)?;
    request.members.refuse_encryption()?;
    let tags = read_tags(request.tags)?;
    let key = own_bus(caller, name)?;
    if let Some(source) = request.event_source_name {
        // There are no partners here, so there is none of their sources.
        return Err(ServiceError::not_found(format!("Event source {source} does not exist.")));
    }
    if name.contains('/') {
        return Err(ServiceError::validation("Event bus name must not contain '/'."));
    }
    let bus = engine.create_event_bus(&key, |bus| {
        request.members.apply(bus);
        bus.tags = tags;
    })?;
    encode(&EventBusShape { event_bus_arn: Some(event_bus_arn(&key)), ..EventBusShape::described(bus) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedEventBusRequest {
    name: Option<String>,
}

pub(in crate::api) fn describe_event_bus(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: NamedEventBusRequest = decode(body)?;
    let mut violations = Violations::default();
    violations.check_option("name", request.name.as_deref(), &EventBusNameOrArn::CONSTRAINT);
    finish(violations)?;
    let key = engine.authorized_bus(caller, "events:DescribeEventBus", bus(request.name.as_deref())?)?;
    let bus = engine.describe_event_bus(&key)?;
    encode(&EventBusShape::whole(&key, bus))
}

pub(in crate::api) fn delete_event_bus(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: NamedEventBusRequest = decode(body)?;
    let mut violations = Violations::default();
    let name = required(&mut violations, "name", request.name.as_deref(), &EventBusName::CONSTRAINT);
    finish(violations)?;
    engine.delete_event_bus(&own_bus(caller, name)?)?;
    Ok(Vec::new())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateEventBusRequest {
    name: Option<String>,
    #[serde(flatten)]
    members: EventBusMembers,
}

pub(in crate::api) fn update_event_bus(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: UpdateEventBusRequest = decode(body)?;
    let mut violations = Violations::default();
    violations.check_option("name", request.name.as_deref(), &EventBusName::CONSTRAINT);
    request.members.check(&mut violations);
    finish(violations)?;
    request.members.refuse_encryption()?;
    let key = own_bus(caller, request.name.as_deref().unwrap_or(EventBusName::DEFAULT))?;
    let bus = engine.update_event_bus(&key, |bus| request.members.apply(bus))?;
    encode(&EventBusShape::named(&key, bus))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListEventBusesRequest {
    name_prefix: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListEventBusesResponse {
    event_buses: Vec<EventBusShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(in crate::api) fn list_event_buses(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: ListEventBusesRequest = decode(body)?;
    let mut violations = Violations::default();
    violations.check_option("namePrefix", request.name_prefix.as_deref(), &EventBusName::CONSTRAINT);
    check_page(&mut violations, request.limit, request.next_token.as_deref());
    finish(violations)?;
    let prefix = request.name_prefix.unwrap_or_default();
    let list = format!("ListEventBuses {} {} {prefix}", caller.account, caller.region);
    let asked = page(&list, request.limit, request.next_token.as_deref())?;
    let page = engine.list_event_buses(caller, &prefix, &asked);
    let entry = |(name, bus)| EventBusShape {
        dead_letter_config: None,
        log_config: None,
        ..EventBusShape::whole(&caller.own_bus(name), bus)
    };
    let next_token = next_token(&list, page.last.as_ref());
    encode(&ListEventBusesResponse { event_buses: page.entries.into_iter().map(entry).collect(), next_token })
}
