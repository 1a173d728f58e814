//! `GET /dead-letters?limit=N&after=ID`: what died and why, oldest first.

use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::error::ServiceError;
use eventyard_core::limits::PAGE_LENGTH_MAX;
use eventyard_core::retry::ExhaustedRetryCondition;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::journal::{DeadLetterId, Journal};

#[derive(Serialize)]
struct DeadLettersAnswer {
    dead_letters: Vec<DeadLetterShape>,
    /// Give it as `after` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// A dead letter. The names in capitals are Amazon's message attributes of a dead-letter queue.
#[derive(Serialize)]
struct DeadLetterShape {
    id: String,
    died: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<String>,
    #[serde(rename = "RULE_ARN")]
    rule_arn: String,
    target_id: String,
    #[serde(rename = "TARGET_ARN")]
    target_arn: String,
    #[serde(rename = "ERROR_CODE")]
    error_code: String,
    #[serde(rename = "ERROR_MESSAGE")]
    error_message: String,
    #[serde(rename = "EXHAUSTED_RETRY_CONDITION", skip_serializing_if = "Option::is_none")]
    exhausted_retry_condition: Option<&'static str>,
    #[serde(rename = "RETRY_ATTEMPTS")]
    retry_attempts: u32,
    /// Absent when the journal could not give it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Box<RawValue>>,
}

impl DeadLetterShape {
    fn new(id: DeadLetterId, letter: DeadLetter) -> Result<Self, ServiceError> {
        let received = letter.event.as_ref().map(|event| event.received.to_string());
        let envelope = letter.event.map(|event| RawValue::from_string(event.envelope.into())).transpose();
        Ok(Self {
            id: id.to_string(),
            died: letter.died.to_string(),
            received,
            rule_arn: letter.rule_arn,
            target_id: letter.target_id,
            target_arn: letter.target_arn,
            error_code: letter.error_code,
            error_message: letter.error_message,
            exhausted_retry_condition: letter.exhausted_retry_condition.map(ExhaustedRetryCondition::name),
            retry_attempts: letter.retry_attempts,
            event: envelope.map_err(|_| ServiceError::internal())?,
        })
    }
}

/// The answer's body.
pub(super) fn list(journal: &Journal, query: &str) -> Result<Vec<u8>, ServiceError> {
    let (mut limit, mut after) = (PAGE_LENGTH_MAX, None);
    for (key, value) in
        query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    {
        match key {
            "limit" => limit = parse_limit(value)?,
            "after" => after = Some(parse_after(value)?),
            _ => return Err(ServiceError::validation(format!("'{key}' is not known here; there are limit and after"))),
        }
    }
    let mut letters = journal.dead_letters(after, limit + 1).map_err(|_| ServiceError::internal())?;
    let has_more = letters.len() > limit;
    letters.truncate(limit);
    let next_after = letters.last().filter(|_| has_more).map(|(id, _)| id.to_string());
    let dead_letters =
        letters.into_iter().map(|(id, letter)| DeadLetterShape::new(id, letter)).collect::<Result<_, _>>()?;
    serde_json::to_vec(&DeadLettersAnswer { dead_letters, next_after }).map_err(|_| ServiceError::internal())
}

fn parse_limit(text: &str) -> Result<usize, ServiceError> {
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_LENGTH_MAX).contains(limit));
    limit.ok_or_else(|| {
        ServiceError::validation(format!("limit is '{text}'; write a number from 1 to {PAGE_LENGTH_MAX}"))
    })
}

fn parse_after(text: &str) -> Result<DeadLetterId, ServiceError> {
    DeadLetterId::parse(text)
        .ok_or_else(|| ServiceError::validation(format!("after is '{text}'; give the next_after of the page before")))
}
