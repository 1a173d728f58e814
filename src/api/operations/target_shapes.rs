//! The wire form of a target: every block of the model is known, and those that nothing here could use are refused.

use std::collections::BTreeMap;

use eventyard_core::constraint::{Rule, Violations};
use eventyard_core::error::ServiceError;
use eventyard_core::limits::{EVENT_AGE_SECONDS_MAX, EVENT_AGE_SECONDS_MIN, RETRY_ATTEMPTS_MAX};
use eventyard_core::name::TargetId;
use eventyard_core::shape::Shape;
use eventyard_core::target::{
    BATCH_PARAMETERS, ECS_PARAMETERS, HttpParameters, InputTransformer, KinesisParameters, ParameterBlock,
    RUN_COMMAND_PARAMETERS, RetryPolicyParameters, SqsParameters, Target,
};
use serde::de::{Deserializer, Error as _, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::object::Object;
use crate::api::wire::required;

/// `Target`, as far as it can be used here.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TargetShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_transformer: Option<Object<InputTransformerShape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_parameters: Option<Object<HttpParametersShape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_policy: Option<Object<RetryPolicyShape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqs_parameters: Option<Object<SqsParametersShape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinesis_parameters: Option<Object<KinesisParametersShape>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "ecs_parameters")]
    ecs_parameters: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "batch_parameters")]
    batch_parameters: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "run_command_parameters")]
    run_command_parameters: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<Object<DeadLetterConfigShape>>,
    #[serde(flatten, skip_serializing)]
    unsupported: UnsupportedBlocks,
}

/// Reads a block that is handed on, against its shape.
fn block<'de, D: Deserializer<'de>>(shape: &Shape, deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    let Some(given) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    match shape.read(given).map_err(D::Error::custom)? {
        Value::Object(members) => Ok(Some(members)),
        _ => Ok(None),
    }
}

fn ecs_parameters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    block(&ECS_PARAMETERS, deserializer)
}

fn batch_parameters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    block(&BATCH_PARAMETERS, deserializer)
}

fn run_command_parameters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    block(&RUN_COMMAND_PARAMETERS, deserializer)
}

/// Blocks that belong to kinds of targets that are not here yet.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_field_names, reason = "these are the names of the model")]
struct UnsupportedBlocks {
    app_sync_parameters: Option<IgnoredAny>,
    redshift_data_parameters: Option<IgnoredAny>,
    sage_maker_pipeline_parameters: Option<IgnoredAny>,
}

impl UnsupportedBlocks {
    /// The first one that was given.
    fn given(&self) -> Option<&'static str> {
        let blocks = [
            ("AppSyncParameters", self.app_sync_parameters),
            ("RedshiftDataParameters", self.redshift_data_parameters),
            ("SageMakerPipelineParameters", self.sage_maker_pipeline_parameters),
        ];
        blocks.into_iter().find(|(_, block)| block.is_some()).map(|(name, _)| name)
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InputTransformerShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_paths_map: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_template: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HttpParametersShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    path_parameter_values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header_parameters: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_string_parameters: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RetryPolicyShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_retry_attempts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_event_age_in_seconds: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SqsParametersShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KinesisParametersShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_key_path: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfigShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
}

impl TargetShape {
    /// A target for which it does not matter where it is: without an Arn it is given one.
    pub(super) fn with_defaults(mut self, id: &str) -> Self {
        self.id.get_or_insert_with(|| id.to_owned());
        self.arn.get_or_insert_with(|| "http://localhost/".to_owned());
        self
    }

    /// Checks the target at `path` (`targets.1.member`) against the model.
    pub(super) fn check(&self, violations: &mut Violations, path: &str) {
        let at = |member: &str| format!("{path}.{member}");
        required(violations, &at("id"), self.id.as_deref(), &TargetId::CONSTRAINT);
        required(violations, &at("arn"), self.arn.as_deref(), &Target::ARN);
        violations.check_option(&at("roleArn"), self.role_arn.as_deref(), &eventyard_core::rule::Rule::ROLE_ARN);
        violations.check_option(&at("input"), self.input.as_deref(), &Target::INPUT);
        violations.check_option(&at("inputPath"), self.input_path.as_deref(), &Target::INPUT_PATH);
        if let Some(Object(transformer)) = &self.input_transformer {
            transformer.check(violations, &at("inputTransformer"));
        }
        if let Some(Object(parameters)) = &self.http_parameters {
            parameters.check(violations, &at("httpParameters"));
        }
        if let Some(Object(policy)) = &self.retry_policy {
            policy.check(violations, &at("retryPolicy"));
        }
        if let Some(Object(SqsParametersShape { message_group_id })) = &self.sqs_parameters {
            let path = at("sqsParameters.messageGroupId");
            violations.check_option(&path, message_group_id.as_deref(), &SqsParameters::MESSAGE_GROUP_ID);
        }
        if let Some(Object(KinesisParametersShape { partition_key_path })) = &self.kinesis_parameters {
            let path = at("kinesisParameters.partitionKeyPath");
            required(violations, &path, partition_key_path.as_deref(), &KinesisParameters::PARTITION_KEY_PATH);
        }
        for (name, shape, block) in [
            ("ecsParameters", &ECS_PARAMETERS, &self.ecs_parameters),
            ("batchParameters", &BATCH_PARAMETERS, &self.batch_parameters),
            ("runCommandParameters", &RUN_COMMAND_PARAMETERS, &self.run_command_parameters),
        ] {
            if let Some(members) = block {
                shape.check(violations, &at(name), &Value::Object(members.clone()));
            }
        }
        if let Some(Object(DeadLetterConfigShape { arn })) = &self.dead_letter_config {
            violations.check_option(&at("deadLetterConfig.arn"), arn.as_deref(), &Target::DEAD_LETTER_ARN);
        }
    }

    /// The target, after [`Self::check`] found nothing.
    pub(super) fn into_target(self) -> Result<Target, ServiceError> {
        let id = self.id.as_deref().map(TargetId::parse).and_then(Result::ok);
        let id = id.ok_or_else(|| ServiceError::validation("Parameter Id is not valid."))?;
        if let Some(block) = self.unsupported.given() {
            return Err(ServiceError::validation(format!(
                "Parameter {block} is not valid for target {id}. Reason: this version of eventyard does not support it."
            )));
        }
        Ok(Target {
            id,
            arn: self.arn.unwrap_or_default(),
            role_arn: self.role_arn,
            input: self.input,
            input_path: self.input_path,
            input_transformer: self.input_transformer.map(|Object(shape)| InputTransformer {
                input_paths_map: shape.input_paths_map,
                input_template: shape.input_template.unwrap_or_default(),
            }),
            http_parameters: self.http_parameters.map(|Object(shape)| HttpParameters {
                path_parameter_values: shape.path_parameter_values,
                header_parameters: shape.header_parameters,
                query_string_parameters: shape.query_string_parameters,
            }),
            retry_policy: self.retry_policy.map(|Object(shape)| RetryPolicyParameters {
                maximum_retry_attempts: shape.maximum_retry_attempts.and_then(|number| u32::try_from(number).ok()),
                maximum_event_age_in_seconds: shape
                    .maximum_event_age_in_seconds
                    .and_then(|number| u32::try_from(number).ok()),
            }),
            sqs_parameters: self
                .sqs_parameters
                .map(|Object(shape)| SqsParameters { message_group_id: shape.message_group_id }),
            kinesis_parameters: self.kinesis_parameters.map(|Object(shape)| KinesisParameters {
                partition_key_path: shape.partition_key_path.unwrap_or_default(),
            }),
            ecs_parameters: self.ecs_parameters.map(ParameterBlock::new),
            batch_parameters: self.batch_parameters.map(ParameterBlock::new),
            run_command_parameters: self.run_command_parameters.map(ParameterBlock::new),
            dead_letter_arn: self.dead_letter_config.map(|Object(shape)| shape.arn.unwrap_or_default()),
        })
    }
}

impl InputTransformerShape {
    fn check(&self, violations: &mut Violations, path: &str) {
        let map_path = format!("{path}.inputPathsMap");
        let map = self.input_paths_map.iter().flatten();
        if self.input_paths_map.as_ref().is_some_and(|map| map.len() > eventyard_core::input::INPUT_PATHS_MAX) {
            let shown: Vec<String> = map.clone().map(|(key, value)| format!("{key}={value}")).collect();
            let rule = Rule::LengthMax(eventyard_core::input::INPUT_PATHS_MAX);
            violations.push(&map_path, &format!("{{{}}}", shown.join(", ")), &rule);
        }
        for (key, value) in map {
            violations.check(&map_path, key, &Target::INPUT_PATHS_KEY);
            violations.check(&format!("{map_path}.{key}.member"), value, &Target::INPUT_PATH);
        }
        required(violations, &format!("{path}.inputTemplate"), self.input_template.as_deref(), &Target::INPUT_TEMPLATE);
    }
}

impl HttpParametersShape {
    fn check(&self, violations: &mut Violations, path: &str) {
        for (value, number) in self.path_parameter_values.iter().flatten().zip(1..) {
            violations.check(
                &format!("{path}.pathParameterValues.{number}.member"),
                value,
                &HttpParameters::PATH_VALUE,
            );
        }
        for (name, value) in self.header_parameters.iter().flatten() {
            violations.check(&format!("{path}.headerParameters"), name, &HttpParameters::HEADER_NAME);
            violations.check(&format!("{path}.headerParameters.{name}.member"), value, &HttpParameters::HEADER_VALUE);
        }
        for (key, value) in self.query_string_parameters.iter().flatten() {
            violations.check(&format!("{path}.queryStringParameters"), key, &HttpParameters::QUERY_KEY);
            violations.check(
                &format!("{path}.queryStringParameters.{key}.member"),
                value,
                &HttpParameters::QUERY_VALUE,
            );
        }
    }
}

impl RetryPolicyShape {
    fn check(&self, violations: &mut Violations, path: &str) {
        let attempts = &format!("{path}.maximumRetryAttempts");
        violations.check_range(attempts, self.maximum_retry_attempts, 0, i64::from(RETRY_ATTEMPTS_MAX));
        let age = &format!("{path}.maximumEventAgeInSeconds");
        let (min, max) = (i64::from(EVENT_AGE_SECONDS_MIN), i64::from(EVENT_AGE_SECONDS_MAX));
        violations.check_range(age, self.maximum_event_age_in_seconds, min, max);
    }
}

impl From<Target> for TargetShape {
    fn from(target: Target) -> Self {
        Self {
            id: Some(target.id.to_string()),
            arn: Some(target.arn),
            role_arn: target.role_arn,
            input: target.input,
            input_path: target.input_path,
            input_transformer: target.input_transformer.map(|transformer| {
                Object(InputTransformerShape {
                    input_paths_map: transformer.input_paths_map,
                    input_template: Some(transformer.input_template),
                })
            }),
            http_parameters: target.http_parameters.map(|parameters| {
                Object(HttpParametersShape {
                    path_parameter_values: parameters.path_parameter_values,
                    header_parameters: parameters.header_parameters,
                    query_string_parameters: parameters.query_string_parameters,
                })
            }),
            retry_policy: target.retry_policy.map(|policy| {
                Object(RetryPolicyShape {
                    maximum_retry_attempts: policy.maximum_retry_attempts.map(i64::from),
                    maximum_event_age_in_seconds: policy.maximum_event_age_in_seconds.map(i64::from),
                })
            }),
            sqs_parameters: target
                .sqs_parameters
                .map(|parameters| Object(SqsParametersShape { message_group_id: parameters.message_group_id })),
            kinesis_parameters: target.kinesis_parameters.map(|parameters| {
                Object(KinesisParametersShape { partition_key_path: Some(parameters.partition_key_path) })
            }),
            ecs_parameters: target.ecs_parameters.map(ParameterBlock::into_members),
            batch_parameters: target.batch_parameters.map(ParameterBlock::into_members),
            run_command_parameters: target.run_command_parameters.map(ParameterBlock::into_members),
            dead_letter_config: target
                .dead_letter_arn
                .map(|arn| Object(DeadLetterConfigShape { arn: Some(arn).filter(|arn| !arn.is_empty()) })),
            unsupported: UnsupportedBlocks::default(),
        }
    }
}
