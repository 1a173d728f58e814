//! The values of an event at the paths in use, read in one pass over its text.

use super::paths::{NodeId, PathId, Paths, ROOT};
use crate::json::{self, JsonError, Text, Visit, VisitScratch};
use crate::pattern::event::Placed;
use crate::pattern::matcher::{Literal, Scalar};
use crate::pattern::number::Number;
use crate::pattern::scopes::{ArrayId, EVENT, ScopeId, Scopes};

/// What an event has at the paths in use.
#[derive(Debug)]
pub(super) struct Occurrences<'e> {
    pub(super) scopes: Scopes,
    /// By path; those of one path in the order of the text.
    values: Vec<(PathId, Placed<'e>)>,
}

/// Reads an event into [`Occurrences`].
struct Walk<'e, 'p> {
    paths: &'p Paths,
    read: Occurrences<'e>,
    /// The objects and arrays that are open, outermost first, but for the innermost one.
    open: Vec<Open>,
    innermost: Open,
    /// The place of the value that comes next: below a key, or again that of the array it is in.
    node: NodeId,
}

/// An object or array that is open.
#[derive(Clone, Copy)]
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

/// What is around the event. It counts as an array without a number while the event may still be no object.
const OUTSIDE: Open = Open { node: ROOT, scope: EVENT, element_of: None, array: None };

impl<'e> Visit<'e> for Walk<'e, '_> {
    fn restart(&mut self) {
        self.read.values.clear();
        self.read.scopes = Scopes::new();
        self.open.clear();
        (self.innermost, self.node) = (OUTSIDE, ROOT);
    }

    fn key(&mut self, key: Text<'e>) -> bool {
        let found = match key.plain() {
            Some(plain) => self.paths.find(self.innermost.node, plain),
            None => self.paths.find(self.innermost.node, &key.decode()),
        };
        self.node = found.unwrap_or(self.node);
        found.is_some()
    }

    fn scalar(&mut self, value: json::Scalar<'e>) {
        let Some(path) = self.paths.path(self.node) else { return };
        let value = match value {
            json::Scalar::String(text) => Scalar::String(text.decode()),
            json::Scalar::Number(text) => Scalar::Number(Number::parse_event(text), text),
            json::Scalar::True => Scalar::Literal(Literal::True),
            json::Scalar::False => Scalar::Literal(Literal::False),
            json::Scalar::Null => Scalar::Literal(Literal::Null),
        };
        self.read.values.push((path, Placed { value, scope: self.innermost.scope }));
    }

    fn open(&mut self, is_array: bool) {
        let Open { scope, array: element_of, .. } = self.innermost;
        let scopes = &mut self.read.scopes;
        let scope = element_of.map_or(scope, |array| scopes.open_element(array, scope));
        let array = is_array.then(|| scopes.open_array());
        self.open.push(self.innermost);
        self.innermost = Open { node: self.node, scope, element_of, array };
    }

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

impl<'e> Occurrences<'e> {
    /// Reads an event. One that is not an object has no values.
    pub(super) fn read(event: &'e str, paths: &Paths, scratch: &mut VisitScratch) -> Result<Option<Self>, JsonError> {
        if !event.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
            return json::check(event).map(|()| None);
        }
        let read = Self { scopes: Scopes::new(), values: Vec::with_capacity(16) };
        let mut walk = Walk { paths, read, open: Vec::with_capacity(8), innermost: OUTSIDE, node: ROOT };
        scratch.visit(event, &mut walk)?;
        walk.read.values.sort_by_key(|(path, _)| *path);
        Ok(Some(walk.read))
    }

    /// All values, by path.
    pub(super) fn values(&self) -> &[(PathId, Placed<'e>)] {
        &self.values
    }

    /// The values at a path, in the order of the text.
    pub(super) fn at(&self, path: PathId) -> &[(PathId, Placed<'e>)] {
        let begin = self.values.partition_point(|(there, _)| *there < path);
        let rest = self.values.get(begin..).unwrap_or_default();
        let count = rest.iter().take_while(|(there, _)| *there == path).count();
        &rest[..count]
    }
}
