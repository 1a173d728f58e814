//! `[[connections]]`: how some targets are spoken to, with credentials above all.

mod http;

use std::sync::Arc;

use eventyard_core::connection::{ClientCertificate, Connection, Connections, Coverage};
use eventyard_core::name::AccountId;
use eventyard_core::secret::Secret;
use serde_json::json;

use super::document::Table;
use super::tables::TableReader;

const KEY: &str = "connections";
const KNOWN: [&str; 10] = [
    "name",
    "covers",
    "accounts",
    "username",
    "password",
    "password_file",
    "password_environment",
    "ca_file",
    "certificate_file",
    "key_file",
];

/// Reads the tables of `[[connections]]`. Where there are several accounts each connection has to name its own.
pub(super) fn read_connections(
    tables: &[Table],
    must_name_accounts: bool,
    reader: &mut TableReader<'_>,
) -> Connections {
    let mut connections: Vec<Arc<Connection>> = Vec::new();
    for table in tables {
        let Some(connection) = connection(reader, table, must_name_accounts) else { continue };
        check_unique(reader, table, &connections, &connection);
        connections.push(Arc::new(connection));
    }
    Connections(connections)
}

fn connection(reader: &mut TableReader<'_>, table: &Table, must_name_accounts: bool) -> Option<Connection> {
    reader.refuse_unknown(table, KEY, &[&KNOWN[..], &http::KNOWN].concat());
    let name = reader.text(table, KEY, "name");
    let name = name.and_then(|name| {
        let advice = "write 1 to 64 letters, digits, hyphens, dots and underscores";
        reader.parsed(table, "connections.name", advice, is_name(&name).then_some(name))
    });
    let covers = covers(reader, table);
    let accounts = accounts(reader, table, must_name_accounts);
    let username = reader.text_option(table, KEY, "username");
    let password = reader.secret(table, KEY, "password", "give the password");
    let ca_pem = pem(reader, table, "ca_file", "CERTIFICATE-----");
    let client_certificate = client_certificate(reader, table);
    let http = http::read(reader, table);
    let (covers, http) = (covers?, http?);
    check_kind(reader, table, &covers)?;
    if http.oauth.is_some() && (username.is_some() || table.find("password").is_some()) {
        let why = "username and password would stand in the same header as its token";
        reader.refuse(table, "connections.oauth_token_url", why, "give one of the two");
        return None;
    }
    Some(Connection {
        name: name?,
        covers,
        http,
        accounts: accounts?,
        username,
        password: password.ok()?,
        ca_pem: ca_pem.ok()?,
        client_certificate: client_certificate.ok()?,
    })
}

/// Refuses what other kinds of targets would not heed.
fn check_kind(reader: &mut TableReader<'_>, table: &Table, covers: &Coverage) -> Option<()> {
    let is_for_http = |name: &&str| http::KNOWN.contains(name);
    match table.entries.iter().map(|entry| entry.name.as_str()).find(is_for_http) {
        Some(name) if !covers.is_http() => {
            let why = "only connections to http and https targets have it";
            reader.refuse(table, &format!("{KEY}.{name}"), why, "leave it away");
            None
        }
        _ => Some(()),
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn covers(reader: &mut TableReader<'_>, table: &Table) -> Option<Coverage> {
    let prefix = reader.text(table, KEY, "covers")?;
    let coverage = Coverage::parse(&prefix);
    if let Err(why) = coverage {
        // The prefix is not repeated: somebody may have written a password into it.
        let advice = "write the beginning of a target's URL, such as https://hooks.example.com/orders";
        reader.refuse(table, "connections.covers", &why.to_string(), advice);
    }
    coverage.ok()
}

fn accounts(reader: &mut TableReader<'_>, table: &Table, must_name: bool) -> Option<Vec<AccountId>> {
    const ADVICE: &str = "write the ids of the accounts whose rules may use it";
    let texts = reader.texts(table, KEY, "accounts", ADVICE);
    let accounts: Vec<_> = texts.iter().filter_map(|text| AccountId::parse(text).ok()).collect();
    let wrong = if accounts.len() < texts.len() {
        "one of them is no account id of 12 digits"
    } else if must_name && accounts.is_empty() {
        "there are several accounts, and none is named that may use this"
    } else {
        return Some(accounts);
    };
    reader.refuse(table, "connections.accounts", wrong, ADVICE);
    None
}

fn client_certificate(reader: &mut TableReader<'_>, table: &Table) -> Result<Option<ClientCertificate>, ()> {
    let chain = pem(reader, table, "certificate_file", "CERTIFICATE-----");
    let key = pem(reader, table, "key_file", "PRIVATE KEY-----");
    match (chain?, key?) {
        (Some(chain_pem), Some(key)) => Ok(Some(ClientCertificate { chain_pem, key_pem: Secret::new(&key) })),
        (None, None) => Ok(None),
        (chain, _) => {
            let key = if chain.is_some() { "connections.certificate_file" } else { "connections.key_file" };
            reader.refuse(table, key, "it does not go without the other", "give both files, or neither");
            Err(())
        }
    }
}

/// A file of PEM that has at least one `label`.
fn pem(reader: &mut TableReader<'_>, table: &Table, name: &str, label: &str) -> Result<Option<String>, ()> {
    const ADVICE: &str = "give a file of PEM";
    let text = reader.file_option(table, KEY, name, ADVICE)?;
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.ends_with(label);
    if text.as_ref().is_some_and(|text| !text.lines().any(begins)) {
        let why = format!("the file holds no -----BEGIN … {label}");
        reader.refuse(table, &format!("{KEY}.{name}"), &why, ADVICE);
        return Err(());
    }
    Ok(text)
}

fn check_unique(reader: &mut TableReader<'_>, table: &Table, others: &[Arc<Connection>], one: &Connection) {
    const ADVICE: &str = "give each its own";
    if others.iter().any(|other| other.name == one.name) {
        reader.refuse(table, "connections.name", &format!("there are two connections {}", one.name), ADVICE);
    }
    if let Some(other) = others.iter().find(|other| other.collides_with(one)) {
        let why = format!("{} and {} are for the same targets of the same account", other.name, one.name);
        reader.refuse(table, "connections.covers", &why, ADVICE);
    }
}

/// What `config show` says about connections: which there are, as comments, for without secrets they cannot be loaded.
pub(super) fn show(connections: &Connections) -> String {
    let line = |connection: &Arc<Connection>| {
        let Connection { name, covers, accounts, .. } = &**connection;
        let accounts: Vec<_> = accounts.iter().map(AccountId::as_str).collect();
        let accounts =
            if accounts.is_empty() { String::new() } else { format!(" for accounts [{}]", accounts.join(", ")) };
        format!("# [[connections]] {name} covers {covers}{accounts}: has [{}]\n", given(connection).join(", "))
    };
    connections.0.iter().map(line).collect()
}

/// The same for programs.
pub(super) fn list(connections: &Connections) -> impl Iterator<Item = serde_json::Value> {
    connections.0.iter().map(|connection| {
        let Connection { name, covers, accounts, .. } = &**connection;
        let accounts: Vec<_> = accounts.iter().map(AccountId::as_str).collect();
        let value = json!({
            "name": name, "covers": covers.to_string(), "accounts": accounts, "has": given(connection),
        });
        json!({ "key": "connections", "value": value })
    })
}

/// What of it is given, by the names of its members.
fn given(connection: &Connection) -> Vec<&'static str> {
    let Connection { username, password, ca_pem, client_certificate, http, .. } = connection;
    let given = [
        ("username", username.is_some()),
        ("password", password.is_some()),
        ("ca_file", ca_pem.is_some()),
        ("certificate_file", client_certificate.is_some()),
        ("headers", !http.headers.is_empty()),
        ("api_key", http.api_key.is_some()),
        ("oauth_client_secret", http.oauth.is_some()),
        ("signing_secrets", !http.signing_keys.is_empty()),
        ("cloud_events", http.cloud_events.is_some()),
        ("proxy", http.proxy.is_some()),
    ];
    given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::super::{Config, ConfigFaults};
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

    fn file(text: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn load(text: &str) -> Result<Config, ConfigFaults> {
        Config::load(Some(file(text).path()), [("PASSWORD", "hunter2 of the environment")], &[])
    }

    /// The faults without the path of the file: `line: key: problem`.
    #[track_caller]
    fn faults(text: &str) -> Vec<String> {
        let faults = load(text).map(|_| ()).unwrap_err().to_string();
        assert!(!faults.contains("hunter2"), "a secret is shown: {faults}");
        faults.lines().map(|line| line.split_once(':').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn connections_have_credentials_that_are_not_shown() {
        let (certificate, key) = (file(PEM), file(&PEM.replace("CERTIFICATE", "PRIVATE KEY").replace("MA", "hunter2")));
        let text = format!(
            r#"
            [[connections]]
            name = "orders"
            covers = "https://hooks.example.com/orders/"
            accounts = ["111122223333"]
            username = "eventyard"
            password = "hunter2"
            [[connections]]
            name = "rabbit"
            covers = "amqps://rabbit.internal"
            password_environment = "PASSWORD"
            ca_file = {:?}
            certificate_file = {:?}
            key_file = {:?}
            "#,
            certificate.path(),
            certificate.path(),
            key.path()
        );
        let config = load(&text).unwrap();
        let of = |account: &str, arn| config.connections.of(&AccountId::parse(account).unwrap(), arn).map(Arc::clone);
        let orders = of("111122223333", "https://hooks.example.com/orders/7").unwrap();
        assert_eq!((orders.name.as_str(), orders.username.as_deref()), ("orders", Some("eventyard")));
        assert_eq!(orders.password, Some(Secret::new("hunter2")));
        assert!(of("444455556666", "https://hooks.example.com/orders/7").is_none());
        let rabbit = of("444455556666", "amqps://rabbit.internal/v/e/k").unwrap();
        assert_eq!(rabbit.password, Some(Secret::new("hunter2 of the environment")));
        assert_eq!(rabbit.ca_pem.as_deref(), Some(PEM));
        assert!(rabbit.client_certificate.as_ref().unwrap().key_pem.expose().contains("hunter2"));

        let shown = config.show();
        let line = "# [[connections]] orders covers https://hooks.example.com:443/orders for accounts [111122223333]: has \
                    [username, password]\n";
        assert!(shown.contains(line), "{shown}");
        assert!(shown.contains("amqps://rabbit.internal:5671: has [password, ca_file, certificate_file]\n"), "{shown}");
        assert!(!format!("{shown}{config:?}").contains("hunter2"));
        load(&shown).unwrap();
    }

    #[test]
    fn each_fault_has_its_line_and_shows_no_secret() {
        let pem = file(PEM);
        let text = format!(
            r#"[[connections]]
name = "a b"
covers = "https://u:hunter2@h"
[[connections]]
cover = "https://h"
[[connections]]
name = "a"
covers = "https://h"
accounts = ["1"]
[[connections]]
name = "b"
covers = "https://h"
password = "hunter2"
password_file = "hunter2"
[[connections]]
name = "c"
covers = "https://h"
certificate_file = {0:?}
[[connections]]
name = "d"
covers = "https://h"
certificate_file = {0:?}
key_file = {0:?}
[[connections]]
name = "e"
covers = "https://h"
ca_file = "/nowhere/ca.pem"
"#,
            pem.path()
        );
        let expected = [
            "2: connections.name: it cannot be used; write 1 to 64 letters, digits, hyphens, dots and underscores",
            "3: connections.covers: it has more than a scheme, a host, a port and a path; write the beginning of a target's URL, such as https://hooks.example.com/orders",
            "5: connections.cover: there is no such option; the nearest name is connections.covers",
            "4: connections.name: it is missing; add it",
            "4: connections.covers: it is missing; add it",
            "9: connections.accounts: one of them is no account id of 12 digits; write the ids of the accounts whose rules may use it",
            "14: connections.password_file: it is given twice; leave one of the two away",
            "18: connections.certificate_file: it does not go without the other; give both files, or neither",
            "23: connections.key_file: the file holds no -----BEGIN … PRIVATE KEY-----; give a file of PEM",
            "27: connections.ca_file: the file \"/nowhere/ca.pem\" cannot be read (No such file or directory (os error 2)); give a file of PEM",
        ];
        assert_eq!(faults(&text), expected);
    }

    #[test]
    fn what_requests_get_is_checked_before_it_is_used() {
        let faults_of = |covers: &str, line: &str| {
            let mut found = faults(&format!("[[connections]]\nname = \"c\"\ncovers = {covers:?}\n{line}\n"));
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            found.remove(0)
        };
        for (line, fault) in [
            ("method = \"GET\"", "connections.method: it cannot be used; write POST, PUT, PATCH or DELETE"),
            ("headers = [\"Host: hunter2\"]", "connections.headers: one of them cannot be used; "),
            ("headers = [\"hunter2\"]", "connections.headers: one of them cannot be used; "),
            ("api_key = \"hunter2\"", "connections.api_key_header: it does not go without api_key; "),
            ("api_key_header = \"a b\"", "connections.api_key_header: it cannot be used; "),
            ("api_key = \"hunter2 \\n\"\napi_key_header = \"a\"", "connections.api_key: it cannot stand in a header; "),
            ("oauth_client_secret = \"hunter2\"", "connections.oauth_token_url: oauth_token_url, oauth_client_id and "),
            ("signing_secrets = \"hunter2\"", "connections.signing_secrets: they cannot be used; give one or two"),
            ("signing_secrets = \" \"", "connections.signing_secrets: they cannot be used; give one or two"),
            ("cloud_events = \"batched\"", "connections.cloud_events: it cannot be used; write structured or binary"),
            ("gzip = \"yes\"", "connections.gzip: it is neither true nor false; write one of them"),
            ("proxy = \"http://u:hunter2@h\"", "connections.proxy: it cannot be used; write a URL without a path"),
            (
                "response_timeout_ms = 0",
                "connections.response_timeout_ms: it cannot be used; write a whole number from 1 to 3600000",
            ),
        ] {
            let found = faults_of("https://h", line);
            assert!(found.split_once(": ").unwrap().1.starts_with(fault), "{line}: {found}");
        }
        let other = faults_of("amqps://h", "gzip = true");
        assert_eq!(other, "4: connections.gzip: only connections to http and https targets have it; leave it away");
        let both = "username = \"u\"\noauth_token_url = \"https://i/t\"\noauth_client_id = \"c\"\noauth_client_secret = \"hunter2\"";
        assert!(
            faults_of("https://h", both).contains("username and password would stand in the same header as its token")
        );
    }

    #[test]
    fn each_connection_is_its_own_and_each_account_knows_its_own() {
        let connection = |name: &str, accounts: &str| {
            format!("[[connections]]\nname = {name:?}\ncovers = \"https://h/x\"\naccounts = [{accounts}]\n")
        };
        let same = connection("a", "") + &connection("a", "\"111122223333\"");
        assert_eq!(
            faults(&same),
            [
                "6: connections.name: there are two connections a; give each its own",
                "7: connections.covers: a and a are for the same targets of the same account; give each its own",
            ]
        );
        load(&(connection("a", "\"444455556666\"") + &connection("b", "\"111122223333\""))).unwrap();

        let accounts = "[[accounts]]\nid = \"111122223333\"\n[[accounts]]\nid = \"444455556666\"\n";
        assert_eq!(
            faults(&(accounts.to_owned() + &connection("a", ""))),
            [
                "8: connections.accounts: there are several accounts, and none is named that may use this; write the ids of the accounts whose rules may use it"
            ]
        );
        load(&(accounts.to_owned() + &connection("a", "\"111122223333\""))).unwrap();
    }
}
