//! SNS: the event becomes a message of the topic.

use super::Call;
use super::call::Service;

const SNS: Service = Service { prefix: "sns", name: "sns" };

/// `Publish`. A FIFO topic takes a message group, and a token by which it knows a repetition.
pub(super) fn publish(topic_arn: &str, message_group_id: Option<&str>, token: &str, body: &str) -> Call {
    let mut members = vec![("TopicArn", topic_arn), ("Message", body)];
    if let Some(group) = message_group_id {
        members.extend([("MessageGroupId", group), ("MessageDeduplicationId", token)]);
    }
    Call::query(SNS, "Publish", "2010-03-31", &members)
}
