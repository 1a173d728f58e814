//! Reading a space of fjall's past blocks that are not what was written.
//!
//! A read through fjall ends at the first such block, in whichever table it lies, and merging tables in the background ends
//! the engine. So the tables are read one by one here, each to its end, and their entries are merged as fjall merges them: of
//! several entries of a key the last written counts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter;

use fjall::{AbstractTree as _, Keyspace, LsmError, UserKey, UserValue};

use super::quarantine::{Quarantined, hex};

/// A place of a table that cannot be read.
#[derive(Debug)]
pub(super) struct Gap {
    table: String,
    /// What stands before it in the table, and behind it.
    behind: Vec<u8>,
    before: Option<Vec<u8>>,
    error: LsmError,
}

impl Gap {
    /// Whether the bytes are not what was written. Otherwise the system could not read them.
    pub(super) fn is_damage(&self) -> bool {
        is_damage(&self.error)
    }

    /// What a person is told.
    pub(super) fn quarantined(&self, place: String) -> Quarantined {
        let before = self.before.as_deref().map_or_else(|| "the end".to_owned(), |key| format!("the key {}", hex(key)));
        let reason = format!(
            "of the table {} what stands behind this key and before {before} cannot be read: {}",
            self.table, self.error
        );
        Quarantined { place, key: self.behind.clone(), value: Vec::new(), reason }
    }
}

/// Whether an error says that files are not what was written, and not that the system could not read them.
pub(super) fn is_damage(error: &LsmError) -> bool {
    match error {
        LsmError::Io(error) => error.kind() == std::io::ErrorKind::UnexpectedEof,
        _ => true,
    }
}

/// An entry of one table; without a value it says that the key was removed.
struct Entry {
    key: UserKey,
    written: Reverse<u64>,
    value: Option<UserValue>,
}

type Entries = Box<dyn Iterator<Item = Result<Entry, LsmError>>>;

struct Table {
    name: String,
    entries: Entries,
    last: Vec<u8>,
    /// Blocks of entries that may still fail, each once. What fails more often is the index by which they are found.
    blocks: u64,
    /// The entries behind a key, found without the index.
    without_index: Option<Box<dyn FnOnce(Vec<u8>) -> Entries>>,
}

impl Table {
    /// The next entry that can be read. A gap before it is added to `gaps`.
    fn next(&mut self, gaps: &mut Vec<Gap>) -> Option<Entry> {
        let mut broken = None;
        loop {
            let next = match self.entries.next() {
                Some(Err(error)) => {
                    // Several blocks one after another are one gap. That the system could not read one says more.
                    broken = broken.filter(|first| !is_damage(first)).or(Some(error));
                    self.count_failure();
                    continue;
                }
                next => next.and_then(Result::ok),
            };
            if let Some(error) = broken {
                let before = next.as_ref().map(|entry| entry.key.to_vec());
                gaps.push(Gap { table: self.name.clone(), behind: self.last.clone(), before, error });
            }
            self.last = next.as_ref().map(|entry| entry.key.to_vec()).unwrap_or_default();
            return next;
        }
    }

    /// Goes on without the index when that is what fails, for it would fail for ever.
    fn count_failure(&mut self) {
        if let Some(left) = self.blocks.checked_sub(1) {
            self.blocks = left;
        } else {
            let rest = self.without_index.take().map(|rest| rest(self.last.clone()));
            self.entries = rest.unwrap_or_else(|| Box::new(iter::empty()));
        }
    }
}

/// An entry as fjall reads it, whose type has no name here.
macro_rules! entry {
    ($read:expr) => {{
        let read = $read;
        let value = (!read.key.is_tombstone()).then_some(read.value);
        Entry { key: read.key.user_key, written: Reverse(read.key.seqno), value }
    }};
}

fn tables(keyspace: &Keyspace) -> Vec<Table> {
    let version = keyspace.tree.current_version();
    let tables = version.iter_tables().cloned().map(|table| {
        let (name, blocks) = (table.path.display().to_string(), table.metadata.data_block_count);
        let entries = Box::new(table.iter().map(|entry| Ok(entry!(entry?))));
        let without_index = move |last: Vec<u8>| match table.scan() {
            Ok(entries) => {
                let is_read = move |next: &Result<Entry, _>| next.as_ref().is_ok_and(|next| *next.key <= *last);
                Box::new(entries.map(|entry| Ok(entry!(entry?))).skip_while(is_read)) as Entries
            }
            Err(error) => Box::new(iter::once(Err(error))),
        };
        Table { name, entries, last: Vec::new(), blocks, without_index: Some(Box::new(without_index)) }
    });
    tables.collect()
}

/// Reads what is in the tables of a keyspace, in order, each key once; answers what cannot be read. What is in memory only is
/// not read.
pub(super) fn read<E>(keyspace: &Keyspace, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), E>) -> Result<Vec<Gap>, E> {
    let (mut tables, mut gaps) = (tables(keyspace), Vec::new());
    let count = tables.len();
    let mut heads = BinaryHeap::new();
    let mut advance = |heads: &mut BinaryHeap<_>, index: usize| {
        if let Some(Entry { key, written, value }) = tables.get_mut(index).and_then(|table| table.next(&mut gaps)) {
            heads.push(Reverse((key, written, index, value)));
        }
    };
    for index in 0..count {
        advance(&mut heads, index);
    }
    let mut last: Option<UserKey> = None;
    while let Some(Reverse((key, _, index, value))) = heads.pop() {
        advance(&mut heads, index);
        if last.as_ref() == Some(&key) {
            continue;
        }
        if let Some(value) = value {
            take(&key, &value)?;
        }
        last = Some(key);
    }
    Ok(gaps)
}
