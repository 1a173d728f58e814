//! Step Functions: an execution of the state machine is started with the event.

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::EventId;
use serde_json::json;

use super::Call;
use super::answer::Answer;
use super::call::Service;

const STEP_FUNCTIONS: Service = Service { prefix: "states", name: "sfn" };

/// `StartExecution`. The name of the execution is the same at every attempt.
pub(super) fn start_execution(state_machine_arn: &str, event: EventId, token: &str, body: &str) -> Call {
    let name = format!("{event}_{token}");
    let input = json!({ "stateMachineArn": state_machine_arn, "name": name, "input": body });
    Call::json_1_0(STEP_FUNCTIONS, "AWSStepFunctions.StartExecution", &input)
}

/// An execution of this name was started by an attempt whose answer was lost.
pub(super) fn outcome(answer: Answer) -> AttemptOutcome {
    if answer.is_error("ExecutionAlreadyExists") { AttemptOutcome::Delivered } else { answer.outcome() }
}
