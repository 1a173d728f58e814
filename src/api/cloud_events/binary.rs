//! The binary mode: attributes in headers that begin with `ce-`, and the data as the body.

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

use super::event::{CloudEvent, Data, to_json};
use super::{Result, refused};
use crate::api::wire::serialization;

pub(super) fn read(headers: &HeaderMap, media_type: &str, body: &[u8]) -> Result<CloudEvent> {
    if !headers.contains_key("ce-specversion") {
        return Err(refused(
            "there is no ce-specversion header, and the Content-Type is neither application/cloudevents+json nor \
             application/cloudevents-batch+json",
        ));
    }
    let mut attributes = Vec::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let text = std::str::from_utf8(value.as_bytes()).ok().and_then(decode);
        let text = text.ok_or_else(|| refused(&format!("the header ce-{name} is not UTF-8")))?;
        attributes.push((name.to_owned(), to_json(&text)));
    }
    if let Some(content_type) = headers.get(CONTENT_TYPE) {
        let text = content_type.to_str().map_err(|_| refused("the Content-Type cannot be read"))?;
        attributes.push(("datacontenttype".to_owned(), to_json(text)));
    }
    CloudEvent::new(attributes, data(media_type, body)?)
}

/// JSON stays JSON, text becomes a string, everything else Base64. An empty body is no data.
fn data(media_type: &str, body: &[u8]) -> Result<Option<Data>> {
    if body.is_empty() {
        return Ok(None);
    }
    if matches!(media_type, "application/json" | "text/json") || media_type.ends_with("+json") {
        return serde_json::from_slice(body).map(|json| Some(Data::Json(json))).map_err(|error| serialization(&error));
    }
    let is_text = media_type.starts_with("text/") || media_type == "application/xml" || media_type.ends_with("+xml");
    let text = std::str::from_utf8(body).ok().filter(|_| is_text);
    Ok(Some(text.map_or_else(|| Data::bytes(body), Data::text)))
}

/// A header's value is percent-encoded, and may stand in quotes.
fn decode(value: &str) -> Option<String> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = quoted.map(|inner| {
        let mut text = String::with_capacity(inner.len());
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            text.extend(if character == '\\' { characters.next() } else { Some(character) });
        }
        text
    });
    let text = percent_decode_str(plain.as_deref().unwrap_or(value)).decode_utf8().ok()?.into_owned();
    Some(text)
}
