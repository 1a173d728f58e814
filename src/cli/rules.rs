//! `eventyard rules`: pausing and resuming the targets of a rule, of a running daemon.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::admin::{AdminArguments, Failure};
use super::{fail, say};

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Leave the targets of a rule alone. What they are owed waits until they are resumed.
    Pause {
        #[command(flatten)]
        which: WhichArguments,
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// Send to the targets of a rule again.
    Resume {
        #[command(flatten)]
        which: WhichArguments,
        #[command(flatten)]
        admin: AdminArguments,
    },
}

/// Which targets.
#[derive(Debug, Args)]
pub(super) struct WhichArguments {
    /// The rule: its name or its ARN.
    rule: String,
    /// The one target of this id; without it, all targets of the rule.
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// The event bus of a rule that is given by name: its name or its ARN. The default bus without it.
    #[arg(long, value_name = "BUS")]
    event_bus: Option<String>,
}

pub(super) fn run(command: &RulesCommand) -> ExitCode {
    let done = match command {
        RulesCommand::Pause { which, admin } => set_paused(admin, which, "/rules/pause"),
        RulesCommand::Resume { which, admin } => set_paused(admin, which, "/rules/resume"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure.to_string()),
    }
}

fn set_paused(admin: &AdminArguments, which: &WhichArguments, path: &str) -> Result<(), Failure> {
    let WhichArguments { rule, target, event_bus } = which;
    let options = [("target", target), ("event_bus", event_bus)];
    let options = options.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
    let query: Vec<_> = [("rule", rule.clone())].into_iter().chain(options).collect();
    let answer = admin.ask("POST", path, &query)?;
    let rule_arn = answer["rule_arn"].as_str().unwrap_or("-");
    for target in answer["targets"].as_array().into_iter().flatten() {
        let state = if target["paused"].as_bool().unwrap_or(false) { "paused" } else { "running" };
        say(&format!("{rule_arn}  target {}  {state}", target["id"].as_str().unwrap_or("-")));
    }
    Ok(())
}
