//! The daemon's own output and files, for trying things out: one event a line.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::{LocalTarget, LocalTargets};
use tokio::sync::Mutex;

/// Writes events to this machine.
#[derive(Debug)]
pub struct LocalSender {
    allowed: Arc<LocalTargets>,
    response_timeout: Duration,
    /// One line is written at a time to each destination, so an output that nobody reads holds up one thread at most, and
    /// nobody who writes elsewhere.
    turns: std::sync::Mutex<HashMap<LocalTarget, Arc<Mutex<()>>>>,
}

impl LocalSender {
    /// A sender that writes where `allowed` lets it, and waits `response_timeout` for its turn and the line.
    #[must_use]
    pub fn new(allowed: LocalTargets, response_timeout: Duration) -> Self {
        Self { allowed: Arc::new(allowed), response_timeout, turns: std::sync::Mutex::default() }
    }

    /// Makes one attempt, within `response_timeout` if it is another than that of all targets.
    pub(in crate::delivery) async fn send(
        &self,
        target: &LocalTarget,
        body: String,
        response_timeout: Option<Duration>,
    ) -> AttemptOutcome {
        let (target, allowed, turn) = (target.clone(), Arc::clone(&self.allowed), self.turn(target));
        let writing = async move {
            let turn = turn.lock_owned().await;
            let write = move || {
                let written = write(&target, &allowed, body);
                drop(turn);
                written
            };
            tokio::task::spawn_blocking(write).await.unwrap_or(Err(AttemptOutcome::InternalError))
        };
        match tokio::time::timeout(response_timeout.unwrap_or(self.response_timeout), writing).await {
            Ok(written) => written.map_or_else(|failure| failure, |()| AttemptOutcome::Delivered),
            Err(_) => AttemptOutcome::TimedOut { waited_for: "the line to be written" },
        }
    }
}

impl LocalSender {
    /// The turn of those who write to a destination. Those that nobody waits for are forgotten.
    fn turn(&self, target: &LocalTarget) -> Arc<Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(target.clone()).or_default())
    }
}

fn write(target: &LocalTarget, allowed: &LocalTargets, body: String) -> Result<(), AttemptOutcome> {
    let line = body + "\n";
    allowed.check(target).map_err(|reason| AttemptOutcome::Rejected { reason })?;
    let written = if let (LocalTarget::File(path), Some(folder)) = (target, &allowed.folder) {
        check_place(path, folder)?;
        let opened = OpenOptions::new().append(true).create(true).open(path);
        opened.and_then(|mut file| file.write_all(line.as_bytes()))
    } else {
        let mut output = io::stdout().lock();
        output.write_all(line.as_bytes()).and_then(|()| output.flush())
    };
    written.map_err(|error| failed(&error))
}

/// Links must not lead out of the folder, and what is no file might never be done with.
fn check_place(path: &Path, folder: &Path) -> Result<(), AttemptOutcome> {
    let rejected = |reason: &str| Err(AttemptOutcome::Rejected { reason: reason.to_owned() });
    let folder = fs::canonicalize(folder).map_err(|error| failed(&error))?;
    let parent = fs::canonicalize(path.parent().unwrap_or(path)).map_err(|error| failed(&error))?;
    if !parent.starts_with(&folder) {
        return rejected("a link leads out of local_targets.folder");
    }
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => rejected("what is there is not a file"),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&error)),
        _ => Ok(()),
    }
}

fn failed(error: &io::Error) -> AttemptOutcome {
    AttemptOutcome::NotConfirmed { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_destination_that_is_stuck_holds_up_itself_alone_for_as_long_as_its_target_allows() {
        let folder = tempfile::tempdir().unwrap();
        let allowed = LocalTargets { stdout: false, folder: Some(folder.path().to_owned()) };
        let sender = LocalSender::new(allowed, Duration::from_secs(10));
        let [stuck, other] = ["stuck", "other"].map(|name| LocalTarget::File(folder.path().join(name)));
        let turn = sender.turn(&stuck).lock_owned().await;
        let begun = tokio::time::Instant::now();
        let outcome = sender.send(&stuck, "{}".to_owned(), Some(Duration::from_secs(3))).await;
        assert_eq!((outcome.error_code(), begun.elapsed()), ("TIMED_OUT", Duration::from_secs(3)));
        assert_eq!(sender.send(&other, "{}".to_owned(), None).await, AttemptOutcome::Delivered);
        drop(turn);
        assert_eq!(sender.send(&stuck, "{}".to_owned(), None).await, AttemptOutcome::Delivered);
        assert_eq!(sender.turns.lock().unwrap().len(), 1, "who nobody waits for is forgotten");
    }
}
