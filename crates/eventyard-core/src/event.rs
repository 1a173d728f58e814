//! An event: what a caller puts, the checks of each entry, and the envelope that is matched, stored and delivered.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use crate::arn;
use crate::clock::Timestamp;
use crate::deduplication::DeduplicationId;
use crate::json;
use crate::limits::{DETAIL_TYPE_LENGTH_MAX, ENTRY_TIME_SIZE_BYTES};
use crate::name::{AccountId, Region, RuleKey, RuleNumber};
use crate::trace_context::TraceContext;

/// The id of an event, the same for all rules and targets: the `EventId` that `PutEvents` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// An id from 128 random bits, marked as a version 4 UUID as Amazon's are.
    #[must_use]
    pub fn from_random(bits: u128) -> Self {
        Self(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
    }

    /// The id of an event accepted at `received`: 48 bits of that time in milliseconds and 74 of `random`, marked as Amazon's
    /// are. So an event is found by its id without an index over all ids.
    #[must_use]
    pub fn new(received: Timestamp, random: u128) -> Self {
        let milliseconds = u128::try_from(received.as_millis()).unwrap_or(0);
        Self::from_random(milliseconds << 80 | random & ((1 << 80) - 1))
    }

    /// When the event was accepted, as an id made by [`Self::new`] tells. An id from elsewhere tells any time, or none.
    #[must_use]
    pub fn received(&self) -> Option<Timestamp> {
        let begin = u64::from_be_bytes(*self.as_bytes().first_chunk()?) >> 16;
        Timestamp::from_millis(i64::try_from(begin).ok()?)
    }

    /// The id of what a rule fires at `due`, always the same one: a version 5 UUID of the two.
    #[must_use]
    pub fn of_firing(rule: RuleNumber, rule_arn: &str, due: Timestamp) -> Self {
        let name = format!("eventyard {rule} {rule_arn} {}", due.as_millis());
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
    }

    /// What services are given to know a repetition by: always the same for this event and this target of this rule, and a
    /// version 5 UUID.
    #[must_use]
    pub fn idempotency_token(&self, rule_arn: &str, target_id: &str) -> String {
        Uuid::new_v5(&self.0, format!("{rule_arn} {target_id}").as_bytes()).to_string()
    }

    /// Reads an id as it is written in an envelope.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }

    /// The id as 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id from 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), formatter)
    }
}

/// An event as it stands in the journal: accepted, with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When it was accepted; the age of its deliveries counts from here.
    pub received: Timestamp,
    /// The envelope: compact JSON with the members in Amazon's order.
    pub envelope: Box<str>,
    /// The ARNs of the event buses whose rules have forwarded it, in their order; none when it was put here.
    pub forwarded_from: Vec<String>,
    /// The span that those of its deliveries stand under, when it is part of a trace.
    pub trace: Option<TraceContext>,
}

impl Event {
    /// What a rule with a schedule sends to its targets when it fires, in the shape of Amazon's `Scheduled Event`: without
    /// detail, and with the `time` for which it was due.
    #[must_use]
    pub fn scheduled(rule: &RuleKey, number: RuleNumber, due: Timestamp, received: Timestamp) -> Self {
        let rule_arn = arn::rule_arn(rule);
        let id = EventId::of_firing(number, &rule_arn, due);
        let envelope = Envelope {
            id,
            detail_type: "Scheduled Event",
            source: "aws.events",
            account: &rule.bus.account,
            region: &rule.bus.region,
            time: due,
            resources: &[rule_arn],
        };
        Self { id, received, envelope: envelope.to_json("{}"), forwarded_from: Vec::new(), trace: None }
    }
}

/// One entry as the caller sent it; nothing is checked yet.
#[derive(Clone, Debug, Default)]
pub struct EventEntry<'a> {
    /// `Source`.
    pub source: Option<&'a str>,
    /// `DetailType`.
    pub detail_type: Option<&'a str>,
    /// `Detail`: text that must be a JSON object.
    pub detail: Option<&'a str>,
    /// `Resources`.
    pub resources: &'a [String],
    /// `Time`; the time of acceptance when absent.
    pub time: Option<Timestamp>,
    /// By what its caller knows it, when another of the same is to be left away.
    pub deduplication_id: Option<DeduplicationId<'a>>,
    /// The span it was sent in, when its caller says one.
    pub trace: Option<TraceContext>,
}

/// Why one entry was not accepted. The others of its call are not concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryError {
    /// No `Source`, or an empty one.
    SourceMissing,
    /// No `DetailType`, or an empty one.
    DetailTypeMissing,
    /// No `Detail`, or an empty one.
    DetailMissing,
    /// `DetailType` has more than [`DETAIL_TYPE_LENGTH_MAX`] characters.
    DetailTypeTooLong,
    /// `Detail` is no JSON object.
    DetailMalformed,
    /// `Source` begins with `aws.`, which only Amazon may use.
    SourceReserved,
    /// The event bus belongs to another account, whose policy does not allow it; or its owner's policy denies it.
    AccessDenied,
}

impl EntryError {
    /// The `ErrorCode` of the result entry.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SourceMissing | Self::DetailTypeMissing | Self::DetailTypeTooLong | Self::DetailMissing => {
                "InvalidArgument"
            }
            Self::DetailMalformed => "MalformedDetail",
            Self::SourceReserved => "NotAuthorizedForSourceException",
            Self::AccessDenied => "AccessDeniedException",
        }
    }

    /// The `ErrorMessage` of the result entry.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::SourceMissing => "Parameter Source is not valid. Reason: Source is a required argument.",
            Self::DetailTypeMissing => "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
            Self::DetailTypeTooLong => {
                "Parameter DetailType is not valid. Reason: DetailType must have length less than or equal to 128."
            }
            Self::DetailMissing => "Parameter Detail is not valid. Reason: Detail is a required argument.",
            Self::DetailMalformed => "Detail is malformed.",
            Self::SourceReserved => "Not authorized for the source.",
            Self::AccessDenied => "Not authorized to put events on the event bus.",
        }
    }
}

impl EventEntry<'_> {
    /// Bytes this entry counts for: 14 when it has a `Time`, and the UTF-8 of source, detail type, detail and resources.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let texts = [self.source, self.detail_type, self.detail];
        let time = if self.time.is_some() { ENTRY_TIME_SIZE_BYTES } else { 0 };
        let texts: usize = texts.iter().map(|text| text.map_or(0, str::len)).sum();
        time + texts + self.resources.iter().map(String::len).sum::<usize>()
    }

    /// Checks the entry and makes its event.
    ///
    /// # Errors
    /// The first thing that is wrong with the entry.
    pub fn accept(
        &self,
        id: EventId,
        received: Timestamp,
        account: &AccountId,
        region: &Region,
    ) -> Result<Event, EntryError> {
        let source = given(self.source).ok_or(EntryError::SourceMissing)?;
        let detail_type = given(self.detail_type).ok_or(EntryError::DetailTypeMissing)?;
        let detail = given(self.detail).ok_or(EntryError::DetailMissing)?;
        if detail_type.chars().count() > DETAIL_TYPE_LENGTH_MAX {
            return Err(EntryError::DetailTypeTooLong);
        }
        if source.starts_with("aws.") {
            return Err(EntryError::SourceReserved);
        }
        let Ok((detail, json::Kind::Object)) = json::compact_with_kind(detail) else {
            return Err(EntryError::DetailMalformed);
        };
        let envelope = Envelope {
            id,
            detail_type,
            source,
            account,
            region,
            time: self.time.unwrap_or(received),
            resources: self.resources,
        };
        Ok(Event { id, received, envelope: envelope.to_json(&detail), forwarded_from: Vec::new(), trace: self.trace })
    }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The members around the detail.
struct Envelope<'a> {
    id: EventId,
    detail_type: &'a str,
    source: &'a str,
    account: &'a AccountId,
    region: &'a Region,
    time: Timestamp,
    resources: &'a [String],
}

impl Envelope<'_> {
    /// Member order and the absence of blanks are what Amazon's targets receive.
    fn to_json(&self, detail: &str) -> Box<str> {
        let mut json = String::with_capacity(detail.len() + self.source.len() + self.detail_type.len() + 256);
        json.push_str(r#"{"version":"0","id":""#);
        push_plain(&mut json, &self.id);
        json.push_str(r#"","detail-type":"#);
        push_json(&mut json, self.detail_type);
        json.push_str(r#","source":"#);
        push_json(&mut json, self.source);
        json.push_str(r#","account":""#);
        json.push_str(self.account.as_str());
        json.push_str(r#"","time":""#);
        json.push_str(&self.time.to_rfc3339_seconds());
        json.push_str(r#"","region":""#);
        json.push_str(self.region.as_str());
        json.push_str(r#"","resources":"#);
        push_json(&mut json, self.resources);
        json.push_str(r#","detail":"#);
        json.push_str(detail);
        json.push('}');
        json.into_boxed_str()
    }
}

fn push_plain(json: &mut String, value: &impl fmt::Display) {
    use fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = write!(json, "{value}");
}

fn push_json<T: Serialize + ?Sized>(json: &mut String, value: &T) {
    // A string, or a list of strings, always has a JSON form.
    json.push_str(&serde_json::to_string(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{EventBusKey, EventBusName, RuleName};

    #[test]
    fn an_id_tells_when_its_event_was_accepted() {
        let at = |milliseconds| Timestamp::from_millis(milliseconds).unwrap();
        for milliseconds in [0, 1, 1_764_000_000_123] {
            let id = EventId::new(at(milliseconds), u128::MAX);
            assert_eq!(id.received(), Some(at(milliseconds)));
            assert_eq!(EventId::parse(&id.to_string()), Some(id));
        }
        assert!(EventId::new(at(1), u128::MAX) < EventId::new(at(2), 0));
        assert_ne!(EventId::new(at(1), 1), EventId::new(at(1), 2));
    }

    #[test]
    fn a_scheduled_event_has_the_shape_of_amazons() {
        let bus = EventBusKey {
            account: AccountId::parse("123456789012").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            name: EventBusName::default_bus(),
        };
        let rule = RuleKey { bus, name: RuleName::parse("nightly").unwrap() };
        let due = Timestamp::parse_rfc3339("2026-03-01T04:05:00Z").unwrap();
        let event =
            Event::scheduled(&rule, RuleNumber(3), due, due.saturating_add(std::time::Duration::from_millis(412)));
        let expected = format!(
            r#"{{"version":"0","id":"{}","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2026-03-01T04:05:00Z","region":"eu-west-1","resources":["arn:aws:events:eu-west-1:123456789012:rule/nightly"],"detail":{{}}}}"#,
            event.id
        );
        assert_eq!(&*event.envelope, expected);
        // It is what tells a firing that is sent twice: it must stay the same in all releases.
        assert_eq!(event.id, EventId::parse("f994757b-55f7-5363-addc-8fe22ad0089c").unwrap());
    }
}
