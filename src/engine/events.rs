//! Events: accepting entries, matching them, and owing their deliveries.

use eventyard_core::arn::{EventBusNameOrArn, event_bus_arn};
use eventyard_core::deduplication::{DeduplicationId, DeduplicationKey};
use eventyard_core::error::ServiceError;
use eventyard_core::event::{EntryError, Event, EventEntry, EventId};
use eventyard_core::name::{EventBusKey, RuleKey, RuleNumber};
use eventyard_core::pattern::{self, check_event_argument};
use eventyard_core::policy::EventFacts;

use super::tracing::Tracing;
use super::{Caller, Engine};
use crate::journal::{Candidate, JournalError, Owed};
use crate::telemetry::{EventUnmatched, EventsDeduplicated, EventsReceived, MemberInert};

/// What became of one entry.
pub type EntryResult = Result<EventId, EntryError>;

/// Why a whole call was refused.
#[derive(Debug)]
pub enum EventsError {
    /// The entries together are larger than the limit.
    TooLarge,
    /// They could not be brought to disk, and none of them was accepted.
    NotWritten(JournalError),
}

impl Engine {
    /// Accepts entries, each for its event bus. When it returns, every accepted event that anyone wants is on disk with the
    /// deliveries it owes. An event for a bus of the caller that is not
    /// there is accepted and dropped, as Amazon's service does.
    ///
    /// # Errors
    /// When the entries are too large together, or could not be written.
    pub async fn put_events(
        &self,
        caller: &Caller,
        entries: &[(Option<EventBusNameOrArn>, EventEntry<'_>)],
    ) -> Result<Vec<EntryResult>, EventsError> {
        let size_bytes: usize = entries.iter().map(|(_, entry)| entry.size_bytes()).sum();
        if size_bytes > self.settings.entries_size_bytes_max {
            return Err(EventsError::TooLarge);
        }
        let received = self.clock.now();
        let mut tracing = Tracing::new(&self.telemetry, &self.random, received);
        let (mut results, mut candidates) = (Vec::with_capacity(entries.len()), Vec::new());
        // Those that no rule takes, with their places among the candidates.
        let mut unwanted = Vec::new();
        for (bus, entry) in entries {
            let bus = caller.bus(bus.clone());
            let facts = EventFacts {
                source: entry.source.unwrap_or_default(),
                detail_type: entry.detail_type.unwrap_or_default(),
                is_forwarded: false,
            };
            let accepted = if self.may_put_event(caller, &bus, facts) {
                // The event keeps its sender, whoever owns the bus.
                entry.accept(EventId::new(received, self.random.next_u128()), received, &caller.account, &caller.region)
            } else {
                Err(EntryError::AccessDenied)
            };
            let accepted = accepted.map(|event| Event { forwarded_from: caller.forwarded_from.clone(), ..event });
            results.push(accepted.as_ref().map(|event| event.id).map_err(|error| *error));
            if let Ok(event) = accepted {
                let (id, key) = (event.id, self.deduplication_key(&bus, caller, entry, &event));
                let owed = tracing.matching(&bus, event, |event| {
                    let owed = self.owe_without(&bus, event, None);
                    owed.map_err(|event| unwanted.push((candidates.len(), bus.clone(), event))).ok()
                });
                candidates.push(Candidate { id, received, key, owed });
            }
        }
        let ids = self.commit(candidates).await.map_err(EventsError::NotWritten)?;
        let unmatched = self.note_unmatched(unwanted, &ids);
        let mut ids = ids.into_iter();
        let mut duplicates = 0;
        for id in results.iter_mut().flatten() {
            let first = ids.next().unwrap_or(*id);
            if first != *id {
                duplicates += 1;
                tracing.known_as(*id, first);
            }
            *id = first;
        }
        tracing.committed();
        let rejected: Vec<_> = results.iter().filter_map(|result| result.err().map(EntryError::code)).collect();
        let accepted: Vec<_> = results.iter().flatten().copied().collect();
        self.telemetry.record(&EventsReceived { accepted: &accepted, rejected: &rejected });
        self.telemetry.record(&EventUnmatched { count: unmatched });
        self.telemetry.record(&EventsDeduplicated { count: duplicates });
        Ok(results)
    }

    /// Remembers events that no rule takes, now that they are accepted, but for those that were put before, which are known
    /// under another of the `ids`. Answers how many there were.
    fn note_unmatched(&self, unwanted: Vec<(usize, EventBusKey, Event)>, ids: &[EventId]) -> u64 {
        let new = unwanted.into_iter().filter(|(place, _, event)| ids.get(*place) == Some(&event.id));
        new.map(|(_, bus, event)| self.unmatched.add(&bus, event)).count() as u64
    }

    /// By what an event is known: what its caller says, else what stands in it where its event bus says.
    fn deduplication_key(
        &self,
        bus: &EventBusKey,
        caller: &Caller,
        entry: &EventEntry<'_>,
        event: &Event,
    ) -> Option<DeduplicationKey> {
        if let Some(id) = entry.deduplication_id {
            return Some(DeduplicationKey::new(bus, &caller.account, id));
        }
        let path = self.registry().deduplication_path(bus)?;
        let value = path.select(&event.envelope).filter(|value| *value != "null")?;
        Some(DeduplicationKey::new(bus, &caller.account, DeduplicationId::InEvent(&value)))
    }

    /// Tells that an event was put with a `TraceHeader`, the first time after a start: a client that is traced sends one with each
    /// of its events.
    pub fn tell_of_trace_header(&self, caller: &Caller, bus: Option<EventBusNameOrArn>) {
        self.told_of_trace_header.call_once(|| {
            let resource = event_bus_arn(&caller.bus(bus));
            self.telemetry.record(&MemberInert { member: "TraceHeader", resource: &resource });
        });
    }

    /// Writes what is owed, and answers the ids under which the events are known.
    async fn commit(&self, candidates: Vec<Candidate>) -> Result<Vec<EventId>, JournalError> {
        if candidates.iter().any(|candidate| candidate.key.is_some()) {
            return self.journal.commit_once(candidates).await;
        }
        let ids = candidates.iter().map(|candidate| candidate.id).collect();
        let owed: Vec<_> = candidates.into_iter().filter_map(|candidate| candidate.owed).collect();
        if !owed.is_empty() {
            self.journal.commit(owed).await?;
        }
        Ok(ids)
    }

    /// Whether `CloudEvents` are known by their source and id.
    #[must_use]
    pub fn deduplicates_cloud_events(&self) -> bool {
        self.settings.deduplicates_cloud_events
    }

    /// The event with the targets it is owed to; none when no rule takes it.
    pub(super) fn owe(&self, bus: &EventBusKey, event: Event) -> Option<Owed> {
        self.owe_without(bus, event, None).map_err(|event| self.unmatched.add(bus, event)).ok()
    }

    /// The same, as if one of the rules were not there; the error is an event that no rule takes.
    pub(super) fn owe_without(
        &self,
        bus: &EventBusKey,
        event: Event,
        without: Option<&RuleKey>,
    ) -> Result<Owed, Event> {
        let index = self.registry().index(bus);
        // The envelope was built from checked parts, so it is JSON.
        let rules = index.as_ref().and_then(|index| index.matching(&event.envelope).ok()).unwrap_or_default();
        let targets = if rules.is_empty() {
            Vec::new()
        } else {
            let registry = self.registry();
            let is_wanted = |rule: &RuleNumber| without.is_none() || registry.rule_key(*rule) != without;
            registry.targets_of(rules.into_iter().filter(|rule| is_wanted(rule)))
        };
        if targets.is_empty() { Err(event) } else { Ok(Owed { event, targets }) }
    }

    /// The longest that the entries of one call may be, in bytes.
    #[must_use]
    pub fn entries_size_bytes_max(&self) -> usize {
        self.settings.entries_size_bytes_max
    }

    /// Says whether an event matches a pattern.
    ///
    /// # Errors
    /// Amazon's, for a pattern that cannot be read or an event that is none.
    pub fn test_event_pattern(&self, pattern: &str, event: &str) -> Result<bool, ServiceError> {
        let pattern = self.parse_pattern(pattern)?;
        check_event_argument(event).map_err(|invalid| ServiceError::validation(invalid.to_string()))?;
        pattern::evaluate(&pattern, event).map_err(|_| ServiceError::validation("Parameter Event is not valid."))
    }
}
