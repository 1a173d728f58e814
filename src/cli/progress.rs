//! Progress of long work, on standard error when a person looks at it.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often the line is written again.
const PERIOD: Duration = Duration::from_millis(200);

/// A line that says how far the work has come. Without a terminal there is none.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    entries: u64,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, entries: 0, shown: None, is_terminal: std::io::stderr().is_terminal() }
    }

    /// One entry more is done.
    pub(super) fn step(&mut self) {
        self.entries += 1;
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() > PERIOD);
        if self.is_terminal && self.entries.is_multiple_of(100) && is_due {
            self.shown = Some(Instant::now());
            // When nobody reads standard error there is nobody to tell.
            let _ = write!(std::io::stderr(), "\r{} {} entries", self.what, self.entries);
        }
    }

    /// How many were done.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            // As above. The line makes way for what is said next.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
