//! The wildcard complexity of a pattern, as the service scores it.
//!
//! The service matches with automata, one for each field, chained in the order of the paths. Its score is the largest
//! number of wildcards that one input can keep alive at a time, counted over the states of a field's automaton. Nothing
//! here matches that way; the automata are built only to give the same score.

mod automaton;

use std::collections::HashMap;

use super::branch::Branch;
use super::matcher::{Excluded, Matcher};
use super::wildcard::Wildcard;
use automaton::Automaton;

/// How many steps a pattern is scored for. One that needs more counts as too complex.
const STEPS_MAX: usize = 200_000;

/// Whether the score of a pattern is more than `max`.
pub(super) fn exceeds(branches: &[Branch], max: u32) -> bool {
    let alternatives = || branches.iter().flat_map(Branch::fields).flat_map(|field| &*field.alternatives);
    if !alternatives().any(|matcher| !wildcards(matcher).is_empty()) {
        return false;
    }
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let mut steps_left = STEPS_MAX;
    let mut chain = Chain { nodes: vec![HashMap::new()] };
    for branch in branches {
        chain.add(branch, &mut steps_left);
    }
    chain.exceeds(max, &mut steps_left) || steps_left == 0
}

/// The wildcards that make a matcher count.
fn wildcards(matcher: &Matcher) -> &[Wildcard] {
    match matcher {
        Matcher::Wildcard(wildcard) => std::slice::from_ref(wildcard),
        Matcher::AnythingBut(excluded) => match &**excluded {
            Excluded::Wildcards(wildcards) => wildcards,
            _ => &[],
        },
        _ => &[],
    }
}

/// A point between two fields of a branch.
type NodeId = usize;

/// The fields' automata and the points between them. Branches that begin alike share both.
struct Chain<'a> {
    /// Per point, the fields that may come next, by path. The first point is before the first field.
    nodes: Vec<HashMap<&'a str, FieldStates<'a>>>,
}

/// All that is known of one field behind one point.
#[derive(Default)]
struct FieldStates<'a> {
    automaton: Automaton<'a>,
    /// Where each alternative without a wildcard leads.
    plain: HashMap<&'a Matcher, NodeId>,
    /// Every point that a value of this field can lead to.
    reached: Vec<NodeId>,
}

impl<'a> Chain<'a> {
    fn add(&mut self, branch: &'a Branch, steps_left: &mut usize) {
        let mut current = vec![0];
        for field in branch.fields() {
            let mut following = Vec::new();
            for &node in &current {
                // All the alternatives of a field lead to one new point, unless they lead to an old one already.
                let mut last = None;
                for matcher in &*field.alternatives {
                    *steps_left = steps_left.saturating_sub(1);
                    if *steps_left == 0 {
                        return;
                    }
                    let next = self.add_matcher(node, &field.path, matcher, last);
                    if !following.contains(&next) {
                        following.push(next);
                    }
                    last = Some(next);
                }
            }
            current = following;
        }
    }

    /// Adds an alternative behind a point. It leads to `next`, or to a new point when that is not given, unless an
    /// equal one has been added before.
    fn add_matcher(&mut self, node: NodeId, path: &'a str, matcher: &'a Matcher, next: Option<NodeId>) -> NodeId {
        let unused = self.nodes.len();
        let mut target = next.unwrap_or(unused);
        let field = self.nodes[node].entry(path).or_default();
        if wildcards(matcher).is_empty() {
            target = *field.plain.entry(matcher).or_insert(target);
        } else {
            for wildcard in wildcards(matcher) {
                target = field.automaton.add(matcher, wildcard, target);
            }
        }
        // The service does not look behind an absent field.
        if *matcher != Matcher::Absent && !field.reached.contains(&target) {
            field.reached.push(target);
        }
        if target == unused {
            self.nodes.push(HashMap::new());
        }
        target
    }

    fn exceeds(&self, max: usize, steps_left: &mut usize) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut waiting = vec![0];
        while let Some(node) = waiting.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            for field in self.nodes[node].values() {
                if field.automaton.exceeds(max, steps_left) {
                    return true;
                }
                waiting.extend(&field.reached);
            }
        }
        false
    }
}
