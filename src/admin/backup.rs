//! `POST /backup`: everything the daemon keeps, as one stream, while it goes on.

use std::sync::Arc;

use eventyard_core::error::ServiceError;
use hyper::StatusCode;
use tokio::sync::Semaphore;

use super::{TEXT, failure};
use crate::backup;
use crate::engine::{Contents, Engine};
use crate::http::{Answer, BodyWriter, answer};
use crate::telemetry::{BackupTaken, RequestFailed, Telemetry};

const BYTES: &str = "application/octet-stream";

/// Takes backups, one at a time: each keeps the space of what is deleted meanwhile.
#[derive(Debug)]
pub(super) struct Backups(Arc<Semaphore>);

impl Default for Backups {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Backups {
    /// A backup ends with a checksum over everything; one that is cut short has none.
    pub(super) async fn take(&self, engine: &Arc<Engine>, telemetry: &Arc<Telemetry>) -> Answer {
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else {
            return answer(StatusCode::CONFLICT, TEXT, "another backup is being taken; try again when it has ended\n");
        };
        let source = Arc::clone(engine);
        let contents = match tokio::task::spawn_blocking(move || source.contents()).await {
            Ok(Ok(contents)) => contents,
            Ok(Err(error)) => {
                telemetry.record(&RequestFailed { reason: &error });
                return failure(&ServiceError::internal());
            }
            Err(_) => return failure(&ServiceError::internal()),
        };
        let (out, body) = BodyWriter::new();
        let telemetry = Arc::clone(telemetry);
        // It ends with the client at the latest.
        drop(tokio::task::spawn_blocking(move || {
            let Contents { now, records, journal } = contents;
            let written = backup::write(out, &records, journal.as_ref(), now);
            let error = written.as_ref().err().map(|error| error as &dyn std::error::Error);
            telemetry.record(&BackupTaken { error });
            drop(permit);
        }));
        answer(StatusCode::OK, BYTES, body)
    }
}
