//! The door to a storage engine: ordered keys in a few spaces, atomic batches, and a word for durability.
//!
//! It is this narrow so that a model of a few lines can stand in its place in tests, one that forgets what was not brought
//! to disk, and so that another engine can.

use std::fmt;

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
}

/// Keys and values of a scan.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

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

    /// The first `limit` entries from the key `from` on and before the key `end`, in the order of their bytes.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError>;

    /// The segments of events there are, in order.
    fn segments(&self) -> Vec<u64>;

    /// The spans of attempts there are, in order.
    fn spans(&self) -> Vec<u64>;

    /// Bytes that a space takes on disk, more or less.
    fn bytes(&self, space: Space) -> u64;

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
