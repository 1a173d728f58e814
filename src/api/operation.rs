//! The operations by name: the 57 of Amazon's API model, those that are here and those that are not yet.

use std::sync::Arc;

use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::trace_context::TraceContext;

use super::operations::{event_buses, events, permissions, rules, tags, targets};
use crate::engine::{Caller, Engine};
use crate::telemetry::for_this_request;

/// What stands before the operation's name in `X-Amz-Target`.
const TARGET_PREFIX: &str = "AWSEvents.";

type Result<T> = std::result::Result<T, ServiceError>;
type Run = fn(&Engine, &Caller, &[u8]) -> Result<Vec<u8>>;

/// An operation that is here.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    name: &'static str,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    /// `PutEvents`, which waits for the journal.
    PutEvents,
    /// Works on resources, and may wait for the disk.
    Resources(Run),
}

const fn resources(name: &'static str, run: Run) -> Operation {
    Operation { name, how: How::Resources(run) }
}

/// The operations that are here.
const IMPLEMENTED: [Operation; 22] = [
    Operation { name: "PutEvents", how: How::PutEvents },
    resources("CreateEventBus", event_buses::create_event_bus),
    resources("DeleteEventBus", event_buses::delete_event_bus),
    resources("DeleteRule", rules::delete_rule),
    resources("DescribeEventBus", event_buses::describe_event_bus),
    resources("DescribeRule", rules::describe_rule),
    resources("DisableRule", rules::disable_rule),
    resources("EnableRule", rules::enable_rule),
    resources("ListEventBuses", event_buses::list_event_buses),
    resources("ListRuleNamesByTarget", rules::list_rule_names_by_target),
    resources("ListRules", rules::list_rules),
    resources("ListTagsForResource", tags::list_tags_for_resource),
    resources("ListTargetsByRule", targets::list_targets_by_rule),
    resources("PutPermission", permissions::put_permission),
    resources("PutRule", rules::put_rule),
    resources("PutTargets", targets::put_targets),
    resources("RemovePermission", permissions::remove_permission),
    resources("RemoveTargets", targets::remove_targets),
    resources("TagResource", tags::tag_resource),
    resources("TestEventPattern", events::test_event_pattern),
    resources("UntagResource", tags::untag_resource),
    resources("UpdateEventBus", event_buses::update_event_bus),
];

/// The operations of Amazon's API model that are not here.
const NOT_IMPLEMENTED: [&str; 35] = [
    "ActivateEventSource",
    "CancelReplay",
    "CreateApiDestination",
    "CreateArchive",
    "CreateConnection",
    "CreateEndpoint",
    "CreatePartnerEventSource",
    "DeactivateEventSource",
    "DeauthorizeConnection",
    "DeleteApiDestination",
    "DeleteArchive",
    "DeleteConnection",
    "DeleteEndpoint",
    "DeletePartnerEventSource",
    "DescribeApiDestination",
    "DescribeArchive",
    "DescribeConnection",
    "DescribeEndpoint",
    "DescribeEventSource",
    "DescribePartnerEventSource",
    "DescribeReplay",
    "ListApiDestinations",
    "ListArchives",
    "ListConnections",
    "ListEndpoints",
    "ListEventSources",
    "ListPartnerEventSourceAccounts",
    "ListPartnerEventSources",
    "ListReplays",
    "PutPartnerEvents",
    "StartReplay",
    "UpdateApiDestination",
    "UpdateArchive",
    "UpdateConnection",
    "UpdateEndpoint",
];

impl Operation {
    /// The operation that the value of `X-Amz-Target` names.
    pub(super) fn find(target: &str) -> Result<Self> {
        let unknown = |message: String| ServiceError::new(ErrorCode::UnknownOperation, message);
        let Some(name) = target.strip_prefix(TARGET_PREFIX) else {
            return Err(unknown(format!(
                "Name an operation in X-Amz-Target, as {TARGET_PREFIX}PutEvents; it holds '{target}'."
            )));
        };
        if let Some(operation) = IMPLEMENTED.iter().find(|operation| operation.name == name) {
            return Ok(*operation);
        }
        if NOT_IMPLEMENTED.contains(&name) {
            let message =
                format!("eventyard does not have the operation {name}. docs/COMPATIBILITY.md lists those it has.");
            return Err(ServiceError::new(ErrorCode::UnsupportedOperation, message));
        }
        Err(unknown(format!("There is no operation {name}.")))
    }

    /// The names of all that are here.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        IMPLEMENTED.iter().map(|operation| operation.name)
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the operation, which was asked for in the span `trace`.
    pub(super) async fn run(
        self,
        engine: &Arc<Engine>,
        caller: &Caller,
        trace: Option<TraceContext>,
        body: &bytes::Bytes,
    ) -> Result<Vec<u8>> {
        match self.how {
            How::PutEvents => events::put_events(engine, caller, trace, body).await,
            How::Resources(run) => {
                let (engine, caller, body) = (Arc::clone(engine), caller.clone(), body.clone());
                // Changes wait for the disk; the threads that serve connections must not.
                let work = for_this_request(move || run(&engine, &caller, &body));
                match tokio::task::spawn_blocking(work).await {
                    Ok(result) => result,
                    // A bug: it goes on to the connection, which reports it.
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => Err(ServiceError::internal()),
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod isolation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_operations_of_the_model_are_known_and_each_once() {
        let mut names: Vec<&str> = IMPLEMENTED.iter().map(|operation| operation.name).chain(NOT_IMPLEMENTED).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 57);
    }

    #[test]
    fn each_kind_of_name_gets_its_own_error() {
        let code = |target| Operation::find(target).err().map(|error| (error.code, error.message));
        assert_eq!(code("AWSEvents.PutRule"), None);
        assert_eq!(code("AWSEvents.CreateArchive").unwrap().0, ErrorCode::UnsupportedOperation);
        assert!(code("AWSEvents.CreateArchive").unwrap().1.contains("CreateArchive"));
        assert_eq!(code("AWSEvents.putrule").unwrap().0, ErrorCode::UnknownOperation);
        assert_eq!(code("Other.PutRule").unwrap().0, ErrorCode::UnknownOperation);
        assert_eq!(code("").unwrap().0, ErrorCode::UnknownOperation);
    }
}
