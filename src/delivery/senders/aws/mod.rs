//! AWS services: one signed call of the service, on its own protocol, for each delivery.
//!
//! Each service has a file that makes its [`call`] and, where the service has its own way to say no, reads it. [`caller`]
//! knows where the services are and signs for them as the [`credentials`] say, [`answer`] what their errors mean.

mod answer;
mod batch;
mod call;
mod caller;
mod cloudwatch_logs;
mod codebuild;
mod codepipeline;
mod credentials;
mod ec2;
mod ecs;
mod eventbridge;
mod firehose;
mod inspector;
mod kinesis;
mod lambda;
mod sizes;
mod sns;
mod sqs;
mod ssm;
mod step_functions;
mod sts;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eventyard_core::clock::{Clock, Timestamp};
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::delivery_options::Timeouts;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::{EventBusKey, Region};
use eventyard_core::target::{AwsResource, AwsTarget, SqsQueue};

use call::Call;
pub use caller::AwsEndpoints;
use caller::Caller;
pub use credentials::{AwsCredentials, AwsCredentialsSource, ContainerAuthorization};
use credentials::{Lease, first};

use super::HttpSender;
use super::http::{Clients, failure};

/// Where the services are, and whom they are to take the daemon for.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// Where the services are.
    pub endpoints: AwsEndpoints,
    /// Where the access key may come from; the first that has one counts.
    pub credentials: Vec<AwsCredentialsSource>,
    /// Whether a target that has a `RoleArn` is called as that role.
    pub assume_roles: bool,
}

/// Calls AWS services.
#[derive(Debug)]
pub struct AwsSender {
    clients: Arc<Clients>,
    response_timeout: Duration,
    clock: Arc<dyn Clock>,
    settings: AwsSettings,
    /// The daemon's own credentials.
    own: Lease,
    /// Those of roles, by ARN and session name.
    of_roles: Mutex<BTreeMap<(String, String), Arc<Lease>>>,
}

/// One delivery.
#[derive(Debug)]
pub(in crate::delivery) struct AwsDelivery<'a> {
    pub(in crate::delivery) target: &'a AwsTarget,
    /// The event, whose parts parameters may name.
    pub(in crate::delivery) envelope: &'a str,
    pub(in crate::delivery) event: EventId,
    /// The target's `RoleArn`.
    pub(in crate::delivery) role_arn: Option<&'a str>,
    /// The rule's name.
    pub(in crate::delivery) rule: &'a str,
    /// What a service is given to know a repetition by.
    pub(in crate::delivery) token: String,
    /// What is sent.
    pub(in crate::delivery) body: String,
    /// Whether that is the event itself, as nothing else was asked for.
    pub(in crate::delivery) is_event: bool,
    /// Times that are others than those of all targets.
    pub(in crate::delivery) timeouts: Timeouts,
}

impl AwsSender {
    /// A sender with the clients for what the operator wrote, and the patience, of `http`.
    #[must_use]
    pub fn new(http: &HttpSender, clock: Arc<dyn Clock>, settings: AwsSettings) -> Self {
        let (clients, response_timeout) = (Arc::clone(&http.unguarded), http.response_timeout);
        Self { clients, response_timeout, clock, settings, own: Lease::default(), of_roles: Mutex::default() }
    }

    /// Makes one attempt.
    pub(in crate::delivery) async fn send(&self, delivery: AwsDelivery<'_>) -> AttemptOutcome {
        let (region, who) = (&delivery.target.region, (delivery.role_arn, delivery.rule));
        let caller = match self.caller_as(region, who, delivery.timeouts).await {
            Ok(caller) => caller,
            Err(failure) => return failure,
        };
        let now = self.clock.now();
        let call = match self.call(&delivery, now) {
            Ok(call) => call,
            Err(reason) => return AttemptOutcome::RequestInvalid { reason },
        };
        let answer = match caller.call(&call).await {
            Ok(answer) => answer,
            Err(failure) => return failure,
        };
        match &delivery.target.resource {
            AwsResource::StateMachine { .. } => step_functions::outcome(answer),
            AwsResource::EcsCluster { .. } => ecs::outcome(answer),
            AwsResource::LogGroup { name } => cloudwatch_logs::outcome(&caller, (name, now), &call, answer).await,
            _ => answer.outcome(),
        }
    }

    /// The call that a delivery is. The error says what was wrong with the input.
    fn call(&self, delivery: &AwsDelivery<'_>, now: Timestamp) -> Result<Call, String> {
        let AwsDelivery { target, envelope, event, rule, token, body, is_event, .. } = delivery;
        let input = (!is_event).then_some(body.as_str());
        if !matches!(target.resource, AwsResource::EcsCluster { .. }) || input.is_some() {
            sizes::check(&target.resource, body)?;
        }
        Ok(match &target.resource {
            AwsResource::SqsQueue { queue, message_group_id } => {
                let origin = self.settings.endpoints.origin(sqs::SQS, &target.region);
                sqs::send_message(&origin, queue, message_group_id.as_deref(), token, body)
            }
            AwsResource::SnsTopic { arn, message_group_id } => {
                sns::publish(arn, message_group_id.as_deref(), token, body)
            }
            AwsResource::LambdaFunction { arn } => lambda::invoke(arn, body.clone()),
            AwsResource::KinesisStream { arn, partition_key } => {
                kinesis::put_record(arn, partition_key.as_ref(), (envelope, *event), body)
            }
            AwsResource::FirehoseStream { name } => firehose::put_record(name, body),
            AwsResource::StateMachine { arn } => step_functions::start_execution(arn, *event, token, body),
            AwsResource::BuildProject { name } => codebuild::start_build(name, token, input)?,
            AwsResource::Pipeline { name } => codepipeline::start_pipeline_execution(name, token, input)?,
            AwsResource::AutomationDocument { name, version } => {
                ssm::start_automation_execution(name, version.as_deref(), token, input)?
            }
            AwsResource::CommandDocument { name, targets } => ssm::send_command(name, targets, input)?,
            AwsResource::EcsCluster { task } => ecs::run_task(task, rule, token, input)?,
            AwsResource::JobQueue { job } => batch::submit_job(job, input)?,
            AwsResource::AssessmentTemplate { arn } => inspector::start_assessment_run(arn, input)?,
            AwsResource::Ec2(action) => ec2::act(*action, body)?,
            AwsResource::LogGroup { name } => cloudwatch_logs::put_log_events(name, now, body),
        })
    }

    /// Whether event buses elsewhere can be reached: somebody said where they are.
    pub(in crate::delivery) fn reaches_event_buses(&self) -> bool {
        self.settings.endpoints.by_service.contains_key(eventbridge::EVENTBRIDGE.name)
    }

    /// Puts an event on an event bus elsewhere, as a role or as the daemon, for a rule.
    pub(in crate::delivery) async fn put_event(
        &self,
        bus: &EventBusKey,
        who: (Option<&str>, &str),
        event: &Event,
        timeouts: Timeouts,
    ) -> AttemptOutcome {
        let caller = match self.caller_as(&bus.region, who, timeouts).await {
            Ok(caller) => caller,
            Err(failure) => return failure,
        };
        match eventbridge::put_events(bus, event) {
            Ok(call) => caller.call(&call).await.map_or_else(|failure| failure, eventbridge::outcome),
            Err(reason) => AttemptOutcome::RequestInvalid { reason },
        }
    }

    /// Sends a copy of a dead letter to a queue. One without an event is sent to nobody, and counts as sent.
    pub(in crate::delivery) async fn send_dead_letter(&self, queue: &SqsQueue, letter: &DeadLetter) -> AttemptOutcome {
        let caller = match self.caller(&queue.region).await {
            Ok(caller) => caller,
            Err(reason) => return AttemptOutcome::NoCredentials { reason },
        };
        let origin = self.settings.endpoints.origin(sqs::SQS, &queue.region);
        match sqs::send_dead_letter(&origin, queue, letter) {
            Some(call) => caller.call(&call).await.map_or_else(|failure| failure, answer::Answer::outcome),
            None => AttemptOutcome::Delivered,
        }
    }

    /// Calls with the times of a target, as its role, if it has one and roles are assumed, and as the daemon otherwise. What
    /// credentials are asked for has the times of all.
    async fn caller_as<'a>(
        &'a self,
        region: &'a Region,
        who: (Option<&str>, &str),
        timeouts: Timeouts,
    ) -> Result<Caller<'a>, AttemptOutcome> {
        let caller = self.own_or_role(region, who).await.map_err(|reason| AttemptOutcome::NoCredentials { reason })?;
        let client = self.clients.waiting(timeouts.connect).map_err(|error| failure(&error))?;
        Ok(Caller { client, response_timeout: timeouts.response.unwrap_or(self.response_timeout), ..caller })
    }

    async fn own_or_role<'a>(
        &'a self,
        region: &'a Region,
        (role_arn, rule): (Option<&str>, &str),
    ) -> Result<Caller<'a>, String> {
        let own = self.caller(region).await?;
        let Some(role_arn) = role_arn.filter(|_| self.settings.assume_roles) else { return Ok(own) };
        let session_name = sts::session_name(rule);
        let lease = self.lease_of(role_arn, &session_name);
        let assumed = lease.get(&*self.clock, sts::assume_role(&own, role_arn, &session_name)).await;
        let advice = "where roles are not to be assumed, set aws_services.assume_roles to false";
        let assumed = assumed.map_err(|refused| format!("{refused}; {advice}"))?;
        Ok(Caller { credentials: Some(assumed), ..own })
    }

    fn lease_of(&self, role_arn: &str, session_name: &str) -> Arc<Lease> {
        let mut of_roles = self.of_roles.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (role_arn.to_owned(), session_name.to_owned());
        if !of_roles.contains_key(&key) {
            let now = self.clock.now();
            of_roles.retain(|_, lease| !lease.is_over(now));
        }
        Arc::clone(of_roles.entry(key).or_default())
    }

    /// Calls as the daemon. The error says where credentials were looked for, and what to do.
    async fn caller<'a>(&'a self, region: &'a Region) -> Result<Caller<'a>, String> {
        let nobody = Caller {
            client: self.clients.usual(),
            clock: &self.clock,
            endpoints: &self.settings.endpoints,
            region,
            credentials: None,
            response_timeout: self.response_timeout,
        };
        let credentials = self.own.get(&*self.clock, first(&self.settings.credentials, &nobody)).await?;
        Ok(Caller { credentials: Some(credentials), ..nobody })
    }
}
