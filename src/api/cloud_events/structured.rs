//! The structured mode: an event as one JSON object; and the batched mode, an array of them.

use eventyard_core::json::Members;

use super::event::{CloudEvent, Data};
use super::{Result, refused};
use crate::api::wire::serialization;

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
