//! The parameter blocks that are handed on to the service of a target: what the API model says of them.

use serde_json::{Map, Value};

use crate::constraint::StringConstraint;
use crate::shape::{Member, Shape, camel_case};

/// A parameter block as it was put, member by member in the API's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterBlock(Map<String, Value>);

impl ParameterBlock {
    /// A block of these members, which have the types that its [`Shape`] gives them.
    #[must_use]
    pub fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Its members.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Its members.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        self.0
    }
}

/// A value with the names of all members in camel case, as services on JSON write them.
#[must_use]
pub fn in_camel_case(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (camel_case(&name), in_camel_case(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(in_camel_case).collect(),
        value => value,
    }
}

const fn text(length_min: usize, length_max: usize) -> Shape {
    Shape::Text(StringConstraint::length(length_min, length_max))
}

/// `EcsParameters`.
pub const ECS_PARAMETERS: Shape = Shape::Structure(&[
    Member::required("TaskDefinitionArn", text(1, 1_600)),
    Member::optional("TaskCount", Shape::Integer(1, i32::MAX as i64)),
    Member::optional("LaunchType", Shape::Enumeration(&["EC2", "FARGATE", "EXTERNAL"])),
    Member::optional("NetworkConfiguration", NETWORK_CONFIGURATION),
    Member::optional("PlatformVersion", Shape::STRING),
    Member::optional("Group", Shape::STRING),
    Member::optional("CapacityProviderStrategy", Shape::List(&CAPACITY_PROVIDER_STRATEGY_ITEM, 0, 6)),
    Member::optional("EnableECSManagedTags", Shape::Boolean),
    Member::optional("EnableExecuteCommand", Shape::Boolean),
    Member::optional("PlacementConstraints", Shape::List(&PLACEMENT_CONSTRAINT, 0, 10)),
    Member::optional("PlacementStrategy", Shape::List(&PLACEMENT_STRATEGY, 0, 5)),
    Member::optional("PropagateTags", Shape::Enumeration(&["TASK_DEFINITION"])),
    Member::optional("ReferenceId", text(0, 1_024)),
    Member::optional("Tags", Shape::List(&TAG, 0, usize::MAX)),
]);

const NETWORK_CONFIGURATION: Shape = Shape::Structure(&[Member::optional(
    "awsvpcConfiguration",
    Shape::Structure(&[
        Member::required("Subnets", Shape::List(&Shape::STRING, 0, usize::MAX)),
        Member::optional("SecurityGroups", Shape::List(&Shape::STRING, 0, usize::MAX)),
        Member::optional("AssignPublicIp", Shape::Enumeration(&["ENABLED", "DISABLED"])),
    ]),
)]);

const CAPACITY_PROVIDER_STRATEGY_ITEM: Shape = Shape::Structure(&[
    Member::required("capacityProvider", text(1, 255)),
    Member::optional("weight", Shape::Integer(0, 1_000)),
    Member::optional("base", Shape::Integer(0, 100_000)),
]);

const PLACEMENT_CONSTRAINT: Shape = Shape::Structure(&[
    Member::optional("type", Shape::Enumeration(&["distinctInstance", "memberOf"])),
    Member::optional("expression", text(0, 2_000)),
]);

const PLACEMENT_STRATEGY: Shape = Shape::Structure(&[
    Member::optional("type", Shape::Enumeration(&["random", "spread", "binpack"])),
    Member::optional("field", text(0, 255)),
]);

const TAG: Shape = Shape::Structure(&[Member::required("Key", text(1, 128)), Member::required("Value", text(0, 256))]);

/// `BatchParameters`.
pub const BATCH_PARAMETERS: Shape = Shape::Structure(&[
    Member::required("JobDefinition", Shape::STRING),
    Member::required("JobName", Shape::STRING),
    Member::optional("ArrayProperties", Shape::Structure(&[Member::optional("Size", Shape::INTEGER)])),
    Member::optional("RetryStrategy", Shape::Structure(&[Member::optional("Attempts", Shape::INTEGER)])),
]);

/// `RunCommandParameters`.
pub const RUN_COMMAND_PARAMETERS: Shape =
    Shape::Structure(&[Member::required("RunCommandTargets", Shape::List(&RUN_COMMAND_TARGET, 1, 5))]);

const RUN_COMMAND_TARGET: Shape = Shape::Structure(&[
    Member::required("Key", RUN_COMMAND_TARGET_KEY),
    Member::required("Values", Shape::List(&text(1, 256), 1, 50)),
]);

const RUN_COMMAND_TARGET_KEY: Shape = Shape::Text(StringConstraint {
    length_min: 1,
    length_max: 128,
    pattern: Some((r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$", |text| {
        // Of white space only what Unicode calls separators is let in.
        text.chars().all(|char| {
            char.is_alphanumeric() || "_.:/=+-@".contains(char) || (char.is_whitespace() && !char.is_control())
        })
    })),
});
