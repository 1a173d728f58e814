//! Choosing one value for every field of a branch, so that no two contradict each other.
//!
//! Fields are tried in their order, the choices for each in the order of the text, and the last one is taken back where no
//! choice is left. What has been chosen so far matters only by the array elements it stands in, and of those only by the ones
//! in arrays that later fields have values in. So a *state* from which nothing led on is remembered and not tried again; where
//! each path leads to one array, there are no more states than the event has array elements.

use std::collections::{HashMap, HashSet};

use super::scopes::{ArrayId, ScopeId, Scopes};

/// How many steps a branch is searched for at least, whatever the event.
///
/// An event that names the same path again and again can make the search as hard as any puzzle. It is given up in the end,
/// and the branch counts as not matching: after some hundredths of a second.
const STEPS_MIN: usize = 200_000;
/// How many steps more there are for each pair of a field and an array element. Events that name each path once need fewer.
const STEPS_PER_ELEMENT: usize = 64;
/// What it takes to follow a choice, in steps.
const CHOICE_STEPS: usize = 8;

/// What an event has for one field.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// The scopes of the values that satisfy the field, each once, ascending.
    satisfying: Vec<ScopeId>,
    /// When the field may also be absent, the scopes of all its values, ascending.
    absence: Option<Vec<ScopeId>>,
}

impl Candidates {
    /// The scopes of values that satisfy a field, and those of all its values when it may also be absent, in any order.
    pub(super) fn new(
        satisfying: impl Iterator<Item = ScopeId>,
        absence: Option<impl Iterator<Item = ScopeId>>,
    ) -> Self {
        Self { satisfying: sorted(satisfying), absence: absence.map(sorted) }
    }

    /// Whether any value satisfies the field.
    pub(super) fn has_satisfying(&self) -> bool {
        !self.satisfying.is_empty()
    }

    /// Whether the field cannot be satisfied whatever is chosen for the others.
    pub(super) fn are_none(&self) -> bool {
        self.satisfying.is_empty() && self.absence.is_none()
    }
}

fn sorted(scopes: impl Iterator<Item = ScopeId>) -> Vec<ScopeId> {
    let mut scopes: Vec<_> = scopes.collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// The array elements chosen from, innermost ones only, in the order of the text. An inner one stands for those around
/// it.
type State = Vec<ScopeId>;

/// Whether values can be chosen for all fields, which come in the order of their paths.
pub(super) fn exists(scopes: &Scopes, fields: &[Candidates]) -> bool {
    find(scopes, fields).is_ok()
}

/// What can be chosen for each field: the scope of a value, or `None` for the lack of one. Where there are several choices,
/// the first in the order of the text.
///
/// # Errors
/// When nothing can: how many fields, from the first on, something can be chosen for.
pub(super) fn find(scopes: &Scopes, fields: &[Candidates]) -> Result<Vec<Option<ScopeId>>, usize> {
    let steps_left = STEPS_MIN + STEPS_PER_ELEMENT * scopes.count() * fields.len();
    let mut search = Search { scopes, last_uses: last_uses(scopes, fields), steps_left };
    let mut stages = vec![Stage::new(State::new())];
    let mut choices = Vec::with_capacity(fields.len());
    let mut dead_ends = HashSet::with_hasher(foldhash::fast::RandomState::default());
    let mut furthest = 0;
    while let (Some(field), Some(stage)) = (stages.len().checked_sub(1), stages.last_mut()) {
        furthest = furthest.max(field);
        let Some(candidates) = fields.get(field) else { return Ok(choices) };
        match search.go_on(stage, field, candidates) {
            Some((behind, choice)) => {
                let way = (field + 1, behind);
                if !dead_ends.contains(&way) {
                    choices.push(choice);
                    stages.push(Stage::new(way.1));
                }
            }
            None if search.steps_left == 0 => break,
            None => {
                choices.pop();
                dead_ends.extend(stages.pop().map(|stage| (field, stage.state)));
            }
        }
    }
    Err(furthest)
}

/// Where the search stands before a field.
struct Stage {
    state: State,
    is_absence_tried: bool,
    /// How many of the values were tried.
    tried: usize,
}

impl Stage {
    fn new(state: State) -> Self {
        Self { state, is_absence_tried: false, tried: 0 }
    }
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
    /// The next choice for a field, with the state behind it. `None` when there is no other, or no step is left.
    fn go_on(&mut self, stage: &mut Stage, field: usize, candidates: &Candidates) -> Option<(State, Option<ScopeId>)> {
        self.steps_left = self.steps_left.saturating_sub(CHOICE_STEPS);
        if let Some(values) = &candidates.absence
            && !std::mem::replace(&mut stage.is_absence_tried, true)
            && self.first_compatible(&stage.state, values).is_none()
        {
            return Some((self.forget(field, stage.state.clone()), None));
        }
        let values = &candidates.satisfying[stage.tried..];
        let place = self.first_compatible(&stage.state, values)?;
        stage.tried += place + 1;
        Some((self.forget(field, self.join(&stage.state, values[place])), Some(values[place])))
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

#[cfg(test)]
mod tests;
