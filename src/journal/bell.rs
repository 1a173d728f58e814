//! The bell: which targets have news.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use eventyard_core::name::TargetNumber;
use tokio::sync::Notify;

/// Rung after every commit, heard by the dispatcher. It is only a hint: what is owed stands in the journal, and a lost ring
/// costs the time until the dispatcher looks there by itself.
#[derive(Debug, Default)]
pub struct Bell {
    targets: Mutex<BTreeSet<TargetNumber>>,
    rung: Notify,
}

impl Bell {
    /// Tells that `targets` have news.
    pub fn ring(&self, targets: impl IntoIterator<Item = TargetNumber>) {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).extend(targets);
        self.rung.notify_one();
    }

    /// Waits until it was rung and answers which targets have news.
    pub async fn heard(&self) -> BTreeSet<TargetNumber> {
        self.rung.notified().await;
        std::mem::take(&mut *self.targets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
