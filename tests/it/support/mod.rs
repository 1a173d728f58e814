//! What the tests share: the daemon as a child process, a client, a sink, a disk and a clock.

mod client;
mod daemon;
mod failing_disk;
mod moved_time;
mod sink;
mod small_disk;

use std::time::{Duration, Instant};

pub(crate) use client::{Client, Reply};
pub(crate) use daemon::Daemon;
pub(crate) use failing_disk::{FailingDisk, Failure};
pub(crate) use moved_time::{MINUTE, MovedTime};
pub(crate) use sink::{Answer, Received, Sink};
pub(crate) use small_disk::SmallDisk;

/// Waits until `check` gives something. The time is a bound on a hang, not a measurement.
pub(crate) fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if let Some(found) = check() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited a minute for {what}");
}

/// A sequence that is the same for the same seed.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Seeded from `EVENTYARD_TEST_SEED`, so that a failed run can be repeated, or from the process's id.
    pub(crate) fn from_environment() -> Self {
        let given =
            std::env::vars().find(|(name, _)| name == "EVENTYARD_TEST_SEED").and_then(|(_, seed)| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
        println!("seed {seed}: repeat with EVENTYARD_TEST_SEED={seed}");
        Self(seed)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % bound
    }
}

/// Spreads a number over all 64 bits, so that what belongs to one number is not taken for another's.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
