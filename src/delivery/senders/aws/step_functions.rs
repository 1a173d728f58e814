//! Step Functions: an execution of the state machine is started with the event.

use serde_json::json;

use super::Call;
use super::call::Service;

const STEP_FUNCTIONS: Service = Service { prefix: "states", name: "sfn" };

/// `StartExecution`.
pub(super) fn start_execution(state_machine_arn: &str, body: &str) -> Call {
    let input = json!({ "stateMachineArn": state_machine_arn, "input": body });
    Call::json_1_0(STEP_FUNCTIONS, "AWSStepFunctions.StartExecution", &input)
}
