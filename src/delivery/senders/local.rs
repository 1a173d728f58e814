//! The daemon's own output and files, for trying things out: one event a line.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::target::{LocalTarget, LocalTargets};
use tokio::sync::Mutex;

/// Writes events to this machine.
#[derive(Debug)]
pub struct LocalSender {
    allowed: Arc<LocalTargets>,
    response_timeout: Duration,
    /// One line is written at a time, so an output that nobody reads holds up one thread at most.
    turn: Arc<Mutex<()>>,
}

impl LocalSender {
    /// A sender that writes where `allowed` lets it, and waits `response_timeout` for its turn and the line.
    #[must_use]
    pub fn new(allowed: LocalTargets, response_timeout: Duration) -> Self {
        Self { allowed: Arc::new(allowed), response_timeout, turn: Arc::default() }
    }

    /// Makes one attempt.
    pub(in crate::delivery) async fn send(&self, target: &LocalTarget, body: String) -> AttemptOutcome {
        let (target, allowed, turn) = (target.clone(), Arc::clone(&self.allowed), Arc::clone(&self.turn));
        let writing = async move {
            let turn = turn.lock_owned().await;
            let write = move || {
                let written = write(&target, &allowed, body);
                drop(turn);
                written
            };
            tokio::task::spawn_blocking(write).await.unwrap_or(Err(AttemptOutcome::InternalError))
        };
        match tokio::time::timeout(self.response_timeout, writing).await {
            Ok(written) => written.map_or_else(|failure| failure, |()| AttemptOutcome::Delivered),
            Err(_) => AttemptOutcome::TimedOut { waited_for: "the line to be written" },
        }
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
