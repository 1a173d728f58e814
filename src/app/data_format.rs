//! Which release wrote a data directory, and in which form: a file that is read before anything else is opened, so that a release
//! that does not know the form leaves everything as it is.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::journal;
use crate::store::migrations;

/// The file in the data directory.
const FILE: &str = "format.json";

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DataFormat {
    /// The release that wrote last.
    release: String,
    store_schema: u32,
    journal_schema: u32,
}

impl DataFormat {
    fn of_this_release() -> Self {
        Self {
            release: env!("CARGO_PKG_VERSION").to_owned(),
            store_schema: migrations::ALL.last().map_or(0, |newest| newest.schema),
            journal_schema: journal::SCHEMA,
        }
    }
}

/// Why a data directory is left alone.
#[derive(Debug, thiserror::Error)]
pub enum DataFormatError {
    /// A newer release wrote it.
    #[error(
        "eventyard {release} wrote {} with schema {found} of the {part}, and this release, {}, knows it up to {known}: start \
         release {release} or a later one; nothing was changed",
        path.display(), env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The data directory.
        path: PathBuf,
        /// The release to use.
        release: String,
        /// `store` or `journal`.
        part: &'static str,
        /// The schema on disk.
        found: u32,
        /// The newest that this release knows.
        known: u32,
    },
    /// The file says nothing that can be understood.
    #[error("{} is not what eventyard writes: {reason}; if no release newer than this one has run here, remove the file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It could not be read or written.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: io::Error,
    },
}

/// Makes sure that this release knows all that is in `data_dir`. Releases before wrote no file; this one knows what they wrote.
///
/// # Errors
/// When it does not, or that cannot be told.
pub fn check(data_dir: &Path) -> Result<(), DataFormatError> {
    let Some(found) = read(data_dir)? else { return Ok(()) };
    let known = DataFormat::of_this_release();
    let parts =
        [("store", found.store_schema, known.store_schema), ("journal", found.journal_schema, known.journal_schema)];
    match parts.into_iter().find(|(_, found, known)| found > known) {
        None => Ok(()),
        Some((part, found_schema, known)) => Err(DataFormatError::Newer {
            path: data_dir.to_owned(),
            release: found.release,
            part,
            found: found_schema,
            known,
        }),
    }
}

/// Says in `data_dir` that this release writes there. When it returns, that is on disk.
///
/// # Errors
/// When the file cannot be written.
pub fn record(data_dir: &Path) -> Result<(), DataFormatError> {
    let format = DataFormat::of_this_release();
    if read(data_dir)?.as_ref() == Some(&format) {
        return Ok(());
    }
    let path = data_dir.join(FILE);
    let write = || {
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(format!("{}\n", serde_json::to_string(&format)?).as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(data_dir)?.sync_all()
    };
    write().map_err(|reason| DataFormatError::Io { path: path.clone(), reason })
}

fn read(data_dir: &Path) -> Result<Option<DataFormat>, DataFormatError> {
    let path = data_dir.join(FILE);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| DataFormatError::Unreadable { path, reason: error.to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(DataFormatError::Io { path, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_form_of_either_part_is_refused_with_the_release_to_use() {
        let folder = tempfile::tempdir().unwrap();
        check(folder.path()).unwrap();
        record(folder.path()).unwrap();
        check(folder.path()).unwrap();
        let known = read(folder.path()).unwrap().unwrap();
        assert_eq!(known, DataFormat::of_this_release());
        let release = "9.8.7".to_owned();
        for (part, newer) in [
            ("store", DataFormat { store_schema: known.store_schema + 1, release: release.clone(), ..known.clone() }),
            ("journal", DataFormat { journal_schema: known.journal_schema + 1, release, ..known.clone() }),
        ] {
            fs::write(folder.path().join(FILE), serde_json::to_vec(&newer).unwrap()).unwrap();
            let said = check(folder.path()).unwrap_err().to_string();
            assert!(said.contains(part) && said.contains("start release 9.8.7 or a later one"), "{said}");
        }
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(check(folder.path()).unwrap_err().to_string().contains("remove the file"));
    }
}
