//! How a target is delivered to, where the tags of its rule say it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use crate::error::ServiceError;
use crate::input::JsonPath;
use crate::name::TargetId;
use crate::option_tag::{OPTION_TAG_PREFIX, OptionTag};
use crate::tag::Tags;
use crate::target::{AwsResource, CompiledTarget, TargetKind};

const PAUSED: &str = "paused";
const GROUP_PATH: &str = "group-path";
const CONCURRENCY: &str = "concurrency";
const ATTEMPTS_PER_SECOND: &str = "attempts-per-second";
const CIRCUIT_BREAKER_FAILURES: &str = "circuit-breaker-failures";
const CONNECT_TIMEOUT_MS: &str = "connect-timeout-ms";
const RESPONSE_TIMEOUT_MS: &str = "response-timeout-ms";

/// The options of one target, or of all targets of a rule. What is absent is not said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryOptions {
    /// `eventyard:paused`: nothing is sent, and what is owed waits.
    pub paused: Option<bool>,
    /// `eventyard:group-path`: events with the same value there are delivered one after another, in order.
    pub order: Option<Order>,
    /// `eventyard:concurrency`: attempts under way at one time, 1 to 10,000.
    pub concurrency: Option<u32>,
    /// `eventyard:attempts-per-second`, 0 to 1,000,000; 0 means no limit.
    pub attempts_per_second: Option<u32>,
    /// `eventyard:circuit-breaker-failures`: failures in a row that open the breaker, 0 to 1,000,000; 0 means that it stays
    /// closed.
    pub circuit_breaker_failures: Option<u32>,
    /// How long an attempt waits.
    pub timeouts: Timeouts,
}

/// How long an attempt waits, where that is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// `eventyard:connect-timeout-ms`: time to connect, 1 millisecond to ten minutes.
    pub connect: Option<Duration>,
    /// `eventyard:response-timeout-ms`: time for one attempt as a whole, 1 millisecond to an hour.
    pub response: Option<Duration>,
}

impl DeliveryOptions {
    /// The names of its tags.
    pub const NAMES: &'static [&'static str] = &[
        PAUSED,
        GROUP_PATH,
        CONCURRENCY,
        ATTEMPTS_PER_SECOND,
        CIRCUIT_BREAKER_FAILURES,
        CONNECT_TIMEOUT_MS,
        RESPONSE_TIMEOUT_MS,
    ];

    fn take(&mut self, tag: &OptionTag<'_>) -> Result<(), ServiceError> {
        match tag.name() {
            PAUSED => self.paused = Some(tag.flag()?),
            GROUP_PATH => self.order = Some(Order::parse(tag)?),
            CONCURRENCY => self.concurrency = Some(tag.number(1..=10_000)?),
            ATTEMPTS_PER_SECOND => self.attempts_per_second = Some(tag.number(0..=1_000_000)?),
            CIRCUIT_BREAKER_FAILURES => self.circuit_breaker_failures = Some(tag.number(0..=1_000_000)?),
            CONNECT_TIMEOUT_MS => self.timeouts.connect = Some(milliseconds(tag, 600_000)?),
            _ => self.timeouts.response = Some(milliseconds(tag, 3_600_000)?),
        }
        Ok(())
    }

    /// These options, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            paused: self.paused.or(other.paused),
            order: self.order.or_else(|| other.order.clone()),
            concurrency: self.concurrency.or(other.concurrency),
            attempts_per_second: self.attempts_per_second.or(other.attempts_per_second),
            circuit_breaker_failures: self.circuit_breaker_failures.or(other.circuit_breaker_failures),
            timeouts: Timeouts {
                connect: self.timeouts.connect.or(other.timeouts.connect),
                response: self.timeouts.response.or(other.timeouts.response),
            },
        }
    }

    /// True when nothing is to be sent.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.unwrap_or(false)
    }

    /// The order that a target keeps. A message group of a FIFO queue or topic keeps the order of what it is sent, so it is sent in
    /// order unless the options say otherwise.
    #[must_use]
    pub fn order_of(&self, target: &CompiledTarget) -> Order {
        match (&self.order, &target.kind) {
            (Some(order), _) => order.clone(),
            (None, TargetKind::Aws(aws)) if aws.resource.has_message_group() => Order::OneGroup,
            (None, _) => Order::None,
        }
    }
}

fn milliseconds(tag: &OptionTag<'_>, max: u32) -> Result<Duration, ServiceError> {
    Ok(Duration::from_millis(tag.number(1..=max)?.into()))
}

/// The options of all targets of a rule, and of single ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryOptionsByTarget {
    all: DeliveryOptions,
    single: BTreeMap<TargetId, DeliveryOptions>,
}

impl DeliveryOptionsByTarget {
    /// Takes what one tag says; false when it is none of these.
    ///
    /// # Errors
    /// A `ValidationException` that names the tag, for a value that cannot be read.
    pub fn take(&mut self, tag: &OptionTag<'_>) -> Result<bool, ServiceError> {
        if !DeliveryOptions::NAMES.contains(&tag.name()) {
            return Ok(false);
        }
        let options = match tag.target() {
            Some(id) => self.single.entry(id.clone()).or_default(),
            None => &mut self.all,
        };
        options.take(tag).map(|()| true)
    }

    /// The options of a target: its own, and where they say nothing those of all.
    #[must_use]
    pub fn of(&self, id: &TargetId) -> DeliveryOptions {
        self.single.get(id).cloned().unwrap_or_default().or(&self.all)
    }
}

/// The tags of a rule with one target paused or resumed, or all of them together, whatever was said of single ones before.
///
/// # Errors
/// A `ValidationException` when there would be too many tags.
pub fn with_paused(tags: Tags, target: Option<&TargetId>, is_paused: bool) -> Result<Tags, ServiceError> {
    let of_all = format!("{OPTION_TAG_PREFIX}{PAUSED}");
    let key = target.map_or_else(|| of_all.clone(), |id| format!("{of_all}/{id}"));
    let of_single = format!("{of_all}/");
    let is_replaced = |other: &&str| *other == key || (target.is_none() && other.starts_with(&of_single));
    let replaced: Vec<String> = tags.iter().map(|(key, _)| key).filter(is_replaced).map(str::to_owned).collect();
    let tags = tags.without(&replaced);
    let is_said = target.is_some() && tags.get(&of_all).is_some_and(|value| value == "true");
    if is_said == is_paused {
        return Ok(tags);
    }
    tags.with(Tags::parse([(key, is_paused.to_string())])?)
}

/// Which deliveries of a target wait for each other.
#[derive(Clone, Debug)]
pub enum Order {
    /// None.
    None,
    /// All.
    OneGroup,
    /// Those of events with the same value at this path.
    ByPath(Arc<JsonPath>),
}

impl Order {
    /// An empty path asks for no order.
    fn parse(tag: &OptionTag<'_>) -> Result<Self, ServiceError> {
        if tag.value().is_empty() { Ok(Self::None) } else { Ok(Self::ByPath(Arc::new(tag.path()?))) }
    }

    /// True when some wait for others.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The group of an event, as a number; none when it waits for none and none for it, as when its path leads nowhere or to
    /// `null`. Two groups may get the same number, with a probability that does not matter, and then wait for each other.
    #[must_use]
    pub fn group(&self, envelope: &str) -> Option<u64> {
        match self {
            Self::None => None,
            Self::OneGroup => Some(0),
            Self::ByPath(path) => {
                let value = path.select(envelope).filter(|value| *value != "null")?;
                let mut hasher = DefaultHasher::new();
                value.hash(&mut hasher);
                Some(hasher.finish())
            }
        }
    }
}

impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::OneGroup, Self::OneGroup) => true,
            (Self::ByPath(one), Self::ByPath(other)) => one.text() == other.text(),
            _ => false,
        }
    }
}

impl AwsResource {
    /// True for a FIFO queue or topic, which takes its messages in a group.
    fn has_message_group(&self) -> bool {
        match self {
            Self::SqsQueue { queue, .. } => queue.is_fifo(),
            Self::SnsTopic { message_group_id, .. } => message_group_id.is_some(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_options::RuleOptions;
    use crate::target::{SqsParameters, Target};

    fn read(pairs: &[(&str, &str)]) -> Result<DeliveryOptionsByTarget, String> {
        let pairs = pairs.iter().map(|(name, value)| (format!("eventyard:{name}"), (*value).to_owned()));
        let options = RuleOptions::from_tags(&Tags::parse(pairs).unwrap());
        options.map(|options| options.delivery).map_err(|error| error.message)
    }

    fn id(text: &str) -> TargetId {
        TargetId::parse(text).unwrap()
    }

    #[test]
    fn a_target_has_its_own_options_and_else_those_of_its_rule() {
        let options = read(&[
            ("paused", "true"),
            ("paused/a.b", "false"),
            ("concurrency", "1"),
            ("concurrency/a.b", "10000"),
            ("attempts-per-second/a.b", "0"),
            ("circuit-breaker-failures", "5"),
            ("connect-timeout-ms", "600000"),
            ("connect-timeout-ms/a.b", "1"),
            ("response-timeout-ms", "3600000"),
            ("group-path", "detail.id"),
        ])
        .unwrap();
        let [own, other] = ["a.b", "c"].map(|text| options.of(&id(text)));
        assert_eq!((own.is_paused(), other.is_paused()), (false, true));
        assert_eq!((own.concurrency, other.concurrency), (Some(10_000), Some(1)));
        assert_eq!((own.attempts_per_second, other.attempts_per_second), (Some(0), None));
        let [millisecond, minutes, hour] = [1, 600_000, 3_600_000].map(|ms| Some(Duration::from_millis(ms)));
        assert_eq!(own.timeouts, Timeouts { connect: millisecond, response: hour });
        assert_eq!(other.timeouts, Timeouts { connect: minutes, response: hour });
        assert_eq!(own.order, other.order);
        assert!(own.order.unwrap().is_kept());
    }

    #[test]
    fn pausing_one_target_or_all_leaves_as_few_tags_as_say_it() {
        let tags = |pairs: &[(&str, &str)]| {
            Tags::parse(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))).unwrap()
        };
        let (one, set) = (id("a"), with_paused);
        let (all, of_one) = ("eventyard:paused", "eventyard:paused/a");
        assert_eq!(set(tags(&[("x", "")]), Some(&one), true), Ok(tags(&[("x", ""), (of_one, "true")])));
        assert_eq!(set(tags(&[(of_one, "true")]), Some(&one), false), Ok(tags(&[])));
        assert_eq!(set(tags(&[(all, "true")]), Some(&one), false), Ok(tags(&[(all, "true"), (of_one, "false")])));
        assert_eq!(set(tags(&[(all, "true"), (of_one, "false")]), Some(&one), true), Ok(tags(&[(all, "true")])));
        assert_eq!(
            set(tags(&[(of_one, "false"), ("eventyard:paused/b", "true")]), None, true),
            Ok(tags(&[(all, "true")]))
        );
        assert_eq!(set(tags(&[(all, "true"), (of_one, "true")]), None, false), Ok(tags(&[])));
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for (name, value, reason) in [
            ("paused", "yes", "must be true or false"),
            ("paused/a", "", "must be true or false"),
            ("concurrency", "0", "must be 1 to 10000"),
            ("concurrency", "+1", "must be 1 to 10000"),
            ("attempts-per-second", "1.5", "must be 0 to 1000000"),
            ("circuit-breaker-failures", "off", "must be 0 to 1000000"),
            ("connect-timeout-ms", "600001", "must be 1 to 600000"),
            ("response-timeout-ms/a", "0", "must be 1 to 3600000"),
            ("group-path", "detail..id", "must be a path such as detail.customer.id"),
        ] {
            let message = read(&[(name, value)]).unwrap_err();
            assert!(message.contains(&format!("Reason: eventyard:{name} {reason}.")), "{message}");
        }
    }

    #[test]
    fn events_with_the_same_value_are_a_group_and_those_without_are_none() {
        let order = |path| read(&[("group-path", path)]).unwrap().of(&id("a")).order.unwrap();
        let by_id = order("$.detail.id");
        assert_eq!(by_id, order("detail.id"));
        assert_ne!(by_id, order("detail.other"));
        let group = |detail: &str| by_id.group(&format!(r#"{{"detail":{detail}}}"#));
        assert_eq!(group(r#"{"id":"a","n":1}"#), group(r#"{"n":2,"id":"a"}"#));
        assert_ne!(group(r#"{"id":"1"}"#), group(r#"{"id":1}"#));
        assert!(group(r#"{"id":{"a":1}}"#).is_some());
        assert_eq!((group("{}"), group(r#"{"id":null}"#)), (None, None));
        assert_eq!(order(""), Order::None);
    }

    #[test]
    fn a_fifo_queue_is_one_group_unless_it_is_told_otherwise() {
        let parameters = SqsParameters { message_group_id: Some("g".to_owned()) };
        let target = |name: &str| Target {
            sqs_parameters: Some(parameters.clone()),
            ..Target::new(id("a"), &format!("arn:aws:sqs:us-east-1:123456789012:{name}"))
        };
        let fifo = target("q.fifo").compile().unwrap();
        assert_eq!(DeliveryOptions::default().order_of(&fifo), Order::OneGroup);
        assert_eq!(read(&[("group-path", "")]).unwrap().of(&id("a")).order_of(&fifo), Order::None);
        assert_eq!(DeliveryOptions::default().order_of(&target("q").compile().unwrap()), Order::None);
    }
}
