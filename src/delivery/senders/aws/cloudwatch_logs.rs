//! `CloudWatch` Logs: the event becomes a log event, in a stream of the group for each day.

use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::AttemptOutcome;
use serde_json::{Value, json};

use super::Call;
use super::answer::Answer;
use super::call::Service;
use super::caller::Caller;

const CLOUDWATCH_LOGS: Service = Service { prefix: "logs", name: "cloudwatch_logs" };

/// `PutLogEvents`.
pub(super) fn put_log_events(group: &str, now: Timestamp, body: &str) -> Call {
    let events = json!([{ "timestamp": now.as_millis(), "message": body }]);
    call("PutLogEvents", &json!({ "logGroupName": group, "logStreamName": stream(now), "logEvents": events }))
}

/// How the attempt ended. Where the stream is not there, it is made by `CreateLogStream` and the call made again.
pub(super) async fn outcome(
    caller: &Caller<'_>,
    (group, now): (&str, Timestamp),
    put: &Call,
    answer: Answer,
) -> AttemptOutcome {
    if !answer.is_error("ResourceNotFoundException") {
        return outcome_of(answer);
    }
    let create = call("CreateLogStream", &json!({ "logGroupName": group, "logStreamName": stream(now) }));
    let answer = match caller.call(&create).await {
        // Another attempt may have made it meanwhile.
        Ok(created) if created.is_success() || created.is_error("ResourceAlreadyExistsException") => {
            caller.call(put).await
        }
        refused => refused,
    };
    answer.map_or_else(|failure| failure, outcome_of)
}

fn call(operation: &str, input: &Value) -> Call {
    Call::json_1_1(CLOUDWATCH_LOGS, &format!("Logs_20140328.{operation}"), input)
}

fn stream(now: Timestamp) -> String {
    let time = now.to_rfc3339_seconds();
    format!("eventyard/{}", time.split_once('T').map_or("", |(date, _)| date))
}

/// Of an event that is too old or too new the service says so in a success.
fn outcome_of(answer: Answer) -> AttemptOutcome {
    match answer.output().get("rejectedLogEventsInfo") {
        Some(rejected) if !rejected.is_null() => {
            AttemptOutcome::Refused { status: 200, excerpt: format!("rejectedLogEventsInfo: {rejected}") }
        }
        _ => answer.outcome(),
    }
}
