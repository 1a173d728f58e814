//! Folding of indexes: what makes matching fast again after many rules have come and gone.
//!
//! It takes a time that grows with all rules of a bus, so no request does it. Rules come and go meanwhile; they are in the
//! folded index when it takes its place.

use std::sync::Arc;

use super::Engine;

impl Engine {
    /// Ends when an index may have to be folded.
    pub async fn wants_folding(&self) {
        self.folding.notified().await;
    }

    /// Folds every index that wants it. Blocks for as long as that takes.
    pub fn fold_indexes(&self) {
        let wanting: Vec<_> = {
            let registry = self.registry();
            let wanting = registry.indexes().filter(|(_, index)| index.wants_folding());
            wanting.map(|(bus, index)| (bus.clone(), Arc::clone(index))).collect()
        };
        for (bus, before) in wanting {
            let folded = before.folded();
            let _changing = self.begin_change();
            let Some(now) = self.registry().index(&bus) else { continue };
            let index = Arc::new(now.with_folded(&before, &folded));
            self.registry_mut().replace_index(&bus, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use eventyard_core::name::{EventBusKey, EventBusName, RuleKey, RuleName};
    use eventyard_core::rule::{Rule, RuleState};
    use eventyard_core::tag::Tags;

    use crate::engine::PutRule;
    use crate::engine::testing::{TestEngine, caller};

    /// Rules that make an index want to be folded.
    const RULES: usize = 1_200;

    #[tokio::test]
    async fn many_rules_one_by_one_are_folded_and_match_as_before() {
        let test = TestEngine::new();
        let caller = caller("111111111111", None);
        let bus = EventBusKey { account: caller.account, region: caller.region, name: EventBusName::default_bus() };
        for number in 0..RULES {
            let rule = Rule {
                event_pattern: Some(format!("{{\"n\": [{}]}}", number % 100)),
                schedule_expression: None,
                state: RuleState::Enabled,
                description: None,
                role_arn: None,
                managed_by: None,
                tags: Tags::default(),
            };
            let key = RuleKey { bus: bus.clone(), name: RuleName::parse(&format!("r{number}")).unwrap() };
            test.engine.put_rule(PutRule { caller: key.bus.account.clone(), key, rule }).unwrap();
        }
        let index = || test.engine.registry().index(&bus).unwrap();
        let matching = || index().matching("{\"n\": 7}").unwrap().len();
        assert_eq!((index().wants_folding(), matching()), (true, RULES / 100));
        // Putting the rules has said so.
        test.engine.wants_folding().await;
        test.engine.fold_indexes();
        assert_eq!((index().wants_folding(), matching()), (false, RULES / 100));
    }
}
