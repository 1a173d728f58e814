//! The oracle: what was sent, what was acknowledged, what arrived where, and whether that adds up. It does nothing itself.
//!
//! Everything about an event but its id follows from its number, so what is lost, made up or changed on the way all shows.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use eventyard::runtime::Random;
use eventyard_core::clock::Timestamp;
use serde_json::{Value, json};

use crate::facts::{Fact, Facts};
use crate::firings::Firings;

/// The targets, by id.
pub(crate) const TARGETS: [&str; 5] = ["everything", "flaky", "impatient", "choosy", "forwarded"];
/// The one that is tried once more only, and has a dead-letter queue.
pub(crate) const IMPATIENT: usize = 2;
/// The groups of events that each target takes; an event is in group n mod 4.
pub(crate) const GROUPS: [&[u64]; TARGETS.len()] = [&[0, 1, 2, 3], &[0, 1], &[1, 2], &[2, 3], &[0, 3]];
/// The one that keeps an order by lane.
pub(crate) const ORDERED: usize = 1;
/// Four numbers are of one lane, then four of the next. A lane is of one client, which puts its numbers one after another.
pub(crate) const LANES: u64 = 16;
/// The source of all events but those of schedules.
pub(crate) const SOURCE: &str = "conservation";
/// What is wrong beyond is not kept: the first ones tell.
const VIOLATIONS_MAX: usize = 20;

/// An `EventId`.
pub(crate) type Id = u128;

/// The detail of event `n`. Now and then it is large, so that groups and segments end in different places.
fn detail(n: u64) -> Value {
    let random = Random::from_seed(n);
    let words = if random.next_u64().is_multiple_of(64) { 1_500 } else { random.next_u64() % 40 };
    let filling: Vec<String> = (0..words).map(|_| format!("{:x}", random.next_u64())).collect();
    json!({"n": n, "group": n % 4, "lane": lane(n), "filling": filling})
}

fn lane(n: u64) -> u64 {
    n / 4 % LANES
}

/// Event `n` as an entry of `PutEvents`.
pub(crate) fn entry(n: u64) -> Value {
    json!({
        "Source": SOURCE,
        "DetailType": "numbered",
        "Time": seconds(n),
        "Resources": [format!("number/{n}")],
        "Detail": detail(n).to_string(),
    })
}

/// The envelope of event `n` under the id it was given.
fn envelope(n: u64, id: &str) -> Value {
    let time = i64::try_from(seconds(n)).ok().and_then(|seconds| Timestamp::from_millis(seconds * 1_000));
    json!({
        "version": "0",
        "id": id,
        "detail-type": "numbered",
        "source": SOURCE,
        "account": "000000000000",
        "time": time.map(Timestamp::to_rfc3339_seconds),
        "region": "us-east-1",
        "resources": [format!("number/{n}")],
        "detail": detail(n),
    })
}

fn seconds(n: u64) -> u64 {
    1_700_000_000 + n
}

pub(crate) fn id(text: &str) -> Option<Id> {
    Id::from_str_radix(&text.replace('-', ""), 16).ok()
}

/// A request that reached a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Index into [`TARGETS`].
    pub(crate) target: usize,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
    /// Whether the target answered that it took the event.
    pub(crate) is_taken: bool,
    /// Whether it asked to be tried again later, in whole seconds.
    pub(crate) is_told_to_wait: bool,
}

/// What is known of one event at one target.
#[derive(Debug, Default)]
struct Seen {
    taken: u32,
    /// How many requests had come anywhere when it first came here; none when it never did.
    first: Option<u64>,
    generation: u32,
    is_told_to_wait: bool,
    is_dead: bool,
    /// Whether it was a dead letter that was sent again, which comes last.
    was_dead: bool,
}

/// What all clients and targets know.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// Events before it are of a round that is over. Divided by [`LANES`] and four it leaves nothing.
    first: u64,
    next: u64,
    arrivals: u64,
    /// How often each number was sent.
    sent: BTreeMap<u64, u32>,
    acknowledged: HashMap<Id, u64>,
    /// The number of every id that was seen anywhere.
    numbers: HashMap<Id, u64>,
    seen: [HashMap<Id, Seen>; TARGETS.len()],
    firings: Firings,
    /// Numbers that are sent under an Idempotency-Key, so that all of their ids are one.
    known: HashSet<u64>,
    /// How often the daemon was started.
    pub(crate) generation: u32,
    /// How often it ended otherwise than in order.
    pub(crate) kills: u32,
    pub(crate) facts: Facts,
    violations: Vec<String>,
}

/// What a round came to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) sent: usize,
    pub(crate) acknowledged: usize,
    pub(crate) ids: usize,
    pub(crate) delivered: usize,
    pub(crate) duplicates: usize,
    pub(crate) dead: usize,
    pub(crate) firings: usize,
}

impl Oracle {
    /// The first number that nobody has had when a round begins.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// To be told before they are sent.
    pub(crate) fn send(&mut self, numbers: &[u64]) {
        for n in numbers {
            let times = self.sent.entry(*n).or_default();
            *times += 1;
            self.next = self.next.max(n + 1);
            self.facts.meet_if(*times > 1, Fact::SentAgain);
        }
    }

    /// To be told before they are sent under an Idempotency-Key.
    pub(crate) fn know(&mut self, numbers: &[u64]) {
        self.known.extend(numbers);
    }

    /// To be told when nobody listened: they were not sent after all.
    pub(crate) fn unsend(&mut self, numbers: &[u64]) {
        for n in numbers {
            let times = self.sent.entry(*n).or_default();
            *times = times.saturating_sub(1);
        }
    }

    /// Event `n` was accepted under this id.
    pub(crate) fn acknowledge(&mut self, n: u64, text: &str) {
        let Some(id) = id(text) else { return self.violation(format!("'{text}' was answered as the id of event {n}")) };
        let other = self.acknowledged.insert(id, n);
        if let Some(other) = other.filter(|other| *other != n || !self.known.contains(&n)) {
            self.violation(format!("the id {text} was given to {other} and to {n}"));
        }
        self.identify(n, id);
    }

    /// A request reached a target, with this body.
    pub(crate) fn arrive(&mut self, body: &[u8], arrival: Arrival) {
        let target = arrival.target;
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return self.violation(format!("{} was sent no JSON", TARGETS[target]));
        };
        if self.firings.take(&event) {
            return;
        }
        let Some((n, id)) = self.check(target, &event) else { return };
        if n < self.first {
            // Of a round that is over: a target read late what was sent to it long ago.
            return;
        }
        let generation = self.generation;
        self.arrivals += 1;
        let seen = self.seen[target].entry(id).or_default();
        let is_after_restart = arrival.attempt > 1 && seen.generation != 0 && seen.generation < generation;
        let has_waited = seen.is_told_to_wait && arrival.is_taken;
        seen.first = seen.first.or(Some(self.arrivals));
        seen.generation = generation;
        seen.is_told_to_wait |= arrival.is_told_to_wait;
        seen.taken += u32::from(arrival.is_taken);
        let is_repeated = seen.taken > 1;
        self.facts.meet_if(is_after_restart, Fact::RetriedAfterRestart);
        self.facts.meet_if(has_waited, Fact::TakenAfterRetryAfter);
        self.facts.meet_if(is_repeated, Fact::DeliveredTwice);
    }

    /// A dead letter that stays one, as the admin listener shows it.
    pub(crate) fn bury(&mut self, letter: &Value) {
        if let Some((target, id)) = self.examine(letter) {
            self.seen[target].entry(id).or_default().is_dead = true;
        }
    }

    /// A dead letter that is about to be sent again.
    pub(crate) fn exhume(&mut self, letter: &Value) {
        if let Some((target, id)) = self.examine(letter) {
            self.seen[target].entry(id).or_default().was_dead = true;
        }
    }

    /// Whose a dead letter is, if it is of this round.
    fn examine(&mut self, letter: &Value) -> Option<(usize, Id)> {
        let name = letter["target_id"].as_str().unwrap_or_default();
        let Some(target) = TARGETS.iter().position(|target| *target == name) else {
            self.violation(format!("a dead letter of a target that is not there: {letter}"));
            return None;
        };
        if self.firings.take(&letter["event"]) {
            return None;
        }
        let (n, id) = self.check(target, &letter["event"])?;
        self.facts.meet_if(letter.get("EXHAUSTED_RETRY_CONDITION").is_some(), Fact::RetriesExhausted);
        (n >= self.first).then_some((target, id))
    }

    /// A call that reached the dead-letter queue: a copy of a dead letter of [`IMPATIENT`].
    pub(crate) fn copy(&mut self, call: &[u8]) {
        let call = serde_json::from_slice::<Value>(call).unwrap_or_default();
        let event = call["MessageBody"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let Some(event) = event else { return self.violation(format!("the queue got no event: {call}")) };
        if self.check(IMPATIENT, &event).is_some() {
            self.facts.meet(Fact::CopiedToQueue);
        }
    }

    /// The number and id of an event, once it is known to be what was sent, and owed to this target.
    fn check(&mut self, target: usize, event: &Value) -> Option<(u64, Id)> {
        let name = TARGETS[target];
        let text = event["id"].as_str().unwrap_or_default();
        let (Some(n), Some(id)) = (event["detail"]["n"].as_u64(), id(text)) else {
            self.violation(format!("{name} got what was never sent: {event}"));
            return None;
        };
        if n >= self.first && !self.sent.contains_key(&n) {
            self.violation(format!("{name} got event {n}, which was never sent"));
        }
        if !GROUPS[target].contains(&(n % 4)) {
            self.violation(format!("{name} got event {n}, which no rule has for it"));
        }
        if *event != envelope(n, text) {
            self.violation(format!("{name} got event {n} changed: {event}"));
        }
        if n >= self.first {
            self.identify(n, id);
        }
        Some((n, id))
    }

    fn identify(&mut self, n: u64, id: Id) {
        if let Some(other) = self.numbers.insert(id, n).filter(|other| *other != n) {
            self.violation(format!("the id {id:032x} is that of {other} and of {n}"));
        }
    }

    /// Acknowledged deliveries that no target has taken yet, and that are not known to be dead.
    fn owed(&self) -> impl Iterator<Item = (u64, Id, usize)> + '_ {
        self.acknowledged.iter().flat_map(move |(id, n)| {
            let owed = (0..TARGETS.len()).filter(move |target| GROUPS[*target].contains(&(n % 4)));
            let open =
                owed.filter(|target| self.seen[*target].get(id).is_none_or(|seen| seen.taken == 0 && !seen.is_dead));
            open.map(|target| (*n, *id, target))
        })
    }

    /// Whether something that was acknowledged is still on its way.
    pub(crate) fn is_owing(&self) -> bool {
        self.owed().next().is_some()
    }

    /// The same at one target.
    pub(crate) fn is_owing_to(&self, target: usize) -> bool {
        self.owed().any(|(_, _, owed)| owed == target)
    }

    /// What is on its way, and to which target.
    pub(crate) fn owed_now(&self) -> HashSet<(Id, usize)> {
        self.owed().map(|(_, id, target)| (id, target)).collect()
    }

    pub(crate) fn violation(&mut self, text: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(text);
        }
    }

    pub(crate) fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Acknowledged events that the ordered target saw for the first time after a later one of their lane. A client has one
    /// call under way and gets one id for each number, so the order of numbers is that of acceptance.
    fn disorder(&self) -> Vec<String> {
        let mut lanes: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        for (id, n) in &self.acknowledged {
            let seen = self.seen[ORDERED].get(id).filter(|seen| !seen.was_dead && !seen.is_dead);
            if let Some(first) = seen.and_then(|seen| seen.first) {
                lanes.entry(lane(*n)).or_default().push((first, *n));
            }
        }
        let mut faults = Vec::new();
        for (lane, mut events) in lanes {
            events.sort_unstable();
            let late = events.windows(2).filter(|pair| pair[0].1 > pair[1].1);
            faults.extend(late.map(|pair| format!("lane {lane}: event {} came before event {}", pair[0].1, pair[1].1)));
        }
        faults
    }

    /// Whether everything adds up, once nothing is owed any more and all dead letters are buried. The next round begins.
    pub(crate) fn end_round(&mut self) -> Figures {
        let lost: Vec<_> = self.owed().take(VIOLATIONS_MAX).collect();
        for (n, id, target) in lost {
            self.violation(format!("lost: event {n}, {id:032x}, at {}", TARGETS[target]));
        }
        for fault in self.disorder() {
            self.violation(fault);
        }
        let mut ids: BTreeMap<u64, u32> = BTreeMap::new();
        for n in self.numbers.values() {
            *ids.entry(*n).or_default() += 1;
        }
        for (n, count) in ids {
            let sent = self.sent.get(&n).copied().unwrap_or_default();
            if count > sent {
                self.violation(format!("event {n} has {count} ids and was sent {sent} times"));
            }
            if count > 1 && self.known.contains(&n) {
                self.violation(format!("event {n} has {count} ids and was always sent under one Idempotency-Key"));
            }
        }
        for fault in self.firings.faults() {
            self.violation(fault);
        }
        let unanswered = self.numbers.keys().any(|id| !self.acknowledged.contains_key(id));
        self.facts.meet_if(unanswered, Fact::AcceptedWithoutAnswer);
        let all = || self.seen.iter().flat_map(HashMap::values);
        let figures = Figures {
            sent: self.sent.len(),
            acknowledged: self.acknowledged.len(),
            ids: self.numbers.len(),
            delivered: all().filter(|seen| seen.taken > 0).count(),
            duplicates: all().map(|seen| seen.taken.saturating_sub(1) as usize).sum(),
            dead: all().filter(|seen| seen.is_dead).count(),
            firings: self.firings.count(),
        };
        self.first = self.next.next_multiple_of(4 * LANES);
        self.sent.clear();
        self.known.clear();
        self.acknowledged.clear();
        self.numbers.clear();
        self.seen = Default::default();
        figures
    }
}
