//! The queue of a target: which delivery is tried next, and when. It decides and does nothing, so that it can be simulated.

use std::time::Duration;

use eventyard_core::circuit_breaker::{Passage, Transition};
use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::TargetHealth;
use eventyard_core::delivery_options::Order;
use eventyard_core::name::{EventNumber, TargetNumber};

use super::Settings;
use super::backlog::Backlog;
use super::gate::{Gate, Pass};
use super::ordered_backlog::OrderedBacklog;
use super::target_settings::TargetSettings;
use crate::journal::{Journal, JournalError, Pending};

/// What one target is owed, behind its gate.
#[derive(Debug)]
pub(super) struct Queue {
    target: TargetNumber,
    /// Deliveries read at a time.
    page_length: usize,
    /// Deliveries held where an order is kept.
    held_max: usize,
    settings: TargetSettings,
    backlog: AnyBacklog,
    gate: Gate,
}

/// What is kept of a queue while nothing is owed: how the target fared, and how far its backlog was read.
#[derive(Debug)]
pub(super) struct IdleQueue {
    settings: TargetSettings,
    gate: Gate,
    ready_read: Option<EventNumber>,
}

#[derive(Debug)]
enum AnyBacklog {
    Unordered(Backlog),
    Ordered(OrderedBacklog),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An attempt. It counts as under way until [`Queue::attempt_settled`].
    Attempt(Pending, Pass, Option<Transition>),
    /// Nothing before an attempt has ended and is settled.
    AfterAttempt,
    /// Nothing for so long.
    After(Duration),
    /// Nothing before the target is resumed; something is owed to it.
    Paused,
    /// Nothing as far as is known.
    Nothing,
}

impl Queue {
    /// The queue of `target`, of which nothing is known yet.
    pub(super) fn new(target: TargetNumber, settings: &Settings, of_target: TargetSettings, now: Timestamp) -> Self {
        let gate = Gate::new(&of_target, now);
        Self::resume(target, settings, IdleQueue { settings: of_target, gate, ready_read: None })
    }

    /// The queue of `target` as an earlier one left it.
    pub(super) fn resume(target: TargetNumber, settings: &Settings, idle: IdleQueue) -> Self {
        let (page_length, held_max) = (settings.read_ahead_per_target, settings.ordered_read_ahead_per_target);
        let IdleQueue { settings, gate, ready_read } = idle;
        let backlog = AnyBacklog::new(target, &settings.order, (page_length, held_max), ready_read);
        Self { target, page_length, held_max, settings, backlog, gate }
    }

    /// What is to be kept for the next queue of the target.
    pub(super) fn into_idle(self) -> IdleQueue {
        let ready_read = match &self.backlog {
            AnyBacklog::Unordered(backlog) => backlog.ready_read(),
            AnyBacklog::Ordered(backlog) => backlog.ready_read(),
        };
        IdleQueue { settings: self.settings, gate: self.gate, ready_read }
    }

    /// Whether the circuit breaker lets everything pass.
    pub(super) fn is_closed(&self) -> bool {
        self.gate.is_closed()
    }

    /// Takes the settings as they are now. A circuit breaker that is set anew is closed.
    pub(super) fn configure(&mut self, settings: TargetSettings, now: Timestamp) -> Option<Transition> {
        if settings == self.settings {
            return None;
        }
        let transition = self.gate.configure(&self.settings, &settings, now);
        let TargetSettings { order, .. } = std::mem::replace(&mut self.settings, settings);
        // What is under way was begun under the order there was; until it has ended, that one stays.
        let keeps_order = order != self.settings.order && self.backlog.under_way() > 0;
        if keeps_order {
            self.settings.order = order;
        } else if order != self.settings.order {
            let lengths = (self.page_length, self.held_max);
            // What was read and not tried is read again.
            self.backlog = AnyBacklog::new(self.target, &self.settings.order, lengths, None);
        }
        transition
    }

    /// What is to be done at `now` under `settings`. What a target that is gone is owed ends without an attempt, so nothing
    /// waits for it.
    pub(super) fn next(
        &mut self,
        journal: &Journal,
        settings: &TargetSettings,
        now: Timestamp,
        is_gone: bool,
    ) -> Result<Next, JournalError> {
        if settings.order != self.settings.order {
            return Ok(Next::AfterAttempt);
        }
        if self.settings.is_paused && !is_gone {
            return Ok(if journal.is_owed(self.target)? { Next::Paused } else { Next::Nothing });
        }
        let pass = match self.gate.passage(now) {
            _ if is_gone => Pass::Any,
            Passage::Free => self.gate.free(),
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
        let health = match (&self.settings.order, health) {
            // What is said to one group says little of the others, so it is a failure among others.
            (Order::ByPath(_), TargetHealth::Throttled(_) | TargetHealth::Busy(_)) => TargetHealth::Failing,
            (_, health) => health,
        };
        self.gate.ended(pass, health, now, random)
    }

    /// Tells that an attempt is settled, and with which retry, if any, that is now in the journal.
    pub(super) fn attempt_settled(&mut self, event: EventNumber, retry: Option<Pending>) {
        match &mut self.backlog {
            AnyBacklog::Unordered(backlog) => backlog.attempt_settled(event, retry),
            AnyBacklog::Ordered(backlog) => backlog.attempt_settled(event, retry),
        }
    }
}

impl AnyBacklog {
    fn new(
        target: TargetNumber,
        order: &Order,
        (page_length, held_max): (usize, usize),
        ready_read: Option<EventNumber>,
    ) -> Self {
        if order.is_kept() {
            Self::Ordered(OrderedBacklog::new(target, order.clone(), held_max, ready_read))
        } else {
            Self::Unordered(Backlog::new(target, page_length, ready_read))
        }
    }

    fn next(&mut self, journal: &Journal, now: Timestamp, new_first: bool) -> Result<Option<Pending>, JournalError> {
        match self {
            Self::Unordered(backlog) => backlog.next(journal, now, new_first),
            Self::Ordered(backlog) => backlog.next(journal, now, new_first),
        }
    }

    fn next_due(&self, journal: &Journal) -> Result<Option<Timestamp>, JournalError> {
        match self {
            Self::Unordered(backlog) => backlog.next_due(journal),
            Self::Ordered(backlog) => Ok(backlog.next_due()),
        }
    }

    fn under_way(&self) -> usize {
        match self {
            Self::Unordered(backlog) => backlog.under_way(),
            Self::Ordered(backlog) => backlog.under_way(),
        }
    }
}

#[cfg(test)]
mod tests {
    use eventyard_core::circuit_breaker::CircuitBreakerSettings;
    use std::sync::Arc;

    use eventyard_core::delivery_options::DeliveryOptions;
    use eventyard_core::input::JsonPath;
    use eventyard_core::retry::{Backoff, RetryPolicy};

    use super::*;
    use crate::engine::testing::TestEngine;

    const SECOND: Duration = Duration::from_secs(1);

    fn settings() -> Settings {
        let backoff = Backoff { base: SECOND, max: SECOND };
        Settings {
            concurrency_per_target: 1,
            concurrency_max: 1,
            read_ahead_per_target: 1,
            ordered_read_ahead_per_target: 1,
            attempts_per_second_per_target: None,
            circuit_breaker: CircuitBreakerSettings { failures_to_open: Some(2), open: backoff },
            backoff,
            retry_policy: RetryPolicy::default(),
        }
    }

    #[tokio::test]
    async fn a_target_that_asks_for_less_is_left_alone_and_one_of_its_groups_leaves_the_others() {
        let (settings, now) = (settings(), Timestamp::EPOCH);
        let test_engine = TestEngine::new();
        let path = Arc::new(JsonPath::parse("$.key").unwrap());
        let passage = |order: Order, health| {
            let of_target = settings.with(&DeliveryOptions::default(), order);
            let mut queue = Queue::new(TargetNumber(1), &settings, of_target.clone(), now);
            assert_eq!(queue.attempt_ended(Pass::Any, health, now, 0), None, "the circuit breaker is not opened");
            queue.next(&test_engine.journal, &of_target, now, false).unwrap()
        };
        let asked = TargetHealth::Throttled(Some(now.saturating_add(SECOND)));
        let by_path = || Order::ByPath(Arc::clone(&path));
        assert_eq!(passage(Order::None, asked), Next::After(SECOND));
        assert_eq!(passage(Order::OneGroup, asked), Next::After(SECOND));
        assert_eq!(passage(by_path(), asked), Next::Nothing, "anything that there is could pass");
        assert_eq!(passage(by_path(), TargetHealth::Busy(now.saturating_add(SECOND))), Next::Nothing);
    }

    #[test]
    fn no_more_attempts_begin_in_a_second_than_the_tag_says() {
        let (settings, now) = (settings(), Timestamp::EPOCH);
        let options = DeliveryOptions { attempts_per_second: Some(2), ..DeliveryOptions::default() };
        let mut queue = Queue::new(TargetNumber(1), &settings, settings.with(&options, Order::None), now);
        for _ in 0..2 {
            assert_eq!(queue.gate.passage(now), Passage::Free);
            queue.gate.passed(Pass::Any);
        }
        assert_eq!(queue.gate.passage(now), Passage::After(SECOND / 2));
        queue.configure(settings.with(&DeliveryOptions::default(), Order::None), now);
        assert_eq!(queue.gate.passage(now), Passage::Free, "the tag is gone");
    }

    #[test]
    fn how_a_target_fared_outlives_the_time_in_which_nothing_is_owed() {
        let (settings, now) = (settings(), Timestamp::EPOCH);
        let of_target = settings.with(&DeliveryOptions::default(), Order::None);
        let idle = |queue: Queue| Queue::resume(TargetNumber(1), &settings, queue.into_idle());
        let mut queue = idle(Queue::new(TargetNumber(1), &settings, of_target.clone(), now));
        let failed = |queue: &mut Queue| queue.attempt_ended(Pass::Any, TargetHealth::Failing, now, 0);
        assert_eq!(failed(&mut queue), None);
        let mut queue = idle(queue);
        assert!(matches!(failed(&mut queue), Some(Transition::Opened(_))), "the second in a row");
        let mut queue = idle(queue);
        assert!(!queue.is_closed());
        assert_eq!(failed(&mut queue), None, "it is told once");
        // Settings that changed meanwhile take effect, and close it.
        let other = CircuitBreakerSettings { failures_to_open: None, ..of_target.circuit_breaker };
        let transition = queue.configure(TargetSettings { circuit_breaker: other, ..of_target }, now);
        assert_eq!(transition, Some(Transition::Closed));
    }
}
