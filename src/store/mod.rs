//! The store: rules, targets and event buses on disk, in sled.
//!
//! It is small and rarely written. The daemon reads all of it once at start and keeps it in memory; afterwards it only
//! writes, one transaction and one fsync per change. So the door is narrow: [`Store::open`], [`Store::load`],
//! [`Store::apply`]. No type of sled passes through it.
//!
//! Every entry is a [`Record`]: a kind, a key of text parts and a JSON value. Migrations and dumps work on records alone and
//! know nothing of sled, which is what makes leaving sled possible.

mod check;
mod codec;
mod dump;
mod migrate;
#[path = "../../migrations/mod.rs"]
pub mod migrations;
mod record;

use std::path::{Path, PathBuf};
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::event_bus::EventBus;
use eventyard_core::name::{AccountId, EventBusKey, RuleKey, RuleNumber, TargetId, TargetNumber};
use eventyard_core::rule::Rule;
use eventyard_core::target::Target;

pub use check::{CheckedStore, StoreFault, remove_damaged};
pub use dump::{DumpError, read_dump, write_dump};
pub use record::{Kind, Record};

/// How often a store that is in use is tried again, and the pause before each time: two seconds together.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The store, open. One process has it open at a time.
#[derive(Debug)]
pub struct Store {
    db: sled::Db,
    path: PathBuf,
}

/// Everything in the store.
#[derive(Debug)]
pub struct Contents {
    /// When the store was made.
    pub created: Timestamp,
    /// The event buses that were created or changed. The default bus of an account exists without an entry.
    pub event_buses: Vec<(EventBusKey, EventBus)>,
    /// The rules.
    pub rules: Vec<(RuleKey, StoredRule)>,
    /// The targets, each with its rule.
    pub targets: Vec<(RuleKey, StoredTarget)>,
    /// Targets that are gone but may still be owed events.
    pub removed_targets: Vec<(TargetNumber, RemovedTarget)>,
    /// The next number for a rule or a target.
    pub next_number: u64,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            created: Timestamp::EPOCH,
            event_buses: Vec::new(),
            rules: Vec::new(),
            targets: Vec::new(),
            removed_targets: Vec::new(),
            next_number: 1,
        }
    }
}

/// A rule with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRule {
    /// Given at creation, never used again.
    pub number: RuleNumber,
    /// The rule.
    pub rule: Rule,
    /// Since when its schedule runs; none when it has none or is disabled.
    pub scheduled_since: Option<Timestamp>,
    /// The account that made it; none for the account that its bus belongs to.
    pub created_by: Option<AccountId>,
}

impl StoredRule {
    /// The account that made it; `key` is its own.
    #[must_use]
    pub fn creator<'a>(&'a self, key: &'a RuleKey) -> &'a AccountId {
        self.created_by.as_ref().unwrap_or(&key.bus.account)
    }
}

/// A target with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTarget {
    /// Given when it is first put, kept when it is replaced, never used again.
    pub number: TargetNumber,
    /// The target.
    pub target: Target,
}

/// What is remembered of a target that is gone, so that events still owed to it die under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedTarget {
    /// The ARN of its rule.
    pub rule_arn: String,
    /// Its id within the rule.
    pub target_id: String,
    /// Its Arn.
    pub target_arn: String,
}

/// One change; a list of them is applied whole or not at all.
#[derive(Debug)]
pub enum Change {
    /// Create or replace an event bus.
    PutEventBus(EventBusKey, EventBus),
    /// Delete an event bus.
    DeleteEventBus(EventBusKey),
    /// Create or replace a rule.
    PutRule(RuleKey, StoredRule),
    /// Delete a rule.
    DeleteRule(RuleKey),
    /// Create or replace a target.
    PutTarget(RuleKey, Box<StoredTarget>),
    /// Remove a target, but remember it for what it is still owed.
    RemoveTarget(RuleKey, TargetId, TargetNumber, RemovedTarget),
    /// Forget a removed target that is owed nothing any more.
    ForgetTarget(TargetNumber),
    /// Numbers below this one are taken.
    NextNumber(u64),
}

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// sled could not open its files.
    #[error("cannot open the store at {}: {reason}; {hint}", path.display())]
    Open {
        /// Where it is.
        path: PathBuf,
        /// What failed.
        reason: String,
        /// What can be done.
        hint: &'static str,
    },
    /// The store was written by a newer release.
    #[error("the store at {} has schema {found}, and this release knows schemas up to {newest}: start the release that wrote it, or a later one; nothing was changed", path.display())]
    Newer {
        /// Where it is.
        path: PathBuf,
        /// The schema on disk.
        found: u32,
        /// The newest this release knows.
        newest: u32,
    },
    /// The copy that is made before a migration could not be written or did not read back as it was.
    #[error("the store was not migrated, because its dump could not be made sure of: {0}; nothing was changed")]
    Dump(#[from] DumpError),
    /// A migration met something it does not understand.
    #[error("migration {name} failed: {reason}; nothing was changed")]
    Migration {
        /// The migration.
        name: &'static str,
        /// What it met.
        reason: String,
    },
    /// An entry cannot be read.
    #[error("the store holds an entry that cannot be read: {entry}: {reason}")]
    Damaged {
        /// Which entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A write failed.
    #[error("cannot write the store: {0}")]
    Write(String),
    /// A read failed.
    #[error("cannot read the store: {0}")]
    Read(String),
}

/// Whoever had the store open before lets go of it a moment after it has ended; so a store in use is tried again for a while.
fn open_when_free(config: &sled::Config) -> sled::Result<sled::Db> {
    for _ in 0..LOCK_TRIES {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("lock") => std::thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
    }
    config.open()
}

fn hint(error: &sled::Error) -> &'static str {
    match error {
        sled::Error::Corruption { .. } => "see what `eventyard fsck` finds, and restore a backup",
        _ => "is another eventyard using this data directory, or may this user not write there?",
    }
}

impl Store {
    /// Opens the store in `data_dir`, makes it when there is none, and brings an older one to the newest schema.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing on disk was changed when it is `Newer`, `Dump` or `Migration`.
    pub fn open(data_dir: &Path, now: Timestamp) -> Result<Self, StoreError> {
        Self::open_with(data_dir, migrations::ALL, now)
    }

    fn open_with(data_dir: &Path, steps: &[migrations::Migration], now: Timestamp) -> Result<Self, StoreError> {
        let store = Self::open_as_it_is(data_dir)?;
        migrate::migrate(&store, data_dir, steps, now)?;
        Ok(store)
    }

    fn open_as_it_is(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join("store");
        // The whole store is in memory anyway; a small cache keeps the daemon small.
        let config = sled::Config::new().path(&path).cache_capacity(8 * 1024 * 1024).flush_every_ms(None);
        let db = open_when_free(&config).map_err(|error| StoreError::Open {
            path: path.clone(),
            reason: error.to_string(),
            hint: hint(&error),
        })?;
        Ok(Self { db, path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything.
    ///
    /// # Errors
    /// When an entry cannot be read: the daemon must not start on part of its rules.
    pub fn load(&self) -> Result<Contents, StoreError> {
        codec::contents(self.records()?)
    }

    /// Applies `changes` as one transaction, and returns when they are on disk.
    ///
    /// # Errors
    /// When the write or the fsync failed.
    pub fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for edit in changes.iter().flat_map(codec::edits) {
            match edit {
                codec::Edit::Insert(record) => batch.insert(record.key_bytes(), record.value_bytes()),
                codec::Edit::Remove(kind, key) => batch.remove(record::key_bytes(kind, &key)),
            }
        }
        self.db.apply_batch(batch).map_err(|error| StoreError::Write(error.to_string()))?;
        self.db.flush().map_err(|error| StoreError::Write(error.to_string()))?;
        Ok(())
    }

    /// All records in the order of their keys.
    ///
    /// # Errors
    /// When sled cannot read, or an entry is no record.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for entry in self.db.iter() {
            let (key, value) = entry.map_err(|error| StoreError::Read(error.to_string()))?;
            records.push(Record::from_bytes(&key, &value)?);
        }
        Ok(records)
    }

    /// Makes a new store in `data_dir` from the records of a dump, in the schema they have; opening it then migrates it.
    ///
    /// # Errors
    /// When there is a store already, or it cannot be written.
    pub fn restore(data_dir: &Path, records: &[Record]) -> Result<(), StoreError> {
        let store = Self::open_with(data_dir, &[], Timestamp::EPOCH)?;
        store.replace(&[], records)
    }

    /// Removes everything but the store's own values, as one transaction: numbers that were given are not given again.
    ///
    /// # Errors
    /// When sled cannot read or write.
    pub fn clear(&self) -> Result<(), StoreError> {
        let mut records = self.records()?;
        records.retain(|record| record.kind != Kind::Store);
        self.replace(&records, &[])
    }

    /// Replaces everything by `records`, as one transaction.
    fn replace(&self, old: &[Record], new: &[Record]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for record in old {
            batch.remove(record.key_bytes());
        }
        for record in new {
            batch.insert(record.key_bytes(), record.value_bytes());
        }
        self.db.apply_batch(batch).map_err(|error| StoreError::Write(error.to_string()))?;
        self.db.flush().map_err(|error| StoreError::Write(error.to_string()))?;
        Ok(())
    }
}
