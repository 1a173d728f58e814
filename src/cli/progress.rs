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
    total: Option<u64>,
    shown: Instant,
    is_shown: bool,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { what, entries: 0, total: None, shown: Instant::now(), is_shown: false, is_terminal }
    }

    /// One that knows how many there are.
    pub(super) fn of(what: &'static str, total: u64) -> Self {
        Self { total: Some(total), ..Self::new(what) }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.advance(1);
    }

    /// So many more are done.
    pub(super) fn advance(&mut self, entries: u64) {
        self.reach(self.entries + entries, self.total);
    }

    /// So many are done, of so many if that is known. Work that is done at once shows nothing.
    pub(super) fn reach(&mut self, entries: u64, total: Option<u64>) {
        (self.entries, self.total) = (entries, total);
        if self.is_terminal && self.shown.elapsed() > PERIOD {
            self.shown = Instant::now();
            self.is_shown = true;
            // When nobody reads standard error there is nobody to tell.
            let _ = write!(std::io::stderr(), "\r\x1b[K{}", self.line());
        }
    }

    fn line(&self) -> String {
        match self.total {
            Some(total) => {
                let percent = self.entries.saturating_mul(100) / total.max(1);
                format!("{} {} of {total} ({percent} %)", self.what, self.entries)
            }
            None => format!("{} {}", self.what, self.entries),
        }
    }

    /// How many were done.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            // As above. The line makes way for what is said next.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_the_total_where_it_is_known() {
        let mut known = Progress::of("restoring", 200);
        known.advance(50);
        assert_eq!(known.line(), "restoring 50 of 200 (25 %)");
        assert_eq!(Progress::of("restoring", 0).line(), "restoring 0 of 0 (0 %)");
        let mut unknown = Progress::new("backing up");
        unknown.step();
        assert_eq!((unknown.line().as_str(), unknown.entries()), ("backing up 1", 1));
    }
}
