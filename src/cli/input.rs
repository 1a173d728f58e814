//! `eventyard input`: what a target would be sent for an event. No daemon is needed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use eventyard_core::arn::rule_arn;
use eventyard_core::clock::{Clock as _, Timestamp};
use eventyard_core::error::ServiceError;
use eventyard_core::input::{JsonPath, RenderContext, RenderError};
use eventyard_core::json::{self, JsonError, Kind};
use eventyard_core::name::{AccountId, EventBusKey, EventBusName, Region, RuleKey, RuleName};
use serde::Deserialize;

use super::file::{FileError, read_text};
use super::{invalid, say_exactly};
use crate::api::read_target;
use crate::runtime::SystemClock;

/// What to do with a target's input.
#[derive(Debug, Subcommand)]
pub(super) enum InputCommand {
    /// Print exactly what a target would be sent for an event, without a line break behind it.
    ///
    /// Exit code 2 when PutTargets would refuse the target, or when the event would become a dead letter.
    Render(RenderArguments),
}

/// The three files; one of them may be `-`, standard input.
#[derive(Debug, Args)]
pub(super) struct RenderArguments {
    /// A target as PutTargets takes it. Id and Arn may be left out.
    #[arg(long, value_name = "FILE")]
    target: PathBuf,
    /// The event as targets receive it: source, detail-type, detail and so on.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// What predefined variables stand for: an object of `rule_name`, `event_bus_name`, `rule_arn`, `ingestion_time` and
    /// `target_id`, all of which may be left out.
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
}

/// Why nothing is printed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("only one of --target, --event and --context can be standard input")]
    StandardInputTwice,
    #[error(transparent)]
    File(#[from] FileError),
    /// The code is left out: it is the same one in all but a few cases, and the message says enough.
    #[error("{}", .0.message)]
    Target(ServiceError),
    #[error("the event is not JSON: {0}")]
    EventNotJson(JsonError),
    #[error("the event is not a JSON object")]
    EventNotAnObject,
    #[error("the context cannot be read: {0}")]
    ContextUnreadable(serde_json::Error),
    #[error("the context's {member} is not valid: '{value}'")]
    Context { member: &'static str, value: String },
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// Runs the command.
pub(super) fn run(InputCommand::Render(arguments): &InputCommand) -> ExitCode {
    match render(arguments) {
        Ok(text) => say_exactly(&text),
        Err(failure) => invalid(&failure.to_string()),
    }
}

fn render(arguments: &RenderArguments) -> Result<String, Failure> {
    let paths = [Some(&arguments.target), Some(&arguments.event), arguments.context.as_ref()];
    if paths.into_iter().flatten().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::StandardInputTwice);
    }
    let context = Context::read(arguments.context.as_deref())?;
    let target = read_target(&read_text(&arguments.target)?, &context.target_id).map_err(Failure::Target)?;
    let input = target.compile_input().map_err(Failure::Target)?;
    let event = match json::compact_with_kind(&read_text(&arguments.event)?) {
        Ok((event, Kind::Object)) => event,
        Ok(_) => return Err(Failure::EventNotAnObject),
        Err(error) => return Err(Failure::EventNotJson(error)),
    };
    let (rule_arn, ingestion_time) = (context.rule_arn(&event)?, context.ingestion_time()?);
    let context = RenderContext { rule_arn: &rule_arn, rule_name: &context.rule_name, ingestion_time: &ingestion_time };
    Ok(input.render(&event, &context)?.into_owned())
}

/// What stands around a delivery, with defaults for what does not matter to whoever asks.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Context {
    rule_name: String,
    event_bus_name: String,
    /// Made from the names, and account and region of the event, when absent.
    rule_arn: Option<String>,
    /// RFC 3339; now when absent.
    ingestion_time: Option<String>,
    /// The Id of a target that has none.
    target_id: String,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            rule_name: "rule".to_owned(),
            event_bus_name: "default".to_owned(),
            rule_arn: None,
            ingestion_time: None,
            target_id: "target".to_owned(),
        }
    }
}

impl Context {
    fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        serde_json::from_str(&read_text(path)?).map_err(Failure::ContextUnreadable)
    }

    fn rule_arn(&self, event: &str) -> Result<String, Failure> {
        let wrong = |member, value: &str| Failure::Context { member, value: value.to_owned() };
        let name = RuleName::parse(&self.rule_name).map_err(|_| wrong("rule_name", &self.rule_name))?;
        let bus = &self.event_bus_name;
        let bus = EventBusName::parse(bus).map_err(|_| wrong("event_bus_name", bus))?;
        if let Some(given) = &self.rule_arn {
            return Ok(given.clone());
        }
        let account = member(event, "$.account").unwrap_or_else(|| "000000000000".to_owned());
        let account =
            AccountId::parse(&account).map_err(|_| wrong("account, which is that of the event,", &account))?;
        let region = member(event, "$.region").unwrap_or_else(|| "us-east-1".to_owned());
        let region = Region::parse(&region).map_err(|_| wrong("region, which is that of the event,", &region))?;
        Ok(rule_arn(&RuleKey { bus: EventBusKey { account, region, name: bus }, name }))
    }

    fn ingestion_time(&self) -> Result<String, Failure> {
        match &self.ingestion_time {
            None => Ok(SystemClock.now().to_rfc3339_seconds()),
            Some(given) if Timestamp::parse_rfc3339(given).is_some() => Ok(given.clone()),
            Some(given) => Err(Failure::Context { member: "ingestion_time", value: given.clone() }),
        }
    }
}

fn member(event: &str, path: &str) -> Option<String> {
    JsonPath::parse(path).ok()?.select_text(event).map(std::borrow::Cow::into_owned)
}
