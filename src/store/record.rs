//! A record: the neutral form of one entry, with which dumps and migrations work.

use serde::{Deserialize, Serialize};

use super::StoreError;

/// What a record describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The store itself; key: nothing.
    Store,
    /// An event bus; key: account, region, bus.
    EventBus,
    /// A rule; key: account, region, bus, rule.
    Rule,
    /// A target; key: account, region, bus, rule, target.
    Target,
    /// A target that is gone but may be owed events; key: its number.
    RemovedTarget,
}

/// The first byte of a key on disk. A byte is never given to another kind.
const KIND_BYTES: [(u8, Kind); 5] =
    [(1, Kind::Store), (2, Kind::EventBus), (3, Kind::Rule), (4, Kind::Target), (5, Kind::RemovedTarget)];

/// One entry of the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What it describes.
    pub kind: Kind,
    /// Its key; no part holds a NUL.
    pub key: Vec<String>,
    /// Its value, versioned by the schema of the store as a whole.
    pub value: serde_json::Value,
}

impl Record {
    pub(super) fn key_bytes(&self) -> Vec<u8> {
        key_bytes(self.kind, &self.key)
    }

    pub(super) fn value_bytes(&self) -> Vec<u8> {
        self.value.to_string().into_bytes()
    }

    pub(super) fn from_bytes(key: &[u8], value: &[u8]) -> Result<Self, StoreError> {
        let damaged = |reason: String| StoreError::Damaged { entry: String::from_utf8_lossy(key).into_owned(), reason };
        let (kind, parts) = key.split_first().ok_or_else(|| damaged("its key is empty".to_owned()))?;
        let (_, kind) = KIND_BYTES
            .iter()
            .find(|(byte, _)| byte == kind)
            .ok_or_else(|| damaged(format!("no kind has the byte {kind}")))?;
        let parts = std::str::from_utf8(parts).map_err(|error| damaged(error.to_string()))?;
        let key = if parts.is_empty() { Vec::new() } else { parts.split('\0').map(str::to_owned).collect() };
        let value = serde_json::from_slice(value).map_err(|error| damaged(error.to_string()))?;
        Ok(Self { kind: *kind, key, value })
    }
}

/// The kind's byte and the parts with a NUL between them, so that what belongs together lies together.
pub(super) fn key_bytes(kind: Kind, key: &[String]) -> Vec<u8> {
    let byte = KIND_BYTES.iter().find(|(_, named)| *named == kind).map_or(0, |(byte, _)| *byte);
    let mut bytes = vec![byte];
    bytes.extend(key.join("\0").bytes());
    bytes
}
