//! Deduplication: which entries of callers are the same event, put more than once.

use sha2::{Digest as _, Sha256};

use crate::error::ServiceError;
use crate::input::JsonPath;
use crate::name::{AccountId, EventBusKey};
use crate::option_tag::OptionTag;
use crate::tag::Tags;

/// Longest deduplication id that a caller gives by itself, in bytes.
pub const DEDUPLICATION_ID_BYTES_MAX: usize = 1_024;

const PATH: &str = "deduplication-path";

/// What a caller says an entry is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeduplicationId<'a> {
    /// The key of its request, and which entry of that request it is.
    OfRequest(&'a str, usize),
    /// Source and id of a `CloudEvent`.
    OfCloudEvent(&'a str, &'a str),
    /// What stands in the event where its event bus says.
    InEvent(&'a str),
}

/// By what an event is known on its bus: 128 bits of a SHA-256, so nobody can make two of them the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeduplicationKey([u8; 16]);

impl DeduplicationKey {
    /// The key of an event that `sender` puts on `bus`. Those of two senders, two buses or two kinds of ids never meet.
    #[must_use]
    pub fn new(bus: &EventBusKey, sender: &AccountId, id: DeduplicationId<'_>) -> Self {
        let (kind, one, other) = match id {
            DeduplicationId::OfRequest(key, entry) => ("request", key.to_owned(), entry.to_string()),
            DeduplicationId::OfCloudEvent(source, id) => ("cloud-event", source.to_owned(), id.to_owned()),
            DeduplicationId::InEvent(value) => ("event", value.to_owned(), String::new()),
        };
        let (account, region, name) = (bus.account.as_str(), bus.region.as_str(), bus.name.as_str());
        let mut hash = Sha256::new();
        for part in [account, region, name, sender.as_str(), kind, &one, &other] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Self(key)
    }

    /// The key as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What the option tags of an event bus say.
#[derive(Clone, Debug, Default)]
pub struct EventBusOptions {
    /// `eventyard:deduplication-path`: where events say by what they are known; none when they do not.
    pub deduplication_path: Option<JsonPath>,
}

impl EventBusOptions {
    /// Reads the tags of an event bus.
    ///
    /// # Errors
    /// A `ValidationException` that names the tag, for a value that cannot be read or an option that is not known.
    pub fn from_tags(tags: &Tags) -> Result<Self, ServiceError> {
        let mut options = Self::default();
        for tag in OptionTag::all(tags) {
            let tag = tag?;
            if tag.name() != PATH || tag.target().is_some() {
                return Err(tag.unknown(&[PATH]));
            }
            options.deduplication_path = Some(tag.path()?);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{EventBusName, Region};

    fn key(bus: &str, sender: &str, id: DeduplicationId<'_>) -> DeduplicationKey {
        let account = |id| AccountId::parse(id).unwrap();
        let bus = EventBusKey {
            account: account("111122223333"),
            region: Region::parse("eu-west-1").unwrap(),
            name: EventBusName::parse(bus).unwrap(),
        };
        DeduplicationKey::new(&bus, &account(sender), id)
    }

    #[test]
    fn keys_differ_by_bus_sender_and_kind_and_by_nothing_else() {
        use DeduplicationId::{InEvent, OfCloudEvent, OfRequest};
        let (one, other) = ("111122223333", "444455556666");
        let all = [
            key("a", one, OfRequest("k", 0)),
            key("a", one, OfRequest("k", 1)),
            key("a", one, OfRequest("k0", 0)),
            key("b", one, OfRequest("k", 0)),
            key("a", other, OfRequest("k", 0)),
            key("a", one, OfCloudEvent("k", "0")),
            key("a", one, OfCloudEvent("", "k0")),
            key("a", one, InEvent("k")),
        ];
        for (place, key) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == key), Some(place));
        }
        assert_eq!(key("a", one, InEvent("k")), key("a", one, InEvent("k")));
    }

    #[test]
    fn the_options_of_a_bus_are_read_and_others_refused() {
        let read = |key: &str, value: &str| {
            EventBusOptions::from_tags(&Tags::parse([(key.to_owned(), value.to_owned())]).unwrap())
        };
        let options = read("eventyard:deduplication-path", "detail.id").unwrap();
        assert_eq!(options.deduplication_path.unwrap().text(), "$.detail.id");
        assert!(read("team", "shop").unwrap().deduplication_path.is_none());
        for (key, value) in [
            ("eventyard:deduplication-path", "a..b"),
            ("eventyard:deduplication-path/x", "a"),
            ("eventyard:paused", "true"),
        ] {
            assert!(read(key, value).is_err(), "{key}");
        }
    }
}
