//! What a run must have met: one that met none of it has shown nothing.

use std::collections::BTreeMap;

/// Something that a run sometimes meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// kill -9 with acknowledged events on their way.
    KilledWhileOwing,
    /// kill -9 before it was ready.
    KilledWhileStarting,
    /// kill -9 of a daemon that SIGSTOP held.
    KilledWhileStopped,
    /// SIGSTOP and SIGCONT with acknowledged events on their way.
    ContinuedWhileOwing,
    /// SIGTERM with acknowledged events on their way.
    RestartedWhileOwing,
    /// A delivery failed before a restart and was tried again after it.
    RetriedAfterRestart,
    /// A target took an event twice.
    DeliveredTwice,
    /// A target took an event that it had put off with Retry-After.
    TakenAfterRetryAfter,
    /// A circuit breaker let a probe through.
    BreakerHalfOpen,
    /// A circuit breaker closed again.
    BreakerClosed,
    /// A target refused an event for good while another one failed.
    RefusedWhileAnotherFailed,
    /// A delivery died because its retries were used up.
    RetriesExhausted,
    /// A dead letter was copied to its target's queue.
    CopiedToQueue,
    /// A delivery died while the queue for copies of dead letters failed.
    DiedWhileQueueFailed,
    /// Dead letters were sent again.
    Redriven,
    /// A client sent events again because it got no answer, or a refusal.
    SentAgain,
    /// Schedules fired.
    Fired,
    /// Clients were refused because the disk was full.
    RefusedByFullDisk,
    /// The clock was set forward, past due times of schedules.
    ClockForward,
    /// The clock was set back.
    ClockBack,
    /// Events were put again under their Idempotency-Key after a kill, and answered with their first ids.
    AnsweredFirstIds,
    /// A paused target was sent nothing by a daemon that was started meanwhile, with something owed to it.
    KeptWhilePaused,
    /// A backup of a daemon under load had all that was owed, in another folder.
    BackedUpUnderLoad,
    /// An fsync under load failed with EIO, and the daemon ended.
    EndedByFailedSync,
    /// A write under load failed with ENOSPC in the middle of a record, and the daemon ended.
    EndedByFailedWrite,
    /// The power was lost under load, with all that had no fsync.
    LostPower,
    /// A call failed, or the power, before the daemon was up.
    FailedWhileStarting,
    /// Events arrived whose acceptance no client was told. Not every run meets it, for the moment is short.
    AcceptedWithoutAnswer,
    /// The daemon ended because it could not write. Not every run meets it.
    EndedByFullDisk,
}

impl Fact {
    /// What every run must meet.
    const ALWAYS: [Self; 20] = [
        Self::KilledWhileOwing,
        Self::KilledWhileStarting,
        Self::KilledWhileStopped,
        Self::ContinuedWhileOwing,
        Self::RestartedWhileOwing,
        Self::RetriedAfterRestart,
        Self::DeliveredTwice,
        Self::TakenAfterRetryAfter,
        Self::BreakerHalfOpen,
        Self::BreakerClosed,
        Self::RefusedWhileAnotherFailed,
        Self::RetriesExhausted,
        Self::CopiedToQueue,
        Self::DiedWhileQueueFailed,
        Self::Redriven,
        Self::SentAgain,
        Self::Fired,
        Self::AnsweredFirstIds,
        Self::KeptWhilePaused,
        Self::BackedUpUnderLoad,
    ];
    /// What can be met only where a C compiler is.
    const OF_FAILING_DISK: [Self; 4] =
        [Self::EndedByFailedSync, Self::EndedByFailedWrite, Self::LostPower, Self::FailedWhileStarting];
}

/// What a machine allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Has {
    /// A small disk to fill.
    pub(crate) disk: bool,
    /// A clock to move.
    pub(crate) clock: bool,
    /// A compiler of C.
    pub(crate) compiler: bool,
}

/// How often each was met.
#[derive(Debug, Default)]
pub(crate) struct Facts(BTreeMap<Fact, u32>);

impl Facts {
    pub(crate) fn meet(&mut self, fact: Fact) {
        *self.0.entry(fact).or_default() += 1;
    }

    pub(crate) fn meet_if(&mut self, is_met: bool, fact: Fact) {
        if is_met {
            self.meet(fact);
        }
    }

    /// What was never met, of what every run must meet and of what this machine allows.
    pub(crate) fn missing(&self, has: Has) -> Vec<Fact> {
        let disk = [Fact::RefusedByFullDisk].into_iter().filter(|_| has.disk);
        let clock = [Fact::ClockForward, Fact::ClockBack].into_iter().filter(|_| has.clock);
        let failing = Fact::OF_FAILING_DISK.into_iter().filter(|_| has.compiler);
        let all = Fact::ALWAYS.into_iter().chain(disk).chain(clock).chain(failing);
        all.filter(|fact| !self.0.contains_key(fact)).collect()
    }

    /// A line for each.
    pub(crate) fn table(&self) -> String {
        let lines: Vec<_> = self.0.iter().map(|(fact, count)| format!("  {count:>8} {fact:?}")).collect();
        lines.join("\n")
    }
}
