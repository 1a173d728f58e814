//! `TagResource`, `UntagResource`, `ListTagsForResource`, and `Tags` as other operations take them.

use eventyard_core::arn::TaggableResource;
use eventyard_core::constraint::Violations;
use eventyard_core::error::ServiceError;
use eventyard_core::tag::Tags;
use serde::{Deserialize, Serialize};

use crate::api::object::Object;
use crate::api::wire::{decode, encode, finish, required};
use crate::engine::{Caller, Engine};

type Result<T> = std::result::Result<T, ServiceError>;

/// `Tag`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::api) struct TagShape {
    key: Option<String>,
    value: Option<String>,
}

/// `TagList`, as requests have it.
pub(in crate::api) type TagList = Vec<Object<TagShape>>;

/// Checks the member `Tags` against the model.
pub(super) fn check_tags(violations: &mut Violations, tags: Option<&TagList>) {
    for (Object(tag), number) in tags.into_iter().flatten().zip(1..) {
        let path = format!("tags.{number}.member");
        required(violations, &format!("{path}.key"), tag.key.as_deref(), &Tags::KEY);
        required(violations, &format!("{path}.value"), tag.value.as_deref(), &Tags::VALUE);
    }
}

/// The tags of a request, after the checks against the model.
pub(super) fn read_tags(tags: Option<TagList>) -> Result<Tags> {
    let pairs =
        tags.into_iter().flatten().map(|Object(tag)| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
    Tags::parse(pairs)
}

/// The resource a request names, after the checks against the model, when the caller may do `action` with it.
fn resource(engine: &Engine, caller: &Caller, action: &'static str, arn: &str) -> Result<TaggableResource> {
    let resource = TaggableResource::parse(arn).ok_or_else(|| {
        ServiceError::validation("Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
    })?;
    engine.authorize(caller, action, resource.bus(), resource.rule())?;
    Ok(resource)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tags: Option<TagList>,
}

pub(in crate::api) fn tag_resource(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: TagResourceRequest = decode(body)?;
    let mut violations = Violations::default();
    let arn = required(&mut violations, "resourceARN", request.resource_arn.as_deref(), &TaggableResource::ARN);
    if request.tags.is_none() {
        violations.push_missing("tags");
    }
    check_tags(&mut violations, request.tags.as_ref());
    finish(violations)?;
    let resource = resource(engine, caller, "events:TagResource", arn)?;
    engine.tag_resource(&resource, read_tags(request.tags)?)?;
    Ok(Vec::new())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tag_keys: Option<Vec<String>>,
}

pub(in crate::api) fn untag_resource(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: UntagResourceRequest = decode(body)?;
    let mut violations = Violations::default();
    let arn = required(&mut violations, "resourceARN", request.resource_arn.as_deref(), &TaggableResource::ARN);
    if request.tag_keys.is_none() {
        violations.push_missing("tagKeys");
    }
    for (key, number) in request.tag_keys.iter().flatten().zip(1..) {
        violations.check(&format!("tagKeys.{number}.member"), key, &Tags::KEY);
    }
    finish(violations)?;
    let resource = resource(engine, caller, "events:UntagResource", arn)?;
    engine.untag_resource(&resource, &request.tag_keys.unwrap_or_default())?;
    Ok(Vec::new())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListTagsForResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListTagsForResourceResponse {
    tags: Vec<TagShape>,
}

pub(in crate::api) fn list_tags_for_resource(engine: &Engine, caller: &Caller, body: &[u8]) -> Result<Vec<u8>> {
    let request: ListTagsForResourceRequest = decode(body)?;
    let mut violations = Violations::default();
    let arn = required(&mut violations, "resourceARN", request.resource_arn.as_deref(), &TaggableResource::ARN);
    finish(violations)?;
    let tags = engine.list_tags(&resource(engine, caller, "events:ListTagsForResource", arn)?)?;
    let shape = |(key, value): (&str, &str)| TagShape { key: Some(key.to_owned()), value: Some(value.to_owned()) };
    encode(&ListTagsForResourceResponse { tags: tags.iter().map(shape).collect() })
}
