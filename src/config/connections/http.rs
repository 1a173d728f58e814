//! What a connection can have where it covers HTTP targets.

use std::time::Duration;

use eventyard_core::connection::{CloudEventsMode, HttpConnection, HttpMethod, OAuthClient, SigningKey};
use eventyard_core::secret::Secret;
use eventyard_core::target::{HttpParameters, HttpUrl};

use super::super::document::Table;
use super::super::tables::TableReader;
use super::KEY;

/// What connections to other kinds of targets cannot have.
pub(super) const KNOWN: [&str; 24] = [
    "method",
    "headers",
    "headers_file",
    "headers_environment",
    "api_key_header",
    "api_key",
    "api_key_file",
    "api_key_environment",
    "oauth_token_url",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_client_secret_file",
    "oauth_client_secret_environment",
    "oauth_scope",
    "oauth_audience",
    "signing_secrets",
    "signing_secrets_file",
    "signing_secrets_environment",
    "cloud_events",
    "gzip",
    "http2",
    "proxy",
    "connect_timeout_ms",
    "response_timeout_ms",
];

/// Two are enough while one takes the place of the other, and each more is one that can leak.
const SIGNING_SECRETS_MAX: usize = 2;

pub(super) fn read(reader: &mut TableReader<'_>, table: &Table) -> Option<HttpConnection> {
    let method = parsed(reader, table, "method", "write POST, PUT, PATCH or DELETE", HttpMethod::parse);
    let headers = headers(reader, table);
    let api_key = api_key(reader, table);
    let oauth = oauth(reader, table);
    let signing_keys = signing_keys(reader, table);
    let cloud_events = parsed(reader, table, "cloud_events", "write structured or binary", CloudEventsMode::parse);
    let (gzip, http2) = (reader.boolean(table, KEY, "gzip"), reader.boolean(table, KEY, "http2"));
    let proxy =
        parsed(reader, table, "proxy", "write a URL without a path, such as http://proxy.internal:3128", origin);
    let mut milliseconds = |name, max| reader.integer_option(table, KEY, name, 1..=max).map(Duration::from_millis);
    Some(HttpConnection {
        connect_timeout: milliseconds("connect_timeout_ms", 600_000),
        response_timeout: milliseconds("response_timeout_ms", 3_600_000),
        method: method.unwrap_or_default(),
        headers: headers?,
        api_key: api_key.ok()?,
        oauth: oauth.ok()?,
        signing_keys: signing_keys?,
        cloud_events,
        gzip,
        http2,
        proxy,
    })
}

/// A text that is given and can be used.
fn parsed<T>(
    reader: &mut TableReader<'_>,
    table: &Table,
    name: &str,
    advice: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = reader.text_option(table, KEY, name)?;
    reader.parsed(table, &format!("{KEY}.{name}"), advice, parse(&text))
}

/// A URL that has neither path nor query, without the slash at its end.
fn origin(text: &str) -> Option<String> {
    let url = HttpUrl::parse(text).ok()?;
    (url.path == "/" && url.query.is_none()).then_some(url.origin)
}

fn headers(reader: &mut TableReader<'_>, table: &Table) -> Option<Vec<(String, Secret)>> {
    const ADVICE: &str = "write items such as \"X-Tenant: 7\", without headers that belong to the transport";
    let mut texts = reader.texts(table, KEY, "headers", ADVICE);
    let elsewhere =
        reader.secret_elsewhere(table, KEY, "headers", "give one header a line, such as X-Tenant: 7").ok()?;
    texts.extend(elsewhere.iter().flat_map(|secret| secret.expose().lines()).map(str::to_owned));
    let header = |text: &String| {
        let (name, value) = text.split_once(':')?;
        HttpParameters::is_header(name, value.trim()).then(|| (name.to_owned(), Secret::new(value.trim())))
    };
    let headers: Vec<_> = texts.iter().filter_map(header).collect();
    if headers.len() < texts.len() {
        reader.refuse(table, "connections.headers", "one of them cannot be used", ADVICE);
        return None;
    }
    Some(headers)
}

fn api_key(reader: &mut TableReader<'_>, table: &Table) -> Result<Option<(String, Secret)>, ()> {
    let advice = "write the name of a header, such as X-Api-Key";
    let header = parsed(reader, table, "api_key_header", advice, |name| {
        HttpParameters::is_header(name, "key").then(|| name.to_owned())
    });
    let advice = "give the key of the API, in printable ASCII";
    let key = reader.secret(table, KEY, "api_key", advice)?;
    if key.as_ref().is_some_and(|key| !HttpParameters::is_header("x", key.expose())) {
        reader.refuse(table, "connections.api_key", "it cannot stand in a header", advice);
        return Err(());
    }
    match (header, key) {
        (Some(header), Some(key)) => Ok(Some((header, key))),
        (None, None) => Ok(None),
        _ => {
            reader.refuse(
                table,
                "connections.api_key_header",
                "it does not go without api_key",
                "give both, or neither",
            );
            Err(())
        }
    }
}

fn oauth(reader: &mut TableReader<'_>, table: &Table) -> Result<Option<OAuthClient>, ()> {
    let advice = "write an http or https URL without credentials";
    let token_url = parsed(reader, table, "oauth_token_url", advice, |url| {
        HttpUrl::parse(url).is_ok_and(|url| !url.path.contains('*')).then(|| url.to_owned())
    });
    let client_id = reader.text_option(table, KEY, "oauth_client_id");
    let secret = reader.secret(table, KEY, "oauth_client_secret", "give the secret of the client")?;
    let scope = reader.text_option(table, KEY, "oauth_scope");
    let audience = reader.text_option(table, KEY, "oauth_audience");
    match (token_url, client_id, secret) {
        (Some(token_url), Some(client_id), Some(client_secret)) => {
            Ok(Some(OAuthClient { token_url, client_id, client_secret, scope, audience }))
        }
        (None, None, None) if scope.is_none() && audience.is_none() => Ok(None),
        _ => {
            let why = "oauth_token_url, oauth_client_id and oauth_client_secret go together";
            reader.refuse(table, "connections.oauth_token_url", why, "give all three, or none");
            Err(())
        }
    }
}

fn signing_keys(reader: &mut TableReader<'_>, table: &Table) -> Option<Vec<SigningKey>> {
    const ADVICE: &str = "give one or two, with a blank between them: whsec_ and the Base64 of 24 to 64 bytes, or whsk_ and the \
                          Base64 of an Ed25519 private key";
    let secrets = reader.secret(table, KEY, "signing_secrets", ADVICE).ok()?;
    let texts: Vec<&str> = secrets.iter().flat_map(|secrets| secrets.expose().split_whitespace()).collect();
    let keys: Vec<_> = texts.iter().filter_map(|text| SigningKey::parse(text)).collect();
    if keys.len() < texts.len() || keys.len() > SIGNING_SECRETS_MAX || secrets.is_some() && keys.is_empty() {
        reader.refuse(table, "connections.signing_secrets", "they cannot be used", ADVICE);
        return None;
    }
    Some(keys)
}
