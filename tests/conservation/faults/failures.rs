//! A single call of the journal that fails, or the power at that moment.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::{ENDING_MAX, World};
use crate::facts::Fact;
use crate::failing_disk::{FailingDisk, Failure};

/// Which call under load fails at most.
const CALLS_MAX: u64 = 600;

/// What the storage engine says of a merge of its list of parts.
const MERGE_FAILED: &str = "Meta keyspace maintenance failed";

/// How long the daemon may do without the call that is to fail.
const CALL_MAX: Duration = Duration::from_secs(20);

impl World {
    /// Lets a call under load fail.
    pub(super) fn fail_call(&mut self, failure: Failure) -> Result<(), String> {
        let nth = 1 + self.below(CALLS_MAX);
        self.fail_nth_call(failure, nth)
    }

    /// Lets the first fsync fail, which is one of the start: of the log that it goes on with.
    pub(super) fn fail_first_call(&mut self) -> Result<(), String> {
        let failure = if self.below(2) == 0 { Failure::Sync } else { Failure::PowerAtSync };
        self.fail_nth_call(failure, 1)
    }

    /// Starts the daemon again on a disk of which one call fails, and once more when that has ended it.
    fn fail_nth_call(&mut self, failure: Failure, nth: u64) -> Result<(), String> {
        let Some(failing) = &self.failing else { return Ok(()) };
        let environment = failing.environment(failure, nth, self.daemon.environment());
        self.end();
        self.oracle().generation += 1;
        self.daemon.spawn(&environment)?;
        let ended = self.end_of_failed_call()?;
        let failed = self.failed();
        if let Some(status) = ended {
            judge(failure, failed.as_deref(), status)?;
            self.meet_failure(failure);
        }
        // Nothing that a failed call leaves is damage.
        self.daemon.check_data().map_err(|error| format!("a call for {failed:?} failed, then {error}"))?;
        self.start()
    }

    /// How the daemon ended; nothing when no call failed that must end it, and it was killed.
    fn end_of_failed_call(&mut self) -> Result<Option<ExitStatus>, String> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.daemon.exited() {
                self.oracle().kills += 1;
                return Ok(Some(status));
            }
            let failed = self.failed();
            if failed.as_deref().map_or(begun.elapsed() > CALL_MAX, |file| self.is_put_off(file)) {
                self.end();
                return Ok(None);
            }
            if begun.elapsed() > CALL_MAX + ENDING_MAX {
                return Err("a call failed, and the daemon goes on".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the call was one of merging the tables in which the storage engine lists its parts. It warns then, goes on with
    /// the tables that it has, and merges them another time.
    fn is_put_off(&self, file: &str) -> bool {
        file.contains("/journal/keyspaces/0/") && self.daemon.has_said(MERGE_FAILED)
    }

    fn failed(&self) -> Option<String> {
        self.failing.as_ref().and_then(FailingDisk::failed)
    }

    fn meet_failure(&self, failure: Failure) {
        let under_load = match failure {
            Failure::Sync => Fact::EndedByFailedSync,
            Failure::Write => Fact::EndedByFailedWrite,
            Failure::PowerAtSync | Failure::PowerAtWrite => Fact::LostPower,
        };
        if self.daemon.was_ready() {
            self.meet_if_owing(under_load);
        } else {
            self.oracle().facts.meet(Fact::FailedWhileStarting);
        }
    }
}

/// A daemon whose call failed says so by its end, and no other one ends.
fn judge(failure: Failure, failed: Option<&str>, status: ExitStatus) -> Result<(), String> {
    let Some(file) = failed else { return Err(format!("no call failed, and the daemon ended with {status}")) };
    let is_right = match failure {
        Failure::Sync | Failure::Write => status.code() == Some(1),
        Failure::PowerAtSync | Failure::PowerAtWrite => status.signal() == Some(9),
    };
    if is_right { Ok(()) } else { Err(format!("a call for {file} failed, and the daemon ended with {status}")) }
}
