//! SQS: the event becomes a message of the queue.

use eventyard_core::name::AccountId;
use serde_json::json;

use super::Call;
use super::call::Service;

const SQS: Service = Service { prefix: "sqs", name: "sqs" };

/// `SendMessage`. The queue's URL begins with the endpoint.
pub(super) fn send_message(
    endpoint: impl Fn(Service) -> String,
    (account, name): (&AccountId, &str),
    message_group_id: Option<&str>,
    body: &str,
) -> Call {
    let url = format!("{}/{account}/{name}", endpoint(SQS));
    let mut input = json!({ "QueueUrl": url, "MessageBody": body });
    if let Some(group) = message_group_id {
        input["MessageGroupId"] = group.into();
    }
    Call::json_1_0(SQS, "AmazonSQS.SendMessage", &input)
}
