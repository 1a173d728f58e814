//! `eventyard rules pause` and `resume`: pausing and resuming the targets of a rule, of a running daemon.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;

use crate::cli::admin::{AdminArguments, Failure};
use crate::cli::output::{Output, OutputArguments, Table, say_pretty};

/// Which targets.
#[derive(Debug, Args)]
pub(in crate::cli) struct PauseArguments {
    /// The rule: its name or its ARN.
    rule: String,
    /// The one target of this id; without it, all targets of the rule.
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// The event bus of a rule that is given by name: its name or its ARN. The default bus without it.
    #[arg(long, value_name = "BUS")]
    event_bus: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    admin: AdminArguments,
}

/// Pauses the targets, or resumes them.
pub(super) fn set_paused(arguments: &PauseArguments, is_paused: bool) -> ExitCode {
    let path = if is_paused { "/rules/pause" } else { "/rules/resume" };
    match ask(arguments, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit().because(&failure),
    }
}

fn ask(arguments: &PauseArguments, path: &str) -> Result<(), Failure> {
    let PauseArguments { rule, target, event_bus, output, admin } = arguments;
    let options = [("target", target), ("event_bus", event_bus)];
    let options = options.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
    let query: Vec<_> = [("rule", rule.clone())].into_iter().chain(options).collect();
    let answer = admin.ask(Method::POST, path, &query)?;
    if output.output == Output::Json {
        say_pretty(&answer);
        return Ok(());
    }
    let rule_arn = answer["rule_arn"].as_str().unwrap_or("-");
    let mut table = Table::new(["RULE", "TARGET", "STATE"]);
    for target in answer["targets"].as_array().into_iter().flatten() {
        let state = if target["paused"].as_bool().unwrap_or(false) { "paused" } else { "running" };
        table.add([rule_arn, target["id"].as_str().unwrap_or("-"), state]);
    }
    table.print();
    Ok(())
}
