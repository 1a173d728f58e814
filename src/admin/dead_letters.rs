//! The dead letters: what died and why, oldest first; sending it again, and deleting it.
//!
//! A listing or a purge does a part that is bounded, and says where to go on. Sending again takes its time, and is a job of its
//! own (`redrive`).

use std::sync::Arc;

use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::{DeadLetter, DeadLetterFilter};
use eventyard_core::error::ServiceError;
use eventyard_core::limits::PAGE_LENGTH_MAX;
use eventyard_core::retry::ExhaustedRetryCondition;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Readiness;
use super::query::Query;
use super::redrive::{RATE_DEFAULT, RATE_MAX, Redrives, survey};
use crate::engine::{DeadLettersFound, Engine, Redriven};
use crate::journal::DeadLetterId;

const FILTERS: &str = "rule, target, code, since, until";
const PAGES: &str = "limit, after";

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

/// What became, or would become, of dead letters that are sent again.
#[derive(Serialize)]
struct RedriveAnswer {
    total: usize,
    redriven: usize,
    without_target: usize,
    without_event: usize,
    dry_run: bool,
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
fn take_filter(query: &mut Query) -> Result<DeadLetterFilter, ServiceError> {
    let time = "write a time such as 2026-01-02T03:04:05Z";
    Ok(DeadLetterFilter {
        rule: query.take("rule"),
        target_id: query.take("target"),
        error_code: query.take("code"),
        since: query.take_as("since", time, Timestamp::parse_rfc3339)?,
        until: query.take_as("until", time, Timestamp::parse_rfc3339)?,
    })
}

/// The same where they are changed: then they must be named, be it by `all=true`. And whether that is only tried out.
fn take_filter_for_change(query: &mut Query) -> Result<(DeadLetterFilter, bool), ServiceError> {
    let filter = take_filter(query)?;
    let flag = |text: &str| text.parse().ok();
    let all = query.take_as("all", "write true or false", flag)?.unwrap_or(false);
    let dry_run = query.take_as("dry_run", "write true or false", flag)?.unwrap_or(false);
    if filter.is_everything() && !all {
        return Err(ServiceError::validation(
            "name the dead letters by rule, target, code, since or until, or write all=true",
        ));
    }
    Ok((filter, dry_run))
}

/// Which part of them: behind which, and how many at most.
fn take_page(query: &mut Query) -> Result<(Option<DeadLetterId>, usize), ServiceError> {
    let limit = |text: &str| text.parse().ok().filter(|limit| (1..=PAGE_LENGTH_MAX).contains(limit));
    let limit = query.take_as("limit", &format!("write a number from 1 to {PAGE_LENGTH_MAX}"), limit)?;
    let after = query.take_as("after", "give the next_after of the page before", DeadLetterId::parse)?;
    Ok((after, limit.unwrap_or(PAGE_LENGTH_MAX)))
}

/// Searches behind `after` for at most `limit`, on a thread that may block.
pub(super) async fn find(
    engine: &Arc<Engine>,
    filter: DeadLetterFilter,
    after: Option<DeadLetterId>,
    limit: usize,
) -> Result<DeadLettersFound, ServiceError> {
    let engine = Arc::clone(engine);
    let search = move || engine.dead_letters(&filter, after, limit);
    tokio::task::spawn_blocking(search).await.map_err(|_| ServiceError::internal())?
}

/// `GET /dead-letters`.
pub(super) async fn list(engine: &Arc<Engine>, mut query: Query) -> Result<Vec<u8>, ServiceError> {
    let filter = take_filter(&mut query)?;
    let (after, limit) = take_page(&mut query)?;
    query.end(&format!("{FILTERS}, {PAGES}"))?;
    let found = find(engine, filter, after, limit).await?;
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
pub(super) async fn redrive(
    engine: &Arc<Engine>,
    (redrives, readiness): (&Redrives, &Readiness),
    mut query: Query,
) -> Result<Vec<u8>, ServiceError> {
    let (filter, dry_run) = take_filter_for_change(&mut query)?;
    let rate = |text: &str| text.parse().ok().filter(|rate| *rate <= RATE_MAX);
    let rate = query.take_as("rate", &format!("write a number from 0 to {RATE_MAX}"), rate)?.unwrap_or(RATE_DEFAULT);
    query.end(&format!("{FILTERS}, all, dry_run and rate"))?;
    if dry_run {
        return encode_redriven(survey(engine, &filter).await?, true);
    }
    redrives.start(engine, readiness, filter, rate)
}

/// `POST /dead-letters/ID/redrive`.
pub(super) async fn redrive_one(engine: &Arc<Engine>, id: &str) -> Result<Vec<u8>, ServiceError> {
    let (id, letter) = read(engine, id).await?;
    encode_redriven(engine.redrive(&[(id, Ok(letter))], false).await?, false)
}

fn encode_redriven(redriven: Redriven, dry_run: bool) -> Result<Vec<u8>, ServiceError> {
    let total = redriven.total();
    let Redriven { redriven, without_target, without_event } = redriven;
    encode(&RedriveAnswer { total, redriven, without_target, without_event, dry_run })
}

/// `POST /dead-letters/purge`.
pub(super) async fn purge(engine: &Arc<Engine>, mut query: Query) -> Result<Vec<u8>, ServiceError> {
    let (filter, dry_run) = take_filter_for_change(&mut query)?;
    let (after, limit) = take_page(&mut query)?;
    query.end(&format!("{FILTERS}, {PAGES}, all and dry_run"))?;
    let found = find(engine, filter, after, limit).await?;
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

pub(super) fn encode(answer: &impl Serialize) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(answer).map_err(|_| ServiceError::internal())
}
