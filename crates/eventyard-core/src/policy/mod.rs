//! The policy of an event bus: which other accounts may do what with it.
//!
//! A [`Policy`] is read from the document that Amazon's service shows, or put together from single permissions, and answers
//! one question: may this account do this with this resource? What nothing allows is not allowed, and a statement with the
//! effect `Deny` wins over all others.
//!
//! A document that says something which is not understood here is refused when it is put, never guessed at when it is asked:
//! a condition that is ignored would open the bus to those it was to keep out. `parse.rs` lists what is understood.

mod condition;
mod document;
mod json;
mod parse;

use std::fmt;

pub use parse::InvalidPolicy;

use crate::limits::POLICY_SIZE_BYTES_MAX;
use crate::name::{AccountId, OrganizationId};
use document::{Document, Effect, OneOrMany, Principal, Statement};

/// The policy of an event bus. It has at least one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(Document);

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The account that asks.
    pub account: &'a AccountId,
    /// The organization it belongs to.
    pub organization: Option<&'a OrganizationId>,
    /// The action, as `events:PutEvents`.
    pub action: &'a str,
    /// The ARN of what it is asked of.
    pub resource: &'a str,
    /// The account that made the rule it is asked of; none when that is no rule.
    pub rule_creator: Option<&'a AccountId>,
    /// The event that is to be put; none unless the action is `events:PutEvents`.
    pub event: Option<EventFacts<'a>>,
}

/// What conditions can ask of an event.
#[derive(Clone, Copy, Debug)]
pub struct EventFacts<'a> {
    /// Its `source`.
    pub source: &'a str,
    /// Its `detail-type`.
    pub detail_type: &'a str,
    /// True when a rule forwards it, false when an account puts it.
    pub is_forwarded: bool,
}

/// What a policy says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement is about it: only the owner may.
    NotMentioned,
}

/// One permission, as `PutPermission` takes it without a policy.
#[derive(Clone, Debug)]
pub struct Permission {
    /// `StatementId`: the name by which it is replaced or removed.
    pub statement_id: String,
    /// `Principal`: the account; none for `*`, everybody.
    pub principal: Option<AccountId>,
    /// `Action`.
    pub action: String,
    /// `Condition.Value`: the organization that the principal must belong to.
    pub organization: Option<String>,
}

/// A policy is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The policy of an event bus can have at most {POLICY_SIZE_BYTES_MAX} bytes; this one has {0}.")]
pub struct PolicyTooLong(pub usize);

impl Policy {
    /// Adds a permission to a policy, or replaces the statement of the same name. `resource` is the ARN of the event bus.
    ///
    /// # Errors
    /// When the policy would be too long.
    pub fn with(policy: Option<&Self>, permission: Permission, resource: &str) -> Result<Self, PolicyTooLong> {
        let mut document = policy.map_or_else(Document::empty, |policy| policy.0.clone());
        let statement = Statement::from_permission(permission, resource);
        let statements = document.statement.as_mut_list();
        match statements.iter_mut().find(|other| other.sid == statement.sid) {
            Some(other) => *other = statement,
            None => statements.push(statement),
        }
        Self(document).measured()
    }

    /// The policy without the statement of this name. Answers none when there is no such statement, and in its place none
    /// when it was the last one.
    #[must_use]
    pub fn without(&self, statement_id: &str) -> Option<Option<Self>> {
        let mut document = self.0.clone();
        let statements = document.statement.as_mut_list();
        let before = statements.len();
        statements.retain(|statement| statement.sid.as_deref() != Some(statement_id));
        let (gone, left) = (statements.len() < before, !statements.is_empty());
        gone.then(|| left.then_some(Self(document)))
    }

    /// What the policy says about a request.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let effects = self.0.statement.iter().filter(|statement| statement.is_about(request));
        let mut decision = Decision::NotMentioned;
        for statement in effects {
            match statement.effect {
                Effect::Allow => decision = Decision::Allowed,
                Effect::Deny => return Decision::Denied,
            }
        }
        decision
    }

    /// True when the policy lets somebody who is not the owner do what is asked.
    #[must_use]
    pub fn allows(&self, request: &Request<'_>) -> bool {
        self.decide(request) == Decision::Allowed
    }

    fn measured(self) -> Result<Self, PolicyTooLong> {
        let length = self.to_string().len();
        if length <= POLICY_SIZE_BYTES_MAX { Ok(self) } else { Err(PolicyTooLong(length)) }
    }
}

/// The document as JSON without blanks, the members in Amazon's order.
impl fmt::Display for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Texts, lists and maps with text keys always have a JSON form.
        formatter.write_str(&serde_json::to_string(&self.0).unwrap_or_default())
    }
}

impl Statement {
    fn is_about(&self, request: &Request<'_>) -> bool {
        self.principal.includes(request.account)
            && self
                .action
                .iter()
                .any(|pattern| glob(&pattern.to_ascii_lowercase(), &request.action.to_ascii_lowercase()))
            && self.resource.iter().any(|pattern| glob(pattern, request.resource))
            && condition::all_hold(&self.condition, request)
    }
}

impl Principal {
    fn includes(&self, account: &AccountId) -> bool {
        match self {
            Self::Everybody => true,
            // Services do not call: none of Amazon's runs here.
            Self::Named { aws, service: _ } => aws.iter().flat_map(OneOrMany::iter).any(|name| {
                let id = name.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
                name == "*" || id.unwrap_or(name) == account.as_str()
            }),
        }
    }
}

/// True when `text` is what `pattern` says, where `*` stands for any text and `?` for any one byte.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where to go on when a guess was wrong: behind the last star, with the star taking one byte more.
    let mut retry = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, place));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[place] => (at, place) = (at + 1, place + 1),
            _ => match retry {
                Some((behind, taken)) => {
                    retry = Some((behind, taken + 1));
                    (at, place) = (behind, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;
