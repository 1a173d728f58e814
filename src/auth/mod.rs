//! Who a request comes from, and whether it may come in at all.
//!
//! [`Authenticator`] verifies the signatures of the API and names the account and the region; [`BearerTokens`] are for those who
//! cannot sign; [`AllowedHosts`] keeps web pages out of listeners that know nobody; [`Throttle`]
//! counts requests by account. The checks themselves are pure and stand in `eventyard_core::sigv4` and
//! `eventyard_core::secret`; here they meet the configured accounts, the clock and the metrics.

mod accounts;
mod bearer;
mod hosts;
mod throttle;

use std::sync::Arc;

use arc_swap::ArcSwap;
use eventyard_core::account::{AccessKey, Account};
use eventyard_core::clock::Clock;
use eventyard_core::error::ServiceError;
use eventyard_core::name::{AccountId, OrganizationId, Region};
use eventyard_core::sigv4::{Claim, Form, Request as SignedRequest, SignatureError};

use accounts::KnownAccounts;
pub use accounts::NotTheSameAccounts;
pub use bearer::BearerTokens;
pub use hosts::AllowedHosts;
pub use throttle::Throttle;

use crate::http::Request;
use crate::telemetry::{AuthenticationFailed, Telemetry};

/// Whom a request comes from, and where it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// On whose behalf.
    pub account: AccountId,
    /// In which region.
    pub region: Region,
    /// The organization the account belongs to, for policies that name one.
    pub organization: Option<OrganizationId>,
    /// Whether the request was presigned, so that whoever sends it may not be able to choose its body.
    pub is_presigned: bool,
}

/// What an authenticator goes by.
#[derive(Debug)]
pub struct Settings {
    /// Those who are known; when there is none, everybody is let in.
    pub accounts: Vec<Account>,
    /// The account of requests that do not say theirs.
    pub default_account: AccountId,
    /// The region of requests that do not say theirs.
    pub default_region: Region,
    /// The regions that are served; all when it is empty.
    pub regions: Vec<Region>,
}

/// Tells who requests come from.
#[derive(Debug)]
pub struct Authenticator {
    accounts: ArcSwap<KnownAccounts>,
    is_anonymous: bool,
    default_account: AccountId,
    default_region: Region,
    regions: Vec<Region>,
    clock: Arc<dyn Clock>,
    telemetry: Arc<Telemetry>,
}

impl Authenticator {
    /// An authenticator that knows these accounts.
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, telemetry: Arc<Telemetry>) -> Self {
        let Settings { accounts, default_account, default_region, regions } = settings;
        let is_anonymous = accounts.is_empty();
        let accounts = ArcSwap::from_pointee(KnownAccounts::new(accounts));
        Self { accounts, is_anonymous, default_account, default_region, regions, clock, telemetry }
    }

    /// Takes other keys and tokens of the same accounts, from the next request on.
    ///
    /// # Errors
    /// When they are not the same accounts in the same organizations: others hold on to them for as long as the daemon runs.
    pub fn replace_keys(&self, accounts: Vec<Account>) -> Result<(), NotTheSameAccounts> {
        let accounts = KnownAccounts::new(accounts);
        self.accounts.load().check_same(&accounts)?;
        self.accounts.store(Arc::new(accounts));
        Ok(())
    }

    /// Whose signature a request has. Without configured accounts every key is accepted, and so is none: a key's id of twelve
    /// digits is the account, any other means the default one.
    ///
    /// # Errors
    /// Amazon's, when the request is not signed by anybody who is known, or not for here and now.
    pub fn authenticate(&self, request: &Request, body: &[u8]) -> Result<Identity, ServiceError> {
        let identity = if self.is_anonymous { self.believe(request, body) } else { self.verify(request, body) };
        identity.map_err(|error| self.failed(error))
    }

    /// Whose bearer token a request has that only puts events, or else whose signature. A token says no region, so it is the
    /// default one.
    ///
    /// # Errors
    /// Unauthorized for a token that is not known, else as [`Self::authenticate`].
    pub fn authenticate_events(&self, request: &Request, body: &[u8]) -> Result<Identity, ServiceError> {
        if self.is_anonymous || bearer::token(request).is_none() {
            return self.authenticate(request, body);
        }
        let account = self.accounts.load().event_tokens.holder(request, &self.telemetry)?.clone();
        Ok(self.identity(account, self.default_region.clone()))
    }

    /// What can be said against a request before its body is there. A body is held only of those who name a key or a token
    /// that is known; a key's id is no secret, so `api.bodies_size_bytes_max` bounds what they can make us hold.
    /// `takes_tokens` is for [`Self::authenticate_events`].
    ///
    /// # Errors
    /// As the two above, but for signatures that are wrong.
    pub fn check_head(&self, request: &Request, takes_tokens: bool) -> Result<(), ServiceError> {
        if self.is_anonymous {
            return Ok(());
        }
        if takes_tokens && bearer::token(request).is_some() {
            return self.accounts.load().event_tokens.holder(request, &self.telemetry).map(|_| ());
        }
        let request = signed_request(request, &[]);
        let accounts = self.accounts.load();
        let checked = known_key(&accounts, &request).and_then(|(claim, _)| claim.check(&request, self.clock.now()));
        checked.map_err(|error| self.failed(error))
    }

    fn verify(&self, request: &Request, body: &[u8]) -> Result<Identity, SignatureError> {
        let request = signed_request(request, body);
        let accounts = self.accounts.load();
        let (claim, (account, key)) = known_key(&accounts, &request)?;
        let now = self.clock.now();
        claim.verify(&request, &key.secret, now)?;
        if key.expires.is_some_and(|end| end <= now) {
            return Err(SignatureError::TokenExpired);
        }
        self.claimed(account.clone(), &claim)
    }

    fn failed(&self, error: SignatureError) -> ServiceError {
        self.telemetry.record(&AuthenticationFailed { reason: error.reason() });
        error.into()
    }

    fn believe(&self, request: &Request, body: &[u8]) -> Result<Identity, SignatureError> {
        match Claim::read(&signed_request(request, body))? {
            Some(claim) => {
                let account = AccountId::parse(&claim.key_id).unwrap_or_else(|_| self.default_account.clone());
                self.claimed(account, &claim)
            }
            None => Ok(self.identity(self.default_account.clone(), self.default_region.clone())),
        }
    }

    fn claimed(&self, account: AccountId, claim: &Claim) -> Result<Identity, SignatureError> {
        let region = Region::parse(&claim.region).ok();
        let served = |region: &Region| self.regions.is_empty() || self.regions.contains(region);
        let region = region.filter(served).ok_or_else(|| {
            let region = claim.region.escape_debug();
            SignatureError::WrongScope(format!("Credential should be scoped to a valid region, not '{region}'. "))
        })?;
        Ok(Identity { is_presigned: matches!(claim.form, Form::Presigned(_)), ..self.identity(account, region) })
    }

    fn identity(&self, account: AccountId, region: Region) -> Identity {
        let organization = self.accounts.load().organization(&account);
        Identity { account, region, organization, is_presigned: false }
    }
}

/// What a request claims, and the key it says it was signed with.
fn known_key<'a>(
    accounts: &'a KnownAccounts,
    request: &SignedRequest<'_>,
) -> Result<(Claim, &'a (AccountId, AccessKey)), SignatureError> {
    let claim = Claim::read(request)?.ok_or(SignatureError::Missing)?;
    let known = accounts.keys.get(&claim.key_id).ok_or(SignatureError::UnknownKey)?;
    let token_is_right = match (&known.1.session_token, &claim.session_token) {
        (None, None) => true,
        (Some(expected), Some(token)) => expected.is(token.as_bytes()),
        _ => false,
    };
    if token_is_right { Ok((claim, known)) } else { Err(SignatureError::UnknownKey) }
}

/// The request as signatures see it.
fn signed_request<'a>(request: &'a Request, body: &'a [u8]) -> SignedRequest<'a> {
    SignedRequest {
        method: request.method.as_str(),
        path: request.uri.path(),
        query: request.uri.query().unwrap_or_default(),
        headers: request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        body,
    }
}

#[cfg(test)]
mod tests;
