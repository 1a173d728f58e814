//! `POST /reset`: an ephemeral daemon as if it had just been started, for people's own test suites.

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::error::ServiceError;
use hyper::StatusCode;
use serde::Serialize;
use tokio::time::Instant;

use super::{JSON, failure};
use crate::engine::Engine;
use crate::http::{Answer, answer};
use crate::journal::{DeadLetterPage, Journal, JournalError};
use crate::telemetry::{RequestFailed, Reset, Telemetry};

/// How long it waits for deliveries to end: an attempt that is under way may take longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(1);
/// Dead letters deleted in one write.
const BATCH: usize = 1_000;

#[derive(Serialize)]
struct ResetAnswer {
    /// Deliveries whose attempt was under way and has not ended yet.
    deliveries_pending: u64,
}

/// Takes everything away: resources first, then what their targets were owed, then the dead letters.
pub(super) async fn reset(engine: &Arc<Engine>, journal: &Journal, telemetry: &Telemetry) -> Answer {
    let resources = Arc::clone(engine);
    match tokio::task::spawn_blocking(move || resources.reset()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return failure(&error),
        Err(_) => return failure(&ServiceError::internal()),
    }
    let end = Instant::now() + PATIENCE;
    while journal.owed() > 0 && Instant::now() < end {
        tokio::time::sleep(LOOK).await;
    }
    if let Err(error) = forget(journal).await {
        telemetry.record(&RequestFailed { reason: &error });
        return failure(&ServiceError::internal());
    }
    telemetry.record(&Reset);
    let body = ResetAnswer { deliveries_pending: journal.owed() };
    answer(StatusCode::OK, JSON, serde_json::to_vec(&body).unwrap_or_default())
}

/// Forgets the dead letters, and by what events are known: what is put from now on is new.
async fn forget(journal: &Journal) -> Result<(), JournalError> {
    journal.trim_history(Timestamp::EPOCH.saturating_add(Duration::MAX)).await?;
    let page = DeadLetterPage { after: None, since: None, until: None, limit: BATCH };
    loop {
        let ids = journal.dead_letter_ids(&page)?;
        if ids.is_empty() {
            return Ok(());
        }
        journal.forget_dead_letters(ids).await?;
    }
}
