//! A worker: delivers what one target is owed.

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::name::{EventNumber, TargetNumber};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::attempt::Attempts;
use super::backlog::Backlog;
use crate::journal::{JournalError, Pending, Place, Settlement};
use crate::runtime::StopSignal;
use crate::telemetry::DeliveryStuck;

/// How long a worker without work waits for news before it ends.
const IDLE: Duration = Duration::from_secs(10);
/// Longest sleep until a retry is due. The wall clock, which says when that is, may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(30);
/// How often a worker that found the disk full looks again.
const FULL: Duration = Duration::from_millis(500);

/// One target's worker.
pub(super) struct Worker {
    target: TargetNumber,
    attempts: Arc<Attempts>,
    /// Rung by the dispatcher when there is news for this target.
    news: Arc<Notify>,
    /// Bounds the attempts of all workers together.
    all_attempts: Arc<Semaphore>,
    backlog: Backlog,
    under_way: JoinSet<Ended>,
    stop: StopSignal,
}

/// An attempt that ended: of which event, and with which retry, if any.
type Ended = (EventNumber, Option<Pending>);

/// What a worker waits for.
enum WaitsFor {
    /// It has all the attempts under way that it may have.
    Attempts,
    /// Nothing can be tried now; a retry may be due after this long.
    Work(Option<Duration>),
    /// The disk has no room to write what becomes of deliveries.
    Room,
}

impl Worker {
    pub(super) fn new(
        target: TargetNumber,
        read: Option<EventNumber>,
        attempts: Arc<Attempts>,
        news: Arc<Notify>,
        all_attempts: Arc<Semaphore>,
        stop: StopSignal,
    ) -> Self {
        let backlog = Backlog::new(target, attempts.settings.read_ahead_per_target, read);
        Self { target, attempts, news, all_attempts, backlog, under_way: JoinSet::new(), stop }
    }

    /// Works until the target has long been owed nothing, or `stop`; attempts under way are ended first. Answers how far the
    /// backlog was read.
    pub(super) async fn run(mut self) -> (TargetNumber, Option<EventNumber>) {
        while !self.stop.is_stopped() {
            let waits_for = match self.start_attempts() {
                Ok(waits) => waits,
                Err(error) => {
                    self.report_stuck(EventNumber(0), &error);
                    WaitsFor::Work(Some(IDLE))
                }
            };
            if !self.wait(waits_for).await {
                break;
            }
        }
        while self.under_way.join_next().await.is_some() {}
        (self.target, self.backlog.ready_read())
    }

    /// Starts attempts until there is a reason to wait.
    fn start_attempts(&mut self) -> Result<WaitsFor, JournalError> {
        let journal = self.attempts.journal.clone();
        if journal.check_room().is_err() {
            return Ok(WaitsFor::Room);
        }
        while self.under_way.len() < self.attempts.settings.concurrency_per_target {
            let now = self.due_before();
            let Some(pending) = self.backlog.next(&journal, now)? else {
                let due = self.backlog.next_due(&journal)?;
                return Ok(WaitsFor::Work(due.map(|due| due.saturating_since(now))));
            };
            self.start(pending);
        }
        Ok(WaitsFor::Attempts)
    }

    /// Retries due at this time or before can be tried. For a target that is gone that is all of them: waiting would only
    /// put off their end.
    fn due_before(&self) -> Timestamp {
        match self.attempts.engine.target(self.target) {
            Some(_) => self.attempts.clock.now(),
            None => Timestamp::EPOCH.saturating_add(Duration::MAX),
        }
    }

    fn start(&mut self, pending: Pending) {
        let (attempts, all_attempts) = (Arc::clone(&self.attempts), Arc::clone(&self.all_attempts));
        self.under_way.spawn(async move {
            // The semaphore is never closed; without its permit the attempt would only be one too many.
            let _permit = all_attempts.acquire_owned().await.ok();
            let retry = match attempts.tasks.guard("attempt", attempts.make(&pending)).await {
                Some(Ok(settlement)) => settle(&attempts, pending, settlement).await,
                // A bug, which is reported; the event is not to pay for it.
                None => settle(&attempts, pending, attempts.retry_after_bug(&pending)).await,
                Some(Err(error)) => {
                    attempts
                        .telemetry
                        .record(&DeliveryStuck { event_number: pending.delivery.event.0, reason: &error.to_string() });
                    None
                }
            };
            (pending.delivery.event, retry)
        });
    }

    /// Waits for what is waited for; false when the worker has nothing more to do.
    async fn wait(&mut self, waits_for: WaitsFor) -> bool {
        let (sleep, may_end) = match waits_for {
            WaitsFor::Attempts => (None, false),
            WaitsFor::Work(Some(due)) => (Some(due.clamp(Duration::from_millis(1), SLEEP_MAX)), false),
            WaitsFor::Work(None) => (Some(IDLE), self.under_way.is_empty()),
            WaitsFor::Room => (Some(FULL), false),
        };
        let asleep = async {
            match sleep {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(ended) = self.under_way.join_next() => {
                // Panics are caught inside, and nothing aborts an attempt.
                if let Ok((event, retry)) = ended {
                    self.backlog.attempt_ended(event, retry);
                }
                true
            }
            () = self.news.notified() => true,
            () = self.stop.stopped() => true,
            () = asleep => !may_end,
        }
    }

    fn report_stuck(&self, event: EventNumber, error: &JournalError) {
        self.attempts.telemetry.record(&DeliveryStuck { event_number: event.0, reason: &error.to_string() });
    }
}

/// Writes what became of a delivery; answers the retry if there is one.
async fn settle(attempts: &Attempts, pending: Pending, settlement: Settlement) -> Option<Pending> {
    let retry = match &settlement {
        Settlement::RetryAt(due) => {
            let mut delivery = pending.delivery;
            delivery.attempts += 1;
            Some(Pending { delivery, place: Place::Later(*due) })
        }
        Settlement::Delivered | Settlement::Dead(_) => None,
    };
    // When the journal is closed the delivery stays owed, and the next start finds it.
    attempts.journal.settle(pending, settlement).await.ok().and(retry)
}
