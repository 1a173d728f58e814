//! The slots that the attempts of all targets share.
//!
//! One rule keeps a few targets that hang from taking what the others need: a target may have as many attempts under way
//! as there are slots free. So one that takes all it can stops at half of them, two at a third each, and whoever comes after
//! them finds as many free as each of them has. A target without any attempt under way gets one in any case, be all slots
//! taken: the first attempt of a target waits for nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The slots of all targets.
#[derive(Debug)]
pub(super) struct Slots {
    count: usize,
    taken: AtomicUsize,
}

/// One slot, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    /// `count` slots, all free.
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { count, taken: AtomicUsize::new(0) })
    }

    /// A slot for a target that has `held` already; none while that is more than its share.
    pub(super) fn take(self: &Arc<Self>, held: usize) -> Option<Slot> {
        let take = |taken: usize| {
            let free = self.count.saturating_sub(taken);
            (held == 0 || held < free).then_some(taken + 1)
        };
        // Nothing but the count is shared, so no order with other memory is asked for.
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(Slot(Arc::clone(self)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes slots in turns for targets that want `wanted` each and give none back, as long as one gets any.
    fn fill(slots: &Arc<Slots>, wanted: &[usize]) -> Vec<Vec<Slot>> {
        let mut held: Vec<Vec<Slot>> = wanted.iter().map(|_| Vec::new()).collect();
        loop {
            let before = slots.taken.load(Ordering::Relaxed);
            for (held, wanted) in held.iter_mut().zip(wanted) {
                if held.len() < *wanted {
                    held.extend(slots.take(held.len()));
                }
            }
            if slots.taken.load(Ordering::Relaxed) == before {
                return held;
            }
        }
    }

    #[test]
    fn hogs_leave_as_much_as_each_of_them_has() {
        for (hogs, each) in [(1, 512), (2, 342), (64, 16), (200, 6), (2_000, 1)] {
            let slots = Slots::new(1_024);
            let held = fill(&slots, &vec![10_000; hogs]);
            assert_eq!(held.iter().map(Vec::len).max(), Some(each), "{hogs} hogs");
            let healthy = fill(&slots, &[16]);
            assert!(healthy[0].len() * 2 >= each.min(16), "{hogs} hogs leave {}", healthy[0].len());
        }
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let slots = Slots::new(4);
        let held = fill(&slots, &[10]);
        assert_eq!(held[0].len(), 2);
        assert!(slots.take(2).is_none());
        drop(held);
        assert_eq!(slots.taken.load(Ordering::Relaxed), 0);
        assert!(slots.take(2).is_some());
    }

    proptest! {
        #[test]
        fn everyone_gets_one_and_nobody_is_far_ahead_of_who_wants_as_much(
            count in 1_usize..200,
            wanted in prop::collection::vec(1_usize..300, 1..40),
        ) {
            let slots = Slots::new(count);
            let held = fill(&slots, &wanted);
            let taken: usize = held.iter().map(Vec::len).sum();
            prop_assert!(taken <= count + wanted.len());
            let most = held.iter().map(Vec::len).max().unwrap_or(0);
            for (held, wanted) in held.iter().zip(&wanted) {
                prop_assert!(!held.is_empty());
                prop_assert!(held.len() + 1 >= most.min(*wanted), "{} of {wanted}, another has {most}", held.len());
            }
        }
    }
}
