//! The branches of a layer's rules, and whether an event matches one.

use std::collections::HashMap;
use std::sync::Arc;

use super::occurrences::Occurrences;
use super::paths::{PathId, Paths};
use crate::pattern::EventPattern;
use crate::pattern::branch::Field;
use crate::pattern::choice::{self, Candidates};
use crate::pattern::event::Placed;
use crate::pattern::matcher::Matcher;
use crate::pattern::scopes::EVENT;

/// So many values are looked through without a thought.
const FEW_VALUES: usize = 16;

/// A branch of a rule of the layer.
pub(super) type BranchId = u32;

/// All branches, those of one rule behind each other. Fields that are equal are kept once.
#[derive(Debug, Default)]
pub(super) struct Branches {
    list: Vec<Branch>,
    /// The fields of all branches, one branch behind the other.
    members: Vec<u32>,
    fields: Vec<CompiledField>,
}

#[derive(Debug, Clone, Copy)]
struct Branch {
    rule: u32,
    /// Where its fields begin among the members.
    begin: u32,
}

#[derive(Debug)]
pub(super) struct CompiledField {
    pub(super) path: PathId,
    pub(super) alternatives: Arc<[Matcher]>,
    pub(super) may_be_absent: bool,
    /// Whether all alternatives are plain strings.
    has_only_texts: bool,
}

impl Branches {
    pub(super) fn new<'p>(patterns: impl Iterator<Item = &'p EventPattern>, paths: &mut Arc<Paths>) -> Self {
        let mut branches = Self::default();
        let mut known = HashMap::with_hasher(foldhash::fast::RandomState::default());
        for (pattern, rule) in patterns.zip(0..) {
            for branch in pattern.branches() {
                branches.list.push(Branch { rule, begin: number(branches.members.len()) });
                for field in branch.fields() {
                    let unused = number(branches.fields.len());
                    let member = *known.entry((&*field.path, &*field.alternatives)).or_insert(unused);
                    if member == unused {
                        branches.fields.push(CompiledField::new(field, paths));
                    }
                    branches.members.push(member);
                }
            }
        }
        branches
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = BranchId> + use<> {
        0..number(self.list.len())
    }

    pub(super) fn rule(&self, branch: BranchId) -> usize {
        self.list[branch as usize].rule as usize
    }

    pub(super) fn fields(&self, branch: BranchId) -> impl Iterator<Item = &CompiledField> {
        let begin = self.list[branch as usize].begin as usize;
        let end = self.list.get(branch as usize + 1).map_or(self.members.len(), |next| next.begin as usize);
        self.members[begin..end].iter().map(|&field| &self.fields[field as usize])
    }

    pub(super) fn is_match(&self, branch: BranchId, event: &Occurrences<'_, '_>) -> bool {
        let mut is_in_arrays = false;
        for field in self.fields(branch) {
            match field.is_possible(event) {
                Possible::No => return false,
                Possible::Yes => {}
                Possible::DependingOnArrays => is_in_arrays = true,
            }
        }
        !is_in_arrays || {
            let fields: Vec<_> = self.fields(branch).map(|field| field.candidates(event)).collect();
            choice::exists(event.scopes, &fields)
        }
    }
}

/// There are never so many: memory would not hold them.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Whether a field can be satisfied, by itself.
enum Possible {
    No,
    Yes,
    /// It depends on the array elements chosen for the other fields.
    DependingOnArrays,
}

impl CompiledField {
    fn new(field: &Field, paths: &mut Arc<Paths>) -> Self {
        let may_be_absent = field.may_be_absent();
        let has_only_texts = field.alternatives.iter().all(|matcher| matches!(matcher, Matcher::String(_)));
        let path = Paths::number(paths, &field.path);
        Self { path, alternatives: Arc::clone(&field.alternatives), may_be_absent, has_only_texts }
    }

    fn is_possible(&self, event: &Occurrences<'_, '_>) -> Possible {
        // Nearly always there is one value, in no array.
        if event.count(self.path) == 1
            && let Some(only) = event.at(self.path).next()
            && only.scope == EVENT
        {
            return if self.is_satisfied_by(only) { Possible::Yes } else { Possible::No };
        }
        let is_in_arrays = event.at(self.path).any(|placed| placed.scope != EVENT);
        let is_satisfied = match self.by_text(event) {
            Some(mut values) => values.any(|placed| self.is_satisfied_by(placed)),
            None => event.at(self.path).any(|placed| self.is_satisfied_by(placed)),
        };
        match (is_satisfied, is_in_arrays) {
            (true, false) => Possible::Yes,
            (false, false) if self.may_be_absent && event.count(self.path) == 0 => Possible::Yes,
            (true, true) => Possible::DependingOnArrays,
            (false, true) if self.may_be_absent => Possible::DependingOnArrays,
            (false, _) => Possible::No,
        }
    }

    fn candidates(&self, event: &Occurrences<'_, '_>) -> Candidates {
        let satisfies = |placed: &&Placed<'_>| self.is_satisfied_by(placed);
        let scope = |placed: &Placed<'_>| placed.scope;
        let absence = self.may_be_absent.then(|| event.at(self.path).map(scope));
        match self.by_text(event) {
            Some(values) => Candidates::new(values.filter(satisfies).map(scope), absence),
            None => Candidates::new(event.at(self.path).filter(satisfies).map(scope), absence),
        }
    }

    /// The values that may satisfy the field, where they can be found by their text.
    fn by_text<'a, 'e>(&self, event: &'a Occurrences<'e, '_>) -> Option<impl Iterator<Item = &'a Placed<'e>>> {
        if !self.has_only_texts || event.count(self.path) <= FEW_VALUES {
            return None;
        }
        let texts = self.alternatives.iter().filter_map(|matcher| match matcher {
            Matcher::String(text) => Some(&**text),
            _ => None,
        });
        event.with_texts(self.path, texts)
    }

    fn is_satisfied_by(&self, placed: &Placed<'_>) -> bool {
        self.alternatives.iter().any(|matcher| matcher.matches(&placed.value))
    }
}
