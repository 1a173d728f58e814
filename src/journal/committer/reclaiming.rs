//! Giving space back: of what nothing refers to any more, a whole space at a time.

use eventyard_core::clock::Timestamp;

use super::Committer;
use crate::journal::disk::{Durability, Space, Write};
use crate::journal::{JournalError, keys};
use crate::telemetry::SegmentDropped;

impl Committer {
    /// Gives back the space of attempts that are too old or too many, and of what is known of events for long enough. Nothing
    /// refers to them.
    pub(super) fn drop_expired(&mut self, now: Option<Timestamp>) -> Result<(), JournalError> {
        let Some(now) = now else { return Ok(()) };
        for space in [self.spans.take_expired(now), self.recent.take_expired(now)].concat() {
            self.disk.drop_space(space)?;
        }
        Ok(())
    }

    /// Gives back the space of segments that owe nothing.
    ///
    /// What settled them has to be on disk first: a settlement lost with the power would bring back a delivery whose event
    /// is gone.
    pub(super) fn drop_drained(&self, may_have_drained: bool) -> Result<(), JournalError> {
        let drained = if may_have_drained { self.segments_mut().take_drained() } else { Vec::new() };
        if drained.is_empty() {
            return Ok(());
        }
        let forget = |segment: &u64| Write::Remove(Space::Meta, keys::segment_bytes(*segment));
        let mut batch: Vec<_> = drained.iter().map(forget).collect();
        batch.push(self.next_event_write());
        self.disk.write(batch, Durability::Power)?;
        for segment in drained {
            self.disk.drop_space(Space::Events(segment))?;
            self.telemetry.record(&SegmentDropped { first: segment });
        }
        Ok(())
    }
}
