//! `eventyard restore`: a new data directory from a backup.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use eventyard_core::clock::Clock as _;

use super::backup::sync_folder_of;
use super::progress::Progress;
use super::{fail, say};
use crate::backup::{BackupError, BackupReader, Entry, RESTORING};
use crate::journal::{Disk as _, DiskError, Durability, FjallDisk, Write};
use crate::runtime::SystemClock;
use crate::store::{Store, StoreError};

/// Entries of the journal that are written at once.
const BATCH: usize = 1_000;
/// Bytes written at once, more or less.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// From which file, and where to.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The data directory to make. It must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}: {reason}", file.display())]
    Backup { file: PathBuf, reason: BackupError },
    #[error("{} is not empty; restore into a new folder", .0.display())]
    NotEmpty(PathBuf),
    #[error("{}: {reason}", path.display())]
    Io { path: PathBuf, reason: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Disk(#[from] DiskError),
}

pub(super) fn run(arguments: &RestoreArguments) -> ExitCode {
    match restore(&arguments.file, &arguments.data_dir) {
        Ok(entries) => {
            say(&format!("{entries} entries restored to {}", arguments.data_dir.display()));
            ExitCode::SUCCESS
        }
        Err(failure) => fail(&failure.to_string()),
    }
}

/// The whole file is read before anything is written. What is written gets its place when it is whole and on disk; until then
/// a daemon refuses to start on the folder.
fn restore(file: &Path, data_dir: &Path) -> Result<u64, Failure> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |reason| Failure::Io { path, reason }
    };
    read(file, "verifying:", |_| Ok(()))?;
    if fs::read_dir(data_dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::NotEmpty(data_dir.to_owned()));
    }
    let folder = data_dir.join(RESTORING);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let entries = write(file, &folder)?;
    for part in ["journal", "store"] {
        fs::rename(folder.join(part), data_dir.join(part)).map_err(at(data_dir))?;
    }
    sync_folder_of(&folder).map_err(at(data_dir))?;
    fs::remove_dir(&folder).map_err(at(&folder))?;
    sync_folder_of(&folder).map_err(at(data_dir))?;
    Ok(entries)
}

/// Writes store and journal into `folder`. The records keep their schema; opening the store brings them to the newest, and
/// reading it shows that all is well.
fn write(file: &Path, folder: &Path) -> Result<u64, Failure> {
    let journal = FjallDisk::open(&folder.join("journal"))?;
    let (mut records, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
    let entries = read(file, "restoring:", |entry| {
        match entry {
            Entry::Store(record) => records.push(record),
            Entry::Journal { space, key, value } => {
                bytes += key.len() + value.len();
                if batch.len() == BATCH || bytes > BATCH_BYTES {
                    bytes = key.len() + value.len();
                    journal.write(std::mem::take(&mut batch), Durability::Process)?;
                }
                batch.push(Write::Insert(space, key, value));
            }
        }
        Ok(())
    })?;
    journal.write(batch, Durability::Power)?;
    drop(journal);
    Store::restore(folder, &records)?;
    Store::open(folder, SystemClock.now())?.load()?;
    Ok(entries)
}

/// Hands every entry of the backup to `take`, and answers how many there are.
fn read(file: &Path, what: &'static str, mut take: impl FnMut(Entry) -> Result<(), Failure>) -> Result<u64, Failure> {
    let damaged = |reason| Failure::Backup { file: file.to_owned(), reason };
    let mut progress = Progress::new(what);
    let input = File::open(file).map_err(|error| damaged(error.into()))?;
    let mut reader = BackupReader::new(input).map_err(damaged)?;
    while let Some(entry) = reader.entry().map_err(damaged)? {
        progress.step();
        take(entry)?;
    }
    Ok(progress.entries())
}
