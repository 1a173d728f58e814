//! What can go wrong with the journal.

use super::disk::{DiskError, Space};

/// Why the journal could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The storage engine failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The disk has too little room for more events.
    #[error("the disk has {free_bytes} bytes free and journal.free_space_bytes_min asks for {free_space_bytes_min}")]
    Full {
        /// Bytes free.
        free_bytes: u64,
        /// Bytes wanted free.
        free_space_bytes_min: u64,
    },
    /// Too much is owed already.
    #[error("{bytes} bytes of events are owed and journal.size_bytes_max is {size_bytes_max}")]
    BacklogFull {
        /// Bytes owed.
        bytes: u64,
        /// The bound.
        size_bytes_max: u64,
    },
    /// The journal failed earlier, or the daemon is stopping.
    #[error("the journal is closed")]
    Closed,
    /// An event is not there though something refers to it.
    #[error("event {0} is not in the journal")]
    Missing(u64),
    /// An entry is not in a form this release writes or knows.
    #[error("an entry of the journal cannot be read: {0}")]
    Damaged(String),
    /// The thread that writes could not be started.
    #[error("cannot start the journal's thread: {0}")]
    Thread(std::sync::Arc<std::io::Error>),
}

impl JournalError {
    /// The space whose files are not what was written, when that is why.
    pub(super) fn damaged_space(&self) -> Option<Space> {
        match self {
            Self::Disk(error) => error.damaged,
            _ => None,
        }
    }
}
