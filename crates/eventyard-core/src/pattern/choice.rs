//! Choosing one value for every field of a branch, so that no two contradict each other.
//!
//! Fields are tried in their order. What has been chosen so far matters only by the array elements it stands in, and
//! of those only by the ones in arrays that later fields have values in. So instead of turning back, the search keeps
//! the set of all *states* it can be in behind each field; without duplicate keys that set is never larger than the
//! number of the event's array elements.

use std::collections::{BTreeSet, HashMap};

use super::scopes::{ArrayId, ScopeId, Scopes};

/// How many steps a branch is searched for.
///
/// An event that repeats its keys again and again can make the search as hard as any puzzle. It is then given up, and
/// the branch counts as not matching. Without duplicate keys no event that is small enough to be accepted gets here.
const STEPS_MAX: usize = 10_000_000;

/// What an event has for one field.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// The scopes of the values that satisfy the field, in the order of the text.
    pub(super) satisfying: Vec<ScopeId>,
    /// When the field may also be absent, the scopes of all its values in the order of the text.
    pub(super) absence: Option<Vec<ScopeId>>,
}

/// The array elements chosen from, innermost ones only, in the order of the text. An inner one stands for those around
/// it.
type State = Vec<ScopeId>;

/// Whether values can be chosen for all fields, which come in the order of their paths.
pub(super) fn exists(scopes: &Scopes, fields: &[Candidates]) -> bool {
    let mut search = Search { scopes, last_uses: last_uses(scopes, fields), steps_left: STEPS_MAX };
    let mut states = BTreeSet::from([State::new()]);
    for (field, candidates) in fields.iter().enumerate() {
        let mut next = BTreeSet::new();
        for state in &states {
            search.go_on(state, field, candidates, |behind, _| {
                next.insert(behind);
            });
        }
        if next.is_empty() || search.steps_left == 0 {
            return false;
        }
        states = next;
    }
    true
}

/// What can be chosen for each field: the scope of a value, or `None` for the lack of one.
///
/// The same search as [`exists`], keeping the way to each state; where there are several choices, the first in the
/// order of the text.
pub(super) fn find(scopes: &Scopes, fields: &[Candidates]) -> Option<Vec<Option<ScopeId>>> {
    let mut search = Search { scopes, last_uses: last_uses(scopes, fields), steps_left: STEPS_MAX };
    let mut states: Vec<State> = vec![State::new()];
    // Per field and state behind it: the place of the state before, and the choice that led on.
    let mut ways: Vec<Vec<(usize, Option<ScopeId>)>> = Vec::new();
    for (field, candidates) in fields.iter().enumerate() {
        let mut known = BTreeSet::new();
        let (mut next, mut way) = (Vec::new(), Vec::new());
        for (before, state) in states.iter().enumerate() {
            search.go_on(state, field, candidates, |behind, choice| {
                if known.insert(behind.clone()) {
                    next.push(behind);
                    way.push((before, choice));
                }
            });
        }
        if next.is_empty() || search.steps_left == 0 {
            return None;
        }
        states = next;
        ways.push(way);
    }
    let mut place = 0;
    let back = ways.iter().rev().map(|way| {
        let (before, choice) = way[place];
        place = before;
        choice
    });
    let mut choices: Vec<_> = back.collect();
    choices.reverse();
    Some(choices)
}

/// The last field that has values in each array.
fn last_uses(scopes: &Scopes, fields: &[Candidates]) -> HashMap<ArrayId, usize> {
    let mut last_uses = HashMap::new();
    for (field, candidates) in fields.iter().enumerate().rev() {
        for &scope in candidates.satisfying.iter().chain(candidates.absence.iter().flatten()) {
            let mut around = scope;
            while let Some((array, parent)) = scopes.array_of(around) {
                if last_uses.contains_key(&array) {
                    // So are the arrays around it.
                    break;
                }
                last_uses.insert(array, field);
                around = parent;
            }
        }
    }
    last_uses
}

struct Search<'a> {
    scopes: &'a Scopes,
    last_uses: HashMap<ArrayId, usize>,
    steps_left: usize,
}

impl Search<'_> {
    /// Gives the states that a field can lead to from `state`, each with the choice that leads there.
    fn go_on(
        &mut self,
        state: &State,
        field: usize,
        candidates: &Candidates,
        mut next: impl FnMut(State, Option<ScopeId>),
    ) {
        if let Some(values) = &candidates.absence
            && self.first_compatible(state, values).is_none()
        {
            next(self.forget(field, state.clone()), None);
        }
        let mut values = candidates.satisfying.as_slice();
        while let Some(place) = self.first_compatible(state, values) {
            next(self.forget(field, self.join(state, values[place])), Some(values[place]));
            values = &values[place + 1..];
        }
    }

    /// The place of the first value that goes with a state.
    fn first_compatible(&mut self, state: &State, values: &[ScopeId]) -> Option<usize> {
        let mut place = 0;
        while let Some(&value) = values.get(place) {
            let check = |&chosen: &ScopeId| self.scopes.compatible(chosen, value, &mut self.steps_left);
            match state.iter().try_for_each(check) {
                Ok(()) => return Some(place),
                Err(resume_at) => place += values[place..].partition_point(|&value| value < resume_at),
            }
            if self.steps_left == 0 {
                return None;
            }
        }
        None
    }

    fn join(&self, state: &State, scope: ScopeId) -> State {
        if state.iter().any(|&chosen| self.scopes.is_inside(chosen, scope)) {
            return state.clone();
        }
        let mut joined: State = state.iter().copied().filter(|&chosen| !self.scopes.is_inside(scope, chosen)).collect();
        joined.push(scope);
        joined.sort_unstable();
        joined
    }

    /// Leaves out what no field behind this one can tell.
    fn forget(&self, field: usize, state: State) -> State {
        let mut known = State::new();
        for mut scope in state {
            while let Some((array, parent)) = self.scopes.array_of(scope) {
                if self.last_uses.get(&array).is_some_and(|&last| last > field) {
                    known.push(scope);
                    break;
                }
                scope = parent;
            }
        }
        // Of two that are one inside the other, the inner one is enough: it comes later in the text.
        known.sort_unstable_by(|one, other| other.cmp(one));
        known.dedup_by(|outer, inner| self.scopes.is_inside(*inner, *outer));
        known.reverse();
        known
    }
}
