//! Rules compiled together, never to change.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::branches::{BranchId, Branches};
use super::occurrences::Occurrences;
use super::paths::Paths;
use super::tree::Tree;
use crate::pattern::EventPattern;

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
    branches: Branches,
    tree: Tree,
}

impl<T: Clone + Eq + Hash> Layer<T> {
    pub(super) fn new(rules: Vec<Rule<T>>, paths: &mut Arc<Paths>) -> Self {
        let places = rules.iter().enumerate().map(|(place, rule)| (rule.id.clone(), place)).collect();
        let branches = Branches::new(rules.iter().map(|rule| &*rule.pattern), paths);
        let tree = Tree::new(&branches, paths.count());
        Self { rules, places, branches, tree }
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

    /// Adds the ids of the rules that match, each once, if they are `alive`. `found` is room to work in.
    pub(super) fn matching<'a>(
        &'a self,
        event: &Occurrences<'_, '_>,
        alive: impl Fn(usize) -> bool,
        found: &mut Vec<BranchId>,
        matching: &mut Vec<&'a T>,
    ) {
        found.clear();
        self.tree.look_up(event, found);
        found.sort_unstable();
        found.dedup();
        let mut last = None;
        for &branch in &*found {
            // The branches of one rule follow each other, so one that has matched is not looked at again.
            let rule = self.branches.rule(branch);
            if last != Some(rule) && alive(rule) && self.branches.is_match(branch, event) {
                matching.push(&self.rules[rule].id);
                last = Some(rule);
            }
        }
    }
}
