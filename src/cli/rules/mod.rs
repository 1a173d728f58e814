//! `eventyard rules`: rules with their targets from a file into a daemon, and from a daemon into a file; [`list`] and [`pause`].
//!
//! Import and export speak the API as any client does, so they also reach a daemon elsewhere, or Amazon's service. [`source`] reads the
//! files, of which there are three kinds; [`cloud_formation`] is one of them. [`import`] and [`export`] are the two ways.

mod cloud_formation;
mod event_buses;
mod export;
mod import;
mod intrinsics;
mod list;
mod pause;
mod source;
mod yaml;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::api::{self, Api, ApiArguments};
use super::output::OutputArguments;
use list::{ListArguments, ShowArguments};
use pause::{PauseArguments, set_paused};

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List rules.
    List(ListArguments),
    /// Show one rule with its targets and tags.
    Show(ShowArguments),
    /// Put the rules of a file, with their targets and tags, into a daemon.
    ///
    /// The file is one that `rules export` wrote (the form of managed rules), a `CloudFormation` template (its resources of
    /// the type `AWS::Events::Rule`), or what `aws events list-rules` printed. JSON or YAML, whatever it is called.
    Import(ImportArguments),
    /// Write all rules of an account in a region, with their targets and tags, as JSON.
    Export(ExportArguments),
    /// Leave the targets of a rule alone. What they are owed waits until they are resumed.
    Pause(PauseArguments),
    /// Send to the targets of a rule again.
    Resume(PauseArguments),
}

/// What is imported, and how.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// The file with the rules.
    file: PathBuf,
    /// For what `aws events list-rules` printed: a folder with what `aws events list-targets-by-rule` printed for each rule, in
    /// files named `RULE.json`. A rule without a file gets no targets.
    #[arg(long, value_name = "DIR")]
    targets_dir: Option<PathBuf>,
    /// For a template: the value of a parameter (`Stage=live`) or of an attribute that only `CloudFormation` knows
    /// (`Queue.Arn=arn:aws:sqs:…`). Can be given many times.
    #[arg(long = "value", value_name = "NAME=VALUE", value_parser = source::parse_value)]
    values: Vec<(String, String)>,
    /// For a template: the account that stands for `AWS::AccountId`.
    #[arg(long, value_name = "ID", default_value = "000000000000")]
    account: String,
    /// Make the event buses that rules name and that are not there.
    #[arg(long)]
    create_event_buses: bool,
    /// Read and check the file, say what would be put, and put nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    api: ApiArguments,
}

/// What is exported, and where to.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// Only the rules of this event bus.
    #[arg(long, value_name = "NAME")]
    event_bus: Option<String>,
    /// Write the event buses themselves, too: descriptions, tags and policies. `rules import` makes them again; a folder of
    /// managed rules cannot hold them.
    #[arg(long)]
    event_buses: bool,
    #[command(flatten)]
    api: ApiArguments,
}

pub(super) fn run(command: RulesCommand) -> ExitCode {
    match command {
        RulesCommand::Import(arguments) => import::import(arguments),
        RulesCommand::List(arguments) => api::exit(list::list(arguments)),
        RulesCommand::Show(arguments) => api::exit(list::show(arguments)),
        RulesCommand::Export(arguments) => match Api::new(arguments.api) {
            Ok(api) => export::export(&api, arguments.event_bus, arguments.event_buses),
            Err(failure) => api::exit(Err(failure)),
        },
        RulesCommand::Pause(arguments) => set_paused(&arguments, true),
        RulesCommand::Resume(arguments) => set_paused(&arguments, false),
    }
}
