//! `[[accounts]]`: who may use the API, and with which keys.

use std::collections::HashSet;

use eventyard_core::account::{AccessKey, AccessKeyId, Account};
use eventyard_core::clock::Timestamp;
use eventyard_core::name::{AccountId, OrganizationId};
use eventyard_core::secret::TokenHash;
use serde_json::json;

use super::document::{Entry, Table};
use super::tables::{TableReader, refused};

const ACCOUNT: [&str; 4] = ["id", "organization", "access_keys", "event_token_hashes"];
const ACCESS_KEY: [&str; 8] = [
    "id",
    "secret",
    "secret_file",
    "secret_environment",
    "session_token",
    "session_token_file",
    "session_token_environment",
    "expires",
];
const SECRET_ADVICE: &str = "give the secret that clients sign with";

/// Reads the tables of `[[accounts]]`.
pub(super) fn read_accounts(tables: &[Table], reader: &mut TableReader<'_>) -> Vec<Account> {
    let accounts: Vec<_> = tables.iter().filter_map(|table| Some((account(reader, table)?, table.line))).collect();
    check_unique(reader, &accounts);
    accounts.into_iter().map(|(account, _)| account).collect()
}

fn account(reader: &mut TableReader<'_>, table: &Table) -> Option<Account> {
    reader.refuse_unknown(table, "accounts", &ACCOUNT);
    let id = reader.text(table, "accounts", "id")?;
    let id = reader.parsed(table, "accounts.id", "write exactly 12 digits", AccountId::parse(&id).ok())?;
    let organization = reader.text_option(table, "accounts", "organization");
    let organization = organization.and_then(|text| {
        let advice = "write an organization's id, such as o-a1b2c3d4e5";
        reader.parsed(table, "accounts.organization", advice, OrganizationId::parse(&text).ok())
    });
    let keys = match table.find("access_keys") {
        None => &[][..],
        Some(Entry { tables: Some(tables), .. }) => tables.as_slice(),
        Some(entry) => {
            reader.fault(
                entry.line,
                "accounts.access_keys",
                refused("it is no list of keys", "write [[accounts.access_keys]]"),
            );
            &[]
        }
    };
    let access_keys = keys.iter().filter_map(|key| access_key(reader, key)).collect();
    let event_token_hashes = hashes(reader, table);
    Some(Account { id, organization, access_keys, event_token_hashes })
}

fn access_key(reader: &mut TableReader<'_>, table: &Table) -> Option<AccessKey> {
    const KEY: &str = "accounts.access_keys";
    reader.refuse_unknown(table, KEY, &ACCESS_KEY);
    let id = reader.text(table, KEY, "id");
    let id = id.and_then(|id| {
        let advice = "write 1 to 128 letters, digits, hyphens and underscores";
        reader.parsed(table, "accounts.access_keys.id", advice, AccessKeyId::parse(&id))
    });
    let secret = reader.secret(table, KEY, "secret", SECRET_ADVICE).ok()?;
    if secret.is_none() {
        let advice = "write one of secret, secret_file and secret_environment";
        reader.fault(table.line, "accounts.access_keys.secret", refused("the key has no secret", advice));
    }
    let session_token = reader.secret(table, KEY, "session_token", SECRET_ADVICE).ok()?;
    let expires = reader.text_option(table, KEY, "expires");
    let expires = expires.and_then(|text| {
        let advice = "write a time such as \"2026-12-31T23:59:59Z\"";
        reader.parsed(table, "accounts.access_keys.expires", advice, Timestamp::parse_rfc3339(&text))
    });
    if expires.is_some() && session_token.is_none() {
        let problem = refused("only a key with a session token ends", "add session_token, or leave expires away");
        reader.fault(table.line, "accounts.access_keys.expires", problem);
    }
    Some(AccessKey { id: id?, secret: secret?, session_token, expires })
}

fn hashes(reader: &mut TableReader<'_>, table: &Table) -> Vec<TokenHash> {
    let texts = reader.texts(table, "accounts", "event_token_hashes", "write a list of SHA-256 hashes");
    let hashes: Vec<_> = texts.iter().filter_map(|text| TokenHash::parse(text)).collect();
    if hashes.len() < texts.len() {
        let why = "one of them is no SHA-256 hash";
        reader.refuse(table, "accounts.event_token_hashes", why, TOKEN_HASH_ADVICE);
    }
    hashes
}

fn check_unique(reader: &mut TableReader<'_>, accounts: &[(Account, usize)]) {
    let (mut ids, mut keys, mut found) = (HashSet::new(), HashSet::new(), Vec::new());
    for (account, line) in accounts {
        if !ids.insert(&account.id) {
            found.push((*line, "accounts.id", format!("there are two accounts {}", account.id)));
        }
        for key in account.access_keys.iter().filter(|key| !keys.insert(&key.id)) {
            found.push((*line, "accounts.access_keys.id", format!("there are two keys {}", key.id.as_str())));
        }
    }
    for (line, key, why) in found {
        reader.fault(line, key, refused(&why, "give each its own"));
    }
}

/// How to make a hash, for reports.
pub(super) const TOKEN_HASH_ADVICE: &str = "write the 64 hexadecimal digits that `printf %s TOKEN | sha256sum` prints";

/// What `config show` says about accounts: everything but secrets, as comments, for without secrets they cannot be loaded.
pub(super) fn show(accounts: &[Account]) -> String {
    let line = |account: &Account| {
        let keys: Vec<&str> = account.access_keys.iter().map(|key| key.id.as_str()).collect();
        let organization = account.organization.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
        format!(
            "# [[accounts]] {}{organization}: access keys [{}], event tokens: {}\n",
            account.id,
            keys.join(", "),
            account.event_token_hashes.len()
        )
    };
    accounts.iter().map(line).collect()
}

/// The same for programs.
pub(super) fn list(accounts: &[Account]) -> impl Iterator<Item = serde_json::Value> {
    accounts.iter().map(|account| {
        let keys: Vec<&str> = account.access_keys.iter().map(|key| key.id.as_str()).collect();
        json!({
            "key": "accounts",
            "value": {
                "id": account.id.as_str(),
                "organization": account.organization.as_ref().map(ToString::to_string),
                "access_keys": keys,
                "event_tokens": account.event_token_hashes.len(),
            },
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use eventyard_core::secret::TokenHash;

    use super::super::{Config, ConfigFaults};

    const HASH: &str = "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032";

    fn load(text: &str) -> Result<Config, ConfigFaults> {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Config::load(Some(file.path()), [("KEY_SECRET", "from the environment"), ("EMPTY", "")], &[])
    }

    /// The faults without the path of the file: `line: key: problem`.
    #[track_caller]
    fn faults(text: &str) -> Vec<String> {
        let faults = load(text).map(|_| ()).unwrap_err().to_string();
        assert!(!faults.contains("hunter2"), "a secret is shown: {faults}");
        faults.lines().map(|line| line.split_once(':').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn accounts_have_keys_and_tokens() {
        let mut file = NamedTempFile::new().unwrap();
        writeln!(file, "from a file").unwrap();
        let text = format!(
            r#"
            [[accounts]]
            id = "111122223333"
            organization = "o-a1b2c3d4e5"
            event_token_hashes = ["{HASH}"]
            access_keys = [{{ id = "A", secret = "hunter2" }}, {{ id = "B", secret_environment = "KEY_SECRET" }}]
            [[accounts]]
            id = "444455556666"
            [[accounts.access_keys]]
            id = "C"
            secret_file = {:?}
            session_token = "a token"
            expires = "2026-12-31T23:59:59Z"
            "#,
            file.path()
        );
        let config = load(&text).unwrap();
        let [first, second] = &config.accounts[..] else { panic!("{:?}", config.accounts) };
        assert_eq!(
            (first.id.as_str(), first.organization.as_ref().unwrap().as_str()),
            ("111122223333", "o-a1b2c3d4e5")
        );
        assert_eq!(first.event_token_hashes, [TokenHash::of(b"letmein")]);
        let keys: Vec<_> = config.accounts.iter().flat_map(|account| &account.access_keys).collect();
        let secrets: Vec<_> = keys.iter().map(|key| (key.id.as_str(), key.secret.expose())).collect();
        assert_eq!(secrets, [("A", "hunter2"), ("B", "from the environment"), ("C", "from a file")]);
        assert!(second.access_keys[0].session_token.as_ref().unwrap().is(b"a token"));
        assert_eq!(second.access_keys[0].expires.unwrap().to_rfc3339_seconds(), "2026-12-31T23:59:59Z");

        let shown = config.show();
        assert!(shown.contains("# [[accounts]] 111122223333 of o-a1b2c3d4e5: access keys [A, B], event tokens: 1\n"));
        assert!(!format!("{shown}{config:?}").contains("hunter2"));
        load(&shown).unwrap();
    }

    #[test]
    fn each_fault_has_its_line_and_shows_no_secret() {
        let text = r#"
[[accounts]]
organisation = "o-a1b2c3d4e5"
[[accounts]]
id = "1"
organization = "hunter2"
event_token_hashes = ["hunter2"]
access_keys = "hunter2"
[[accounts]]
id = "111122223333"
[[accounts.access_keys]]
id = "A"
[[accounts.access_keys]]
id = "A/B"
secret = "hunter2"
secret_file = "hunter2"
[[accounts.access_keys]]
secret_environment = "EMPTY"
[[accounts.access_keys]]
id = "D"
secret_file = "/nowhere/secret"
[[accounts.access_keys]]
id = "E"
secret = 7
[[accounts.access_keys]]
id = "F"
secret = "hunter2"
expires = "tomorrow"
"#;
        let expected = [
            "3: accounts.organisation: there is no such option; the nearest name is accounts.organization",
            "2: accounts.id: it is missing; add it",
            "5: accounts.id: it cannot be used; write exactly 12 digits",
            "11: accounts.access_keys.secret: the key has no secret; write one of secret, secret_file and secret_environment",
            "14: accounts.access_keys.id: it cannot be used; write 1 to 128 letters, digits, hyphens and underscores",
            "16: accounts.access_keys.secret_file: it is given twice; leave one of the two away",
            "17: accounts.access_keys.id: it is missing; add it",
            "18: accounts.access_keys.secret_environment: the environment variable \"EMPTY\" is not there, or empty; give the secret that clients sign with",
            "21: accounts.access_keys.secret_file: the file \"/nowhere/secret\" cannot be read (No such file or directory (os error 2)); give the secret that clients sign with",
            "24: accounts.access_keys.secret: it is no string; write a string",
            "28: accounts.access_keys.expires: it cannot be used; write a time such as \"2026-12-31T23:59:59Z\"",
        ];
        assert_eq!(faults(text), expected);
    }

    #[test]
    fn nothing_is_there_twice_and_the_list_is_a_list() {
        let account = "[[accounts]]\nid = \"111122223333\"\naccess_keys = [{ id = \"A\", secret = \"s\" }]\n";
        assert_eq!(
            faults(&format!("{account}{account}")),
            [
                "4: accounts.id: there are two accounts 111122223333; give each its own",
                "4: accounts.access_keys.id: there are two keys A; give each its own",
            ]
        );
        let list = "found something else, expected a list of tables, each under its name in double brackets";
        assert_eq!(faults("[accounts]\nid = \"111122223333\"\n"), [format!("1: accounts: {list}")]);
        assert_eq!(faults("accounts = 7\n"), [format!("1: accounts: {list}")]);
        assert_eq!(faults("[[acounts]]\n"), ["1: acounts: there is no such option; the nearest name is accounts"]);
        assert_eq!(faults("[[api]]\n"), ["1: api: found a list of tables, expected a section"]);
        let hashes = faults("[[accounts]]\nid = \"111122223333\"\nevent_token_hashes = [\"hunter2\"]\n");
        assert!(hashes[0].starts_with("3: accounts.event_token_hashes: one of them is no SHA-256 hash; write"));
    }
}
