//! Looking at every entry of a journal: whether it is in its form, and whether what it refers to is there.

use std::collections::{BTreeMap, BTreeSet};

use eventyard_core::name::{EventNumber, TargetNumber};

use super::damage::{DamagedEntry, parse};
use super::disk::{Durability, Space, View, Write};
use super::quarantine::Quarantined;
use super::{Disk, JournalError, Pending, keys, records};

/// Entries read at once.
const PAGE: usize = 4_096;
/// Behind all keys.
const LAST_KEY: [u8; 64] = [u8::MAX; 64];

/// What becomes of something that is wrong.
#[derive(Clone, Debug)]
pub enum Remedy {
    /// A repair puts it aside, by these writes.
    PutAside(Vec<Write>),
    /// A repair sets it right, by this write.
    Correct(Write),
    /// A repair leaves the files behind that hold it, and keeps what can be read.
    Salvage,
    /// The daemon settles it by itself, as a dead letter.
    LeftToTheDaemon,
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What, where, and why.
    pub record: Quarantined,
    /// What becomes of it.
    pub remedy: Remedy,
}

/// What comes of looking.
#[derive(Clone, Debug)]
pub enum Looked {
    /// One entry more is being looked at.
    Entry,
    /// Something is wrong.
    Wrong(Fault),
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Entries by space; those of all segments, and of all spans, are taken together.
    pub entries: BTreeMap<&'static str, u64>,
}

/// Looks at every entry, and hands what comes of it to `found`. `targets` are those the store knows, those that are gone included.
///
/// # Errors
/// When `found` fails.
pub fn check<E>(
    journal: &dyn View,
    targets: &BTreeSet<TargetNumber>,
    found: &mut dyn FnMut(Looked) -> Result<(), E>,
) -> Result<Verdict, E> {
    let mut check = Check {
        journal,
        targets,
        segments: journal.spaces().into_iter().filter_map(segment).collect(),
        newest: 0,
        dead_letter_bytes: 0,
        verdict: Verdict::default(),
    };
    for space in journal.spaces() {
        check.space(space, found)?;
    }
    check.counters(found)?;
    Ok(check.verdict)
}

/// Does what can be done about a fault; answers whether something could. [`Disk::salvage`] comes before the check.
///
/// # Errors
/// When the disk cannot be written.
pub fn repair(disk: &dyn Disk, fault: &Fault) -> Result<bool, JournalError> {
    let writes = match &fault.remedy {
        Remedy::PutAside(writes) => writes.clone(),
        Remedy::Correct(write) => vec![write.clone()],
        Remedy::LeftToTheDaemon | Remedy::Salvage => return Ok(false),
    };
    disk.quarantine(std::slice::from_ref(&fault.record))?;
    disk.write(writes, Durability::Power)?;
    Ok(true)
}

fn segment(space: Space) -> Option<u64> {
    match space {
        Space::Events(first) => Some(first),
        _ => None,
    }
}

struct Check<'a> {
    journal: &'a dyn View,
    targets: &'a BTreeSet<TargetNumber>,
    segments: BTreeSet<u64>,
    /// The highest number of an event that anything refers to.
    newest: u64,
    dead_letter_bytes: u64,
    verdict: Verdict,
}

impl Check<'_> {
    fn space<E>(&mut self, space: Space, found: &mut dyn FnMut(Looked) -> Result<(), E>) -> Result<(), E> {
        let mut from = Vec::new();
        loop {
            let entries = match self.journal.scan(space, &from, &LAST_KEY, PAGE) {
                Ok(entries) => entries,
                // One after another, so that what stands before the place that cannot be read is looked at.
                Err(_) => match self.journal.scan(space, &from, &LAST_KEY, 1) {
                    Ok(entries) => entries,
                    Err(error) => return found(Looked::Wrong(unreadable(space, from, &error))),
                },
            };
            let Some((last, _)) = entries.last() else { return Ok(()) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in entries {
                *self.verdict.entries.entry(kind(space)).or_default() += 1;
                found(Looked::Entry)?;
                if let Some(fault) = self.entry(space, key, value) {
                    found(Looked::Wrong(fault))?;
                }
            }
        }
    }

    fn entry(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) -> Option<Fault> {
        if let Err(error) = parse(space, &key, &value) {
            let damaged = DamagedEntry { space, key, value, reason: error.to_string() };
            return Some(Fault { record: damaged.quarantined(), remedy: Remedy::PutAside(damaged.writes()) });
        }
        let reason = match space {
            Space::Ready => self.delivery(&keys::parse_ready(&key).ok()?),
            Space::Later => self.delivery(&records::parse_later(&key, &value).ok()?),
            Space::Dead => {
                self.dead_letter_bytes += value.len() as u64;
                self.newest = self.newest.max(super::DeadLetterId::from_key(&key).ok()?.event().0);
                None
            }
            Space::Events(first) => self.event(first, keys::parse_event(&key).ok()?),
            Space::History(_) => {
                self.newest = self.newest.max(records::parse_attempt(&key, &value).ok()?.delivery.event.0);
                None
            }
            Space::Meta | Space::Schedules | Space::Deduplication(_) => None,
        }?;
        let record = Quarantined { place: space.name(), key, value, reason };
        Some(Fault { record, remedy: Remedy::LeftToTheDaemon })
    }

    fn event(&mut self, first: u64, number: EventNumber) -> Option<String> {
        self.newest = self.newest.max(number.0);
        let segment = self.segments.range(..=number.0).next_back();
        (segment != Some(&first)).then(|| format!("event {} is not in its segment", number.0))
    }

    /// The event of a delivery has to be there, and its target known. Who looks for one entry asks for a range of one key.
    fn delivery(&mut self, pending: &Pending) -> Option<String> {
        let delivery = pending.delivery;
        self.newest = self.newest.max(delivery.event.0);
        if !self.targets.contains(&delivery.target) {
            return Some(format!("a delivery to the target {}, which the store does not know", delivery.target.0));
        }
        let is_there = |space, key: Vec<u8>| {
            let end = [key.as_slice(), &[0]].concat();
            self.journal.scan(space, &key, &end, 1).is_ok_and(|found| !found.is_empty())
        };
        let segment = self.segments.range(..=delivery.event.0).next_back();
        if !segment.is_some_and(|first| is_there(Space::Events(*first), keys::event(delivery.event))) {
            return Some(format!("a delivery of the event {}, which is not there", delivery.event.0));
        }
        let is_later = matches!(pending.place, super::Place::Later(_));
        (is_later && is_there(Space::Ready, keys::ready(delivery.target, delivery.event)))
            .then(|| format!("a retry of the event {}, which is also owed as new", delivery.event.0))
    }

    /// The numbers that the journal keeps about itself.
    fn counters<E>(&self, found: &mut dyn FnMut(Looked) -> Result<(), E>) -> Result<(), E> {
        let stored = |key: &[u8]| {
            let end = [key, &[0]].concat();
            let entries = self.journal.scan(Space::Meta, key, &end, 1).unwrap_or_default();
            entries.first().map(|(_, value)| value.clone())
        };
        let correct = |key: &[u8], value: Option<Vec<u8>>, right: Vec<u8>, reason: String| Fault {
            record: Quarantined {
                place: Space::Meta.name(),
                key: key.to_vec(),
                value: value.unwrap_or_default(),
                reason,
            },
            remedy: Remedy::Correct(Write::Insert(Space::Meta, key.to_vec(), right)),
        };
        let next = stored(keys::NEXT_EVENT);
        let number = next.as_deref().and_then(|value| keys::parse_event(value).ok());
        let is_behind = number.is_none_or(|number| number.0 <= self.newest);
        if is_behind && self.newest > 0 {
            let reason = format!("the next event's number is not above {}, which was given", self.newest);
            found(Looked::Wrong(correct(keys::NEXT_EVENT, next, keys::event(EventNumber(self.newest + 1)), reason)))?;
        }
        let bytes = stored(keys::DEAD_LETTER_BYTES);
        let count = bytes.as_deref().and_then(|value| records::parse_count(value).ok());
        if bytes.is_some() && count != Some(self.dead_letter_bytes) {
            let reason =
                format!("the dead letters take {} bytes, and the count says otherwise", self.dead_letter_bytes);
            found(Looked::Wrong(correct(
                keys::DEAD_LETTER_BYTES,
                bytes,
                records::count(self.dead_letter_bytes),
                reason,
            )))?;
        }
        Ok(())
    }
}

fn kind(space: Space) -> &'static str {
    match space {
        Space::Events(_) => "events",
        Space::History(_) => "history",
        Space::Deduplication(_) => "deduplication",
        Space::Meta => "meta",
        Space::Ready => "ready",
        Space::Later => "later",
        Space::Dead => "dead",
        Space::Schedules => "schedules",
    }
}

fn unreadable(space: Space, key: Vec<u8>, error: &dyn std::error::Error) -> Fault {
    let reason = format!("from this key on the files cannot be read: {error}");
    Fault { record: Quarantined { place: space.name(), key, value: Vec::new(), reason }, remedy: Remedy::Salvage }
}
