//! The search finds what trying everything finds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::pattern::scopes::EVENT;

/// A tree of arrays, as opened and closed one after another: in the scope of that place, an array of so many elements.
fn scopes(arrays: &[(usize, usize)]) -> (Scopes, Vec<ScopeId>) {
    fn open(scopes: &mut Scopes, all: &mut Vec<ScopeId>, scope: ScopeId, depth: usize, arrays: &[(usize, usize)]) {
        for &(at, elements) in arrays.iter().filter(|(at, _)| *at == depth) {
            let array = scopes.open_array();
            for _ in 0..elements {
                let element = scopes.open_element(array, scope);
                all.push(element);
                open(scopes, all, element, at + 1, arrays);
                scopes.close_element(element);
            }
            scopes.close_array(array);
        }
    }
    let (mut scopes, mut all) = (Scopes::new(), vec![EVENT]);
    open(&mut scopes, &mut all, EVENT, 0, arrays);
    (scopes, all)
}

/// Of each array around a scope, the element that it is in.
fn elements(scopes: &Scopes, mut scope: ScopeId) -> BTreeMap<ArrayId, ScopeId> {
    let mut elements = BTreeMap::new();
    while let Some((array, parent)) = scopes.array_of(scope) {
        elements.insert(array, scope);
        scope = parent;
    }
    elements
}

/// Whether values can be chosen for all fields: by trying each one. A value goes with those chosen before when it is in no
/// other element of an array than they are; absence does when no value would.
fn can_choose(scopes: &Scopes, fields: &[Candidates], chosen: &BTreeMap<ArrayId, ScopeId>) -> bool {
    let Some((field, rest)) = fields.split_first() else { return true };
    let goes = |scope: ScopeId| {
        let elements = elements(scopes, scope);
        elements
            .iter()
            .all(|(array, element)| chosen.get(array).is_none_or(|other| other == element))
            .then_some(elements)
    };
    let is_absent = field.absence.as_ref().is_some_and(|values| !values.iter().any(|&scope| goes(scope).is_some()));
    (is_absent && can_choose(scopes, rest, chosen))
        || field.satisfying.iter().filter_map(|&scope| goes(scope)).any(|elements| {
            let chosen = chosen.clone().into_iter().chain(elements).collect();
            can_choose(scopes, rest, &chosen)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_found_is_what_trying_everything_finds(
        arrays in prop::collection::vec((0_usize..3, 1_usize..4), 0..5),
        fields in prop::collection::vec(
            (prop::collection::vec(any::<prop::sample::Index>(), 0..5), prop::option::of(prop::collection::vec(any::<prop::sample::Index>(), 0..3))),
            0..6,
        ),
    ) {
        let (scopes, all) = scopes(&arrays);
        let field = |(satisfying, others): (Vec<prop::sample::Index>, Option<Vec<prop::sample::Index>>)| {
            let satisfying: Vec<_> = satisfying.iter().map(|place| *place.get(&all)).collect();
            let values = others.map(|others| others.iter().map(|place| *place.get(&all)).chain(satisfying.clone()).collect::<Vec<_>>());
            Candidates::new(satisfying.iter().copied(), values.map(Vec::into_iter))
        };
        let fields: Vec<_> = fields.into_iter().map(field).collect();
        let satisfiable = (0..=fields.len()).take_while(|&length| can_choose(&scopes, &fields[..length], &BTreeMap::new())).count() - 1;
        match find(&scopes, &fields) {
            Ok(choices) => prop_assert_eq!((choices.len(), satisfiable), (fields.len(), fields.len())),
            Err(furthest) => prop_assert_eq!(furthest, satisfiable),
        }
    }
}
