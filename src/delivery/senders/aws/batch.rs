//! Batch: a job is submitted to the queue.

use eventyard_core::target::in_camel_case;
use serde_json::{Map, Value};

use super::call::{Call, Service, members};

const BATCH: Service = Service { prefix: "batch", name: "batch" };

/// `SubmitJob`. The input of the target, if it has one, holds the parameters of the job and the overrides of its container;
/// the event itself is not passed.
///
/// # Errors
/// When the input is no JSON object, or has other members.
pub(super) fn submit_job(job: &Map<String, Value>, input: Option<&str>) -> Result<Call, String> {
    let mut call = job.clone();
    for (name, value) in members(input)? {
        let (name, value) = match &*name {
            // The names of parameters are the job definition's own.
            "Parameters" | "parameters" => ("parameters", value),
            "ContainerOverrides" | "containerOverrides" => ("containerOverrides", in_camel_case(value)),
            other => return Err(format!("the input has {other:?}, and can have Parameters and ContainerOverrides")),
        };
        call.insert(name.to_owned(), value);
    }
    Ok(Call::rest(
        BATCH,
        "/v1/submitjob".to_owned(),
        ("content-type", "application/json"),
        Value::from(call).to_string(),
    ))
}
