//! Amazon resource names: those we give, and the event bus names that may be written as one.

use crate::constraint::StringConstraint;
use crate::name::{AccountId, EventBusKey, EventBusName, Region, RuleKey, RuleName};

/// The ARN of an event bus.
#[must_use]
pub fn event_bus_arn(bus: &EventBusKey) -> String {
    format!("arn:aws:events:{}:{}:event-bus/{}", bus.region, bus.account, bus.name)
}

/// The ARN of a rule. On a custom event bus it names the bus, on the default one it does not.
#[must_use]
pub fn rule_arn(rule: &RuleKey) -> String {
    let EventBusKey { account, region, name: bus } = &rule.bus;
    if bus.is_default() {
        format!("arn:aws:events:{region}:{account}:rule/{}", rule.name)
    } else {
        format!("arn:aws:events:{region}:{account}:rule/{bus}/{}", rule.name)
    }
}

/// The event bus that an ARN names; none when it names none.
#[must_use]
pub fn parse_event_bus_arn(arn: &str) -> Option<EventBusKey> {
    let (account, region, resource) = split_arn(arn)?;
    let name = EventBusName::parse(resource.strip_prefix("event-bus/")?).ok()?;
    Some(EventBusKey { account, region, name })
}

/// A resource that can be tagged, as its ARN names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaggableResource {
    /// An event bus.
    EventBus(EventBusKey),
    /// A rule.
    Rule(RuleKey),
}

impl TaggableResource {
    /// What the API model asks of its ARN.
    pub const ARN: StringConstraint = StringConstraint::length(1, 1_600);

    /// Its ARN as it is written here, however it was written where it was read.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::EventBus(bus) => event_bus_arn(bus),
            Self::Rule(rule) => rule_arn(rule),
        }
    }

    /// The event bus that it is or lives on.
    #[must_use]
    pub fn bus(&self) -> &EventBusKey {
        match self {
            Self::EventBus(bus) => bus,
            Self::Rule(rule) => &rule.bus,
        }
    }

    /// The rule that it is, if it is one.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleKey> {
        match self {
            Self::EventBus(_) => None,
            Self::Rule(rule) => Some(rule),
        }
    }

    /// Reads the ARN of an event bus or a rule; none when it is neither.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let (account, region, resource) = split_arn(arn)?;
        let bus = |name| Some(EventBusKey { account, region, name: EventBusName::parse(name).ok()? });
        match resource.split_once('/')? {
            ("event-bus", name) => Some(Self::EventBus(bus(name)?)),
            ("rule", path) => {
                // The names of event buses may hold slashes, those of rules do not.
                let (bus_name, name) = path.rsplit_once('/').unwrap_or((EventBusName::DEFAULT, path));
                Some(Self::Rule(RuleKey { bus: bus(bus_name)?, name: RuleName::parse(name).ok()? }))
            }
            _ => None,
        }
    }
}

/// Account, region and resource of an ARN of this service.
fn split_arn(arn: &str) -> Option<(AccountId, Region, &str)> {
    let mut parts = arn.strip_prefix("arn:")?.splitn(5, ':');
    let (partition, service) = (parts.next()?, parts.next()?);
    let (region, account) = (Region::parse(parts.next()?).ok()?, AccountId::parse(parts.next()?).ok()?);
    let resource = parts.next()?;
    let is_partition = partition == "aws" || partition.starts_with("aws-");
    (is_partition && service == "events").then_some((account, region, resource))
}

/// `EventBusName` as most operations take it: a bare name, or the ARN of an event bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBusNameOrArn {
    /// Account and region when an ARN was given.
    pub place: Option<(AccountId, Region)>,
    /// The bus.
    pub name: EventBusName,
}

impl EventBusNameOrArn {
    /// What the API model asks of it.
    pub const CONSTRAINT: StringConstraint = StringConstraint {
        length_min: 1,
        length_max: 1_600,
        pattern: Some((
            r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[/\.\-_A-Za-z0-9]+",
            |text| EventBusNameOrArn::split(text).is_some(),
        )),
    };

    /// What the API model asks of it in an entry of `PutEvents`: nobody puts events on the bus of a partner.
    pub const NON_PARTNER_CONSTRAINT: StringConstraint = StringConstraint {
        length_min: 1,
        length_max: 1_600,
        pattern: Some((
            r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[\.\-_A-Za-z0-9]+",
            |text| EventBusNameOrArn::split(text).is_some_and(|(_, name)| !name.contains('/')),
        )),
    };

    /// Reads a name or an ARN; none when it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (place, name) = Self::split(text)?;
        Some(Self { place, name: EventBusName::parse(name).ok()? })
    }

    /// The bus that is meant, seen from a caller in `account` and `region`.
    #[must_use]
    pub fn resolve(self, account: &AccountId, region: &Region) -> EventBusKey {
        let (account, region) = self.place.unwrap_or_else(|| (account.clone(), region.clone()));
        EventBusKey { account, region, name: self.name }
    }

    fn split(text: &str) -> Option<(Option<(AccountId, Region)>, &str)> {
        if !text.starts_with("arn:") {
            let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte));
            return (!text.is_empty() && is_name).then_some((None, text));
        }
        let (account, region, resource) = split_arn(text)?;
        let name = resource.strip_prefix("event-bus/")?;
        EventBusName::parse(name).is_ok().then_some((Some((account, region)), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::RuleName;

    #[test]
    fn rules_of_custom_buses_carry_the_bus() {
        let bus = |name| EventBusKey {
            account: AccountId::parse("123456789012").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            name: EventBusName::parse(name).unwrap(),
        };
        let rule = |name| RuleKey { bus: bus(name), name: RuleName::parse("r").unwrap() };
        assert_eq!(rule_arn(&rule("default")), "arn:aws:events:eu-west-1:123456789012:rule/r");
        assert_eq!(rule_arn(&rule("orders")), "arn:aws:events:eu-west-1:123456789012:rule/orders/r");
        let parsed = EventBusNameOrArn::parse(&event_bus_arn(&bus("orders"))).unwrap();
        let (account, region) = (AccountId::parse("000000000000").unwrap(), Region::parse("us-east-1").unwrap());
        assert_eq!(parsed.resolve(&account, &region), bus("orders"));
    }

    #[test]
    fn taggable_resources_are_read_as_they_are_written() {
        let key = |bus: &str, rule: &str| RuleKey {
            bus: EventBusKey {
                account: AccountId::parse("123456789012").unwrap(),
                region: Region::parse("eu-west-1").unwrap(),
                name: EventBusName::parse(bus).unwrap(),
            },
            name: RuleName::parse(rule).unwrap(),
        };
        for key in [key("default", "r"), key("orders", "r"), key("aws.partner/a/b", "r")] {
            assert_eq!(
                TaggableResource::parse(&event_bus_arn(&key.bus)),
                Some(TaggableResource::EventBus(key.bus.clone()))
            );
            assert_eq!(TaggableResource::parse(&rule_arn(&key)), Some(TaggableResource::Rule(key)));
        }
        for text in ["", "r", "arn:aws:events:eu-west-1:123456789012:archive/a", "arn:aws:sqs:eu-west-1:123456789012:q"]
        {
            assert_eq!(TaggableResource::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_neither_name_nor_arn_is_refused() {
        for text in [
            "",
            "a b",
            "arn:aws:sqs:us-east-1:123456789012:queue",
            "arn:aws:events:us-east-1:1234:event-bus/x",
            "arn:aws:events:us-east-1:123456789012:event-bus/",
            "arn:aws:events:us-east-1:123456789012:rule/x",
            "arn:awsome:events:us-east-1:123456789012:event-bus/x",
        ] {
            assert_eq!(EventBusNameOrArn::parse(text), None, "{text}");
        }
    }
}
