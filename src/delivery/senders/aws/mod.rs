//! AWS services: one signed call of the service, on its own protocol, for each delivery.
//!
//! Each service has a file that makes its [`call`] and, where the service has its own way to say no, reads it. [`caller`]
//! knows where the services are and signs for them as the [`credentials`] say, [`answer`] what their errors mean.

mod answer;
mod call;
mod caller;
mod cloudwatch_logs;
mod codebuild;
mod codepipeline;
mod credentials;
mod firehose;
mod kinesis;
mod lambda;
mod sns;
mod sqs;
mod ssm;
mod step_functions;

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Clock;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::EventId;
use eventyard_core::name::Region;
use eventyard_core::target::{AwsResource, AwsTarget, SqsQueue};
use reqwest::Client;

use call::Call;
pub use caller::AwsEndpoints;
use caller::Caller;
use credentials::Credentials;
pub use credentials::{AwsCredentials, AwsCredentialsSource};

use super::HttpSender;

/// Calls AWS services.
#[derive(Debug)]
pub struct AwsSender {
    client: Client,
    response_timeout: Duration,
    clock: Arc<dyn Clock>,
    endpoints: AwsEndpoints,
    credentials: Credentials,
}

/// One delivery.
#[derive(Debug)]
pub(in crate::delivery) struct AwsDelivery<'a> {
    pub(in crate::delivery) target: &'a AwsTarget,
    /// The event, whose parts parameters may name.
    pub(in crate::delivery) envelope: &'a str,
    pub(in crate::delivery) event: EventId,
    /// What is sent.
    pub(in crate::delivery) body: String,
    /// Whether that is the event itself, as nothing else was asked for.
    pub(in crate::delivery) is_event: bool,
    /// Time for the whole exchange, when it is another than that of all targets.
    pub(in crate::delivery) response_timeout: Option<Duration>,
}

impl AwsSender {
    /// A sender with the client and the patience of `http`.
    #[must_use]
    pub fn new(
        http: &HttpSender,
        clock: Arc<dyn Clock>,
        endpoints: AwsEndpoints,
        credentials: AwsCredentialsSource,
    ) -> Self {
        let credentials = Credentials::new(credentials);
        Self { client: http.client.clone(), response_timeout: http.response_timeout, clock, endpoints, credentials }
    }

    /// Makes one attempt.
    pub(in crate::delivery) async fn send(&self, delivery: AwsDelivery<'_>) -> AttemptOutcome {
        let region = &delivery.target.region;
        let response_timeout = delivery.response_timeout.unwrap_or(self.response_timeout);
        let caller = match self.caller(region) {
            Ok(caller) => Caller { response_timeout, ..caller },
            Err(failure) => return failure,
        };
        let AwsDelivery { target, envelope, event, body, is_event, .. } = delivery;
        let input = (!is_event).then_some(body.as_str());
        let call = match &target.resource {
            AwsResource::SqsQueue { queue, message_group_id } => {
                let origin = self.endpoints.origin(sqs::SQS, region);
                Ok(sqs::send_message(&origin, queue, message_group_id.as_deref(), &body))
            }
            AwsResource::SnsTopic { arn } => Ok(sns::publish(arn, &body)),
            AwsResource::LambdaFunction { arn } => Ok(lambda::invoke(arn, body.clone())),
            AwsResource::KinesisStream { arn, partition_key } => {
                Ok(kinesis::put_record(arn, partition_key.as_ref(), (envelope, event), &body))
            }
            AwsResource::FirehoseStream { name } => Ok(firehose::put_record(name, &body)),
            AwsResource::StateMachine { arn } => Ok(step_functions::start_execution(arn, &body)),
            AwsResource::BuildProject { name } => codebuild::start_build(name, input),
            AwsResource::Pipeline { name } => codepipeline::start_pipeline_execution(name, input),
            AwsResource::AutomationDocument { name, version } => {
                ssm::start_automation_execution(name, version.as_deref(), input)
            }
            AwsResource::LogGroup { name } => {
                return cloudwatch_logs::put_log_events(&caller, name, self.clock.now(), &body).await;
            }
        };
        match call {
            Ok(call) => caller.call(&call).await.map_or_else(|failure| failure, answer::Answer::outcome),
            Err(reason) => AttemptOutcome::RequestInvalid { reason },
        }
    }

    /// Sends a copy of a dead letter to a queue. One without an event is sent to nobody, and counts as sent.
    pub(in crate::delivery) async fn send_dead_letter(&self, queue: &SqsQueue, letter: &DeadLetter) -> AttemptOutcome {
        let caller = match self.caller(&queue.region) {
            Ok(caller) => caller,
            Err(failure) => return failure,
        };
        let origin = self.endpoints.origin(sqs::SQS, &queue.region);
        match sqs::send_dead_letter(&origin, queue, letter) {
            Some(call) => caller.call(&call).await.map_or_else(|failure| failure, answer::Answer::outcome),
            None => AttemptOutcome::Delivered,
        }
    }

    fn caller<'a>(&'a self, region: &'a Region) -> Result<Caller<'a>, AttemptOutcome> {
        let credentials = self.credentials.get().map_err(|reason| AttemptOutcome::NoCredentials { reason })?;
        Ok(Caller {
            client: &self.client,
            clock: &self.clock,
            endpoints: &self.endpoints,
            region,
            credentials,
            response_timeout: self.response_timeout,
        })
    }
}
