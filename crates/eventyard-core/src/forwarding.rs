//! Forwarding: a rule's target may be an event bus, whose rules then match the event once more.
//!
//! The event keeps its envelope, so what its rules did once they would do again: an event that comes back to an event bus is
//! in a loop. It ends there, at its first return. The number of event buses on its way is bounded beside that. The way goes
//! along to another daemon, in a header.

use crate::arn::{event_bus_arn, parse_event_bus_arn};
use crate::clock::Timestamp;
use crate::event::Event;
use crate::limits::FORWARDS_MAX;
use crate::name::EventBusKey;

/// The header of `PutEvents` in which a daemon tells another the ARNs of the event buses on an event's way, with commas
/// between. Amazon's service knows nothing of it.
pub const WAY_HEADER: &str = "eventyard-forwarded-from";

/// Writes a way for [`WAY_HEADER`].
#[must_use]
pub fn write_way(way: &[String]) -> String {
    way.join(",")
}

/// Reads [`WAY_HEADER`]; none when it is no way, or longer than one can be.
#[must_use]
pub fn parse_way(text: &str) -> Option<Vec<String>> {
    let way = text.split(',').take(FORWARDS_MAX + 1);
    let way: Vec<String> =
        way.map(|arn| parse_event_bus_arn(arn).map(|bus| event_bus_arn(&bus))).collect::<Option<_>>()?;
    (way.len() <= FORWARDS_MAX).then_some(way)
}

/// Why an event was not forwarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// The event bus belongs to another account whose policy does not allow it, or its own policy denies it.
    #[error("{account} may not put events on the event bus {bus}: no policy of it allows that, or one denies it")]
    NotPermitted {
        /// The account of the rule.
        account: String,
        /// The ARN of the event bus.
        bus: String,
    },
    /// There is no such event bus.
    #[error("there is no event bus {bus}")]
    NoSuchEventBus {
        /// Its ARN.
        bus: String,
    },
    /// The event was on this event bus before.
    #[error("the event came back to {bus}, so its rules forward it in a loop: {}", way.join(" -> "))]
    Loop {
        /// Its ARN.
        bus: String,
        /// The ARNs of the event buses on the event's way.
        way: Vec<String>,
    },
    /// The event has passed as many event buses as one may.
    #[error("the event was forwarded {FORWARDS_MAX} times already, and is not forwarded again")]
    TooFar,
    /// The event could not be written for the other event bus. This may pass.
    #[error("the event could not be written for the event bus: {0}")]
    NotWritten(String),
}

impl ForwardError {
    /// The `ERROR_CODE` of the dead letter.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotPermitted { .. } => "NO_PERMISSIONS",
            Self::NoSuchEventBus { .. } => "NO_RESOURCE",
            Self::Loop { .. } => "FORWARDING_LOOP",
            Self::TooFar => "FORWARDED_TOO_OFTEN",
            Self::NotWritten(_) => "FORWARDING_FAILED",
        }
    }
}

impl Event {
    /// The event as `to` gets it from a rule on `from`, received there at `received`.
    ///
    /// # Errors
    /// When it has been there, or was forwarded as often as may be.
    pub fn forwarded(&self, from: &EventBusKey, to: &EventBusKey, received: Timestamp) -> Result<Self, ForwardError> {
        let mut way = self.forwarded_from.clone();
        way.push(event_bus_arn(from));
        let bus = event_bus_arn(to);
        if way.contains(&bus) {
            return Err(ForwardError::Loop { bus, way });
        }
        if way.len() > FORWARDS_MAX {
            return Err(ForwardError::TooFar);
        }
        Ok(Self { received, forwarded_from: way, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::parse_event_bus_arn;
    use crate::event::EventId;

    fn bus(number: usize) -> EventBusKey {
        parse_event_bus_arn(&format!("arn:aws:events:eu-west-1:111122223333:event-bus/bus-{number}")).unwrap()
    }

    fn event() -> Event {
        let received = Timestamp::EPOCH;
        Event { id: EventId::from_random(1), received, envelope: "{}".into(), forwarded_from: Vec::new(), trace: None }
    }

    #[test]
    fn an_event_ends_at_its_first_return() {
        let arn = |number| event_bus_arn(&bus(number));
        let there = event().forwarded(&bus(0), &bus(1), Timestamp::EPOCH).unwrap();
        let back = there.forwarded(&bus(1), &bus(0), Timestamp::EPOCH);
        assert_eq!(back, Err(ForwardError::Loop { bus: arn(0), way: vec![arn(0), arn(1)] }));
        let itself = event().forwarded(&bus(0), &bus(0), Timestamp::EPOCH);
        assert_eq!(itself, Err(ForwardError::Loop { bus: arn(0), way: vec![arn(0)] }));
    }

    #[test]
    fn a_way_is_read_as_it_is_written_and_not_longer_than_it_can_be() {
        let way = |length| (0..length).map(|number| event_bus_arn(&bus(number))).collect::<Vec<_>>();
        assert_eq!(parse_way(&write_way(&way(FORWARDS_MAX))), Some(way(FORWARDS_MAX)));
        for text in ["", ",", "bus-1", &write_way(&way(FORWARDS_MAX + 1)), &format!("{}, ", way(1)[0])] {
            assert_eq!(parse_way(text), None, "{text}");
        }
    }

    #[test]
    fn an_event_keeps_all_but_its_way_and_goes_so_far() {
        let mut event = event();
        for number in 0..FORWARDS_MAX {
            let next = event.forwarded(&bus(number), &bus(number + 1), Timestamp::EPOCH).unwrap();
            assert_eq!((next.id, &next.envelope, next.forwarded_from.len()), (event.id, &event.envelope, number + 1));
            event = next;
        }
        let further = event.forwarded(&bus(FORWARDS_MAX), &bus(FORWARDS_MAX + 1), Timestamp::EPOCH);
        assert_eq!(further, Err(ForwardError::TooFar));
    }
}
