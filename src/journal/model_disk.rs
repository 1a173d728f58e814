//! A disk for tests: a sorted map that can lose power.
//!
//! It keeps what was brought to disk apart from what was only written. [`ModelDisk::lose_power`] forgets the latter from a
//! point on that the test chooses, batch by batch, as a real disk may.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskError, Durability, Entries, Space, View, Write, page};
use super::quarantine::Quarantined;

/// What is in each space that has anything.
type Map = BTreeMap<Space, BTreeMap<Vec<u8>, Vec<u8>>>;

#[derive(Debug, Default)]
struct State {
    durable: Map,
    unsynced: Vec<Vec<Write>>,
    visible: Map,
    free_bytes: Option<u64>,
    writes_until_failure: Option<usize>,
    read_fault: Option<(Space, ReadFault)>,
    /// Keys that lie in files that are not what was written.
    damaged: BTreeSet<(Space, Vec<u8>)>,
    /// What was on disk of spaces that were deleted.
    dropped: Map,
    quarantined: Vec<Quarantined>,
}

impl State {
    /// Fails as it was told.
    fn check_read(&self, space: Space) -> Result<(), DiskError> {
        match self.read_fault.filter(|(failing, _)| *failing == space) {
            Some((_, ReadFault::Error)) => Err(failed(None)),
            #[expect(clippy::panic, reason = "the test asked for it")]
            Some((_, ReadFault::Panic)) => panic!("the model disk was told to"),
            None => Ok(()),
        }
    }
}

/// How reading fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// With an error, as when a disk cannot be read.
    Error,
    /// With a panic, as a bug in a storage engine may.
    Panic,
}

/// A disk in memory.
#[derive(Debug, Default)]
pub struct ModelDisk(Mutex<State>);

impl ModelDisk {
    /// The disk after a loss of power that let only the first `kept` of the batches without fsync through.
    #[must_use]
    pub fn lose_power(&self, kept: usize) -> Self {
        let state = self.state();
        let mut durable = state.durable.clone();
        for batch in state.unsynced.iter().take(kept) {
            apply(&mut durable, batch);
        }
        Self(Mutex::new(State { visible: durable.clone(), durable, ..State::default() }))
    }

    /// The same, but every space that was deleted since the start is there again, as [`Disk::drop_space`] allows.
    #[must_use]
    pub fn lose_power_and_drops(&self, kept: usize) -> Self {
        let dropped = self.state().dropped.clone();
        let disk = self.lose_power(kept);
        {
            let state = &mut *disk.state();
            for map in [&mut state.durable, &mut state.visible] {
                for (space, entries) in &dropped {
                    map.entry(*space).or_default().extend(entries.clone());
                }
            }
        }
        disk
    }

    /// Batches that were written and not brought to disk.
    #[must_use]
    pub fn unsynced_batches(&self) -> usize {
        self.state().unsynced.len()
    }

    /// Sets how many bytes are free.
    pub fn set_free_bytes(&self, free_bytes: u64) {
        self.state().free_bytes = Some(free_bytes);
    }

    /// Lets that many writes succeed and every later one fail.
    pub fn fail_after(&self, writes: usize) {
        self.state().writes_until_failure = Some(writes);
    }

    /// Lets every read of `space` fail.
    pub fn fail_reads_of(&self, space: Space, fault: ReadFault) {
        self.state().read_fault = Some((space, fault));
    }

    /// Lets every read that meets this key fail until it is salvaged, as when the file it lies in is damaged.
    pub fn damage(&self, space: Space, key: Vec<u8>) {
        self.state().damaged.insert((space, key));
    }

    /// Lets all reads succeed again.
    pub fn mend_reads(&self) {
        self.state().read_fault = None;
    }

    /// What was put aside.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined> {
        self.state().quarantined.clone()
    }

    fn numbers(&self, number: impl Fn(Space) -> Option<u64>) -> Vec<u64> {
        self.state().visible.keys().filter_map(|space| number(*space)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn apply(map: &mut Map, batch: &[Write]) {
    for write in batch {
        match write {
            Write::Insert(space, key, value) => drop(map.entry(*space).or_default().insert(key.clone(), value.clone())),
            Write::Remove(space, key) => remove(map, *space, key),
        }
    }
}

fn remove(map: &mut Map, space: Space, key: &[u8]) {
    if let Some(entries) = map.get_mut(&space) {
        entries.remove(key);
        if entries.is_empty() {
            map.remove(&space);
        }
    }
}

impl State {
    /// Fails when the key is damaged.
    fn check(&self, space: Space, key: &[u8]) -> Result<(), DiskError> {
        if !self.damaged.is_empty() && self.damaged.contains(&(space, key.to_vec())) {
            return Err(failed(Some(space)));
        }
        Ok(())
    }
}

fn failed(damaged: Option<Space>) -> DiskError {
    DiskError { action: "model", reason: "it was told to fail".to_owned(), damaged }
}

fn range<'a>(
    map: &'a Map,
    space: Space,
    from: &'a [u8],
    end: &'a [u8],
) -> impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)> {
    let entries = map.get(&space).filter(|_| from < end);
    let bounds = (Bound::Included(from), Bound::Excluded(end));
    entries.into_iter().flat_map(move |entries| entries.range::<[u8], _>(bounds))
}

impl View for Map {
    fn spaces(&self) -> Vec<Space> {
        self.keys().copied().collect()
    }

    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError> {
        page(range(self, space, from, end).map(|(key, value)| Ok((key.clone(), value.clone()))), limit)
    }
}

impl Disk for ModelDisk {
    fn write(&self, batch: Vec<Write>, durability: Durability) -> Result<(), DiskError> {
        let state = &mut *self.state();
        if let Some(writes) = &mut state.writes_until_failure {
            *writes = writes.checked_sub(1).ok_or_else(|| failed(None))?;
        }
        apply(&mut state.visible, &batch);
        state.unsynced.push(batch);
        if durability == Durability::Power {
            // Batch by batch: to copy all that is there would cost more the more there is.
            for batch in std::mem::take(&mut state.unsynced) {
                apply(&mut state.durable, &batch);
            }
        }
        Ok(())
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        let state = self.state();
        state.check_read(space)?;
        state.check(space, key)?;
        Ok(state.visible.get(&space).and_then(|entries| entries.get(key)).cloned())
    }

    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError> {
        let state = self.state();
        state.check_read(space)?;
        let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| {
            state.check(space, key)?;
            Ok((key.clone(), value.clone()))
        };
        page(range(&state.visible, space, from, end).map(entry), limit)
    }

    fn keys(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, DiskError> {
        let state = self.state();
        state.check_read(space)?;
        let key = |(key, _): (&Vec<u8>, &Vec<u8>)| state.check(space, key).map(|()| key.clone());
        range(&state.visible, space, from, end).take(limit).map(key).collect()
    }

    fn salvage(&self, space: Space) -> Result<Vec<Quarantined>, DiskError> {
        let state = &mut *self.state();
        let (keys, others) = std::mem::take(&mut state.damaged).into_iter().partition(|(other, _)| *other == space);
        state.damaged = others;
        let keys: BTreeSet<(Space, Vec<u8>)> = keys;
        let lost: Vec<_> = keys
            .into_iter()
            .map(|(space, key)| {
                for map in [&mut state.durable, &mut state.visible] {
                    remove(map, space, &key);
                }
                Quarantined { place: space.name(), key, value: Vec::new(), reason: "it cannot be read".to_owned() }
            })
            .collect();
        state.quarantined.extend_from_slice(&lost);
        Ok(lost)
    }

    fn segments(&self) -> Vec<u64> {
        self.numbers(|space| match space {
            Space::Events(first) => Some(first),
            _ => None,
        })
    }

    fn spans(&self) -> Vec<u64> {
        self.numbers(|space| match space {
            Space::History(begin) => Some(begin),
            _ => None,
        })
    }

    fn bytes(&self, space: Space) -> u64 {
        let state = self.state();
        let entries = state.visible.get(&space).into_iter().flatten();
        entries.map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }

    fn quarantine(&self, records: &[Quarantined]) -> Result<(), DiskError> {
        self.state().quarantined.extend_from_slice(records);
        Ok(())
    }

    fn view(&self) -> Result<Box<dyn View>, DiskError> {
        Ok(Box::new(self.state().visible.clone()))
    }

    fn drop_space(&self, space: Space) -> Result<(), DiskError> {
        let state = &mut *self.state();
        state.visible.remove(&space);
        let was = state.durable.remove(&space).unwrap_or_default();
        state.dropped.entry(space).or_default().extend(was);
        Ok(())
    }

    fn free_bytes(&self) -> Result<Option<u64>, DiskError> {
        Ok(self.state().free_bytes)
    }
}
