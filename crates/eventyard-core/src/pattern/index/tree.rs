//! Which field of a branch it is filed under, and the fields that long lists of branches are split by.

use std::collections::{HashMap, HashSet};

use super::anchors::{Anchors, Key};
use super::branches::{BranchId, Branches, CompiledField};
use super::occurrences::Occurrences;
use super::paths::PathId;
use crate::pattern::matcher::Matcher;

/// How many branches may be filed under one value before they are split by another field.
const LIST_LENGTH_MAX: usize = 4;

/// How often lists are split again. With [`ALTERNATIVES_MAX`] it bounds how often a branch is filed.
const SPLITS_MAX: usize = 2;

/// A branch is filed again only under a field with no more alternatives than that.
const ALTERNATIVES_MAX: usize = 4;

/// How many values an event may have at a path to be looked up in a split list. With more of them, which takes an array,
/// looking at the whole list is cheaper.
const VALUES_MAX: usize = 8;

/// How many branches may be found before repetitions are taken out.
const FOUND_MAX: usize = 65_536;

/// All branches of a layer.
#[derive(Debug)]
pub(super) struct Tree {
    /// By path.
    anchors: Vec<Option<Box<Anchors>>>,
    /// Branches that a lack of values can be enough for.
    unanchored: Vec<BranchId>,
}

/// The branches of a long list, by one more of their fields.
#[derive(Debug)]
pub(super) struct Split {
    path: PathId,
    anchors: Anchors,
    /// Those that are not filed here.
    rest: Vec<BranchId>,
    all: Vec<BranchId>,
}

impl Tree {
    pub(super) fn new(branches: &Branches, paths: usize) -> Self {
        let mut anchors: Vec<Option<Box<Anchors>>> = Vec::new();
        anchors.resize_with(paths, || None);
        let mut unanchored = Vec::new();
        let expectation = Expectation::new(branches, branches.ids());
        for branch in branches.ids() {
            let anchorable = branches.fields(branch).filter(|field| !field.may_be_absent);
            let rates = anchorable.map(|field| (field, expectation.rate(field)));
            match rates.min_by(|(_, one), (_, other)| one.total_cmp(other)) {
                Some((field, _)) => anchors[field.path].get_or_insert_default().file(field, branch),
                None => unanchored.push(branch),
            }
        }
        for (path, anchors) in anchors.iter_mut().enumerate() {
            if let Some(anchors) = anchors {
                anchors.finish(LIST_LENGTH_MAX, &|list| Split::new(list, branches, &[path]));
            }
        }
        Self { anchors, unanchored }
    }

    /// Gives the branches that an event may match; some perhaps more than once.
    pub(super) fn look_up(&self, event: &Occurrences<'_, '_>, found: &mut Vec<BranchId>) {
        found.extend(&self.unanchored);
        let mut next_check = FOUND_MAX;
        for &path in event.paths() {
            let Some(Some(anchors)) = self.anchors.get(path) else { continue };
            for placed in event.at(path) {
                anchors.look_up(&placed.value, event, found);
                if found.len() > next_check {
                    found.sort_unstable();
                    found.dedup();
                    next_check = FOUND_MAX + 2 * found.len();
                }
            }
        }
    }
}

impl Split {
    /// Splits a list by the field that leaves least to look at. `None` when no field of a path other than those `used`
    /// makes it half as long.
    fn new(list: &[BranchId], branches: &Branches, used: &[PathId]) -> Option<Box<Self>> {
        let expectation = Expectation::new(branches, list.iter().copied());
        let is_usable = |field: &&CompiledField| {
            !field.may_be_absent && !used.contains(&field.path) && field.alternatives.len() <= ALTERNATIVES_MAX
        };
        // What is saved by each path: the branches filed there are looked at only at that rate.
        let mut saved: HashMap<PathId, f64, foldhash::fast::RandomState> = HashMap::default();
        for field in list.iter().flat_map(|&branch| branches.fields(branch)).filter(is_usable) {
            *saved.entry(field.path).or_default() += 1.0 - expectation.rate(field).min(1.0);
        }
        let (path, saved) = saved.into_iter().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        let length = f64::from(u32::try_from(list.len()).unwrap_or(u32::MAX));
        if saved < length / 2.0 {
            return None;
        }
        let mut split = Self { path, anchors: Anchors::default(), rest: Vec::new(), all: list.to_vec() };
        for &branch in list {
            match branches.fields(branch).filter(is_usable).find(|field| field.path == path) {
                Some(field) => split.anchors.file(field, branch),
                None => split.rest.push(branch),
            }
        }
        let all_used = [used, &[path]].concat();
        let split_again = |list: &_| (used.len() < SPLITS_MAX).then(|| Self::new(list, branches, &all_used)).flatten();
        split.anchors.finish(LIST_LENGTH_MAX, &split_again);
        Some(Box::new(split))
    }

    pub(super) fn look_up(&self, event: &Occurrences<'_, '_>, found: &mut Vec<BranchId>) {
        if event.count(self.path) > VALUES_MAX {
            found.extend(&self.all);
            return;
        }
        found.extend(&self.rest);
        for placed in event.at(self.path) {
            self.anchors.look_up(&placed.value, event, found);
        }
    }
}

/// How often fields can be expected to be satisfied.
struct Expectation {
    /// How many different keys each table of each path would have.
    distinct: HashMap<(PathId, u8), u32, foldhash::fast::RandomState>,
}

impl Expectation {
    fn new(branches: &Branches, ids: impl Iterator<Item = BranchId>) -> Self {
        let mut seen = HashSet::with_hasher(foldhash::fast::RandomState::default());
        let mut distinct = HashMap::default();
        for field in ids.flat_map(|branch| branches.fields(branch)) {
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

    fn rate(&self, field: &CompiledField) -> f64 {
        let rate = |matcher: &Matcher| match Key::of(matcher) {
            Key::Any | Key::Absence => 1.0,
            Key::Range(_) => 0.5,
            key => 1.0 / f64::from(self.distinct.get(&(field.path, key.table())).copied().unwrap_or(1)),
        };
        field.alternatives.iter().map(rate).sum()
    }
}
