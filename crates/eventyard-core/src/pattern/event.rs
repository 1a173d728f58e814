//! The values of an event that a pattern asks for.

use super::matcher::{Literal, Scalar};
use super::number::Number;
use super::scopes::{ArrayId, EVENT, ScopeId, Scopes};
use crate::json::{JsonError, Reader, Text, Token};

/// A value with its scope.
#[derive(Debug)]
pub(super) struct Placed<'e> {
    pub(super) value: Scalar<'e>,
    pub(super) scope: ScopeId,
}

/// The values of an event at some paths. Duplicate keys are all kept: each occurrence is a value.
#[derive(Debug)]
pub(super) struct EventValues<'e> {
    pub(super) scopes: Scopes,
    /// Per wanted path, its values in the order of the text.
    values: Vec<Vec<Placed<'e>>>,
}

impl<'e> EventValues<'e> {
    /// Reads an event. `None` when it is not an object.
    ///
    /// Time is linear in the event: what no wanted path leads to is passed over.
    pub(super) fn read(event: &'e str, wanted: &Wanted<'_>) -> Result<Option<Self>, JsonError> {
        let mut reader = Reader::new(event);
        if reader.next()? != Some(Token::ObjectStart) {
            while reader.next()?.is_some() {}
            return Ok(None);
        }
        let values = Self { scopes: Scopes::new(), values: wanted.paths.iter().map(|_| Vec::new()).collect() };
        let mut walk = Walk { wanted, values, path: String::new(), open: Vec::new() };
        walk.open.push(Open { path_length: 0, scope: EVENT, element_of: None, array: None });
        while let Some(token) = reader.next()? {
            walk.step(&mut reader, token)?;
        }
        Ok(Some(walk.values))
    }

    /// The values at the path of that index, in the order of the text.
    pub(super) fn at(&self, path: usize) -> &[Placed<'e>] {
        self.values.get(path).map_or(&[], Vec::as_slice)
    }
}

/// The paths that are asked for.
#[derive(Debug)]
pub(super) struct Wanted<'p> {
    /// In the order of their bytes, each once.
    paths: Vec<&'p str>,
}

impl<'p> Wanted<'p> {
    pub(super) fn new(paths: impl Iterator<Item = &'p str>) -> Self {
        let mut paths: Vec<_> = paths.collect();
        paths.sort_unstable();
        paths.dedup();
        Self { paths }
    }

    pub(super) fn index(&self, path: &str) -> Option<usize> {
        self.paths.binary_search(&path).ok()
    }

    /// Whether values below `path` can be at a wanted path.
    fn leads_on(&self, path: &str) -> bool {
        let is_before = |wanted: &&str| wanted.bytes().lt(path.bytes().chain([b'.']));
        let next = self.paths.get(self.paths.partition_point(is_before));
        next.and_then(|next| next.strip_prefix(path)).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// The way through an event.
struct Walk<'w, 'p, 'e> {
    wanted: &'w Wanted<'p>,
    values: EventValues<'e>,
    /// The keys so far, joined by `.`.
    path: String,
    open: Vec<Open>,
}

/// An object or array that is open.
struct Open {
    /// The length of its path.
    path_length: usize,
    /// The scope that values directly in it have.
    scope: ScopeId,
    /// The array that it is an element of.
    element_of: Option<ArrayId>,
    /// Its own number, when it is an array.
    array: Option<ArrayId>,
}

impl<'e> Walk<'_, '_, 'e> {
    fn step(&mut self, reader: &mut Reader<'e>, token: Token<'e>) -> Result<(), JsonError> {
        match token {
            Token::Key(key) => return self.key(reader, key),
            Token::ObjectStart => self.enter(false),
            Token::ArrayStart => self.enter(true),
            Token::ObjectEnd | Token::ArrayEnd => self.leave(),
            Token::String(text) => self.value(|| Scalar::String(text.decode())),
            Token::Number(text) => self.value(|| Scalar::Number(Number::parse_event(text), text)),
            Token::True => self.value(|| Scalar::Literal(Literal::True)),
            Token::False => self.value(|| Scalar::Literal(Literal::False)),
            Token::Null => self.value(|| Scalar::Literal(Literal::Null)),
        }
        Ok(())
    }

    fn key(&mut self, reader: &mut Reader<'e>, key: Text<'e>) -> Result<(), JsonError> {
        self.path.truncate(self.open.last().map_or(0, |open| open.path_length));
        if self.open.len() > 1 {
            self.path.push('.');
        }
        self.path.push_str(&key.decode());
        if self.wanted.index(&self.path).is_none() && !self.wanted.leads_on(&self.path) {
            reader.skip_value()?;
        }
        Ok(())
    }

    fn enter(&mut self, is_array: bool) {
        let (around, element_of) = self.open.last().map_or((EVENT, None), |open| (open.scope, open.array));
        let scopes = &mut self.values.scopes;
        let scope = element_of.map_or(around, |array| scopes.open_element(array, around));
        let array = is_array.then(|| scopes.open_array());
        self.open.push(Open { path_length: self.path.len(), scope, element_of, array });
    }

    fn leave(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        if let Some(array) = closed.array {
            self.values.scopes.close_array(array);
        }
        if closed.element_of.is_some() {
            self.values.scopes.close_element(closed.scope);
        }
        self.path.truncate(closed.path_length);
    }

    fn value(&mut self, value: impl FnOnce() -> Scalar<'e>) {
        let scope = self.open.last().map_or(EVENT, |open| open.scope);
        if let Some(path) = self.wanted.index(&self.path) {
            self.values.values[path].push(Placed { value: value(), scope });
        }
    }
}
