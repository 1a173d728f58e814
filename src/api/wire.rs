//! JSON in and out: decoding requests, and the one form of answers and errors.

use eventyard_core::arn::EventBusNameOrArn;
use eventyard_core::constraint::{StringConstraint, Violations};
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::limits::PAGE_LENGTH_MAX;
use eventyard_core::name::RuleName;
use eventyard_core::page::{PageRequest, decode_token, encode_token};
use hyper::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::object::Object;
use crate::http::{Answer, answer as http_answer};

/// The content type of Amazon's protocol.
pub(super) const AWS_JSON: &str = "application/x-amz-json-1.1";
/// The content type of everything else.
pub(super) const JSON: &str = "application/json";

/// What the API model asks of `NextToken`.
const NEXT_TOKEN: StringConstraint = StringConstraint::length(1, 2_048);

/// Reads a request. An empty body is an empty object; members that are null or unknown count as absent.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map(|Object(request)| request).map_err(|error| serialization(&error))
}

/// A body that is no JSON, or has a member of the wrong type.
pub(super) fn serialization(error: &serde_json::Error) -> ServiceError {
    ServiceError::new(ErrorCode::Serialization, format!("The request cannot be read: {error}"))
}

/// Writes an answer.
pub(super) fn encode(answer: &impl Serialize) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(answer).map_err(|_| ServiceError::internal())
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(rename = "__type")]
    code: &'static str,
    message: &'a str,
}

/// The HTTP answer of a result.
pub(super) fn answer(content_type: &'static str, result: Result<Vec<u8>, ServiceError>) -> Answer {
    match result {
        Ok(body) => http_answer(StatusCode::OK, content_type, body),
        Err(error) => {
            let body = ErrorBody { code: error.code.name(), message: &error.message };
            let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            http_answer(status, content_type, serde_json::to_vec(&body).unwrap_or_default())
        }
    }
}

/// A required string; its absence is a violation.
pub(super) fn required<'a>(
    violations: &mut Violations,
    path: &str,
    value: Option<&'a str>,
    constraint: &StringConstraint,
) -> &'a str {
    if let Some(value) = value {
        violations.check(path, value, constraint);
    } else {
        violations.push_missing(path);
    }
    value.unwrap_or_default()
}

/// Ends the checks against the model, if anything was violated.
pub(super) fn finish(violations: Violations) -> Result<(), ServiceError> {
    if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
}

/// The event bus a request names, after the checks against the model.
pub(super) fn bus(name: Option<&str>) -> Result<Option<EventBusNameOrArn>, ServiceError> {
    let parse = |name| {
        EventBusNameOrArn::parse(name).ok_or_else(|| ServiceError::validation("Parameter EventBusName is not valid."))
    };
    name.map(parse).transpose()
}

/// The rule a request names, after the checks against the model.
pub(super) fn rule_name(name: &str) -> Result<RuleName, ServiceError> {
    RuleName::parse(name).map_err(|_| ServiceError::validation("Parameter Name is not valid."))
}

/// Checks `Limit` and `NextToken` against the model.
pub(super) fn check_page(violations: &mut Violations, limit: Option<i64>, next_token: Option<&str>) {
    violations.check_range("limit", limit, 1, i64::try_from(PAGE_LENGTH_MAX).unwrap_or(i64::MAX));
    violations.check_option("nextToken", next_token, &NEXT_TOKEN);
}

/// The page a request asks for of the list called `list`.
pub(super) fn page(list: &str, limit: Option<i64>, next_token: Option<&str>) -> Result<PageRequest, ServiceError> {
    let after = next_token.map(|token| decode_token(list, token)).transpose()?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_LENGTH_MAX);
    Ok(PageRequest { after, limit })
}

/// The token for what comes behind a page of the list called `list`.
pub(super) fn next_token(list: &str, behind: Option<&String>) -> Option<String> {
    behind.map(|behind| encode_token(list, behind))
}
