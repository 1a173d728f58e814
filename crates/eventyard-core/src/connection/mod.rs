//! Connections: what the operator knows about servers that targets are on, credentials above all, so that no target has to
//! carry it.

mod coverage;
mod http;
mod signing;

use std::sync::Arc;

pub use coverage::{Coverage, InvalidCoverage};
pub use http::{CloudEventsMode, HttpConnection, HttpMethod, OAuthClient};
pub use signing::{SigningKey, epoch_seconds, message_id};

use crate::name::AccountId;
use crate::secret::Secret;

/// How some targets are spoken to.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its name, which no other connection has.
    pub name: String,
    /// The targets it is for.
    pub covers: Coverage,
    /// The accounts whose rules may use it; all when it is empty.
    pub accounts: Vec<AccountId>,
    /// Who the daemon is there.
    pub username: Option<String>,
    /// What proves it.
    pub password: Option<Secret>,
    /// The only authorities of the server's certificate, in PEM; those of the system when there are none.
    pub ca_pem: Option<String>,
    /// The certificate that the daemon shows.
    pub client_certificate: Option<ClientCertificate>,
    /// What holds for HTTP targets only.
    pub http: HttpConnection,
}

/// A certificate with its private key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, and those that lead from it to an authority, in PEM.
    pub chain_pem: String,
    /// Its private key, in PEM.
    pub key_pem: Secret,
}

impl Connection {
    /// Whether rules of an account may use it.
    #[must_use]
    pub fn serves(&self, account: &AccountId) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }

    /// Whether nobody could say which of two counts: they are for the same targets of the same account.
    #[must_use]
    pub fn collides_with(&self, other: &Self) -> bool {
        let share = |a: &Self, b: &Self| a.accounts.is_empty() || a.accounts.iter().any(|account| b.serves(account));
        self.covers == other.covers && (share(self, other) || share(other, self))
    }
}

/// All connections. No two of them collide.
#[derive(Clone, Debug, Default)]
pub struct Connections(pub Vec<Arc<Connection>>);

impl Connections {
    /// The connection that a rule of `account` uses for the target with this Arn: of those that cover it the most exact one.
    #[must_use]
    pub fn of(&self, account: &AccountId, arn: &str) -> Option<&Arc<Connection>> {
        let fits = |connection: &&Arc<Connection>| connection.serves(account) && connection.covers.covers(arn);
        self.0.iter().filter(fits).max_by_key(|connection| connection.covers.depth())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(digit: &str) -> AccountId {
        AccountId::parse(&digit.repeat(12)).unwrap()
    }

    fn connection(name: &str, covers: &str, accounts: &[&str]) -> Connection {
        Connection {
            name: name.to_owned(),
            covers: Coverage::parse(covers).unwrap(),
            accounts: accounts.iter().map(|digit| account(digit)).collect(),
            username: None,
            password: None,
            ca_pem: None,
            client_certificate: None,
            http: HttpConnection::default(),
        }
    }

    #[test]
    fn the_most_exact_connection_of_the_account_counts() {
        let all = [
            connection("server", "https://h", &[]),
            connection("orders", "https://h/orders", &["1"]),
            connection("theirs", "https://h/orders", &["2"]),
        ];
        let connections = Connections(all.into_iter().map(Arc::new).collect());
        let name = |digit: &str, arn: &str| connections.of(&account(digit), arn).map(|found| found.name.as_str());
        assert_eq!(name("1", "https://h/orders/1"), Some("orders"));
        assert_eq!(name("2", "https://h/orders/1"), Some("theirs"));
        assert_eq!(name("3", "https://h/orders/1"), Some("server"));
        assert_eq!(name("1", "https://h/order"), Some("server"));
        assert_eq!(name("1", "https://other/orders"), None);
    }

    #[test]
    fn two_for_the_same_targets_of_one_account_collide() {
        let collide = |a: &[&str], b: &[&str]| {
            let (a, b) = (connection("a", "https://h/x", a), connection("b", "https://h:443/x/", b));
            assert_eq!(a.collides_with(&b), b.collides_with(&a));
            a.collides_with(&b)
        };
        assert!(collide(&[], &[]) && collide(&[], &["1"]) && collide(&["1", "2"], &["2"]));
        assert!(!collide(&["1"], &["2"]));
        assert!(!connection("a", "https://h/x", &[]).collides_with(&connection("b", "https://h/y", &[])));
    }
}
