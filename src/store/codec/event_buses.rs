//! The record of an event bus.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventyard_core::arn::event_bus_arn;
use eventyard_core::event_bus::{EventBus, LogConfig};
use eventyard_core::name::EventBusKey;
use eventyard_core::policy::Policy;
use serde::{Deserialize, Serialize};

use super::{tag_record, tags, time};

#[derive(Serialize, Deserialize)]
pub(super) struct EventBusRecord {
    created_ms: i64,
    modified_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead_letter_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_config: Option<LogConfigRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct LogConfigRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<String>,
}

impl From<&EventBus> for EventBusRecord {
    fn from(bus: &EventBus) -> Self {
        let log_config = |LogConfig { include_detail, level }| LogConfigRecord { include_detail, level };
        Self {
            created_ms: bus.created.as_millis(),
            modified_ms: bus.modified.as_millis(),
            description: bus.description.clone(),
            dead_letter_arn: bus.dead_letter_arn.clone(),
            log_config: bus.log_config.clone().map(log_config),
            policy: bus.policy.as_ref().map(ToString::to_string),
            tags: tag_record(&bus.tags),
        }
    }
}

impl EventBusRecord {
    /// The event bus, whose key the record does not hold.
    pub(super) fn into_event_bus(self, key: &EventBusKey) -> Result<EventBus, String> {
        let record = self;
        let policy = record.policy.map(|text| Policy::parse(&text, &event_bus_arn(key))).transpose();
        let log_config = |LogConfigRecord { include_detail, level }| LogConfig { include_detail, level };
        Ok(EventBus {
            created: time(record.created_ms)?,
            modified: time(record.modified_ms)?,
            description: record.description,
            dead_letter_arn: record.dead_letter_arn,
            log_config: record.log_config.map(log_config),
            policy: policy.map_err(|error| error.to_string())?.map(Arc::new),
            tags: tags(record.tags)?,
        })
    }
}
