//! What a connection says about requests to HTTP targets.

use std::time::Duration;

use super::signing::SigningKey;
use crate::secret::Secret;

/// What is added to each request, and how it gets there. The default adds nothing.
#[derive(Clone, Debug, Default)]
pub struct HttpConnection {
    /// How the request is made.
    pub method: HttpMethod,
    /// Headers with the same value in each request. Nobody knows which of them are secret.
    pub headers: Vec<(String, Secret)>,
    /// The header that has the key of an API, and the key.
    pub api_key: Option<(String, Secret)>,
    /// Where tokens come from that are sent as `Authorization: Bearer`.
    pub oauth: Option<OAuthClient>,
    /// What requests are signed with, each with every key; two while one takes the place of the other.
    pub signing_keys: Vec<SigningKey>,
    /// How an event becomes a `CloudEvent`; none when it is sent as it is.
    pub cloud_events: Option<CloudEventsMode>,
    /// Whether bodies are compressed by gzip.
    pub gzip: bool,
    /// Whether HTTP/2 is spoken: on `https` where the server can, on `http` always.
    pub http2: bool,
    /// The URL of the proxy that requests go through.
    pub proxy: Option<String>,
    /// Time to connect; what holds for all targets when it is not given.
    pub connect_timeout: Option<Duration>,
    /// Time for a whole attempt; what holds for all targets when it is not given.
    pub response_timeout: Option<Duration>,
}

/// The methods of requests that have a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpMethod {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl HttpMethod {
    /// Reads the name, which is in capital letters.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Post, Self::Put, Self::Patch, Self::Delete].into_iter().find(|method| method.as_str() == name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A client of OAuth 2.0 that gets its tokens by the grant `client_credentials`.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// Where tokens are asked for: an `http` or `https` URL.
    pub token_url: String,
    /// Who asks.
    pub client_id: String,
    /// What proves it.
    pub client_secret: Secret,
    /// What is asked for; what the server gives by itself when it is not given.
    pub scope: Option<String>,
    /// Whose token it is to be, where the server wants to be told.
    pub audience: Option<String>,
}

/// The modes of the HTTP binding of `CloudEvents`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudEventsMode {
    /// All of it is one JSON object.
    Structured,
    /// The attributes are headers, and the data is the body.
    Binary,
}

impl CloudEventsMode {
    /// Reads `structured` or `binary`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "structured" => Some(Self::Structured),
            "binary" => Some(Self::Binary),
            _ => None,
        }
    }
}
