//! Finding the rules that an event matches, at a cost that does not grow with the rules that it does not match.
//!
//! An index is made of *layers*, each compiled once and never changed: a large one with most rules and small ones with
//! those added since. Each branch of each rule is filed under one of its fields, its *anchor*: the one whose
//! alternatives are expected to be met least often. An event is read once, guided by a trie of the paths in use; its
//! values are looked up among the anchors, and only the few branches found that way are looked at in full. Where many
//! branches have the same anchor, they are split once more by another of their fields.

mod affixes;
mod anchors;
mod branches;
mod children;
mod layer;
mod occurrences;
mod paths;
mod texts;
mod tree;

use std::cell::RefCell;
use std::hash::Hash;
use std::sync::Arc;

use super::EventPattern;
use crate::json::JsonError;
use branches::BranchId;
use layer::{Layer, Rule};
use occurrences::{Occurrences, OccurrencesScratch};
use paths::Paths;

/// What a thread keeps from one event to the next, so that little is allocated for it.
#[derive(Default)]
struct Scratch {
    occurrences: OccurrencesScratch,
    found: Vec<BranchId>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// How many rules the newest layer may have: it is compiled anew for each one added.
const NEWEST_RULES_MAX: usize = 64;

/// How many rules the layer between may have before the index asks to be [folded](RuleIndex::folded).
const RECENT_RULES_MAX: usize = 1_024;

/// The patterns of many rules, ready to be matched. `T` is what a rule is known by.
///
/// An index never changes: adding and removing give a new one that shares nearly all with the old, in a time that does
/// not grow with the number of rules but for one bit each. Sharing costs a little speed; see
/// [`wants_folding`](Self::wants_folding).
#[derive(Debug, Clone)]
pub struct RuleIndex<T> {
    paths: Arc<Paths>,
    /// From the oldest and largest to the newest.
    layers: Vec<Part<T>>,
}

/// A layer, and which of its rules are gone.
#[derive(Debug)]
struct Part<T> {
    layer: Arc<Layer<T>>,
    removed: Removed,
}

/// One bit for each rule of a layer.
#[derive(Debug, Clone, Default)]
struct Removed {
    words: Vec<u64>,
    count: usize,
}

impl<T> RuleIndex<T> {
    /// An index without rules.
    #[must_use]
    pub fn new() -> Self {
        Self { paths: Arc::default(), layers: Vec::new() }
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layers.iter().map(Part::len).sum()
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rules whose pattern the event matches, each once, in no particular order. `event` is the text of the whole
    /// event. The answer is that of [`evaluate`](super::evaluate) for each rule.
    ///
    /// # Errors
    /// The first place where the event is not strict JSON.
    pub fn matching(&self, event: &str) -> Result<Vec<&T>, JsonError> {
        let mut matching = Vec::new();
        SCRATCH.with_borrow_mut(|Scratch { occurrences, found }| {
            if let Some(occurrences) = Occurrences::read(event, &self.paths, occurrences)? {
                for Part { layer, removed } in &self.layers {
                    layer.matching(&occurrences, |rule| !removed.contains(rule), found, &mut matching);
                }
            }
            Ok(())
        })?;
        Ok(matching)
    }

    /// Whether enough has been added and removed to make [`folded`](Self::folded) worth its time.
    #[must_use]
    pub fn wants_folding(&self) -> bool {
        let Some((oldest, newer)) = self.layers.split_first() else { return false };
        newer.iter().map(Part::len).sum::<usize>() > RECENT_RULES_MAX || oldest.removed.count > oldest.len() / 8
    }
}

impl<T: Clone + Eq + Hash> RuleIndex<T> {
    /// An index with one more rule, in the place of the one of the same id if there is one.
    #[must_use]
    pub fn with(&self, id: T, pattern: Arc<EventPattern>) -> Self {
        let mut index = self.without(&id);
        let mut rules = vec![Rule { id, pattern }];
        // The oldest layer stays. The newest takes the rule in, and once it is full the one between takes them all.
        let newest = index.layers.iter().skip(2).map(Part::len).sum::<usize>();
        let kept = if newest < NEWEST_RULES_MAX { 2 } else { 1 };
        for part in index.layers.drain(kept.min(index.layers.len())..) {
            rules.extend(part.rules().cloned());
        }
        index.push(rules);
        index
    }

    /// An index with one rule fewer, if that rule was there.
    #[must_use]
    pub fn without(&self, id: &T) -> Self {
        let mut index = self.clone();
        index.remove(id);
        index.layers.retain(|part| part.len() > 0);
        index
    }

    /// The same index in one layer: as fast to match as one made of the same rules at once, and as slow to make.
    #[must_use]
    pub fn folded(&self) -> Self {
        self.layers.iter().flat_map(Part::rules).map(|rule| (rule.id.clone(), Arc::clone(&rule.pattern))).collect()
    }

    /// This index with `folded` in the place of what it has of `before`, from which `folded` was made: so that an index can be
    /// folded while rules come and go. Takes a time that grows with what has changed since.
    #[must_use]
    pub fn with_folded(&self, before: &Self, folded: &Self) -> Self {
        let mut index = folded.clone();
        for part in &before.layers {
            let now = self.layers.iter().find(|now| Arc::ptr_eq(&now.layer, &part.layer));
            for (place, rule) in part.layer.rules().iter().enumerate() {
                let is_gone = now.is_none_or(|now| now.removed.contains(place));
                if is_gone && !part.removed.contains(place) {
                    index.remove(&rule.id);
                }
            }
        }
        let is_new = |part: &&Part<T>| !before.layers.iter().any(|old| Arc::ptr_eq(&old.layer, &part.layer));
        let new: Vec<_> = self.layers.iter().filter(is_new).flat_map(Part::rules).cloned().collect();
        if !new.is_empty() {
            index.push(new);
        }
        index.layers.retain(|part| part.len() > 0);
        index
    }

    fn remove(&mut self, id: &T) {
        for part in &mut self.layers {
            if let Some(rule) = part.layer.find(id) {
                part.removed.insert(rule);
            }
        }
    }

    fn push(&mut self, rules: Vec<Rule<T>>) {
        let layer = Arc::new(Layer::new(rules, &mut self.paths));
        self.layers.push(Part { layer, removed: Removed::default() });
    }
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self { layer: Arc::clone(&self.layer), removed: self.removed.clone() }
    }
}

impl<T> Part<T> {
    fn len(&self) -> usize {
        self.layer.rules().len() - self.removed.count
    }

    fn rules(&self) -> impl Iterator<Item = &Rule<T>> {
        let is_there = |(place, _): &(usize, _)| !self.removed.contains(*place);
        self.layer.rules().iter().enumerate().filter(is_there).map(|(_, rule)| rule)
    }
}

impl Removed {
    fn contains(&self, rule: usize) -> bool {
        self.words.get(rule / 64).is_some_and(|word| word >> (rule % 64) & 1 == 1)
    }

    fn insert(&mut self, rule: usize) {
        if !self.contains(rule) {
            self.words.resize(self.words.len().max(rule / 64 + 1), 0);
            self.words[rule / 64] |= 1 << (rule % 64);
            self.count += 1;
        }
    }
}

impl<T> Default for RuleIndex<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone + Eq + Hash> FromIterator<(T, Arc<EventPattern>)> for RuleIndex<T> {
    /// An index of the given rules. Of two with the same id, the later one counts.
    fn from_iter<I: IntoIterator<Item = (T, Arc<EventPattern>)>>(rules: I) -> Self {
        let mut index = Self::new();
        let rules: Vec<_> = rules.into_iter().map(|(id, pattern)| Rule { id, pattern }).collect();
        if !rules.is_empty() {
            index.push(rules);
        }
        for part in &mut index.layers {
            for rule in part.layer.overwritten() {
                part.removed.insert(rule);
            }
        }
        index
    }
}
