//! Systems Manager: an automation is started.

use serde_json::json;

use super::Call;
use super::call::{Service, members};

const SSM: Service = Service { prefix: "ssm", name: "ssm" };

/// `StartAutomationExecution`. The input of the target, if it has one, is the parameters of the runbook, each a list of
/// strings; the event itself is not passed.
///
/// # Errors
/// When the input is no JSON object.
pub(super) fn start_automation_execution(
    document: &str,
    version: Option<&str>,
    input: Option<&str>,
) -> Result<Call, String> {
    let mut call = json!({ "DocumentName": document });
    if let Some(version) = version {
        call["DocumentVersion"] = version.into();
    }
    if input.is_some() {
        call["Parameters"] = members(input)?.into();
    }
    Ok(Call::json_1_1(SSM, "AmazonSSM.StartAutomationExecution", &call))
}
