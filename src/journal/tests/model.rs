//! The journal against a model of a few maps: any sequence of what it is asked for, with losses of power between.

use std::collections::BTreeMap;

use eventyard_core::deduplication::{DeduplicationId, DeduplicationKey};
use eventyard_core::name::{AccountId, EventBusKey, EventBusName, Region, RuleNumber};
use proptest::prelude::*;

use super::*;

const TARGETS: [TargetNumber; 3] = [TargetNumber(3), TARGET, TargetNumber(u64::MAX - 1)];

/// What is done. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    /// Commit events, each for the targets whose bits are set.
    Commit(Vec<u8>),
    Deliver(u8),
    Retry(u8, i64),
    Die(u8),
    Redrive(u8, u8),
    Forget(u8),
    /// Close and open.
    Restart,
    /// Lose power, and with it all but so many of the writes that were not brought to disk; whether what was deleted is back.
    LosePower(u8, bool),
    /// The next write fails: the journal closes, and what was asked for is on disk or not; here it is not.
    FailedWrite(u8),
    /// The disk is full: what is new is refused and changes nothing.
    Full(u8),
    /// Delete old attempts, and by what events are known.
    Trim,
    /// An event in the place of one that is owed.
    InPlace(u8),
    /// Events by what they are known, of few ids: put again, they are not taken again.
    Once(Vec<u8>),
    /// Events of a schedule.
    Fire(u8, i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(1_u8..8, 1..4).prop_map(Step::Commit),
        6 => any::<u8>().prop_map(Step::Deliver),
        3 => (any::<u8>(), 0_i64..1_000).prop_map(|(which, due)| Step::Retry(which, due)),
        2 => any::<u8>().prop_map(Step::Die),
        1 => (any::<u8>(), 0_u8..3).prop_map(|(which, target)| Step::Redrive(which, target)),
        1 => any::<u8>().prop_map(Step::Forget),
        1 => Just(Step::Restart),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(kept, back)| Step::LosePower(kept, back)),
        1 => (1_u8..8).prop_map(Step::FailedWrite),
        1 => (1_u8..8).prop_map(Step::Full),
        1 => Just(Step::Trim),
        1 => (1_u8..8).prop_map(Step::InPlace),
        2 => prop::collection::vec(0_u8..12, 1..4).prop_map(Step::Once),
        1 => ((1_u8..8), 0_i64..1_000).prop_map(|(bits, through)| Step::Fire(bits, through)),
    ];
    prop::collection::vec(step, 1..60)
}

/// What should be there.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    /// By target and event: where it lies, and how often it was tried.
    owed: BTreeMap<(u64, u64), (Option<i64>, u32)>,
    events: BTreeMap<u64, Event>,
    dead: BTreeMap<DeadLetterId, DeadLetter>,
    next_event: u64,
    /// By what events are known, and under which id.
    known: BTreeMap<u8, EventId>,
    /// Through when the schedule has fired.
    fired: Option<i64>,
}

impl Model {
    fn commit(&mut self, event: Event, targets: &[TargetNumber]) {
        for target in targets {
            self.owed.insert((target.0, self.next_event), (None, 0));
        }
        self.events.insert(self.next_event, event);
        self.next_event += 1;
    }

    fn pending(&self, which: u8) -> Option<Pending> {
        let ((target, event), (due, attempts)) = self.owed.iter().nth(usize::from(which) % self.owed.len().max(1))?;
        let delivery = Delivery { event: EventNumber(*event), target: TargetNumber(*target), attempts: *attempts };
        Some(Pending { delivery, place: due.map_or(Place::Ready, |due| Place::Later(at(due))) })
    }

    fn dead(&self, which: u8) -> Option<DeadLetterId> {
        self.dead.keys().nth(usize::from(which) % self.dead.len().max(1)).copied()
    }
}

/// The journal with what should be in it, after each write that is not on disk yet.
struct Test {
    disk: Arc<ModelDisk>,
    journal: Journal,
    thread: CommitterThread,
    model: Model,
    unsynced: Vec<Model>,
    committed: u128,
    died: i64,
}

impl Test {
    fn start() -> Self {
        let disk = Arc::new(ModelDisk::default());
        let (journal, thread) = open(&disk);
        let model = Model { next_event: 1, ..Model::default() };
        Self { disk, journal, thread, unsynced: vec![model.clone()], model, committed: 0, died: 0 }
    }

    async fn step(mut self, step: &Step) -> Self {
        match step {
            Step::Commit(events) => self.commit(events).await,
            Step::Deliver(which) => self.settle(*which, |_, _| Settlement::Delivered).await,
            Step::Retry(which, due) => self.settle(*which, |_, _| Settlement::RetryAt(at(*due))).await,
            Step::Die(which) => {
                self.died += 1;
                let died = at(self.died);
                let dead = |event, _| Settlement::Dead(Box::new(DeadLetter { died, ..letter(event) }));
                self.settle(*which, dead).await;
            }
            Step::Redrive(which, target) => {
                let target = TARGETS[usize::from(*target)];
                if let Some(id) = self.model.dead(*which) {
                    let event = self.model.dead.remove(&id).and_then(|letter| letter.event).unwrap();
                    self.model.commit(Event { received: at(77), ..event }, &[target]);
                    self.journal.redrive(vec![(id, target)], at(77)).await.unwrap();
                }
            }
            Step::Forget(which) => {
                if let Some(id) = self.model.dead(*which) {
                    self.model.dead.remove(&id);
                    self.journal.forget_dead_letters(vec![id]).await.unwrap();
                }
            }
            Step::Restart => {
                self.journal.close().await;
                self.thread.join();
                (self.journal, self.thread) = open(&self.disk);
            }
            Step::FailedWrite(bits) => {
                self.disk.fail_after(0);
                let (_, asked) = self.next(*bits);
                assert!(self.journal.commit(vec![asked]).await.is_err());
                self.journal.failed().await;
                self.power_returns(usize::MAX, false);
            }
            Step::Full(bits) => {
                self.disk.set_free_bytes(SETTINGS.free_space_bytes_min - 1);
                let (_, asked) = self.next(*bits);
                let refused = self.journal.commit(vec![asked]).await;
                assert!(matches!(refused, Err(JournalError::Full { .. })), "{refused:?}");
                // Past what is to be spare before it opens again.
                self.disk.set_free_bytes(2 * SETTINGS.free_space_bytes_min);
            }
            Step::Trim => self.journal.trim_history(at(1_000)).await.unwrap(),
            Step::InPlace(bits) => {
                let (targets, asked) = self.next(*bits);
                self.model.commit(asked.event.clone(), &targets);
                self.journal.commit_in_place(asked).await.unwrap();
            }
            Step::Once(keys) => self.commit_once(keys).await,
            Step::Fire(bits, through) => {
                let (targets, asked) = self.next(*bits);
                self.model.commit(asked.event.clone(), &targets);
                self.model.fired = Some(*through);
                let mark = ScheduleMark { rule: RuleNumber(5), since: at(0), through: at(*through) };
                self.journal.fire(vec![asked], vec![mark]).await.unwrap();
            }
            Step::LosePower(kept, are_drops_lost) => {
                let kept = usize::from(*kept) % self.unsynced.len();
                self.power_returns(kept, *are_drops_lost);
            }
        }
        self.look().await;
        self
    }

    /// Opens what a loss of power leaves: so many of the writes without fsync.
    fn power_returns(&mut self, kept: usize, are_drops_lost: bool) {
        let kept = kept.min(self.unsynced.len() - 1);
        let disk = if are_drops_lost { self.disk.lose_power_and_drops(kept) } else { self.disk.lose_power(kept) };
        self.disk = Arc::new(disk);
        (self.journal, self.thread) = open(&self.disk);
        self.model = self.unsynced[kept].clone();
        self.unsynced.clear();
    }

    /// The next event, for the targets whose bits are set.
    fn next(&mut self, bits: u8) -> (Vec<TargetNumber>, Owed) {
        self.committed += 1;
        let chosen = TARGETS.iter().zip(0..).filter(|(_, bit)| bits & (1 << bit) != 0);
        let targets: Vec<_> = chosen.map(|(target, _)| *target).collect();
        let owed = owed(self.committed, &targets);
        (targets, owed)
    }

    async fn commit_once(&mut self, keys: &[u8]) {
        let (mut candidates, mut expected) = (Vec::new(), Vec::new());
        for key in keys {
            let (targets, asked) = self.next(1 + key % 7);
            let Event { id, received, .. } = asked.event;
            let first = *self.model.known.entry(*key).or_insert(id);
            if first == id {
                self.model.commit(asked.event.clone(), &targets);
            }
            expected.push(first);
            candidates.push(Candidate { id, received, key: Some(known_by(*key)), owed: Some(asked) });
        }
        assert_eq!(self.journal.commit_once(candidates).await.unwrap(), expected);
    }

    async fn commit(&mut self, events: &[u8]) {
        let mut all = Vec::new();
        for bits in events {
            let (targets, asked) = self.next(*bits);
            self.model.commit(asked.event.clone(), &targets);
            all.push(asked);
        }
        self.journal.commit(all).await.unwrap();
    }

    async fn settle(&mut self, which: u8, settlement: impl FnOnce(Event, Delivery) -> Settlement) {
        let Some(pending) = self.model.pending(which) else { return };
        let delivery = pending.delivery;
        let settlement = settlement(self.model.events[&delivery.event.0].clone(), delivery);
        let key = (delivery.target.0, delivery.event.0);
        self.model.owed.remove(&key);
        match &settlement {
            Settlement::Delivered => {}
            Settlement::RetryAt(due) => {
                self.model.owed.insert(key, (Some(due.as_millis()), delivery.attempts + 1));
            }
            Settlement::Dead(letter) => {
                self.model.dead.insert(DeadLetterId::new(letter.died, &delivery), letter.as_ref().clone());
            }
        }
        self.journal.settle(vec![settled(pending, settlement)]).await.unwrap();
    }

    /// Holds all that can be seen against the model, and remembers what a loss of power would leave.
    async fn look(&mut self) {
        // When this is answered, the group before is finished to its end.
        self.journal.settle(Vec::new()).await.unwrap();
        let mut found = Model { next_event: self.model.next_event, ..Model::default() };
        for target in TARGETS {
            let far = Timestamp::EPOCH.saturating_add(Duration::MAX);
            let mut pending = self.journal.ready(target, None, 10_000).unwrap();
            pending.extend(self.journal.later(target, None, far, 10_000).unwrap());
            assert_eq!(self.journal.is_owed(target).unwrap(), !pending.is_empty());
            for Pending { delivery, place } in pending {
                let due = match place {
                    Place::Ready => None,
                    Place::Later(due) => Some(due.as_millis()),
                };
                let key = (delivery.target.0, delivery.event.0);
                assert!(found.owed.insert(key, (due, delivery.attempts)).is_none(), "{key:?} is in two places");
                let event = self.journal.event(delivery.event).unwrap();
                assert_eq!(event, self.model.events[&delivery.event.0]);
            }
        }
        found.dead.extend(
            self.journal
                .dead_letters(&DeadLetterPage { limit: 10_000, ..ALL })
                .unwrap()
                .into_iter()
                .map(|(id, letter)| (id, letter.unwrap())),
        );
        found.events.clone_from(&self.model.events);
        found.known.clone_from(&self.model.known);
        found.fired = self.journal.schedule_marks().unwrap().first().map(|mark| mark.through.as_millis());
        assert_eq!(found, self.model);
        assert_eq!(self.journal.owed(), self.model.owed.len() as u64);
        let targets: std::collections::BTreeSet<_> = TARGETS.into();
        let _ = check(self.disk.view().unwrap().as_ref(), &targets, &mut |looked| {
            assert!(matches!(looked, Looked::Entry), "{looked:?}");
            Ok::<_, std::convert::Infallible>(())
        });
        let unsynced = self.disk.unsynced_batches();
        self.unsynced.truncate(unsynced);
        self.unsynced.resize(unsynced + 1, self.model.clone());
    }
}

fn known_by(id: u8) -> DeduplicationKey {
    let account = AccountId::parse("111122223333").unwrap();
    let region = Region::parse("eu-west-1").unwrap();
    let bus = EventBusKey { account: account.clone(), region, name: EventBusName::default_bus() };
    DeduplicationKey::new(&bus, &account, DeduplicationId::InEvent(&id.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_and_wherever_power_is_lost_it_is_what_the_model_says(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut test = Test::start();
            for step in &steps {
                test = test.step(step).await;
            }
            test.journal.close().await;
            test.thread.join();
        });
    }
}
