//! Conditions of a statement: operators over what is known of who asks.
//!
//! The operators are `StringEquals`, `StringLike` and their `StringNot…`, each also with `IfExists` behind it; the keys are
//! `aws:PrincipalAccount` and `aws:PrincipalOrgID`. As Amazon's evaluation has it, a key that is not there satisfies the
//! `Not` operators and those with `IfExists`, and no other.

use super::document::{Conditions, OneOrMany};
use super::{Request, glob};
use crate::name::OrganizationId;

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

/// What is known of who asks.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Account,
    Organization,
}

impl Key {
    /// Keys are the same in any case of letters.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "aws:principalaccount" => Some(Self::Account),
            "aws:principalorgid" => Some(Self::Organization),
            _ => None,
        }
    }

    fn find<'a>(self, request: &Request<'a>) -> Option<&'a str> {
        match self {
            Self::Account => Some(request.account.as_str()),
            Self::Organization => request.organization.map(OrganizationId::as_str),
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
