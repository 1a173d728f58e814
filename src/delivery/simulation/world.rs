//! The world of a simulation: what happens to it, and how time passes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::{EventNumber, TargetNumber};
use futures_util::FutureExt as _;

use super::attempts::note;
use super::drawn::{self, Target, draw, envelope, open, order};
use super::ledger::Ledger;
use super::network::Nature;
use super::worker::{Attempt, Worker};
use super::{AGE, LONGEST_ATTEMPT, Sometimes};
use crate::delivery::Settings;
use crate::delivery::queue::{IdleQueue, Queue};
use crate::delivery::slots::Slots;
use crate::delivery::turn::{Bounds, Turn, WaitsFor};
use crate::journal::model_disk::ModelDisk;
use crate::journal::{DeadLetterPage, Journal, Owed, Pending};
use crate::runtime::Random;
use crate::telemetry::Telemetry;

/// Kinds of events that may be groups.
const GROUPS: u64 = 4;
/// How often the dispatcher looks for what is owed by itself.
const SEARCH_PERIOD: Duration = Duration::from_secs(30);

pub(super) struct World {
    pub(super) random: Random,
    /// What the wall clock says, which may be set back.
    pub(super) now: Timestamp,
    /// What has passed since the beginning, by which sleeps and attempts are measured.
    elapsed: Duration,
    disk: Arc<ModelDisk>,
    pub(super) journal: Journal,
    telemetry: Arc<Telemetry>,
    pub(super) settings: Settings,
    bounds: Bounds,
    pub(super) targets: BTreeMap<TargetNumber, Target>,
    pub(super) workers: BTreeMap<TargetNumber, Worker>,
    /// What workers that ended have left.
    idle: BTreeMap<TargetNumber, IdleQueue>,
    searches_at: Duration,
    /// The number that the journal gives next.
    next_event: EventNumber,
    pub(super) ledger: Ledger,
    pub(super) sometimes: Sometimes,
}

impl World {
    pub(super) fn new(seed: u64, telemetry: Arc<Telemetry>) -> Self {
        let random = Random::from_seed(seed);
        let (settings, disk) = (drawn::settings(&random), Arc::new(ModelDisk::default()));
        Self {
            journal: open(&disk, &telemetry),
            telemetry,
            bounds: bounds(&settings),
            targets: drawn::targets(&random),
            settings,
            random,
            now: Timestamp::from_millis(1_000_000_000).unwrap(),
            elapsed: Duration::ZERO,
            disk,
            workers: BTreeMap::new(),
            idle: BTreeMap::new(),
            searches_at: Duration::ZERO,
            next_event: EventNumber(1),
            ledger: Ledger::default(),
            sometimes: Sometimes::default(),
        }
    }

    pub(super) fn draw(&self, bound: u64) -> u64 {
        draw(&self.random, bound)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    pub(super) fn is_owing(&self) -> bool {
        self.journal.owed() > 0
    }

    /// How long what is owed may take to end: what is too old has one more attempt.
    pub(super) fn longest_end(&self) -> Duration {
        2 * AGE + LONGEST_ATTEMPT * u32::try_from(self.ledger.count()).unwrap()
    }

    /// Lets one thing happen, or nothing.
    pub(super) async fn happen(&mut self) {
        let chosen = usize::try_from(self.draw(self.targets.len() as u64)).unwrap();
        let number = *self.targets.keys().nth(chosen).unwrap();
        let later = |elapsed: Duration, draw: u64| elapsed + Duration::from_millis(draw);
        match self.draw(100) {
            0..=19 => self.commit().await,
            30..=32 => {
                let until = later(self.elapsed, self.draw(60_000));
                self.target(number).network.down_until = until;
            }
            33 => self.crash(),
            34 => {
                let back = i64::try_from(self.draw(3_000)).unwrap();
                self.now = Timestamp::from_millis(self.now.as_millis() - back).unwrap();
            }
            35 => {
                let (until, key) = (later(self.elapsed, self.draw(60_000)), envelope(Some(self.draw(GROUPS))));
                let target = self.target(number);
                let group = target.order.group(&key);
                target.network.failing_until.extend(group.map(|group| (group, until)));
            }
            36..=38 if !number.is_of_dead_letters() => {
                self.target(number).options.paused = Some(self.draw(3) == 0);
                self.journal.bell().ring([number]);
            }
            39 if self.target(number).changes_order => {
                self.target(number).order = order(&self.random);
                self.journal.bell().ring([number]);
                self.sometimes.insert("other order");
            }
            40 => self.send_again().await,
            _ => {}
        }
    }

    fn target(&mut self, number: TargetNumber) -> &mut Target {
        self.targets.get_mut(&number).unwrap()
    }

    /// Events, each for one target or more.
    async fn commit(&mut self) {
        let mut owed = Vec::new();
        for _ in 0..=self.draw(3) {
            let envelope = envelope((self.draw(5) > 0).then(|| self.draw(GROUPS)));
            let event = self.number();
            let mut targets: Vec<TargetNumber> = self.targets.keys().copied().collect();
            targets.retain(|target| !target.is_of_dead_letters());
            let one = usize::try_from(self.draw(targets.len() as u64)).unwrap();
            let others = self.random.next_u64();
            let mut place = 0..;
            targets.retain(|_| place.next().is_some_and(|place| place == one || others >> place & 1 == 0));
            for target in &targets {
                let group = self.targets[target].order.group(&envelope);
                self.ledger.owe((*target, event), group);
            }
            let id = EventId::from_random(self.random.next_u128());
            let event =
                Event { id, received: self.now, envelope: envelope.into(), forwarded_from: Vec::new(), trace: None };
            owed.push(Owed { event, targets });
        }
        self.journal.commit(owed).await.unwrap();
    }

    /// The number that the journal gives to the next event.
    pub(super) fn number(&mut self) -> EventNumber {
        let number = self.next_event;
        self.next_event = EventNumber(number.0 + 1);
        number
    }

    /// Owes the oldest dead letter once more, under a new number.
    async fn send_again(&mut self) {
        let page = DeadLetterPage { after: None, since: None, until: None, limit: 1 };
        let Some(id) = self.journal.dead_letter_ids(&page).unwrap().pop() else { return };
        let number = self.number();
        self.ledger.send_again((id.target(), id.event()), number);
        self.journal.redrive(vec![(id, id.target())], self.now).await.unwrap();
        self.sometimes.insert("sent again");
    }

    /// Everything in memory is lost, and a part of what was not synced.
    fn crash(&mut self) {
        let far = Timestamp::EPOCH.saturating_add(Duration::MAX);
        for (number, target) in &self.targets {
            if !self.journal.later(*number, None, far, 1).unwrap().is_empty() {
                self.sometimes.insert("crash with a retry waiting");
            }
            if target.order.is_kept() {
                self.sometimes.insert("crash while an order is kept");
            }
            if number.is_of_dead_letters() && self.journal.is_owed(*number).unwrap() {
                self.sometimes.insert("crash before the copy of a dead letter was made");
            }
        }
        let kept = usize::try_from(self.draw(1 + self.disk.unsynced_batches() as u64)).unwrap();
        self.disk = Arc::new(self.disk.lose_power(kept));
        self.journal = open(&self.disk, &self.telemetry);
        // What was on its way arrives or not.
        for (number, worker) in std::mem::take(&mut self.workers) {
            for attempt in worker.under_way {
                self.sometimes.insert("crash with an attempt under way");
                if self.targets[&number].network.is_up(self.elapsed) && self.draw(2) == 0 {
                    self.arrive(number, attempt.pending.delivery.event);
                }
            }
        }
        self.ledger.crash();
        self.bounds = bounds(&self.settings);
        self.idle.clear();
        self.searches_at = self.elapsed;
    }

    /// An event reaches its target.
    pub(super) fn arrive(&mut self, number: TargetNumber, event: EventNumber) {
        let target = &self.targets[&number];
        if !target.changes_order
            && self.ledger.has_passed((number, event), |group| target.network.fails(group, self.elapsed))
        {
            self.sometimes.insert("overtook a group that fails");
        }
        let beside = |other: &TargetNumber| *other != number && self.workers.contains_key(other);
        if self.targets.iter().any(|(other, target)| beside(other) && target.network.nature == Nature::BlackHole) {
            self.sometimes.insert("delivered beside a black hole");
        }
        self.ledger.make((number, event), !target.changes_order);
    }

    /// No more happens but that targets are removed, or stay down for ever; those that are back get what they are owed.
    pub(super) fn calm(&mut self) {
        for number in self.targets.keys().copied().collect::<Vec<_>>() {
            let (is_gone, is_down) = (self.draw(8) == 0, self.draw(2) == 0);
            let elapsed = self.elapsed;
            let target = self.target(number);
            target.options.paused = None;
            target.is_gone = is_gone && !number.is_of_dead_letters();
            if is_down {
                target.network.down_until = elapsed + Duration::from_secs(1_000_000);
            }
            self.journal.bell().ring([number]);
        }
    }

    /// Lets the workers do what they can, and time pass until something happens by itself, or `most` of it.
    pub(super) async fn step(&mut self, most: Option<Duration>) {
        self.dispatch();
        let mut awake: Vec<_> = self.workers.iter().filter(|(_, worker)| worker.is_awake(self.elapsed)).collect();
        awake.sort_by_cached_key(|_| self.random.next_u64());
        for number in awake.into_iter().map(|(number, _)| *number).collect::<Vec<_>>() {
            self.turn(number);
        }
        let next = self.workers.values().filter_map(Worker::next).chain([self.searches_at]).min();
        let wait = next.unwrap_or_default().saturating_sub(self.elapsed).max(Duration::from_millis(1));
        let passed = most.map_or(wait, |most| wait.min(most));
        self.elapsed += passed;
        self.now = self.now.saturating_add(passed);
        for number in self.workers.keys().copied().collect::<Vec<_>>() {
            self.end_attempts(number);
            self.settle(number).await;
        }
    }

    /// What the dispatcher does: a worker for each target that the bell names, or that is found to be owed something.
    fn dispatch(&mut self) {
        let mut woken = self.journal.bell().heard().now_or_never().unwrap_or_default();
        if self.searches_at <= self.elapsed {
            self.searches_at = self.elapsed + SEARCH_PERIOD;
            woken.extend(self.journal.targets_owed().unwrap());
        }
        for number in woken {
            match self.workers.get_mut(&number) {
                Some(worker) => worker.has_news = true,
                None => self.start(number),
            }
        }
    }

    fn start(&mut self, number: TargetNumber) {
        let queue = if let Some(idle) = self.idle.remove(&number) {
            self.sometimes.insert("a worker went on where another ended");
            Queue::resume(number, &self.settings, idle)
        } else {
            Queue::new(number, &self.settings, self.targets[&number].settings(&self.settings), self.now)
        };
        self.workers.insert(number, Worker::new(queue));
    }

    /// A worker looks at what it can do.
    fn turn(&mut self, number: TargetNumber) {
        let Some(mut worker) = self.workers.remove(&number) else { return };
        if worker.ends(self.elapsed) {
            self.idle.insert(number, worker.queue.into_idle());
            if self.journal.is_owed(number).unwrap() {
                self.start(number);
            }
            return;
        }
        let target = &self.targets[&number];
        let (settings, is_gone) = (target.settings(&self.settings), target.is_gone);
        loop {
            let transition = worker.queue.configure(settings.clone(), self.now);
            note(transition, &self.settings, &mut self.sometimes);
            let when = (self.now, is_gone);
            let held = worker.under_way.len();
            match self.bounds.turn(&mut worker.queue, held, &self.journal, &settings, when).unwrap() {
                Turn::Begin(pending, pass, slot, transition) => {
                    note(transition, &self.settings, &mut self.sometimes);
                    assert!(!settings.is_paused || is_gone, "an attempt while the target is paused");
                    assert!(held < settings.concurrency, "more attempts than the target may have");
                    self.check_slots(held);
                    let target = &self.targets[&number];
                    let ends = self.elapsed + target.network.lasts(self.elapsed, &self.random);
                    let group = |pending: &Pending| self.ledger.group((number, pending.delivery.event));
                    let is_alone = |other: &Pending| {
                        target.changes_order || group(other).is_none() || group(other) != group(&pending)
                    };
                    worker.begin(Attempt { pending, pass, ends, _slot: slot }, is_alone);
                }
                Turn::Wait(waits_for) => {
                    if waits_for == WaitsFor::Resumption {
                        self.sometimes.insert("paused with something owed");
                    }
                    let beside = (self.workers.len(), self.settings.concurrency_max);
                    self.sometimes.extend(worker.wait(waits_for, self.elapsed, beside));
                    break;
                }
            }
        }
        self.workers.insert(number, worker);
    }

    /// A target that has `held` slots takes one more: beyond all there are only when it is its first, and else no more than are
    /// left to another.
    fn check_slots(&mut self, held: usize) {
        let others: usize = self.workers.values().map(|worker| worker.under_way.len()).sum();
        let (taken, count) = (others + held, self.settings.concurrency_max);
        assert!(held == 0 || taken + held < count, "{held} held, {taken} of {count} taken, and one more");
        if taken + 1 == count {
            self.sometimes.insert("all slots taken");
        }
        if taken >= count {
            self.sometimes.insert("first attempt beyond all slots");
        }
    }
}

fn bounds(settings: &Settings) -> Bounds {
    Bounds { slots: Slots::new(settings.concurrency_max), unsettled_max: settings.read_ahead_per_target }
}
