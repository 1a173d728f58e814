//! Conditions of a statement: operators over what is known of who asks.
//!
//! The operators are `StringEquals`, `StringLike` and their `StringNot…`, each also with `IfExists` behind it; the keys are
//! `aws:PrincipalAccount` and `aws:PrincipalOrgID`, of a rule `events:creatorAccount`, and of the event in
//! `events:PutEvents` `events:source`, `events:detail-type` and `events:eventBusInvocation`. As Amazon's evaluation has it, a key that is not there satisfies the
//! `Not` operators and those with `IfExists`, and no other.

use super::document::{Conditions, OneOrMany};
use super::{Request, glob};
use crate::name::{AccountId, OrganizationId};

/// The condition that `PutPermission` can write.
pub(super) const STRING_EQUALS: &str = "StringEquals";
/// The key that `PutPermission` can write.
pub(super) const ORGANIZATION_KEY: &str = "aws:PrincipalOrgID";

/// How values are compared.
#[derive(Clone, Copy)]
pub(super) struct Operator {
    is_pattern: bool,
    is_negated: bool,
    is_optional: bool,
}

impl Operator {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (base, is_optional) = name.strip_suffix("IfExists").map_or((name, false), |base| (base, true));
        let (is_pattern, is_negated) = match base {
            STRING_EQUALS => (false, false),
            "StringNotEquals" => (false, true),
            "StringLike" => (true, false),
            "StringNotLike" => (true, true),
            _ => return None,
        };
        Some(Self { is_pattern, is_negated, is_optional })
    }

    fn holds(self, found: Option<&str>, wanted: &OneOrMany<String>) -> bool {
        let Some(found) = found else { return self.is_negated || self.is_optional };
        let is_it = |value: &String| if self.is_pattern { glob(value, found) } else { value == found };
        wanted.iter().any(is_it) != self.is_negated
    }
}

/// What is known of who asks, of the rule that is asked for, and of the event that is to be put.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Account,
    Organization,
    Source,
    DetailType,
    EventBusInvocation,
    CreatorAccount,
}

impl Key {
    /// Keys are the same in any case of letters.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "aws:principalaccount" => Some(Self::Account),
            "aws:principalorgid" => Some(Self::Organization),
            "events:source" => Some(Self::Source),
            "events:detail-type" => Some(Self::DetailType),
            "events:eventbusinvocation" => Some(Self::EventBusInvocation),
            "events:creatoraccount" => Some(Self::CreatorAccount),
            _ => None,
        }
    }

    /// True when it is known for `events:PutEvents` alone. Amazon's service knows the first two for rules as well, where it
    /// takes them from the pattern.
    pub(super) fn is_of_event(self) -> bool {
        matches!(self, Self::Source | Self::DetailType | Self::EventBusInvocation)
    }

    fn find<'a>(self, request: &Request<'a>) -> Option<&'a str> {
        match self {
            Self::Account => Some(request.account.as_str()),
            Self::Organization => request.organization.map(OrganizationId::as_str),
            Self::CreatorAccount => request.rule_creator.map(AccountId::as_str),
            Self::Source => request.event.map(|event| event.source),
            Self::DetailType => request.event.map(|event| event.detail_type),
            Self::EventBusInvocation => request.event.map(|event| if event.is_forwarded { "true" } else { "false" }),
        }
    }
}

/// True when all of the conditions hold. One that is not understood holds for nobody; reading refuses those.
pub(super) fn all_hold(conditions: &Conditions, request: &Request<'_>) -> bool {
    conditions.iter().all(|(operator, keys)| {
        keys.iter().all(|(key, wanted)| match (Operator::parse(operator), Key::parse(key)) {
            (Some(operator), Some(key)) => operator.holds(key.find(request), wanted),
            _ => false,
        })
    })
}
