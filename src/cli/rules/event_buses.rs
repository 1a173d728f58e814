//! Event buses with their descriptions, tags and policies, beside the rules that stand on them.

use serde_json::{Value, json};

use crate::cli::api::{Api, Failure, members};

/// The members of an event bus that are put again.
const EVENT_BUS: [&str; 5] = ["Name", "Description", "Policy", "KmsKeyIdentifier", "DeadLetterConfig"];
/// Those of them that `CreateEventBus` and `UpdateEventBus` take.
const UPDATED: [&str; 4] = ["Name", "Description", "KmsKeyIdentifier", "DeadLetterConfig"];
/// The event bus that is always there.
const DEFAULT: &str = "default";

/// The event buses of this list, as [`put`] puts them. The default one only where it has something that is not always so.
pub(super) fn export(api: &Api, buses: &[Value]) -> Result<Vec<Value>, Failure> {
    let mut exported = Vec::new();
    for bus in buses {
        let described = api.call("DescribeEventBus", &json!({ "Name": bus["Name"] }))?;
        let mut kept = members(&described, &EVENT_BUS);
        let tags = api.call("ListTagsForResource", &json!({ "ResourceARN": described["Arn"] }))?;
        if tags["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
            kept.insert("Tags".to_owned(), tags["Tags"].clone());
        }
        if kept.len() > 1 || described["Name"] != DEFAULT {
            exported.push(kept.into());
        }
    }
    Ok(exported)
}

/// Makes an event bus, or makes one that is there already what it is said to be.
pub(super) fn put(api: &Api, bus: &Value) -> Result<(), Failure> {
    if bus["Name"] == DEFAULT || !create(api, &members(bus, &[&UPDATED[..], &["Tags"]].concat()).into())? {
        update(api, bus)?;
    }
    if let Some(policy) = bus.get("Policy") {
        api.call("PutPermission", &json!({ "EventBusName": bus["Name"], "Policy": policy }))?;
    }
    Ok(())
}

/// Whether it was made; it was there already if not.
pub(super) fn create(api: &Api, bus: &Value) -> Result<bool, Failure> {
    match api.call("CreateEventBus", bus) {
        Ok(_) => Ok(true),
        Err(Failure::Refused { code, .. }) if code == "ResourceAlreadyExistsException" => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn update(api: &Api, bus: &Value) -> Result<(), Failure> {
    let changed = members(bus, &UPDATED);
    if changed.len() > 1 {
        api.call("UpdateEventBus", &changed.into())?;
    }
    let Some(tags) = bus.get("Tags") else { return Ok(()) };
    let described = api.call("DescribeEventBus", &json!({ "Name": bus["Name"] }))?;
    api.call("TagResource", &json!({ "ResourceARN": described["Arn"], "Tags": tags }))?;
    Ok(())
}
