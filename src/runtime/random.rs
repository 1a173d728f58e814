//! Randomness for identifiers and jitter. Not for secrets.

use std::sync::{Mutex, PoisonError};

use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

/// A generator shared by all tasks. Seeded by the system in the daemon, by a number in tests that want to repeat themselves.
#[derive(Debug)]
pub struct Random(Mutex<SmallRng>);

impl Random {
    /// Seeded with 256 bits of the system's entropy, so that two daemons never give the same ids.
    #[must_use]
    pub fn from_system() -> Self {
        Self(Mutex::new(SmallRng::from_os_rng()))
    }

    /// Always the same numbers for the same seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }

    /// Uniform over all its values.
    #[must_use]
    pub fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }

    /// Uniform over all its values.
    #[must_use]
    pub fn next_u128(&self) -> u128 {
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        u128::from(generator.next_u64()) << 64 | u128::from(generator.next_u64())
    }
}
