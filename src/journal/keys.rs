//! The keys of the journal: big-endian numbers one after another, so that the order of bytes is the order of meaning.

use std::fmt;

use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::Delivery;
use eventyard_core::event::EventId;
use eventyard_core::name::{EventNumber, RuleNumber, TargetNumber};

use super::{JournalError, Pending, Place};

/// `Space::Meta`: the number of the next event.
pub(super) const NEXT_EVENT: &[u8] = b"next_event";

/// `Space::Meta`: bytes of all dead letters.
pub(super) const DEAD_LETTER_BYTES: &[u8] = b"dead_letter_bytes";

/// `Space::Meta`: bytes of a segment, with the number of its first event behind it.
const SEGMENT_BYTES: &[u8] = b"segment_bytes ";

pub(super) fn segment_bytes(first: u64) -> Vec<u8> {
    [SEGMENT_BYTES, &first.to_be_bytes()].concat()
}

pub(super) fn event(number: EventNumber) -> Vec<u8> {
    number.0.to_be_bytes().to_vec()
}

pub(super) fn schedule(rule: RuleNumber) -> Vec<u8> {
    numbers([rule.0])
}

pub(super) fn parse_schedule(key: &[u8]) -> Result<RuleNumber, JournalError> {
    parse(key).map(|[rule]| RuleNumber(rule))
}

pub(super) fn parse_event(key: &[u8]) -> Result<EventNumber, JournalError> {
    parse(key).map(|[number]| EventNumber(number))
}

pub(super) fn ready(target: TargetNumber, event: EventNumber) -> Vec<u8> {
    numbers([target.0, event.0])
}

pub(super) fn later(target: TargetNumber, due: Timestamp, event: EventNumber) -> Vec<u8> {
    numbers([target.0, milliseconds(due), event.0])
}

/// Behind all keys of `target` and not behind any of the next one.
pub(super) fn target_end(target: TargetNumber) -> Vec<u8> {
    numbers([target.0.saturating_add(1)])
}

/// Behind all dead letters that died before `before`.
pub(super) fn dead_letters_end(before: Timestamp) -> Vec<u8> {
    numbers([milliseconds(before)])
}

pub(super) fn pending(pending: &Pending) -> Vec<u8> {
    let Delivery { event, target, .. } = pending.delivery;
    match pending.place {
        Place::Ready => ready(target, event),
        Place::Later(due) => later(target, due, event),
    }
}

pub(super) fn parse_target(key: &[u8]) -> Result<TargetNumber, JournalError> {
    key.first_chunk().map(|bytes| TargetNumber(u64::from_be_bytes(*bytes))).ok_or_else(|| damaged(key))
}

pub(super) fn parse_ready(key: &[u8]) -> Result<Pending, JournalError> {
    let [target, event] = parse(key)?;
    let delivery = Delivery { event: EventNumber(event), target: TargetNumber(target), attempts: 0 };
    Ok(Pending { delivery, place: Place::Ready })
}

pub(super) fn parse_later(key: &[u8], attempts: u32) -> Result<Pending, JournalError> {
    let [target, due, event] = parse(key)?;
    let due = i64::try_from(due).ok().and_then(Timestamp::from_millis).ok_or_else(|| damaged(key))?;
    let delivery = Delivery { event: EventNumber(event), target: TargetNumber(target), attempts };
    Ok(Pending { delivery, place: Place::Later(due) })
}

/// `Space::History`: the event's id, its number, the target, the attempt. An event that was sent again has another number.
pub(super) fn attempt(id: EventId, delivery: &Delivery, attempt: u32) -> Vec<u8> {
    let mut key = id.as_bytes().to_vec();
    key.extend(numbers([delivery.event.0, delivery.target.0]));
    key.extend(attempt.to_be_bytes());
    key
}

/// Before and behind all attempts of an event.
pub(super) fn attempts_of(id: EventId) -> [Vec<u8>; 2] {
    [&[][..], &[u8::MAX; 24]].map(|end| [&id.as_bytes()[..], end].concat())
}

pub(super) fn parse_attempt(key: &[u8]) -> Result<(EventId, Delivery), JournalError> {
    let parsed = || {
        let (id, rest) = key.split_first_chunk()?;
        let (event, rest) = rest.split_first_chunk()?;
        let (target, attempt) = rest.split_first_chunk()?;
        let delivery = Delivery {
            event: EventNumber(u64::from_be_bytes(*event)),
            target: TargetNumber(u64::from_be_bytes(*target)),
            attempts: u32::from_be_bytes(attempt.try_into().ok()?),
        };
        Some((EventId::from_bytes(*id), delivery))
    };
    parsed().ok_or_else(|| damaged(key))
}

/// Which dead letter: when it died, of which event, for which target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterId([u64; 3]);

impl DeadLetterId {
    /// The dead letter of a delivery that was given up at `died`.
    #[must_use]
    pub fn new(died: Timestamp, delivery: &Delivery) -> Self {
        Self([milliseconds(died), delivery.event.0, delivery.target.0])
    }

    pub(super) fn key(self) -> Vec<u8> {
        numbers(self.0)
    }

    pub(super) fn successor(self) -> Vec<u8> {
        let mut key = self.key();
        key.push(0);
        key
    }

    pub(super) fn from_key(key: &[u8]) -> Result<Self, JournalError> {
        parse(key).map(Self)
    }

    /// The number of its event.
    #[must_use]
    pub fn event(self) -> EventNumber {
        EventNumber(self.0[1])
    }

    /// The target it was for.
    #[must_use]
    pub fn target(self) -> TargetNumber {
        TargetNumber(self.0[2])
    }

    /// Reads an id as it is shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|part| u64::from_str_radix(part, 16).ok());
        let id = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self(id))
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [died, event, target] = self.0;
        write!(formatter, "{died:x}-{event:x}-{target:x}")
    }
}

fn milliseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(0)
}

fn numbers<const N: usize>(numbers: [u64; N]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn parse<const N: usize>(key: &[u8]) -> Result<[u64; N], JournalError> {
    let (chunks, rest) = key.as_chunks::<8>();
    let numbers: Vec<u64> = chunks.iter().map(|chunk| u64::from_be_bytes(*chunk)).collect();
    numbers.try_into().ok().filter(|_| rest.is_empty()).ok_or_else(|| damaged(key))
}

fn damaged(key: &[u8]) -> JournalError {
    JournalError::Damaged(format!("the key {key:02x?}"))
}
