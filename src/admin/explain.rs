//! `POST /explain`: an event against all rules of a bus: which match, which do not, and why.

use eventyard_core::arn::EventBusNameOrArn;
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::limits::PAGE_LENGTH_MAX;
use eventyard_core::page::{PageRequest, decode_token, encode_token};
use eventyard_core::pattern::{Explanation, FieldExplanation};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::engine::{Caller, Engine, RuleExplanation};

/// What a page token of this list belongs to.
const LIST: &str = "explain";

/// What is asked. An unknown member is most likely a typing error.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ExplainRequest<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
    event_bus_name: Option<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExplainResponse {
    rules: Vec<ExplainedRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExplainedRule {
    name: String,
    state: &'static str,
    matches: bool,
    /// Of a match every path with the value that was chosen for it, else the first path that is not satisfied.
    fields: Vec<ExplainedField>,
    /// The same for people.
    explanation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExplainedField {
    path: String,
    expected: String,
    found: Vec<String>,
}

/// The answer's body.
pub(super) fn explain(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: ExplainRequest<'_> = serde_json::from_slice(body)
        .map_err(|error| ServiceError::new(ErrorCode::Serialization, format!("The request cannot be read: {error}")))?;
    let bus = match request.event_bus_name.as_deref() {
        Some(text) => Some(EventBusNameOrArn::parse(text).ok_or_else(|| {
            ServiceError::validation(format!("EventBusName is '{text}'; write a name or an ARN of an event bus"))
        })?),
        None => None,
    };
    let limit = request.limit.unwrap_or(PAGE_LENGTH_MAX);
    if !(1..=PAGE_LENGTH_MAX).contains(&limit) {
        return Err(ServiceError::validation(format!("Limit is {limit}; write a number from 1 to {PAGE_LENGTH_MAX}")));
    }
    let after = request.next_token.as_deref().map(|token| decode_token(LIST, token)).transpose()?;
    let page = engine.explain(caller, bus, request.event.get(), &PageRequest { after, limit })?;
    let rules = page.entries.into_iter().map(ExplainedRule::new).collect();
    let next_token = page.last.map(|last| encode_token(LIST, &last));
    serde_json::to_vec(&ExplainResponse { rules, next_token }).map_err(|_| ServiceError::internal())
}

impl ExplainedRule {
    pub(super) fn new(RuleExplanation { name, state, explanation }: RuleExplanation) -> Self {
        let text = explanation.to_string();
        let (matches, fields) = match explanation {
            Explanation::Match(fields) => (true, fields),
            Explanation::NoMatch { field, .. } => (false, vec![field]),
            Explanation::NoObject => (false, Vec::new()),
        };
        let fields = fields.into_iter().map(ExplainedField::new).collect();
        Self { name: name.to_string(), state: state.name(), matches, fields, explanation: text }
    }
}

impl ExplainedField {
    fn new(FieldExplanation { path, expected, found }: FieldExplanation) -> Self {
        Self { path, expected, found }
    }
}
