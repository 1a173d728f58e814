//! Where a request goes, with the values of the target's parameters in their places.

use eventyard_core::trace_context::TraceContext;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::HttpRequest;

/// The header that carries the event's id, so that a target can tell a repetition.
const EVENT_ID_HEADER: &str = "eventyard-event-id";
/// The header that carries the number of the attempt, from 1.
const ATTEMPT_HEADER: &str = "eventyard-attempt";

impl HttpRequest<'_> {
    /// The URL and the headers with the parameters in their places.
    pub(super) fn address(&self) -> Result<(Url, HeaderMap), String> {
        let mut path = String::with_capacity(self.url.path.len());
        let mut values = self.parameters.path_values.iter();
        for part in self.url.path.split_inclusive('*') {
            match (part.strip_suffix('*'), values.by_ref()) {
                (None, _) => path.push_str(part),
                (Some(before), values) => {
                    path.push_str(before);
                    let value = values.next().map(|value| value.resolve(self.envelope)).unwrap_or_default();
                    push_path_value(&mut path, &value)?;
                }
            }
        }
        let mut url = Url::parse(&self.url.origin).map_err(|error| error.to_string())?;
        url.set_path(&path);
        url.set_query(self.url.query.as_deref());
        for (key, value) in &self.parameters.query {
            url.query_pairs_mut().append_pair(key, &value.resolve(self.envelope));
        }
        Ok((url, self.headers()?))
    }

    fn headers(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let id = HeaderValue::from_str(&self.event.to_string()).map_err(|error| error.to_string())?;
        headers.insert(EVENT_ID_HEADER, id);
        headers.insert(ATTEMPT_HEADER, HeaderValue::from(self.attempt));
        if let Some(trace) = self.trace {
            let trace = HeaderValue::from_str(&trace.to_string()).map_err(|error| error.to_string())?;
            headers.insert(TraceContext::HEADER, trace);
        }
        for (name, value) in &self.parameters.headers {
            let wrong = |reason: String| format!("the header '{name}': {reason}");
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(error.to_string()))?;
            let value =
                HeaderValue::from_str(&value.resolve(self.envelope)).map_err(|error| wrong(error.to_string()))?;
            headers.insert(key, value);
        }
        Ok(headers)
    }
}

/// A path value stands for exactly one segment: what would end it is escaped, and what would leave it is refused.
pub(super) fn push_path_value(path: &mut String, value: &str) -> Result<(), String> {
    if matches!(value, "" | "." | "..") {
        return Err(format!("the path value '{value}' is no segment of a path"));
    }
    // A URL's parser drops tabs and line breaks, and would then see a `..` that was not there before.
    if value.chars().any(char::is_control) {
        return Err(format!("the path value {value:?} holds a control character"));
    }
    for character in value.chars() {
        match character {
            '/' => path.push_str("%2F"),
            '\\' => path.push_str("%5C"),
            '?' => path.push_str("%3F"),
            '#' => path.push_str("%23"),
            '%' => path.push_str("%25"),
            other => path.push(other),
        }
    }
    Ok(())
}
