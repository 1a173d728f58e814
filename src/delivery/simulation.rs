//! A simulation of deliveries by seed, under a time of its own: one to four targets beside each other, some of which swallow or
//! refuse whatever they are sent; outages, groups of events that fail by themselves, pauses, refusals, dead letters that are copied
//! and that are sent again, targets removed in the end, crashes that lose what was not synced, clocks that are set back. The turns of
//! the workers, their queues, the gates, the slots that all share, the retry policy, the bell and the journal are the real
//! ones; the tasks that turn them and the network are simulated.
//!
//! `EVENTYARD_SIMULATION_SEED=n cargo test --lib simulation` plays seed n again, `EVENTYARD_SIMULATION_SEEDS=n` the first n.

mod attempts;
mod drawn;
mod ledger;
mod network;
mod worker;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use self::world::World;
use crate::telemetry::Telemetry;

const SEEDS: u64 = 2_000;
/// Things that happen before a simulation lets everything come to its end.
const STEPS: u32 = 300;
/// How old an event may become before its last attempt.
const AGE: Duration = Duration::from_secs(60);
/// No attempt lasts longer.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(3);

/// What was met. What some seed has to meet, or the simulation has shown too little, is [`TO_MEET`].
type Sometimes = BTreeSet<&'static str>;

const TO_MEET: [&str; 26] = [
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
    "crash with an attempt under way",
    "crash before the copy of a dead letter was made",
    "delivered twice",
    "paused with something owed",
    "overtook a group that fails",
    "crash while an order is kept",
    "other order",
    "all slots taken",
    "first attempt beyond all slots",
    "waited for its share",
    "waited for its share for long",
    "delivered beside a black hole",
    "a worker went on where another ended",
    "copy of a dead letter made",
    "copy of a dead letter given up",
];

/// Plays one seed to its end.
async fn simulate(seed: u64, telemetry: &Arc<Telemetry>) -> Sometimes {
    let mut world = World::new(seed, Arc::clone(telemetry));
    for _ in 0..STEPS {
        world.happen().await;
        world.step(Some(Duration::from_secs(1))).await;
    }
    world.calm();
    let end = world.elapsed() + world.longest_end();
    while world.is_owing() {
        world.step(None).await;
        assert!(world.elapsed() < end, "what is owed does not end");
    }
    world.check()
}

#[tokio::test]
async fn every_delivery_ends_whatever_happens() {
    let telemetry = Arc::new(Telemetry::new().unwrap());
    let given = |name| std::env::var_os(name).map(|number| number.to_str().unwrap().parse().unwrap());
    if let Some(seed) = given("EVENTYARD_SIMULATION_SEED") {
        simulate(seed, &telemetry).await;
        return;
    }
    let mut sometimes = Sometimes::default();
    for seed in 0..given("EVENTYARD_SIMULATION_SEEDS").unwrap_or(SEEDS) {
        // The seed of a panic is the last one that was begun.
        print!("seed {seed}, ");
        sometimes.extend(simulate(seed, &telemetry).await);
    }
    let never: Vec<_> = TO_MEET.into_iter().filter(|fact| !sometimes.contains(fact)).collect();
    assert!(never.is_empty(), "never met: {never:?}");
}
