//! The paths that rules ask for, as a trie that guides the way through an event.

use std::collections::HashMap;
use std::sync::Arc;

/// A path in use. Numbers are given in the order of first use and never change.
pub(super) type PathId = usize;

/// A place in the trie. The root is before the first key.
pub(super) type NodeId = usize;

pub(super) const ROOT: NodeId = 0;

/// The paths in use. A path and an event's keys are taken apart at every dot, so it does not matter which of the dots
/// are inside of keys.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    count: usize,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// A bit for each kind of key among the children: nearly all keys of events that lead nowhere are of another kind.
    kinds: u64,
    /// A bit for each first byte of the children that lead on: a key with a dot can only begin like one of them.
    leading_on: u64,
    children: HashMap<Box<str>, NodeId, foldhash::fast::RandomState>,
    path: Option<PathId>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], count: 0 }
    }
}

impl Paths {
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The number of a path. A new one is added, to a copy if the paths are shared.
    pub(super) fn number(paths: &mut Arc<Self>, path: &str) -> PathId {
        match paths.find(ROOT, path).and_then(|node| paths.path(node)) {
            Some(number) => number,
            None => Arc::make_mut(paths).add(path),
        }
    }

    fn add(&mut self, path: &str) -> PathId {
        let mut node = ROOT;
        let mut keys = path.split('.').peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_some() {
                self.nodes[node].leading_on |= first_byte(key);
            }
            let unused = self.nodes.len();
            self.nodes[node].kinds |= kind(key);
            node = *self.nodes[node].children.entry(key.into()).or_insert(unused);
            if node == unused {
                self.nodes.push(Node::default());
            }
        }
        let count = &mut self.count;
        *self.nodes[node].path.get_or_insert_with(|| {
            *count += 1;
            *count - 1
        })
    }

    /// The place that a key leads to, if any path in use goes on there.
    pub(super) fn find(&self, from: NodeId, key: &str) -> Option<NodeId> {
        // A key without a dot, which nearly every one is, is looked up at once.
        if let Some(child) = self.child(from, key) {
            return Some(child);
        }
        let is_possible = self.nodes[from].leading_on & first_byte(key) != 0;
        (is_possible && key.contains('.')).then(|| key.split('.').try_fold(from, |node, key| self.child(node, key)))?
    }

    #[inline]
    fn child(&self, node: NodeId, key: &str) -> Option<NodeId> {
        let node = &self.nodes[node];
        if node.kinds & kind(key) == 0 { None } else { node.children.get(key).copied() }
    }

    /// The path that ends here.
    pub(super) fn path(&self, node: NodeId) -> Option<PathId> {
        self.nodes[node].path
    }
}

/// One bit of a word, by the length and the last byte of a key.
fn kind(key: &str) -> u64 {
    let last = key.as_bytes().last().copied().unwrap_or(0);
    1 << ((usize::from(last) + 7 * key.len()) % 64)
}

/// One bit of a word, by the first byte of a key. An empty key is what stands before a dot that comes first.
fn first_byte(key: &str) -> u64 {
    1 << (key.as_bytes().first().copied().unwrap_or(b'.') % 64)
}
