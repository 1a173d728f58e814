//! The input of an operation from the query of a presigned URL.
//!
//! boto3 moves the members of a request into the query when it makes a URL, and so loses their types: numbers and booleans
//! become text, and a list repeats its name. Structures become text that only Python can read; they are refused.

use bytes::Bytes;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::sigv4::query_parameters;
use serde_json::{Map, Value};

use super::wire::encode;
use crate::http::Request;

/// What a member is in the API model, where it is no string.
enum Kind {
    Number,
    Boolean,
    Texts,
    Structure,
}

/// The members of the first level that are no strings, in all operations that are here.
const KINDS: [(&str, Kind); 11] = [
    ("Limit", Kind::Number),
    ("Force", Kind::Boolean),
    ("RemoveAllPermissions", Kind::Boolean),
    ("Ids", Kind::Texts),
    ("TagKeys", Kind::Texts),
    ("Targets", Kind::Structure),
    ("Entries", Kind::Structure),
    ("Tags", Kind::Structure),
    ("Condition", Kind::Structure),
    ("DeadLetterConfig", Kind::Structure),
    ("LogConfig", Kind::Structure),
];

/// Whether the query of a request has a signature.
pub(super) fn is_presigned(request: &Request) -> bool {
    request.uri.query().is_some_and(|query| query_parameters(query).any(|(name, _)| &*name == b"X-Amz-Signature"))
}

/// The members in the query, as the JSON that the body would have been.
pub(super) fn read(request: &Request) -> Result<Bytes, ServiceError> {
    members(request.uri.query().unwrap_or_default()).and_then(|members| encode(&members)).map(Bytes::from)
}

fn members(query: &str) -> Result<Map<String, Value>, ServiceError> {
    let mut members = Map::new();
    for (name, value) in query_parameters(query).filter(|(name, _)| !name.starts_with(b"X-Amz-")) {
        let (name, value) = (text(&name)?, text(&value)?);
        let kind = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
        if let (Some(Kind::Texts), Some(Value::Array(values))) = (kind, members.get_mut(name)) {
            values.push(value.into());
            continue;
        }
        let read = match kind {
            None => Some(Value::from(value)),
            Some(Kind::Number) => value.parse::<i64>().ok().map(Value::from),
            Some(Kind::Boolean) => match value {
                "True" | "true" => Some(Value::Bool(true)),
                "False" | "false" => Some(Value::Bool(false)),
                _ => None,
            },
            Some(Kind::Texts) => Some(Value::from(vec![value])),
            Some(Kind::Structure) => None,
        };
        let read = read.ok_or_else(|| refused(&format!("{name} cannot be given in a URL as it is")))?;
        if members.insert(name.to_owned(), read).is_some() {
            return Err(refused(&format!("{name} is there twice")));
        }
    }
    Ok(members)
}

fn text(bytes: &[u8]) -> Result<&str, ServiceError> {
    std::str::from_utf8(bytes).map_err(|_| refused("the query is not UTF-8"))
}

fn refused(why: &str) -> ServiceError {
    ServiceError::new(ErrorCode::Serialization, format!("The request cannot be read: {why}."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_get_their_types_back() {
        let query = "Rule=r&Ids=z&Ids=a&Force=True&Limit=5&NamePrefix=%C3%A4%20b%2Bc&X-Amz-Date=x&X-Amz-Signature=y";
        let expected = json!({"Rule": "r", "Ids": ["z", "a"], "Force": true, "Limit": 5, "NamePrefix": "ä b+c"});
        assert_eq!(Value::Object(members(query).unwrap()), expected);
        assert_eq!(members("").unwrap(), Map::new());
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for query in ["Limit=five", "Force=1", "Targets=%7B%27Id%27%3A%201%7D", "Rule=a&Rule=b", "Rule=%FF", "%FF=a"] {
            assert_eq!(members(query).unwrap_err().code, ErrorCode::Serialization, "{query}");
        }
    }
}
