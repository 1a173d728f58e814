//! Finding the values of a long array by their text.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::hash::BuildHasher as _;

use super::occurrences::Occurrences;
use super::paths::PathId;
use crate::pattern::event::Placed;
use crate::pattern::matcher::Scalar;

/// How often all values of an event may be looked through before they are put in order.
const LOOKS_MAX: usize = 8;

/// The string values of an event by their text, put in order only when enough are looked for.
#[derive(Debug, Default)]
pub(super) struct Texts {
    looked_at: Cell<usize>,
    /// The values by the hash of path and text.
    by_hash: OnceCell<HashMap<u64, Vec<usize>, foldhash::fast::RandomState>>,
    state: foldhash::fast::RandomState,
}

impl Texts {
    fn hash(&self, path: PathId, text: &str) -> u64 {
        self.state.hash_one((path, text))
    }

    fn by_hash(&self, event: &Occurrences<'_, '_>) -> &HashMap<u64, Vec<usize>, foldhash::fast::RandomState> {
        self.by_hash.get_or_init(|| {
            let mut by_hash = HashMap::<_, Vec<usize>, _>::default();
            for &path in event.paths() {
                for (number, placed) in event.numbered(path) {
                    if let Scalar::String(text) = &placed.value {
                        by_hash.entry(self.hash(path, text)).or_default().push(number);
                    }
                }
            }
            by_hash
        })
    }
}

impl<'e> Occurrences<'e, '_> {
    /// The values at a path that may be equal to one of the texts, in the order of the event. `None` while looking
    /// through all values at the path costs less.
    pub(super) fn with_texts<'t>(
        &self,
        path: PathId,
        texts: impl Iterator<Item = &'t str>,
    ) -> Option<impl Iterator<Item = &Placed<'e>>> {
        let looked_at = self.texts.looked_at.get() + self.count(path);
        self.texts.looked_at.set(looked_at);
        if looked_at <= LOOKS_MAX * self.len() {
            return None;
        }
        let by_hash = self.texts.by_hash(self);
        let found = texts.filter_map(|text| by_hash.get(&self.texts.hash(path, text)));
        let mut numbers: Vec<usize> = found.flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers.into_iter().filter_map(|number| self.get(number)))
    }
}
