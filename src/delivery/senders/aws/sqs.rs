//! SQS: the event becomes a message of the queue. So does a dead letter, with its reason as attributes.

use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::target::{DeadLetterAttribute, SqsQueue};
use serde_json::{Map, Value, json};

use super::Call;
use super::call::Service;

pub(super) const SQS: Service = Service { prefix: "sqs", name: "sqs" };

/// `SendMessage` of an event. The queue's URL begins with the `origin` of the endpoint. A FIFO queue gets a token by which it
/// knows a repetition, for the bodies of two events may be the same.
pub(super) fn send_message(
    origin: &str,
    queue: &SqsQueue,
    message_group_id: Option<&str>,
    token: &str,
    body: &str,
) -> Call {
    let mut input = input(origin, queue, body);
    if let Some(group) = message_group_id {
        input["MessageGroupId"] = group.into();
        if queue.is_fifo() {
            input["MessageDeduplicationId"] = token.into();
        }
    }
    Call::json_1_0(SQS, "AmazonSQS.SendMessage", &input)
}

/// `SendMessage` of a dead letter, as Amazon's service fills its dead-letter queues: the event, whatever the target was to be
/// sent. None when there is no event left.
pub(super) fn send_dead_letter(origin: &str, queue: &SqsQueue, letter: &DeadLetter) -> Option<Call> {
    let mut input = input(origin, queue, &letter.event.as_ref()?.envelope);
    let attribute = |DeadLetterAttribute { name, value, is_number }| {
        let kind = if is_number { "Number" } else { "String" };
        (String::from(name), json!({ "DataType": kind, "StringValue": value }))
    };
    let attributes: Map<String, Value> = letter.attributes().into_iter().map(attribute).collect();
    input["MessageAttributes"] = attributes.into();
    Some(Call::json_1_0(SQS, "AmazonSQS.SendMessage", &input))
}

fn input(origin: &str, queue: &SqsQueue, body: &str) -> Value {
    let SqsQueue { account, name, .. } = queue;
    json!({ "QueueUrl": format!("{origin}/{account}/{name}"), "MessageBody": body })
}
