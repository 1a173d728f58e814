//! `eventyard export`: everything a daemon keeps as JSON Lines, for jq or for moving elsewhere.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use eventyard_core::clock::Clock as _;
use reqwest::Method;

use super::admin::{self, AdminArguments};
use super::fail;
use super::progress::Progress;
use crate::app::data_format::{self, DataFormatError};
use crate::backup::{BackupError, BackupReader, Entry, each_entry};
use crate::journal::{Disk as _, DiskError, FjallDisk, export};
use crate::runtime::SystemClock;
use crate::store::{Store, StoreError};

/// Of what.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// Of a daemon that is not running, its data directory. Without this and --backup a running daemon is asked.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["admin", "token_file", "backup"])]
    data_dir: Option<PathBuf>,
    /// A file of `eventyard backup`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["admin", "token_file"])]
    backup: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminArguments,
}

/// Why not everything was exported.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Admin(#[from] admin::Failure),
    #[error(transparent)]
    DataFormat(#[from] DataFormatError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("what was printed is not everything: {0}")]
    Backup(#[from] BackupError),
    #[error("{} is not a data directory", .0.display())]
    NoData(PathBuf),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

pub(super) fn run(arguments: &ExportArguments) -> ExitCode {
    match print_all(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Who closed standard output, as `head` does, has read enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => fail(&failure.to_string()),
    }
}

fn print_all(arguments: &ExportArguments) -> Result<(), Failure> {
    let mut lines = Lines { out: BufWriter::new(io::stdout()), progress: Progress::new("exporting:") };
    match (&arguments.data_dir, &arguments.backup) {
        (Some(data_dir), _) => {
            if !data_dir.join("store").is_dir() || !data_dir.join("journal").is_dir() {
                return Err(Failure::NoData(data_dir.clone()));
            }
            data_format::check(data_dir)?;
            let records = Store::open(data_dir, SystemClock.now())?.records()?;
            let journal = FjallDisk::open(&data_dir.join("journal"))?.view()?;
            each_entry(&records, journal.as_ref(), &mut |entry| lines.print(entry))?;
        }
        (None, Some(file)) => lines.print_backup(File::open(file).map_err(BackupError::from)?)?,
        (None, None) => lines.print_backup(arguments.admin.stream(Method::POST, "/backup")?)?,
    }
    Ok(lines.out.flush()?)
}

struct Lines {
    out: BufWriter<io::Stdout>,
    progress: Progress,
}

impl Lines {
    fn print_backup(&mut self, input: impl Read) -> Result<(), Failure> {
        let mut reader = BackupReader::new(input)?;
        while let Some(entry) = reader.entry()? {
            self.print(entry)?;
        }
        Ok(())
    }

    fn print(&mut self, entry: Entry) -> Result<(), Failure> {
        self.progress.step();
        let line = match entry {
            Entry::Store(record) => serde_json::to_value(&record).ok(),
            Entry::Journal { space, key, value } => export(space, &key, &value),
        };
        if let Some(line) = line {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}
