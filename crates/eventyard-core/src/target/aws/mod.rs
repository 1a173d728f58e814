//! Targets that are resources of AWS services: which service an ARN names, and what a delivery has to know of it.

mod arn;
mod ec2_action;

use serde_json::{Map, Value, json};

pub use ec2_action::Ec2Action;

use arn::{Arn, InvalidAwsArn, is_fifo, is_function, is_name, not_valid};

use super::blocks::{ParameterBlock, in_camel_case};
use super::{KinesisParameters, Target};
use crate::error::ServiceError;
use crate::input::JsonPath;
use crate::name::{AccountId, Region};
use crate::shape::camel_case;

/// A resource of an AWS service that events are sent to.
#[derive(Debug)]
pub struct AwsTarget {
    /// The region whose endpoint is spoken to.
    pub region: Region,
    /// The resource.
    pub resource: AwsResource,
}

/// A queue of SQS.
#[derive(Debug)]
pub struct SqsQueue {
    /// Its region.
    pub region: Region,
    /// Whose it is.
    pub account: AccountId,
    /// Its name; that of a FIFO queue ends in `.fifo`.
    pub name: String,
}

impl SqsQueue {
    /// Whether it is a FIFO queue.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        is_fifo(&self.name)
    }

    /// The queue for dead letters that `DeadLetterConfig` names.
    ///
    /// # Errors
    /// A `ValidationException` when the Arn is not that of a standard queue.
    pub(super) fn for_dead_letters(arn: &str) -> Result<Self, ServiceError> {
        match Arn::parse(arn).map_err(|invalid| not_valid(arn, invalid))? {
            Arn { service: "sqs", region, account: Some(account), resource }
                if is_name(resource) && !is_fifo(resource) =>
            {
                Ok(Self { region, account, name: resource.to_owned() })
            }
            _ => Err(not_valid(arn, "A dead-letter queue is a standard SQS queue.")),
        }
    }
}

/// What can be sent to. A service without a variant here is refused by `PutTargets`.
#[derive(Debug)]
pub enum AwsResource {
    /// An SQS queue.
    SqsQueue {
        /// Which.
        queue: SqsQueue,
        /// `SqsParameters.MessageGroupId`.
        message_group_id: Option<String>,
    },
    /// An SNS topic.
    SnsTopic {
        /// Its ARN.
        arn: String,
        /// `SqsParameters.MessageGroupId`, which a FIFO topic needs as a FIFO queue does.
        message_group_id: Option<String>,
    },
    /// A Lambda function, maybe a version or an alias of it.
    LambdaFunction {
        /// Its ARN.
        arn: String,
    },
    /// A Kinesis data stream.
    KinesisStream {
        /// Its ARN.
        arn: String,
        /// `KinesisParameters.PartitionKeyPath`; none for the event's id.
        partition_key: Option<JsonPath>,
    },
    /// A Firehose delivery stream.
    FirehoseStream {
        /// Its name.
        name: String,
    },
    /// A state machine of Step Functions.
    StateMachine {
        /// Its ARN.
        arn: String,
    },
    /// A project of `CodeBuild`.
    BuildProject {
        /// Its name.
        name: String,
    },
    /// A pipeline of `CodePipeline`.
    Pipeline {
        /// Its name.
        name: String,
    },
    /// A runbook of Systems Manager Automation.
    AutomationDocument {
        /// Its name.
        name: String,
        /// Its version; none for the default one.
        version: Option<String>,
    },
    /// A document of Systems Manager Run Command.
    CommandDocument {
        /// Its name, or its ARN when an account shares it.
        name: String,
        /// The members of `SendCommand` that say on which machines.
        targets: Value,
    },
    /// A cluster of ECS that tasks are run on.
    EcsCluster {
        /// The members of `RunTask`, but for what depends on the event.
        task: Map<String, Value>,
    },
    /// A queue of Batch that jobs are submitted to.
    JobQueue {
        /// The members of `SubmitJob`, but for what depends on the event.
        job: Map<String, Value>,
    },
    /// An assessment template of Inspector Classic.
    AssessmentTemplate {
        /// Its ARN.
        arn: String,
    },
    /// A call of EC2 that Amazon's service has built in.
    Ec2(Ec2Action),
    /// A log group of `CloudWatch` Logs.
    LogGroup {
        /// Its name.
        name: String,
    },
}

impl AwsTarget {
    /// Reads the Arn and the blocks of a target whose Arn is no URL.
    ///
    /// # Errors
    /// A `ValidationException` when the Arn is none, or of a service that is not served; when a block that is needed is
    /// not there, or does not belong to the kind of target.
    pub(super) fn compile(target: &Target) -> Result<Self, ServiceError> {
        let arn = Arn::parse(&target.arn).map_err(|invalid| not_valid(&target.arn, invalid))?;
        let resource = resource(target, &arn)?.ok_or_else(|| not_valid(&target.arn, InvalidAwsArn::NotInFormat))?;
        check_members(target, &resource)?;
        Ok(Self { region: arn.region, resource })
    }
}

/// What the ARN names; none where it is not in the format of its service.
fn resource(target: &Target, arn: &Arn<'_>) -> Result<Option<AwsResource>, ServiceError> {
    let whole = || target.arn.clone();
    let name = arn.resource;
    let message_group_id = || target.sqs_parameters.clone().and_then(|parameters| parameters.message_group_id);
    let Some(account) = &arn.account else {
        // Only documents of Amazon's own have no account.
        let document = arn.name("document", '/').filter(|_| arn.service == "ssm");
        return document.map(|name| command_document(target, name)).transpose();
    };
    Ok(match arn.service {
        "sqs" => is_name(name).then(|| AwsResource::SqsQueue {
            queue: SqsQueue { region: arn.region.clone(), account: account.clone(), name: name.to_owned() },
            message_group_id: message_group_id(),
        }),
        "sns" => is_name(name).then(|| AwsResource::SnsTopic { arn: whole(), message_group_id: message_group_id() }),
        // It becomes a part of a path, so nothing else is let in.
        "lambda" => arn
            .name("function", ':')
            .filter(|name| is_function(name))
            .map(|_| AwsResource::LambdaFunction { arn: whole() }),
        "kinesis" => {
            let partition_key = partition_key(target)?;
            arn.name("stream", '/').map(|_| AwsResource::KinesisStream { arn: whole(), partition_key })
        }
        "firehose" => arn.name("deliverystream", '/').map(|name| AwsResource::FirehoseStream { name }),
        "states" => arn.name("stateMachine", ':').map(|_| AwsResource::StateMachine { arn: whole() }),
        "logs" => arn
            .name("log-group", ':')
            .map(|name| name.strip_suffix(":*").map(str::to_owned).unwrap_or(name))
            .map(|name| AwsResource::LogGroup { name }),
        "codebuild" => arn.name("project", '/').map(|name| AwsResource::BuildProject { name }),
        "codepipeline" => {
            is_name(&name.replace(['.', '@'], "-")).then(|| AwsResource::Pipeline { name: name.to_owned() })
        }
        "ssm" if name.starts_with("document/") => {
            arn.name("document", '/').map(|_| command_document(target, whole())).transpose()?
        }
        "ssm" => arn.name("automation-definition", '/').map(|name| {
            let (name, version) = name.split_once(':').map_or((&*name, None), |(name, version)| (name, Some(version)));
            AwsResource::AutomationDocument { name: name.to_owned(), version: version.map(str::to_owned) }
        }),
        "ecs" => arn.name("cluster", '/').map(|_| run_task(target)).transpose()?,
        "batch" => arn.name("job-queue", '/').map(|_| submit_job(target)).transpose()?,
        "inspector" => {
            let is_template =
                name.split_once("/template/").is_some_and(|(of, id)| of.starts_with("target/") && !id.is_empty());
            is_template.then(|| AwsResource::AssessmentTemplate { arn: whole() })
        }
        "events" if name.starts_with("target/") => {
            arn.name("target", '/').and_then(|name| Ec2Action::parse(&name)).map(AwsResource::Ec2)
        }
        other => return Err(not_valid(&target.arn, InvalidAwsArn::Service(other.to_owned()))),
    })
}

fn command_document(target: &Target, name: String) -> Result<AwsResource, ServiceError> {
    let Some(block) = &target.run_command_parameters else {
        // Amazon's service has no blank before the id in this one.
        let id = &target.id;
        return Err(ServiceError::validation(format!("Parameter RunCommandParameters is not valid for target{id}.")));
    };
    let targets = block.members().get("RunCommandTargets").cloned().unwrap_or_default();
    Ok(AwsResource::CommandDocument { name, targets })
}

fn run_task(target: &Target) -> Result<AwsResource, ServiceError> {
    let block = required(target, "EcsParameters", target.ecs_parameters.as_ref())?;
    let mut task = Map::from_iter([("cluster".to_owned(), json!(target.arn)), ("count".to_owned(), json!(1))]);
    for (name, value) in block {
        let name = match &*name {
            "TaskDefinitionArn" => "taskDefinition".to_owned(),
            "TaskCount" => "count".to_owned(),
            name => camel_case(name),
        };
        task.insert(name, in_camel_case(value));
    }
    Ok(AwsResource::EcsCluster { task })
}

fn submit_job(target: &Target) -> Result<AwsResource, ServiceError> {
    let block = required(target, "BatchParameters", target.batch_parameters.as_ref())?;
    let mut job = Map::from_iter([("jobQueue".to_owned(), json!(target.arn))]);
    job.extend(block.into_iter().map(|(name, value)| (camel_case(&name), in_camel_case(value))));
    Ok(AwsResource::JobQueue { job })
}

/// The members of a block that the kind of target needs.
fn required(target: &Target, name: &str, block: Option<&ParameterBlock>) -> Result<Map<String, Value>, ServiceError> {
    let block = block.map(|block| block.clone().into_members());
    block.ok_or_else(|| must_be_specified(target, name))
}

fn must_be_specified(target: &Target, block: &str) -> ServiceError {
    ServiceError::validation(format!("Parameter(s) {block} must be specified for target: {}.", target.id))
}

/// The members that a kind needs, and the blocks that it has no use for.
fn check_members(target: &Target, resource: &AwsResource) -> Result<(), ServiceError> {
    match resource {
        AwsResource::SqsQueue { queue: SqsQueue { name, .. }, message_group_id: None }
        | AwsResource::SnsTopic { arn: name, message_group_id: None }
            if is_fifo(name) =>
        {
            return Err(must_be_specified(target, "SqsParameters"));
        }
        AwsResource::StateMachine { .. }
        | AwsResource::BuildProject { .. }
        | AwsResource::Pipeline { .. }
        | AwsResource::EcsCluster { .. }
        | AwsResource::JobQueue { .. }
            if target.role_arn.is_none() =>
        {
            return Err(ServiceError::validation(format!("RoleArn is required for target {}.", target.arn)));
        }
        AwsResource::Ec2(_)
            if target.input.is_none() && target.input_transformer.is_none() && target.input_path.is_none() =>
        {
            let reason = "the input has to name what is acted on, and the event does not.";
            return Err(not_valid(&target.arn, reason));
        }
        AwsResource::Ec2(action) => {
            if let Some(Err(reason)) = target.input.as_deref().map(|input| action.resources(input)) {
                let id = &target.id;
                return Err(ServiceError::validation(format!(
                    "Parameter Input is not valid for target {id}. Reason: {reason}."
                )));
            }
        }
        _ => {}
    }
    let fitting = match resource {
        AwsResource::SqsQueue { .. } => "SqsParameters",
        AwsResource::SnsTopic { arn, .. } if is_fifo(arn) => "SqsParameters",
        AwsResource::KinesisStream { .. } => "KinesisParameters",
        AwsResource::EcsCluster { .. } => "EcsParameters",
        AwsResource::JobQueue { .. } => "BatchParameters",
        AwsResource::CommandDocument { .. } => "RunCommandParameters",
        _ => "",
    };
    match target.blocks().find(|block| *block != fitting) {
        Some(block) => Err(does_not_fit(target, block)),
        None => Ok(()),
    }
}

/// The refusal of a block that does not belong to the kind of target, in Amazon's words.
pub(super) fn does_not_fit(target: &Target, block: &str) -> ServiceError {
    ServiceError::validation(format!("Parameter {block} is not valid for target {}.", target.id))
}

fn partition_key(target: &Target) -> Result<Option<JsonPath>, ServiceError> {
    let Some(KinesisParameters { partition_key_path }) = &target.kinesis_parameters else { return Ok(None) };
    JsonPath::parse(partition_key_path).map(Some).map_err(|_| does_not_fit(target, "KinesisParameters"))
}

#[cfg(test)]
mod tests;
