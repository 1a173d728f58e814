//! The record of an event bus.

use std::collections::BTreeMap;

use eventyard_core::event_bus::{EventBus, LogConfig};
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
            tags: tag_record(&bus.tags),
        }
    }
}

impl TryFrom<EventBusRecord> for EventBus {
    type Error = String;

    fn try_from(record: EventBusRecord) -> Result<Self, String> {
        let log_config = |LogConfigRecord { include_detail, level }| LogConfig { include_detail, level };
        Ok(Self {
            created: time(record.created_ms)?,
            modified: time(record.modified_ms)?,
            description: record.description,
            dead_letter_arn: record.dead_letter_arn,
            log_config: record.log_config.map(log_config),
            tags: tags(record.tags)?,
        })
    }
}
