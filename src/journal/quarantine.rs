//! The quarantine: what cannot be read is put aside in a file of JSON Lines, for a person to look at, and counted.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Serialize;

use crate::telemetry::{RecordQuarantined, Telemetry};

/// The file in the data directory.
pub const QUARANTINE_FILE: &str = "quarantine.jsonl";
/// What it is called when it is full and the next one is begun. There is one.
const FULL_FILE: &str = "quarantine.1.jsonl";
/// Bytes with which it is full.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it stood: a space, `store`, or a log file with the bytes from and to.
    pub place: String,
    /// Its key; empty for a part of a file.
    pub key: Vec<u8>,
    /// Its bytes.
    pub value: Vec<u8>,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Serialize)]
struct Line<'a> {
    place: &'a str,
    key_hex: String,
    value_hex: String,
    reason: &'a str,
}

impl Quarantined {
    /// As a line of the file.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { place, key, value, reason } = self;
        let line = Line { place, key_hex: hex(key), value_hex: hex(value), reason };
        // Strings always have a JSON form.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// Tells the operator.
    pub(super) fn tell(&self, telemetry: &Telemetry) {
        telemetry.record(&RecordQuarantined { place: &self.place, key: &hex(&self.key), reason: &self.reason });
    }
}

/// Puts records aside in `data_dir`; what was put aside long before goes when there is too much. When it returns, they are on disk, so that they can be removed from where they were.
///
/// # Errors
/// When the file cannot be written.
pub fn quarantine(data_dir: &Path, records: &[Quarantined]) -> io::Result<()> {
    if fs::metadata(data_dir.join(QUARANTINE_FILE)).is_ok_and(|file| file.len() >= BYTES_MAX) {
        fs::rename(data_dir.join(QUARANTINE_FILE), data_dir.join(FULL_FILE))?;
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(data_dir.join(QUARANTINE_FILE))?;
    for record in records {
        file.write_all(format!("{}\n", record.line()).as_bytes())?;
    }
    file.sync_all()
}

/// Bytes as people write them.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_full_file_is_kept_once_and_a_new_one_begun() {
        let folder = tempfile::tempdir().unwrap();
        let record = |n: u8| {
            let place = "ready".to_owned();
            Quarantined { place, key: vec![n], value: Vec::new(), reason: "of a test".to_owned() }
        };
        let fill =
            || File::options().append(true).open(folder.path().join(QUARANTINE_FILE)).unwrap().set_len(BYTES_MAX);
        for n in 0..3 {
            quarantine(folder.path(), &[record(n)]).unwrap();
            fill().unwrap();
        }
        quarantine(folder.path(), &[record(3)]).unwrap();
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        assert_eq!(read(QUARANTINE_FILE), format!("{}\n", record(3).line()).as_bytes());
        assert!(read(FULL_FILE).starts_with(record(2).line().as_bytes()), "the one before is kept");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
