//! Schedules over a clock that is moved and a disk that loses power.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::arn::TaggableResource;
use eventyard_core::clock::{Clock as _, Timestamp};
use eventyard_core::error::ServiceError;
use eventyard_core::event::EventId;
use eventyard_core::name::{EventBusKey, EventBusName, RuleKey, RuleName, TargetId, TargetNumber};
use eventyard_core::rule::{Rule, RuleState};
use eventyard_core::schedule::{Dialect, ScheduleExpression, Timezone};
use eventyard_core::tag::Tags;
use eventyard_core::target::Target;

use crate::engine::PutRule;
use crate::engine::testing::{MovedClock, TestEngine, caller};
use crate::journal::model_disk::ModelDisk;
use crate::journal::{Settled, Settlement};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn start_of_2024() -> Timestamp {
    Timestamp::parse_rfc3339("2024-01-01T00:00:30Z").unwrap()
}

/// An engine with a clock and a disk that outlive it.
struct Yard {
    clock: Arc<MovedClock>,
    disk: Arc<ModelDisk>,
    test: TestEngine,
    /// What every rule sent, by its name: due time and id.
    sent: BTreeMap<String, Vec<(String, EventId)>>,
}

impl Yard {
    fn new() -> Self {
        let (clock, disk) = (MovedClock::at(start_of_2024()), Arc::<ModelDisk>::default());
        let test = TestEngine::open(tempfile::tempdir().unwrap(), Arc::clone(&disk), clock.clone());
        Self { clock, disk, test, sent: BTreeMap::new() }
    }

    /// As after a loss of power that let so many of the writes without fsync through.
    async fn restart(self, kept: usize) -> Self {
        let disk = Arc::new(self.disk.lose_power(kept));
        let folder = self.test.close().await;
        let test = TestEngine::open(folder, Arc::clone(&disk), self.clock.clone());
        Self { disk, test, ..self }
    }

    fn key(name: &str) -> RuleKey {
        let caller = caller("111122223333", None);
        let bus = EventBusKey { account: caller.account, region: caller.region, name: EventBusName::default_bus() };
        RuleKey { bus, name: RuleName::parse(name).unwrap() }
    }

    fn put(&self, name: &str, expression: &str, tags: &[(&str, &str)]) -> Result<(), ServiceError> {
        let pairs = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let rule = Rule {
            event_pattern: None,
            schedule_expression: Some(expression.to_owned()),
            state: RuleState::Enabled,
            description: None,
            role_arn: None,
            managed_by: None,
            tags: Tags::parse(pairs).unwrap(),
        };
        let key = Self::key(name);
        self.test.engine.put_rule(PutRule { caller: key.bus.account.clone(), key: key.clone(), rule })?;
        let target = Target::new(TargetId::parse("sink").unwrap(), "http://127.0.0.1:9/");
        self.test.engine.put_targets(&key, vec![target], false)
    }

    /// Fires all that is due and takes what was sent off the journal.
    async fn fire(&mut self) {
        while self.test.engine.fire_due().await.unwrap() {}
        self.take().await;
    }

    async fn take(&mut self) {
        let journal = &self.test.journal;
        for target in journal.targets_owed().unwrap() {
            let rule = self.test.engine.target(target).unwrap().rule.name.to_string();
            for pending in journal.ready(TargetNumber(target.0), None, usize::MAX).unwrap() {
                let event = journal.event(pending.delivery.event).unwrap();
                let envelope: serde_json::Value = serde_json::from_str(&event.envelope).unwrap();
                let due = envelope["time"].as_str().unwrap().to_owned();
                self.sent.entry(rule.clone()).or_default().push((due, event.id));
                journal
                    .settle(vec![Settled { pending, settlement: Settlement::Delivered, attempt: None }])
                    .await
                    .unwrap();
            }
        }
    }

    fn due(&self, name: &str) -> Vec<&str> {
        self.sent.get(name).into_iter().flatten().map(|(due, _)| due.as_str()).collect()
    }

    fn missed(&self) -> String {
        let metrics = self.test.telemetry.encode();
        let line = metrics.lines().find_map(|line| line.strip_prefix("eventyard_schedules_missed_total "));
        line.unwrap().to_owned()
    }
}

/// What an expression fires from `from` up to `until`, asked of the core alone.
fn expected(
    dialect: Dialect,
    expression: &str,
    zone: Option<Timezone>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<String> {
    let expression = ScheduleExpression::parse_as(dialect, expression).unwrap();
    let next = |after: &_| expression.next_after(*after, from.to_utc(), zone).filter(|due| *due <= until.to_utc());
    let dues = std::iter::successors(next(&from.to_utc()), next);
    dues.map(|due| Timestamp::from_millis(due.timestamp_millis()).unwrap().to_rfc3339_seconds()).collect()
}

#[tokio::test]
async fn five_years_fire_as_the_expressions_say() {
    let mut yard = Yard::new();
    let rules = [
        ("daily", "rate(1 day)", None),
        ("month-end", "cron(0 8 L * ? *)", None),
        ("leap-day", "cron(15 4 29 2 ? *)", None),
        ("office", "cron(30 2 ? * 2-6 *)", Some("Europe/Berlin")),
        ("never", "cron(0 0 31 2 ? *)", None),
    ];
    for (name, expression, zone) in rules {
        let tags: Vec<_> = zone.map(|zone| ("eventyard:timezone", zone)).into_iter().collect();
        yard.put(name, expression, &tags).unwrap();
    }
    let (start, end) = (start_of_2024(), Timestamp::parse_rfc3339("2029-01-01T00:00:00Z").unwrap());
    while yard.clock.now() < end {
        yard.clock.advance(MINUTE * 47);
        yard.fire().await;
    }
    for (name, expression, zone) in rules {
        let dialect = if zone.is_some() { Dialect::Scheduler } else { Dialect::Rule };
        let zone = zone.map(|zone| Timezone::parse(zone).unwrap());
        assert_eq!(yard.due(name), expected(dialect, expression, zone, start, yard.clock.now()), "{name}");
    }
    assert_eq!((yard.due("daily").len(), yard.due("leap-day").len(), yard.due("never").len()), (1_827, 2, 0));
    assert_eq!(yard.missed(), "0");
}

#[tokio::test]
async fn a_crash_neither_loses_a_firing_nor_repeats_it() {
    // 0: power is lost before anything is written. 1: after the write, before anyone hears of it. 2: after all is done.
    for crash in 0..3 {
        for kept in 0..2 {
            let mut yard = Yard::new();
            yard.put("minutely", "rate(1 minute)", &[("eventyard:catch-up", "all")]).unwrap();
            yard.clock.advance(MINUTE);
            yard.fire().await;
            yard.clock.advance(MINUTE);
            match crash {
                0 => yard.disk.fail_after(0),
                1 => {}
                _ => yard.fire().await,
            }
            let fired = yard.test.engine.fire_due().await;
            assert_eq!(fired.is_err(), crash == 0);
            yard = yard.restart(kept).await;
            yard.fire().await;
            let mut sent = yard.sent["minutely"].clone();
            // What was sent and not settled on disk is sent again, under the same id.
            sent.dedup();
            sent.sort_unstable();
            sent.dedup();
            let dues: Vec<_> = sent.iter().map(|(due, _)| due.as_str()).collect();
            assert_eq!(dues, ["2024-01-01T00:01:30Z", "2024-01-01T00:02:30Z"], "crash {crash}, kept {kept}");
        }
    }
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_as_the_rule_says() {
    let mut yard = Yard::new();
    for policy in ["skip", "last", "all"] {
        yard.put(policy, "rate(1 minute)", &[("eventyard:catch-up", policy)]).unwrap();
    }
    yard.put("default", "rate(1 minute)", &[]).unwrap();
    yard.clock.advance(MINUTE);
    yard.fire().await;
    yard.sent.clear();
    yard = yard.restart(usize::MAX).await;
    yard.clock.advance(MINUTE * 5);
    yard.fire().await;
    let last = "2024-01-01T00:06:30Z";
    assert_eq!((yard.due("skip"), yard.due("last"), yard.due("default")), (vec![last], vec![last], vec![last]));
    assert_eq!(yard.due("all").len(), 5);
    assert_eq!(yard.missed(), "12");

    yard.sent.clear();
    yard = yard.restart(usize::MAX).await;
    yard.clock.advance(HOUR * 24);
    yard.fire().await;
    assert_eq!((yard.due("last").len(), yard.due("all").len()), (1, 61), "nothing older than the horizon");
}

#[tokio::test]
async fn a_clock_put_back_fires_nothing_twice() {
    let mut yard = Yard::new();
    yard.put("hourly", "rate(1 hour)", &[]).unwrap();
    yard.clock.advance(HOUR * 3);
    yard.fire().await;
    yard.clock.set(start_of_2024());
    yard = yard.restart(usize::MAX).await;
    for _ in 0..5 {
        yard.clock.advance(HOUR);
        yard.fire().await;
    }
    assert_eq!(yard.due("hourly"), ["2024-01-01T03:00:30Z", "2024-01-01T04:00:30Z", "2024-01-01T05:00:30Z"]);
}

#[tokio::test]
async fn changes_of_a_rule_act_at_once() {
    let mut yard = Yard::new();
    let key = Yard::key("tick");
    yard.put("tick", "rate(1 hour)", &[]).unwrap();
    yard.test.engine.set_rule_state(&key, RuleState::Disabled).unwrap();
    yard.clock.advance(HOUR * 5);
    yard.fire().await;
    assert!(yard.due("tick").is_empty(), "a disabled rule does not fire");

    yard.test.engine.set_rule_state(&key, RuleState::Enabled).unwrap();
    yard.fire().await;
    assert!(yard.due("tick").is_empty(), "nor does it make up for the time when it was");
    yard.clock.advance(MINUTE * 59);
    yard.put("tick", "rate(1 hour)", &[]).unwrap();
    yard.clock.advance(MINUTE);
    yard.fire().await;
    assert_eq!(yard.due("tick"), ["2024-01-01T06:00:30Z"], "putting the same rule again changes nothing");

    yard.put("tick", "cron(0/10 * * * ? *)", &[]).unwrap();
    yard.clock.advance(MINUTE * 10);
    yard.fire().await;
    assert_eq!(yard.due("tick")[1..], ["2024-01-01T06:10:00Z"]);

    yard.test.engine.remove_targets(&key, &[TargetId::parse("sink").unwrap()], false).unwrap();
    yard.test.engine.delete_rule(&key, false).unwrap();
    yard.clock.advance(HOUR);
    yard.fire().await;
    assert_eq!(yard.due("tick").len(), 2);
    assert_eq!(yard.test.journal.schedule_marks().unwrap().len(), 1);
    yard.test.engine.forget_deleted_schedules().await.unwrap();
    assert!(yard.test.journal.schedule_marks().unwrap().is_empty());
}

#[tokio::test]
async fn a_rule_of_the_same_name_starts_anew() {
    let mut yard = Yard::new();
    let key = Yard::key("tick");
    yard.put("tick", "rate(1 hour)", &[]).unwrap();
    yard.clock.advance(HOUR);
    yard.fire().await;
    yard.test.engine.remove_targets(&key, &[TargetId::parse("sink").unwrap()], false).unwrap();
    yard.test.engine.delete_rule(&key, false).unwrap();
    yard.clock.set(start_of_2024());
    yard.put("tick", "rate(1 hour)", &[]).unwrap();
    yard.clock.advance(HOUR);
    yard.fire().await;
    let sent = &yard.sent["tick"];
    assert_eq!(sent[0].0, sent[1].0);
    assert_ne!(sent[0].1, sent[1].1, "it is another rule, so another firing");
}

#[tokio::test]
async fn tags_act_at_once_and_are_checked_against_the_expression() {
    let mut yard = Yard::new();
    let resource = TaggableResource::Rule(Yard::key("once"));
    let at = "at(2024-01-01T09:00:00)";
    assert_eq!(yard.put("once", at, &[]).unwrap_err().message, "Parameter ScheduleExpression is not valid.");
    yard.put("once", at, &[("eventyard:timezone", "Asia/Tokyo")]).unwrap();
    let refused = yard.test.engine.untag_resource(&resource, &["eventyard:timezone".to_owned()]).unwrap_err();
    assert_eq!(refused.message, "Parameter ScheduleExpression is not valid.");
    let berlin = Tags::parse([("eventyard:timezone".to_owned(), "Europe/Berlin".to_owned())]).unwrap();
    yard.test.engine.tag_resource(&resource, berlin).unwrap();
    for _ in 0..24 {
        yard.clock.advance(HOUR);
        yard.fire().await;
    }
    assert_eq!(yard.due("once"), ["2024-01-01T08:00:00Z"]);
}

#[tokio::test]
async fn many_rules_fire_in_rounds() {
    let mut yard = Yard::new();
    for number in 0..1_200 {
        yard.put(&format!("r{number}"), "cron(0 12 * * ? *)", &[]).unwrap();
    }
    yard.clock.advance(HOUR * 12);
    yard.fire().await;
    assert_eq!(yard.sent.len(), 1_200);
    assert!(yard.sent.values().all(|sent| sent.len() == 1));
}
