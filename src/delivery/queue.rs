//! The queue of a target: which delivery is tried next, and when. It decides and does nothing, so that it can be simulated.

use std::time::Duration;

use eventyard_core::circuit_breaker::{Passage, Transition};
use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::TargetHealth;
use eventyard_core::name::{EventNumber, TargetNumber};

use super::Settings;
use super::backlog::Backlog;
use super::gate::{Gate, Pass};
use crate::journal::{Journal, JournalError, Pending};

/// What one target is owed, behind its gate.
#[derive(Debug)]
pub(super) struct Queue {
    backlog: Backlog,
    gate: Gate,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An attempt. It counts as under way until [`Queue::attempt_settled`].
    Attempt(Pending, Pass, Option<Transition>),
    /// Nothing before an attempt has ended.
    AfterAttempt,
    /// Nothing for so long.
    After(Duration),
    /// Nothing as far as is known.
    Nothing,
}

impl Queue {
    /// The queue of `target` behind `ready_read`, the last event that a worker before this one has read.
    pub(super) fn new(
        target: TargetNumber,
        settings: &Settings,
        ready_read: Option<EventNumber>,
        now: Timestamp,
    ) -> Self {
        let backlog = Backlog::new(target, settings.read_ahead_per_target, ready_read);
        Self { backlog, gate: Gate::new(settings, now) }
    }

    /// What is to be done at `now`. What a target that is gone is owed ends without an attempt, so nothing waits for it.
    pub(super) fn next(&mut self, journal: &Journal, now: Timestamp, is_gone: bool) -> Result<Next, JournalError> {
        let pass = match self.gate.passage(now) {
            _ if is_gone => Pass::Any,
            Passage::Free => Pass::Any,
            Passage::Probe => self.gate.probe(),
            Passage::AfterProbe => return Ok(Next::AfterAttempt),
            Passage::After(wait) => return Ok(Next::After(wait)),
        };
        let due_before = if is_gone { Timestamp::EPOCH.saturating_add(Duration::MAX) } else { now };
        let new_first = pass == Pass::Probe { new_first: true };
        if let Some(pending) = self.backlog.next(journal, due_before, new_first)? {
            return Ok(Next::Attempt(pending, pass, self.gate.passed(pass)));
        }
        let due = self.backlog.next_due(journal)?;
        Ok(due.map_or(Next::Nothing, |due| Next::After(due.saturating_since(now))))
    }

    /// Deliveries whose attempt is under way or not settled yet.
    pub(super) fn under_way(&self) -> usize {
        self.backlog.under_way()
    }

    /// Tells how an attempt ended.
    pub(super) fn attempt_ended(
        &mut self,
        pass: Pass,
        health: TargetHealth,
        now: Timestamp,
        random: u64,
    ) -> Option<Transition> {
        self.gate.ended(pass, health, now, random)
    }

    /// Tells that an attempt is settled, and with which retry, if any, that is now in the journal.
    pub(super) fn attempt_settled(&mut self, event: EventNumber, retry: Option<Pending>) {
        self.backlog.attempt_settled(event, retry);
    }

    /// How far the new deliveries were read.
    pub(super) fn ready_read(&self) -> Option<EventNumber> {
        self.backlog.ready_read()
    }
}
