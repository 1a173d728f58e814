//! How attempts end in a simulation, and what is written of them.

use std::collections::BTreeSet;
use std::time::Duration;

use eventyard_core::circuit_breaker::Transition;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::{AttemptOutcome, Verdict};
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::TargetNumber;
use eventyard_core::retry::{ExhaustedRetryCondition, NextStep};

use super::Sometimes;
use super::drawn::draw;
use super::ledger::Key;
use super::worker::{Attempt, Settling};
use super::world::World;
use crate::delivery::Settings;
use crate::delivery::gate::Pass;
use crate::delivery::worker::retry;
use crate::journal::{DeadLetterCopy, DeadLetterPage, Owed, Pending, Settled, Settlement};

impl World {
    /// Ends the attempts of a target whose time has come.
    pub(super) fn end_attempts(&mut self, number: TargetNumber) {
        let elapsed = self.elapsed();
        let Some(worker) = self.workers.get_mut(&number) else { return };
        let (ended, under_way): (Vec<_>, _) =
            std::mem::take(&mut worker.under_way).into_iter().partition(|attempt| attempt.ends <= elapsed);
        worker.under_way = under_way;
        worker.has_news |= !ended.is_empty();
        for attempt in ended {
            self.end(number, &attempt);
        }
        self.start_settling(number);
    }

    fn end(&mut self, number: TargetNumber, attempt: &Attempt) {
        let Pending { delivery, .. } = attempt.pending;
        let event = self.journal.event(delivery.event).unwrap();
        let outcome = self.outcome(number, &event, attempt);
        let is_gone = self.targets[&number].is_gone;
        let Settings { retry_policy, backoff, .. } = self.settings;
        let (made, random) = (delivery.attempts + 1, self.random.next_u64());
        let is_last_allowed = made <= retry_policy.maximum_retry_attempts + 1;
        let is_too_old = outcome == AttemptOutcome::EventTooOld;
        assert!(is_last_allowed || is_too_old || is_gone, "attempt {made}");
        let health = outcome.health(self.now);
        let settlement = match retry_policy.next_step(&backoff, event.received, made, &outcome, self.now, random) {
            NextStep::Delivered => Settlement::Delivered,
            NextStep::RetryAt(time) => {
                assert!(time <= retry_policy.expiry(event.received));
                Settlement::RetryAt(time)
            }
            NextStep::DeadLetter(exhausted) => {
                assert_eq!(exhausted.is_none(), outcome.verdict() == Verdict::Permanent && !is_too_old, "{outcome:?}");
                self.give_up((number, delivery.event), event, &outcome, exhausted)
            }
        };
        let Some(worker) = self.workers.get_mut(&number) else { return };
        let transition = worker.queue.attempt_ended(attempt.pass, health, self.now, random);
        worker.unsettled.push(Settled { pending: attempt.pending, settlement, attempt: None });
        note(transition, &self.settings, &mut self.sometimes);
    }

    fn outcome(&mut self, number: TargetNumber, event: &Event, attempt: &Attempt) -> AttemptOutcome {
        let (target, at) = (&self.targets[&number], self.elapsed());
        if target.is_gone {
            self.sometimes.insert("removed with something owed");
            return AttemptOutcome::TargetRemoved;
        }
        if attempt.pass != Pass::Any && self.now > self.settings.retry_policy.expiry(event.received) {
            return AttemptOutcome::EventTooOld;
        }
        let key = (number, attempt.pending.delivery.event);
        let outcome = target.network.answer(self.ledger.group(key), at, &self.random, &mut self.sometimes);
        if outcome == AttemptOutcome::Delivered {
            self.arrive(number, attempt.pending.delivery.event);
        }
        outcome
    }

    /// A dead letter, with its copy where the target wants one. Of the copy of a dead letter that is given up nothing is left.
    fn give_up(
        &mut self,
        key: Key,
        event: Event,
        outcome: &AttemptOutcome,
        exhausted: Option<ExhaustedRetryCondition>,
    ) -> Settlement {
        self.ledger.give_up(key);
        self.sometimes.extend(exhausted.map(|condition| match condition {
            ExhaustedRetryCondition::MaximumRetryAttempts => "died of attempts",
            ExhaustedRetryCondition::MaximumEventAgeInSeconds => "died of age",
        }));
        if key.0.is_of_dead_letters() {
            return Settlement::Delivered;
        }
        let letter = DeadLetter {
            event: Some(event),
            died: self.now,
            rule_arn: String::new(),
            target_id: String::new(),
            target_arn: String::new(),
            error_code: outcome.error_code().to_owned(),
            error_message: outcome.message(),
            exhausted_retry_condition: exhausted,
            retry_attempts: 0,
        };
        if !self.targets[&key.0].has_copies {
            return Settlement::Dead(Box::new(letter));
        }
        let copy = DeadLetterCopy { destination: String::new(), letter };
        let event = copy.to_event(EventId::from_random(self.random.next_u128()));
        let owed = Owed { event, targets: vec![key.0.of_dead_letters()] };
        Settlement::DeadAndCopied(Box::new(copy.letter), Box::new(owed))
    }

    /// Asks for a write of what has ended, when none is under way.
    fn start_settling(&mut self, number: TargetNumber) {
        let due = self.elapsed() + Duration::from_millis(draw(&self.random, 20));
        let Some(worker) = self.workers.get_mut(&number) else { return };
        if worker.settling.is_none() && !worker.unsettled.is_empty() {
            worker.settling = Some(Settling::Asked(due, std::mem::take(&mut worker.unsettled)));
        }
    }

    /// Writes settlements whose time has come, or tells the worker that they are written.
    pub(super) async fn settle(&mut self, number: TargetNumber) {
        let elapsed = self.elapsed();
        let Some(worker) = self.workers.get_mut(&number) else { return };
        match worker.settling.take_if(|settling| settling.due() <= elapsed) {
            Some(Settling::Asked(_, settlements)) => {
                let settled = settlements.iter().map(|settled| (settled.pending.delivery.event, retry(settled)));
                let due = elapsed + Duration::from_millis(2 + draw(&self.random, 20));
                worker.settling = Some(Settling::Written(due, settled.collect()));
                for settled in &settlements {
                    if matches!(settled.settlement, Settlement::DeadAndCopied(..)) {
                        let copy = self.number();
                        self.ledger.owe((number.of_dead_letters(), copy), None);
                    }
                }
                self.journal.settle(settlements).await.unwrap();
            }
            Some(Settling::Written(_, settled)) => {
                for (event, retry) in settled {
                    worker.queue.attempt_settled(event, retry);
                }
                worker.has_news = true;
                self.start_settling(number);
            }
            None => {}
        }
    }

    /// Everything that was acknowledged has ended as it should; answers what was met.
    pub(super) fn check(mut self) -> Sometimes {
        let page = DeadLetterPage { after: None, since: None, until: None, limit: 10_000 };
        let dead = self.journal.dead_letter_ids(&page).unwrap().into_iter().map(|id| (id.target(), id.event()));
        self.ledger.check(&dead.collect::<BTreeSet<_>>(), &mut self.sometimes);
        self.sometimes
    }
}

/// Notes what became of a circuit breaker.
pub(super) fn note(transition: Option<Transition>, settings: &Settings, sometimes: &mut Sometimes) {
    match transition {
        Some(Transition::Opened(wait) | Transition::Reopened(wait)) => {
            assert!(wait <= settings.circuit_breaker.open.max);
            sometimes.insert("opened");
        }
        Some(Transition::Closed) => {
            sometimes.insert("closed");
        }
        Some(Transition::HalfOpened) => {
            sometimes.insert("half-open");
        }
        None => {}
    }
}
