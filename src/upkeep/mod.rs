//! Upkeep: what has to be done now and then, and waits for nobody.

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::{Clock, Timestamp};

use crate::journal::{Journal, JournalError};
use crate::runtime::StopSignal;
use crate::telemetry::{DeadLettersExpired, Telemetry, Warned};

/// How often it is done.
const PERIOD: Duration = Duration::from_secs(60);
/// Dead letters deleted in one write.
const BATCH: usize = 1_000;

/// Deletes dead letters that are older than their retention.
#[derive(Debug)]
pub struct Upkeep {
    /// Where they are.
    pub journal: Journal,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How long dead letters are kept.
    pub dead_letter_retention: Duration,
    /// Whom to tell.
    pub telemetry: Arc<Telemetry>,
}

impl Upkeep {
    /// Works until `stop`.
    pub async fn run(self, stop: StopSignal) {
        let mut period = tokio::time::interval(PERIOD);
        loop {
            tokio::select! {
                () = stop.stopped() => return,
                _ = period.tick() => {}
            }
            match self.forget_dead_letters().await {
                Ok(0) => {}
                Ok(count) => self.telemetry.record(&DeadLettersExpired { count }),
                Err(error) => {
                    self.telemetry.record(&Warned { message: &format!("upkeep of the dead letters failed: {error}") });
                }
            }
        }
    }

    async fn forget_dead_letters(&self) -> Result<u64, JournalError> {
        let age = i64::try_from(self.dead_letter_retention.as_millis()).unwrap_or(i64::MAX);
        let before =
            Timestamp::from_millis(self.clock.now().as_millis().saturating_sub(age)).unwrap_or(Timestamp::EPOCH);
        let mut count = 0;
        loop {
            let forgotten = self.journal.forget_dead_letters(before, BATCH).await?;
            count += forgotten as u64;
            if forgotten < BATCH {
                return Ok(count);
            }
        }
    }
}
