//! Where branches are filed under a path: tables from what a value is to the branches that may want it.
//!
//! A table may give a branch that the value does not satisfy, never miss one that it does.

use std::collections::HashMap;
use std::hash::Hash;

use super::affixes::{Affixes, End};
use super::branches::{BranchId, CompiledField};
use super::occurrences::Occurrences;
use super::tree::Split;
use crate::pattern::address::address_digits;
use crate::pattern::matcher::{Literal, Matcher, Scalar};
use crate::pattern::number::{Comparable, Number, NumericRange, respelled};

type Table<K> = HashMap<K, List, foldhash::fast::RandomState>;

/// How many bytes of a literal inside a wildcard are looked up.
const WINDOW_BYTES: usize = 8;

/// What a value must be to satisfy an alternative, as far as a table can tell.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key<'m> {
    Text(&'m str),
    Number(&'m Number),
    Literal(Literal),
    Prefix(&'m str),
    Suffix(&'m str),
    /// A text of ASCII only, in lower case.
    IgnoreCase(String),
    PrefixIgnoreCase(String),
    SuffixIgnoreCase(String),
    /// What the hexadecimal digits of an address begin with.
    Address(&'m str),
    /// Some bytes, no more than [`WINDOW_BYTES`], that are somewhere in the text.
    Inside(&'m [u8]),
    Range(&'m NumericRange),
    /// Any value may do.
    Any,
    /// No value will do, only the lack of one.
    Absence,
}

impl<'m> Key<'m> {
    pub(super) fn of(matcher: &'m Matcher) -> Self {
        match matcher {
            Matcher::String(text) => Self::Text(text),
            Matcher::Number(number) => Self::Number(number),
            Matcher::Literal(literal) => Self::Literal(*literal),
            Matcher::Prefix(prefix) if !prefix.is_empty() => Self::Prefix(prefix),
            Matcher::Suffix(suffix) if !suffix.is_empty() => Self::Suffix(suffix),
            Matcher::EqualsIgnoreCase(folded) => folded.ascii_lowercase().map_or(Self::Any, Self::IgnoreCase),
            Matcher::PrefixIgnoreCase(folded) => folded.ascii_lowercase().map_or(Self::Any, Self::PrefixIgnoreCase),
            Matcher::SuffixIgnoreCase(folded) => folded.ascii_lowercase().map_or(Self::Any, Self::SuffixIgnoreCase),
            Matcher::Address(range) => Self::Address(range.common_digits()),
            Matcher::Numeric(range) => Self::Range(range),
            Matcher::Wildcard(wildcard) => Self::of_parts(wildcard.parts()),
            Matcher::Absent => Self::Absence,
            _ => Self::Any,
        }
    }

    /// The most telling of the literal texts around the stars of a wildcard.
    fn of_parts(parts: &'m [Box<str>]) -> Self {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Self::Any };
        let Some(longest) = parts.iter().max_by_key(|part| part.len()) else { return Self::Any };
        if parts.len() == 1 {
            Self::Text(first)
        } else if longest.is_empty() {
            Self::Any
        } else if first.len() == longest.len() {
            Self::Prefix(first)
        } else if last.len() == longest.len() {
            Self::Suffix(last)
        } else {
            Self::Inside(&longest.as_bytes()[..longest.len().min(WINDOW_BYTES)])
        }
    }

    /// A number for each table, and one for what has none.
    pub(super) const fn table(&self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Number(_) => 1,
            Self::Literal(_) => 2,
            Self::Prefix(_) => 3,
            Self::Suffix(_) => 4,
            Self::IgnoreCase(_) => 5,
            Self::Inside(_) => 6,
            Self::Range(_) => 7,
            Self::PrefixIgnoreCase(_) => 8,
            Self::SuffixIgnoreCase(_) => 9,
            Self::Address(_) => 10,
            Self::Any | Self::Absence => 11,
        }
    }
}

/// The branches filed under one path.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    texts: TextTables,
    /// Texts in lower case.
    ignoring_case: TextTables,
    /// The hexadecimal digits of addresses.
    addresses: TextTables,
    /// One table for each length of its keys.
    inside: Vec<(usize, Table<Box<[u8]>>)>,
    comparables: Table<Comparable>,
    spellings: Table<Box<str>>,
    literals: Table<Literal>,
    ranges: Vec<(NumericRange, BranchId)>,
    any: List,
}

/// Branches by what a text is, begins with or ends with.
#[derive(Debug)]
struct TextTables {
    equal: Table<Box<str>>,
    prefixes: Affixes<List>,
    suffixes: Affixes<List>,
}

/// Branches that the same value leads to.
#[derive(Debug)]
enum List {
    One(BranchId),
    Several(Vec<BranchId>),
    Split(Box<Split>),
}

impl Anchors {
    /// Files a branch under all alternatives of its field.
    pub(super) fn file(&mut self, field: &CompiledField, branch: BranchId) {
        for matcher in &*field.alternatives {
            self.file_one(&Key::of(matcher), branch);
        }
    }

    fn file_one(&mut self, key: &Key<'_>, branch: BranchId) {
        let Self { texts, ignoring_case, addresses, inside, .. } = self;
        match key {
            Key::Text(text) => push(&mut texts.equal, (*text).into(), branch),
            Key::Prefix(prefix) => push_affix(&mut texts.prefixes, prefix, branch),
            Key::Suffix(suffix) => push_affix(&mut texts.suffixes, suffix, branch),
            Key::IgnoreCase(text) => push(&mut ignoring_case.equal, text.as_str().into(), branch),
            Key::PrefixIgnoreCase(prefix) => push_affix(&mut ignoring_case.prefixes, prefix, branch),
            Key::SuffixIgnoreCase(suffix) => push_affix(&mut ignoring_case.suffixes, suffix, branch),
            Key::Address(digits) => push_affix(&mut addresses.prefixes, digits, branch),
            Key::Inside(bytes) => push(by_length(inside, bytes.len()), (*bytes).into(), branch),
            Key::Number(Number::Comparable(number)) => push(&mut self.comparables, *number, branch),
            Key::Number(Number::Spelling(text)) => push(&mut self.spellings, text.clone(), branch),
            Key::Literal(literal) => push(&mut self.literals, *literal, branch),
            Key::Range(range) => self.ranges.push((**range, branch)),
            Key::Any => self.any.push(branch),
            Key::Absence => {}
        }
    }

    /// Ends the filing. Splits the lists that are longer than `length_max`, where that can be done.
    pub(super) fn finish(&mut self, length_max: usize, split: &impl Fn(&[BranchId]) -> Option<Box<Split>>) {
        let mut texts = [&mut self.texts, &mut self.ignoring_case, &mut self.addresses];
        for tables in &mut texts {
            tables.sort();
        }
        let lists = texts.into_iter().flat_map(TextTables::lists).chain(self.spellings.values_mut());
        let lists = lists.chain(self.comparables.values_mut()).chain(self.literals.values_mut());
        let lists = lists.chain(self.inside.iter_mut().flat_map(|(_, table)| table.values_mut()));
        for list in lists.chain([&mut self.any]) {
            list.split(length_max, split);
        }
    }

    /// Gives the branches that a value may lead to; some perhaps more than once.
    pub(super) fn look_up(&self, value: &Scalar<'_>, event: &Occurrences<'_, '_>, found: &mut Vec<BranchId>) {
        let mut take = |list: &List| list.look_up(event, found);
        take(&self.any);
        match value {
            Scalar::String(text) => self.look_up_text(text, take),
            Scalar::Number(number, text) => {
                if !self.addresses.is_empty() {
                    self.addresses.look_up(&respelled(text), &mut take);
                }
                match number {
                    Number::Spelling(text) => self.spellings.get(text).into_iter().for_each(take),
                    Number::Comparable(number) => {
                        self.comparables.get(number).into_iter().for_each(take);
                        let inside = self.ranges.iter().filter(|(range, _)| range.contains(*number));
                        found.extend(inside.map(|(_, branch)| branch));
                    }
                }
            }
            Scalar::Literal(literal) => self.literals.get(literal).into_iter().for_each(take),
        }
    }

    fn look_up_text(&self, text: &str, mut take: impl FnMut(&List)) {
        self.texts.look_up(text, &mut take);
        if !self.ignoring_case.is_empty() {
            self.ignoring_case.look_up(&text.to_ascii_lowercase(), &mut take);
        }
        if !self.addresses.is_empty()
            && let Some(digits) = address_digits(text)
        {
            self.addresses.look_up(&digits, &mut take);
        }
        for (length, table) in &self.inside {
            text.as_bytes().windows(*length).filter_map(|window| table.get(window)).for_each(&mut take);
        }
    }
}

impl Default for TextTables {
    fn default() -> Self {
        Self { equal: Table::default(), prefixes: Affixes::new(End::First), suffixes: Affixes::new(End::Last) }
    }
}

impl TextTables {
    fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.prefixes.is_empty() && self.suffixes.is_empty()
    }

    fn sort(&mut self) {
        self.prefixes.sort();
        self.suffixes.sort();
    }

    fn lists(&mut self) -> impl Iterator<Item = &mut List> {
        self.equal.values_mut().chain(self.prefixes.lists()).chain(self.suffixes.lists())
    }

    fn look_up(&self, text: &str, mut take: impl FnMut(&List)) {
        if !self.equal.is_empty() {
            self.equal.get(text).into_iter().for_each(&mut take);
        }
        self.prefixes.of(text).for_each(&mut take);
        self.suffixes.of(text).for_each(take);
    }
}

impl List {
    fn push(&mut self, branch: BranchId) {
        match self {
            Self::One(first) => *self = Self::Several(vec![*first, branch]),
            Self::Several(branches) => branches.push(branch),
            Self::Split(_) => {}
        }
    }

    fn split(&mut self, length_max: usize, split: &impl Fn(&[BranchId]) -> Option<Box<Split>>) {
        if let Self::Several(branches) = self {
            branches.shrink_to_fit();
            if branches.len() > length_max
                && let Some(split) = split(branches)
            {
                *self = Self::Split(split);
            }
        }
    }

    fn look_up(&self, event: &Occurrences<'_, '_>, found: &mut Vec<BranchId>) {
        match self {
            Self::One(branch) => found.push(*branch),
            Self::Several(branches) => found.extend(branches),
            Self::Split(split) => split.look_up(event, found),
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

fn push<K: Eq + Hash>(table: &mut Table<K>, key: K, branch: BranchId) {
    table.entry(key).and_modify(|list| list.push(branch)).or_insert(List::One(branch));
}

fn push_affix(affixes: &mut Affixes<List>, key: &str, branch: BranchId) {
    affixes.file(key, || List::One(branch), |list| list.push(branch));
}

fn by_length(tables: &mut Vec<(usize, Table<Box<[u8]>>)>, length: usize) -> &mut Table<Box<[u8]>> {
    let place = tables.iter().position(|(there, _)| *there == length).unwrap_or_else(|| {
        tables.push((length, Table::default()));
        tables.len() - 1
    });
    &mut tables[place].1
}
