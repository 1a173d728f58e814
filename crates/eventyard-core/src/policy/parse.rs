//! Reading a policy's document.
//!
//! Understood are the members `Version`, `Id` and `Statement`; in a statement `Sid`, `Effect`, `Principal`, `Action`,
//! `Resource` and `Condition`; as principals `"*"`, accounts by number or as `arn:aws:iam::<account>:root`, and services; and
//! the conditions that `condition` lists. Everything else is refused with its name.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Key, Operator};
use super::document::{Conditions, Document, Effect, OneOrMany, Principal, Statement, VERSION};
use super::json::Json;
use super::{Policy, PolicyTooLong};
use crate::limits::POLICY_SIZE_BYTES_MAX;
use crate::name::AccountId;

/// Why a document is no policy that could be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// It is too long.
    #[error(transparent)]
    TooLong(#[from] PolicyTooLong),
    /// It cannot be read, or says what is not understood here.
    #[error("{0}")]
    Unreadable(String),
}

type Result<T> = std::result::Result<T, String>;

impl Policy {
    /// Reads the document of the policy of an event bus, whose ARN is `bus`.
    ///
    /// # Errors
    /// When it is too long, is no policy, or says something that is not understood here.
    pub fn parse(text: &str, bus: &str) -> std::result::Result<Self, InvalidPolicy> {
        // Blanks do not count in the end; this bounds what is read at all.
        if text.len() > 4 * POLICY_SIZE_BYTES_MAX {
            return Err(PolicyTooLong(text.len()).into());
        }
        let json = serde_json::from_str(text).map_err(|error| InvalidPolicy::Unreadable(error.to_string()))?;
        let document = document(json, bus).map_err(InvalidPolicy::Unreadable)?;
        Ok(Self(document).measured()?)
    }
}

fn document(json: Json, bus: &str) -> Result<Document> {
    let mut members = object(json, "The policy")?;
    let version = take(&mut members, "Version").map(|value| text(value, "Version")).transpose()?;
    if let Some(version) = version.as_deref().filter(|version| ![VERSION, "2008-10-17"].contains(version)) {
        return Err(format!("Version '{version}' is not known; write {VERSION}."));
    }
    let id = take(&mut members, "Id").map(|value| text(value, "Id")).transpose()?;
    let statement = match take(&mut members, "Statement").ok_or("Statement is missing.")? {
        Json::List(list) if list.is_empty() => return Err("Statement is empty.".to_owned()),
        Json::List(list) => {
            OneOrMany::list(list.into_iter().map(|one| statement(one, bus)).collect::<Result<Vec<_>>>()?)
        }
        one => OneOrMany::one(statement(one, bus)?),
    };
    nothing_else(&members)?;
    let mut seen = BTreeSet::new();
    if let Some(sid) = statement.iter().filter_map(|one| one.sid.as_ref()).find(|sid| !seen.insert(sid.as_str())) {
        return Err(format!("Two statements have the Sid '{sid}'."));
    }
    Ok(Document { version, id, statement })
}

fn statement(json: Json, bus: &str) -> Result<Statement> {
    let mut members = object(json, "A statement")?;
    let mut required = |name: &str| take(&mut members, name).ok_or(format!("{name} is missing in a statement."));
    let effect = match text(required("Effect")?, "Effect")?.as_str() {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => return Err(format!("Effect '{other}' is not known; write Allow or Deny.")),
    };
    let principal = principal(required("Principal")?)?;
    let action = texts(required("Action")?, "Action")?;
    let resource = texts(required("Resource")?, "Resource")?;
    let sid = take(&mut members, "Sid").map(|value| text(value, "Sid")).transpose()?;
    let condition = take(&mut members, "Condition").map(conditions).transpose()?.unwrap_or_default();
    nothing_else(&members)?;
    for name in action.iter() {
        if name != "*" && !name.to_ascii_lowercase().starts_with("events:") {
            return Err(format!("Action '{name}' is none of events."));
        }
    }
    for arn in resource.iter() {
        check_resource(arn, bus)?;
    }
    Ok(Statement { sid, effect, principal, action, resource, condition })
}

/// A statement about another event bus would look as if it did something. The message is Amazon's.
fn check_resource(arn: &str, bus: &str) -> Result<()> {
    let Some(name) = arn.splitn(6, ':').nth(5).filter(|resource| resource.starts_with("event-bus/")) else {
        return if arn == "*" || arn.starts_with("arn:") {
            Ok(())
        } else {
            Err(format!("Resource '{arn}' is no ARN."))
        };
    };
    if arn == bus || arn.contains(['*', '?']) {
        return Ok(());
    }
    Err(format!("The relative-id \"{name}\" is invalid for ARN \"{bus}\""))
}

fn principal(json: Json) -> Result<Principal> {
    let mut members = match json {
        Json::Text(everybody) if everybody == "*" => return Ok(Principal::Everybody),
        Json::Text(other) => return Err(format!("Principal '{other}' is not known; write \"*\" or {{\"AWS\": …}}.")),
        other => object(other, "Principal")?,
    };
    let aws = take(&mut members, "AWS").map(|value| texts(value, "Principal.AWS")).transpose()?;
    let service = take(&mut members, "Service").map(|value| texts(value, "Principal.Service")).transpose()?;
    nothing_else(&members)?;
    for name in aws.iter().flat_map(OneOrMany::iter) {
        let id = name.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(name);
        if name != "*" && AccountId::parse(id).is_err() {
            return Err(format!("Principal '{name}' is no account; eventyard knows no users and no roles."));
        }
    }
    if aws.is_none() && service.is_none() {
        return Err("Principal is empty.".to_owned());
    }
    Ok(Principal::Named { aws, service })
}

fn conditions(json: Json) -> Result<Conditions> {
    let operators = object(json, "Condition")?.into_iter().map(|(operator, keys)| {
        if Operator::parse(&operator).is_none() {
            return Err(format!("The condition operator {operator} is not supported by eventyard."));
        }
        let keys = object(keys, &operator)?.into_iter().map(|(key, values)| {
            if Key::parse(&key).is_none() {
                return Err(format!("The condition key {key} is not supported by eventyard."));
            }
            let values = texts(values, &key)?;
            if values.iter().any(|value| value.contains("${")) {
                return Err(format!("Policy variables, as in the values of {key}, are not supported by eventyard."));
            }
            Ok((key, values))
        });
        Ok((operator, keys.collect::<Result<BTreeMap<_, _>>>()?))
    });
    operators.collect()
}

fn object(json: Json, what: &str) -> Result<Vec<(String, Json)>> {
    match json {
        Json::Object(members) => Ok(members),
        _ => Err(format!("{what} is not an object.")),
    }
}

fn text(json: Json, name: &str) -> Result<String> {
    match json {
        Json::Text(text) => Ok(text),
        _ => Err(format!("{name} is not a text.")),
    }
}

fn texts(json: Json, name: &str) -> Result<OneOrMany<String>> {
    match json {
        Json::List(list) if list.is_empty() => Err(format!("{name} is empty.")),
        Json::List(list) => {
            Ok(OneOrMany::list(list.into_iter().map(|item| text(item, name)).collect::<Result<Vec<_>>>()?))
        }
        one => Ok(OneOrMany::one(text(one, name)?)),
    }
}

fn take(members: &mut Vec<(String, Json)>, name: &str) -> Option<Json> {
    let place = members.iter().position(|(other, _)| other == name)?;
    Some(members.swap_remove(place).1)
}

fn nothing_else(members: &[(String, Json)]) -> Result<()> {
    members.first().map_or(Ok(()), |(name, _)| Err(format!("{name} is not supported by eventyard.")))
}
