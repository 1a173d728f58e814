//! Events that are owed to nobody: how many of each bus, and the latest few, to find out why.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventyard_core::error::ServiceError;
use eventyard_core::event::Event;
use eventyard_core::name::EventBusKey;
use eventyard_core::page::PageRequest;

use super::{Engine, RuleExplanation};

/// Events that are kept.
const KEPT_MAX: usize = 100;
/// Bytes of the longest one that is kept.
const KEPT_BYTES_MAX: usize = 64 * 1024;
/// Event buses that are counted one by one. Those that are not there are counted, too, and anybody can name one.
const COUNTED_MAX: usize = 10_000;
/// Rules that one event is held against.
const EXPLAINED_RULES_MAX: usize = 100;

/// What is remembered of unmatched events since the start. In memory only, and bounded.
#[derive(Debug, Default)]
pub(super) struct Unmatched(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<EventBusKey, u64>,
    /// Newest last.
    latest: VecDeque<(EventBusKey, Event)>,
}

/// What is known of unmatched events.
#[derive(Debug)]
pub struct UnmatchedEvents {
    /// How many there were since the start, by event bus.
    pub counts: BTreeMap<EventBusKey, u64>,
    /// The latest ones, newest first.
    pub latest: Vec<UnmatchedEvent>,
}

/// An event that is owed to nobody, and why not.
#[derive(Debug)]
pub struct UnmatchedEvent {
    /// Where it was put.
    pub bus: EventBusKey,
    /// The event.
    pub event: Event,
    /// What rules of that bus make of it, as they are now; none when there is no such bus.
    pub rules: Option<Vec<RuleExplanation>>,
}

impl Unmatched {
    pub(super) fn add(&self, bus: &EventBusKey, event: Event) {
        let state = &mut *self.state();
        if let Some(count) = state.counts.get_mut(bus) {
            *count += 1;
        } else if state.counts.len() < COUNTED_MAX {
            state.counts.insert(bus.clone(), 1);
        }
        if event.envelope.len() > KEPT_BYTES_MAX {
            return;
        }
        if state.latest.len() == KEPT_MAX {
            state.latest.pop_front();
        }
        state.latest.push_back((bus.clone(), event));
    }

    pub(super) fn forget(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The latest `limit` unmatched events, of one event bus or of all, each held against the first 100 rules of its bus.
    ///
    /// # Errors
    /// `InternalException` when a stored pattern cannot be read.
    pub fn unmatched_events(&self, bus: Option<&EventBusKey>, limit: usize) -> Result<UnmatchedEvents, ServiceError> {
        let is_wanted = |key: &EventBusKey| bus.is_none_or(|bus| bus == key);
        let (counts, latest) = {
            let state = self.unmatched.state();
            let counts = state.counts.iter().filter(|(key, _)| is_wanted(key));
            let latest = state.latest.iter().rev().filter(|(key, _)| is_wanted(key)).take(limit);
            (counts.map(|(key, count)| (key.clone(), *count)).collect(), latest.cloned().collect::<Vec<_>>())
        };
        let page = PageRequest { after: None, limit: EXPLAINED_RULES_MAX };
        let latest = latest.into_iter().map(|(bus, event)| {
            let is_there = self.registry().event_bus(&bus).is_some();
            let rules = is_there.then(|| self.explain_on(&bus, &event.envelope, &page)).transpose()?;
            Ok(UnmatchedEvent { bus, event, rules: rules.map(|rules| rules.entries) })
        });
        Ok(UnmatchedEvents { counts, latest: latest.collect::<Result<_, ServiceError>>()? })
    }
}
