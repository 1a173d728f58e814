//! What the thread that writes does about damage while it runs.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::Committer;
use crate::journal::damage::{self, DamagedEntry};
use crate::journal::disk::Space;
use crate::journal::segments::Segments;
use crate::journal::{JournalError, dead_letters};

impl Committer {
    /// Puts aside what is still there, each once.
    pub(super) fn put_aside(&self, mut damaged: Vec<DamagedEntry>) -> Result<(), JournalError> {
        damaged.sort_by(|one, other| (one.space, &one.key).cmp(&(other.space, &other.key)));
        damaged.dedup_by(|one, other| (one.space, &one.key) == (other.space, &other.key));
        damaged.retain(|entry| matches!(self.disk.get(entry.space, &entry.key), Ok(Some(_))));
        damage::put_aside(self.disk.as_ref(), &damaged, &self.telemetry)
    }

    /// Moves spaces away from damaged files, and counts again what is kept of them in memory. Between two groups, so that
    /// nothing is counted that is not written yet.
    pub(super) fn salvage(&mut self, spaces: &BTreeSet<Space>) -> Result<(), JournalError> {
        for space in spaces {
            damage::salvage(self.disk.as_ref(), *space, &self.telemetry)?;
            match space {
                Space::Ready | Space::Later => {
                    let counted = Segments::recover(self.disk.as_ref())?;
                    *self.segments_mut() = counted;
                }
                Space::Dead => {
                    self.dead_letter_bytes = dead_letters::bytes(self.disk.as_ref())?;
                    self.dead_letter_bytes_written.store(self.dead_letter_bytes, Ordering::Relaxed);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
