//! The accounts as requests ask for them: by key, and by token.

use std::collections::{BTreeMap, HashMap};

use eventyard_core::account::{AccessKey, Account};
use eventyard_core::name::{AccountId, OrganizationId};

use super::bearer::BearerTokens;

/// Accounts in the place of others are not the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("accounts: one came, went or changed its organization, which counts after a restart; no key was changed")]
pub struct NotTheSameAccounts;

/// Those who are known.
#[derive(Debug)]
pub(super) struct KnownAccounts {
    /// By the key's id.
    pub(super) keys: HashMap<String, (AccountId, AccessKey)>,
    pub(super) event_tokens: BearerTokens<AccountId>,
    organizations: BTreeMap<AccountId, Option<OrganizationId>>,
}

impl KnownAccounts {
    pub(super) fn new(accounts: Vec<Account>) -> Self {
        let (mut keys, mut event_tokens, mut organizations) = (HashMap::new(), Vec::new(), BTreeMap::new());
        for Account { id, organization, access_keys, event_token_hashes } in accounts {
            keys.extend(access_keys.into_iter().map(|key| (key.id.as_str().to_owned(), (id.clone(), key))));
            event_tokens.extend(event_token_hashes.into_iter().map(|hash| (hash, id.clone())));
            organizations.insert(id, organization);
        }
        Self { keys, event_tokens: event_tokens.into_iter().collect(), organizations }
    }

    /// The organization that an account belongs to.
    pub(super) fn organization(&self, account: &AccountId) -> Option<OrganizationId> {
        self.organizations.get(account).cloned().flatten()
    }

    /// Whether others are the same accounts, whatever their keys.
    pub(super) fn check_same(&self, others: &Self) -> Result<(), NotTheSameAccounts> {
        if self.organizations == others.organizations { Ok(()) } else { Err(NotTheSameAccounts) }
    }
}
