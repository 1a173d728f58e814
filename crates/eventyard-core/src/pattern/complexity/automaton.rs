//! The automaton of one field's wildcards, over the bytes of their quoted strings.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::NodeId;
use crate::pattern::matcher::Matcher;
use crate::pattern::wildcard::Wildcard;

type StateId = usize;

const START: StateId = 0;
const QUOTE: u8 = b'"';

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Byte(u8),
    Star,
}

/// One state. The start is state 0.
#[derive(Debug, Default)]
struct State<'a> {
    /// Where each byte leads.
    bytes: BTreeMap<u8, BTreeSet<StateId>>,
    /// The state of the star that comes next, if one does.
    star: Option<StateId>,
    /// Whether this is the state of a star, which every byte leads back to.
    is_star: bool,
    /// Whether no star comes before this state.
    is_before_stars: bool,
    /// The matchers that pass through this state: their number is its weight.
    passing: HashSet<&'a Matcher>,
    /// The matcher that is satisfied here, and where it leads.
    accepts: Option<(&'a Matcher, NodeId)>,
}

/// All the wildcards of a field.
#[derive(Debug)]
pub(super) struct Automaton<'a> {
    states: Vec<State<'a>>,
}

impl Default for Automaton<'_> {
    fn default() -> Self {
        Self { states: vec![State { is_before_stars: true, ..State::default() }] }
    }
}

impl<'a> Automaton<'a> {
    /// Adds a wildcard of a matcher that leads to `next`. Gives where it really leads: elsewhere, when an equal
    /// matcher was here before.
    ///
    /// The string first follows states that are there already, as far as that may be, and then gets its own.
    pub(super) fn add(&mut self, matcher: &'a Matcher, wildcard: &Wildcard, next: NodeId) -> NodeId {
        let steps = steps(wildcard);
        let mut walk = Walk { current: START, previous: START };
        let mut done = 0;
        while done + 1 < steps.len() {
            let Some(state) = self.reusable(walk.current, &steps[done..]) else { break };
            walk.enter(state);
            self.states[state].passing.insert(matcher);
            done += 1;
        }
        while done + 1 < steps.len() {
            let state = self.push_state(walk, &steps, done);
            walk.enter(state);
            self.states[state].passing.insert(matcher);
            done += 1;
        }
        let accepting = self.accepting(walk, matcher, next);
        self.link(walk, &steps, done, accepting);
        self.states[accepting].accepts.map_or(next, |(_, node)| node)
    }

    /// The state that the first of `steps` may share, coming from `from`.
    fn reusable(&self, from: StateId, steps: &[Step]) -> Option<StateId> {
        let state = &self.states[from];
        match steps.first()? {
            Step::Star => state.star,
            Step::Byte(byte) => {
                let may_share = state.star.is_none() && !begins_cased_character(steps) || is_continuation(*byte);
                let shareable = |id: &StateId| {
                    let target = &self.states[*id];
                    target.accepts.is_none() && (target.is_before_stars || may_share)
                };
                state.bytes.get(byte)?.iter().copied().find(shareable)
            }
        }
    }

    fn push_state(&mut self, walk: Walk, steps: &[Step], place: usize) -> StateId {
        let id = self.states.len();
        let is_star = steps[place] == Step::Star;
        let is_before_stars = self.states[walk.current].is_before_stars && !is_star;
        self.states.push(State { is_star, is_before_stars, ..State::default() });
        if is_star {
            self.states[walk.current].star = Some(id);
        } else {
            self.link(walk, steps, place, id);
        }
        id
    }

    /// Lets the byte at `place` lead to a state; also from before the star that it follows, which may match nothing.
    fn link(&mut self, walk: Walk, steps: &[Step], place: usize, target: StateId) {
        let Some(&Step::Byte(byte)) = steps.get(place) else { return };
        self.states[walk.current].bytes.entry(byte).or_default().insert(target);
        if place > 0 && steps[place - 1] == Step::Star {
            self.states[walk.previous].bytes.entry(byte).or_default().insert(target);
        }
    }

    /// The state in which the matcher is satisfied, behind the closing quote.
    fn accepting(&mut self, walk: Walk, matcher: &'a Matcher, next: NodeId) -> StateId {
        let is_same = |id: &StateId| self.states[*id].accepts.is_some_and(|(there, _)| is_equal(there, matcher));
        let behind = self.states[walk.current].bytes.get(&QUOTE);
        if let Some(id) = behind.and_then(|targets| targets.iter().copied().find(is_same)) {
            return id;
        }
        let leads_there =
            |state: &State<'_>| state.accepts.is_some_and(|(there, node)| node == next && is_equal(there, matcher));
        self.states.iter().position(leads_there).unwrap_or_else(|| {
            let passing = [matcher].into();
            self.states.push(State { passing, accepts: Some((matcher, next)), ..State::default() });
            self.states.len() - 1
        })
    }

    /// Whether some input keeps more than `max` alive, or it takes too many steps to say.
    ///
    /// The sets of states that can be alive together are as many as a power of the states, at worst; but each set
    /// weighs as much as it has states, so the bound on the weight is one on the sets too.
    pub(super) fn exceeds(&self, max: usize, steps_left: &mut usize) -> bool {
        let mut seen = HashSet::new();
        let mut waiting = vec![BTreeSet::from([START])];
        while let Some(alive) = waiting.pop() {
            let bytes: BTreeSet<u8> = alive.iter().flat_map(|&id| self.states[id].bytes.keys().copied()).collect();
            // Every byte that no state names leads to the same states.
            for byte in bytes.into_iter().map(Some).chain([None]) {
                let next = self.following(&alive, byte);
                *steps_left = steps_left.saturating_sub(1);
                if *steps_left == 0 || self.weight(&next) > max {
                    return true;
                }
                if !next.is_empty() && seen.insert(next.clone()) {
                    waiting.push(next);
                }
            }
        }
        false
    }

    fn following(&self, alive: &BTreeSet<StateId>, byte: Option<u8>) -> BTreeSet<StateId> {
        let mut next = BTreeSet::new();
        for &id in alive {
            next.extend(self.stars_behind(id));
            if let Some(targets) = byte.and_then(|byte| self.states[id].bytes.get(&byte)) {
                next.extend(targets);
            }
        }
        next
    }

    fn stars_behind(&self, id: StateId) -> impl Iterator<Item = StateId> {
        let state = &self.states[id];
        state.star.into_iter().chain(state.is_star.then_some(id))
    }

    /// What a set of states weighs, each with the star directly behind it.
    fn weight(&self, alive: &BTreeSet<StateId>) -> usize {
        let own = |id: StateId| self.states[id].passing.len();
        let behind = |id: StateId| self.stars_behind(id).filter(|star| !alive.contains(star)).map(own).sum::<usize>();
        alive.iter().map(|&id| own(id) + behind(id)).sum()
    }
}

/// Where a string has got to.
#[derive(Debug, Clone, Copy)]
struct Walk {
    current: StateId,
    previous: StateId,
}

impl Walk {
    const fn enter(&mut self, state: StateId) {
        self.previous = self.current;
        self.current = state;
    }
}

/// The quoted string of a wildcard, byte by byte.
fn steps(wildcard: &Wildcard) -> Vec<Step> {
    let mut steps = vec![Step::Byte(QUOTE)];
    for (place, part) in wildcard.parts().iter().enumerate() {
        if place > 0 {
            steps.push(Step::Star);
        }
        steps.extend(part.bytes().map(Step::Byte));
    }
    steps.push(Step::Byte(QUOTE));
    steps
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Whether the bytes that come next begin with a character that has two cases. The service asks for characters of up
/// to three bytes only.
fn begins_cased_character(steps: &[Step]) -> bool {
    let bytes = steps.iter().map_while(|step| if let Step::Byte(byte) = step { Some(*byte) } else { None });
    let mut bytes: Vec<u8> = bytes.take(3).collect();
    bytes.truncate(bytes.first().map_or(0, |first| if *first < 0x80 { 1 } else { 3 - usize::from(*first < 0xe0) }));
    let character = str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
    character.is_some_and(|character| !character.to_lowercase().eq(character.to_uppercase()))
}

fn is_equal(one: &Matcher, other: &Matcher) -> bool {
    one == other
}
