//! Domain values to records and back, in the newest schema.

mod event_buses;

use std::collections::BTreeMap;

use eventyard_core::clock::Timestamp;
use eventyard_core::name::{
    AccountId, EventBusKey, EventBusName, Region, RuleKey, RuleName, RuleNumber, TargetId, TargetNumber,
};
use eventyard_core::rule::{Rule, RuleState};
use eventyard_core::tag::Tags;
use eventyard_core::target::{
    HttpParameters, InputTransformer, KinesisParameters, ParameterBlock, RetryPolicyParameters, SqsParameters, Target,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use event_buses::EventBusRecord;

use super::{Change, Contents, Kind, Record, RemovedTarget, StoreError, StoredRule, StoredTarget};

/// The store's own record that holds the next free number.
const NEXT_NUMBER: &str = "next_number";
/// The store's own record that holds when it was made, in milliseconds since the epoch.
pub(super) const CREATED_MS: &str = "created_ms";
/// The store's own record that holds the number of its schema.
pub(super) const SCHEMA: &str = "schema";

/// What a [`Change`] does to one record.
pub(super) enum Edit {
    Insert(Record),
    Remove(Kind, Vec<String>),
}

#[derive(Serialize, Deserialize)]
struct RuleRecord {
    number: u64,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule_expression: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    managed_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheduled_since_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct TargetRecord {
    number: u64,
    arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_transformer: Option<InputTransformerRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_parameters: Option<HttpParametersRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_policy: Option<RetryPolicyRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sqs_parameters: Option<SqsParametersRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kinesis_parameters: Option<KinesisParametersRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ecs_parameters: Option<BlockRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch_parameters: Option<BlockRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_command_parameters: Option<BlockRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead_letter_arn: Option<String>,
}

/// A block that is kept as it was put, in the API's names.
type BlockRecord = serde_json::Map<String, serde_json::Value>;

#[derive(Serialize, Deserialize)]
struct SqsParametersRecord {
    message_group_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct KinesisParametersRecord {
    partition_key_path: String,
}

#[derive(Serialize, Deserialize)]
struct InputTransformerRecord {
    input_paths_map: Option<BTreeMap<String, String>>,
    input_template: String,
}

#[derive(Serialize, Deserialize)]
struct HttpParametersRecord {
    path_parameter_values: Option<Vec<String>>,
    header_parameters: Option<BTreeMap<String, String>>,
    query_string_parameters: Option<BTreeMap<String, String>>,
}

#[derive(Serialize, Deserialize)]
struct RetryPolicyRecord {
    maximum_retry_attempts: Option<u32>,
    maximum_event_age_in_seconds: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct RemovedTargetRecord {
    rule_arn: String,
    target_id: String,
    target_arn: String,
}

/// The edits of one change.
pub(super) fn edits(change: &Change) -> Vec<Edit> {
    match change {
        Change::PutEventBus(key, bus) => vec![insert(Kind::EventBus, bus_parts(key), &EventBusRecord::from(bus))],
        Change::DeleteEventBus(key) => vec![Edit::Remove(Kind::EventBus, bus_parts(key))],
        Change::PutRule(key, rule) => vec![insert(Kind::Rule, rule_parts(key), &RuleRecord::from(rule))],
        Change::DeleteRule(key) => vec![Edit::Remove(Kind::Rule, rule_parts(key))],
        Change::PutTarget(key, target) => {
            vec![insert(Kind::Target, target_parts(key, &target.target.id), &TargetRecord::from(target.as_ref()))]
        }
        Change::RemoveTarget(key, id, number, removed) => vec![
            Edit::Remove(Kind::Target, target_parts(key, id)),
            insert(Kind::RemovedTarget, vec![number.to_string()], &RemovedTargetRecord::from(removed)),
        ],
        Change::ForgetTarget(number) => vec![Edit::Remove(Kind::RemovedTarget, vec![number.to_string()])],
        Change::NextNumber(number) => vec![insert(Kind::Store, vec![NEXT_NUMBER.to_owned()], number)],
    }
}

fn insert(kind: Kind, key: Vec<String>, value: &impl Serialize) -> Edit {
    // The record types above have string keys and finite numbers only, so they always have a JSON form.
    Edit::Insert(Record { kind, key, value: serde_json::to_value(value).unwrap_or_default() })
}

fn bus_parts(key: &EventBusKey) -> Vec<String> {
    vec![key.account.to_string(), key.region.to_string(), key.name.to_string()]
}

fn rule_parts(key: &RuleKey) -> Vec<String> {
    let mut parts = bus_parts(&key.bus);
    parts.push(key.name.to_string());
    parts
}

fn target_parts(key: &RuleKey, id: &TargetId) -> Vec<String> {
    let mut parts = rule_parts(key);
    parts.push(id.to_string());
    parts
}

/// Reads all records.
pub(super) fn contents(records: Vec<Record>) -> Result<Contents, StoreError> {
    let mut contents = Contents::default();
    for record in records {
        let entry = format!("{:?} {:?}", record.kind, record.key);
        take(&mut contents, record).map_err(|reason| StoreError::Damaged { entry, reason })?;
    }
    Ok(contents)
}

/// Reads one record.
pub(super) fn take(contents: &mut Contents, record: Record) -> Result<(), String> {
    let key: Vec<&str> = record.key.iter().map(String::as_str).collect();
    let value = record.value;
    match (record.kind, key.as_slice()) {
        (Kind::Store, [NEXT_NUMBER]) => contents.next_number = read(value)?,
        (Kind::Store, [CREATED_MS]) => contents.created = time(read(value)?)?,
        (Kind::Store, [SCHEMA]) => {}
        (Kind::EventBus, [account, region, bus]) => {
            let key = bus_key(account, region, bus)?;
            let bus = read::<EventBusRecord>(value)?.into_event_bus(&key)?;
            contents.event_buses.push((key, bus));
        }
        (Kind::Rule, [account, region, bus, rule]) => {
            contents.rules.push((rule_key(account, region, bus, rule)?, read::<RuleRecord>(value)?.try_into()?));
        }
        (Kind::Target, [account, region, bus, rule, id]) => {
            let id = TargetId::parse(id).map_err(|rules| format!("{rules:?}"))?;
            contents
                .targets
                .push((rule_key(account, region, bus, rule)?, read::<TargetRecord>(value)?.into_target(id)));
        }
        (Kind::RemovedTarget, [number]) => {
            let number = number.parse().map_err(|error: std::num::ParseIntError| error.to_string())?;
            contents.removed_targets.push((TargetNumber(number), read::<RemovedTargetRecord>(value)?.into()));
        }
        _ => return Err("a key of this form is not known".to_owned()),
    }
    Ok(())
}

fn read<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn time(milliseconds: i64) -> Result<Timestamp, String> {
    Timestamp::from_millis(milliseconds).ok_or_else(|| format!("{milliseconds} ms is no time"))
}

fn bus_key(account: &str, region: &str, bus: &str) -> Result<EventBusKey, String> {
    let wrong = |rules: Vec<eventyard_core::constraint::Rule>| format!("{rules:?}");
    Ok(EventBusKey {
        account: AccountId::parse(account).map_err(wrong)?,
        region: Region::parse(region).map_err(wrong)?,
        name: EventBusName::parse(bus).map_err(wrong)?,
    })
}

fn rule_key(account: &str, region: &str, bus: &str, rule: &str) -> Result<RuleKey, String> {
    let name = RuleName::parse(rule).map_err(|rules| format!("{rules:?}"))?;
    Ok(RuleKey { bus: bus_key(account, region, bus)?, name })
}

fn tag_record(tags: &Tags) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn tags(record: BTreeMap<String, String>) -> Result<Tags, String> {
    Tags::parse(record).map_err(|error| error.message)
}

impl From<&StoredRule> for RuleRecord {
    fn from(StoredRule { number, rule, scheduled_since, created_by }: &StoredRule) -> Self {
        Self {
            number: number.0,
            state: rule.state.name().to_owned(),
            event_pattern: rule.event_pattern.clone(),
            schedule_expression: rule.schedule_expression.clone(),
            description: rule.description.clone(),
            role_arn: rule.role_arn.clone(),
            managed_by: rule.managed_by.clone(),
            scheduled_since_ms: scheduled_since.map(Timestamp::as_millis),
            created_by: created_by.as_ref().map(AccountId::to_string),
            tags: tag_record(&rule.tags),
        }
    }
}

impl TryFrom<RuleRecord> for StoredRule {
    type Error = String;

    fn try_from(record: RuleRecord) -> Result<Self, String> {
        let rule = Rule {
            event_pattern: record.event_pattern,
            schedule_expression: record.schedule_expression,
            state: RuleState::parse(&record.state)
                .ok_or_else(|| format!("'{}' is no state of a rule", record.state))?,
            description: record.description,
            role_arn: record.role_arn,
            managed_by: record.managed_by,
            tags: tags(record.tags)?,
        };
        let scheduled_since = record.scheduled_since_ms.map(time).transpose()?;
        let account = |id: String| AccountId::parse(&id).map_err(|rules| format!("{rules:?}"));
        let created_by = record.created_by.map(account).transpose()?;
        Ok(Self { number: RuleNumber(record.number), rule, scheduled_since, created_by })
    }
}

impl From<&StoredTarget> for TargetRecord {
    fn from(StoredTarget { number, target }: &StoredTarget) -> Self {
        Self {
            number: number.0,
            arn: target.arn.clone(),
            role_arn: target.role_arn.clone(),
            input: target.input.clone(),
            input_path: target.input_path.clone(),
            input_transformer: target.input_transformer.clone().map(|transformer| InputTransformerRecord {
                input_paths_map: transformer.input_paths_map,
                input_template: transformer.input_template,
            }),
            http_parameters: target.http_parameters.clone().map(|parameters| HttpParametersRecord {
                path_parameter_values: parameters.path_parameter_values,
                header_parameters: parameters.header_parameters,
                query_string_parameters: parameters.query_string_parameters,
            }),
            retry_policy: target.retry_policy.map(|policy| RetryPolicyRecord {
                maximum_retry_attempts: policy.maximum_retry_attempts,
                maximum_event_age_in_seconds: policy.maximum_event_age_in_seconds,
            }),
            sqs_parameters: target
                .sqs_parameters
                .clone()
                .map(|parameters| SqsParametersRecord { message_group_id: parameters.message_group_id }),
            kinesis_parameters: target
                .kinesis_parameters
                .clone()
                .map(|parameters| KinesisParametersRecord { partition_key_path: parameters.partition_key_path }),
            ecs_parameters: target.ecs_parameters.clone().map(ParameterBlock::into_members),
            batch_parameters: target.batch_parameters.clone().map(ParameterBlock::into_members),
            run_command_parameters: target.run_command_parameters.clone().map(ParameterBlock::into_members),
            dead_letter_arn: target.dead_letter_arn.clone(),
        }
    }
}

impl TargetRecord {
    fn into_target(self, id: TargetId) -> StoredTarget {
        let target = Target {
            id,
            arn: self.arn,
            role_arn: self.role_arn,
            input: self.input,
            input_path: self.input_path,
            input_transformer: self.input_transformer.map(|record| InputTransformer {
                input_paths_map: record.input_paths_map,
                input_template: record.input_template,
            }),
            http_parameters: self.http_parameters.map(|record| HttpParameters {
                path_parameter_values: record.path_parameter_values,
                header_parameters: record.header_parameters,
                query_string_parameters: record.query_string_parameters,
            }),
            retry_policy: self.retry_policy.map(|record| RetryPolicyParameters {
                maximum_retry_attempts: record.maximum_retry_attempts,
                maximum_event_age_in_seconds: record.maximum_event_age_in_seconds,
            }),
            sqs_parameters: self
                .sqs_parameters
                .map(|record| SqsParameters { message_group_id: record.message_group_id }),
            kinesis_parameters: self
                .kinesis_parameters
                .map(|record| KinesisParameters { partition_key_path: record.partition_key_path }),
            ecs_parameters: self.ecs_parameters.map(ParameterBlock::new),
            batch_parameters: self.batch_parameters.map(ParameterBlock::new),
            run_command_parameters: self.run_command_parameters.map(ParameterBlock::new),
            dead_letter_arn: self.dead_letter_arn,
        };
        StoredTarget { number: TargetNumber(self.number), target }
    }
}

impl From<&RemovedTarget> for RemovedTargetRecord {
    fn from(removed: &RemovedTarget) -> Self {
        let RemovedTarget { rule_arn, target_id, target_arn } = removed.clone();
        Self { rule_arn, target_id, target_arn }
    }
}

impl From<RemovedTargetRecord> for RemovedTarget {
    fn from(record: RemovedTargetRecord) -> Self {
        let RemovedTargetRecord { rule_arn, target_id, target_arn } = record;
        Self { rule_arn, target_id, target_arn }
    }
}
