//! `eventyard fsck`: whether every entry of store and journal can be read and fits the others.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::progress::Progress;
use super::{remark, say};
use crate::app::data_format::{self, DataFormatError};
use crate::journal::{
    Disk as _, DiskError, FjallDisk, JournalError, Looked, QUARANTINE_FILE, Quarantined, Remedy, check, hex,
    quarantine, repair,
};
use crate::store::{CheckedStore, Store, StoreError, remove_damaged};

/// Exit code when nothing could be looked at.
const NOT_CHECKED: u8 = 2;

/// Which data directory.
#[derive(Debug, Args)]
pub(super) struct FsckArguments {
    /// The data directory of a daemon that is not running.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Put what is damaged aside in quarantine.jsonl in the data directory, so that the daemon can run without it.
    #[arg(long)]
    repair: bool,
    /// Print what is wrong as JSON Lines.
    #[arg(long)]
    json: bool,
}

/// Why the check did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{} is not a data directory", .0.display())]
    NoData(PathBuf),
    #[error("a daemon runs on {}: stop it first; what it meets that is damaged it puts aside by itself", .0.display())]
    InUse(PathBuf),
    #[error(transparent)]
    DataFormat(#[from] DataFormatError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

#[derive(Serialize)]
struct Line<'a> {
    place: &'a str,
    key_hex: String,
    reason: &'a str,
    remedy: &'a str,
}

/// What was found so far, told as it comes.
struct Report {
    repair: bool,
    json: bool,
    faults: u64,
    progress: Progress,
}

impl Report {
    fn tell(&mut self, record: &Quarantined, remedy: &str) {
        self.faults += 1;
        let Quarantined { place, key, reason, .. } = record;
        let line = Line { place, key_hex: hex(key), reason, remedy };
        if self.json {
            // Strings always have a JSON form.
            say(&serde_json::to_string(&line).unwrap_or_default());
        } else {
            say(&format!("{place}\t{}\t{reason}\t{remedy}", line.key_hex));
        }
    }
}

/// Exit codes: 0 clean, 1 something is wrong or was until it was repaired, 2 not checked.
pub(super) fn run(arguments: &FsckArguments) -> ExitCode {
    let FsckArguments { data_dir, repair, json } = arguments;
    let mut report = Report { repair: *repair, json: *json, faults: 0, progress: Progress::new("looking at") };
    match look(data_dir, &mut report) {
        Ok(()) if report.faults == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(failure @ (Failure::NoData(_) | Failure::InUse(_) | Failure::DataFormat(_))) => {
            remark(&failure.to_string());
            ExitCode::from(NOT_CHECKED)
        }
        Err(failure) => {
            remark(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn look(data_dir: &Path, report: &mut Report) -> Result<(), Failure> {
    let journal = data_dir.join("journal");
    if !data_dir.join("store").is_dir() || !journal.is_dir() {
        return Err(Failure::NoData(data_dir.to_owned()));
    }
    if FjallDisk::is_in_use(&journal) {
        return Err(Failure::InUse(data_dir.to_owned()));
    }
    data_format::check(data_dir)?;
    let store = look_at_store(data_dir, report)?;
    let damaged_logs = FjallDisk::check_logs(&journal)?;
    let is_log_damaged = !damaged_logs.is_empty();
    for (place, reason) in damaged_logs {
        let record = Quarantined { place, key: Vec::new(), value: Vec::new(), reason };
        report.tell(&record, if report.repair { "put aside" } else { "--repair puts it aside, as a start does" });
    }
    if is_log_damaged && !report.repair {
        remark("the journal's entries were not looked at: that would repair its log");
        return Ok(());
    }
    look_at_journal(&journal, &store, report)?;
    if data_dir.join(QUARANTINE_FILE).exists() {
        remark(&format!("{} has what was put aside", data_dir.join(QUARANTINE_FILE).display()));
    }
    Ok(())
}

fn look_at_store(data_dir: &Path, report: &mut Report) -> Result<CheckedStore, Failure> {
    let store = Store::check(data_dir)?;
    let as_record = |fault: &crate::store::StoreFault| Quarantined {
        place: "store".to_owned(),
        key: fault.key.clone(),
        value: fault.value.clone(),
        reason: fault.reason.clone(),
    };
    let records: Vec<_> = store.faults.iter().map(as_record).collect();
    for record in &records {
        report.tell(record, if report.repair { "put aside" } else { "--repair puts it aside" });
    }
    if report.repair && !records.is_empty() {
        quarantine(data_dir, &records)?;
        remove_damaged(data_dir, &store.faults)?;
    }
    remark(&format!("store: {} entries, {} damaged", store.entries, records.len()));
    Ok(store)
}

fn look_at_journal(journal: &Path, store: &CheckedStore, report: &mut Report) -> Result<(), Failure> {
    let disk = FjallDisk::open(journal)?;
    let before = report.faults;
    if report.repair {
        salvage(&disk, report)?;
    }
    let view = disk.view()?;
    let verdict = check(view.as_ref(), &store.targets, &mut |looked| {
        let Looked::Wrong(fault) = looked else {
            report.progress.step();
            return Ok(());
        };
        let is_repaired = report.repair && repair(&disk, &fault)?;
        report.tell(&fault.record, remedy(&fault.remedy, is_repaired));
        Ok::<_, Failure>(())
    })?;
    let counts: Vec<_> = verdict.entries.iter().map(|(space, entries)| format!("{space} {entries}")).collect();
    remark(&format!("journal: {}; {} damaged", counts.join(", "), report.faults - before));
    Ok(())
}

/// Moves every space away from files that cannot be read, for whatever reason: who asks for it has looked before.
fn salvage(disk: &FjallDisk, report: &mut Report) -> Result<(), Failure> {
    for space in disk.view()?.spaces() {
        for lost in disk.salvage(space, true)? {
            report.tell(&lost, "the damaged files were left behind");
        }
    }
    if disk.is_suspect() {
        disk.trust()?;
    }
    Ok(())
}

fn remedy(remedy: &Remedy, is_repaired: bool) -> &'static str {
    match remedy {
        Remedy::PutAside(_) if is_repaired => "put aside",
        Remedy::PutAside(_) => "--repair puts it aside, as the daemon does when it meets it",
        Remedy::Correct(_) if is_repaired => "set right",
        Remedy::Correct(_) => "--repair sets it right",
        Remedy::LeftToTheDaemon => "the daemon gives it up as a dead letter, or makes it twice",
        Remedy::Salvage => "--repair leaves the damaged files behind and keeps what can be read",
    }
}
