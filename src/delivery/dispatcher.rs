//! The dispatcher: a worker for every target that is owed something.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Clock;
use eventyard_core::name::{EventNumber, TargetNumber};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::attempt::Attempts;
use super::worker::Worker;
use super::{Senders, Settings};
use crate::engine::Engine;
use crate::journal::{Journal, JournalError};
use crate::runtime::{Random, StopSignal, Tasks};
use crate::telemetry::{BacklogUnreadable, Telemetry};

/// How often the journal is searched for targets without a worker. The bell makes this needless; it is what makes a lost ring
/// harmless.
const SEARCH_PERIOD: Duration = Duration::from_secs(30);

type WorkerEnd = Option<(TargetNumber, Option<EventNumber>)>;

/// Keeps the workers.
#[derive(Debug)]
pub struct Dispatcher {
    attempts: Arc<Attempts>,
    all_attempts: Arc<Semaphore>,
    tasks: Tasks,
    workers: HashMap<TargetNumber, Arc<Notify>>,
    /// How far the workers that ended had read.
    read: HashMap<TargetNumber, EventNumber>,
}

impl Dispatcher {
    /// A dispatcher that has not begun.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        journal: Journal,
        senders: Senders,
        clock: Arc<dyn Clock>,
        random: Arc<Random>,
        settings: Settings,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let tasks = Tasks::new(Arc::clone(&telemetry));
        let all_attempts = Arc::new(Semaphore::new(settings.concurrency_max));
        let attempts =
            Arc::new(Attempts { engine, journal, senders, clock, random, settings, telemetry, tasks: tasks.clone() });
        Self { attempts, all_attempts, tasks, workers: HashMap::new(), read: HashMap::new() }
    }

    /// Works until `stop`; then waits for the attempts under way. What is owed stays in the journal.
    pub async fn run(mut self, stop: StopSignal) {
        let bell = self.attempts.journal.bell();
        let mut ended = JoinSet::new();
        let mut search = tokio::time::interval(SEARCH_PERIOD);
        while !stop.is_stopped() {
            tokio::select! {
                () = stop.stopped() => break,
                targets = bell.heard() => targets.into_iter().for_each(|target| self.wake(target, &mut ended, &stop)),
                _ = search.tick() => self.search(&mut ended, &stop).await,
                Some(end) = ended.join_next() => self.worker_ended(end.ok().flatten(), &mut ended, &stop),
            }
            self.attempts.telemetry.metrics().targets_active.set(i64::try_from(self.workers.len()).unwrap_or(i64::MAX));
        }
        while ended.join_next().await.is_some() {}
    }

    /// Tells a target's worker that there is news, or starts one.
    fn wake(&mut self, target: TargetNumber, ended: &mut JoinSet<WorkerEnd>, stop: &StopSignal) {
        if let Some(news) = self.workers.get(&target) {
            news.notify_one();
            return;
        }
        let news = Arc::new(Notify::new());
        self.workers.insert(target, Arc::clone(&news));
        let (attempts, all_attempts) = (Arc::clone(&self.attempts), Arc::clone(&self.all_attempts));
        let worker = Worker::new(target, self.read.get(&target).copied(), attempts, news, all_attempts, stop.clone());
        let running = self.tasks.spawn("worker", worker.run());
        ended.spawn(async move { running.await.ok().flatten().or(Some((target, None))) });
    }

    /// Wakes every target that is owed something.
    async fn search(&mut self, ended: &mut JoinSet<WorkerEnd>, stop: &StopSignal) {
        let journal = self.attempts.journal.clone();
        // It may read a good part of the journal, and deliveries are not to wait for that.
        let found = tokio::task::spawn_blocking(move || journal.targets_owed()).await;
        match found.unwrap_or(Err(JournalError::Closed)) {
            Ok(targets) => targets.into_iter().for_each(|target| self.wake(target, ended, stop)),
            Err(error) => {
                self.attempts.telemetry.record(&BacklogUnreadable { reason: &error.to_string() });
            }
        }
    }

    /// A worker that ended may have missed news that came at that moment, so its target is looked at once more.
    fn worker_ended(&mut self, end: WorkerEnd, ended: &mut JoinSet<WorkerEnd>, stop: &StopSignal) {
        let Some((target, read)) = end else { return };
        self.workers.remove(&target);
        match read {
            Some(read) => self.read.insert(target, read),
            // It ended in a bug: the next one reads from the start.
            None => self.read.remove(&target),
        };
        if matches!(self.attempts.journal.is_owed(target), Ok(true)) {
            self.wake(target, ended, stop);
        }
    }
}
