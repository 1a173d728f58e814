//! Rules compiled together, never to change.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::anchors::{Anchors, BranchId, Key};
use super::occurrences::Occurrences;
use super::paths::{PathId, Paths};
use crate::pattern::EventPattern;
use crate::pattern::branch::Field;
use crate::pattern::choice::{self, Candidates};
use crate::pattern::matcher::Matcher;
use crate::pattern::scopes::EVENT;

#[derive(Debug, Clone)]
pub(super) struct Rule<T> {
    pub(super) id: T,
    pub(super) pattern: Arc<EventPattern>,
}

#[derive(Debug)]
pub(super) struct Layer<T> {
    rules: Vec<Rule<T>>,
    /// Where each id is; of two that are equal, the later.
    places: HashMap<T, usize, foldhash::fast::RandomState>,
    branches: Vec<CompiledBranch>,
    /// By path.
    anchors: Vec<Option<Box<Anchors>>>,
    /// Branches that a lack of values can be enough for.
    unanchored: Vec<BranchId>,
}

#[derive(Debug)]
struct CompiledBranch {
    rule: u32,
    fields: Box<[CompiledField]>,
}

#[derive(Debug)]
struct CompiledField {
    path: PathId,
    alternatives: Arc<[Matcher]>,
    may_be_absent: bool,
}

impl<T: Clone + Eq + Hash> Layer<T> {
    pub(super) fn new(rules: Vec<Rule<T>>, paths: &mut Arc<Paths>) -> Self {
        let places = rules.iter().enumerate().map(|(place, rule)| (rule.id.clone(), place)).collect();
        let mut branches = Vec::new();
        for (rule, number) in rules.iter().zip(0..) {
            for branch in rule.pattern.branches() {
                let fields = branch.fields().iter().map(|field| CompiledField::new(field, paths)).collect();
                branches.push(CompiledBranch { rule: number, fields });
            }
        }
        let mut anchors: Vec<Option<Box<Anchors>>> = Vec::new();
        anchors.resize_with(paths.count(), || None);
        let mut unanchored = Vec::new();
        let expectation = Expectation::new(&branches);
        for (branch, id) in branches.iter().zip(0..) {
            let Some(anchor) = expectation.anchor(branch) else {
                unanchored.push(id);
                continue;
            };
            let table = anchors[anchor.path].get_or_insert_default();
            for matcher in &*anchor.alternatives {
                table.file(&Key::of(matcher), id);
            }
        }
        Self { rules, places, branches, anchors, unanchored }
    }

    pub(super) fn find(&self, id: &T) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The rules whose id a later rule has too.
    pub(super) fn overwritten(&self) -> Vec<usize> {
        let is_overwritten = |(place, rule): &(usize, &Rule<T>)| self.find(&rule.id) != Some(*place);
        self.rules.iter().enumerate().filter(is_overwritten).map(|(place, _)| place).collect()
    }
}

impl<T> Layer<T> {
    pub(super) fn rules(&self) -> &[Rule<T>] {
        &self.rules
    }

    /// Adds the ids of the rules that match, each once, if they are `alive`.
    pub(super) fn matching<'a>(
        &'a self,
        event: &Occurrences<'_>,
        alive: impl Fn(usize) -> bool,
        matching: &mut Vec<&'a T>,
    ) {
        let mut found = self.unanchored.clone();
        for (path, placed) in event.values() {
            if let Some(Some(anchors)) = self.anchors.get(*path) {
                anchors.look_up(&placed.value, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        let mut last = None;
        for branch in found {
            // The branches of one rule follow each other, so one that has matched is not looked at again.
            let branch = &self.branches[branch as usize];
            let rule = branch.rule as usize;
            if last != Some(rule) && alive(rule) && branch.is_match(event) {
                matching.push(&self.rules[rule].id);
                last = Some(rule);
            }
        }
    }
}

impl CompiledField {
    fn new(field: &Field, paths: &mut Arc<Paths>) -> Self {
        let may_be_absent = field.may_be_absent();
        let path = Paths::number(paths, &field.path);
        Self { path, alternatives: Arc::clone(&field.alternatives), may_be_absent }
    }

    fn candidates(&self, event: &Occurrences<'_>) -> Candidates {
        let values = event.at(self.path);
        let satisfying = values.iter().filter(|(_, placed)| self.is_satisfied_by(placed));
        let mut satisfying: Vec<_> = satisfying.map(|(_, placed)| placed.scope).collect();
        satisfying.dedup();
        let absence = self.may_be_absent.then(|| values.iter().map(|(_, placed)| placed.scope).collect());
        Candidates { satisfying, absence }
    }

    fn is_satisfied_by(&self, placed: &crate::pattern::event::Placed<'_>) -> bool {
        self.alternatives.iter().any(|matcher| matcher.matches(&placed.value))
    }
}

impl CompiledBranch {
    fn is_match(&self, event: &Occurrences<'_>) -> bool {
        let mut is_in_arrays = false;
        for field in &self.fields {
            let values = event.at(field.path);
            let mut satisfying = values.iter().map(|(_, placed)| placed).filter(|placed| field.is_satisfied_by(placed));
            let is_possible = match satisfying.next() {
                // A value in an array may be the wrong one to choose, or leave the field absent.
                Some(placed) => {
                    is_in_arrays |= placed.scope != EVENT;
                    true
                }
                None => {
                    field.may_be_absent && (values.is_empty() || values.iter().any(|(_, placed)| placed.scope != EVENT))
                }
            };
            if !is_possible {
                return false;
            }
            is_in_arrays |= values.iter().any(|(_, placed)| placed.scope != EVENT);
        }
        if !is_in_arrays {
            return true;
        }
        let fields: Vec<_> = self.fields.iter().map(|field| field.candidates(event)).collect();
        choice::exists(&event.scopes, &fields)
    }
}

/// How often the fields of a layer's branches can be expected to be satisfied.
struct Expectation {
    /// How many different keys each table of each path would have.
    distinct: HashMap<(PathId, u8), usize, foldhash::fast::RandomState>,
}

impl Expectation {
    fn new(branches: &[CompiledBranch]) -> Self {
        let mut seen = HashSet::with_hasher(foldhash::fast::RandomState::default());
        let mut distinct = HashMap::default();
        for field in branches.iter().flat_map(|branch| &branch.fields) {
            for matcher in &*field.alternatives {
                let key = Key::of(matcher);
                let table = (field.path, key.table());
                if seen.insert((field.path, key)) {
                    *distinct.entry(table).or_insert(0) += 1;
                }
            }
        }
        Self { distinct }
    }

    /// The field to file a branch under: the one that is least often satisfied. `None` when all may be absent.
    fn anchor<'b>(&self, branch: &'b CompiledBranch) -> Option<&'b CompiledField> {
        let anchors = branch.fields.iter().filter(|field| !field.may_be_absent);
        anchors.min_by(|one, other| self.rate(one).total_cmp(&self.rate(other)))
    }

    fn rate(&self, field: &CompiledField) -> f64 {
        let rate = |matcher: &Matcher| match Key::of(matcher) {
            Key::Any | Key::Absence => 1.0,
            Key::Range(_) => 0.5,
            key => {
                let distinct = self.distinct.get(&(field.path, key.table())).copied().unwrap_or(1);
                1.0 / f64::from(u32::try_from(distinct).unwrap_or(u32::MAX))
            }
        };
        field.alternatives.iter().map(rate).sum()
    }
}
