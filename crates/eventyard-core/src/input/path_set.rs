//! Several paths followed at once, in one walk over the text of an event.
//!
//! The paths form a tree of steps. During the walk a list of active nodes says where in that tree the walk stands: one
//! node for most paths, several where `*` and a name lead to the same value. Values that no path leads to are skipped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::json_path::Step;
use crate::json::{JsonError, Reader, Token};

/// A set of paths; each has a slot, its place in what [`select`](Self::select) gives. Equal paths share one.
#[derive(Debug, Clone)]
pub(super) struct PathSet {
    /// The first is the root: the event itself.
    nodes: Vec<Node>,
    /// For each slot, whether its path has a `*` and so selects a list.
    lists: Vec<bool>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    members: BTreeMap<Box<str>, usize>,
    elements: BTreeMap<usize, usize>,
    every: Option<usize>,
    slot: Option<usize>,
}

/// What one path selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selected<'e> {
    /// Nothing.
    Missing,
    /// One value, as JSON.
    One(&'e str),
    /// The values of a path with `*`, in the order of the event.
    List(Vec<&'e str>),
}

/// Why a walk stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SelectError {
    EventNotJson(JsonError),
    /// The lists together have more values than was allowed.
    TooMany,
}

impl From<JsonError> for SelectError {
    fn from(error: JsonError) -> Self {
        Self::EventNotJson(error)
    }
}

impl Node {
    fn is_leaf(&self) -> bool {
        self.every.is_none() && self.members.is_empty() && self.elements.is_empty()
    }
}

impl PathSet {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], lists: Vec::new() }
    }

    /// Adds a path and gives its slot.
    pub(super) fn insert(&mut self, steps: &[Step<'_>]) -> usize {
        let mut at = 0;
        for step in steps {
            let new = self.nodes.len();
            let node = &mut self.nodes[at];
            at = match *step {
                Step::Member(name) => *node.members.entry(name.into()).or_insert(new),
                Step::Element(index) => *node.elements.entry(index).or_insert(new),
                Step::Every => *node.every.get_or_insert(new),
            };
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        let new = self.lists.len();
        let slot = *self.nodes[at].slot.get_or_insert(new);
        if slot == new {
            self.lists.push(steps.contains(&Step::Every));
        }
        slot
    }

    /// Walks `event` once; the answer has one entry for each slot. Lists may together hold `listed_max` values.
    pub(super) fn select<'e>(&self, event: &'e str, listed_max: usize) -> Result<Vec<Selected<'e>>, SelectError> {
        let nothing = |&list: &bool| if list { Selected::List(Vec::new()) } else { Selected::Missing };
        let mut walk = Walk {
            nodes: &self.nodes,
            event,
            reader: Reader::new(event),
            active: vec![0],
            selected: self.lists.iter().map(nothing).collect(),
            room: listed_max,
        };
        while let Some(token) = walk.reader.next()? {
            walk.value(token, 0)?;
        }
        Ok(walk.selected)
    }
}

struct Walk<'s, 'e> {
    nodes: &'s [Node],
    event: &'e str,
    reader: Reader<'e>,
    /// The active nodes of the value at hand, above those of the values around it.
    active: Vec<usize>,
    selected: Vec<Selected<'e>>,
    /// How many values may still be listed.
    room: usize,
}

impl Walk<'_, '_> {
    /// Passes over the value that `token` begins; the nodes from `from` on are active at it.
    ///
    /// The recursion is as deep as the longest path, not as the event.
    fn value(&mut self, token: Token<'_>, from: usize) -> Result<(), SelectError> {
        let start = self.reader.span().start;
        let leaf = self.active[from..].iter().all(|&node| self.nodes[node].is_leaf());
        match token {
            Token::ObjectStart | Token::ArrayStart if leaf => self.reader.skip_rest()?,
            Token::ObjectStart => self.members(from)?,
            Token::ArrayStart => self.elements(from)?,
            _ => {}
        }
        let json = &self.event[start..self.reader.span().end];
        for &node in &self.active[from..] {
            let Some(slot) = self.nodes[node].slot else { continue };
            match &mut self.selected[slot] {
                Selected::List(values) => {
                    self.room = self.room.checked_sub(1).ok_or(SelectError::TooMany)?;
                    values.push(json);
                }
                one => *one = Selected::One(json),
            }
        }
        Ok(())
    }

    fn members(&mut self, from: usize) -> Result<(), SelectError> {
        while let Some(Token::Key(name)) = self.reader.next()? {
            let name = name.decode();
            let Some(token) = self.reader.next()? else { break };
            self.descend(token, from, |node| node.members.get(&*name).copied())?;
        }
        Ok(())
    }

    fn elements(&mut self, from: usize) -> Result<(), SelectError> {
        for index in 0.. {
            let Some(token) = self.reader.next()? else { break };
            if token == Token::ArrayEnd {
                break;
            }
            self.descend(token, from, |node| node.elements.get(&index).copied())?;
        }
        Ok(())
    }

    /// Walks a member or element with those nodes active that lead to it.
    fn descend(
        &mut self,
        token: Token<'_>,
        from: usize,
        child: impl Fn(&Node) -> Option<usize>,
    ) -> Result<(), SelectError> {
        let level = self.active.len();
        for at in from..level {
            let node = &self.nodes[self.active[at]];
            self.active.extend(child(node));
            self.active.extend(node.every);
        }
        self.value(token, level)?;
        self.active.truncate(level);
        Ok(())
    }
}

impl<'e> Selected<'e> {
    /// The selected value as JSON; `None` when the path led nowhere.
    pub(super) fn into_json(self) -> Option<Cow<'e, str>> {
        match self {
            Self::Missing => None,
            Self::One(json) => Some(Cow::Borrowed(json)),
            Self::List(values) => Some(Cow::Owned(list(&values))),
        }
    }
}

/// A JSON list of these JSON values.
pub(super) fn list(values: &[&str]) -> String {
    format!("[{}]", values.join(","))
}

/// The text that a JSON string means, or `None` when `json` is another kind of value.
pub(super) fn text_of(json: &str) -> Option<Cow<'_, str>> {
    match Reader::new(json).next() {
        Ok(Some(Token::String(text))) => Some(text.decode()),
        _ => None,
    }
}
