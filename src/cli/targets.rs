//! `eventyard targets`: the targets of rules, as the API tells them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{self, Api, ApiArguments, Failure};
use super::output::{Output, OutputArguments, Table, say_json};

/// What to know of targets.
#[derive(Debug, Subcommand)]
pub(super) enum TargetsCommand {
    /// List the targets of one rule, or of all.
    List(ListArguments),
}

/// Which targets.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Only of this rule.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Only of rules of this event bus: its name or its ARN. A rule that is given by name is on the default bus without it.
    #[arg(long, value_name = "BUS")]
    event_bus: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    api: ApiArguments,
}

pub(super) fn run(command: TargetsCommand) -> ExitCode {
    let TargetsCommand::List(arguments) = command;
    api::exit(list(arguments))
}

fn list(arguments: ListArguments) -> Result<(), Failure> {
    let api = Api::new(arguments.api)?;
    let rules = match arguments.rule {
        Some(name) => {
            let bus = arguments.event_bus.unwrap_or_else(|| "default".to_owned());
            vec![json!({ "Name": name, "EventBusName": bus })]
        }
        None => api.rules(arguments.event_bus)?,
    };
    let mut table = Table::new(["RULE", "EVENT BUS", "ID", "ARN"]);
    for rule in rules {
        for target in api.targets(&rule)? {
            match arguments.output.output {
                Output::Json => {
                    say_json(&json!({ "Rule": rule["Name"], "EventBusName": rule["EventBusName"], "Target": target }));
                }
                Output::Table => {
                    let text = |value: &'_ Value, member: &str| value[member].as_str().unwrap_or("-").to_owned();
                    let (rule, bus) = (text(&rule, "Name"), text(&rule, "EventBusName"));
                    table.add([&rule, &bus, &text(&target, "Id"), &text(&target, "Arn")]);
                }
            }
        }
    }
    if arguments.output.output == Output::Table {
        table.print();
    }
    Ok(())
}
