//! `POST /rules/pause` and `POST /rules/resume`: the targets of a rule are left alone, or sent to again.

use std::sync::Arc;

use eventyard_core::arn::{EventBusNameOrArn, TaggableResource, rule_arn};
use eventyard_core::error::ServiceError;
use eventyard_core::name::{EventBusName, RuleKey, RuleName, TargetId};
use serde::Serialize;

use super::query::Query;
use crate::engine::{Caller, Engine};

#[derive(Serialize)]
struct PausedAnswer {
    rule_arn: String,
    targets: Vec<TargetShape>,
}

#[derive(Serialize)]
struct TargetShape {
    id: String,
    paused: bool,
}

/// The answer's body.
pub(super) async fn set_paused(
    engine: &Arc<Engine>,
    caller: &Caller,
    mut query: Query,
    is_paused: bool,
) -> Result<Vec<u8>, ServiceError> {
    let key = take_rule(caller, &mut query)?;
    let target = query.take_as("target", "write the id of a target", |text| TargetId::parse(text).ok())?;
    query.end("rule, event_bus and target")?;
    let (writer, rule) = (Arc::clone(engine), key.clone());
    // It waits for the disk.
    let changed = tokio::task::spawn_blocking(move || writer.set_paused(&rule, target.as_ref(), is_paused)).await;
    let targets = changed.map_err(|_| ServiceError::internal())??;
    let targets = targets.into_iter().map(|(id, paused)| TargetShape { id: id.to_string(), paused }).collect();
    serde_json::to_vec(&PausedAnswer { rule_arn: rule_arn(&key), targets }).map_err(|_| ServiceError::internal())
}

/// The rule that `rule` names, by its ARN, or by its name on the bus that `event_bus` names.
fn take_rule(caller: &Caller, query: &mut Query) -> Result<RuleKey, ServiceError> {
    let wanted = "write the name or the ARN of a rule";
    let Some(text) = query.take("rule") else {
        return Err(ServiceError::validation(format!("rule is missing; {wanted}")));
    };
    if let Some(TaggableResource::Rule(key)) = TaggableResource::parse(&text) {
        return Ok(key);
    }
    let bus = query.take_as("event_bus", "write a name or an ARN of an event bus", EventBusNameOrArn::parse)?;
    let name = RuleName::parse(&text).map_err(|_| ServiceError::validation(format!("rule is '{text}'; {wanted}")))?;
    let bus = bus.unwrap_or_else(|| EventBusNameOrArn { place: None, name: EventBusName::default_bus() });
    Ok(RuleKey { bus: bus.resolve(&caller.account, &caller.region), name })
}
