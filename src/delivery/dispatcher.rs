//! The dispatcher: a worker for every target that is owed something.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Clock;
use eventyard_core::name::TargetNumber;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Interval;

use super::attempt::Attempts;
use super::queue::IdleQueue;
use super::slots::Slots;
use super::worker::Worker;
use super::{Senders, Settings};
use crate::engine::Engine;
use crate::journal::{Bell, Journal, JournalError};
use crate::runtime::{Random, StopSignal, Tasks, VitalLoop};
use crate::telemetry::{BacklogUnreadable, Telemetry};

/// How often the journal is searched for targets without a worker. The bell makes this needless; it is what makes a lost ring
/// harmless.
const SEARCH_PERIOD: Duration = Duration::from_secs(30);

/// How long a target whose worker ended in a bug is left alone: the next one may run into the same.
const PAUSE_AFTER_BUG: Duration = Duration::from_secs(5);

/// A worker that ended: its target, and what it left, if it did not end in a bug.
type WorkerEnd = (TargetNumber, Option<IdleQueue>);

/// Keeps the workers.
#[derive(Debug)]
pub struct Dispatcher {
    attempts: Arc<Attempts>,
    slots: Arc<Slots>,
    tasks: Tasks,
    workers: HashMap<TargetNumber, Arc<Notify>>,
    /// What workers that ended have left.
    idle: HashMap<TargetNumber, IdleQueue>,
    ended: JoinSet<WorkerEnd>,
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
        let slots = Slots::new(settings.concurrency_max);
        let attempts =
            Arc::new(Attempts { engine, journal, senders, clock, random, settings, telemetry, tasks: tasks.clone() });
        Self { attempts, slots, tasks, workers: HashMap::new(), idle: HashMap::new(), ended: JoinSet::new() }
    }

    /// Works until `stop`; then waits for the attempts under way. What is owed stays in the journal.
    pub async fn run(mut self, vital: VitalLoop, stop: StopSignal) {
        let bell = self.attempts.journal.bell();
        let mut search = tokio::time::interval(SEARCH_PERIOD);
        while !stop.is_stopped() {
            // After a bug what was heard may be lost, so everything is looked at.
            if vital.turn(&stop, self.turn(&bell, &mut search, &stop)).await.is_none() {
                search.reset_immediately();
            }
            self.attempts.telemetry.metrics().targets_active.set(i64::try_from(self.workers.len()).unwrap_or(i64::MAX));
        }
        while self.ended.join_next().await.is_some() {}
    }

    /// Waits for one thing to happen, and sees to it.
    async fn turn(&mut self, bell: &Bell, search: &mut Interval, stop: &StopSignal) {
        tokio::select! {
            () = stop.stopped() => {}
            targets = bell.heard() => targets.into_iter().for_each(|target| self.wake(target, stop)),
            _ = search.tick() => self.search(stop).await,
            Some(Ok((target, idle))) = self.ended.join_next() => self.worker_ended(target, idle, stop),
        }
    }

    /// Tells a target's worker that there is news, or starts one.
    fn wake(&mut self, target: TargetNumber, stop: &StopSignal) {
        if let Some(news) = self.workers.get(&target) {
            news.notify_one();
            return;
        }
        let news = Arc::new(Notify::new());
        self.workers.insert(target, Arc::clone(&news));
        let (attempts, slots) = (Arc::clone(&self.attempts), Arc::clone(&self.slots));
        let worker = Worker::new(target, self.idle.remove(&target), attempts, news, slots, stop.clone());
        let running = self.tasks.spawn("worker", worker.run());
        let stop = stop.clone();
        self.ended.spawn(async move {
            let idle = running.await.ok().flatten();
            if idle.is_none() {
                // It keeps its place meanwhile, so that no news starts the next one.
                let _ = tokio::time::timeout(PAUSE_AFTER_BUG, stop.stopped()).await;
            }
            (target, idle)
        });
    }

    /// Wakes every target that is owed something, and forgets those that are gone.
    async fn search(&mut self, stop: &StopSignal) {
        self.idle.retain(|target, _| !self.attempts.is_gone(*target));
        let journal = self.attempts.journal.clone();
        // It may read a good part of the journal, and deliveries are not to wait for that.
        let found = tokio::task::spawn_blocking(move || journal.targets_owed()).await;
        match found.unwrap_or(Err(JournalError::Closed)) {
            Ok(targets) => targets.into_iter().for_each(|target| self.wake(target, stop)),
            Err(error) => {
                self.attempts.telemetry.record(&BacklogUnreadable { reason: &error.to_string() });
            }
        }
    }

    /// A worker that ended may have missed news that came at that moment, so its target is looked at once more.
    fn worker_ended(&mut self, target: TargetNumber, idle: Option<IdleQueue>, stop: &StopSignal) {
        self.workers.remove(&target);
        // After a bug the next one begins anew.
        self.idle.extend(idle.map(|idle| (target, idle)));
        if matches!(self.attempts.journal.is_owed(target), Ok(true)) {
            self.wake(target, stop);
        }
    }
}
