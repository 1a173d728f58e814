//! The disk of the daemon: fjall.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use fjall::config::PinningPolicy;
use fjall::{AbstractTree as _, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _};

use super::disk::{Disk, DiskError, Durability, Entries, PAGE_BYTES_MAX, Space, View, Write, page};
use super::quarantine::{Quarantined, quarantine};
use super::{log_files, manifests, salvage};

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

/// A file in the folder that says that a write failed. fjall fails all writes once its thread in the background has met files
/// that are not what was written, so at the next start everything is looked through.
const SUSPECT_FILE: &str = "suspect";
/// Stands between the name of a space and how often its files were left behind.
const GENERATION_MARK: char = '~';

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
            damaged: None,
        })?;
        Self::check_manifests(path)?;
        let db = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .max_journaling_size(LOG_BYTES)
            .open()
            .map_err(|error| not_opened(path, &error))?;
        let disk = Self { path: path.to_owned(), db, keyspaces: RwLock::default(), mended };
        disk.open_keyspaces()?;
        Ok(disk)
    }

    /// Opens what there is. A copy that was being made when its original was still there did not come to its end.
    fn open_keyspaces(&self) -> Result<(), DiskError> {
        let names = self.db.list_keyspace_names();
        let mut found: Vec<_> = names.iter().filter_map(|name| parse_keyspace_name(name)).collect();
        found.sort_unstable();
        for (space, generation) in found {
            let keyspace = self.make(space, generation)?;
            if self.existing(space).is_some() {
                let unfinished = self.db.delete_keyspace(keyspace);
                unfinished.map_err(|error| failed("cannot delete a part of the journal", space, &error))?;
            } else {
                self.put(space, keyspace);
            }
        }
        for space in Space::fixed() {
            self.keyspace(space)?;
        }
        Ok(())
    }

    /// Whether a write failed since everything was last looked through.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.path.join(SUSPECT_FILE).exists()
    }

    /// Says that everything was looked through.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn trust(&self) -> Result<(), DiskError> {
        fs::remove_file(self.path.join(SUSPECT_FILE)).map_err(|error| DiskError {
            action: "cannot say that the journal was looked through",
            reason: error.to_string(),
            damaged: None,
        })
    }

    /// Brings what is in memory of a space into a table; answers its tables.
    #[cfg(test)]
    pub(super) fn tables(&self, space: Space) -> Vec<PathBuf> {
        let keyspace = self.keyspace(space).unwrap();
        keyspace.tree.flush_active_memtable(0).unwrap();
        let tables = fs::read_dir(keyspace.path().join("tables")).unwrap();
        tables.map(|table| table.unwrap().path()).collect()
    }

    /// The tables of a space, and where their indexes begin.
    #[cfg(test)]
    pub(super) fn indexes(&self, space: Space) -> Vec<(PathBuf, u64)> {
        let version = self.keyspace(space).unwrap().tree.current_version();
        version.iter_tables().map(|table| (table.path.to_path_buf(), *table.regions.tli.offset())).collect()
    }

    /// As [`Disk::salvage`], but also leaves behind what the system cannot read, when `at_any_price`.
    ///
    /// # Errors
    /// As of [`Disk::salvage`].
    pub fn salvage(&self, space: Space, at_any_price: bool) -> Result<Vec<Quarantined>, DiskError> {
        let action = "cannot leave damaged files behind";
        let Some(old) = self.existing(space) else { return Ok(Vec::new()) };
        let found = gaps(&old);
        if let Some(gap) = found.iter().find(|gap| !gap.is_damage() && !at_any_price) {
            return Err(DiskError { action, reason: gap.quarantined(space.name()).reason, damaged: None });
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        // What goes into a table must be in the log with the rest of its batch: of a retry that was moved from one part to
        // another a loss of power would else leave that it is in neither.
        self.db.persist(PersistMode::SyncAll).map_err(|error| failed(action, space, &error))?;
        // Without the thread in the background, which would then merge tables.
        old.tree.flush_active_memtable(0).map_err(|error| failed(action, space, &error.into()))?;
        let generation = parse_keyspace_name(old.name()).map_or(0, |(_, generation)| generation);
        let new = self.make(space, generation + 1)?;
        let (mut batch, mut bytes) = (self.db.batch(), 0);
        let gaps = salvage::read(&old, |key, value| {
            batch.insert(&new, key, value);
            bytes += key.len() + value.len();
            if bytes >= PAGE_BYTES_MAX {
                bytes = 0;
                std::mem::replace(&mut batch, self.db.batch()).commit()?;
            }
            Ok(())
        });
        let gaps = gaps.map_err(|error| failed(action, space, &error))?;
        batch.durability(Some(PersistMode::SyncAll)).commit().map_err(|error| failed(action, space, &error))?;
        let lost: Vec<_> = gaps.iter().map(|gap| gap.quarantined(space.name())).collect();
        self.quarantine(&lost)?;
        self.put(space, new);
        self.db.delete_keyspace(old).map_err(|error| failed(action, space, &error))?;
        Ok(lost)
    }

    /// Refuses what would end the process when fjall read it.
    fn check_manifests(path: &Path) -> Result<(), DiskError> {
        let action = "cannot open the journal";
        let failed = |reason| DiskError { action, reason, damaged: None };
        let unread = |error: io::Error| failed(format!("{error} (at {})", path.display()));
        match manifests::damaged(path).map_err(unread)?.first() {
            None => Ok(()),
            Some(manifest) => Err(failed(format!("{} is damaged{RESTORE}", manifest.display()))),
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
        let keyspace = self.make(space, 0)?;
        self.put(space, keyspace.clone());
        Ok(keyspace)
    }

    fn make(&self, space: Space, generation: u32) -> Result<Keyspace, DiskError> {
        // Filters and indexes are read when they are needed, like other blocks: one that is damaged then keeps nothing from
        // opening, and they take no memory beside the cache.
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(MEMTABLE_BYTES)
                .filter_block_pinning_policy(PinningPolicy::all(false))
                .index_block_pinning_policy(PinningPolicy::all(false))
        };
        let keyspace = self.db.keyspace(&keyspace_name(space, generation), options);
        keyspace.map_err(|error| failed("cannot make a part of the journal", space, &error))
    }

    fn put(&self, space: Space, keyspace: Keyspace) {
        self.keyspaces.write().unwrap_or_else(PoisonError::into_inner).insert(space, keyspace);
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
    let reason = format!("{error} (at {}){hint}", path.display());
    DiskError { action: "cannot open the journal", reason, damaged: None }
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

fn keyspace_name(space: Space, generation: u32) -> String {
    let name = space.name();
    if generation == 0 { name } else { format!("{name}{GENERATION_MARK}{generation}") }
}

fn parse_keyspace_name(name: &str) -> Option<(Space, u32)> {
    match name.split_once(GENERATION_MARK) {
        None => Some((Space::from_name(name)?, 0)),
        Some((name, generation)) => Some((Space::from_name(name)?, generation.parse().ok()?)),
    }
}

fn gaps(keyspace: &Keyspace) -> Vec<salvage::Gap> {
    salvage::read::<Infallible>(keyspace, |_, _| Ok(())).unwrap_or_default()
}

fn failed(action: &'static str, space: Space, error: &fjall::Error) -> DiskError {
    let is_damage = matches!(error, fjall::Error::Storage(error) if salvage::is_damage(error));
    let hint = if is_damage { ": its files are damaged; `eventyard fsck --repair` keeps what can be read" } else { "" };
    let reason = format!("{} of {}{hint}", error, space.name());
    DiskError { action, reason, damaged: is_damage.then_some(space) }
}

fn unread(space: Space) -> impl Fn(fjall::Error) -> DiskError {
    move |error| failed("cannot read the journal", space, &error)
}

fn collect(space: Space, entries: impl Iterator<Item = fjall::Guard>, limit: usize) -> Result<Entries, DiskError> {
    let entries = entries.map(|guard| {
        let (key, value) = guard.into_inner().map_err(unread(space))?;
        Ok((key.to_vec(), value.to_vec()))
    });
    page(entries, limit)
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
            Some(keyspace) if from < end => collect(space, self.snapshot.range(keyspace, from..end), limit),
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
        batch.commit().map_err(|error| {
            // When even that cannot be written, the next start is as any other.
            let _ = File::create(self.path.join(SUSPECT_FILE));
            DiskError { action: "cannot write the journal", reason: error.to_string(), damaged: None }
        })
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        let Some(keyspace) = self.existing(space) else { return Ok(None) };
        let value = keyspace.get(key).map_err(unread(space))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Entries, DiskError> {
        let Some(keyspace) = self.existing(space) else { return Ok(Vec::new()) };
        if from >= end {
            return Ok(Vec::new());
        }
        collect(space, keyspace.range(from..end), limit)
    }

    fn keys(&self, space: Space, from: &[u8], end: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, DiskError> {
        let Some(keyspace) = self.existing(space).filter(|_| from < end) else { return Ok(Vec::new()) };
        let key = |guard: fjall::Guard| Ok(guard.key().map_err(unread(space))?.to_vec());
        keyspace.range(from..end).take(limit).map(key).collect()
    }

    fn salvage(&self, space: Space) -> Result<Vec<Quarantined>, DiskError> {
        Self::salvage(self, space, false)
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
        quarantine(data_dir(&self.path), records).map_err(|error| DiskError {
            action: "cannot write the quarantine",
            reason: error.to_string(),
            damaged: None,
        })
    }

    fn view(&self) -> Result<Box<dyn View>, DiskError> {
        // No space is made or deleted meanwhile. One that is not there any more was drained by writes that can be seen.
        let keyspaces = self.keyspaces.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(FjallView { snapshot: self.db.snapshot(), keyspaces: keyspaces.clone() }))
    }

    fn drop_space(&self, space: Space) -> Result<(), DiskError> {
        let keyspace = self.keyspaces.write().unwrap_or_else(PoisonError::into_inner).remove(&space);
        keyspace.map_or(Ok(()), |keyspace| {
            let deleted = self.db.delete_keyspace(keyspace);
            deleted.map_err(|error| failed("cannot delete a part of the journal", space, &error))
        })
    }

    fn free_bytes(&self) -> Result<Option<u64>, DiskError> {
        let status = rustix::fs::statvfs(&self.path).map_err(|error| DiskError {
            action: "cannot ask for the free space of the journal's disk",
            reason: error.to_string(),
            damaged: None,
        })?;
        Ok(Some(status.f_bavail.saturating_mul(status.f_frsize)))
    }
}
