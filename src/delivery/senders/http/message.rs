//! The request as it goes over the wire: what the target asks for, and what its connection adds.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use eventyard_core::clock::Timestamp;
use eventyard_core::cloud_event::CloudEvent;
use eventyard_core::connection::{CloudEventsMode, Connection, HttpConnection, epoch_seconds, message_id};
use eventyard_core::delivery::AttemptOutcome;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::HttpRequest;

/// One request, ready to be sent, but for a token.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Message {
    /// The request, signed at `now`. The error is the reason why there is none.
    pub(super) fn new(mut request: HttpRequest<'_>, now: Timestamp) -> Result<Self, String> {
        let (url, headers) = request.address()?;
        let body = std::mem::take(&mut request.body).into_bytes();
        let mut message = Self { method: Method::POST, url, headers, body: body.into() };
        if let Some(connection) = &request.connection {
            message.add(connection, &request, now)?;
        }
        Ok(message)
    }

    /// What the operator says counts more than what the target says, so no target can sign or log in as somebody else.
    fn add(&mut self, connection: &Connection, request: &HttpRequest<'_>, now: Timestamp) -> Result<(), String> {
        let http = &connection.http;
        self.method = Method::from_bytes(http.method.as_str().as_bytes()).map_err(|error| error.to_string())?;
        if let Some(mode) = http.cloud_events {
            self.become_cloud_event(mode, request)?;
        }
        for (name, value) in http.headers.iter().chain(&http.api_key) {
            self.set(name, value.expose())?;
        }
        if let Some(basic) = basic(connection) {
            self.set(AUTHORIZATION.as_str(), &basic)?;
        }
        self.sign(http, request, now)?;
        if http.gzip && !self.body.is_empty() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            let compressed = encoder.write_all(&self.body).and_then(|()| encoder.finish());
            self.body = compressed.map_err(|error| error.to_string())?.into();
            self.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(())
    }

    fn become_cloud_event(&mut self, mode: CloudEventsMode, request: &HttpRequest<'_>) -> Result<(), String> {
        let shaped = std::str::from_utf8(&self.body).map_err(|error| error.to_string())?;
        let event = CloudEvent::new(request.envelope, (!request.is_event).then_some(shaped));
        let event = event.map_err(|error| format!("the event is no CloudEvent: {error}"))?;
        match mode {
            CloudEventsMode::Structured => {
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json"));
                self.body = event.structured().into();
            }
            CloudEventsMode::Binary => {
                let binary = event.binary();
                self.headers.remove(CONTENT_TYPE);
                if let Some(content_type) = binary.content_type {
                    self.set(CONTENT_TYPE.as_str(), &content_type)?;
                }
                for (name, value) in &binary.headers {
                    self.set(name, value)?;
                }
                self.body = binary.body.into();
            }
        }
        Ok(())
    }

    /// Signs what the target reads in the end, which is the body before it is compressed.
    fn sign(&mut self, http: &HttpConnection, request: &HttpRequest<'_>, now: Timestamp) -> Result<(), String> {
        if http.signing_keys.is_empty() {
            return Ok(());
        }
        let id = message_id(request.event, request.recipient);
        let signatures: Vec<_> = http.signing_keys.iter().map(|key| key.sign(&id, now, &self.body)).collect();
        self.set("webhook-id", &id)?;
        self.set("webhook-timestamp", &epoch_seconds(now).to_string())?;
        self.set("webhook-signature", &signatures.join(" "))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |reason: String| format!("the header '{name}': {reason}");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(error.to_string()))?;
        let mut value = HeaderValue::from_str(value).map_err(|error| wrong(error.to_string()))?;
        // Its text is not shown where headers are.
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(())
    }
}

/// The value of `Authorization` for the connection's username and password, if it has one of them.
pub(super) fn basic(connection: &Connection) -> Option<String> {
    let (username, password) = (connection.username.as_deref(), connection.password.as_ref());
    if username.is_none() && password.is_none() {
        return None;
    }
    let password = password.map_or("", |password| password.expose());
    Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{password}", username.unwrap_or_default()))))
}

/// A header's value that is not shown.
pub(super) fn secret_value(text: &str) -> Result<HeaderValue, AttemptOutcome> {
    let mut value = HeaderValue::from_str(text).map_err(|_| AttemptOutcome::NoCredentials {
        reason: "the token that the server gave cannot stand in a header".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
