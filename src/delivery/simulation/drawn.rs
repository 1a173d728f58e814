//! What a simulation begins with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::circuit_breaker::CircuitBreakerSettings;
use eventyard_core::delivery_options::{DeliveryOptions, Order};
use eventyard_core::input::JsonPath;
use eventyard_core::name::TargetNumber;
use eventyard_core::retry::{Backoff, RetryPolicy};

use super::AGE;
use super::network::{Nature, Network};
use crate::delivery::Settings;
use crate::delivery::target_settings::TargetSettings;
use crate::journal::model_disk::ModelDisk;
use crate::journal::{self, Journal};
use crate::runtime::Random;
use crate::telemetry::Telemetry;

/// A target as its owner made it, and what it is like.
pub(super) struct Target {
    pub(super) options: DeliveryOptions,
    pub(super) order: Order,
    /// Whether the order that is kept changes on the way. Only what comes after that could be said to be in order.
    pub(super) changes_order: bool,
    /// Whether its dead letters are copied.
    pub(super) has_copies: bool,
    pub(super) is_gone: bool,
    pub(super) network: Network,
}

impl Target {
    pub(super) fn settings(&self, settings: &Settings) -> TargetSettings {
        settings.with(&self.options, self.order.clone())
    }
}

/// Below the bound.
pub(super) fn draw(random: &Random, bound: u64) -> u64 {
    random.next_u64() % bound
}

fn one_of<T: Copy, const N: usize>(random: &Random, choices: [T; N]) -> T {
    choices[usize::try_from(draw(random, N as u64)).unwrap()]
}

pub(super) fn settings(random: &Random) -> Settings {
    let draw = |bound: u64| draw(random, bound);
    Settings {
        concurrency_per_target: one_of(random, [1, 4, 4, 16]),
        concurrency_max: one_of(random, [1, 2, 4, 8, 16]),
        read_ahead_per_target: 8,
        ordered_read_ahead_per_target: 1 + usize::try_from(draw(40)).unwrap(),
        attempts_per_second_per_target: (draw(2) == 0).then_some(20),
        circuit_breaker: CircuitBreakerSettings {
            failures_to_open: (draw(4) > 0).then_some(3),
            open: Backoff { base: Duration::from_millis(200), max: Duration::from_secs(10) },
        },
        backoff: Backoff { base: Duration::from_millis(100), max: Duration::from_secs(10) },
        retry_policy: RetryPolicy {
            maximum_retry_attempts: u32::try_from(draw(30)).unwrap(),
            maximum_event_age_seconds: u32::try_from(AGE.as_secs()).unwrap(),
        },
    }
}

/// One to four targets, and where the dead letters of some of them are copied to.
pub(super) fn targets(random: &Random) -> BTreeMap<TargetNumber, Target> {
    let numbers = (1..=1 + draw(random, 4)).map(TargetNumber);
    let targets = numbers.flat_map(|number| {
        let target = target(random);
        let copies = target.has_copies.then(|| (number.of_dead_letters(), queue_of_dead_letters(random)));
        [Some((number, target)), copies].into_iter().flatten()
    });
    targets.collect()
}

fn target(random: &Random) -> Target {
    let options = DeliveryOptions {
        concurrency: one_of(random, [None, None, Some(2), Some(8)]),
        circuit_breaker_failures: one_of(random, [None, None, None, Some(0)]),
        ..DeliveryOptions::default()
    };
    let nature = one_of(random, [Nature::Sound, Nature::Sound, Nature::Sound, Nature::BlackHole, Nature::Refuser]);
    Target {
        options,
        order: order(random),
        changes_order: draw(random, 8) == 0,
        has_copies: draw(random, 4) == 0,
        is_gone: false,
        network: Network::new(nature),
    }
}

fn queue_of_dead_letters(random: &Random) -> Target {
    Target {
        options: DeliveryOptions::default(),
        order: Order::None,
        changes_order: false,
        has_copies: false,
        is_gone: false,
        network: Network::new(one_of(random, [Nature::Sound, Nature::Sound, Nature::Refuser])),
    }
}

pub(super) fn order(random: &Random) -> Order {
    match draw(random, 4) {
        0 => Order::OneGroup,
        1 | 2 => Order::ByPath(Arc::new(JsonPath::parse("$.key").unwrap())),
        _ => Order::None,
    }
}

pub(super) fn open(disk: &Arc<ModelDisk>, telemetry: &Arc<Telemetry>) -> Journal {
    let settings =
        journal::Settings { commit_group_requests_max: 4, segment_size_bytes: 300, ..journal::Settings::FOR_TESTS };
    let disk: Arc<dyn journal::Disk> = Arc::<ModelDisk>::clone(disk);
    Journal::open_on(disk, settings, Arc::clone(telemetry)).unwrap().0
}

/// An event of that group, or of none.
pub(super) fn envelope(group: Option<u64>) -> String {
    group.map_or_else(|| "{}".to_owned(), |group| format!(r#"{{"key":{group}}}"#))
}
