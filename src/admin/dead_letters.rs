//! The dead letters: what died and why, oldest first; sending it again, and deleting it.
//!
//! Each request does a part that is bounded, and says where to go on. So there is no work in the background that somebody
//! would have to watch or that a restart would end: a caller who wants all of it asks until nothing is left, at its own rate.

use std::sync::Arc;

use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::{DeadLetter, DeadLetterFilter};
use eventyard_core::error::ServiceError;
use eventyard_core::limits::PAGE_LENGTH_MAX;
use eventyard_core::retry::ExhaustedRetryCondition;
use serde::Serialize;
use serde_json::value::RawValue;

use super::query::Query;
use crate::engine::{DeadLettersFound, Engine};
use crate::journal::{DeadLetterId, StoredDeadLetter};

const FILTERS: &str = "limit, after, rule, target, code, since and until";

#[derive(Serialize)]
struct DeadLettersAnswer {
    dead_letters: Vec<ListedShape>,
    /// Give it as `after` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ListedShape {
    Whole(Box<DeadLetterShape>),
    Damaged { id: String, damaged: String },
}

/// What became of the dead letters of one part.
#[derive(Serialize)]
struct RedriveAnswer {
    redriven: usize,
    without_target: usize,
    without_event: usize,
    dry_run: bool,
    /// Give it as `after` to go on; absent when nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

#[derive(Serialize)]
struct PurgeAnswer {
    purged: usize,
    dry_run: bool,
    /// Give it as `after` to go on; absent when nothing is left.
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

/// Which dead letters a request is about.
struct Asked {
    filter: DeadLetterFilter,
    after: Option<DeadLetterId>,
    limit: usize,
}

impl Asked {
    fn take(query: &mut Query) -> Result<Self, ServiceError> {
        let limit = |text: &str| text.parse().ok().filter(|limit| (1..=PAGE_LENGTH_MAX).contains(limit));
        let time = "write a time such as 2026-01-02T03:04:05Z";
        Ok(Self {
            limit: query
                .take_as("limit", &format!("write a number from 1 to {PAGE_LENGTH_MAX}"), limit)?
                .unwrap_or(PAGE_LENGTH_MAX),
            after: query.take_as("after", "give the next_after of the page before", DeadLetterId::parse)?,
            filter: DeadLetterFilter {
                rule: query.take("rule"),
                target_id: query.take("target"),
                error_code: query.take("code"),
                since: query.take_as("since", time, Timestamp::parse_rfc3339)?,
                until: query.take_as("until", time, Timestamp::parse_rfc3339)?,
            },
        })
    }

    /// What is to be changed must be named, be it by `all=true`.
    fn take_for_change(query: &mut Query) -> Result<(Self, bool), ServiceError> {
        let asked = Self::take(query)?;
        let flag = |text: &str| text.parse().ok();
        let all = query.take_as("all", "write true or false", flag)?.unwrap_or(false);
        let dry_run = query.take_as("dry_run", "write true or false", flag)?.unwrap_or(false);
        if asked.filter.is_everything() && !all {
            return Err(ServiceError::validation(
                "name the dead letters by rule, target, code, since or until, or write all=true",
            ));
        }
        Ok((asked, dry_run))
    }

    async fn find(self, engine: &Arc<Engine>) -> Result<DeadLettersFound, ServiceError> {
        let engine = Arc::clone(engine);
        let search = move || engine.dead_letters(&self.filter, self.after, self.limit);
        tokio::task::spawn_blocking(search).await.map_err(|_| ServiceError::internal())?
    }
}

/// `GET /dead-letters`.
pub(super) async fn list(engine: &Arc<Engine>, mut query: Query) -> Result<Vec<u8>, ServiceError> {
    let asked = Asked::take(&mut query)?;
    query.end(FILTERS)?;
    let found = asked.find(engine).await?;
    let listed = found.letters.into_iter().map(|(id, letter)| match letter {
        Ok(letter) => DeadLetterShape::new(id, letter).map(|shape| ListedShape::Whole(Box::new(shape))),
        Err(error) => Ok(ListedShape::Damaged { id: id.to_string(), damaged: error.to_string() }),
    });
    let dead_letters = listed.collect::<Result<_, _>>()?;
    encode(&DeadLettersAnswer { dead_letters, next_after: found.next_after.map(|id| id.to_string()) })
}

/// `GET /dead-letters/ID`.
pub(super) async fn show(engine: &Arc<Engine>, id: &str) -> Result<Vec<u8>, ServiceError> {
    let (id, letter) = read(engine, id).await?;
    encode(&DeadLetterShape::new(id, letter)?)
}

/// `POST /dead-letters/redrive`.
pub(super) async fn redrive(engine: &Arc<Engine>, mut query: Query) -> Result<Vec<u8>, ServiceError> {
    let (asked, dry_run) = Asked::take_for_change(&mut query)?;
    query.end(&format!("{FILTERS}, all and dry_run"))?;
    let found = asked.find(engine).await?;
    send_again(engine, &found.letters, found.next_after, dry_run).await
}

/// `POST /dead-letters/ID/redrive`.
pub(super) async fn redrive_one(engine: &Arc<Engine>, id: &str) -> Result<Vec<u8>, ServiceError> {
    let (id, letter) = read(engine, id).await?;
    send_again(engine, &[(id, Ok(letter))], None, false).await
}

async fn send_again(
    engine: &Engine,
    letters: &[StoredDeadLetter],
    next_after: Option<DeadLetterId>,
    dry_run: bool,
) -> Result<Vec<u8>, ServiceError> {
    let redriven = engine.redrive(letters, dry_run).await?;
    encode(&RedriveAnswer {
        redriven: redriven.redriven,
        without_target: redriven.without_target,
        without_event: redriven.without_event,
        dry_run,
        next_after: next_after.map(|id| id.to_string()),
    })
}

/// `POST /dead-letters/purge`.
pub(super) async fn purge(engine: &Arc<Engine>, mut query: Query) -> Result<Vec<u8>, ServiceError> {
    let (asked, dry_run) = Asked::take_for_change(&mut query)?;
    query.end(&format!("{FILTERS}, all and dry_run"))?;
    let found = asked.find(engine).await?;
    if !dry_run && !found.letters.is_empty() {
        engine.purge_dead_letters(&found.letters).await?;
    }
    let next_after = found.next_after.map(|id| id.to_string());
    encode(&PurgeAnswer { purged: found.letters.len(), dry_run, next_after })
}

async fn read(engine: &Arc<Engine>, id: &str) -> Result<(DeadLetterId, DeadLetter), ServiceError> {
    let missing = || ServiceError::not_found(format!("There is no dead letter {id}."));
    let parsed = DeadLetterId::parse(id).ok_or_else(missing)?;
    let reader = Arc::clone(engine);
    let read = tokio::task::spawn_blocking(move || reader.dead_letter(parsed)).await;
    let letter = read.map_err(|_| ServiceError::internal())??;
    Ok((parsed, letter.ok_or_else(missing)?))
}

fn encode(answer: &impl Serialize) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(answer).map_err(|_| ServiceError::internal())
}
