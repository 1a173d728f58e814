//! When which rule fires next, in memory. What was fired is on disk with the events; this is made from it at the start.

use std::collections::{BTreeSet, HashMap};

use eventyard_core::clock::Timestamp;
use eventyard_core::name::RuleNumber;
use eventyard_core::schedule::RuleSchedule;

use crate::journal::ScheduleMark;

/// The schedules of all enabled rules that have one, in the order in which they fire.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    rules: HashMap<RuleNumber, Entry>,
    /// Rules that fire no more are not here.
    releases: BTreeSet<(Timestamp, RuleNumber)>,
}

#[derive(Debug)]
struct Entry {
    schedule: RuleSchedule,
    /// Everything due up to here was fired or missed.
    through: Timestamp,
    release: Option<Timestamp>,
}

impl Timetable {
    /// Sets the schedule of a rule, or that it has none. One that runs on, with other options perhaps, keeps its place.
    pub(super) fn put(&mut self, rule: RuleNumber, schedule: Option<RuleSchedule>) {
        let old = self.remove(rule);
        let Some(schedule) = schedule else { return };
        let through = old.filter(|old| old.schedule.since() == schedule.since()).map(|old| old.through);
        let through = through.unwrap_or(schedule.since());
        self.insert(rule, schedule, through);
    }

    /// Takes a rule out.
    fn remove(&mut self, rule: RuleNumber) -> Option<Entry> {
        let entry = self.rules.remove(&rule)?;
        if let Some(release) = entry.release {
            self.releases.remove(&(release, rule));
        }
        Some(entry)
    }

    /// Puts rules where they were fired to. A mark of another schedule, which the rule had before, says nothing.
    pub(super) fn advance(&mut self, marks: &[ScheduleMark]) {
        for mark in marks {
            if self.rules.get(&mark.rule).is_none_or(|entry| entry.schedule.since() != mark.since) {
                continue;
            }
            if let Some(entry) = self.remove(mark.rule) {
                self.insert(mark.rule, entry.schedule, mark.through);
            }
        }
    }

    /// The rules that have something to fire at `now`, the longest waiting first, each with up to when it was fired.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = (RuleNumber, &RuleSchedule, Timestamp)> {
        let due = self.releases.range(..=(now, RuleNumber(u64::MAX)));
        due.filter_map(|(_, rule)| self.rules.get(rule).map(|entry| (*rule, &entry.schedule, entry.through)))
    }

    fn insert(&mut self, rule: RuleNumber, schedule: RuleSchedule, through: Timestamp) {
        let release = schedule.next(through).map(|firing| firing.release);
        self.releases.extend(release.map(|release| (release, rule)));
        self.rules.insert(rule, Entry { schedule, through, release });
    }
}
