//! What a simulation begins with.

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::circuit_breaker::CircuitBreakerSettings;
use eventyard_core::delivery_options::Order;
use eventyard_core::input::JsonPath;
use eventyard_core::retry::{Backoff, RetryPolicy};

use super::{AGE, CONCURRENCY};
use crate::delivery::Settings;
use crate::journal::model_disk::ModelDisk;
use crate::journal::{self, Journal};
use crate::runtime::Random;
use crate::telemetry::Telemetry;

pub(super) fn settings(random: &Random) -> Settings {
    let draw = |bound: u64| random.next_u64() % bound;
    Settings {
        concurrency_per_target: CONCURRENCY,
        concurrency_max: CONCURRENCY,
        read_ahead_per_target: 8,
        ordered_read_ahead_per_target: 1 + usize::try_from(draw(40)).unwrap(),
        attempts_per_second_per_target: (draw(2) == 0).then_some(20),
        circuit_breaker: CircuitBreakerSettings {
            failures_to_open: (draw(4) > 0).then_some(3),
            open: Backoff { base: Duration::from_millis(200), max: Duration::from_secs(10) },
        },
        backoff: Backoff { base: Duration::from_millis(100), max: Duration::from_secs(20) },
        retry_policy: RetryPolicy {
            maximum_retry_attempts: u32::try_from(draw(30)).unwrap(),
            maximum_event_age_seconds: u32::try_from(AGE.as_secs()).unwrap(),
        },
    }
}

pub(super) fn order(random: &Random) -> Order {
    match random.next_u64() % 4 {
        0 => Order::OneGroup,
        1 | 2 => Order::ByPath(Arc::new(JsonPath::parse("$.key").unwrap())),
        _ => Order::None,
    }
}

pub(super) fn open(disk: &Arc<ModelDisk>) -> Journal {
    let settings =
        journal::Settings { commit_group_requests_max: 4, segment_size_bytes: 300, ..journal::Settings::FOR_TESTS };
    let disk: Arc<dyn journal::Disk> = Arc::<ModelDisk>::clone(disk);
    Journal::open_on(disk, settings, Arc::new(Telemetry::new().unwrap())).unwrap().0
}

/// An event of that group, or of none.
pub(super) fn envelope(group: Option<u64>) -> String {
    group.map_or_else(|| "{}".to_owned(), |group| format!(r#"{{"key":{group}}}"#))
}
