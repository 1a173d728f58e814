//! The parameter blocks of a target that change its request and its retries.

use std::collections::BTreeMap;

use super::HttpUrl;
use crate::constraint::StringConstraint;
use crate::error::ServiceError;
use crate::input::JsonPath;
use crate::retry::RetryPolicy;

/// `RetryPolicy` as it was put: what is absent takes the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryPolicyParameters {
    /// Retries after the first attempt, 0 to 185.
    pub maximum_retry_attempts: Option<u32>,
    /// How old an event may grow, 60 to 86,400 seconds.
    pub maximum_event_age_in_seconds: Option<u32>,
}

impl RetryPolicyParameters {
    /// The policy in force, with `default` for what is absent.
    #[must_use]
    pub fn or(self, default: RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            maximum_retry_attempts: self.maximum_retry_attempts.unwrap_or(default.maximum_retry_attempts),
            maximum_event_age_seconds: self.maximum_event_age_in_seconds.unwrap_or(default.maximum_event_age_seconds),
        }
    }
}

/// `SqsParameters`: what a FIFO queue needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqsParameters {
    /// `MessageGroupId`: messages of one group are received in the order in which they were sent.
    pub message_group_id: Option<String>,
}

/// `KinesisParameters`: which shard of a stream gets the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KinesisParameters {
    /// `PartitionKeyPath`: the part of the event that is the partition key.
    pub partition_key_path: String,
}

impl SqsParameters {
    /// What the API model asks of `MessageGroupId`.
    pub const MESSAGE_GROUP_ID: StringConstraint = StringConstraint::length(0, 100);
}

impl KinesisParameters {
    /// What the API model asks of `PartitionKeyPath`.
    pub const PARTITION_KEY_PATH: StringConstraint = StringConstraint::length(0, 256);
}

/// `HttpParameters`: values added to the request. A value that begins with `$` is a JSON path into the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpParameters {
    /// One value for each `*` in the path of the URL, in order.
    pub path_parameter_values: Option<Vec<String>>,
    /// Header name to value.
    pub header_parameters: Option<BTreeMap<String, String>>,
    /// Query key to value.
    pub query_string_parameters: Option<BTreeMap<String, String>>,
}

impl HttpParameters {
    /// What the API model asks of a path value: more than blanks.
    pub const PATH_VALUE: StringConstraint = StringConstraint {
        length_min: 0,
        length_max: usize::MAX,
        pattern: Some((r"^(?!\s*$).+", |text| !text.trim().is_empty())),
    };
    /// What the API model asks of a header's name.
    pub const HEADER_NAME: StringConstraint = StringConstraint {
        length_min: 0,
        length_max: 512,
        pattern: Some((r"^[!#$%&'*+-.^_`|~0-9a-zA-Z]+$", |text| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~,".contains(&byte))
        })),
    };
    /// What the API model asks of a header's value.
    pub const HEADER_VALUE: StringConstraint = StringConstraint {
        length_min: 0,
        length_max: 512,
        pattern: Some((r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$", |text| {
            !text.is_empty()
                && text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
                && text.bytes().any(|byte| byte != b'\t')
        })),
    };
    /// What the API model asks of a query key.
    pub const QUERY_KEY: StringConstraint = StringConstraint {
        length_min: 0,
        length_max: 512,
        pattern: Some((r"[^\x00-\x1F\x7F]+", |text| {
            !text.is_empty() && !text.bytes().any(|byte| byte < b' ' || byte == 0x7f)
        })),
    };
    /// What the API model asks of a query value.
    pub const QUERY_VALUE: StringConstraint = StringConstraint {
        length_min: 0,
        length_max: 512,
        pattern: Some((r"[^\x00-\x09\x0B\x0C\x0E-\x1F\x7F]+", |text| {
            !text.is_empty()
                && !text.bytes().any(|byte| (byte < b' ' && !matches!(byte, b'\n' | b'\r')) || byte == 0x7f)
        })),
    };

    /// Headers that belong to the transport or to eventyard and cannot be set by a target.
    const RESERVED_HEADERS: [&'static str; 9] = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "upgrade",
        "expect",
        "eventyard-event-id",
        "eventyard-attempt",
    ];

    /// Whether a request can have this header, and a target or a connection set it.
    #[must_use]
    pub fn is_header(name: &str, value: &str) -> bool {
        let is_name = Self::HEADER_NAME.violations(name).is_empty() && !name.contains(',');
        let is_value = !value.is_empty() && value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        is_name && is_value && !Self::is_reserved(name)
    }

    fn is_reserved(name: &str) -> bool {
        Self::RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str())
    }

    /// Reads the values once.
    ///
    /// # Errors
    /// A `ValidationException` when a path value has no `*` to stand for or a `*` has no value, a value that begins with
    /// `$` is no JSON path, or a header belongs to the transport.
    pub fn compile(self, target_id: &str, url: &HttpUrl) -> Result<CompiledHttpParameters, ServiceError> {
        let invalid = |reason: String| {
            ServiceError::validation(format!(
                "Parameter HttpParameters is not valid for target {target_id}. Reason: {reason}"
            ))
        };
        let values = self.path_parameter_values.unwrap_or_default();
        let places = url.path.matches('*').count();
        if values.len() != places {
            return Err(invalid(format!(
                "the URL's path has {places} '*' and PathParameterValues has {} values.",
                values.len()
            )));
        }
        let value =
            |text: String| HttpValue::parse(text).map_err(|text| invalid(format!("'{text}' is not a JSON path.")));
        let pairs = |map: Option<BTreeMap<String, String>>| {
            map.unwrap_or_default()
                .into_iter()
                .map(|(name, text)| Ok((name, value(text)?)))
                .collect::<Result<Vec<_>, ServiceError>>()
        };
        let headers = pairs(self.header_parameters)?;
        if let Some((name, _)) = headers.iter().find(|(name, _)| Self::is_reserved(name)) {
            return Err(invalid(format!("the header '{name}' is set by the transport.")));
        }
        Ok(CompiledHttpParameters {
            path_values: values.into_iter().map(value).collect::<Result<_, _>>()?,
            headers,
            query: pairs(self.query_string_parameters)?,
        })
    }
}

/// [`HttpParameters`], read.
#[derive(Debug)]
pub struct CompiledHttpParameters {
    /// One value for each `*` in the path.
    pub path_values: Vec<HttpValue>,
    /// Header name to value.
    pub headers: Vec<(String, HttpValue)>,
    /// Query key to value.
    pub query: Vec<(String, HttpValue)>,
}

/// A value of [`HttpParameters`].
#[derive(Debug)]
pub enum HttpValue {
    /// The same for every event.
    Static(String),
    /// Taken from the event.
    Path(JsonPath),
}

impl HttpValue {
    fn parse(text: String) -> Result<Self, String> {
        if !text.starts_with('$') {
            return Ok(Self::Static(text));
        }
        JsonPath::parse(&text).map(Self::Path).map_err(|_| text)
    }

    /// The value for one event; empty when the path finds nothing.
    #[must_use]
    pub fn resolve(&self, envelope: &str) -> String {
        match self {
            Self::Static(text) => text.clone(),
            Self::Path(path) => path.select_text(envelope).unwrap_or_default().into_owned(),
        }
    }
}
