//! The journal against a model of a few maps: any sequence of what it is asked for, with losses of power between.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TARGETS: [TargetNumber; 3] = [TargetNumber(3), TARGET, TargetNumber((u64::MAX >> 1) - 1)];

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
    /// Lose power, and with it all but so many of the writes that were not brought to disk.
    LosePower(u8),
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
        2 => any::<u8>().prop_map(Step::LosePower),
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
                // Every other one leaves a copy that is owed.
                self.committed += 1;
                let copy = (self.died % 2 == 0).then(|| Box::new(owed(self.committed, &TARGETS[..1])));
                let dead = |event, _| {
                    let letter = Box::new(DeadLetter { died, ..letter(event) });
                    match copy {
                        Some(copy) => Settlement::DeadAndCopied(letter, copy),
                        None => Settlement::Dead(letter),
                    }
                };
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
            Step::LosePower(kept) => {
                let kept = usize::from(*kept) % self.unsynced.len();
                self.disk = Arc::new(self.disk.lose_power(kept));
                (self.journal, self.thread) = open(&self.disk);
                self.model = self.unsynced[kept].clone();
                self.unsynced.clear();
            }
        }
        self.look().await;
        self
    }

    async fn commit(&mut self, events: &[u8]) {
        let mut all = Vec::new();
        for bits in events {
            self.committed += 1;
            let chosen = TARGETS.iter().zip(0..).filter(|(_, bit)| bits & (1 << bit) != 0);
            let targets: Vec<_> = chosen.map(|(target, _)| *target).collect();
            self.model.commit(event(self.committed), &targets);
            all.push(owed(self.committed, &targets));
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
            Settlement::DeadAndCopied(letter, copy) => {
                self.model.dead.insert(DeadLetterId::new(letter.died, &delivery), letter.as_ref().clone());
                self.model.commit(copy.event.clone(), &copy.targets);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

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
