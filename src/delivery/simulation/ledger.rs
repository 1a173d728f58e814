//! What is owed, and what became of it: that nothing is lost, made twice for no reason or out of its order.

use std::collections::{BTreeMap, BTreeSet};

use eventyard_core::name::{EventNumber, TargetNumber};

use super::Sometimes;

/// A delivery.
pub(super) type Key = (TargetNumber, EventNumber);

#[derive(Default)]
struct Account {
    group: Option<u64>,
    times: u32,
    /// How many crashes there had been when it was last made.
    last_made: Option<u32>,
    is_given_up: bool,
    /// The number under which its event is owed now, since it was sent again from the dead letters.
    sent_again: Option<EventNumber>,
}

/// All deliveries.
#[derive(Default)]
pub(super) struct Ledger {
    accounts: BTreeMap<Key, Account>,
    /// Those of a group that have not ended.
    open: BTreeMap<(TargetNumber, u64), BTreeSet<EventNumber>>,
    /// The last one of a group that was made since the last crash.
    last: BTreeMap<(TargetNumber, u64), EventNumber>,
    crashes: u32,
}

impl Ledger {
    pub(super) fn owe(&mut self, (target, event): Key, group: Option<u64>) {
        self.accounts.insert((target, event), Account { group, ..Account::default() });
        if let Some(group) = group {
            self.open.entry((target, group)).or_default().insert(event);
        }
    }

    pub(super) fn group(&self, key: Key) -> Option<u64> {
        self.accounts[&key].group
    }

    pub(super) fn count(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn crash(&mut self) {
        self.crashes += 1;
        self.last.clear();
    }

    /// An event reaches its target. After a crash it may do so again; else once, and where an order is kept never before one
    /// of its group that came earlier.
    pub(super) fn make(&mut self, (target, event): Key, keeps_order: bool) {
        let account = self.accounts.get_mut(&(target, event)).unwrap();
        let crashes = self.crashes;
        let before = account.last_made.replace(crashes);
        assert!(before < Some(crashes), "event {event} was sent to {target} twice without a crash between");
        account.times += 1;
        let Some(group) = account.group else { return };
        if keeps_order {
            let earlier = self.open[&(target, group)].range(..event).next();
            assert!(earlier.is_none(), "event {event} came to {target} before {earlier:?} of its group");
            let last = self.last.insert((target, group), event);
            assert!(last.is_none_or(|last| last < event), "event {event} came to {target} after {last:?} of its group");
        }
        self.end((target, event), group);
    }

    pub(super) fn give_up(&mut self, key: Key) {
        let account = self.accounts.get_mut(&key).unwrap();
        account.is_given_up = true;
        if let Some(group) = account.group {
            self.end(key, group);
        }
    }

    fn end(&mut self, (target, event): Key, group: u64) {
        self.open.get_mut(&(target, group)).unwrap().remove(&event);
    }

    /// Whether one of a group for which `fails` holds came before this one and has not ended.
    pub(super) fn has_passed(&self, (target, event): Key, fails: impl Fn(u64) -> bool) -> bool {
        let of_target = self.open.range((target, 0)..=(target, u64::MAX));
        of_target
            .into_iter()
            .any(|((_, group), open)| fails(*group) && open.first().is_some_and(|first| *first < event))
    }

    /// The event of a dead letter is owed once more, under another number.
    pub(super) fn send_again(&mut self, (target, event): Key, number: EventNumber) {
        let account = self.accounts.get_mut(&(target, event)).unwrap();
        account.sent_again = Some(number);
        let group = account.group;
        self.owe((target, number), group);
    }

    /// Everything that was owed has ended, and no other way than it should; `dead` are the dead letters.
    pub(super) fn check(&self, dead: &BTreeSet<Key>, sometimes: &mut Sometimes) {
        for ((target, event), account) in &self.accounts {
            let (times, died) = (account.times, dead.contains(&(*target, *event)));
            if let Some(again) = account.sent_again {
                // Its delivery is now that of the other number, which is looked at, too.
                assert!(!died, "event {event} to {target} is sent again and still dead");
                if self.accounts[&(*target, again)].times > 0 {
                    sometimes.insert("delivered when sent again");
                }
                continue;
            }
            // Of the copy of a dead letter that is given up nothing is left.
            let ended = died || (target.is_of_dead_letters() && account.is_given_up);
            assert!(times > 0 || ended, "event {event} to {target} is lost");
            assert!(
                self.crashes > 0 || times + u32::from(ended) == 1,
                "event {event} to {target}: {times} times, ended otherwise: {ended}"
            );
            if times > 1 {
                sometimes.insert("delivered twice");
            }
            if target.is_of_dead_letters() {
                sometimes.insert(if times > 0 {
                    "copy of a dead letter made"
                } else {
                    "copy of a dead letter given up"
                });
            }
        }
    }
}
