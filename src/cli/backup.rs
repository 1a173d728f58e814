//! `eventyard backup`: everything a daemon keeps, in one file, while the daemon runs or from its data directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use eventyard_core::clock::Clock as _;
use reqwest::Method;

use super::admin::{self, AdminArguments};
use super::progress::Progress;
use super::{fail, say};
use crate::app::data_format::{self, DataFormatError};
use crate::backup::{self, BackupError, BackupReader};
use crate::journal::{Disk as _, DiskError, FjallDisk};
use crate::runtime::SystemClock;
use crate::store::{Store, StoreError};

/// Of which daemon, and where to.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The file to make. It is never overwritten, and has this name only when it is whole and on disk.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Of a daemon that is not running, its data directory. Without it a running daemon is asked.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["admin", "token_file"])]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminArguments,
}

/// Why there is no backup.
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
    #[error("the backup is not whole: {0}")]
    Backup(#[from] BackupError),
    #[error("{} exists already, and a backup is never overwritten", .0.display())]
    Taken(PathBuf),
    #[error("{} is not a data directory", .0.display())]
    NoData(PathBuf),
    #[error("{}: {reason}", file.display())]
    File { file: PathBuf, reason: io::Error },
}

pub(super) fn run(arguments: &BackupArguments) -> ExitCode {
    match take(arguments) {
        Ok((entries, bytes)) => {
            say(&format!("{}: {entries} entries, {bytes} bytes", arguments.to.display()));
            ExitCode::SUCCESS
        }
        Err(failure) => fail(&failure.to_string()),
    }
}

/// Answers how many entries and bytes there are.
fn take(arguments: &BackupArguments) -> Result<(u64, u64), Failure> {
    let to = &arguments.to;
    if to.exists() {
        return Err(Failure::Taken(to.clone()));
    }
    let partial = PathBuf::from(format!("{}.partial", to.display()));
    let at = |file: &Path| {
        let file = file.to_owned();
        move |reason| Failure::File { file, reason }
    };
    // It holds what events and targets hold, which is for the owner alone.
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
    let mut file = file.map_err(at(&partial))?;
    let taken = match &arguments.data_dir {
        Some(data_dir) => copy_stopped(data_dir, &mut file).and_then(|()| {
            let written = File::open(&partial).map_err(at(&partial))?;
            verify(written)
        }),
        None => copy_running(&arguments.admin, &mut file),
    };
    let kept = taken.and_then(|counts| {
        file.sync_all().map_err(at(&partial))?;
        std::fs::rename(&partial, to).map_err(at(to))?;
        sync_folder_of(to).map_err(at(to))?;
        Ok(counts)
    });
    if kept.is_err() {
        // What failed is told already.
        let _ = std::fs::remove_file(&partial);
    }
    kept
}

fn copy_running(admin: &AdminArguments, file: &mut File) -> Result<(u64, u64), Failure> {
    verify(Copied { from: admin.stream(Method::POST, "/backup")?, to: file })
}

fn copy_stopped(data_dir: &Path, file: &mut File) -> Result<(), Failure> {
    if !data_dir.join("store").is_dir() || !data_dir.join("journal").is_dir() {
        return Err(Failure::NoData(data_dir.to_owned()));
    }
    data_format::check(data_dir)?;
    let now = SystemClock.now();
    let records = Store::open(data_dir, now)?.records()?;
    let journal = FjallDisk::open(&data_dir.join("journal"))?.view()?;
    Ok(backup::write(file, &records, journal.as_ref(), now)?)
}

/// Reads all of it, which makes sure of every checksum.
fn verify(input: impl Read) -> Result<(u64, u64), Failure> {
    let mut progress = Progress::new("backing up:");
    let mut reader = BackupReader::new(input)?;
    while reader.entry()?.is_some() {
        progress.step();
    }
    Ok((progress.entries(), reader.bytes()))
}

/// Writes down what is read from it.
struct Copied<'a, R> {
    from: R,
    to: &'a mut File,
}

impl<R: Read> Read for Copied<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.to.write_all(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

/// Brings the names in the folder of a file to disk.
pub(super) fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
