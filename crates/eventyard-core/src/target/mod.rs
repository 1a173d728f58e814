//! A target: where a rule's events go, what they look like there, and how long delivery is tried.

mod aws;
mod blocks;
mod broker;
mod dead_letters;
mod http_url;
mod local;
mod parameters;
mod percent;
mod text_template;

use std::collections::BTreeMap;

pub use aws::{AwsResource, AwsTarget, Ec2Action, SqsQueue};
pub use blocks::{BATCH_PARAMETERS, ECS_PARAMETERS, ParameterBlock, RUN_COMMAND_PARAMETERS, in_camel_case};
pub use broker::{
    AmqpExchange, BrokerDestination, BrokerServer, BrokerTarget, KafkaTopic, MqttTopic, NatsSubject, RedisStream,
    check_mqtt_topic, check_nats_subject,
};
pub use dead_letters::{DeadLetterAttribute, DeadLetterDestination};
pub use http_url::{HttpUrl, InvalidHttpUrl};
pub use local::{LocalTarget, LocalTargets};
pub use parameters::{
    CompiledHttpParameters, HttpParameters, HttpValue, KinesisParameters, RetryPolicyParameters, SqsParameters,
};
pub use text_template::TextTemplate;

use crate::arn::parse_event_bus_arn;
use crate::constraint::StringConstraint;
use crate::error::ServiceError;
use crate::input::TargetInput;
use crate::name::{EventBusKey, TargetId};

/// A target as its owner describes it, given back exactly as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id within the rule.
    pub id: TargetId,
    /// Where events go: a URL, the ARN of an event bus, or that of a resource of an AWS service.
    pub arn: String,
    /// The role that calls of an AWS service are made as, where roles are assumed; otherwise kept and given back.
    pub role_arn: Option<String>,
    /// `Input`: the text every event is replaced by.
    pub input: Option<String>,
    /// `InputPath`: the part of the event that is sent.
    pub input_path: Option<String>,
    /// `InputTransformer`: the text made from parts of the event.
    pub input_transformer: Option<InputTransformer>,
    /// `HttpParameters`: path, header and query values added to the request.
    pub http_parameters: Option<HttpParameters>,
    /// `RetryPolicy`, as far as it was given.
    pub retry_policy: Option<RetryPolicyParameters>,
    /// `SqsParameters`: the message group, for FIFO queues.
    pub sqs_parameters: Option<SqsParameters>,
    /// `KinesisParameters`: what makes the partition key.
    pub kinesis_parameters: Option<KinesisParameters>,
    /// `EcsParameters`: the task that is run.
    pub ecs_parameters: Option<ParameterBlock>,
    /// `BatchParameters`: the job that is submitted.
    pub batch_parameters: Option<ParameterBlock>,
    /// `RunCommandParameters`: the machines that a command is run on.
    pub run_command_parameters: Option<ParameterBlock>,
    /// `DeadLetterConfig.Arn`: the queue or URL, of any kind, that gets a copy of each dead letter. An empty text is a block without an Arn, which
    /// is given back and asks for nothing.
    pub dead_letter_arn: Option<String>,
}

/// `InputTransformer`: named parts of the event, and a text with their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTransformer {
    /// `InputPathsMap`: name to JSON path.
    pub input_paths_map: Option<BTreeMap<String, String>>,
    /// `InputTemplate`.
    pub input_template: String,
}

impl Target {
    /// A target with nothing but what every target has.
    #[must_use]
    pub fn new(id: TargetId, arn: &str) -> Self {
        Self {
            id,
            arn: arn.to_owned(),
            role_arn: None,
            input: None,
            input_path: None,
            input_transformer: None,
            http_parameters: None,
            retry_policy: None,
            sqs_parameters: None,
            kinesis_parameters: None,
            ecs_parameters: None,
            batch_parameters: None,
            run_command_parameters: None,
            dead_letter_arn: None,
        }
    }

    /// What the API model asks of the Arn.
    pub const ARN: StringConstraint = StringConstraint::length(1, 1_600);
    /// What the API model asks of `DeadLetterConfig.Arn`.
    pub const DEAD_LETTER_ARN: StringConstraint = StringConstraint::length(1, 1_600);
    /// What the API model asks of `Input`.
    pub const INPUT: StringConstraint = StringConstraint::length(0, 8_192);
    /// What the API model asks of `InputPath` and of the values of `InputPathsMap`.
    pub const INPUT_PATH: StringConstraint = StringConstraint::length(0, 256);
    /// What the API model asks of `InputTemplate`.
    pub const INPUT_TEMPLATE: StringConstraint = StringConstraint::length(1, 8_192);
    /// What the API model asks of the keys of `InputPathsMap`.
    pub const INPUT_PATHS_KEY: StringConstraint = StringConstraint {
        length_min: 1,
        length_max: 256,
        pattern: Some((r"[A-Za-z0-9\_\-]+", |text| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        })),
    };

    /// Compiles the parts that are used at each delivery, and so checks them.
    ///
    /// # Errors
    /// Amazon's `ValidationException` where it has one: an Arn that is no target, two kinds of input at once, a template
    /// or path that cannot be read.
    pub fn compile(&self) -> Result<CompiledTarget, ServiceError> {
        let kind = if let Some(bus) = parse_event_bus_arn(&self.arn) {
            self.compile_event_bus(bus)?
        } else if self.arn.starts_with("arn:") {
            TargetKind::Aws(AwsTarget::compile(self)?)
        } else if let Some(local) = LocalTarget::parse(&self.arn) {
            let local = local.map_err(|reason| self.not_valid(&format!("Provided URL {reason}.")))?;
            self.without_blocks(TargetKind::Local(local))?
        } else if let Some(broker) = BrokerTarget::parse(&self.arn) {
            let broker = broker.map_err(|reason| self.not_valid(&format!("Provided URL {reason}.")))?;
            self.without_blocks(TargetKind::Broker(broker))?
        } else {
            self.compile_http()?
        };
        let arn = self.dead_letter_arn.as_deref().filter(|arn| !arn.is_empty());
        let dead_letters = arn.map(DeadLetterDestination::parse).transpose()?;
        Ok(CompiledTarget { input: self.compile_input()?, kind, dead_letters })
    }

    fn compile_http(&self) -> Result<TargetKind, ServiceError> {
        let url = HttpUrl::parse(&self.arn).map_err(|invalid| self.not_valid(&invalid.to_string()))?;
        if let Some(block) = self.blocks().find(|block| *block != "HttpParameters") {
            return Err(aws::does_not_fit(self, block));
        }
        let parameters = self.http_parameters.clone().unwrap_or_default().compile(self.id.as_str(), &url)?;
        Ok(TargetKind::Http { url, parameters })
    }

    /// A kind whose Arn says everything.
    fn without_blocks(&self, kind: TargetKind) -> Result<TargetKind, ServiceError> {
        if let Some(block) = self.blocks().next() {
            return Err(aws::does_not_fit(self, block));
        }
        Ok(kind)
    }

    /// The refusal of the Arn, in Amazon's words.
    fn not_valid(&self, reason: &str) -> ServiceError {
        ServiceError::validation(format!("Parameter {} is not valid. Reason: {reason}", self.arn))
    }

    /// An event bus gets events as they are: Amazon's service lets nothing change them on the way either.
    fn compile_event_bus(&self, bus: EventBusKey) -> Result<TargetKind, ServiceError> {
        let inputs = given([
            ("Input", self.input.is_some()),
            ("InputPath", self.input_path.is_some()),
            ("InputTransformer", self.input_transformer.is_some()),
        ]);
        if let Some(member) = inputs.chain(self.blocks()).next() {
            let id = &self.id;
            return Err(ServiceError::validation(format!(
                "Parameter {member} is not valid for target {id}. Reason: an event bus gets events as they are."
            )));
        }
        Ok(TargetKind::EventBus(bus))
    }

    /// The names of the parameter blocks that belong to one kind of target each, as far as they were given.
    fn blocks(&self) -> impl Iterator<Item = &'static str> {
        given([
            ("HttpParameters", self.http_parameters.is_some()),
            ("SqsParameters", self.sqs_parameters.is_some()),
            ("KinesisParameters", self.kinesis_parameters.is_some()),
            ("EcsParameters", self.ecs_parameters.is_some()),
            ("BatchParameters", self.batch_parameters.is_some()),
            ("RunCommandParameters", self.run_command_parameters.is_some()),
        ])
    }

    /// Compiles the input alone, as [`compile`](Self::compile) does, wherever the target is.
    ///
    /// # Errors
    /// Amazon's `ValidationException` for two kinds of input at once, a template or path that cannot be read.
    pub fn compile_input(&self) -> Result<TargetInput, ServiceError> {
        let none = BTreeMap::new();
        let transformer = self.input_transformer.as_ref().map(|transformer| {
            (transformer.input_paths_map.as_ref().unwrap_or(&none), transformer.input_template.as_str())
        });
        TargetInput::parse(self.id.as_str(), self.input.as_deref(), self.input_path.as_deref(), transformer)
            .map_err(|invalid| ServiceError::validation(invalid.to_string()))
    }
}

/// The names that are given.
fn given<const N: usize>(members: [(&'static str, bool); N]) -> impl Iterator<Item = &'static str> {
    members.into_iter().filter_map(|(name, is_given)| is_given.then_some(name))
}

/// The parts of a target that are used at each delivery, read once.
#[derive(Debug)]
pub struct CompiledTarget {
    /// What is sent.
    pub input: TargetInput,
    /// Where it goes, and how one speaks there.
    pub kind: TargetKind,
    /// Where a copy of each dead letter goes.
    pub dead_letters: Option<DeadLetterDestination>,
}

/// The kinds of targets. A kind that has no variant here is refused by `PutTargets`.
#[derive(Debug)]
pub enum TargetKind {
    /// A POST to a URL.
    Http {
        /// Where the request goes.
        url: HttpUrl,
        /// What is added to the request.
        parameters: CompiledHttpParameters,
    },
    /// An event bus of this daemon, whose rules match the event once more.
    EventBus(EventBusKey),
    /// A call of an AWS service.
    Aws(AwsTarget),
    /// A message for a broker.
    Broker(BrokerTarget),
    /// A line on this machine.
    Local(LocalTarget),
}

impl TargetKind {
    /// The hosts that a target's owner has chosen and the daemon connects to.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        match self {
            Self::Http { url, .. } => vec![url.host()],
            Self::Broker(broker) => broker.server.hosts(),
            Self::EventBus(_) | Self::Aws(_) | Self::Local(_) => Vec::new(),
        }
    }
}
