//! Which values of an event can be chosen together.
//!
//! Values that stand in different elements of one array must not satisfy two fields of one branch: the fields ask
//! about one thing. So each value has a *scope*: the innermost array element around it that is an object or an array.
//! Scopes form a tree; they are numbered in the order of the text, so what is inside a scope, or inside an array, is a
//! range of numbers.

/// A scope, by its place in the text. [`EVENT`] is the whole event.
pub(super) type ScopeId = usize;

/// The scope of values that no array element is around.
pub(super) const EVENT: ScopeId = 0;

/// An array, by its place in the text.
pub(super) type ArrayId = usize;

/// The scopes and arrays of one event.
#[derive(Debug)]
pub(super) struct Scopes {
    scopes: Vec<Scope>,
    arrays: Vec<Array>,
}

#[derive(Debug)]
struct Scope {
    parent: ScopeId,
    /// The array that this is an element of. `None` for the whole event.
    array: Option<ArrayId>,
    /// The number behind the last scope inside of this one.
    end: ScopeId,
}

#[derive(Debug)]
struct Array {
    /// The number of the first element's scope.
    begin: ScopeId,
    /// The number behind the last scope inside of this array.
    end: ScopeId,
}

impl Scopes {
    pub(super) fn new() -> Self {
        Self { scopes: vec![Scope { parent: EVENT, array: None, end: ScopeId::MAX }], arrays: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.scopes.truncate(1);
        self.arrays.clear();
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.scopes.len()
    }

    pub(super) fn open_array(&mut self) -> ArrayId {
        self.arrays.push(Array { begin: self.scopes.len(), end: ScopeId::MAX });
        self.arrays.len() - 1
    }

    pub(super) fn close_array(&mut self, array: ArrayId) {
        self.arrays[array].end = self.scopes.len();
    }

    pub(super) fn open_element(&mut self, array: ArrayId, parent: ScopeId) -> ScopeId {
        self.scopes.push(Scope { parent, array: Some(array), end: ScopeId::MAX });
        self.scopes.len() - 1
    }

    pub(super) fn close_element(&mut self, scope: ScopeId) {
        self.scopes[scope].end = self.scopes.len();
    }

    /// The array that a scope is an element of, and the scope around that array. `None` for the whole event.
    pub(super) fn array_of(&self, scope: ScopeId) -> Option<(ArrayId, ScopeId)> {
        let Scope { parent, array, .. } = self.scopes[scope];
        array.map(|array| (array, parent))
    }

    pub(super) fn is_inside(&self, scope: ScopeId, outer: ScopeId) -> bool {
        (outer..self.scopes[outer].end).contains(&scope)
    }

    /// Whether values in the two scopes can be chosen together. If not, the next scope in the order of the text that
    /// might go with `chosen`. Takes off a step for each scope looked at, and is of no meaning when none are left.
    pub(super) fn compatible(&self, chosen: ScopeId, other: ScopeId, steps_left: &mut usize) -> Result<(), ScopeId> {
        let mut around = chosen;
        *steps_left = steps_left.saturating_sub(1);
        while !self.is_inside(other, around) {
            let Some((array, parent)) = self.array_of(around) else { break };
            let Array { begin, end } = self.arrays[array];
            if (begin..end).contains(&other) {
                return Err(if other < around { around } else { end });
            }
            around = parent;
            *steps_left = steps_left.saturating_sub(1);
        }
        Ok(())
    }
}

impl Default for Scopes {
    fn default() -> Self {
        Self::new()
    }
}
