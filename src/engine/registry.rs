//! All resources in memory: event buses with their rules, rules with their targets, and targets by number for deliveries.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use eventyard_core::arn;
use eventyard_core::clock::Timestamp;
use eventyard_core::deduplication::EventBusOptions;
use eventyard_core::delivery_options::{DeliveryOptions, Order};
use eventyard_core::error::ServiceError;
use eventyard_core::event_bus::EventBus;
use eventyard_core::input::JsonPath;
use eventyard_core::name::{
    AccountId, EventBusKey, EventBusName, Region, RuleKey, RuleName, RuleNumber, TargetId, TargetNumber,
};
use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, PatternLimits};
use eventyard_core::policy::Policy;
use eventyard_core::rule::Rule;
use eventyard_core::rule_options::RuleOptions;
use eventyard_core::schedule::RuleSchedule;
use eventyard_core::tag::Tags;
use eventyard_core::target::{CompiledTarget, Target};

use super::EngineError;
use super::schedules::schedule_of;
use super::timetable::Timetable;
use crate::store::{Contents, RemovedTarget, StoredRule};

/// A target as deliveries need it.
#[derive(Debug)]
pub struct ActiveTarget {
    /// Its rule.
    pub rule: RuleKey,
    /// The ARN of its rule.
    pub rule_arn: String,
    /// As its owner put it.
    pub target: Target,
    /// Its parts, read.
    pub compiled: Arc<CompiledTarget>,
    /// What the tags of its rule say about it.
    pub options: DeliveryOptions,
    /// The order that it keeps.
    pub order: Order,
}

impl ActiveTarget {
    fn new(key: &RuleKey, rule: &Rule, target: Target, compiled: Arc<CompiledTarget>) -> Arc<Self> {
        // The tags were checked when they were put.
        let options = RuleOptions::from_tags(&rule.tags).unwrap_or_default().delivery.of(&target.id);
        let order = options.order_of(&compiled);
        Arc::new(Self { rule: key.clone(), rule_arn: arn::rule_arn(key), target, compiled, options, order })
    }
}

/// A rule with its targets.
#[derive(Debug)]
pub(super) struct RuleEntry {
    pub(super) stored: StoredRule,
    pub(super) targets: BTreeMap<TargetId, (TargetNumber, Arc<ActiveTarget>)>,
}

impl RuleEntry {
    /// Reads again what the tags say about the targets.
    fn renew_targets(&mut self, key: &RuleKey, targets: &mut HashMap<TargetNumber, Arc<ActiveTarget>>) {
        for (number, active) in self.targets.values_mut() {
            let (target, compiled) = (active.target.clone(), Arc::clone(&active.compiled));
            *active = ActiveTarget::new(key, &self.stored.rule, target, compiled);
            targets.insert(*number, Arc::clone(active));
        }
    }

    /// The numbers of its targets.
    pub(super) fn target_numbers(&self) -> impl Iterator<Item = TargetNumber> {
        self.targets.values().map(|(number, _)| *number)
    }
}

/// An event bus with its rules.
#[derive(Debug)]
pub(super) struct BusEntry {
    pub(super) rules: BTreeMap<RuleName, RuleEntry>,
    /// The enabled rules that have a pattern.
    index: Arc<RuleIndex<RuleNumber>>,
}

/// All resources.
#[derive(Debug)]
pub(super) struct Registry {
    /// The event buses that exist beside the default ones, and the default ones that were ever changed.
    event_buses: BTreeMap<EventBusKey, EventBus>,
    /// Where events of a bus say by what they are known, of the buses that have it said.
    deduplication_paths: HashMap<EventBusKey, Arc<JsonPath>>,
    /// The event buses that have rules.
    buses: BTreeMap<EventBusKey, BusEntry>,
    rule_keys: HashMap<RuleNumber, RuleKey>,
    targets: HashMap<TargetNumber, Arc<ActiveTarget>>,
    removed_targets: HashMap<TargetNumber, Arc<RemovedTarget>>,
    timetable: Timetable,
    next_number: u64,
    created: Timestamp,
}

impl Registry {
    pub(super) fn load(contents: Contents) -> Result<Self, EngineError> {
        let mut registry = Self {
            event_buses: BTreeMap::new(),
            deduplication_paths: HashMap::new(),
            buses: BTreeMap::new(),
            rule_keys: HashMap::new(),
            targets: HashMap::new(),
            removed_targets: contents
                .removed_targets
                .into_iter()
                .map(|(number, target)| (number, Arc::new(target)))
                .collect(),
            timetable: Timetable::default(),
            next_number: contents.next_number,
            created: contents.created,
        };
        for (key, bus) in contents.event_buses {
            registry.put_event_bus(key, bus);
        }
        // Patterns were checked when they were put; limits that were lowered since do not disable them.
        let lifted = PatternLimits { wildcard_complexity_max: None, branches_max: None };
        let mut patterns: BTreeMap<EventBusKey, Vec<(RuleNumber, Arc<EventPattern>)>> = BTreeMap::new();
        for (key, stored) in contents.rules {
            let unusable = |reason: String| EngineError::Unusable {
                resource: format!("the rule {}", arn::rule_arn(&key)),
                reason,
            };
            let pattern =
                stored.rule.event_pattern.as_deref().map(|text| EventPattern::parse(text, &lifted)).transpose();
            if let (Some(pattern), true) =
                (pattern.map_err(|error| unusable(error.to_string()))?, stored.rule.state.is_enabled())
            {
                patterns.entry(key.bus.clone()).or_default().push((stored.number, Arc::new(pattern)));
            }
            let schedule = schedule_of(&stored).map_err(unusable)?;
            registry.insert_rule_entry(key, stored, schedule);
        }
        for (bus, patterns) in patterns {
            registry.bus_mut(&bus).index = Arc::new(patterns.into_iter().collect());
        }
        for (key, stored) in contents.targets {
            let resource = || format!("the target {} of the rule {}", stored.target.id, arn::rule_arn(&key));
            let compiled = stored
                .target
                .compile()
                .map_err(|error| EngineError::Unusable { resource: resource(), reason: error.message })?;
            registry.put_target(&key, stored.number, stored.target, compiled);
        }
        Ok(registry)
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        (self.rule_keys.len(), self.targets.len())
    }

    /// The event bus, when it exists. The default bus of every account and region does.
    pub(super) fn event_bus(&self, key: &EventBusKey) -> Option<EventBus> {
        let existing = self.event_buses.get(key).cloned();
        existing.or_else(|| key.name.is_default().then(|| EventBus::new(self.created)))
    }

    /// The names of the event buses of an account in a region, in their order; the default bus is among them.
    pub(super) fn event_bus_names(&self, account: &AccountId, region: &Region) -> BTreeSet<EventBusName> {
        let first = EventBusKey { account: account.clone(), region: region.clone(), name: EventBusName::first() };
        let keys = self.event_buses.range(first..).map(|(key, _)| key);
        let own = keys.take_while(|key| key.account == *account && key.region == *region);
        own.map(|key| key.name.clone()).chain([EventBusName::default_bus()]).collect()
    }

    /// The policy of an event bus; none when it has none, or is not there.
    pub(super) fn policy(&self, key: &EventBusKey) -> Option<Arc<Policy>> {
        self.event_buses.get(key)?.policy.clone()
    }

    /// Where events of a bus say by what they are known; none where they do not.
    pub(super) fn deduplication_path(&self, key: &EventBusKey) -> Option<Arc<JsonPath>> {
        self.deduplication_paths.get(key).cloned()
    }

    pub(super) fn require_bus(&self, key: &EventBusKey) -> Result<EventBus, ServiceError> {
        self.event_bus(key).ok_or_else(|| ServiceError::not_found(format!("Event bus {} does not exist.", key.name)))
    }

    /// The rule, or Amazon's words when it or its event bus is not there.
    pub(super) fn require_rule(&self, key: &RuleKey) -> Result<&RuleEntry, ServiceError> {
        self.require_bus(&key.bus)?;
        let missing =
            || ServiceError::not_found(format!("Rule {} does not exist on EventBus {}.", key.name, key.bus.name));
        self.rule(key).ok_or_else(missing)
    }

    pub(super) fn rule(&self, key: &RuleKey) -> Option<&RuleEntry> {
        self.buses.get(&key.bus)?.rules.get(&key.name)
    }

    /// The rules of a bus in the order of their names.
    pub(super) fn rules(&self, bus: &EventBusKey) -> impl Iterator<Item = (&RuleName, &RuleEntry)> {
        self.buses.get(bus).into_iter().flat_map(|bus| &bus.rules)
    }

    /// The rules of a bus from a name on, in the order of their names.
    pub(super) fn rules_from<'a>(
        &'a self,
        bus: &EventBusKey,
        begin: Bound<&str>,
    ) -> impl Iterator<Item = (&'a RuleName, &'a RuleEntry)> {
        let rules = self.buses.get(bus).map(|bus| bus.rules.range::<str, _>((begin, Bound::Unbounded)));
        rules.into_iter().flatten()
    }

    /// The rules of all buses.
    pub(super) fn all_rules(&self) -> impl Iterator<Item = (RuleKey, &RuleEntry)> {
        self.buses.iter().flat_map(|(bus, entry)| {
            entry.rules.iter().map(|(name, rule)| (RuleKey { bus: bus.clone(), name: name.clone() }, rule))
        })
    }

    pub(super) fn rule_count(&self, bus: &EventBusKey) -> usize {
        self.buses.get(bus).map_or(0, |bus| bus.rules.len())
    }

    /// What matches events of a bus; none when it has no rules.
    pub(super) fn index(&self, bus: &EventBusKey) -> Option<Arc<RuleIndex<RuleNumber>>> {
        self.buses.get(bus).map(|bus| Arc::clone(&bus.index))
    }

    /// The index of every bus.
    pub(super) fn indexes(&self) -> impl Iterator<Item = (&EventBusKey, &Arc<RuleIndex<RuleNumber>>)> {
        self.buses.iter().map(|(key, bus)| (key, &bus.index))
    }

    /// Takes another index of the same rules of a bus.
    pub(super) fn replace_index(&mut self, bus: &EventBusKey, index: Arc<RuleIndex<RuleNumber>>) {
        if let Some(bus) = self.buses.get_mut(bus) {
            bus.index = index;
        }
    }

    /// The targets of the rules with these numbers.
    pub(super) fn targets_of<'a>(&self, rules: impl IntoIterator<Item = &'a RuleNumber>) -> Vec<TargetNumber> {
        let entries = rules.into_iter().filter_map(|number| self.rule(self.rule_keys.get(number)?));
        entries.flat_map(|rule| rule.targets.values().map(|(number, _)| *number)).collect()
    }

    pub(super) fn rule_key(&self, number: RuleNumber) -> Option<&RuleKey> {
        self.rule_keys.get(&number)
    }

    pub(super) fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    pub(super) fn timetable_mut(&mut self) -> &mut Timetable {
        &mut self.timetable
    }

    pub(super) fn target(&self, number: TargetNumber) -> Option<Arc<ActiveTarget>> {
        self.targets.get(&number).cloned()
    }

    /// The target of this id at the rule of this ARN.
    pub(super) fn target_named(&self, rule_arn: &str, id: &str) -> Option<TargetNumber> {
        let is_it = |target: &ActiveTarget| target.rule_arn == rule_arn && target.target.id.as_str() == id;
        self.targets.iter().find(|(_, target)| is_it(target)).map(|(number, _)| *number)
    }

    pub(super) fn removed_target(&self, number: TargetNumber) -> Option<Arc<RemovedTarget>> {
        self.removed_targets.get(&number).cloned()
    }

    pub(super) fn removed_targets(&self) -> impl Iterator<Item = TargetNumber> {
        self.removed_targets.keys().copied()
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Creates or replaces a rule; its targets stay. `index` is what matches events of its bus from now on.
    pub(super) fn put_rule(
        &mut self,
        key: RuleKey,
        stored: StoredRule,
        index: Arc<RuleIndex<RuleNumber>>,
        schedule: Option<RuleSchedule>,
    ) {
        self.next_number = self.next_number.max(stored.number.0 + 1);
        self.bus_mut(&key.bus).index = index;
        self.insert_rule_entry(key, stored, schedule);
    }

    /// Creates or replaces an event bus.
    pub(super) fn put_event_bus(&mut self, key: EventBusKey, bus: EventBus) {
        // The tags were checked when they were put.
        match EventBusOptions::from_tags(&bus.tags).unwrap_or_default().deduplication_path {
            Some(path) => self.deduplication_paths.insert(key.clone(), Arc::new(path)),
            None => self.deduplication_paths.remove(&key),
        };
        self.event_buses.insert(key, bus);
    }

    /// Deletes an event bus, which has no rules.
    pub(super) fn delete_event_bus(&mut self, key: &EventBusKey) {
        self.event_buses.remove(key);
        self.deduplication_paths.remove(key);
        self.buses.remove(key);
    }

    /// Replaces the tags of a rule, and with them how its schedule runs.
    pub(super) fn put_rule_tags(&mut self, key: &RuleKey, tags: Tags, schedule: Option<RuleSchedule>) {
        let entry = self.buses.get_mut(&key.bus).and_then(|bus| bus.rules.get_mut(&key.name));
        if let Some(entry) = entry {
            entry.stored.rule.tags = tags;
            self.timetable.put(entry.stored.number, schedule);
            entry.renew_targets(key, &mut self.targets);
        }
    }

    fn insert_rule_entry(&mut self, key: RuleKey, stored: StoredRule, schedule: Option<RuleSchedule>) {
        self.timetable.put(stored.number, schedule);
        self.rule_keys.insert(stored.number, key.clone());
        let existing = self.buses.get_mut(&key.bus).and_then(|bus| bus.rules.get_mut(&key.name));
        if let Some(entry) = existing {
            entry.stored = stored;
            entry.renew_targets(&key, &mut self.targets);
        } else {
            self.bus_mut(&key.bus).rules.insert(key.name, RuleEntry { stored, targets: BTreeMap::new() });
        }
    }

    /// Deletes a rule. `index` is what matches events of its bus from now on.
    pub(super) fn delete_rule(&mut self, key: &RuleKey, index: Arc<RuleIndex<RuleNumber>>) {
        let Some(bus) = self.buses.get_mut(&key.bus) else { return };
        let Some(entry) = bus.rules.remove(&key.name) else { return };
        bus.index = index;
        self.rule_keys.remove(&entry.stored.number);
        self.timetable.put(entry.stored.number, None);
    }

    pub(super) fn put_target(
        &mut self,
        rule: &RuleKey,
        number: TargetNumber,
        target: Target,
        compiled: CompiledTarget,
    ) {
        let id = target.id.clone();
        let Some(entry) = self.bus_mut(&rule.bus).rules.get_mut(&rule.name) else { return };
        let active = ActiveTarget::new(rule, &entry.stored.rule, target, Arc::new(compiled));
        entry.targets.insert(id, (number, Arc::clone(&active)));
        self.targets.insert(number, active);
        self.next_number = self.next_number.max(number.0 + 1);
    }

    pub(super) fn remove_target(&mut self, rule: &RuleKey, id: &TargetId, removed: RemovedTarget) {
        let Some(entry) = self.buses.get_mut(&rule.bus).and_then(|bus| bus.rules.get_mut(&rule.name)) else { return };
        if let Some((number, _)) = entry.targets.remove(id) {
            self.targets.remove(&number);
            self.removed_targets.insert(number, Arc::new(removed));
        }
    }

    pub(super) fn forget_target(&mut self, number: TargetNumber) {
        self.removed_targets.remove(&number);
    }

    fn bus_mut(&mut self, key: &EventBusKey) -> &mut BusEntry {
        let empty = || BusEntry { rules: BTreeMap::new(), index: Arc::new(RuleIndex::new()) };
        self.buses.entry(key.clone()).or_insert_with(empty)
    }
}

/// What a client may see of a rule.
pub(super) fn rule_of(entry: &RuleEntry) -> &Rule {
    &entry.stored.rule
}
