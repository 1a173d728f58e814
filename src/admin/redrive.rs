//! Redriving: dead letters that are sent again at a rate, by a job that is asked how far it has come.
//!
//! There is one job at a time, and it is in memory alone. Each dead letter moves to what is owed in one write, so wherever a job
//! ends, be it with the process, the dead letters that it had not come to are there still, and another job takes them up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::DeadLetterFilter;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::limits::PAGE_LENGTH_MAX;
use serde::Serialize;
use tokio::time::Instant;

use super::Readiness;
use super::dead_letters::find;
use crate::engine::{Engine, Redriven};
use crate::runtime::{Stop, Tasks};

/// Dead letters a second when the caller does not say.
pub(super) const RATE_DEFAULT: u32 = 100;
/// Most that a caller may ask for.
pub(super) const RATE_MAX: u32 = 1_000_000;

/// The last job.
#[derive(Debug)]
pub(super) struct Redrives {
    tasks: Tasks,
    last: Mutex<Option<Arc<Job>>>,
}

/// Sends dead letters again until all that were there at its begin have had their turn.
#[derive(Debug)]
struct Job {
    filter: DeadLetterFilter,
    /// How many a second at most; 0 for no bound.
    rate: u32,
    started: Timestamp,
    cancel: Stop,
    progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It looks how many there are.
    Counting,
    Running,
    Done,
    Cancelled,
    /// The journal had no room, or could not be read or written.
    Failed,
}

#[derive(Clone, Debug)]
struct Progress {
    state: State,
    /// How many are meant, once they are counted.
    total: Option<usize>,
    redriven: Redriven,
    ended: Option<Timestamp>,
    error: Option<String>,
}

#[derive(Serialize)]
struct ProgressAnswer {
    state: State,
    started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    rate: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    done: usize,
    redriven: usize,
    without_target: usize,
    without_event: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Redrives {
    pub(super) fn new(tasks: Tasks) -> Self {
        Self { tasks, last: Mutex::default() }
    }

    /// Starts a job; what dies while it goes on is not meant.
    pub(super) fn start(
        &self,
        engine: &Arc<Engine>,
        readiness: &Readiness,
        filter: DeadLetterFilter,
        rate: u32,
    ) -> Result<Vec<u8>, ServiceError> {
        let mut last = self.last();
        if last.as_ref().is_some_and(|job| !job.has_ended()) {
            let message = "a redrive is going on; wait for its end, or cancel it";
            return Err(ServiceError::new(ErrorCode::ResourceAlreadyExists, message));
        }
        let job = Arc::new(Job::new(filter, rate, engine.now()));
        let answer = job.answer();
        let (running, engine, readiness) = (Arc::clone(&job), Arc::clone(engine), readiness.clone());
        let tasks = self.tasks.clone();
        drop(tokio::spawn(async move {
            let ran = tasks.guard("redrive", running.run(&engine, &readiness)).await;
            running.end(ran.unwrap_or_else(|| Err(ServiceError::internal())), engine.now());
        }));
        *last = Some(job);
        answer
    }

    /// How far the last job has come.
    pub(super) fn show(&self) -> Result<Vec<u8>, ServiceError> {
        self.last().as_ref().ok_or_else(none)?.answer()
    }

    /// Ends the job behind the dead letters that it is at; one that has ended already stays as it is.
    pub(super) fn cancel(&self) -> Result<Vec<u8>, ServiceError> {
        let last = self.last();
        let job = last.as_ref().ok_or_else(none)?;
        job.cancel.stop();
        job.answer()
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<Job>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn none() -> ServiceError {
    ServiceError::not_found("No redrive was begun since the daemon started.")
}

/// What would become of all that are meant.
pub(super) async fn survey(engine: &Arc<Engine>, filter: &DeadLetterFilter) -> Result<Redriven, ServiceError> {
    let (mut all, mut after) = (Redriven::default(), None);
    loop {
        let found = find(engine, filter.clone(), after, PAGE_LENGTH_MAX).await?;
        all += engine.redrive(&found.letters, true).await?;
        after = found.next_after;
        if after.is_none() {
            return Ok(all);
        }
    }
}

impl Job {
    fn new(filter: DeadLetterFilter, rate: u32, started: Timestamp) -> Self {
        let until = Some(filter.until.map_or(started, |until| until.min(started)));
        let progress =
            Progress { state: State::Counting, total: None, redriven: Redriven::default(), ended: None, error: None };
        Self {
            filter: DeadLetterFilter { until, ..filter },
            rate,
            started,
            cancel: Stop::default(),
            progress: Mutex::new(progress),
        }
    }

    /// A tenth of a second's worth at a time, so that a low rate is not a burst each second.
    fn part(&self) -> usize {
        match self.rate {
            0 => PAGE_LENGTH_MAX,
            rate => usize::try_from(rate / 10).unwrap_or(PAGE_LENGTH_MAX).clamp(1, PAGE_LENGTH_MAX),
        }
    }

    async fn run(&self, engine: &Arc<Engine>, readiness: &Readiness) -> Result<State, ServiceError> {
        let cancelled = self.cancel.signal();
        let total = tokio::select! {
            () = cancelled.stopped() => return Ok(State::Cancelled),
            all = survey(engine, &self.filter) => all?.total(),
        };
        self.change(|progress| (progress.state, progress.total) = (State::Running, Some(total)));
        let (began, mut after) = (Instant::now(), None);
        loop {
            let found = find(engine, self.filter.clone(), after, self.part()).await?;
            // While the daemon stops nothing new is owed.
            if cancelled.is_stopped() || !readiness.is_up() {
                return Ok(State::Cancelled);
            }
            let part = engine.redrive(&found.letters, false).await?;
            self.change(|progress| progress.redriven += part);
            after = found.next_after;
            if after.is_none() {
                return Ok(State::Done);
            }
            tokio::select! {
                () = cancelled.stopped() => {}
                () = tokio::time::sleep_until(began + self.due()) => {}
            }
        }
    }

    /// When as many as there were are allowed.
    fn due(&self) -> Duration {
        let redriven = self.progress().redriven.redriven as u64;
        let rate = u64::from(self.rate);
        redriven.saturating_mul(1_000).checked_div(rate).map_or(Duration::ZERO, Duration::from_millis)
    }

    fn end(&self, ran: Result<State, ServiceError>, now: Timestamp) {
        self.change(|progress| {
            progress.ended = Some(now);
            (progress.state, progress.error) = match ran {
                Ok(state) => (state, None),
                Err(error) => (State::Failed, Some(error.message)),
            };
        });
    }

    fn has_ended(&self) -> bool {
        self.progress().ended.is_some()
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress());
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self) -> Result<Vec<u8>, ServiceError> {
        let Progress { state, total, redriven, ended, error } = self.progress().clone();
        super::dead_letters::encode(&ProgressAnswer {
            state,
            started: self.started.to_string(),
            ended: ended.map(|ended| ended.to_string()),
            rate: self.rate,
            total,
            done: redriven.total(),
            redriven: redriven.redriven,
            without_target: redriven.without_target,
            without_event: redriven.without_event,
            error,
        })
    }
}
