//! A simulation of one target's deliveries by seed, under a time of its own: outages, groups of events that fail by
//! themselves, pauses, refusals, dead letters that are sent again, the target removed in the end, crashes that lose what was
//! not synced, clocks that jump. The queue, its gate, the retry policy and the journal are the real ones; the network is drawn.
//!
//! `EVENTYARD_SIMULATION_SEED=n cargo test simulation` plays seed n again, `EVENTYARD_SIMULATION_SEEDS=n` the first n.

mod drawn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::circuit_breaker::Transition;
use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::{AttemptOutcome, Verdict};
use eventyard_core::delivery_options::{DeliveryOptions, Order};
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::{EventNumber, TargetNumber};
use eventyard_core::retry::{ExhaustedRetryCondition, NextStep};
use eventyard_core::retry_after::RetryAfter;

use self::drawn::{envelope, open, order, settings};
use super::Settings;
use super::gate::Pass;
use super::queue::{Next, Queue};
use super::target_settings::TargetSettings;
use super::worker::retry;
use crate::journal::model_disk::ModelDisk;
use crate::journal::{self, DeadLetterPage, Journal, Owed, Pending, Settled, Settlement};
use crate::runtime::Random;

const TARGET: TargetNumber = TargetNumber(1);
const SEEDS: u64 = 2_000;
const AGE: Duration = Duration::from_secs(120);
const CONCURRENCY: usize = 4;

/// Kinds of events that may be groups.
const GROUPS: u64 = 4;

/// What was met. What some seed has to meet, or the simulation has shown too little, is [`TO_MEET`].
type Sometimes = BTreeSet<&'static str>;

const TO_MEET: [&str; 16] = [
    "opened",
    "half-open",
    "closed",
    "asked for less",
    "refused",
    "sent again",
    "delivered when sent again",
    "removed with something owed",
    "died of age",
    "died of attempts",
    "crash with a retry waiting",
    "delivered twice",
    "paused with something owed",
    "overtook a group that fails",
    "crash while an order is kept",
    "other order",
];

/// An attempt under way.
struct Attempt {
    pending: Pending,
    pass: Pass,
    ends: Timestamp,
}

struct World {
    random: Random,
    now: Timestamp,
    disk: Arc<ModelDisk>,
    journal: Journal,
    queue: Queue,
    settings: Settings,
    options: DeliveryOptions,
    order: Order,
    /// Whether the order that is kept changes on the way. Only what comes after that could be said to be in order.
    changes_order: bool,
    under_way: Vec<Attempt>,
    /// Ended and not settled: lost by a crash.
    unsettled: Vec<Settled>,
    /// Settled in the journal, and the queue was not told yet.
    written: Vec<(EventNumber, Option<Pending>)>,
    /// The target is down until then.
    down_until: Timestamp,
    /// Groups that fail until then, whatever else the target takes.
    failing_until: BTreeMap<u64, Timestamp>,
    delivered: BTreeMap<EventNumber, u32>,
    given_up: BTreeSet<EventNumber>,
    /// Events that were sent again from the dead letters, by the number that they had.
    sent_again: BTreeMap<EventNumber, EventNumber>,
    /// Whether the target was removed.
    is_gone: bool,
    /// The last event of each group that arrived since the last crash.
    arrived: BTreeMap<u64, EventNumber>,
    crashes: u32,
    events: u32,
    groups: BTreeMap<EventNumber, Option<u64>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let random = Random::from_seed(seed);
        let (settings, disk) = (settings(&random), Arc::new(ModelDisk::default()));
        let now = Timestamp::from_millis(1_000_000).unwrap();
        let (options, order, changes_order) =
            (DeliveryOptions::default(), order(&random), random.next_u64().is_multiple_of(8));
        Self {
            journal: open(&disk),
            queue: Queue::new(TARGET, &settings, settings.with(&options, order.clone()), now),
            options,
            order,
            changes_order,
            random,
            now,
            disk,
            settings,
            under_way: Vec::new(),
            unsettled: Vec::new(),
            written: Vec::new(),
            down_until: now,
            failing_until: BTreeMap::new(),
            delivered: BTreeMap::new(),
            given_up: BTreeSet::new(),
            sent_again: BTreeMap::new(),
            is_gone: false,
            arrived: BTreeMap::new(),
            crashes: 0,
            events: 0,
            groups: BTreeMap::new(),
        }
    }

    fn draw(&self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    async fn step(&mut self, is_quiet: bool, sometimes: &mut Sometimes) {
        if !is_quiet {
            match self.draw(100) {
                0..=29 => self.commit().await,
                30..=32 => self.down_until = self.now.saturating_add(Duration::from_millis(self.draw(90_000))),
                33 => self.crash(sometimes),
                // The clock is set back.
                34 => {
                    let back = i64::try_from(self.draw(3_000)).unwrap();
                    self.now = Timestamp::from_millis(self.now.as_millis() - back).unwrap();
                }
                35 => {
                    let until = self.now.saturating_add(Duration::from_millis(self.draw(60_000)));
                    let group = self.order.group(&envelope(Some(self.draw(GROUPS))));
                    self.failing_until.extend(group.map(|group| (group, until)));
                }
                36..=38 => self.options.paused = Some(self.draw(3) == 0),
                39 if self.changes_order => {
                    self.order = order(&self.random);
                    sometimes.insert("other order");
                }
                40 => self.send_again(sometimes).await,
                _ => {}
            }
        }
        let wait = self.start_attempts(sometimes);
        self.advance(wait, sometimes);
        // Settlements are written late, and together; and the queue hears of it later still.
        if self.draw(3) == 0 {
            self.settle().await;
        }
    }

    async fn commit(&mut self) {
        let mut owed = Vec::new();
        for _ in 0..=self.draw(3) {
            let envelope = envelope((self.draw(5) > 0).then(|| self.draw(GROUPS)));
            self.events += 1;
            self.groups.insert(EventNumber(self.events.into()), self.order.group(&envelope));
            let id = EventId::from_random(self.random.next_u128());
            let event =
                Event { id, received: self.now, envelope: envelope.into(), forwarded_from: Vec::new(), trace: None };
            owed.push(Owed { event, targets: vec![TARGET] });
        }
        self.journal.commit(owed).await.unwrap();
    }

    /// Owes the oldest dead letter once more, under a new number.
    async fn send_again(&mut self, sometimes: &mut Sometimes) {
        let page = DeadLetterPage { after: None, since: None, until: None, limit: 1 };
        let Some(id) = self.journal.dead_letter_ids(&page).unwrap().pop() else { return };
        self.events += 1;
        let number = EventNumber(self.events.into());
        self.groups.insert(number, self.groups[&id.event()]);
        self.sent_again.insert(id.event(), number);
        self.journal.redrive(vec![(id, TARGET)], self.now).await.unwrap();
        sometimes.insert("sent again");
    }

    fn of_target(&self) -> TargetSettings {
        self.settings.with(&self.options, self.order.clone())
    }

    /// An event reaches the target: in its order, again and again after crashes, but never before one that came earlier.
    fn arrive(&mut self, event: EventNumber, sometimes: &mut Sometimes) {
        *self.delivered.entry(event).or_default() += 1;
        if self.changes_order {
            return;
        }
        let ended = |other: &EventNumber| self.delivered.contains_key(other) || self.given_up.contains(other);
        let earlier = self.groups.range(..event).filter(|(other, _)| !ended(other));
        let group = self.groups[&event];
        for (other, other_group) in earlier {
            assert!(group.is_none() || *other_group != group, "event {event} came before {other} of its group");
            if other_group.is_some_and(|group| self.failing_until.get(&group).is_some_and(|until| self.now < *until)) {
                sometimes.insert("overtook a group that fails");
            }
        }
        let last = group.and_then(|group| self.arrived.insert(group, event));
        assert!(last.is_none_or(|last| last < event), "event {event} came after {last:?} of its group");
    }

    /// Everything in memory is lost, and a part of what was not synced.
    fn crash(&mut self, sometimes: &mut Sometimes) {
        let far = Timestamp::EPOCH.saturating_add(Duration::MAX);
        if !self.journal.later(TARGET, None, far, 1).unwrap().is_empty() {
            sometimes.insert("crash with a retry waiting");
        }
        if self.order.is_kept() {
            sometimes.insert("crash while an order is kept");
        }
        let kept = usize::try_from(self.draw(1 + self.disk.unsynced_batches() as u64)).unwrap();
        self.disk = Arc::new(self.disk.lose_power(kept));
        self.journal = open(&self.disk);
        self.queue = Queue::new(TARGET, &self.settings, self.of_target(), self.now);
        // What was on its way arrives or not.
        for attempt in std::mem::take(&mut self.under_way) {
            if self.now >= self.down_until && self.draw(2) == 0 {
                self.arrive(attempt.pending.delivery.event, sometimes);
            }
        }
        self.arrived.clear();
        self.unsettled.clear();
        self.written.clear();
        self.crashes += 1;
    }

    /// Starts what may be started; answers how long nothing more may.
    fn start_attempts(&mut self, sometimes: &mut Sometimes) -> Option<Duration> {
        let of_target = self.of_target();
        let transition = self.queue.configure(of_target.clone(), self.now);
        self.note(transition, sometimes);
        while self.under_way.len() < CONCURRENCY && self.queue.under_way() < self.settings.read_ahead_per_target {
            match self.queue.next(&self.journal, &of_target, self.now, self.is_gone).unwrap() {
                Next::Attempt(pending, pass, transition) => {
                    self.note(transition, sometimes);
                    let is_probe = |pass: Pass| matches!(pass, Pass::Probe { .. });
                    let probes = self.under_way.iter().filter(|attempt| is_probe(attempt.pass)).count();
                    assert!(!is_probe(pass) || probes == 0, "two probes at once");
                    assert!(
                        self.under_way.iter().all(|attempt| attempt.pending.delivery.event != pending.delivery.event),
                        "one delivery twice at once"
                    );
                    assert!(!of_target.is_paused, "an attempt while the target is paused");
                    let group = |pending: &Pending| self.groups[&pending.delivery.event];
                    let mut others = self.under_way.iter().map(|attempt| group(&attempt.pending));
                    let is_alone = group(&pending).is_none() || !others.any(|other| other == group(&pending));
                    assert!(self.changes_order || is_alone, "two of a group at once");
                    let ends = self.now.saturating_add(Duration::from_millis(self.draw(400)));
                    self.under_way.push(Attempt { pending, pass, ends });
                }
                Next::After(wait) => return Some(wait),
                Next::Paused => {
                    sometimes.insert("paused with something owed");
                    return None;
                }
                Next::AfterAttempt | Next::Nothing => return None,
            }
        }
        None
    }

    /// Lets time pass until something happens, and ends the attempts whose time has come.
    fn advance(&mut self, wait: Option<Duration>, sometimes: &mut Sometimes) {
        let ends = self.under_way.iter().map(|attempt| attempt.ends.saturating_since(self.now)).min();
        let next = [ends, wait].into_iter().flatten().min().unwrap_or(Duration::from_millis(50));
        self.now = self.now.saturating_add(next.max(Duration::from_millis(1)));
        let (ended, under_way) =
            std::mem::take(&mut self.under_way).into_iter().partition(|attempt: &Attempt| attempt.ends <= self.now);
        self.under_way = under_way;
        for attempt in ended {
            self.end(&attempt, sometimes);
        }
    }

    fn outcome(&mut self, event: &Event, attempt: &Attempt, sometimes: &mut Sometimes) -> AttemptOutcome {
        let number = attempt.pending.delivery.event;
        let fails = self.groups[&number].and_then(|group| self.failing_until.get(&group));
        if self.is_gone {
            sometimes.insert("removed with something owed");
            return AttemptOutcome::TargetRemoved;
        }
        if attempt.pass != Pass::Any && self.now > self.settings.retry_policy.expiry(event.received) {
            return AttemptOutcome::EventTooOld;
        }
        if self.now < self.down_until {
            let asked = RetryAfter::Wait(Duration::from_secs(self.draw(30)));
            return match self.draw(10) {
                0 => AttemptOutcome::from_http_status(503, String::new(), Some(asked)),
                1 => {
                    sometimes.insert("asked for less");
                    AttemptOutcome::from_http_status(429, String::new(), (self.draw(2) == 0).then_some(asked))
                }
                _ => AttemptOutcome::TimedOut { waited_for: "the answer" },
            };
        }
        if fails.is_some_and(|until| self.now < *until) {
            return AttemptOutcome::from_http_status(500, String::new(), None);
        }
        if self.draw(40) == 0 {
            sometimes.insert("refused");
            return AttemptOutcome::from_http_status(404, String::new(), None);
        }
        self.arrive(number, sometimes);
        AttemptOutcome::Delivered
    }

    fn end(&mut self, attempt: &Attempt, sometimes: &mut Sometimes) {
        let Pending { delivery, .. } = attempt.pending;
        let event = self.journal.event(delivery.event).unwrap();
        let outcome = self.outcome(&event, attempt, sometimes);
        let Settings { retry_policy, backoff, .. } = self.settings;
        let (number, random) = (delivery.attempts + 1, self.random.next_u64());
        let is_last_allowed = number <= retry_policy.maximum_retry_attempts + 1;
        let is_too_old = outcome == AttemptOutcome::EventTooOld;
        assert!(is_last_allowed || is_too_old || self.is_gone, "attempt {number}");
        let settlement = match retry_policy.next_step(&backoff, event.received, number, &outcome, self.now, random) {
            NextStep::Delivered => Settlement::Delivered,
            NextStep::RetryAt(time) => {
                assert!(time <= retry_policy.expiry(event.received));
                Settlement::RetryAt(time)
            }
            NextStep::DeadLetter(exhausted) => {
                assert_eq!(exhausted.is_none(), outcome.verdict() == Verdict::Permanent && !is_too_old, "{outcome:?}");
                self.given_up.insert(delivery.event);
                sometimes.extend(exhausted.map(|condition| match condition {
                    ExhaustedRetryCondition::MaximumRetryAttempts => "died of attempts",
                    ExhaustedRetryCondition::MaximumEventAgeInSeconds => "died of age",
                }));
                Settlement::Dead(Box::new(DeadLetter {
                    event: Some(event),
                    died: self.now,
                    rule_arn: String::new(),
                    target_id: String::new(),
                    target_arn: String::new(),
                    error_code: outcome.error_code().to_owned(),
                    error_message: outcome.message(),
                    exhausted_retry_condition: exhausted,
                    retry_attempts: delivery.attempts,
                }))
            }
        };
        let transition = self.queue.attempt_ended(attempt.pass, outcome.health(self.now), self.now, random);
        self.note(transition, sometimes);
        self.unsettled.push(Settled { pending: attempt.pending, settlement, attempt: None });
    }

    async fn settle(&mut self) {
        for (event, retry) in std::mem::take(&mut self.written) {
            self.queue.attempt_settled(event, retry);
        }
        let settlements = std::mem::take(&mut self.unsettled);
        let written = settlements.iter().map(|settled| (settled.pending.delivery.event, retry(settled)));
        self.written = written.collect();
        if !settlements.is_empty() {
            self.journal.settle(settlements).await.unwrap();
        }
    }

    fn note(&self, transition: Option<Transition>, sometimes: &mut Sometimes) {
        match transition {
            Some(Transition::Opened(wait) | Transition::Reopened(wait)) => {
                assert!(wait <= self.settings.circuit_breaker.open.max);
                sometimes.insert("opened");
            }
            Some(Transition::Closed) => {
                sometimes.insert("closed");
            }
            Some(Transition::HalfOpened) => {
                sometimes.insert("half-open");
            }
            None => {}
        }
    }

    /// Everything that was acknowledged has ended, and no other way than it should.
    fn check(&self, sometimes: &mut Sometimes) {
        assert_eq!(self.journal.owed(), 0);
        let page = DeadLetterPage { after: None, since: None, until: None, limit: 10_000 };
        let dead: Vec<EventNumber> =
            self.journal.dead_letter_ids(&page).unwrap().into_iter().map(journal::DeadLetterId::event).collect();
        for number in (1..=u64::from(self.events)).map(EventNumber) {
            let (times, died) = (self.delivered.get(&number).copied().unwrap_or(0), dead.contains(&number));
            if let Some(again) = self.sent_again.get(&number) {
                // Its delivery is now that of the other number, which is looked at, too.
                assert!(!died, "event {number} is sent again and still dead");
                if self.delivered.contains_key(again) {
                    sometimes.insert("delivered when sent again");
                }
                continue;
            }
            assert!(times > 0 || died, "event {number} is lost");
            assert!(self.crashes > 0 || times + u32::from(died) == 1, "event {number}: {times} times, dead: {died}");
            assert!(times <= 1 + self.crashes, "event {number}: {times} times, {} crashes", self.crashes);
            if times > 1 {
                sometimes.insert("delivered twice");
            }
        }
    }
}

async fn simulate(seed: u64, sometimes: &mut Sometimes) {
    let mut world = World::new(seed);
    for _ in 0..400 {
        world.step(false, sometimes).await;
    }
    world.options.paused = None;
    world.is_gone = world.draw(8) == 0;
    // A target that stays down ends what it is owed, too, and one that is back gets it.
    if world.draw(2) == 0 {
        world.down_until = world.now.saturating_add(Duration::from_secs(1_000_000));
    }
    let end = world.now.saturating_add(AGE + AGE);
    while world.journal.owed() > 0 {
        world.step(true, sometimes).await;
        assert!(world.now < end, "what is owed does not end");
    }
    world.check(sometimes);
}

#[tokio::test]
async fn every_delivery_ends_whatever_happens() {
    let mut sometimes = Sometimes::default();
    let given = |name| std::env::var_os(name).map(|number| number.to_str().unwrap().parse().unwrap());
    if let Some(seed) = given("EVENTYARD_SIMULATION_SEED") {
        simulate(seed, &mut sometimes).await;
        return;
    }
    for seed in 0..given("EVENTYARD_SIMULATION_SEEDS").unwrap_or(SEEDS) {
        // The seed of a panic is the last one that was begun.
        print!("seed {seed}, ");
        simulate(seed, &mut sometimes).await;
    }
    let never: Vec<_> = TO_MEET.into_iter().filter(|fact| !sometimes.contains(fact)).collect();
    assert!(never.is_empty(), "never met: {never:?}");
}
