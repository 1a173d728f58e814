//! Segments: which events are still owed, counted by the segment they lie in.
//!
//! Counting by segment bounds memory whatever the backlog, and lets space be given back by deleting a segment whole.

use std::collections::BTreeMap;

use eventyard_core::name::EventNumber;

use super::disk::{Disk, Space};
use super::{JournalError, keys, records};

/// How many entries are read at once while the journal is opened.
const RECOVERY_PAGE: usize = 4_096;

/// One segment.
#[derive(Debug, Default)]
struct Segment {
    /// Deliveries owed of its events.
    owed: u64,
    /// Bytes of its events and of what was owed of them.
    bytes: u64,
}

/// All segments, by the number of their first event.
#[derive(Debug, Default)]
pub(super) struct Segments {
    segments: BTreeMap<u64, Segment>,
}

impl Segments {
    /// Counts what the disk owes.
    pub(super) fn recover(disk: &dyn Disk) -> Result<Self, JournalError> {
        let mut recovered = Self::default();
        for first in disk.segments() {
            let bytes = disk.get(Space::Meta, &keys::segment_bytes(first))?;
            let bytes = bytes.and_then(|bytes| records::parse_count(&bytes).ok());
            // Releases before did not write it down.
            let bytes = bytes.unwrap_or_else(|| disk.bytes(Space::Events(first)));
            recovered.segments.insert(first, Segment { owed: 0, bytes });
        }
        recovered.count(disk, Space::Ready, |key, _| keys::parse_ready(key).map(|pending| pending.delivery.event))?;
        recovered.count(disk, Space::Later, |key, value| {
            records::parse_later(key, value).map(|pending| pending.delivery.event)
        })?;
        Ok(recovered)
    }

    fn count(
        &mut self,
        disk: &dyn Disk,
        space: Space,
        event: impl Fn(&[u8], &[u8]) -> Result<EventNumber, JournalError>,
    ) -> Result<(), JournalError> {
        let mut from = Vec::new();
        loop {
            let entries = disk.scan(space, &from, &[u8::MAX; 32], RECOVERY_PAGE)?;
            for (key, value) in &entries {
                let event = event(key, value)?;
                self.add(event, 1);
            }
            let Some((last, _)) = entries.last() else { return Ok(()) };
            from.clone_from(last);
            from.push(0);
        }
    }

    /// The segment of an event.
    pub(super) fn of(&self, event: EventNumber) -> Option<u64> {
        self.segments.range(..=event.0).next_back().map(|(first, _)| *first)
    }

    /// The segment that the event numbered `next` shall be written to: the one in which it will be looked for, or a new one
    /// when that is full.
    ///
    /// That is not always the newest. A segment is made on disk before the group that begins it is written; when a crash
    /// comes between the two, a segment is found that begins with an event yet to come.
    pub(super) fn for_next(&mut self, next: EventNumber, size_bytes: u64) -> u64 {
        let current = self.segments.range(..=next.0).next_back();
        let first = current.filter(|(_, segment)| segment.bytes < size_bytes).map_or(next.0, |(first, _)| *first);
        self.segments.entry(first).or_default();
        first
    }

    /// Counts bytes written to a segment.
    pub(super) fn grow(&mut self, segment: u64, bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.bytes += bytes;
        }
    }

    /// Bytes of a segment.
    pub(super) fn bytes_of(&self, segment: u64) -> u64 {
        self.segments.get(&segment).map_or(0, |segment| segment.bytes)
    }

    /// Bytes of all segments in which something is owed.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.values().filter(|segment| segment.owed > 0).map(|segment| segment.bytes).sum()
    }

    /// Counts deliveries owed of an event.
    pub(super) fn add(&mut self, event: EventNumber, deliveries: u64) {
        if let Some((_, segment)) = self.segments.range_mut(..=event.0).next_back() {
            segment.owed += deliveries;
        }
    }

    /// Counts one delivery of an event as owed no longer.
    pub(super) fn settle(&mut self, event: EventNumber) {
        if let Some((_, segment)) = self.segments.range_mut(..=event.0).next_back() {
            debug_assert!(segment.owed > 0, "a delivery was settled twice");
            segment.owed = segment.owed.saturating_sub(1);
        }
    }

    /// Takes out the segments that owe nothing, but for the newest, which is still being written.
    pub(super) fn take_drained(&mut self) -> Vec<u64> {
        let newest = self.segments.last_key_value().map(|(first, _)| *first);
        let drained: Vec<u64> = self
            .segments
            .iter()
            .filter(|(first, segment)| segment.owed == 0 && Some(**first) != newest)
            .map(|(first, _)| *first)
            .collect();
        for first in &drained {
            self.segments.remove(first);
        }
        drained
    }

    /// Deliveries owed in all.
    pub(super) fn owed(&self) -> u64 {
        self.segments.values().map(|segment| segment.owed).sum()
    }

    /// How many segments there are.
    pub(super) fn count_segments(&self) -> usize {
        self.segments.len()
    }
}
