//! Accounts and their credentials, as the operator configures them.

use crate::clock::Timestamp;
use crate::name::{AccountId, OrganizationId};
use crate::secret::{Secret, TokenHash};

/// An owner of event buses, with the credentials that speak for it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its twelve digits, which no other account has.
    pub id: AccountId,
    /// The organization it belongs to, for policies that name one.
    pub organization: Option<OrganizationId>,
    /// The keys that its requests are signed with.
    pub access_keys: Vec<AccessKey>,
    /// The hashes of the bearer tokens that may put events for it.
    pub event_token_hashes: Vec<TokenHash>,
}

/// A key that requests are signed with.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Its id, which no other key has.
    pub id: AccessKeyId,
    /// What signatures are made with.
    pub secret: Secret,
    /// The token that has to come with it, when it is a temporary one.
    pub session_token: Option<Secret>,
    /// When a temporary key ends; never when it does not say.
    pub expires: Option<Timestamp>,
}

/// The id of an access key: 1 to 128 letters, digits, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessKeyId(Box<str>);

impl AccessKeyId {
    /// Checks `text`; none when it cannot be an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        ((1..=128).contains(&text.len()) && text.bytes().all(fits)).then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
