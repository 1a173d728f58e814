//! What a worker knows of the backlog of a target that keeps an order: who waits for whom.
//!
//! Deliveries of one group are tried one after another, in the order of their event numbers, which is that of acceptance. The
//! first one of a group that is not done is its head; only heads are tried, and a head that waits for its retry blocks
//! its group and nobody else.
//!
//! To know that a delivery is a head, everything before it must have been read. So retries are read first, all of them, and
//! then new deliveries in their order. What is read and not done is held in memory, up to a bound: where that many wait, no
//! more is read until some are done. So groups that fail for long can hold up the others only by so many deliveries
//! of their own.

use std::collections::{BTreeSet, HashMap, VecDeque};

use eventyard_core::clock::Timestamp;
use eventyard_core::delivery_options::Order;
use eventyard_core::name::{EventNumber, TargetNumber};

use crate::journal::{Journal, JournalError, Pending, Place};

/// Deliveries read at a time. Their events are read, too, to know their groups.
const PAGE_LENGTH: usize = 64;
/// Pages read before the others of the thread have their turn.
const PAGES: usize = 8;

/// Who waits for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Group {
    /// Nobody.
    Alone(EventNumber),
    /// Those of this number.
    Of(u64),
}

/// The deliveries of a group that wait, in their order, behind the one whose attempt is under way, if any is.
#[derive(Debug, Default)]
struct Waiting {
    deliveries: VecDeque<Pending>,
    is_under_way: bool,
}

/// The backlog of one target that keeps an order.
#[derive(Debug)]
pub(super) struct OrderedBacklog {
    target: TargetNumber,
    order: Order,
    held_max: usize,
    groups: HashMap<Group, Waiting>,
    /// Deliveries in `groups` and under way.
    held: usize,
    /// Heads that can be tried: retries first, then those that were never tried, each in their order.
    free: BTreeSet<(bool, EventNumber, Group)>,
    /// Heads that wait for their time.
    due: BTreeSet<(Timestamp, EventNumber, Group)>,
    under_way: HashMap<EventNumber, Group>,
    ready_read: Option<EventNumber>,
    later_read: Option<(Timestamp, EventNumber)>,
    /// Whether retries may be left that were in the journal before this.
    has_later: bool,
    /// Whether reading was interrupted.
    is_reading: bool,
}

impl OrderedBacklog {
    /// The backlog of `target` behind `ready_read`, the last event that a worker before this one has read, of which at
    /// most `held_max` deliveries are held.
    pub(super) fn new(target: TargetNumber, order: Order, held_max: usize, ready_read: Option<EventNumber>) -> Self {
        Self {
            target,
            order,
            held_max,
            groups: HashMap::new(),
            held: 0,
            free: BTreeSet::new(),
            due: BTreeSet::new(),
            under_way: HashMap::new(),
            ready_read,
            later_read: None,
            has_later: true,
            is_reading: false,
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
        self.read_until_free(journal, now)?;
        if self.is_reading {
            return Ok(None);
        }
        let new = self.free.range((true, EventNumber(0), Group::Alone(EventNumber(0)))..).next();
        let Some(&(is_new, event, group)) = new.filter(|_| new_first).or_else(|| self.free.first()) else {
            return Ok(None);
        };
        self.free.remove(&(is_new, event, group));
        let Some(waiting) = self.groups.get_mut(&group) else { return Ok(None) };
        waiting.is_under_way = true;
        self.under_way.insert(event, group);
        Ok(waiting.deliveries.pop_front())
    }

    /// Tells that the attempt at `event` has ended and is settled, and with which retry, if any, that is now in the journal.
    pub(super) fn attempt_settled(&mut self, event: EventNumber, retry: Option<Pending>) {
        let Some(group) = self.under_way.remove(&event) else { return };
        self.held -= 1;
        if let Some(waiting) = self.groups.get_mut(&group) {
            waiting.is_under_way = false;
        }
        if let Some(retry) = retry {
            self.hold(retry, group);
        }
        // The retry need not be the head: what came before it may have been read meanwhile, where the order is new.
        self.offer_head(group);
    }

    /// When the next head is due that waits for its time.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        if self.is_reading { Some(Timestamp::EPOCH) } else { self.due.first().map(|(due, ..)| *due) }
    }

    /// Reads on as long as nothing can be tried, there is more, and there is room.
    fn read_until_free(&mut self, journal: &Journal, now: Timestamp) -> Result<(), JournalError> {
        self.is_reading = false;
        for _ in 0..PAGES {
            self.free_due(now);
            // While retries are left, a head that is known may not be one.
            if (!self.free.is_empty() && !self.has_later) || self.held >= self.held_max {
                return Ok(());
            }
            let found = if self.has_later { self.read_later(journal)? } else { self.read_ready(journal)? };
            if !found {
                return Ok(());
            }
        }
        self.is_reading = true;
        Ok(())
    }

    /// Reads retries; the last of them ends it.
    fn read_later(&mut self, journal: &Journal) -> Result<bool, JournalError> {
        let far = Timestamp::EPOCH.saturating_add(std::time::Duration::MAX);
        let page = journal.later(self.target, self.later_read, far, PAGE_LENGTH)?;
        self.has_later = page.len() == PAGE_LENGTH;
        for pending in page {
            let Pending { delivery, place: Place::Later(due) } = pending else { continue };
            // Of one that is under way its end will be told.
            if !self.under_way.contains_key(&delivery.event) {
                let group = self.group(journal, delivery.event)?;
                self.hold(pending, group);
            }
            self.later_read = Some((due, delivery.event));
        }
        Ok(true)
    }

    /// Reads new deliveries; says whether there were any.
    fn read_ready(&mut self, journal: &Journal) -> Result<bool, JournalError> {
        let page = journal.ready(self.target, self.ready_read, PAGE_LENGTH.min(self.held_max - self.held))?;
        let found = !page.is_empty();
        for pending in page {
            let event = pending.delivery.event;
            let group = self.group(journal, event)?;
            self.hold(pending, group);
            self.ready_read = Some(event);
        }
        Ok(found)
    }

    /// An event that is not there or damaged has no group: its delivery ends with its first attempt.
    fn group(&self, journal: &Journal, number: EventNumber) -> Result<Group, JournalError> {
        if self.order == Order::OneGroup {
            return Ok(Group::Of(0));
        }
        let group = match journal.event(number) {
            Ok(event) => self.order.group(&event.envelope),
            Err(JournalError::Missing(_) | JournalError::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(group.map_or(Group::Alone(number), Group::Of))
    }

    /// Holds a delivery in its place, unless it is held already.
    fn hold(&mut self, pending: Pending, group: Group) {
        let waiting = self.groups.entry(group).or_default();
        let event = pending.delivery.event;
        let place = waiting.deliveries.partition_point(|other| other.delivery.event < event);
        if waiting.deliveries.get(place).is_some_and(|other| other.delivery.event == event) {
            return;
        }
        let head = waiting.deliveries.front().copied().filter(|_| place == 0);
        waiting.deliveries.insert(place, pending);
        self.held += 1;
        if let Some(head) = head {
            self.withdraw(head, group);
        }
        if place == 0 {
            self.offer_head(group);
        }
    }

    /// Lets the head of a group be tried, when it is time.
    fn offer_head(&mut self, group: Group) {
        let Some(waiting) = self.groups.get(&group).filter(|waiting| !waiting.is_under_way) else { return };
        match waiting.deliveries.front() {
            None => {
                self.groups.remove(&group);
            }
            Some(Pending { delivery, place: Place::Ready }) => {
                self.free.insert((true, delivery.event, group));
            }
            Some(Pending { delivery, place: Place::Later(due) }) => {
                self.due.insert((*due, delivery.event, group));
            }
        }
    }

    /// Takes back a head that is none any more.
    fn withdraw(&mut self, head: Pending, group: Group) {
        let event = head.delivery.event;
        self.free.remove(&(true, event, group));
        self.free.remove(&(false, event, group));
        if let Place::Later(due) = head.place {
            self.due.remove(&(due, event, group));
        }
    }

    fn free_due(&mut self, now: Timestamp) {
        while let Some((_, event, group)) = self.due.first().copied().filter(|(due, ..)| *due <= now) {
            self.due.pop_first();
            self.free.insert((false, event, group));
        }
    }
}
