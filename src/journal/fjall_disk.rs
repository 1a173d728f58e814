//! The disk of the daemon: fjall.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _};

use super::disk::{Disk, DiskError, Durability, Entries, Space, View, Write};
use super::quarantine::{Quarantined, quarantine};
use super::{log_files, manifests};

/// A journal in a folder, kept by fjall. One process has it open at a time.
pub struct FjallDisk {
    path: PathBuf,
    db: Database,
    keyspaces: RwLock<BTreeMap<Space, Keyspace>>,
    mended: Vec<Quarantined>,
}

/// Bytes that recently written blocks may take in memory.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of one space that are kept in memory before they are written as a sorted file.
const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of the log that every write goes to first. What is in memory only is in the log, so this bounds both.
const LOG_BYTES: u64 = 128 * 1024 * 1024;

/// What to do about files that cannot be read.
const RESTORE: &str = ": see what `eventyard fsck` finds, and restore a backup";

impl FjallDisk {
    /// Opens the folder at `path`, or makes it when there is none.
    ///
    /// # Errors
    /// When it cannot be made, is in use by another process, or is damaged.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let mended = log_files::mend(path, data_dir(path)).map_err(|error| DiskError {
            action: "cannot look through the journal's log",
            reason: format!("{error} (at {})", path.display()),
        })?;
        Self::check_manifests(path)?;
        let db = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .max_journaling_size(LOG_BYTES)
            .open()
            .map_err(|error| not_opened(path, &error))?;
        let disk = Self { path: path.to_owned(), db, keyspaces: RwLock::default(), mended };
        let named = disk.db.list_keyspace_names();
        for space in Space::fixed().chain(named.iter().filter_map(|name| Space::from_name(name))) {
            disk.keyspace(space)?;
        }
        Ok(disk)
    }

    /// Refuses what would end the process when fjall read it.
    fn check_manifests(path: &Path) -> Result<(), DiskError> {
        let action = "cannot open the journal";
        let failed = |error: io::Error| DiskError { action, reason: format!("{error} (at {})", path.display()) };
        match manifests::damaged(path).map_err(failed)?.first() {
            None => Ok(()),
            Some(manifest) => Err(DiskError { action, reason: format!("{} is damaged{RESTORE}", manifest.display()) }),
        }
    }

    /// Places of the log that were not what was written and went to the quarantine when it was opened.
    #[must_use]
    pub fn mended(&self) -> &[Quarantined] {
        &self.mended
    }

    /// Whether another process has the journal at `path` open.
    #[must_use]
    pub fn is_in_use(path: &Path) -> bool {
        let lock = File::options().read(true).write(true).open(path.join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// The same for a journal that is not open and is left as it is: where, and what is wrong.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn check_logs(path: &Path) -> io::Result<Vec<(String, String)>> {
        let told = |(name, damaged): (String, log_files::DamagedLog)| {
            (format!("{name}, bytes {} to {}", damaged.bytes.start, damaged.bytes.end), damaged.reason.to_owned())
        };
        Ok(log_files::check(path)?.into_iter().map(told).collect())
    }

    /// The keyspace of `space`, made when it is not there.
    fn keyspace(&self, space: Space) -> Result<Keyspace, DiskError> {
        if let Some(keyspace) = self.existing(space) {
            return Ok(keyspace);
        }
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let keyspace = self
            .db
            .keyspace(&space.name(), options)
            .map_err(|error| failed("cannot make a part of the journal", &error))?;
        self.keyspaces.write().unwrap_or_else(PoisonError::into_inner).insert(space, keyspace.clone());
        Ok(keyspace)
    }

    fn numbers(&self, number: impl Fn(Space) -> Option<u64>) -> Vec<u64> {
        let keyspaces = self.keyspaces.read().unwrap_or_else(PoisonError::into_inner);
        keyspaces.keys().filter_map(|space| number(*space)).collect()
    }

    fn existing(&self, space: Space) -> Option<Keyspace> {
        self.keyspaces.read().unwrap_or_else(PoisonError::into_inner).get(&space).cloned()
    }
}

fn not_opened(path: &Path, error: &fjall::Error) -> DiskError {
    let hint = match error {
        fjall::Error::Locked => "; is another eventyard using this data directory?",
        fjall::Error::Io(_) => "; may this user write there?",
        _ => RESTORE,
    };
    DiskError { action: "cannot open the journal", reason: format!("{error} (at {}){hint}", path.display()) }
}

/// The journal lies in the data directory.
fn data_dir(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

impl std::fmt::Debug for FjallDisk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FjallDisk").field("path", &self.path).finish_non_exhaustive()
    }
}

fn failed(action: &'static str, error: &fjall::Error) -> DiskError {
    DiskError { action, reason: error.to_string() }
}

fn collect(entries: impl Iterator<Item = fjall::Guard>) -> Result<Entries, DiskError> {
    let entries = entries.map(|guard| {
        let (key, value) = guard.into_inner().map_err(|error| failed("cannot read the journal", &error))?;
        Ok((key.to_vec(), value.to_vec()))
    });
    entries.collect()
}

/// A snapshot with the handles that keep the files of deleted spaces.
struct FjallView {
    snapshot: fjall::Snapshot,
    keyspaces: BTreeMap<Space, Keyspace>,
}

impl std::fmt::Debug for FjallView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FjallView").finish_non_exhaustive()
    }
}

impl View for FjallView {
    fn spaces(&self) -> Vec<Space> {
        self.keyspaces.keys().copied().collect()
    }

    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError> {
        match self.keyspaces.get(&space) {
            Some(keyspace) if from < end => collect(self.snapshot.range(keyspace, from..end).take(limit)),
            _ => Ok(Vec::new()),
        }
    }
}

impl Disk for FjallDisk {
    fn write(&self, writes: Vec<Write>, durability: Durability) -> Result<(), DiskError> {
        let mode = match durability {
            Durability::Process => PersistMode::Buffer,
            Durability::Power => PersistMode::SyncData,
        };
        let mut batch = self.db.batch().durability(Some(mode));
        for write in writes {
            match write {
                Write::Insert(space, key, value) => batch.insert(&self.keyspace(space)?, key, value),
                Write::Remove(space, key) => batch.remove(&self.keyspace(space)?, key),
            }
        }
        batch.commit().map_err(|error| failed("cannot write the journal", &error))
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        let Some(keyspace) = self.existing(space) else { return Ok(None) };
        let value = keyspace.get(key).map_err(|error| failed("cannot read the journal", &error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError> {
        let Some(keyspace) = self.existing(space) else { return Ok(Vec::new()) };
        if from >= end {
            return Ok(Vec::new());
        }
        collect(keyspace.range(from..end).take(limit))
    }

    fn segments(&self) -> Vec<u64> {
        self.numbers(|space| match space {
            Space::Events(first) => Some(first),
            _ => None,
        })
    }

    fn spans(&self) -> Vec<u64> {
        self.numbers(|space| match space {
            Space::History(begin) => Some(begin),
            _ => None,
        })
    }

    fn bytes(&self, space: Space) -> u64 {
        self.existing(space).map_or(0, |keyspace| keyspace.disk_space())
    }

    fn quarantine(&self, records: &[Quarantined]) -> Result<(), DiskError> {
        quarantine(data_dir(&self.path), records)
            .map_err(|error| DiskError { action: "cannot write the quarantine", reason: error.to_string() })
    }

    fn view(&self) -> Result<Box<dyn View>, DiskError> {
        // No space is made or deleted meanwhile. One that is not there any more was drained by writes that can be seen.
        let keyspaces = self.keyspaces.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(FjallView { snapshot: self.db.snapshot(), keyspaces: keyspaces.clone() }))
    }

    fn drop_space(&self, space: Space) -> Result<(), DiskError> {
        let keyspace = self.keyspaces.write().unwrap_or_else(PoisonError::into_inner).remove(&space);
        keyspace.map_or(Ok(()), |keyspace| {
            self.db.delete_keyspace(keyspace).map_err(|error| failed("cannot delete a part of the journal", &error))
        })
    }

    fn free_bytes(&self) -> Result<Option<u64>, DiskError> {
        let status = rustix::fs::statvfs(&self.path).map_err(|error| DiskError {
            action: "cannot ask for the free space of the journal's disk",
            reason: error.to_string(),
        })?;
        Ok(Some(status.f_bavail.saturating_mul(status.f_frsize)))
    }
}
