//! SNS: the event becomes a message of the topic.

use super::Call;
use super::call::Service;

const SNS: Service = Service { prefix: "sns", name: "sns" };

/// `Publish`.
pub(super) fn publish(topic_arn: &str, body: &str) -> Call {
    Call::query(SNS, "Publish", "2010-03-31", &[("TopicArn", topic_arn), ("Message", body)])
}
