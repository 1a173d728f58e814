//! Whether events are taken: while the disk has room and the backlog is not too large.
//!
//! What closed opens again only when there is some more room than what closed it, so that it does not flicker.

use std::sync::{Arc, Mutex, PoisonError};

use super::JournalError;
use super::disk::Disk;
use crate::telemetry::{BacklogFull, JournalFull, JournalRoomAgain, Telemetry};

/// What the intake looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Least bytes free on the disk; 0 for no bound.
    pub(super) free_space_bytes_min: u64,
    /// Most bytes of events that are owed; 0 for no bound.
    pub(super) size_bytes_max: u64,
}

/// What closed the intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    Disk,
    Backlog,
}

/// The intake of events.
#[derive(Debug)]
pub(super) struct Intake {
    bounds: Bounds,
    closed: Mutex<Option<Closed>>,
    telemetry: Arc<Telemetry>,
}

impl Intake {
    pub(super) fn new(bounds: Bounds, telemetry: Arc<Telemetry>) -> Self {
        Self { bounds, closed: Mutex::default(), telemetry }
    }

    /// Says whether the disk has room for anything but settlements.
    pub(super) fn check_disk(&self, disk: &dyn Disk) -> Result<(), JournalError> {
        check_free(disk, self.bounds.free_space_bytes_min)
    }

    /// Says whether events are taken while `owed_bytes` of them are owed, and tells the operator when that changes.
    pub(super) fn check(&self, disk: &dyn Disk, owed_bytes: u64) -> Result<(), JournalError> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let Bounds { free_space_bytes_min, size_bytes_max } = self.bounds;
        let margin = |bound: u64, by: Closed| if *closed == Some(by) { bound / 8 } else { 0 };
        let free = check_free(disk, free_space_bytes_min.saturating_add(margin(free_space_bytes_min, Closed::Disk)));
        let bytes_max = size_bytes_max.saturating_sub(margin(size_bytes_max, Closed::Backlog));
        let is_too_much = size_bytes_max > 0 && owed_bytes >= bytes_max;
        let checked = match free {
            Ok(()) if is_too_much => Err(JournalError::BacklogFull { bytes: owed_bytes, size_bytes_max }),
            free => free,
        };
        let now = match &checked {
            Err(JournalError::Full { free_bytes, free_space_bytes_min }) => {
                if *closed != Some(Closed::Disk) {
                    let (free_bytes, free_space_bytes_min) = (*free_bytes, *free_space_bytes_min);
                    self.telemetry.record(&JournalFull { free_bytes, free_space_bytes_min });
                }
                Some(Closed::Disk)
            }
            Err(JournalError::BacklogFull { bytes, size_bytes_max }) => {
                if *closed != Some(Closed::Backlog) {
                    self.telemetry.record(&BacklogFull { bytes: *bytes, size_bytes_max: *size_bytes_max });
                }
                Some(Closed::Backlog)
            }
            // A disk that does not say how much is free is not known to be full.
            Ok(()) | Err(_) => None,
        };
        if closed.is_some() && now.is_none() {
            self.telemetry.record(&JournalRoomAgain);
        }
        *closed = now;
        checked
    }
}

fn check_free(disk: &dyn Disk, free_space_bytes_min: u64) -> Result<(), JournalError> {
    match disk.free_bytes()? {
        Some(free_bytes) if free_bytes < free_space_bytes_min => {
            Err(JournalError::Full { free_bytes, free_space_bytes_min })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::model_disk::ModelDisk;

    #[test]
    fn what_closed_opens_with_some_more_room_and_says_so() {
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let bounds = Bounds { free_space_bytes_min: 800, size_bytes_max: 1_600 };
        let (intake, disk) = (Intake::new(bounds, Arc::clone(&telemetry)), ModelDisk::default());
        let open = |free: u64, owed: u64| {
            disk.set_free_bytes(free);
            let is_open = intake.check(&disk, owed).is_ok();
            let (closed, metrics) = (!is_open, telemetry.encode());
            let is_set = |name: &str| metrics.contains(&format!("{name} 1\n"));
            assert_eq!(is_set("eventyard_journal_full") || is_set("eventyard_backlog_full"), closed);
            assert!(!is_set("eventyard_backlog_full") || owed >= 1_400, "{owed}");
            is_open
        };
        let looks =
            [(800, 1_599), (799, 0), (899, 0), (900, 1_599), (900, 1_600), (900, 1_400), (900, 1_399), (800, 1_599)];
        let found = looks.map(|(free, owed)| open(free, owed));
        assert_eq!(found, [true, false, false, true, false, false, true, true]);
        let unbounded = Intake::new(Bounds { free_space_bytes_min: 0, size_bytes_max: 0 }, telemetry);
        disk.set_free_bytes(0);
        assert!(unbounded.check(&disk, u64::MAX).is_ok());
    }
}
