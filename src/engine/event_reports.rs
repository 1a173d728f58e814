//! What happened to an event: from the history of attempts, and from what is still owed.

use std::collections::BTreeMap;

use eventyard_core::attempt_record::AttemptEnd;
use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::Delivery;
use eventyard_core::error::ServiceError;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::{EventNumber, TargetNumber};

use super::Engine;
use crate::journal::{DeadLetterId, DeadLetterPage, JournalError, Pending, Place, RecordedAttempt};

/// Dead letters read at a time.
const PAGE: usize = 100;
/// Dead letters that are looked at.
const LOOKED_AT_MAX: usize = 10_000;

/// Which delivery.
type Key = (EventNumber, TargetNumber);

/// What is known of an event.
#[derive(Debug)]
pub struct EventReport {
    /// When it was accepted.
    pub received: Timestamp,
    /// The event, while the journal has it.
    pub event: Option<Event>,
    /// Its deliveries, redriven ones behind those before.
    pub deliveries: Vec<DeliveryReport>,
}

/// What is known of a delivery.
#[derive(Debug)]
pub struct DeliveryReport {
    /// Its rule and target; absent when the target was removed long ago.
    pub recipient: Option<Recipient>,
    /// The number of the target.
    pub target: TargetNumber,
    /// Where it stands.
    pub state: DeliveryState,
    /// Its attempts that are remembered, in their order.
    pub attempts: Vec<RecordedAttempt>,
}

/// Whom a delivery is for.
#[derive(Debug)]
pub struct Recipient {
    /// The ARN of the rule that took the event.
    pub rule_arn: String,
    /// The target's id within the rule.
    pub target_id: String,
    /// The target's Arn.
    pub target_arn: String,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It was made.
    Delivered,
    /// It is owed, and can be tried now.
    Pending,
    /// It is owed, and tried again at this time.
    RetryAt(Timestamp),
    /// It was given up and is among the dead letters.
    Dead(DeadLetterId),
    /// It was given up; the dead letter is gone: sent again, purged or expired.
    DeadLetterGone,
    /// Its last attempt is not in the history: the process ended before it was written.
    Unknown,
}

impl Engine {
    /// What is known of an event; nothing when it was never accepted, no rule took it, or all was forgotten. Reads the disk.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn event_report(&self, id: EventId) -> Result<Option<EventReport>, ServiceError> {
        self.report_event(id).map_err(|error| self.internal(&error))
    }

    fn report_event(&self, id: EventId) -> Result<Option<EventReport>, JournalError> {
        let mut deliveries: BTreeMap<Key, Vec<RecordedAttempt>> = BTreeMap::new();
        for attempt in self.journal.attempts(id)? {
            let Delivery { event, target, .. } = attempt.delivery;
            deliveries.entry((event, target)).or_default().push(attempt);
        }
        let mut received = deliveries.values().flatten().map(|attempt| attempt.record.received).min();
        // The history may have been forgotten, or not be kept at all; what is given up or owed still is told in any case.
        let (mut states, mut event) = (BTreeMap::new(), None);
        for (letter_id, letter) in self.dead_letters_of(id)? {
            states.insert((letter_id.event(), letter_id.target()), DeliveryState::Dead(letter_id));
            event = letter.event.or(event);
        }
        let newest = deliveries.keys().chain(states.keys()).map(|(number, _)| *number).max();
        let mut found = self.find(id, newest, deliveries.values())?;
        let numbers = found.iter().map(|(number, _)| *number).chain(newest).chain(deliveries.keys().map(|key| key.0));
        for Pending { delivery, place } in self.journal.owed_of(&numbers.collect())? {
            let state = match place {
                Place::Ready => DeliveryState::Pending,
                Place::Later(due) => DeliveryState::RetryAt(due),
            };
            states.insert((delivery.event, delivery.target), state);
        }
        event = found.pop().map(|(_, event)| event).or(event);
        received = received.or(event.as_ref().map(|event| event.received));
        let Some(received) = received else { return Ok(None) };
        for key in states.keys() {
            deliveries.entry(*key).or_default();
        }
        let reports = deliveries.into_iter().map(|(key, attempts)| {
            let state = states.get(&key).copied().unwrap_or_else(|| ended(attempts.last()));
            DeliveryReport { recipient: self.recipient(key.1), target: key.1, state, attempts }
        });
        let deliveries = reports.collect();
        Ok(Some(EventReport { received, event, deliveries }))
    }

    /// The event under the numbers by which the journal has it: `newest`, the newest one known, and the one behind it if a dead
    /// letter was sent again.
    fn find<'a>(
        &self,
        id: EventId,
        newest: Option<EventNumber>,
        mut attempts: impl Iterator<Item = &'a Vec<RecordedAttempt>>,
    ) -> Result<Vec<(EventNumber, Event)>, JournalError> {
        let known = match newest {
            Some(newest) => self.journal.event(newest).ok().map(|event| (newest, event)),
            None => self.journal.find_event(id)?,
        };
        let died = attempts.find_map(|attempts| match attempts.last()?.end {
            AttemptEnd::Died(died) => Some(died),
            AttemptEnd::Delivered | AttemptEnd::RetryAt(_) => None,
        });
        let since = if newest.is_some() { died } else { id.received() };
        let behind = newest.or(known.as_ref().map(|(number, _)| *number)).unwrap_or(EventNumber(0));
        let again = since.map(|since| self.journal.find_redriven(id, behind, since)).transpose()?.flatten();
        Ok(known.into_iter().chain(again).collect())
    }

    /// The dead letters of an event, as far as they are among the first that died since it was accepted.
    fn dead_letters_of(&self, id: EventId) -> Result<Vec<(DeadLetterId, DeadLetter)>, JournalError> {
        let (mut found, mut looked_at) = (Vec::new(), 0);
        let mut page = DeadLetterPage { after: None, since: id.received(), until: None, limit: PAGE };
        while looked_at < LOOKED_AT_MAX {
            let letters = self.journal.dead_letters(&page)?;
            let Some((last, _)) = letters.last() else { break };
            (page.after, looked_at) = (Some(*last), looked_at + letters.len());
            let of_event = |letter: &DeadLetter| letter.event.as_ref().is_some_and(|event| event.id == id);
            let sound = letters.into_iter().filter_map(|(id, letter)| Some((id, letter.ok()?)));
            found.extend(sound.filter(|(_, letter)| of_event(letter)));
        }
        Ok(found)
    }

    fn recipient(&self, target: TargetNumber) -> Option<Recipient> {
        let registry = self.registry();
        let active = registry.target(target).map(|active| Recipient {
            rule_arn: active.rule_arn.clone(),
            target_id: active.target.id.to_string(),
            target_arn: active.target.arn.clone(),
        });
        let removed = || {
            registry.removed_target(target).map(|removed| Recipient {
                rule_arn: removed.rule_arn.clone(),
                target_id: removed.target_id.clone(),
                target_arn: removed.target_arn.clone(),
            })
        };
        active.or_else(removed)
    }
}

/// How a delivery ended that is neither owed nor among the dead letters.
fn ended(last: Option<&RecordedAttempt>) -> DeliveryState {
    match last.map(|last| last.end) {
        Some(AttemptEnd::Delivered) => DeliveryState::Delivered,
        Some(AttemptEnd::Died(_)) => DeliveryState::DeadLetterGone,
        Some(AttemptEnd::RetryAt(_)) | None => DeliveryState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::testing::TestEngine;
    use crate::journal::{Owed, Settled, Settlement};

    const TARGETS: [TargetNumber; 3] = [TargetNumber(1), TargetNumber(2), TargetNumber(3)];

    fn letter(event: &Event, died: Timestamp) -> DeadLetter {
        DeadLetter {
            event: Some(event.clone()),
            died,
            rule_arn: "r".into(),
            target_id: "t".into(),
            target_arn: "a".into(),
            error_code: "REFUSED_BY_TARGET".into(),
            error_message: String::new(),
            exhausted_retry_condition: None,
            retry_attempts: 0,
        }
    }

    #[tokio::test]
    async fn without_a_history_what_is_owed_or_given_up_is_told() {
        let test_engine = TestEngine::new();
        let (engine, journal) = (&test_engine.engine, &test_engine.journal);
        let received = Timestamp::from_millis(1_000_000).unwrap();
        let [died, due] = [1, 90].map(|seconds| received.saturating_add(Duration::from_secs(seconds)));
        let id = EventId::new(received, 7);
        let event = Event { id, received, envelope: "{}".into(), forwarded_from: Vec::new(), trace: None };
        journal.commit(vec![Owed { event: event.clone(), targets: TARGETS.to_vec() }]).await.unwrap();
        let [retried, dead] = [TARGETS[0], TARGETS[1]].map(|target| journal.ready(target, None, 1).unwrap()[0]);
        let settle = async |pending, settlement| {
            journal.settle(vec![Settled { pending, settlement, attempt: None }]).await.unwrap();
        };
        settle(retried, Settlement::RetryAt(due)).await;
        settle(dead, Settlement::Dead(Box::new(letter(&event, died)))).await;
        let states = || {
            let deliveries = engine.event_report(id).unwrap().unwrap().deliveries;
            deliveries.iter().map(|delivery| (delivery.target, delivery.state)).collect::<Vec<_>>()
        };
        let [retry, new] = [DeliveryState::RetryAt(due), DeliveryState::Pending];
        let in_store = DeliveryState::Dead(DeadLetterId::new(died, &dead.delivery));
        assert_eq!(states(), [(TARGETS[0], retry), (TARGETS[1], in_store), (TARGETS[2], new)]);

        // Sent again, long after, it is owed under another number.
        let again = received.saturating_add(Duration::from_secs(86_400));
        journal.redrive(vec![(DeadLetterId::new(died, &dead.delivery), TARGETS[1])], again).await.unwrap();
        settle(journal.ready(TARGETS[2], None, 1).unwrap()[0], Settlement::Delivered).await;
        let later = journal.later(TARGETS[0], None, due, 1).unwrap()[0];
        settle(later, Settlement::Delivered).await;
        assert_eq!(states(), [(TARGETS[1], new)]);
        assert!(engine.event_report(EventId::new(received, 8)).unwrap().is_none());
    }
}
