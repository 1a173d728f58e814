//! Copies of dead letters: deliveries of their own, owed from the moment of the death on.

use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::{AttemptOutcome, TargetHealth};
use eventyard_core::delivery_options::Timeouts;
use eventyard_core::event::EventId;
use eventyard_core::name::{AccountId, TargetNumber};
use eventyard_core::retry::{NextStep, RetryPolicy};
use eventyard_core::target::{CompiledHttpParameters, DeadLetterAttribute, DeadLetterDestination, HttpValue};
use serde_json::json;

use super::attempt::Attempts;
use super::senders::{BrokerDelivery, HttpRequest};
use crate::engine::ActiveTarget;
use crate::journal::{DeadLetterCopy, JournalError, Owed, Pending, Settled, Settlement};
use crate::telemetry::{DeadLetterNotQueued, DeadLetterNotQueuedYet, DeadLetterQueued};

impl Attempts {
    /// The end of a delivery that is given up: a dead letter, and with it the copy that its target asks for. Without an event
    /// there is nothing to copy.
    pub(super) fn bury(&self, letter: DeadLetter, number: TargetNumber, target: Option<&ActiveTarget>) -> Settlement {
        let destination = target.and_then(|target| target.target.dead_letter_arn.as_deref());
        let Some(destination) = destination.filter(|arn| !arn.is_empty() && letter.event.is_some()) else {
            return Settlement::Dead(Box::new(letter));
        };
        let id = EventId::new(letter.died, self.random.next_u128());
        let copy = DeadLetterCopy { destination: destination.to_owned(), letter };
        let owed = Owed { event: copy.to_event(id), targets: vec![number.of_dead_letters()] };
        Settlement::DeadAndCopied(Box::new(copy.letter), Box::new(owed))
    }

    /// Makes one attempt at a copy. It is tried for a day from the death on, and with the end of that counted.
    pub(super) async fn make_copy(&self, pending: Pending) -> (Settled, TargetHealth) {
        let settled = |settlement| Settled { pending, settlement, attempt: None };
        let (copy, received) = match self.read_copy(&pending).await {
            Ok(read) => read,
            Err(outcome) => {
                let (now, attempt) = (self.clock.now(), pending.delivery.attempts + 1);
                let step = self.next_step_of_copy(now, attempt, &outcome);
                return (settled(self.settle_copy(None, &outcome, step)), TargetHealth::Unknown);
            }
        };
        let attempt = pending.delivery.attempts + 1;
        let outcome = if self.is_forgotten(pending.delivery.target) {
            AttemptOutcome::TargetRemoved
        } else {
            let sent = self.tasks.guard("dead-letter copy", self.send_copy(&copy, attempt)).await;
            sent.unwrap_or(AttemptOutcome::InternalError)
        };
        let step = self.next_step_of_copy(received, attempt, &outcome);
        (settled(self.settle_copy(Some(&copy.letter), &outcome, step)), outcome.health(self.clock.now()))
    }

    fn next_step_of_copy(&self, received: Timestamp, attempt: u32, outcome: &AttemptOutcome) -> NextStep {
        let (now, random) = (self.clock.now(), self.random.next_u64());
        RetryPolicy::default().next_step(&self.settings.backoff, received, attempt, outcome, now, random)
    }

    /// A copy that is given up leaves nothing but the dead letter, and a count.
    fn settle_copy(&self, letter: Option<&DeadLetter>, outcome: &AttemptOutcome, step: NextStep) -> Settlement {
        let (rule_arn, target_id) =
            letter.map_or(("unknown", "unknown"), |letter| (letter.rule_arn.as_str(), letter.target_id.as_str()));
        let reason = &outcome.message();
        match step {
            NextStep::Delivered => {
                self.telemetry.record(&DeadLetterQueued);
                Settlement::Delivered
            }
            NextStep::RetryAt(time) => {
                self.telemetry.record(&DeadLetterNotQueuedYet { target_id, rule_arn, reason });
                Settlement::RetryAt(time)
            }
            NextStep::DeadLetter(_) => {
                self.telemetry.record(&DeadLetterNotQueued { target_id, rule_arn, reason });
                Settlement::Delivered
            }
        }
    }

    async fn read_copy(&self, pending: &Pending) -> Result<(DeadLetterCopy, Timestamp), AttemptOutcome> {
        let read = async {
            let event = self.journal.event(pending.delivery.event)?;
            Ok((DeadLetterCopy::from_event(&event)?, event.received))
        };
        match self.tasks.guard("dead-letter copy", read).await {
            Some(Ok(read)) => Ok(read),
            Some(Err(error @ (JournalError::Missing(_) | JournalError::Damaged(_)))) => {
                Err(AttemptOutcome::EventDamaged { reason: error.to_string() })
            }
            Some(Err(error)) => Err(AttemptOutcome::EventUnreadable { reason: error.to_string() }),
            None => Err(AttemptOutcome::InternalError),
        }
    }

    async fn send_copy(&self, copy: &DeadLetterCopy, attempt: u32) -> AttemptOutcome {
        let DeadLetterCopy { destination, letter } = copy;
        let Some(event) = &letter.event else { return AttemptOutcome::Delivered };
        let account = letter.rule_arn.split(':').nth(4).and_then(|account| AccountId::parse(account).ok());
        let invalid = |reason: String| AttemptOutcome::RequestInvalid { reason };
        let Some(account) = account else { return invalid("the rule is of no account".to_owned()) };
        match DeadLetterDestination::parse(destination) {
            Ok(DeadLetterDestination::Queue(queue)) => match self.engine.aws_refusal(&account, None) {
                Some(reason) => AttemptOutcome::NoCredentials { reason },
                None => self.senders.aws.send_dead_letter(&queue, letter).await,
            },
            Ok(DeadLetterDestination::Http(url)) => {
                let connection = self.senders.connections.of(&account, destination);
                let headers = headers(letter).map(|(name, value)| (name, HttpValue::Static(value))).collect();
                let parameters = CompiledHttpParameters { path_values: Vec::new(), headers, query: Vec::new() };
                let request = HttpRequest {
                    url: &url,
                    parameters: &parameters,
                    connection,
                    recipient: (&letter.rule_arn, &letter.target_id),
                    envelope: &event.envelope,
                    event: event.id,
                    trace: event.trace,
                    attempt,
                    body: event.envelope.to_string(),
                    is_event: true,
                    timeouts: Timeouts::default(),
                };
                self.senders.http.send(request).await
            }
            Ok(DeadLetterDestination::Broker(target)) => {
                let delivery = BrokerDelivery {
                    target: &target,
                    connection: self.senders.connections.of(&account, destination),
                    recipient: (&letter.rule_arn, &letter.target_id),
                    envelope: &event.envelope,
                    event: event.id,
                    // A broker may know the message of a delivery that was given up; this is another.
                    received: letter.died,
                    trace: event.trace,
                    body: event.envelope.to_string(),
                    headers: headers(letter).collect(),
                    timeouts: Timeouts::default(),
                };
                self.senders.broker.send(delivery).await
            }
            Ok(DeadLetterDestination::Local(target)) => {
                let line = line(letter, &event.envelope);
                self.senders.local.send(&target, line, None).await
            }
            Err(error) => invalid(error.message),
        }
    }
}

/// The attributes of a dead letter as headers.
fn headers(letter: &DeadLetter) -> impl Iterator<Item = (String, String)> {
    let headers = letter.attributes().into_iter().map(|attribute| attribute.header());
    headers.filter(|(_, value)| !value.is_empty())
}

/// A line of JSON: the attributes of a dead letter, and the event.
fn line(letter: &DeadLetter, envelope: &str) -> String {
    let members = letter.attributes().into_iter().map(|DeadLetterAttribute { name, value, is_number }| {
        let value = if is_number { value } else { json!(value).to_string() };
        format!(r#""{name}":{value},"#)
    });
    format!(r#"{{{}"event":{envelope}}}"#, members.collect::<String>())
}
