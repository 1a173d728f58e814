//! The paths that rules ask for, as a trie that guides the way through an event.

use std::sync::Arc;

use super::children::{Children, Seed, ShortKey};

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
    seed: Seed,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// A bit for each first byte of the children that lead on: a key with a dot can only begin like one of them.
    leading_on: u64,
    children: Children,
    path: Option<PathId>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], count: 0, seed: Seed::random() }
    }
}

impl Paths {
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The number of a path. A new one is added, to a copy if the paths are shared.
    pub(super) fn number(paths: &mut Arc<Self>, path: &str) -> PathId {
        match paths.find(ROOT, path.as_bytes()).and_then(|node| paths.path(node)) {
            Some(number) => number,
            None => Arc::make_mut(paths).add(path),
        }
    }

    fn add(&mut self, path: &str) -> PathId {
        let mut node = ROOT;
        let mut keys = parts(path.as_bytes()).peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_some() {
                self.nodes[node].leading_on |= first_byte(key);
            }
            let unused = self.nodes.len();
            node = self.nodes[node].children.get_or_insert(key, unused, self.seed);
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
    #[inline]
    pub(super) fn find(&self, from: NodeId, key: &[u8]) -> Option<NodeId> {
        let node = self.nodes.get(from)?;
        // Nearly every key is short and without a dot.
        let Some(short) = ShortKey::new(key) else { return self.find_parts(node, key) };
        let child = node.children.get_short(short, self.seed);
        if child.is_none() && node.leading_on & first_byte(key) != 0 && short.may_have_dot() {
            return self.find_parts(node, key);
        }
        child
    }

    #[cold]
    fn find_parts(&self, node: &Node, key: &[u8]) -> Option<NodeId> {
        let child = |node: &Node, key| node.children.get(key, self.seed);
        let whole = child(node, key);
        if whole.is_some() || !key.contains(&b'.') {
            return whole;
        }
        let mut parts = parts(key);
        let first = child(node, parts.next()?)?;
        parts.try_fold(first, |node, key| child(self.nodes.get(node)?, key))
    }

    /// The path that ends here.
    pub(super) fn path(&self, node: NodeId) -> Option<PathId> {
        self.nodes[node].path
    }
}

/// What stands between the dots.
fn parts(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    key.split(|byte| *byte == b'.')
}

/// One bit of a word, by the first byte of a key. An empty key is what stands before a dot that comes first.
fn first_byte(key: &[u8]) -> u64 {
    1 << (key.first().copied().unwrap_or(b'.') % 64)
}
