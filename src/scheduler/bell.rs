//! A bell that rings at each second of the clock: one job of tokio-cron-scheduler, for all rules together.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// A bell, ringing.
pub(super) struct Bell {
    rings: Arc<Notify>,
    jobs: JobScheduler,
}

impl Bell {
    /// Lets it ring from now on.
    ///
    /// # Errors
    /// When the job cannot be started.
    pub(super) async fn start() -> Result<Self, JobSchedulerError> {
        let rings = Arc::new(Notify::new());
        let jobs = JobScheduler::new().await?;
        let ring = Arc::clone(&rings);
        // Rings that nobody waited for are one: the one who hears it looks at all that is due.
        jobs.add(Job::new("* * * * * *", move |_, _| ring.notify_one())?).await?;
        jobs.start().await?;
        Ok(Self { rings, jobs })
    }

    /// Waits for the next ring; for ever when there is no bell.
    pub(super) async fn rung(bell: Option<&Self>) {
        match bell {
            Some(bell) => bell.rings.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Lets it fall silent.
    pub(super) async fn stop(mut self) {
        // It holds nothing that would have to be saved.
        let _ = self.jobs.shutdown().await;
    }
}
