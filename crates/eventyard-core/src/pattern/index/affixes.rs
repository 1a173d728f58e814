//! The prefixes, or the suffixes, that rules ask for on one path: found by one search, however many lengths they have.

use std::collections::HashMap;
use std::iter;

/// Texts, each with what is filed under it.
#[derive(Debug)]
pub(super) struct Affixes<L> {
    /// As they come, until they are put in order.
    filed: HashMap<Box<[u8]>, L, foldhash::fast::RandomState>,
    /// In the order of their bytes.
    sorted: Vec<Affix<L>>,
    end: End,
}

/// The end of a text that is looked at. Suffixes are kept and read from their last byte to their first.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    First,
    Last,
}

#[derive(Debug)]
struct Affix<L> {
    text: Box<[u8]>,
    list: L,
    /// The place of the longest other text that this one begins with.
    shorter: Option<u32>,
}

impl<L> Affixes<L> {
    pub(super) fn new(end: End) -> Self {
        Self { filed: HashMap::default(), sorted: Vec::new(), end }
    }

    /// Files something under a text: by `first` where nothing is yet, by `more` otherwise. Only until all are
    /// [`sort`](Self::sort)ed.
    pub(super) fn file(&mut self, text: &str, first: impl FnOnce() -> L, more: impl FnOnce(&mut L)) {
        self.filed.entry(self.end.bytes(text).collect()).and_modify(more).or_insert_with(first);
    }

    /// Ends the filing.
    pub(super) fn sort(&mut self) {
        let filed = self.filed.drain().map(|(text, list)| Affix { text, list, shorter: None });
        self.sorted = filed.collect();
        self.sorted.sort_unstable_by(|one, other| one.text.cmp(&other.text));
        // Those that the text before begins with, and itself: what this one begins with is among them.
        let mut open: Vec<u32> = Vec::new();
        for place in 0..self.sorted.len() {
            let text = &self.sorted[place].text;
            while open.last().is_some_and(|&last| !text.starts_with(&self.sorted[last as usize].text)) {
                open.pop();
            }
            let shorter = open.last().copied();
            open.extend(u32::try_from(place));
            self.sorted[place].shorter = shorter;
        }
        self.filed = HashMap::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    pub(super) fn lists(&mut self) -> impl Iterator<Item = &mut L> {
        self.sorted.iter_mut().map(|affix| &mut affix.list)
    }

    /// What is filed under each text that this one begins or ends with.
    pub(super) fn of<'a>(&'a self, text: &str) -> impl Iterator<Item = &'a L> {
        // All that a text begins with are before it in the order, and no text between them and it begins otherwise.
        let before = self.sorted.partition_point(|affix| affix.text.iter().copied().le(self.end.bytes(text)));
        let nearest = before.checked_sub(1).and_then(|place| self.sorted.get(place));
        let equal = |affix: &Affix<L>| {
            affix.text.iter().copied().zip(self.end.bytes(text)).take_while(|(one, other)| one == other).count()
        };
        let equal = nearest.map_or(0, equal);
        let all = iter::successors(nearest, |affix| self.sorted.get(affix.shorter? as usize));
        all.filter(move |affix| affix.text.len() <= equal).map(|affix| &affix.list)
    }
}

impl End {
    /// The bytes of a text from that end on.
    fn bytes(self, text: &str) -> impl Iterator<Item = u8> {
        let length = text.len();
        let place = move |number: usize| match self {
            Self::First => number,
            Self::Last => length - 1 - number,
        };
        (0..length).filter_map(move |number| text.as_bytes().get(place(number)).copied())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_that_a_text_begins_or_ends_with_are_found(texts in prop::collection::vec("[aä]{1,6}", 0..40), text in "[aäb]{0,9}") {
            let (mut prefixes, mut suffixes) = (Affixes::new(End::First), Affixes::new(End::Last));
            for text in &texts {
                for affixes in [&mut prefixes, &mut suffixes] {
                    affixes.file(text, || vec![text.clone()], |list| list.push(text.clone()));
                }
            }
            prefixes.sort();
            suffixes.sort();
            for (affixes, is_wanted) in [
                (&prefixes, Box::new(|affix: &&String| text.starts_with(*affix)) as Box<dyn Fn(&&String) -> bool>),
                (&suffixes, Box::new(|affix: &&String| text.ends_with(*affix))),
            ] {
                let mut found: Vec<_> = affixes.of(&text).flatten().collect();
                let mut expected: Vec<_> = texts.iter().filter(is_wanted).collect();
                found.sort();
                expected.sort();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
