//! Tokens of OAuth 2.0, by the grant `client_credentials` (RFC 6749, section 4.4).

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eventyard_core::connection::OAuthClient;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::secret::Secret;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::answer::failure;
use super::message::secret_value;

/// For a server that does not say how long a token lives.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(300);
/// No token is kept longer, whatever the server says.
const LIFETIME_MAX: Duration = Duration::from_secs(86_400);
/// A token is replaced this long before its end, or after four fifths of a short life.
const HEAD_START_MAX: Duration = Duration::from_secs(60);
/// An answer longer than this is no token.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The tokens of one connection, one at a time.
#[derive(Debug)]
pub(super) struct Tokens {
    client: Client,
    oauth: OAuthClient,
    /// Locked while one is asked for, so that attempts at the same time ask once.
    current: Mutex<Option<Token>>,
}

#[derive(Debug)]
struct Token {
    text: Secret,
    /// When the next one is asked for.
    stale: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Value>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Tokens {
    pub(super) fn new(client: Client, oauth: OAuthClient) -> Self {
        Self { client, oauth, current: Mutex::default() }
    }

    /// A token that is good for a while. The error is how the attempt ended that needed it.
    pub(super) async fn get(&self) -> Result<Secret, AttemptOutcome> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.stale) {
            return Ok(token.text.clone());
        }
        let Granted { access_token, expires_in } = self.ask().await?;
        // Some servers write the number as a text.
        let seconds = expires_in.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        let lifetime = seconds.map_or(LIFETIME_DEFAULT, Duration::from_secs).min(LIFETIME_MAX);
        let fresh = lifetime.saturating_sub((lifetime / 5).min(HEAD_START_MAX));
        let text = Secret::new(&access_token);
        *current = Some(Token { text: text.clone(), stale: Instant::now() + fresh });
        Ok(text)
    }

    /// Gives up a token that was not taken, unless another took its place already.
    pub(super) async fn forget(&self, refused: &Secret) {
        let mut current = self.current.lock().await;
        current.take_if(|token| token.text == *refused);
    }

    async fn ask(&self) -> Result<Granted, AttemptOutcome> {
        let OAuthClient { token_url, client_id, client_secret, .. } = &self.oauth;
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let who = format!("{}:{}", encoded(client_id), encoded(client_secret.expose()));
        let request = self
            .client
            .post(token_url)
            .header(AUTHORIZATION, secret_value(&format!("Basic {}", BASE64_STANDARD.encode(who)))?)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form(&self.oauth));
        let response = request.send().await.map_err(|error| refused(&failure(&error).message()))?;
        let status = response.status();
        let body = read(response).await?;
        if !status.is_success() {
            // Of the answer only the code is told, which the specification bounds: who knows what else is in there.
            let code = serde_json::from_slice(&body).ok().map(|Refused { error }| error).filter(|code| is_code(code));
            let code = code.map(|code| format!(", {code}")).unwrap_or_default();
            return Err(refused(&format!("it answered HTTP {}{code}", status.as_u16())));
        }
        serde_json::from_slice(&body).map_err(|_| refused("its answer has no access_token"))
    }
}

fn form(oauth: &OAuthClient) -> String {
    let optional = [("scope", &oauth.scope), ("audience", &oauth.audience)];
    let given = optional.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    Serializer::new(String::new()).append_pair("grant_type", "client_credentials").extend_pairs(given).finish()
}

fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

async fn read(mut response: Response) -> Result<Vec<u8>, AttemptOutcome> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| refused(&failure(&error).message()))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(refused("its answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn refused(why: &str) -> AttemptOutcome {
    AttemptOutcome::NoCredentials { reason: format!("oauth_token_url gave no token: {why}") }
}
