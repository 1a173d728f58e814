//! Events as `CloudEvents` 1.0, in both modes of the HTTP binding.
//!
//! An event that came as a `CloudEvent` has its attributes in `detail.metadata` and its data in `detail.data` or
//! `detail.data_base64`, and becomes the same one again. Any other event becomes one whose data is its detail.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::json::Members;

/// What is escaped in the value of a header: the space, the quotation mark, the percent sign, and all but printable ASCII.
const HEADER_VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// An event as a `CloudEvent`.
#[derive(Debug)]
pub struct CloudEvent {
    /// In the order in which they are written, each as JSON. One name may not be there twice.
    attributes: Vec<(String, Box<RawValue>)>,
    data: Option<Data>,
}

#[derive(Debug)]
enum Data {
    Json(Box<RawValue>),
    Base64(String),
}

/// A request in the binary mode.
#[derive(Debug, PartialEq, Eq)]
pub struct BinaryMode {
    /// Names and values, all of ASCII.
    pub headers: Vec<(String, String)>,
    /// The media type of the body; none where there is no data.
    pub content_type: Option<String>,
    /// The data.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope {
    id: Box<RawValue>,
    source: Box<RawValue>,
    #[serde(rename = "detail-type")]
    detail_type: Box<RawValue>,
    time: Box<RawValue>,
    account: Box<RawValue>,
    region: Box<RawValue>,
    resources: Vec<String>,
    detail: Box<RawValue>,
}

impl CloudEvent {
    /// The `CloudEvent` that an event is. `shaped` is what its target's input made of it, if it did anything, and is the data.
    ///
    /// # Errors
    /// When the envelope is none.
    pub fn new(envelope: &str, shaped: Option<&str>) -> Result<Self, serde_json::Error> {
        let envelope: Envelope = serde_json::from_str(envelope)?;
        let mut event = Self::restored(&envelope.detail).map_or_else(|| Self::native(envelope), Ok)?;
        if let Some(shaped) = shaped {
            event.replace_data(shaped);
        }
        Ok(event)
    }

    /// The one that the detail was made of. None for the detail of another event.
    fn restored(detail: &RawValue) -> Option<Self> {
        let Members(members) = serde_json::from_str(detail.get()).ok()?;
        let mut event = Self { attributes: Vec::new(), data: None };
        for (name, value) in members {
            match name.as_str() {
                "metadata" if event.attributes.is_empty() => {
                    event.attributes = serde_json::from_str::<Members>(value.get()).ok()?.0;
                }
                "data" if event.data.is_none() => event.data = Some(Data::Json(value)),
                "data_base64" if event.data.is_none() => {
                    event.data = Some(Data::Base64(serde_json::from_str(value.get()).ok()?));
                }
                _ => return None,
            }
        }
        let is_named = |name: &str| event.text(name).is_some_and(|text| !text.is_empty());
        let is_whole = ["id", "source", "type"].into_iter().all(is_named)
            && event.text("specversion").as_deref() == Some("1.0")
            && event.attributes.iter().all(|(name, value)| is_attribute(name, value));
        is_whole.then_some(event)
    }

    fn native(envelope: Envelope) -> Result<Self, serde_json::Error> {
        let Envelope { id, source, detail_type, time, account, region, resources, detail } = envelope;
        let mut attributes = vec![
            ("specversion", to_raw_value("1.0")?),
            ("id", id),
            ("source", source),
            ("type", detail_type),
            ("time", time),
            ("datacontenttype", to_raw_value(JSON)?),
            ("account", account),
            ("region", region),
        ];
        if !resources.is_empty() {
            // An attribute is no list, so this is the text of one.
            attributes.push(("resources", to_raw_value(&serde_json::to_string(&resources)?)?));
        }
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { attributes, data: Some(Data::Json(detail)) })
    }

    fn replace_data(&mut self, shaped: &str) {
        let json = serde_json::from_str::<Box<RawValue>>(shaped);
        let media_type = if json.is_ok() { JSON } else { TEXT };
        self.attributes.retain(|(name, _)| !matches!(name.as_str(), "datacontenttype" | "dataschema"));
        self.attributes.push(("datacontenttype".to_owned(), to_json(media_type)));
        self.data = Some(Data::Json(json.unwrap_or_else(|_| to_json(shaped))));
    }

    /// The object of the structured mode, whose media type is `application/cloudevents+json`.
    #[must_use]
    pub fn structured(&self) -> String {
        let member = |name: &str, value: &str| format!("{}:{value}", to_json(name));
        let mut members: Vec<_> = self.attributes.iter().map(|(name, value)| member(name, value.get())).collect();
        match &self.data {
            None => {}
            Some(Data::Json(json)) => members.push(member("data", json.get())),
            Some(Data::Base64(text)) => members.push(member("data_base64", to_json(text).get())),
        }
        format!("{{{}}}", members.join(","))
    }

    /// The headers and the body of the binary mode.
    #[must_use]
    pub fn binary(&self) -> BinaryMode {
        let others = self.attributes.iter().filter(|(name, _)| name != "datacontenttype");
        let headers = others.map(|(name, value)| (format!("ce-{name}"), header_value(value))).collect();
        let media_type = self.text("datacontenttype");
        let (body, default_type) = match &self.data {
            None => return BinaryMode { headers, content_type: media_type, body: Vec::new() },
            Some(Data::Base64(text)) => (BASE64_STANDARD.decode(text).unwrap_or_default(), "application/octet-stream"),
            Some(Data::Json(json)) => match serde_json::from_str::<String>(json.get()) {
                Ok(text) if media_type.as_deref().is_some_and(|media_type| !is_json(media_type)) => {
                    (text.into_bytes(), TEXT)
                }
                _ => (json.get().as_bytes().to_vec(), JSON),
            },
        };
        BinaryMode { headers, content_type: Some(media_type.unwrap_or_else(|| default_type.to_owned())), body }
    }

    fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.attributes.iter().find(|(other, _)| other == name)?;
        serde_json::from_str(value.get()).ok()
    }
}

/// Whether it can be the name of a header, and its value the value of one.
fn is_attribute(name: &str, value: &RawValue) -> bool {
    let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_name && !name.is_empty() && name != "data" && !value.get().starts_with(['{', '[', 'n'])
}

fn is_json(media_type: &str) -> bool {
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media_type.as_str(), "application/json" | "text/json") || media_type.ends_with("+json")
}

fn header_value(value: &RawValue) -> String {
    let text: String = serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
    utf8_percent_encode(&text, HEADER_VALUE).to_string()
}

/// A text as JSON; it always has a form.
fn to_json(text: &str) -> Box<RawValue> {
    to_raw_value(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn envelope(detail: &Value) -> String {
        json!({
            "version": "0", "id": "e-1", "detail-type": "Order placed", "source": "shop", "account": "111122223333",
            "time": "2026-01-02T03:04:05Z", "region": "us-east-1", "resources": [], "detail": detail,
        })
        .to_string()
    }

    fn event(detail: &Value, shaped: Option<&str>) -> CloudEvent {
        CloudEvent::new(&envelope(detail), shaped).unwrap()
    }

    fn structured(detail: &Value, shaped: Option<&str>) -> Value {
        serde_json::from_str(&event(detail, shaped).structured()).unwrap()
    }

    fn header(binary: &BinaryMode, name: &str) -> String {
        binary.headers.iter().find(|(other, _)| other == name).unwrap().1.clone()
    }

    #[test]
    fn any_event_becomes_a_cloud_event() {
        let found = structured(&json!({"total": 20}), None);
        let expected = json!({
            "specversion": "1.0", "id": "e-1", "source": "shop", "type": "Order placed", "time": "2026-01-02T03:04:05Z",
            "datacontenttype": "application/json", "account": "111122223333", "region": "us-east-1", "data": {"total": 20},
        });
        assert_eq!(found, expected);
        let with_resources = envelope(&json!({})).replace(r#""resources":[]"#, r#""resources":["a","b"]"#);
        let found = CloudEvent::new(&with_resources, None).unwrap();
        assert_eq!(found.text("resources").unwrap(), r#"["a","b"]"#);
        let binary = event(&json!({"total": 20}), None).binary();
        assert_eq!(
            (header(&binary, "ce-type").as_str(), binary.body.as_slice()),
            ("Order%20placed", &b"{\"total\":20}"[..])
        );
        assert_eq!(binary.content_type.as_deref(), Some(JSON));
    }

    #[test]
    fn one_that_came_as_a_cloud_event_is_restored() {
        let metadata = json!({
            "specversion": "1.0", "id": "A234", "source": "/shop/7", "type": "placed", "subject": "größe 7%",
            "datacontenttype": "text/csv", "sampled": true, "sequence": 7,
        });
        let mut whole = metadata.clone();
        whole["data"] = json!("a,b");
        assert_eq!(structured(&json!({"metadata": metadata, "data": "a,b"}), None), whole);
        let binary = event(&json!({"metadata": metadata, "data": "a,b"}), None).binary();
        assert_eq!((binary.content_type.as_deref(), binary.body.as_slice()), (Some("text/csv"), &b"a,b"[..]));
        assert_eq!(header(&binary, "ce-subject"), "gr%C3%B6%C3%9Fe%207%25");
        assert_eq!(
            (header(&binary, "ce-sampled"), header(&binary, "ce-sequence")),
            ("true".to_owned(), "7".to_owned())
        );

        let bytes = event(&json!({"metadata": metadata, "data_base64": "AP8="}), None).binary();
        assert_eq!(bytes.body, [0, 255]);
        let nothing = event(&json!({"metadata": metadata}), None).binary();
        assert!(nothing.body.is_empty());
    }

    #[test]
    fn a_detail_that_only_looks_like_one_is_data() {
        let metadata = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t"});
        for wrong in [
            json!({"metadata": metadata, "other": 1}),
            json!({"metadata": {"specversion": "1.0", "id": "1", "source": "s"}}),
            json!({"metadata": {"specversion": "0.3", "id": "1", "source": "s", "type": "t"}}),
            json!({"metadata": {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "x": []}}),
            json!({"metadata": {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "a b": "x"}}),
            json!({"metadata": 7}),
            json!({}),
        ] {
            assert_eq!(structured(&wrong, None)["data"], wrong);
            assert_eq!(structured(&wrong, None)["id"], "e-1");
        }
    }

    #[test]
    fn what_an_input_made_of_it_is_the_data() {
        let metadata =
            json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "datacontenttype": "text/csv"});
        let detail = json!({"metadata": metadata, "data": "a,b"});
        let found = structured(&detail, Some("{\"a\":1}"));
        assert_eq!(
            (&found["id"], &found["data"], &found["datacontenttype"]),
            (&json!("1"), &json!({"a": 1}), &json!(JSON))
        );
        let text = event(&detail, Some("total: 20")).binary();
        assert_eq!((text.content_type.as_deref(), text.body.as_slice()), (Some(TEXT), &b"total: 20"[..]));
    }
}
