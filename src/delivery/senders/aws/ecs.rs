//! ECS: tasks are run on the cluster.

use eventyard_core::delivery::AttemptOutcome;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::call::{Call, Service, members};

const ECS: Service = Service { prefix: "ecs", name: "ecs" };
/// What ECS lets `startedBy` have, in characters: letters, digits, hyphens, slashes and underscores.
const STARTED_BY_LENGTH_MAX: usize = 128;

/// `RunTask`. The input of the target, if it has one, is the overrides of the task; the event itself is not passed.
///
/// # Errors
/// When the input is no JSON object.
pub(super) fn run_task(
    task: &Map<String, Value>,
    rule: &str,
    token: &str,
    input: Option<&str>,
) -> Result<Call, String> {
    let mut call = task.clone();
    // The name of a rule may hold dots, of which ECS knows nothing here.
    let started_by: String =
        format!("events-rule/{rule}").replace('.', "-").chars().take(STARTED_BY_LENGTH_MAX).collect();
    call.insert("startedBy".to_owned(), started_by.into());
    call.insert("clientToken".to_owned(), token.into());
    if input.is_some() {
        call.insert("overrides".to_owned(), members(input)?.into());
    }
    Ok(Call::json_1_1(ECS, "AmazonEC2ContainerServiceV20141113.RunTask", &call.into()))
}

/// A task that found no place is told of in a success. When none was started that may pass; when some were, another attempt
/// would start them again.
pub(super) fn outcome(answer: Answer) -> AttemptOutcome {
    let output = answer.output();
    let items = |name: &str| output.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let (started, failed) = (items("tasks"), items("failures"));
    let excerpt = || format!("{started} tasks were started, and these not: {}", output["failures"]);
    match (started, failed) {
        (_, 0) => answer.outcome(),
        (0, _) => AttemptOutcome::TargetFailed { status: 200, excerpt: excerpt(), retry_after: None },
        _ => AttemptOutcome::Refused { status: 200, excerpt: excerpt() },
    }
}
