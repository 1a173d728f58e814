//! Names and identifiers, each a type of its own that only its checking constructor makes.

use std::borrow::Borrow;
use std::fmt;

use crate::constraint::{Rule, StringConstraint};

/// `[\.\-_A-Za-z0-9]+`, the expression behind most of Amazon's names.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// `[/\.\-_A-Za-z0-9]+`: as above with slashes, for event buses of partners.
fn is_bus_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
}

macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $constraint:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// What the API model asks of it.
            pub const CONSTRAINT: StringConstraint = $constraint;

            /// Checks `text` and makes the value.
            ///
            /// # Errors
            /// Every rule of [`Self::CONSTRAINT`] that `text` breaks.
            pub fn parse(text: &str) -> Result<Self, Vec<Rule>> {
                let violations = Self::CONSTRAINT.violations(text);
                if violations.is_empty() { Ok(Self(text.into())) } else { Err(violations) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Names are ordered as their texts are, so a sorted map of them can be searched by text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

checked_string!(
    /// The name of a rule, unique within its event bus: 1 to 64 characters of `.`, `-`, `_`, letters and digits.
    RuleName,
    StringConstraint { length_min: 1, length_max: 64, pattern: Some((r"[\.\-_A-Za-z0-9]+", is_name)) }
);

checked_string!(
    /// The id of a target, unique within its rule: 1 to 64 characters of `.`, `-`, `_`, letters and digits.
    TargetId,
    StringConstraint { length_min: 1, length_max: 64, pattern: Some((r"[\.\-_A-Za-z0-9]+", is_name)) }
);

checked_string!(
    /// The name of an event bus, unique within its account and region: 1 to 256 characters of `/`, `.`, `-`, `_`,
    /// letters and digits.
    EventBusName,
    StringConstraint { length_min: 1, length_max: 256, pattern: Some((r"[/\.\-_A-Za-z0-9]+", is_bus_name)) }
);

checked_string!(
    /// An account: twelve digits.
    AccountId,
    StringConstraint {
        length_min: 12,
        length_max: 12,
        pattern: Some((r"\d{12}", |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()))),
    }
);

checked_string!(
    /// An organization such as `o-a1b2c3d4e5`: `o-` and 10 to 32 lower-case letters and digits.
    OrganizationId,
    StringConstraint {
        length_min: 12,
        length_max: 34,
        pattern: Some(("o-[a-z0-9]{10,32}", |text| {
            let rest = text.strip_prefix("o-").unwrap_or_default();
            (10..=32).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })),
    }
);

checked_string!(
    /// A region such as `us-east-1`: lower-case letters, digits and dashes.
    Region,
    StringConstraint {
        length_min: 1,
        length_max: 64,
        pattern: Some(("[a-z0-9-]+", |text| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })),
    }
);

impl EventBusName {
    /// What the API model asks of it where no bus of a partner is meant: no `/`.
    pub const NON_PARTNER_CONSTRAINT: StringConstraint =
        StringConstraint { length_min: 1, length_max: 256, pattern: Some((r"[\.\-_A-Za-z0-9]+", is_name)) };

    /// The name of the bus that every account has in every region.
    pub const DEFAULT: &str = "default";

    /// The bus that every account has in every region.
    #[must_use]
    pub fn default_bus() -> Self {
        Self(Self::DEFAULT.into())
    }

    /// The first of all names in their order.
    #[must_use]
    pub fn first() -> Self {
        Self("-".into())
    }

    /// True for the bus that every account has.
    #[must_use]
    pub fn is_default(&self) -> bool {
        &*self.0 == Self::DEFAULT
    }
}

/// Where an event bus lives. Resources of different accounts or regions never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventBusKey {
    /// The owner.
    pub account: AccountId,
    /// The region the client asked for.
    pub region: Region,
    /// The bus.
    pub name: EventBusName,
}

/// Where a rule lives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey {
    /// Its event bus.
    pub bus: EventBusKey,
    /// The rule.
    pub name: RuleName,
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}", self.0)
            }
        }
    };
}

number!(
    /// A rule's number, given when it is created and never used again.
    RuleNumber
);
number!(
    /// A target's number, given when it is added to its rule and never used again. Replacing a target keeps it.
    TargetNumber
);
number!(
    /// An event's place in the journal, in the order of commit.
    EventNumber
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(RuleName::parse("a.b-c_9").is_ok());
        assert_eq!(RuleName::parse("rule/x"), Err(vec![Rule::Pattern(r"[\.\-_A-Za-z0-9]+")]));
        assert_eq!(RuleName::parse(&"x".repeat(65)), Err(vec![Rule::LengthMax(64)]));
        assert!(EventBusName::parse("aws.partner/a/b").is_ok());
        assert!(AccountId::parse("12345678901").is_err());
        assert!(OrganizationId::parse("o-a1b2c3d4e5").is_ok());
        for wrong in ["o-a1b2c3d4e", "a1b2c3d4e5f6", "o-A1b2c3d4e5"] {
            assert!(OrganizationId::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Region::parse("us-east-1").is_ok());
        assert!(Region::parse("US").is_err());
    }
}
