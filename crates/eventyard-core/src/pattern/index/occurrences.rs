//! The values of an event at the paths in use, read in one pass over its text.

use super::paths::{NodeId, PathId, Paths, ROOT};
use crate::json::{JsonError, Reader, Token};
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

/// An object or array that is open.
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

impl<'e> Occurrences<'e> {
    /// Reads an event. `None` when it is not an object.
    pub(super) fn read(event: &'e str, paths: &Paths) -> Result<Option<Self>, JsonError> {
        let mut reader = Reader::new(event);
        if reader.next()? != Some(Token::ObjectStart) {
            while reader.next()?.is_some() {}
            return Ok(None);
        }
        let mut read = Self { scopes: Scopes::new(), values: Vec::with_capacity(32) };
        let mut open = Vec::with_capacity(8);
        let mut around = Open { node: ROOT, scope: EVENT, element_of: None, array: None };
        // The place of the value that comes next: below a key, or again that of the array it is in.
        let mut node = ROOT;
        while let Some(token) = reader.next()? {
            let value = match token {
                Token::Key(key) => {
                    let found = match key.plain() {
                        Some(plain) => paths.find(around.node, plain),
                        None => paths.find(around.node, &key.decode()),
                    };
                    match found {
                        Some(found) => node = found,
                        None => {
                            reader.skip_value()?;
                        }
                    }
                    continue;
                }
                Token::ObjectStart | Token::ArrayStart => {
                    let inner = read.enter(&around, node, token == Token::ArrayStart);
                    open.push(std::mem::replace(&mut around, inner));
                    continue;
                }
                Token::ObjectEnd | Token::ArrayEnd => {
                    let Some(outer) = open.pop() else { continue };
                    read.leave(&std::mem::replace(&mut around, outer));
                    node = around.node;
                    continue;
                }
                Token::String(text) => paths.path(node).map(|path| (path, Scalar::String(text.decode()))),
                Token::Number(text) => {
                    paths.path(node).map(|path| (path, Scalar::Number(Number::parse_event(text), text)))
                }
                Token::True => paths.path(node).map(|path| (path, Scalar::Literal(Literal::True))),
                Token::False => paths.path(node).map(|path| (path, Scalar::Literal(Literal::False))),
                Token::Null => paths.path(node).map(|path| (path, Scalar::Literal(Literal::Null))),
            };
            read.values.extend(value.map(|(path, value)| (path, Placed { value, scope: around.scope })));
        }
        read.values.sort_by_key(|(path, _)| *path);
        Ok(Some(read))
    }

    fn enter(&mut self, around: &Open, node: NodeId, is_array: bool) -> Open {
        let scope = around.array.map_or(around.scope, |array| self.scopes.open_element(array, around.scope));
        let array = is_array.then(|| self.scopes.open_array());
        Open { node, scope, element_of: around.array, array }
    }

    fn leave(&mut self, closed: &Open) {
        if let Some(array) = closed.array {
            self.scopes.close_array(array);
        }
        if closed.element_of.is_some() {
            self.scopes.close_element(closed.scope);
        }
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
