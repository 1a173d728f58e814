//! The structured mode: an event as one JSON object; and the batched mode, an array of them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::event::{CloudEvent, Data};
use super::{Result, refused};
use crate::api::wire::serialization;

/// The members of an object in their order, each as it was spelt.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a CloudEvent as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

pub(super) fn read(body: &[u8]) -> Result<CloudEvent> {
    event(serde_json::from_slice(body).map_err(|error| serialization(&error))?)
}

pub(super) fn read_batch(body: &[u8]) -> Result<Vec<CloudEvent>> {
    let batch: Vec<Members> = serde_json::from_slice(body).map_err(|error| serialization(&error))?;
    batch.into_iter().map(event).collect()
}

fn event(Members(members): Members) -> Result<CloudEvent> {
    let (mut attributes, mut data) = (Vec::new(), None);
    for (name, value) in members {
        let found = match name.as_str() {
            "data" => Data::Json(value),
            "data_base64" if value.get() == "null" => continue,
            "data_base64" => {
                let text = serde_json::from_str(value.get()).map_err(|_| refused("data_base64 is no string"))?;
                Data::base64(text)?
            }
            _ => {
                attributes.push((name, value));
                continue;
            }
        };
        if data.replace(found).is_some() {
            return Err(refused("it has data twice"));
        }
    }
    CloudEvent::new(attributes, data)
}
