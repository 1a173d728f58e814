//! The door to a storage engine: ordered keys in a few spaces, atomic batches, and a word for durability.
//!
//! It is this narrow so that a model of a few lines can stand in its place in tests, one that forgets what was not brought
//! to disk, and so that another engine can.

use std::fmt;

use super::quarantine::Quarantined;

/// A part of the journal with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// A few values about the journal itself.
    Meta,
    /// Deliveries that can be tried now, by target and event.
    Ready,
    /// Deliveries that wait for a retry, by target, time and event.
    Later,
    /// Dead letters, by time of death.
    Dead,
    /// How far the schedules of rules have come, by rule.
    Schedules,
    /// Events of one segment, which is named by the number of its first event.
    Events(u64),
    /// Attempts of one span of time, which is named by its begin in milliseconds.
    History(u64),
    /// By what the events of one span of time are known, which is named by its begin in milliseconds.
    Deduplication(u64),
}

const SEGMENT_PREFIX: &str = "events-";
const SPAN_PREFIX: &str = "history-";
const DEDUPLICATION_PREFIX: &str = "deduplication-";
/// The spaces there is one of, each with its name.
const NAMES: [(Space, &str); 5] = [
    (Space::Meta, "meta"),
    (Space::Ready, "ready"),
    (Space::Later, "later"),
    (Space::Dead, "dead"),
    (Space::Schedules, "schedules"),
];

impl Space {
    /// The spaces that are always there.
    pub fn fixed() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(space, _)| *space)
    }

    /// Its name on disk and in backups. Names of segments, and those of spans, sort as their numbers do.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Events(first) => format!("{SEGMENT_PREFIX}{first:020}"),
            Self::History(begin) => format!("{SPAN_PREFIX}{begin:020}"),
            Self::Deduplication(begin) => format!("{DEDUPLICATION_PREFIX}{begin:020}"),
            fixed => NAMES.iter().find(|(space, _)| *space == fixed).map_or("", |(_, name)| name).to_owned(),
        }
    }

    /// The space with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let number = |prefix| name.strip_prefix(prefix).and_then(|number| number.parse().ok());
        let fixed = NAMES.iter().find(|(_, known)| *known == name).map(|(space, _)| *space);
        fixed
            .or_else(|| number(SEGMENT_PREFIX).map(Self::Events))
            .or_else(|| number(SPAN_PREFIX).map(Self::History))
            .or_else(|| number(DEDUPLICATION_PREFIX).map(Self::Deduplication))
    }
}

/// One edit of a batch.
#[derive(Clone, Debug)]
pub enum Write {
    /// Sets the value of a key.
    Insert(Space, Vec<u8>, Vec<u8>),
    /// Removes a key.
    Remove(Space, Vec<u8>),
}

/// What a batch must have survived when the write returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of this process.
    Process,
    /// The end of this machine's power.
    Power,
}

/// The storage engine failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{action}: {reason}")]
pub struct DiskError {
    /// What was being done.
    pub action: &'static str,
    /// What failed.
    pub reason: String,
    /// The space whose files are not what was written, when that is why. Then [`Disk::salvage`] helps.
    pub damaged: Option<Space>,
}

/// Keys and values of a scan.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Bytes with which a page of a scan is closed. With its last entry it may have more.
pub(super) const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The first of `entries`: at most `limit`, and none more once they have [`PAGE_BYTES_MAX`].
///
/// # Errors
/// The first of `entries`.
pub(super) fn page<E>(
    entries: impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), E>>,
    limit: usize,
) -> Result<Entries, E> {
    let (mut page, mut bytes) = (Vec::new(), 0);
    for entry in entries.take(limit) {
        let (key, value) = entry?;
        bytes += key.len() + value.len();
        page.push((key, value));
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(page)
}

/// Whether nothing can stand behind a page of at most `limit` entries.
pub(super) fn is_last_page(page: &Entries, limit: usize) -> bool {
    let bytes: usize = page.iter().map(|(key, value)| key.len() + value.len()).sum();
    page.len() < limit && bytes < PAGE_BYTES_MAX
}

/// A storage engine.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Applies a batch whole or not at all. A space of events or attempts is made when it is first written to.
    ///
    /// # Errors
    /// After an error nobody knows what is on disk; the engine must be opened again.
    fn write(&self, batch: Vec<Write>, durability: Durability) -> Result<(), DiskError>;

    /// The value of a key.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError>;

    /// The first `limit` entries from the key `from` on and before the key `end`, in the order of their bytes; fewer when
    /// they have some megabytes, but one at least when there is one.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError>;

    /// The keys of the first `limit` entries, without their values.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn keys(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, DiskError>;

    /// Moves what can be read of a space away from files that are not what was written. Answers what cannot be read, which is
    /// in the quarantine by then; nothing when all files are sound. Nobody else may write the space meanwhile.
    ///
    /// # Errors
    /// When that failed, or the files cannot be read for a reason of the system's; the space is then as it was.
    fn salvage(&self, space: Space) -> Result<Vec<Quarantined>, DiskError>;

    /// The segments of events there are, in order.
    fn segments(&self) -> Vec<u64>;

    /// The spans of attempts there are, in order.
    fn spans(&self) -> Vec<u64>;

    /// Bytes that a space takes on disk, more or less.
    fn bytes(&self, space: Space) -> u64;

    /// Puts records aside for a person to look at, and returns when they are on disk. It does not remove them.
    ///
    /// # Errors
    /// When they cannot be written.
    fn quarantine(&self, records: &[Quarantined]) -> Result<(), DiskError>;

    /// Everything as it is now, which later writes do not change.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn view(&self) -> Result<Box<dyn View>, DiskError>;

    /// Deletes a space of events or attempts.
    ///
    /// # Errors
    /// When it could not be deleted; it may then be there again at the next start.
    fn drop_space(&self, space: Space) -> Result<(), DiskError>;

    /// Bytes free for this user; none when there is no bound.
    ///
    /// # Errors
    /// When the system does not say.
    fn free_bytes(&self) -> Result<Option<u64>, DiskError>;
}

/// All spaces as they were at one moment. While it is there, the space of what was deleted since is not given back.
pub trait View: Send + fmt::Debug {
    /// The spaces there were, in order.
    fn spaces(&self) -> Vec<Space>;

    /// As [`Disk::scan`].
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError>;
}
