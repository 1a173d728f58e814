//! The plain definition of matching: what the index must agree with.

use super::EventPattern;
use super::branch::{Branch, Field};
use super::choice::{self, Candidates};
use super::event::{EventValues, Placed, Wanted};
use crate::json::JsonError;

/// Whether an event matches a pattern. `event` is the text of the whole event, envelope and all.
///
/// The event matches when it matches one of the pattern's branches: when each field of the branch is satisfied, by a
/// value or by its absence, and the values chosen for the fields contradict each other in no array.
///
/// Numbers of the event that have a point or an exponent are taken as the double nearest to them, whether the event is
/// being delivered or only tested; integers keep all their digits. A text that is JSON but no object matches nothing.
///
/// Time is bounded by the sizes of the two, for any pattern and event.
///
/// # Errors
/// The first place where the event is not strict JSON.
pub fn evaluate(pattern: &EventPattern, event: &str) -> Result<bool, JsonError> {
    let paths = pattern.branches().iter().flat_map(Branch::fields).map(|field| &*field.path);
    let wanted = Wanted::new(paths);
    let values = EventValues::read(event, &wanted)?;
    Ok(values.is_some_and(|values| pattern.branches().iter().any(|branch| is_match(branch, &values, &wanted))))
}

fn is_match(branch: &Branch, values: &EventValues<'_>, wanted: &Wanted<'_>) -> bool {
    let mut fields = Vec::new();
    for field in branch.fields() {
        let candidates = candidates(field, values, wanted);
        if candidates.are_none() {
            return false;
        }
        fields.push(candidates);
    }
    choice::exists(&values.scopes, &fields)
}

/// What an event has for a field.
pub(super) fn candidates(field: &Field, values: &EventValues<'_>, wanted: &Wanted<'_>) -> Candidates {
    let values = wanted.index(&field.path).map_or(&[][..], |path| values.at(path));
    let scope = |placed: &Placed<'_>| placed.scope;
    let satisfying = values.iter().filter(|placed| field.is_satisfied_by(&placed.value)).map(scope);
    Candidates::new(satisfying, field.may_be_absent().then(|| values.iter().map(scope)))
}
