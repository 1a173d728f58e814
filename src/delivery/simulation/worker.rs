//! A worker as the simulation turns it: what it has under way, what it waits for, and for how long it has waited.

use std::time::Duration;

use eventyard_core::name::EventNumber;

use super::{LONGEST_ATTEMPT, Sometimes};
use crate::delivery::gate::Pass;
use crate::delivery::queue::Queue;
use crate::delivery::slots::Slot;
use crate::delivery::turn::{SHARE_PERIOD, WaitsFor};
use crate::journal::{Pending, Settled};

/// An attempt under way. Times are those since the simulation began.
pub(super) struct Attempt {
    pub(super) pending: Pending,
    pub(super) pass: Pass,
    pub(super) ends: Duration,
    pub(super) _slot: Slot,
}

/// Settlements on their way. They are written late, and the worker hears of it later still; a crash before that loses them.
pub(super) enum Settling {
    Asked(Duration, Vec<Settled>),
    Written(Duration, Vec<(EventNumber, Option<Pending>)>),
}

impl Settling {
    pub(super) fn due(&self) -> Duration {
        let (Self::Asked(due, _) | Self::Written(due, _)) = self;
        *due
    }
}

pub(super) struct Worker {
    pub(super) queue: Queue,
    pub(super) under_way: Vec<Attempt>,
    /// Ended, and nobody was asked to write it yet.
    pub(super) unsettled: Vec<Settled>,
    pub(super) settling: Option<Settling>,
    /// Something happened that it has not looked at.
    pub(super) has_news: bool,
    waits_for: WaitsFor,
    sleeps_until: Option<Duration>,
    /// Since when it had to wait for its share at each look.
    hungry_since: Option<Duration>,
    /// The same, without a single attempt begun.
    starved_since: Option<Duration>,
}

impl Worker {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            under_way: Vec::new(),
            unsettled: Vec::new(),
            settling: None,
            has_news: true,
            waits_for: WaitsFor::Work(None),
            sleeps_until: None,
            hungry_since: None,
            starved_since: None,
        }
    }

    /// When something happens to it by itself.
    pub(super) fn next(&self) -> Option<Duration> {
        let ends = self.under_way.iter().map(|attempt| attempt.ends).min();
        let settled = self.settling.as_ref().map(Settling::due);
        [ends, settled, self.sleeps_until].into_iter().flatten().min()
    }

    pub(super) fn is_awake(&self, at: Duration) -> bool {
        self.has_news || self.has_slept(at)
    }

    fn has_slept(&self, at: Duration) -> bool {
        self.sleeps_until.is_some_and(|until| until <= at)
    }

    /// Whether it has waited in vain for anything to do.
    pub(super) fn ends(&self, at: Duration) -> bool {
        let is_idle = self.under_way.is_empty() && self.settling.is_none();
        is_idle && !self.has_news && self.waits_for.may_end() && self.has_slept(at)
    }

    /// It begins an attempt. None is made twice at once, no two of a group, and one probe at a time.
    pub(super) fn begin(&mut self, attempt: Attempt, is_alone: impl Fn(&Pending) -> bool) {
        let is_probe = |pass: Pass| matches!(pass, Pass::Probe { .. });
        let probes = self.under_way.iter().filter(|other| is_probe(other.pass)).count();
        assert!(!is_probe(attempt.pass) || probes == 0, "two probes at once");
        let event = attempt.pending.delivery.event;
        let mut others = self.under_way.iter().map(|other| &other.pending);
        assert!(others.all(|other| other.delivery.event != event), "one delivery twice at once");
        assert!(self.under_way.iter().all(|other| is_alone(&other.pending)), "two of a group at once");
        self.starved_since = None;
        self.under_way.push(attempt);
    }

    /// It waits, beside `others`, all with a share of `slots`.
    ///
    /// While others have what there is, a target has at least one attempt under way, and begins the next one when that has
    /// ended. And when everything that was under way before it came has ended, it has its share: of two targets a third
    /// each, of three a quarter, and so on. Half of that is asked for, as shares are found one look after another.
    pub(super) fn wait(&mut self, waits_for: WaitsFor, at: Duration, (others, slots): (usize, usize)) -> Sometimes {
        self.has_news = false;
        self.waits_for = waits_for;
        self.sleeps_until = waits_for.sleep().map(|sleep| at + sleep);
        let mut met = Sometimes::new();
        if waits_for != WaitsFor::Share {
            (self.hungry_since, self.starved_since) = (None, None);
            return met;
        }
        met.insert("waited for its share");
        let starved = at.saturating_sub(*self.starved_since.get_or_insert(at));
        assert!(starved <= LONGEST_ATTEMPT + SHARE_PERIOD, "nothing was begun for {starved:?}");
        assert!(!self.under_way.is_empty(), "others have all the slots");
        if at.saturating_sub(*self.hungry_since.get_or_insert(at)) > LONGEST_ATTEMPT + SHARE_PERIOD {
            met.insert("waited for its share for long");
            let held = self.under_way.len();
            assert!(2 * (others + 2) * held >= slots, "{held} of {slots} slots beside {others} others");
        }
        met
    }
}
