//! The values of an event at the paths in use, read in one pass over its text.

use std::borrow::Cow;

use super::paths::{NodeId, PathId, Paths, ROOT};
use super::texts::Texts;
use crate::json::{self, JsonError, Key, Text, Visit, VisitScratch};
use crate::pattern::event::Placed;
use crate::pattern::matcher::{Literal, Scalar};
use crate::pattern::number::Number;
use crate::pattern::scopes::{ArrayId, EVENT, ScopeId, Scopes};

/// What an event has at the paths in use.
#[derive(Debug)]
pub(super) struct Occurrences<'e, 's> {
    pub(super) scopes: &'s mut Scopes,
    /// In the order of the text.
    values: Vec<Occurrence<'e>>,
    /// Where the memory of the values goes in the end.
    spare: &'s mut Vec<Occurrence<'static>>,
    ends: &'s mut Vec<Ends>,
    /// The paths that have values.
    occurring: &'s mut Vec<PathId>,
    pub(super) texts: Texts,
}

/// What is kept from one event to the next, so that little is allocated for it.
#[derive(Debug, Default)]
pub(super) struct OccurrencesScratch {
    visit: VisitScratch,
    scopes: Scopes,
    /// Always empty, but for the memory it has.
    spare: Vec<Occurrence<'static>>,
    open: Vec<Open>,
    ends: Vec<Ends>,
    occurring: Vec<PathId>,
}

#[derive(Debug)]
struct Occurrence<'e> {
    placed: Placed<'e>,
    /// The number of the next value at the same path.
    next: usize,
}

/// The numbers of a path's first and last value, and how many there are.
#[derive(Debug, Clone, Copy)]
struct Ends {
    first: usize,
    last: usize,
    count: usize,
}

/// The memory of how many values is kept from one event to the next.
const SPARE_LENGTH_MAX: usize = 4_096;

/// No value has this number.
const NONE: usize = usize::MAX;
const NO_ENDS: Ends = Ends { first: NONE, last: NONE, count: 0 };

/// The way through an event.
struct Walk<'e, 's, 'p> {
    paths: &'p Paths,
    read: Occurrences<'e, 's>,
    /// The objects and arrays that are open, outermost first, but for the innermost one.
    open: &'s mut Vec<Open>,
    innermost: Open,
    /// The place of the value that comes next: below a key, or again that of the array it is in.
    node: NodeId,
}

/// An object or array that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Where the values in it are in the trie.
    node: NodeId,
    /// The scope that values directly in it have.
    scope: ScopeId,
    /// The array that it is an element of.
    element_of: Option<ArrayId>,
    /// Its own number, when it is an array.
    array: Option<ArrayId>,
}

/// What is around the event.
const OUTSIDE: Open = Open { node: ROOT, scope: EVENT, element_of: None, array: None };

impl<'e> Visit<'e> for Walk<'e, '_, '_> {
    fn restart(&mut self) {
        self.read.clear(self.paths);
        self.open.clear();
        (self.innermost, self.node) = (OUTSIDE, ROOT);
    }

    #[inline]
    fn key(&mut self, key: Key<'e>) -> bool {
        let found = match key.plain() {
            Some(plain) => self.paths.find(self.innermost.node, plain),
            None => self.find_decoded(key),
        };
        self.node = found.unwrap_or(self.node);
        found.is_some()
    }

    #[inline]
    fn string(&mut self, text: Text<'e>) {
        match text.plain() {
            Some(plain) => self.value(|| Scalar::String(Cow::Borrowed(plain))),
            None => self.decoded(text),
        }
    }

    fn number(&mut self, text: &'e str) {
        self.value(|| Scalar::Number(Number::parse_event(text), text));
    }

    #[inline]
    fn literal(&mut self, literal: Literal) {
        self.value(|| Scalar::Literal(literal));
    }

    #[inline]
    fn open(&mut self, is_array: bool) {
        let Open { scope, array: element_of, .. } = self.innermost;
        let scopes = &mut *self.read.scopes;
        let scope = element_of.map_or(scope, |array| scopes.open_element(array, scope));
        let array = is_array.then(|| scopes.open_array());
        self.open.push(self.innermost);
        self.innermost = Open { node: self.node, scope, element_of, array };
    }

    #[inline]
    fn close(&mut self) {
        let closed = self.innermost;
        if let Some(array) = closed.array {
            self.read.scopes.close_array(array);
        }
        if closed.element_of.is_some() {
            self.read.scopes.close_element(closed.scope);
        }
        self.innermost = self.open.pop().unwrap_or(OUTSIDE);
        self.node = self.innermost.node;
    }
}

impl<'e> Walk<'e, '_, '_> {
    /// The place that a key with escapes leads to. Few keys have any, so this is kept out of the way of the others.
    #[cold]
    fn find_decoded(&self, key: Key<'e>) -> Option<NodeId> {
        self.paths.find(self.innermost.node, key.decode().as_bytes())
    }

    #[cold]
    fn decoded(&mut self, text: Text<'e>) {
        self.value(|| Scalar::String(Cow::Owned(text.decode().into_owned())));
    }

    #[inline]
    fn value(&mut self, value: impl FnOnce() -> Scalar<'e>) {
        if let Some(path) = self.paths.path(self.node) {
            self.read.add(path, value(), self.innermost.scope);
        }
    }
}

impl<'e, 's> Occurrences<'e, 's> {
    /// Reads an event. `None` when it is not an object.
    pub(super) fn read(
        event: &'e str,
        paths: &Paths,
        scratch: &'s mut OccurrencesScratch,
    ) -> Result<Option<Self>, JsonError> {
        if !event.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
            return json::check(event).map(|()| None);
        }
        let OccurrencesScratch { visit, scopes, spare, open, ends, occurring } = scratch;
        let read = Self { scopes, values: std::mem::take(spare), spare, ends, occurring, texts: Texts::default() };
        let mut walk = Walk { paths, read, open, innermost: OUTSIDE, node: ROOT };
        visit.visit(event, &mut walk)?;
        Ok(Some(walk.read))
    }

    fn clear(&mut self, paths: &Paths) {
        self.scopes.clear();
        self.values.clear();
        for path in self.occurring.drain(..) {
            self.ends[path] = NO_ENDS;
        }
        if self.ends.len() < paths.count() {
            self.ends.resize(paths.count(), NO_ENDS);
        }
    }

    #[inline]
    fn add(&mut self, path: PathId, value: Scalar<'e>, scope: ScopeId) {
        let number = self.values.len();
        let ends = &mut self.ends[path];
        if let Some(last) = self.values.get_mut(ends.last) {
            last.next = number;
        } else {
            ends.first = number;
            self.occurring.push(path);
        }
        ends.last = number;
        ends.count += 1;
        self.values.push(Occurrence { placed: Placed { value, scope }, next: NONE });
    }

    /// The paths that have values, each once.
    pub(super) fn paths(&self) -> &[PathId] {
        self.occurring
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// How many values there are at a path.
    pub(super) fn count(&self, path: PathId) -> usize {
        self.ends.get(path).map_or(0, |ends| ends.count)
    }

    /// The value of that number.
    pub(super) fn get(&self, number: usize) -> Option<&Placed<'e>> {
        self.values.get(number).map(|occurrence| &occurrence.placed)
    }

    /// The values at a path, in the order of the text.
    pub(super) fn at(&self, path: PathId) -> impl Iterator<Item = &Placed<'e>> {
        self.numbered(path).map(|(_, placed)| placed)
    }

    /// The same, with their numbers.
    pub(super) fn numbered(&self, path: PathId) -> impl Iterator<Item = (usize, &Placed<'e>)> {
        let find = |number: usize| self.values.get(number).map(|occurrence| (number, occurrence));
        let first = self.ends.get(path).and_then(|ends| find(ends.first));
        let all = std::iter::successors(first, move |(_, occurrence)| find(occurrence.next));
        all.map(|(number, occurrence)| (number, &occurrence.placed))
    }
}

impl Drop for Occurrences<'_, '_> {
    fn drop(&mut self) {
        if self.values.capacity() <= SPARE_LENGTH_MAX {
            self.values.clear();
            // Collecting nothing out of a vector gives its memory another lifetime.
            *self.spare = std::mem::take(&mut self.values).into_iter().map_while(|_| None).collect();
        }
    }
}
