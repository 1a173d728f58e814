//! What happened to an event: from the history of attempts, and from what is still owed.

use std::collections::BTreeMap;

use eventyard_core::attempt_record::AttemptEnd;
use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::Delivery;
use eventyard_core::error::ServiceError;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::{EventNumber, TargetNumber};

use super::Engine;
use crate::journal::{DeadLetterId, JournalError, Pending, Place, RecordedAttempt};

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
        let mut deliveries: BTreeMap<(EventNumber, TargetNumber), Vec<RecordedAttempt>> = BTreeMap::new();
        for attempt in self.journal.attempts(id)? {
            let Delivery { event, target, .. } = attempt.delivery;
            deliveries.entry((event, target)).or_default().push(attempt);
        }
        let mut received = deliveries.values().flatten().map(|attempt| attempt.record.received).min();
        // The newest number is the one that may be owed still.
        let newest = deliveries.last_key_value().map(|((number, _), _)| *number);
        let found = match newest {
            Some(number) => self.journal.event(number).ok().map(|event| (number, event)),
            None => self.journal.find_event(id)?,
        };
        if let Some((number, event)) = &found {
            received = received.or(Some(event.received));
            for target in self.owed_untried(*number)? {
                deliveries.entry((*number, target)).or_default();
            }
        }
        let Some(received) = received else { return Ok(None) };
        let reports = deliveries.into_iter().map(|((event, target), attempts)| {
            let state = self.delivery_state(event, target, attempts.last())?;
            Ok(DeliveryReport { recipient: self.recipient(target), target, state, attempts })
        });
        let deliveries = reports.collect::<Result<_, JournalError>>()?;
        Ok(Some(EventReport { received, event: found.map(|(_, event)| event), deliveries }))
    }

    /// The targets that are owed an event and were not tried with it yet.
    fn owed_untried(&self, event: EventNumber) -> Result<Vec<TargetNumber>, JournalError> {
        let mut untried = Vec::new();
        for target in self.journal.targets_owed()? {
            let delivery = Delivery { event, target, attempts: 0 };
            if self.journal.is_pending(&Pending { delivery, place: Place::Ready })? {
                untried.push(target);
            }
        }
        Ok(untried)
    }

    fn delivery_state(
        &self,
        event: EventNumber,
        target: TargetNumber,
        last: Option<&RecordedAttempt>,
    ) -> Result<DeliveryState, JournalError> {
        let Some(last) = last else { return Ok(DeliveryState::Pending) };
        let delivery = Delivery { event, target, attempts: last.record.attempt };
        Ok(match last.end {
            AttemptEnd::Delivered => DeliveryState::Delivered,
            AttemptEnd::RetryAt(due) => {
                let pending = Pending { delivery, place: Place::Later(due) };
                if self.journal.is_pending(&pending)? { DeliveryState::RetryAt(due) } else { DeliveryState::Unknown }
            }
            AttemptEnd::Died(died) => {
                let id = DeadLetterId::new(died, &delivery);
                match self.journal.dead_letter(id)? {
                    Some(_) => DeliveryState::Dead(id),
                    None => DeliveryState::DeadLetterGone,
                }
            }
        })
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
