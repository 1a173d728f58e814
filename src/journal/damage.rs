//! Reading past damage: an entry that is not in its form goes to the quarantine, and what stands behind it is read. A space
//! whose files are not what was written is moved away from them.

use super::committer::Request;
use super::disk::{Disk, DiskError, Durability, Entries, Space, View, Write, is_last_page};
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

/// Moves what can be read of a space away from its damaged files, and tells what cannot.
///
/// What the journal keeps about itself is not touched: with the newest number lost an older one would come back, and numbers
/// of events be given twice. `eventyard fsck --repair` finds the right ones, for it reads everything.
pub(super) fn salvage(disk: &dyn Disk, space: Space, telemetry: &Telemetry) -> Result<(), JournalError> {
    if space == Space::Meta {
        return Ok(());
    }
    let lost = disk.salvage(space)?;
    if space == Space::Dead && !lost.is_empty() {
        // They are counted when it is not there.
        disk.write(vec![Write::Remove(Space::Meta, keys::DEAD_LETTER_BYTES.to_vec())], Durability::Process)?;
    }
    for record in &lost {
        record.tell(telemetry);
    }
    Ok(())
}

/// Looks through all spaces, after a write failed.
pub(super) fn salvage_all(disk: &dyn Disk, telemetry: &Telemetry) -> Result<(), JournalError> {
    disk.view()?.spaces().into_iter().try_for_each(|space| salvage(disk, space, telemetry))
}

/// Makes `space` one that can be read to its end: puts what is damaged aside.
pub(super) fn mend(disk: &dyn Disk, space: Space, telemetry: &Telemetry) -> Result<(), JournalError> {
    let damaged = match damaged(disk, space) {
        Err(error) if error.damaged_space().is_some() => {
            salvage(disk, space, telemetry)?;
            damaged(disk, space)?
        }
        damaged => damaged?,
    };
    put_aside(disk, &damaged, telemetry)
}

/// The entries of `space` that are not in their form, of those that are read at start.
fn damaged(disk: &dyn Disk, space: Space) -> Result<Vec<DamagedEntry>, JournalError> {
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
            let entries = self.read(self.disk.scan(space, &from, end, wanted))?;
            let is_rest = is_last_page(&entries, wanted);
            if let Some((last, _)) = entries.last() {
                from = [last.as_slice(), &[0]].concat();
            }
            for (key, value) in entries {
                match parse(&key, &value) {
                    Ok(parsed) => sound.push(parsed),
                    Err(error) => {
                        self.put_aside(DamagedEntry { space, key, value, reason: error.to_string() });
                    }
                }
            }
            if is_rest || sound.len() == limit {
                return Ok(sound);
            }
        }
    }

    /// Asks for the quarantine of an entry. When the thread that writes has no time, whoever reads it next asks again.
    pub(super) fn put_aside(&self, damaged: DamagedEntry) {
        let _ = self.requests.try_send(Request::Quarantine { damaged });
    }

    /// What was read. When the files of a space are damaged, asks for its salvage, after which what can be read is.
    pub(super) fn read<T>(&self, read: Result<T, DiskError>) -> Result<T, JournalError> {
        read.map_err(|error| {
            if let Some(space) = error.damaged {
                let _ = self.requests.try_send(Request::Salvage { space });
            }
            error.into()
        })
    }
}

/// A view whose reader asks for the salvage of what is damaged.
#[derive(Debug)]
pub(super) struct ReportingView {
    pub(super) view: Box<dyn View>,
    pub(super) journal: Journal,
}

impl View for ReportingView {
    fn spaces(&self) -> Vec<Space> {
        self.view.spaces()
    }

    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError> {
        self.view.scan(space, from, end, limit).inspect_err(|error| {
            let _ = self.journal.read::<()>(Err(error.clone()));
        })
    }
}
