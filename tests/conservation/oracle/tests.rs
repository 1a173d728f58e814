//! That the oracle bites: each test breaks one thing on purpose.

use super::{Arrival, ORDERED, Oracle, TARGETS, envelope};
use crate::facts::{Fact, Has};
use serde_json::{Value, json};

const ID: &str = "00000000-0000-4000-8000-00000000000";

const NOTHING: Has = Has { disk: false, clock: false, compiler: false };

fn name(n: u64) -> String {
    format!("{ID}{n}")
}

fn arrival(target: usize) -> Arrival {
    Arrival { target, attempt: 1, is_taken: true, is_told_to_wait: false }
}

fn arrive(oracle: &mut Oracle, target: usize, event: &Value) {
    oracle.arrive(event.to_string().as_bytes(), arrival(target));
}

/// Four events, all acknowledged and taken, but for the deliveries that `is_dropped` names.
fn played(is_dropped: impl Fn(u64, usize) -> bool) -> Oracle {
    let mut oracle = Oracle::default();
    let numbers = [0, 1, 2, 3];
    oracle.send(&numbers);
    for n in numbers {
        oracle.acknowledge(n, &name(n));
        for target in 0..TARGETS.len() {
            if super::GROUPS[target].contains(&(n % 4)) && !is_dropped(n, target) {
                arrive(&mut oracle, target, &envelope(n, &name(n)));
            }
        }
    }
    oracle
}

#[track_caller]
fn assert_bites(mut oracle: Oracle, what: &str) {
    oracle.end_round();
    assert!(oracle.violations().iter().any(|text| text.contains(what)), "{what:?} in {:?}", oracle.violations());
}

#[test]
fn what_adds_up_passes_and_is_counted() {
    let mut oracle = played(|_, _| false);
    let figures = oracle.end_round();
    assert_eq!(oracle.violations(), &[] as &[String]);
    assert_eq!((figures.sent, figures.acknowledged, figures.ids), (4, 4, 4));
    assert_eq!((figures.delivered, figures.duplicates, figures.dead), (12, 0, 0));
}

#[test]
fn one_arrival_that_is_dropped_is_a_loss() {
    assert_bites(played(|n, target| (n, target) == (2, 3)), "lost: event 2");
}

#[test]
fn an_arrival_that_was_not_taken_is_a_loss() {
    let mut oracle = played(|n, target| (n, target) == (2, 3));
    oracle.arrive(envelope(2, &name(2)).to_string().as_bytes(), Arrival { is_taken: false, ..arrival(3) });
    assert_bites(oracle, "lost: event 2");
}

#[test]
fn an_acknowledgement_that_was_made_up_is_a_loss() {
    let mut oracle = played(|_, _| false);
    oracle.acknowledge(1, &name(9));
    assert_bites(oracle, "lost: event 1");
}

#[test]
fn a_dead_letter_is_no_loss_but_that_of_another_target_is() {
    let letter = |target: &str| json!({"target_id": target, "event": envelope(2, &name(2))});
    let mut oracle = played(|n, target| (n, target) == (2, 3));
    oracle.bury(&letter("choosy"));
    assert_eq!(oracle.end_round().dead, 1);
    assert_eq!(oracle.violations(), &[] as &[String]);
    let mut oracle = played(|n, target| (n, target) == (2, 3));
    oracle.bury(&letter("impatient"));
    assert_bites(oracle, "lost: event 2");
}

#[test]
fn a_copy_in_the_queue_must_be_of_an_event_that_was_sent() {
    let copy = |event: &Value| json!({"MessageBody": event.to_string()}).to_string();
    let mut oracle = played(|_, _| false);
    oracle.copy(copy(&envelope(1, &name(1))).as_bytes());
    oracle.end_round();
    assert_eq!(oracle.violations(), &[] as &[String]);
    oracle.copy(b"{}");
    assert_bites(oracle, "the queue got no event");
    let mut oracle = played(|_, _| false);
    oracle.copy(copy(&envelope(5, &name(5))).as_bytes());
    assert_bites(oracle, "which was never sent");
}

#[test]
fn an_event_behind_a_later_one_of_its_lane_shows_at_the_ordered_target() {
    let arrive_as = |oracle: &mut Oracle, order: &[u64]| {
        for n in order {
            arrive(oracle, ORDERED, &envelope(*n, &name(*n)));
        }
    };
    let mut oracle = played(|_, target| target == ORDERED);
    arrive_as(&mut oracle, &[0, 1, 0, 1]);
    oracle.end_round();
    assert_eq!(oracle.violations(), &[] as &[String]);
    let mut oracle = played(|_, target| target == ORDERED);
    arrive_as(&mut oracle, &[1, 0]);
    assert_bites(oracle, "lane 0: event 1 came before event 0");
    let mut oracle = played(|_, target| target == ORDERED);
    oracle.exhume(&json!({"target_id": TARGETS[ORDERED], "event": envelope(0, &name(0))}));
    arrive_as(&mut oracle, &[1, 0]);
    oracle.end_round();
    assert_eq!(oracle.violations(), &[] as &[String]);
}

#[test]
fn what_nobody_sent_is_made_up() {
    let mut oracle = played(|_, _| false);
    arrive(&mut oracle, 0, &envelope(4, &name(4)));
    assert_bites(oracle, "which was never sent");
    let mut oracle = played(|_, _| false);
    arrive(&mut oracle, 0, &json!({"id": name(1), "source": "conservation"}));
    assert_bites(oracle, "what was never sent");
}

#[test]
fn more_ids_than_requests_are_made_up() {
    let mut oracle = played(|_, _| false);
    arrive(&mut oracle, 0, &envelope(1, &name(9)));
    assert_bites(oracle, "has 2 ids and was sent 1 times");
}

#[test]
fn a_second_id_of_what_is_known_by_its_key_shows_though_it_was_sent_twice() {
    let sent_twice = || {
        let mut oracle = played(|_, _| false);
        oracle.know(&[1]);
        oracle.send(&[1]);
        oracle
    };
    let mut oracle = sent_twice();
    oracle.acknowledge(1, &name(1));
    oracle.end_round();
    assert_eq!(oracle.violations(), &[] as &[String], "the first id is the right answer");
    let mut oracle = sent_twice();
    oracle.acknowledge(1, &name(9));
    assert_bites(oracle, "always sent under one Idempotency-Key");
    let mut oracle = sent_twice();
    arrive(&mut oracle, 0, &envelope(1, &name(9)));
    assert_bites(oracle, "always sent under one Idempotency-Key");
    let mut oracle = played(|_, _| false);
    oracle.acknowledge(1, &name(1));
    assert_bites(oracle, "was given to 1 and to 1");
}

#[test]
fn what_met_a_closed_port_was_not_sent() {
    let mut oracle = played(|_, _| false);
    oracle.send(&[1]);
    oracle.unsend(&[1]);
    arrive(&mut oracle, 0, &envelope(1, &name(9)));
    assert_bites(oracle, "has 2 ids and was sent 1 times");
}

#[test]
fn one_id_for_two_events_shows() {
    let mut oracle = played(|_, _| false);
    oracle.acknowledge(3, &name(2));
    assert_bites(oracle, "was given to 2 and to 3");
}

#[test]
fn a_changed_payload_shows() {
    for (path, value) in
        [("detail", json!({"n": 1})), ("time", json!("")), ("resources", json!([])), ("more", json!(1))]
    {
        let mut event = envelope(1, &name(1));
        event[path] = value;
        let mut oracle = played(|_, _| false);
        arrive(&mut oracle, 0, &event);
        assert_bites(oracle, "changed");
    }
    let mut oracle = played(|_, _| false);
    oracle.arrive(b"{\"id\":", arrival(0));
    assert_bites(oracle, "no JSON");
}

#[test]
fn an_event_at_the_wrong_target_shows() {
    let mut oracle = played(|_, _| false);
    arrive(&mut oracle, 1, &envelope(2, &name(2)));
    assert_bites(oracle, "no rule has for it");
}

#[test]
fn duplicates_are_counted_and_no_fault() {
    let mut oracle = played(|_, _| false);
    arrive(&mut oracle, 0, &envelope(1, &name(1)));
    assert_eq!(oracle.end_round().duplicates, 1);
    assert_eq!(oracle.violations(), &[] as &[String]);
    assert!(!oracle.facts.missing(NOTHING).contains(&Fact::DeliveredTwice));
}

#[test]
fn a_late_arrival_of_a_round_that_is_over_is_only_read() {
    let mut oracle = played(|_, _| false);
    oracle.end_round();
    arrive(&mut oracle, 0, &envelope(1, &name(1)));
    assert_eq!(oracle.end_round().delivered, 0);
    assert_eq!(oracle.violations(), &[] as &[String]);
}

#[test]
fn a_schedule_fires_each_minute_once() {
    let fire = |oracle: &mut Oracle, time: &str, id: &str| {
        arrive(oracle, 0, &json!({"id": id, "source": "aws.events", "time": time, "resources": ["rule"]}));
    };
    let mut oracle = Oracle::default();
    fire(&mut oracle, "2026-01-01T00:00:00Z", "a");
    fire(&mut oracle, "2026-01-01T00:01:00Z", "b");
    fire(&mut oracle, "2026-01-01T00:01:00Z", "b");
    assert_eq!(oracle.end_round().firings, 2);
    assert_eq!(oracle.violations(), &[] as &[String]);
    fire(&mut oracle, "2026-01-01T00:01:00Z", "c");
    fire(&mut oracle, "2026-01-01T00:03:00Z", "d");
    assert_bites(oracle, "fired 2 times");
}

#[test]
fn a_minute_that_a_schedule_left_out_shows() {
    let mut oracle = Oracle::default();
    for time in ["2026-01-01T00:01:00Z", "2026-01-01T00:03:00Z"] {
        arrive(&mut oracle, 0, &json!({"id": time, "source": "aws.events", "time": time, "resources": ["rule"]}));
    }
    assert_bites(oracle, "and then for");
}

#[test]
fn a_fact_that_was_never_met_is_missing() {
    let mut oracle = Oracle::default();
    oracle.facts.meet(Fact::Fired);
    let missing = oracle.facts.missing(Has { disk: true, ..NOTHING });
    assert!(missing.contains(&Fact::KilledWhileOwing) && missing.contains(&Fact::RefusedByFullDisk));
    assert!(!missing.contains(&Fact::LostPower));
    assert!(!missing.contains(&Fact::Fired) && !missing.contains(&Fact::ClockBack));
}
