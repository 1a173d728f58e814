//! One call of a service on one of the protocols that AWS services speak.

use eventyard_core::secret::Secret;
use reqwest::Url;
use serde_json::{Map, Value};

/// A service as its endpoint, its signatures and its configuration name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// The first label of the endpoint's host, which requests are also signed for.
    pub(super) prefix: &'static str,
    /// What `AWS_ENDPOINT_URL_…` and `aws_services.endpoint_urls` call it, in lower case.
    pub(super) name: &'static str,
}

/// Reads a target's input that is the members of a call, or a map of parameters. None for a target without an input.
///
/// # Errors
/// When it is no JSON object.
pub(super) fn members(input: Option<&str>) -> Result<Map<String, Value>, String> {
    let read = |text| serde_json::from_str(text).map_err(|error| format!("the input is not a JSON object: {error}"));
    input.map_or_else(|| Ok(Map::new()), read)
}

/// A request that has no address and no signature yet.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) service: Service,
    /// Percent-encoded, as it is sent.
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// What of the body is a secret.
    pub(super) secret: Option<Secret>,
}

impl Call {
    /// A call on AWS JSON 1.0.
    pub(super) fn json_1_0(service: Service, operation: &str, input: &Value) -> Self {
        Self::json(service, "application/x-amz-json-1.0", operation, input)
    }

    /// A call on AWS JSON 1.1.
    pub(super) fn json_1_1(service: Service, operation: &str, input: &Value) -> Self {
        Self::json(service, "application/x-amz-json-1.1", operation, input)
    }

    fn json(service: Service, content_type: &str, operation: &str, input: &Value) -> Self {
        let headers = vec![("content-type", content_type.to_owned()), ("x-amz-target", operation.to_owned())];
        Self { service, path: "/".to_owned(), headers, body: input.to_string(), secret: None }
    }

    /// A call on the query protocol: a form with the members.
    pub(super) fn query(service: Service, action: &str, version: &str, members: &[(&str, &str)]) -> Self {
        // A URL's query is written as a form is.
        let mut form = Url::parse("http://form").ok();
        if let Some(form) = &mut form {
            form.query_pairs_mut().append_pair("Action", action).append_pair("Version", version).extend_pairs(members);
        }
        let body = form.as_ref().and_then(Url::query).unwrap_or_default().to_owned();
        let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
        let headers = vec![("content-type", content_type)];
        Self { service, path: "/".to_owned(), headers, body, secret: None }
    }

    /// A call on REST-JSON, whose body is the input itself.
    pub(super) fn rest(service: Service, path: String, header: (&'static str, &str), body: String) -> Self {
        Self { service, path, headers: vec![(header.0, header.1.to_owned())], body, secret: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_has_members() {
        assert_eq!(members(None), Ok(Map::new()));
        assert_eq!(members(Some(r#"{"a": [1]}"#)).unwrap()["a"], serde_json::json!([1]));
        for text in ["[]", "\"a\"", "null", "{"] {
            assert!(members(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_form_is_encoded() {
        let service = Service { prefix: "sns", name: "sns" };
        let call =
            Call::query(service, "Publish", "2010-03-31", &[("TopicArn", "a:b"), ("Message", "{\"ä\": \"&=+\"}")]);
        assert_eq!(
            call.body,
            "Action=Publish&Version=2010-03-31&TopicArn=a%3Ab&Message=%7B%22%C3%A4%22%3A+%22%26%3D%2B%22%7D"
        );
    }
}
