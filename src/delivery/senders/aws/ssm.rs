//! Systems Manager: an automation is started, or a command is run on machines.

use serde_json::{Value, json};

use super::call::{Call, Service, members};

const SSM: Service = Service { prefix: "ssm", name: "ssm" };

/// `StartAutomationExecution`. The input of the target, if it has one, is the parameters of the runbook, each a list of
/// strings; the event itself is not passed.
///
/// # Errors
/// When the input is no JSON object.
pub(super) fn start_automation_execution(
    document: &str,
    version: Option<&str>,
    token: &str,
    input: Option<&str>,
) -> Result<Call, String> {
    let mut call = json!({ "DocumentName": document, "ClientToken": token });
    if let Some(version) = version {
        call["DocumentVersion"] = version.into();
    }
    if input.is_some() {
        call["Parameters"] = members(input)?.into();
    }
    Ok(Call::json_1_1(SSM, "AmazonSSM.StartAutomationExecution", &call))
}

/// `SendCommand`. The input of the target, if it has one, is the parameters of the document, each a list of strings; the event
/// itself is not passed.
///
/// # Errors
/// When the input is no JSON object.
pub(super) fn send_command(document: &str, targets: &Value, input: Option<&str>) -> Result<Call, String> {
    let mut call = json!({ "DocumentName": document, "Targets": targets });
    if input.is_some() {
        call["Parameters"] = members(input)?.into();
    }
    Ok(Call::json_1_1(SSM, "AmazonSSM.SendCommand", &call))
}
