//! What a worker does next: begin an attempt, or wait, and for what. It decides and does nothing, so that it can be simulated.

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::circuit_breaker::Transition;
use eventyard_core::clock::Timestamp;

use super::gate::Pass;
use super::queue::{Next, Queue};
use super::slots::{Slot, Slots};
use super::target_settings::TargetSettings;
use crate::journal::{Journal, JournalError, Pending};

/// How long a worker without work waits for news before it ends.
pub(super) const IDLE: Duration = Duration::from_secs(10);
/// Longest sleep until a retry is due. The wall clock, which says when that is, may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(30);
/// How often a worker that found the disk full looks again.
const FULL: Duration = Duration::from_millis(500);
/// How often a worker with more than its share of the slots looks whether that has grown.
pub(super) const SHARE_PERIOD: Duration = Duration::from_millis(100);

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Turn {
    /// It begins an attempt, which holds a slot until it ends.
    Begin(Pending, Pass, Slot, Option<Transition>),
    /// It waits.
    Wait(WaitsFor),
}

/// What a worker waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// It has all the attempts under way that it may have.
    Attempts,
    /// Others need the slots that are left.
    Share,
    /// Its target is paused, and owed something.
    Resumption,
    /// Nothing can be tried now; a retry may be due after this long.
    Work(Option<Duration>),
    /// The disk has no room to write what becomes of deliveries.
    Room,
}

impl WaitsFor {
    /// How long it waits at most, when it does not wait for one of its attempts.
    pub(super) fn sleep(self) -> Option<Duration> {
        match self {
            Self::Attempts => None,
            Self::Share => Some(SHARE_PERIOD),
            Self::Resumption => Some(SLEEP_MAX),
            Self::Work(Some(due)) => Some(due.clamp(Duration::from_millis(1), SLEEP_MAX)),
            Self::Work(None) => Some(IDLE),
            Self::Room => Some(FULL),
        }
    }

    /// Whether a worker that has waited so long in vain ends, when nothing of its own is under way.
    pub(super) fn may_end(self) -> bool {
        self == Self::Work(None)
    }
}

/// The bounds on attempts under way that do not come from the target.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// What the attempts of all workers share.
    pub(super) slots: Arc<Slots>,
    /// Deliveries of one target whose attempt is under way or not settled yet.
    pub(super) unsettled_max: usize,
}

impl Bounds {
    /// What the worker of `queue` does next, which has `held` slots already.
    pub(super) fn turn(
        &self,
        queue: &mut Queue,
        held: usize,
        journal: &Journal,
        settings: &TargetSettings,
        (now, is_gone): (Timestamp, bool),
    ) -> Result<Turn, JournalError> {
        // An attempt that ended has given back its slot, but until it is settled it would be made again after a crash, so
        // there is a bound for those, too.
        let has_settled = queue.under_way() < self.unsettled_max.max(settings.concurrency);
        if held >= settings.concurrency || !has_settled {
            return Ok(Turn::Wait(WaitsFor::Attempts));
        }
        let Some(slot) = self.slots.take(held) else { return Ok(Turn::Wait(WaitsFor::Share)) };
        Ok(Turn::Wait(match queue.next(journal, settings, now, is_gone)? {
            Next::Attempt(pending, pass, transition) => return Ok(Turn::Begin(pending, pass, slot, transition)),
            Next::AfterAttempt => WaitsFor::Attempts,
            Next::After(wait) => WaitsFor::Work(Some(wait)),
            Next::Paused => WaitsFor::Resumption,
            Next::Nothing => WaitsFor::Work(None),
        }))
    }
}
