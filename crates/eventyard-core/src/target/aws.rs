//! Targets that are resources of AWS services: which service an ARN names, and what a delivery has to know of it.

use super::{KinesisParameters, Target};
use crate::error::ServiceError;
use crate::input::JsonPath;
use crate::name::{AccountId, Region};

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
    /// True for a FIFO queue.
    pub(crate) fn is_fifo(&self) -> bool {
        is_fifo(&self.name)
    }

    /// The queue for dead letters that `DeadLetterConfig` names.
    ///
    /// # Errors
    /// A `ValidationException` when the Arn is not that of a standard queue.
    pub(super) fn for_dead_letters(arn: &str) -> Result<Self, ServiceError> {
        let Arn { service, region, account, resource } = split(arn).map_err(|invalid| not_valid(arn, &invalid))?;
        if service != "sqs" || !is_name(resource) || is_fifo(resource) {
            let reason = "A dead-letter queue is a standard SQS queue.";
            return Err(ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {reason}")));
        }
        Ok(Self { region, account, name: resource.to_owned() })
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
    /// A log group of `CloudWatch` Logs.
    LogGroup {
        /// Its name.
        name: String,
    },
}

/// Why an ARN is not a target, as the second half of Amazon's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum InvalidAwsArn {
    #[error("Provided Arn is not in correct format.")]
    NotInFormat,
    #[error("eventyard cannot deliver to '{0}' yet; docs/targets lists what it can.")]
    Service(String),
}

/// An ARN in its parts.
struct Arn<'a> {
    service: &'a str,
    region: Region,
    account: AccountId,
    resource: &'a str,
}

impl AwsTarget {
    /// Reads the Arn and the blocks of a target whose Arn is no URL.
    ///
    /// # Errors
    /// A `ValidationException` when the Arn is none, or of a service that is not served; when a block that is needed is
    /// not there, or does not belong to the kind of target.
    pub(super) fn compile(target: &Target) -> Result<Self, ServiceError> {
        let arn = &target.arn;
        let Arn { service, region, account, resource } = split(arn).map_err(|invalid| not_valid(arn, &invalid))?;
        let name = |prefix: &str, separator: char| {
            let (kind, name) = resource.split_once(separator)?;
            (kind == prefix && !name.is_empty()).then(|| name.to_owned())
        };
        let whole = |_: String| arn.clone();
        let resource = match service {
            "sqs" => is_name(resource).then(|| AwsResource::SqsQueue {
                queue: SqsQueue { region: region.clone(), account, name: resource.to_owned() },
                message_group_id: target.sqs_parameters.clone().and_then(|parameters| parameters.message_group_id),
            }),
            "sns" => is_name(resource).then(|| AwsResource::SnsTopic { arn: arn.clone() }),
            // It becomes a part of a path, so nothing else is let in.
            "lambda" => name("function", ':')
                .filter(|name| is_function(name))
                .map(whole)
                .map(|arn| AwsResource::LambdaFunction { arn }),
            "kinesis" => {
                let partition_key = partition_key(target)?;
                name("stream", '/').map(whole).map(|arn| AwsResource::KinesisStream { arn, partition_key })
            }
            "firehose" => name("deliverystream", '/').map(|name| AwsResource::FirehoseStream { name }),
            "states" => name("stateMachine", ':').map(whole).map(|arn| AwsResource::StateMachine { arn }),
            "logs" => name("log-group", ':')
                .map(|name| name.strip_suffix(":*").map(str::to_owned).unwrap_or(name))
                .map(|name| AwsResource::LogGroup { name }),
            "codebuild" => name("project", '/').map(|name| AwsResource::BuildProject { name }),
            "codepipeline" => {
                is_name(&resource.replace(['.', '@'], "-")).then(|| AwsResource::Pipeline { name: resource.to_owned() })
            }
            "ssm" => name("automation-definition", '/').map(|name| {
                let (name, version) =
                    name.split_once(':').map_or((&*name, None), |(name, version)| (name, Some(version)));
                AwsResource::AutomationDocument { name: name.to_owned(), version: version.map(str::to_owned) }
            }),
            other => return Err(not_valid(arn, &InvalidAwsArn::Service(other.to_owned()))),
        };
        let resource = resource.ok_or_else(|| not_valid(arn, &InvalidAwsArn::NotInFormat))?;
        check_members(target, &resource)?;
        Ok(Self { region, resource })
    }
}

/// The members that a kind needs, and the blocks that it has no use for.
fn check_members(target: &Target, resource: &AwsResource) -> Result<(), ServiceError> {
    let id = &target.id;
    match resource {
        AwsResource::SqsQueue { queue, message_group_id: None } if is_fifo(&queue.name) => {
            return Err(ServiceError::validation(format!(
                "Parameter(s) SqsParameters must be specified for target: {id}."
            )));
        }
        AwsResource::SnsTopic { arn } if is_fifo(arn) => {
            let reason = "FIFO topics take a MessageGroupId, which targets have for queues only.";
            return Err(ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {reason}")));
        }
        AwsResource::StateMachine { .. } | AwsResource::BuildProject { .. } | AwsResource::Pipeline { .. }
            if target.role_arn.is_none() =>
        {
            return Err(ServiceError::validation(format!("RoleArn is required for target {}.", target.arn)));
        }
        _ => {}
    }
    let given = [
        ("HttpParameters", target.http_parameters.is_some(), false),
        (
            "KinesisParameters",
            target.kinesis_parameters.is_some(),
            matches!(resource, AwsResource::KinesisStream { .. }),
        ),
        ("SqsParameters", target.sqs_parameters.is_some(), matches!(resource, AwsResource::SqsQueue { .. })),
    ];
    match given.into_iter().find(|(_, is_given, fits)| *is_given && !fits) {
        Some((block, ..)) => Err(does_not_fit(target, block)),
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

fn not_valid(arn: &str, invalid: &InvalidAwsArn) -> ServiceError {
    ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {invalid}"))
}

fn split(arn: &str) -> Result<Arn<'_>, InvalidAwsArn> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else {
        return Err(InvalidAwsArn::NotInFormat);
    };
    if !partition.starts_with("aws") || service.is_empty() || resource.is_empty() {
        return Err(InvalidAwsArn::NotInFormat);
    }
    let (Ok(region), Ok(account)) = (Region::parse(region), AccountId::parse(account)) else {
        return Err(InvalidAwsArn::NotInFormat);
    };
    Ok(Arn { service, region, account, resource })
}

/// A function's name, maybe with a version or an alias.
fn is_function(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'$'))
}

fn is_fifo(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}

/// A queue's or topic's name: it becomes a part of a URL, so nothing else is let in.
fn is_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::TargetId;
    use crate::target::{SqsParameters, TargetKind};

    fn target(arn: &str) -> Target {
        let role_arn = Some("arn:aws:iam::123456789012:role/r".to_owned());
        Target { role_arn, ..Target::new(TargetId::parse("t-1").unwrap(), arn) }
    }

    fn shown(target: &Target) -> String {
        match target.compile() {
            Ok(compiled) => match compiled.kind {
                TargetKind::Aws(AwsTarget { region, resource }) => format!("{region} {resource:?}"),
                TargetKind::Http { .. } => "http".to_owned(),
                TargetKind::EventBus(bus) => format!("bus {}", bus.name),
                TargetKind::Broker(broker) => format!("{broker:?}"),
            },
            Err(error) => error.message,
        }
    }

    #[test]
    fn each_service_is_read_from_its_arn() {
        for (arn, kind) in [
            ("arn:aws:sqs:us-east-1:123456789012:orders", "us-east-1 SqsQueue"),
            ("arn:aws-cn:sns:cn-north-1:123456789012:orders", "cn-north-1 SnsTopic"),
            ("arn:aws:lambda:us-east-1:123456789012:function:f:live", "us-east-1 LambdaFunction"),
            ("arn:aws:kinesis:us-east-1:123456789012:stream/s", "us-east-1 KinesisStream"),
            ("arn:aws:firehose:us-east-1:123456789012:deliverystream/s", "us-east-1 FirehoseStream"),
            ("arn:aws:states:us-east-1:123456789012:stateMachine:m", "us-east-1 StateMachine"),
            ("arn:aws:codebuild:us-east-1:123456789012:project/p", "us-east-1 BuildProject"),
            ("arn:aws:codepipeline:us-east-1:123456789012:p.1", "us-east-1 Pipeline"),
            (
                "arn:aws:ssm:us-east-1:123456789012:automation-definition/d:$LATEST",
                r#"us-east-1 AutomationDocument { name: "d", version: Some("$LATEST") }"#,
            ),
            (
                "arn:aws:ssm:us-east-1:123456789012:automation-definition/d",
                r#"us-east-1 AutomationDocument { name: "d", version: None }"#,
            ),
            ("arn:aws:logs:us-east-1:123456789012:log-group:/a/b:*", r#"us-east-1 LogGroup { name: "/a/b" }"#),
        ] {
            assert!(shown(&target(arn)).starts_with(kind), "{arn}: {}", shown(&target(arn)));
        }
    }

    #[test]
    fn other_arns_are_refused() {
        let format = "Provided Arn is not in correct format.";
        for (arn, reason) in [
            ("arn:aws:sqs", format),
            ("arn:aws:sqs:us-east-1:12:q", format),
            ("arn:aws:sqs:us-east-1:123456789012:a/b", format),
            ("arn:aws:sqs:us-east-1:123456789012:", format),
            ("arn:aws:lambda:us-east-1:123456789012:layer:f", format),
            ("arn:aws:lambda:us-east-1:123456789012:function:", format),
            ("arn:aws:lambda:us-east-1:123456789012:function:a/../b", format),
            ("arn:aws:lambda:us-east-1:123456789012:function:a?b", format),
            ("arn:aws:codepipeline:us-east-1:123456789012:a:b", format),
            ("arn:aws:ssm:us-east-1:123456789012:document/d", format),
            ("arn:aws:kinesis:US:123456789012:stream/s", format),
            (
                "arn:aws:appsync:us-east-1:123456789012:apis/x",
                "eventyard cannot deliver to 'appsync' yet; docs/targets lists what it can.",
            ),
        ] {
            assert_eq!(shown(&target(arn)), format!("Parameter {arn} is not valid. Reason: {reason}"));
        }
    }

    #[test]
    fn dead_letters_go_to_standard_queues() {
        let with = |arn: &str| shown(&Target { dead_letter_arn: Some(arn.to_owned()), ..target("http://h/") });
        assert_eq!(with("arn:aws:sqs:us-east-1:123456789012:dead"), "http");
        for arn in ["arn:aws:sqs:us-east-1:123456789012:dead.fifo", "arn:aws:sns:us-east-1:123456789012:dead"] {
            assert!(with(arn).ends_with("A dead-letter queue is a standard SQS queue."), "{arn}");
        }
        assert!(with("dead").ends_with("Provided Arn is not in correct format."));
    }

    #[test]
    fn blocks_belong_to_their_kind() {
        let sqs = Some(SqsParameters { message_group_id: Some("g".to_owned()) });
        let queue = "arn:aws:sqs:us-east-1:123456789012:orders";
        let fifo = Target { sqs_parameters: sqs.clone(), ..target(&format!("{queue}.fifo")) };
        assert!(shown(&fifo).contains(r#"message_group_id: Some("g")"#));
        assert_eq!(
            shown(&Target { sqs_parameters: None, ..fifo }),
            "Parameter(s) SqsParameters must be specified for target: t-1."
        );
        let not_valid = "Parameter SqsParameters is not valid for target t-1.";
        for arn in ["http://h/", "arn:aws:sns:us-east-1:123456789012:orders"] {
            assert_eq!(shown(&Target { sqs_parameters: sqs.clone(), ..target(arn) }), not_valid, "{arn}");
        }
        let kinesis = Some(KinesisParameters { partition_key_path: "$.[".to_owned() });
        let stream =
            Target { kinesis_parameters: kinesis, ..target("arn:aws:kinesis:us-east-1:123456789012:stream/s") };
        assert_eq!(shown(&stream), "Parameter KinesisParameters is not valid for target t-1.");
        let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m";
        let project = "arn:aws:codebuild:us-east-1:123456789012:project/p";
        for arn in [machine, project, "arn:aws:codepipeline:us-east-1:123456789012:p"] {
            let refusal = format!("RoleArn is required for target {arn}.");
            assert_eq!(shown(&Target { role_arn: None, ..target(arn) }), refusal);
        }
    }
}
