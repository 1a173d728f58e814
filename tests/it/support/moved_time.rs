//! A clock that a test moves: that of libfaketime (the Debian package `libfaketime`), where it is installed.

use std::fs;
use std::path::PathBuf;

use eventyard::runtime::SystemClock;
use eventyard_core::clock::Clock as _;

/// Seconds.
pub(crate) const MINUTE: i64 = 60;

/// The time of a daemon, as an offset to the real one that a file tells.
#[derive(Debug)]
pub(crate) struct MovedTime {
    library: PathBuf,
    folder: tempfile::TempDir,
    offset: i64,
}

impl MovedTime {
    /// None where libfaketime is not installed.
    pub(crate) fn find() -> Option<Self> {
        let places = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path().join("faketime"));
        let library = places
            .chain([PathBuf::from("/usr/lib/faketime")])
            .map(|folder| folder.join("libfaketimeMT.so.1"))
            .find(|library| library.exists());
        let Some(library) = library else {
            println!("SKIPPED: libfaketime is not installed, so the clock of the real binary is not moved");
            return None;
        };
        let mut time = Self { library, folder: tempfile::tempdir().unwrap(), offset: 0 };
        // Right behind a full minute, so that the next one comes when the test says.
        time.advance(MINUTE + 1 - SystemClock.now().as_millis() / 1_000 % MINUTE);
        Some(time)
    }

    /// Forward by so many seconds, or back.
    pub(crate) fn advance(&mut self, seconds: i64) {
        self.offset += seconds;
        // A reader never sees half of it.
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{:+}\n", self.offset)).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// The variables of a daemon that lives in it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let variables = [
            ("LD_PRELOAD", self.library.to_string_lossy().into_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().to_string_lossy().into_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Timeouts and pauses go on as ever.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }
}
