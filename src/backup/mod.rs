//! A backup: store and journal as they were at one moment, in one file that no storage engine is needed to read.
//!
//! The file is a line that names the form, then frames (`frames`) that each have their checksum: first the header, then
//! the records of the store, then the entries of the journal by space, and last the end, with a checksum over everything.
//! It is written and read as a stream. Entries of the journal are carried as they are; their values say their form.

mod frames;

use std::io::{self, Read, Write};

use eventyard_core::clock::Timestamp;
use serde::{Deserialize, Serialize};

pub use frames::Frame;
use frames::{FrameReader, FrameWriter};

use crate::journal::{self, DiskError, Space, View};
use crate::store::{Record, migrations};

/// The folder in a data directory in which a restore works. While it is there the restore has not ended.
pub const RESTORING: &str = "restoring";

/// The space of the header's frame, which comes first.
const HEADER: &str = "backup";
/// The space of the store's records. Those of the journal have their own names.
const STORE: &str = "store";
/// The space of the frame at the end.
const END: &str = "end";
/// Entries read at once.
const PAGE: usize = 1_000;
/// Behind all keys.
const LAST_KEY: [u8; 64] = [u8::MAX; 64];

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The release that wrote it.
    pub version: String,
    /// When it was taken, in milliseconds since the epoch.
    pub taken_ms: i64,
    /// The schema of the store's records.
    pub store_schema: u32,
    /// The schema of the journal. Before it was written down it was 1.
    #[serde(default = "first_schema")]
    pub journal_schema: u32,
}

fn first_schema() -> u32 {
    1
}

/// One entry of a backup.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Of the store.
    Store(Record),
    /// Of the journal.
    Journal {
        /// Its space.
        space: Space,
        /// Its key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
}

/// Why a backup could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file or the connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The journal could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It does not begin as a backup does.
    #[error("this is no backup that this release of eventyard can read")]
    NoBackup,
    /// A newer release wrote it.
    #[error(
        "eventyard {release} took the backup, in a form that this release does not know: use release {release} or a later one"
    )]
    Newer {
        /// The release to use.
        release: String,
    },
    /// It ends before its end.
    #[error("the backup was cut short at byte {0}")]
    CutShort(u64),
    /// Something in it is not what was written.
    #[error("the backup is damaged at byte {place}: {reason}")]
    Damaged {
        /// Where the frame begins.
        place: u64,
        /// What is wrong.
        reason: String,
    },
}

/// Writes a backup of a store's records and a journal.
///
/// # Errors
/// When the journal cannot be read or `out` not be written.
pub fn write(out: impl Write, records: &[Record], journal: &dyn View, now: Timestamp) -> Result<(), BackupError> {
    let mut frames = FrameWriter::start(out)?;
    let header = Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        taken_ms: now.as_millis(),
        store_schema: newest_store_schema(),
        journal_schema: journal::SCHEMA,
    };
    frames.write(HEADER, &[], &json(&header)?)?;
    each_entry(records, journal, &mut |entry| match entry {
        Entry::Store(record) => frames.write(STORE, &[], &json(&record)?),
        Entry::Journal { space, key, value } => frames.write(&space.name(), &key, &value),
    })?;
    frames.end(END)
}

/// Hands the entries of a store and a journal to `take`, in the order in which they stand in a backup.
///
/// # Errors
/// When the journal cannot be read, or `take` fails.
pub fn each_entry<E: From<DiskError>>(
    records: &[Record],
    journal: &dyn View,
    take: &mut dyn FnMut(Entry) -> Result<(), E>,
) -> Result<(), E> {
    for record in records {
        take(Entry::Store(record.clone()))?;
    }
    for space in journal.spaces() {
        let mut from = Vec::new();
        loop {
            let entries = journal.scan(space, &from, &LAST_KEY, PAGE)?;
            let Some((last, _)) = entries.last() else { break };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in entries {
                take(Entry::Journal { space, key, value })?;
            }
        }
    }
    Ok(())
}

fn newest_store_schema() -> u32 {
    migrations::ALL.last().map_or(0, |newest| newest.schema)
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

/// Reads a backup, and makes sure of every checksum on the way.
#[derive(Debug)]
pub struct BackupReader<R> {
    frames: FrameReader<R>,
    header: Header,
}

impl<R: Read> BackupReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When this is no backup, or it cannot be read.
    pub fn new(input: R) -> Result<Self, BackupError> {
        let mut frames = FrameReader::start(input)?;
        let first = frames.next(END)?.filter(|frame| frame.space == HEADER).ok_or(BackupError::NoBackup)?;
        let header: Header = serde_json::from_slice(&first.value).map_err(|error| frames.damaged(&error))?;
        if header.store_schema > newest_store_schema() || header.journal_schema > journal::SCHEMA {
            return Err(BackupError::Newer { release: header.version });
        }
        Ok(Self { frames, header })
    }

    /// What it says about itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes read so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.frames.bytes()
    }

    /// The next entry; none at the end, when the checksum of the whole was found to be right.
    ///
    /// # Errors
    /// When it is damaged, cut short, or cannot be read.
    pub fn entry(&mut self) -> Result<Option<Entry>, BackupError> {
        let Some(Frame { space, key, value }) = self.frames.next(END)? else { return Ok(None) };
        if space == STORE {
            let record = serde_json::from_slice(&value).map_err(|error| self.frames.damaged(&error))?;
            return Ok(Some(Entry::Store(record)));
        }
        let known = Space::from_name(&space);
        let space = known.ok_or_else(|| self.frames.damaged(&format!("there is no space named '{space}'")))?;
        Ok(Some(Entry::Journal { space, key, value }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::model_disk::ModelDisk;
    use crate::journal::{Disk as _, Durability, Write};
    use crate::store::Kind;

    fn backup(entries: u16) -> (Vec<u8>, Vec<Entry>) {
        let records =
            (0..3).map(|n| Record { kind: Kind::Rule, key: vec![format!("r{n}")], value: json!({"text": "ä\n"}) });
        let records: Vec<_> = records.collect();
        let disk = ModelDisk::default();
        let spaces =
            [Space::Meta, Space::Ready, Space::Dead, Space::Events(1), Space::Events(2_000), Space::History(7)];
        let writes = spaces.iter().flat_map(|space| {
            let insert = |n: u16| Write::Insert(*space, n.to_be_bytes().to_vec(), vec![7; usize::from(n % 50)]);
            (0..entries).map(insert)
        });
        disk.write(writes.collect(), Durability::Power).unwrap();
        let view = disk.view().unwrap();
        disk.write(vec![Write::Insert(Space::Later, vec![9], vec![])], Durability::Power).unwrap();
        let mut bytes = Vec::new();
        write(&mut bytes, &records, view.as_ref(), Timestamp::EPOCH).unwrap();
        let stored = records.into_iter().map(Entry::Store);
        let journal = spaces.iter().flat_map(|space| {
            let entry = |n: u16| Entry::Journal {
                space: *space,
                key: n.to_be_bytes().to_vec(),
                value: vec![7; usize::from(n % 50)],
            };
            (0..entries).map(entry)
        });
        (bytes, stored.chain(journal).collect())
    }

    fn read(bytes: &[u8]) -> Result<Vec<Entry>, BackupError> {
        let mut reader = BackupReader::new(bytes)?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    #[test]
    fn what_was_written_is_read_and_nothing_that_came_later() {
        // More than one page of each.
        let (bytes, entries) = backup(1_200);
        assert_eq!(read(&bytes).unwrap(), entries);
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let (bytes, _) = backup(4);
        for place in 0..bytes.len() {
            assert!(read(&bytes[..place]).is_err(), "cut at {place}");
            let mut changed = bytes.clone();
            changed[place] ^= 4;
            assert!(read(&changed).is_err(), "changed at {place}");
        }
        assert!(read(&[&bytes[..], b"?"].concat()).is_err(), "something stands behind the end");
    }

    #[test]
    fn a_newer_form_is_refused_with_the_release_to_use() {
        for (store_schema, journal_schema) in [(99, 1), (1, 99)] {
            let mut bytes = Vec::new();
            let mut frames = FrameWriter::start(&mut bytes).unwrap();
            let header = Header { version: "9.8.7".to_owned(), taken_ms: 0, store_schema, journal_schema };
            frames.write(HEADER, &[], &json(&header).unwrap()).unwrap();
            frames.end(END).unwrap();
            let said = read(&bytes).unwrap_err().to_string();
            assert!(said.contains("use release 9.8.7 or a later one"), "{said}");
        }
    }
}
