//! Dead letters in the journal: reading, sending again, deleting.

use std::sync::atomic::Ordering;

use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::TargetNumber;

use super::committer::Request;
use super::disk::{Disk, Space};
use super::{DeadLetterId, Journal, JournalError, keys, records};

/// Which dead letters are read, in the order in which they died.
#[derive(Clone, Copy, Debug)]
pub struct DeadLetterPage {
    /// Behind this one.
    pub after: Option<DeadLetterId>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// A dead letter as it was read; one that cannot be says why.
pub type StoredDeadLetter = (DeadLetterId, Result<DeadLetter, JournalError>);

/// A copy of a dead letter that is owed to where its target says. It is kept as an event of its own, so it is written, tried
/// again and brought through crashes as all events are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterCopy {
    /// Where it goes: `DeadLetterConfig.Arn` of the target at the death.
    pub destination: String,
    /// The dead letter.
    pub letter: DeadLetter,
}

impl DeadLetterCopy {
    /// The event that it is kept as.
    #[must_use]
    pub fn to_event(&self, id: EventId) -> Event {
        let envelope = records::dead_letter_copy(&self.destination, &self.letter).into();
        Event { id, received: self.letter.died, envelope, forwarded_from: Vec::new(), trace: None }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] for an event that is none.
    pub fn from_event(event: &Event) -> Result<Self, JournalError> {
        let (destination, letter) = records::parse_dead_letter_copy(&event.envelope)?;
        Ok(Self { destination, letter })
    }
}

impl Journal {
    /// Dead letters in the order in which they died; fewer than were asked for when they are large, but one at least when
    /// there is one.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn dead_letters(&self, page: &DeadLetterPage) -> Result<Vec<StoredDeadLetter>, JournalError> {
        let (from, end) = bounds(page);
        let entries = self.read(self.disk.scan(Space::Dead, &from, &end, page.limit))?;
        entries
            .iter()
            .map(|(key, value)| Ok((DeadLetterId::from_key(key)?, records::parse_dead_letter(value))))
            .collect()
    }

    /// The same, without what they hold.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn dead_letter_ids(&self, page: &DeadLetterPage) -> Result<Vec<DeadLetterId>, JournalError> {
        let (from, end) = bounds(page);
        let keys = self.read(self.disk.keys(Space::Dead, &from, &end, page.limit))?;
        keys.iter().map(|key| DeadLetterId::from_key(key)).collect()
    }

    /// The oldest dead letters that together have that many bytes or a little more; fewer where they are many, but one at least
    /// when there is one.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn oldest_dead_letters(&self, size_bytes: u64) -> Result<Vec<DeadLetterId>, JournalError> {
        const PAGE: usize = 1_000;
        let mut left_bytes = size_bytes;
        let mut ids = Vec::new();
        for (key, value) in self.read(self.disk.scan(Space::Dead, &[], &[u8::MAX; 32], PAGE))? {
            if left_bytes == 0 {
                break;
            }
            left_bytes = left_bytes.saturating_sub(value.len() as u64);
            ids.push(DeadLetterId::from_key(&key)?);
        }
        Ok(ids)
    }

    /// One dead letter, if it is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, JournalError> {
        let value = self.read(self.disk.get(Space::Dead, &id.key()))?;
        value.map(|value| records::parse_dead_letter(&value)).transpose()
    }

    /// Owes the events of dead letters to targets again, as accepted at `received`, and deletes the dead letters, in one
    /// group. When it returns, that is on disk. Those that are gone or without an event are passed over.
    ///
    /// # Errors
    /// As of [`Journal::commit`]; the dead letters are then still there.
    pub async fn redrive(
        &self,
        letters: Vec<(DeadLetterId, TargetNumber)>,
        received: Timestamp,
    ) -> Result<(), JournalError> {
        self.ask(|answer| Request::Redrive { letters, received, answer }).await
    }

    /// Deletes dead letters.
    ///
    /// # Errors
    /// When the journal is closed.
    pub async fn forget_dead_letters(&self, dead_letters: Vec<DeadLetterId>) -> Result<(), JournalError> {
        self.ask(|answer| Request::Forget { dead_letters, answer }).await
    }

    /// Bytes that all dead letters take.
    #[must_use]
    pub fn dead_letter_bytes(&self) -> u64 {
        self.dead_letter_bytes.load(Ordering::Relaxed)
    }
}

/// The keys from which on and before which the dead letters of a page lie.
fn bounds(page: &DeadLetterPage) -> (Vec<u8>, Vec<u8>) {
    let since = page.since.map(keys::dead_letters_end).unwrap_or_default();
    let from = page.after.map_or_else(Vec::new, DeadLetterId::successor).max(since);
    let end = page.until.map_or_else(|| vec![u8::MAX; 32], keys::dead_letters_end);
    (from, end)
}

/// Bytes that all dead letters take: kept beside them, and counted when it is not there or cannot be read.
pub(super) fn bytes(disk: &dyn Disk) -> Result<u64, JournalError> {
    let kept = disk.get(Space::Meta, keys::DEAD_LETTER_BYTES)?;
    if let Some(bytes) = kept.and_then(|value| records::parse_count(&value).ok()) {
        return Ok(bytes);
    }
    let (mut from, mut bytes) = (Vec::new(), 0);
    loop {
        let entries = disk.scan(Space::Dead, &from, &[u8::MAX; 32], 256)?;
        bytes += entries.iter().map(|(_, value)| value.len() as u64).sum::<u64>();
        let Some((last, _)) = entries.last() else { return Ok(bytes) };
        from.clone_from(last);
        from.push(0);
    }
}
