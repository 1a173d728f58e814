//! What a worker knows of its target's backlog: a page of it, and how far it has read.

use std::collections::{HashSet, VecDeque};

use eventyard_core::clock::Timestamp;
use eventyard_core::name::{EventNumber, TargetNumber};

use crate::journal::{Journal, JournalError, Pending, Place};

/// The backlog of one target, read a page at a time.
///
/// Reading only goes forward. New deliveries get higher event numbers than all before them, so none is passed over. A retry
/// can be seen in the journal before the worker hears that its attempt has ended, or be written so late that its time has
/// been passed already. So the events under way are known here: their retries are left out while reading, and taken up
/// when the attempt has ended.
#[derive(Debug)]
pub(super) struct Backlog {
    target: TargetNumber,
    page_length: usize,
    ready: VecDeque<Pending>,
    later: VecDeque<Pending>,
    ready_read: Option<EventNumber>,
    later_read: Option<(Timestamp, EventNumber)>,
    under_way: HashSet<EventNumber>,
}

impl Backlog {
    /// The backlog of `target` behind `ready_read`, the last event that a worker before this one has read.
    pub(super) fn new(target: TargetNumber, page_length: usize, ready_read: Option<EventNumber>) -> Self {
        Self {
            target,
            page_length,
            ready: VecDeque::new(),
            later: VecDeque::new(),
            ready_read,
            later_read: None,
            under_way: HashSet::new(),
        }
    }

    /// How far it was read.
    pub(super) fn ready_read(&self) -> Option<EventNumber> {
        self.ready_read
    }

    /// Deliveries whose attempt is under way or not settled yet.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The next delivery that can be tried at `now`: a retry that is due before one that is new, or the other way round. It
    /// counts as under way until [`Self::attempt_settled`].
    pub(super) fn next(
        &mut self,
        journal: &Journal,
        now: Timestamp,
        new_first: bool,
    ) -> Result<Option<Pending>, JournalError> {
        let new = if new_first { self.next_new(journal)? } else { None };
        let due = if new.is_none() { self.next_due_retry(journal, now)? } else { None };
        let next = match new.or(due) {
            None if !new_first => self.next_new(journal)?,
            next => next,
        };
        self.under_way.extend(next.iter().map(|pending| pending.delivery.event));
        Ok(next)
    }

    fn next_due_retry(&mut self, journal: &Journal, now: Timestamp) -> Result<Option<Pending>, JournalError> {
        if self.later.is_empty() {
            let page = journal.later(self.target, self.later_read, now, self.page_length)?;
            if let Some(Pending { delivery, place: Place::Later(due) }) = page.last() {
                self.later_read = Some((*due, delivery.event));
            }
            self.later.extend(page.into_iter().filter(|pending| !self.under_way.contains(&pending.delivery.event)));
        }
        Ok(self.later.pop_front())
    }

    fn next_new(&mut self, journal: &Journal) -> Result<Option<Pending>, JournalError> {
        if self.ready.is_empty() {
            self.ready.extend(journal.ready(self.target, self.ready_read, self.page_length)?);
            self.ready_read = self.ready.back().map(|pending| pending.delivery.event).or(self.ready_read);
        }
        Ok(self.ready.pop_front())
    }

    /// Tells that the attempt at `event` has ended and is settled, and with which retry, if any, that is now in the journal.
    pub(super) fn attempt_settled(&mut self, event: EventNumber, retry: Option<Pending>) {
        self.under_way.remove(&event);
        let Some(Pending { place: Place::Later(due), .. }) = retry else { return };
        if self.later_read.is_some_and(|read| (due, event) <= read) {
            self.later.extend(retry);
        }
    }

    /// When the next retry that is not read yet is due.
    pub(super) fn next_due(&self, journal: &Journal) -> Result<Option<Timestamp>, JournalError> {
        journal.next_due(self.target, self.later_read)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use eventyard_core::event::{Event, EventId};

    use super::*;
    use crate::journal::model_disk::ModelDisk;
    use crate::journal::{Owed, Settings, Settled, Settlement};
    use crate::telemetry::Telemetry;

    const TARGET: TargetNumber = TargetNumber(1);

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(milliseconds).unwrap()
    }

    async fn journal_with(events: u128) -> Journal {
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let (journal, _) = Journal::open_on(Arc::new(ModelDisk::default()), Settings::FOR_TESTS, telemetry).unwrap();
        let event = |n| Event {
            id: EventId::from_random(n),
            received: at(0),
            envelope: "{}".into(),
            forwarded_from: Vec::new(),
            trace: None,
        };
        let owed = (0..events).map(|n| Owed { event: event(n), targets: vec![TARGET] }).collect();
        journal.commit(owed).await.unwrap();
        journal
    }

    fn settled(pending: Pending, settlement: Settlement) -> Settled {
        Settled { pending, settlement, attempt: None }
    }

    fn retry(pending: Pending, due: i64) -> Pending {
        let mut delivery = pending.delivery;
        delivery.attempts += 1;
        Pending { delivery, place: Place::Later(at(due)) }
    }

    #[tokio::test]
    async fn a_retry_seen_before_its_attempt_has_ended_is_taken_up_once() {
        let journal = journal_with(1).await;
        let mut backlog = Backlog::new(TARGET, 10, None);
        let first = backlog.next(&journal, at(0), false).unwrap().unwrap();
        journal.settle(vec![settled(first, Settlement::RetryAt(at(5)))]).await.unwrap();
        // The retry is in the journal and due, but the worker has not heard yet that the attempt ended.
        assert_eq!(backlog.next(&journal, at(10), false).unwrap(), None);
        backlog.attempt_settled(first.delivery.event, Some(retry(first, 5)));
        assert_eq!(backlog.next(&journal, at(10), false).unwrap(), Some(retry(first, 5)));
        assert_eq!(backlog.next(&journal, at(10), false).unwrap(), None);
    }

    #[tokio::test]
    async fn a_retry_whose_time_was_passed_before_it_was_written_is_not_lost() {
        let journal = journal_with(2).await;
        let mut backlog = Backlog::new(TARGET, 10, None);
        let [slow, quick] = [0, 1].map(|_| backlog.next(&journal, at(0), false).unwrap().unwrap());
        journal.settle(vec![settled(quick, Settlement::RetryAt(at(8)))]).await.unwrap();
        backlog.attempt_settled(quick.delivery.event, Some(retry(quick, 8)));
        assert_eq!(backlog.next(&journal, at(10), false).unwrap(), Some(retry(quick, 8)));
        journal.settle(vec![settled(slow, Settlement::RetryAt(at(5)))]).await.unwrap();
        backlog.attempt_settled(slow.delivery.event, Some(retry(slow, 5)));
        assert_eq!(backlog.next(&journal, at(10), false).unwrap(), Some(retry(slow, 5)));
    }

    #[tokio::test]
    async fn pages_follow_each_other_and_a_later_worker_goes_on_behind_them() {
        let journal = journal_with(25).await;
        let mut backlog = Backlog::new(TARGET, 10, None);
        let first: Vec<_> =
            (0..15).map(|_| backlog.next(&journal, at(0), false).unwrap().unwrap().delivery.event.0).collect();
        assert_eq!(first, (1..=15).collect::<Vec<_>>());
        // Two pages were read, and a worker ends only when it has nothing left of them.
        let mut next = Backlog::new(TARGET, 10, backlog.ready_read());
        assert_eq!(next.next(&journal, at(0), false).unwrap().unwrap().delivery.event.0, 21);
    }
}
