//! A worker: delivers what one target is owed.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventyard_core::circuit_breaker::Transition;
use eventyard_core::delivery::TargetHealth;
use eventyard_core::name::{EventNumber, TargetNumber};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::attempt::Attempts;
use super::gate::Pass;
use super::queue::{IdleQueue, Queue};
use super::slots::{Slot, Slots};
use super::turn::{Bounds, IDLE, Turn, WaitsFor};
use crate::journal::{Journal, JournalError, Pending, Place, Settled, Settlement};
use crate::runtime::StopSignal;
use crate::telemetry::{BacklogUnreadable, Counted};

/// How often a worker with work looks whether the disk has room.
const ROOM_PERIOD: Duration = Duration::from_millis(100);
/// Least time from one write of settlements to the next. What ends meanwhile is written together, and the journal's thread
/// is not woken for each delivery by itself.
const SETTLING_PAUSE: Duration = Duration::from_millis(2);
/// Bytes of dead letters that may wait to be written before no further attempt is started.
const UNSETTLED_BYTES_MAX: usize = 8 << 20;

/// One target's worker.
pub(super) struct Worker {
    target: TargetNumber,
    attempts: Arc<Attempts>,
    /// Rung by the dispatcher when there is news for this target.
    news: Arc<Notify>,
    bounds: Bounds,
    queue: Queue,
    under_way: JoinSet<Ended>,
    /// What became of deliveries and is not being written yet.
    unsettled: Vec<Settled>,
    /// Bytes of the dead letters in it.
    unsettled_bytes: usize,
    /// The settlements being written; what ends meanwhile goes together into the next write.
    settling: Option<Settling>,
    /// Held while the target is paused and owed something.
    paused: Option<Counted>,
    /// Held while its circuit breaker is not closed: of all targets, and of this one.
    open: Vec<Counted>,
    /// When the disk was last seen to have room.
    had_room: Option<Instant>,
    stop: StopSignal,
}

/// An attempt that ended.
struct Ended {
    pass: Pass,
    settled: Settled,
    health: TargetHealth,
}

/// A write of settlements; answers the events with their retries, if any, or nothing when the journal is closed.
type Settling = Pin<Box<dyn Future<Output = Vec<(EventNumber, Option<Pending>)>> + Send>>;

impl Worker {
    /// A worker of `target`, behind which an earlier one left `idle`.
    pub(super) fn new(
        target: TargetNumber,
        idle: Option<IdleQueue>,
        attempts: Arc<Attempts>,
        news: Arc<Notify>,
        slots: Arc<Slots>,
        stop: StopSignal,
    ) -> Self {
        let active = attempts.engine.target(target);
        if let Some(active) = &active {
            let is_there = || attempts.engine.target(target).is_some();
            let metrics = attempts.telemetry.metrics();
            metrics.targets.admit(&active.rule_arn, active.target.id.as_str(), is_there);
        }
        let queue = if let Some(idle) = idle {
            Queue::resume(target, &attempts.settings, idle)
        } else {
            let settings = attempts.settings.of(active.as_deref());
            Queue::new(target, &attempts.settings, settings, attempts.clock.now())
        };
        let bounds = Bounds { slots, unsettled_max: attempts.settings.read_ahead_per_target };
        let open = if queue.is_closed() { Vec::new() } else { count_open(&attempts, target) };
        Self {
            target,
            attempts,
            news,
            bounds,
            queue,
            under_way: JoinSet::new(),
            unsettled: Vec::new(),
            unsettled_bytes: 0,
            settling: None,
            paused: None,
            open,
            had_room: None,
            stop,
        }
    }

    /// Works until the target has long been owed nothing, or `stop`; attempts under way are ended and settled first. Answers
    /// what the next worker of the target is to know.
    pub(super) async fn run(mut self) -> IdleQueue {
        while !self.stop.is_stopped() {
            let waits_for = match self.start_attempts() {
                Ok(waits) => waits,
                Err(error) => {
                    self.attempts.telemetry.record(&BacklogUnreadable { reason: &error.to_string() });
                    WaitsFor::Work(Some(IDLE))
                }
            };
            if !self.wait(waits_for).await {
                break;
            }
        }
        self.end_attempts().await;
        self.queue.into_idle()
    }

    async fn end_attempts(&mut self) {
        while let Some(ended) = self.under_way.join_next().await {
            self.attempt_ended(ended.ok());
        }
        self.start_settling();
        while self.settling.is_some() {
            let settled = written(&mut self.settling).await;
            self.settled(settled);
        }
    }

    /// Starts attempts until there is a reason to wait.
    fn start_attempts(&mut self) -> Result<WaitsFor, JournalError> {
        if !self.has_room() {
            return Ok(WaitsFor::Room);
        }
        let journal = self.attempts.journal.clone();
        loop {
            if self.unsettled_bytes >= UNSETTLED_BYTES_MAX {
                return Ok(WaitsFor::Attempts);
            }
            let target = self.attempts.engine.target(self.target);
            let (settings, now) = (self.attempts.settings.of(target.as_deref()), self.attempts.clock.now());
            let transition = self.queue.configure(settings.clone(), now);
            self.report(transition);
            let (held, when) = (self.under_way.len(), (now, self.attempts.is_gone(self.target)));
            let turn = self.bounds.turn(&mut self.queue, held, &journal, &settings, when)?;
            self.count_paused(matches!(turn, Turn::Wait(WaitsFor::Resumption)));
            match turn {
                Turn::Begin(pending, pass, slot, transition) => {
                    self.report(transition);
                    self.start(pending, pass, slot);
                }
                Turn::Wait(waits_for) => return Ok(waits_for),
            }
        }
    }

    fn count_paused(&mut self, is_paused: bool) {
        if is_paused != self.paused.is_some() {
            self.paused = is_paused.then(|| Counted::new(&self.attempts.telemetry.metrics().targets_paused));
        }
    }

    /// Whether the disk has room for settlements. The room kept free is far more than what is written in the time between
    /// two looks.
    fn has_room(&mut self) -> bool {
        if self.had_room.is_some_and(|had| had.elapsed() < ROOM_PERIOD) {
            return true;
        }
        self.had_room = self.attempts.journal.check_room().is_ok().then(Instant::now);
        self.had_room.is_some()
    }

    fn start(&mut self, pending: Pending, pass: Pass, slot: Slot) {
        let attempts = Arc::clone(&self.attempts);
        self.under_way.spawn(async move {
            let _slot = slot;
            let (settled, health) = attempts.make(pending, pass != Pass::Any).await;
            Ended { pass, settled, health }
        });
    }

    /// Waits for what is waited for; false when the worker has nothing more to do.
    async fn wait(&mut self, waits_for: WaitsFor) -> bool {
        let may_end = waits_for.may_end() && self.under_way.is_empty() && self.settling.is_none();
        let asleep = async {
            match waits_for.sleep() {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(ended) = self.under_way.join_next() => self.attempt_ended(ended.ok()),
            settled = written(&mut self.settling) => self.settled(settled),
            () = self.news.notified() => {},
            () = self.stop.stopped() => {},
            () = asleep => return !may_end,
        }
        true
    }

    /// Notes an attempt that ended, and all others that have.
    fn attempt_ended(&mut self, mut ended: Option<Ended>) {
        // Panics are caught inside, and nothing aborts an attempt.
        while let Some(Ended { pass, settled, health }) = ended {
            let (now, random) = (self.attempts.clock.now(), self.attempts.random.next_u64());
            let transition = self.queue.attempt_ended(pass, health, now, random);
            self.report(transition);
            self.unsettled_bytes += match &settled.settlement {
                Settlement::Dead(letter) => letter.event.as_ref().map_or(0, |event| event.envelope.len()),
                Settlement::DeadAndCopied(_, copy) => 2 * copy.event.envelope.len(),
                Settlement::Delivered | Settlement::RetryAt(_) => 0,
            };
            self.unsettled.push(settled);
            ended = self.under_way.try_join_next().and_then(Result::ok);
        }
        self.start_settling();
    }

    fn report(&mut self, transition: Option<Transition>) {
        let Some(transition) = transition else { return };
        match transition {
            Transition::Opened(_) => self.open = count_open(&self.attempts, self.target),
            Transition::Closed => self.open.clear(),
            Transition::HalfOpened | Transition::Reopened(_) => {}
        }
        self.attempts.report(self.target, transition);
    }

    /// Begins to write what became of deliveries, if nothing is being written.
    fn start_settling(&mut self) {
        if self.settling.is_none() && !self.unsettled.is_empty() {
            let (journal, settlements) = (self.attempts.journal.clone(), std::mem::take(&mut self.unsettled));
            self.unsettled_bytes = 0;
            self.settling = Some(Box::pin(settle(journal, settlements)));
        }
    }

    /// Notes what was written.
    fn settled(&mut self, settled: Vec<(EventNumber, Option<Pending>)>) {
        for (event, retry) in settled {
            self.queue.attempt_settled(event, retry);
        }
        self.start_settling();
    }
}

/// Counts an open circuit breaker among all, and for its target.
fn count_open(attempts: &Attempts, target: TargetNumber) -> Vec<Counted> {
    let metrics = attempts.telemetry.metrics();
    let mut open = vec![Counted::new(&metrics.circuit_breakers_open)];
    if let Some(active) = attempts.engine.target(target) {
        let series = metrics.targets.of(&active.rule_arn, active.target.id.as_str());
        open.push(Counted::new(&series.open));
    }
    open
}

/// Waits until what is being written is; forever when nothing is.
async fn written(settling: &mut Option<Settling>) -> Vec<(EventNumber, Option<Pending>)> {
    let Some(writing) = settling else { return std::future::pending().await };
    let settled = writing.await;
    *settling = None;
    settled
}

/// Writes what became of deliveries and rests; answers which events they were of, each with its retry if there is one.
async fn settle(journal: Journal, settlements: Vec<Settled>) -> Vec<(EventNumber, Option<Pending>)> {
    let settled = settlements.iter().map(|settled| (settled.pending.delivery.event, retry(settled))).collect();
    // When the journal is closed the deliveries stay owed, and the next start finds them.
    let settled = journal.settle(settlements).await.map(|()| settled).unwrap_or_default();
    tokio::time::sleep(SETTLING_PAUSE).await;
    settled
}

/// The delivery as it is owed again, if it is.
pub(super) fn retry(Settled { pending, settlement, .. }: &Settled) -> Option<Pending> {
    let Settlement::RetryAt(due) = settlement else { return None };
    let mut delivery = pending.delivery;
    delivery.attempts += 1;
    Some(Pending { delivery, place: Place::Later(*due) })
}
