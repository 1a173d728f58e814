//! `CloudWatch` Logs: the event becomes a log event, in a stream of the group for each day.

use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::AttemptOutcome;
use serde_json::json;

use super::Call;
use super::answer::Answer;
use super::call::Service;
use super::caller::Caller;

const CLOUDWATCH_LOGS: Service = Service { prefix: "logs", name: "cloudwatch_logs" };

/// `PutLogEvents`, after `CreateLogStream` where the stream is not there.
pub(super) async fn put_log_events(caller: &Caller<'_>, group: &str, now: Timestamp, body: &str) -> AttemptOutcome {
    let time = now.to_rfc3339_seconds();
    let stream = format!("eventyard/{}", time.split_once('T').map_or("", |(date, _)| date));
    let call = |operation: &str, input| Call::json_1_1(CLOUDWATCH_LOGS, &format!("Logs_20140328.{operation}"), &input);
    let put = call(
        "PutLogEvents",
        json!({
            "logGroupName": group,
            "logStreamName": stream,
            "logEvents": [{ "timestamp": now.as_millis(), "message": body }],
        }),
    );
    let answer = match caller.call(&put).await {
        Ok(answer) if answer.is_error("ResourceNotFoundException") => {
            let create = call("CreateLogStream", json!({ "logGroupName": group, "logStreamName": stream }));
            match caller.call(&create).await {
                // Another attempt may have made it meanwhile.
                Ok(created) if created.is_success() || created.is_error("ResourceAlreadyExistsException") => {
                    caller.call(&put).await
                }
                refused => refused,
            }
        }
        answer => answer,
    };
    answer.map_or_else(|failure| failure, outcome)
}

/// Of an event that is too old or too new the service says so in a success.
fn outcome(answer: Answer) -> AttemptOutcome {
    match answer.output().get("rejectedLogEventsInfo") {
        Some(rejected) if !rejected.is_null() => {
            AttemptOutcome::Refused { status: 200, excerpt: format!("rejectedLogEventsInfo: {rejected}") }
        }
        _ => answer.outcome(),
    }
}
