//! `eventyard store`: the store as a neutral dump, and back. The daemon must not be running.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use eventyard_core::clock::Clock as _;

use super::{fail, say};
use crate::app::data_format::{self, DataFormatError};
use crate::runtime::SystemClock;
use crate::store::{DumpError, Store, StoreError, migrations, read_dump, write_dump};

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Write rules, targets and event buses to a file of JSON Lines with a checksum. Events and dead letters are not in it.
    Dump(StoreArguments),
    /// Make a new store from a dump.
    Restore(StoreArguments),
}

/// Which store and which file.
#[derive(Debug, Args)]
pub(super) struct StoreArguments {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The dump. It is never overwritten.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// Why there is no dump, or no store.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    DataFormat(#[from] DataFormatError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{}: {reason}", file.display())]
    Dump { file: PathBuf, reason: DumpError },
    #[error("{0} is not a folder with a store")]
    NoStore(String),
    #[error("{0} has a store already; restore into a folder that has none")]
    Taken(String),
}

pub(super) fn run(command: &StoreCommand) -> ExitCode {
    let done = match command {
        StoreCommand::Dump(StoreArguments { data_dir, file }) => dump(data_dir, file),
        StoreCommand::Restore(StoreArguments { data_dir, file }) => restore(data_dir, file),
    };
    match done {
        Ok(records) => {
            say(&format!("{records} records"));
            ExitCode::SUCCESS
        }
        Err(failure) => fail(&failure.to_string()),
    }
}

fn dump(data_dir: &Path, file: &Path) -> Result<usize, Failure> {
    if !data_dir.join("store").is_dir() {
        return Err(Failure::NoStore(data_dir.display().to_string()));
    }
    data_format::check(data_dir)?;
    let records = Store::open(data_dir, SystemClock.now())?.records()?;
    let schema = migrations::ALL.last().map_or(0, |newest| newest.schema);
    write_dump(file, schema, &records).map_err(|reason| Failure::Dump { file: file.to_owned(), reason })?;
    Ok(records.len())
}

/// The records keep their schema; opening the store brings them to the newest, and reading it shows that all is well.
fn restore(data_dir: &Path, file: &Path) -> Result<usize, Failure> {
    if data_dir.join("store").exists() {
        return Err(Failure::Taken(data_dir.display().to_string()));
    }
    let (_, records) = read_dump(file).map_err(|reason| Failure::Dump { file: file.to_owned(), reason })?;
    Store::restore(data_dir, &records)?;
    Store::open(data_dir, SystemClock.now())?.load()?;
    Ok(records.len())
}
