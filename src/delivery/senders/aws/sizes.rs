//! How much the services take at once. What is larger they would refuse at every attempt, so it is not sent.

use eventyard_core::target::AwsResource;

const KIB: usize = 1_024;

/// The most bytes of one message, record, payload or input, and whose bound that is.
fn bound(resource: &AwsResource) -> Option<(usize, &'static str)> {
    match resource {
        AwsResource::SqsQueue { .. } => Some((1_024 * KIB, "an SQS message")),
        AwsResource::SnsTopic { .. } => Some((256 * KIB, "an SNS message")),
        AwsResource::LambdaFunction { .. } => Some((1_024 * KIB, "an asynchronous payload of Lambda")),
        // A stream can be set to take less.
        AwsResource::KinesisStream { .. } => Some((10 * 1_024 * KIB, "a Kinesis record")),
        AwsResource::FirehoseStream { .. } => Some((1_000 * KIB, "a Firehose record")),
        AwsResource::StateMachine { .. } => Some((256 * KIB, "the input of an execution")),
        // 26 bytes of each log event are the service's own.
        AwsResource::LogGroup { .. } => Some((1_024 * KIB - 26, "a log event")),
        AwsResource::EcsCluster { .. } => Some((8_192, "the overrides of a task")),
        _ => None,
    }
}

/// Checks what is to be sent.
///
/// # Errors
/// When it is larger than the service takes.
pub(super) fn check(resource: &AwsResource, body: &str) -> Result<(), String> {
    match bound(resource) {
        Some((most, what)) if body.len() > most => {
            Err(format!("{} bytes were to be sent, and {what} has at most {most}", body.len()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_let_through_to_the_byte() {
        let topic = AwsResource::SnsTopic { arn: "a".to_owned(), message_group_id: None };
        assert_eq!(check(&topic, &"a".repeat(262_144)), Ok(()));
        let reason = "262145 bytes were to be sent, and an SNS message has at most 262144";
        assert_eq!(check(&topic, &"a".repeat(262_145)), Err(reason.to_owned()));
        assert_eq!(check(&AwsResource::BuildProject { name: "p".to_owned() }, &"a".repeat(1 << 22)), Ok(()));
    }
}
