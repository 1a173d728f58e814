//! Reading past damage: an entry that is not in its form goes to the quarantine, and what stands behind it is read.

use super::committer::Request;
use super::disk::{Disk, Durability, Space, Write};
use super::quarantine::Quarantined;
use super::{Journal, JournalError, Place, keys, records};
use crate::telemetry::Telemetry;

/// Entries that are read at once while all are looked at.
const PAGE: usize = 4_096;

/// An entry that is not in its form.
#[derive(Clone, Debug)]
pub(super) struct DamagedEntry {
    pub(super) space: Space,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) reason: String,
}

impl DamagedEntry {
    pub(super) fn quarantined(&self) -> Quarantined {
        let Self { space, key, value, reason } = self.clone();
        Quarantined { place: space.name(), key, value, reason }
    }

    /// What takes its place. A retry of which only the attempts cannot be read is owed as if there had been none.
    pub(super) fn writes(&self) -> Vec<Write> {
        let remove = Write::Remove(self.space, self.key.clone());
        let again = (self.space == Space::Later).then(|| keys::parse_later(&self.key, 0).ok()).flatten();
        let again = again.map(|mut pending| {
            pending.place = Place::Ready;
            Write::Insert(Space::Ready, keys::pending(&pending), Vec::new())
        });
        [Some(remove), again].into_iter().flatten().collect()
    }
}

/// Puts entries aside in the quarantine, and only then takes them from where they are.
pub(super) fn put_aside(disk: &dyn Disk, damaged: &[DamagedEntry], telemetry: &Telemetry) -> Result<(), JournalError> {
    if damaged.is_empty() {
        return Ok(());
    }
    let records: Vec<_> = damaged.iter().map(DamagedEntry::quarantined).collect();
    disk.quarantine(&records)?;
    disk.write(damaged.iter().flat_map(DamagedEntry::writes).collect(), Durability::Process)?;
    for record in &records {
        record.tell(telemetry);
    }
    Ok(())
}

/// The entries of `space` that are not in their form, of those that are read at start.
pub(super) fn damaged(disk: &dyn Disk, space: Space) -> Result<Vec<DamagedEntry>, JournalError> {
    let (mut damaged, mut from) = (Vec::new(), Vec::new());
    loop {
        let entries = disk.scan(space, &from, &[u8::MAX; 64], PAGE)?;
        let Some((last, _)) = entries.last() else { return Ok(damaged) };
        from = [last.as_slice(), &[0]].concat();
        for (key, value) in entries {
            if let Err(error) = parse(space, &key, &value) {
                damaged.push(DamagedEntry { space, key, value, reason: error.to_string() });
            }
        }
    }
}

/// Says whether an entry is in its form.
pub(super) fn parse(space: Space, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
    let is_empty = |value: &[u8]| {
        let damaged = || JournalError::Damaged("a delivery with a value".to_owned());
        value.is_empty().then_some(()).ok_or_else(damaged)
    };
    match space {
        Space::Ready => keys::parse_ready(key).and_then(|_| is_empty(value)),
        Space::Later => records::parse_later(key, value).map(drop),
        Space::Dead => super::DeadLetterId::from_key(key).and_then(|_| records::parse_dead_letter(value)).map(drop),
        Space::Schedules => records::parse_schedule(key, value).map(drop),
        Space::Events(_) => keys::parse_event(key).and_then(|number| {
            let damaged = || JournalError::Damaged(format!("event {}", number.0));
            records::parse_event(value).map(drop).ok_or_else(damaged)
        }),
        Space::History(_) => records::parse_attempt(key, value).map(drop),
        Space::Deduplication(_) => records::parse_deduplication(value).map(drop),
        Space::Meta if key == keys::NEXT_EVENT => keys::parse_event(value).map(drop),
        Space::Meta if key == keys::DEAD_LETTER_BYTES => records::parse_count(value).map(drop),
        Space::Meta => Ok(()),
    }
}

impl Journal {
    /// The first `limit` entries that `parse` understands, from the key `from` on and before the key `end`. The others go to
    /// the quarantine.
    pub(super) fn read_sound<T>(
        &self,
        space: Space,
        (from, end): (&[u8], &[u8]),
        limit: usize,
        parse: impl Fn(&[u8], &[u8]) -> Result<T, JournalError>,
    ) -> Result<Vec<T>, JournalError> {
        let (mut sound, mut from) = (Vec::new(), from.to_vec());
        loop {
            let wanted = limit - sound.len();
            let entries = self.disk.scan(space, &from, end, wanted)?;
            let is_rest = entries.len() < wanted;
            let before = sound.len();
            if let Some((last, _)) = entries.last() {
                from = [last.as_slice(), &[0]].concat();
            }
            let count = entries.len();
            for (key, value) in entries {
                match parse(&key, &value) {
                    Ok(parsed) => sound.push(parsed),
                    Err(error) => {
                        self.put_aside(DamagedEntry { space, key, value, reason: error.to_string() });
                    }
                }
            }
            if is_rest || sound.len() - before == count {
                return Ok(sound);
            }
        }
    }

    /// Asks for the quarantine of an entry. When the thread that writes has no time, whoever reads it next asks again.
    pub(super) fn put_aside(&self, damaged: DamagedEntry) {
        let _ = self.requests.try_send(Request::Quarantine { damaged });
    }
}
