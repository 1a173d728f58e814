//! `eventyard rules list` and `show`: what rules there are, and all of one.

use clap::Args;
use serde_json::{Value, json};

use super::export::with_targets;
use crate::cli::api::{Api, ApiArguments, Failure};
use crate::cli::output::{Output, OutputArguments, Table, say_json, say_pretty};
use crate::cli::say;

/// Which rules.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    /// Only the rules of this event bus: its name or its ARN.
    #[arg(long, value_name = "BUS")]
    event_bus: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    api: ApiArguments,
}

/// Which rule.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArguments {
    /// Its name.
    rule: String,
    /// Its event bus: the name or the ARN.
    #[arg(long, value_name = "BUS", default_value = "default")]
    event_bus: String,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    api: ApiArguments,
}

pub(super) fn list(arguments: ListArguments) -> Result<(), Failure> {
    let rules = Api::new(arguments.api)?.rules(arguments.event_bus)?;
    if arguments.output.output == Output::Json {
        rules.iter().for_each(say_json);
        return Ok(());
    }
    let mut table = Table::new(["RULE", "EVENT BUS", "STATE", "MATCHES"]);
    for rule in &rules {
        table.add([text(rule, "Name"), text(rule, "EventBusName"), text(rule, "State"), matches(rule)]);
    }
    table.print();
    Ok(())
}

pub(super) fn show(arguments: ShowArguments) -> Result<(), Failure> {
    let api = Api::new(arguments.api)?;
    let asked = json!({ "Name": arguments.rule, "EventBusName": arguments.event_bus });
    let rule = with_targets(&api, &api.call("DescribeRule", &asked)?)?;
    if arguments.output.output == Output::Json {
        say_pretty(&rule);
        return Ok(());
    }
    for (name, value) in rule.as_object().into_iter().flatten().filter(|(name, _)| *name != "Targets") {
        say(&format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    say("");
    let mut table = Table::new(["TARGET", "ARN"]);
    for target in rule["Targets"].as_array().into_iter().flatten() {
        table.add([text(target, "Id"), text(target, "Arn")]);
    }
    table.print();
    Ok(())
}

/// The pattern or the schedule; a rule can have both.
fn matches(rule: &Value) -> &str {
    rule["ScheduleExpression"].as_str().unwrap_or_else(|| text(rule, "EventPattern"))
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or("-")
}
