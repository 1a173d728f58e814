//! The command line.
//!
//! Exit codes: 0 done, 1 failed or the answer is no, 2 wrong arguments, input or configuration, 3 the daemon cannot be
//! reached, 4 it refused. `docs/OPERATIONS.md` has the table.

mod admin;
mod api;
mod backup;
mod client;
mod configuration;
mod dead_letters;
mod demo;
mod events;
mod export;
mod file;
mod fsck;
mod input;
mod interrupt;
mod output;
mod pattern;
mod progress;
mod restore;
mod rules;
mod schedule;
mod serve;
mod store;
mod targets;

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use configuration::LookArguments;

/// A persistent, self-hosted event router that speaks the Amazon `EventBridge` API.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon until SIGTERM or SIGINT.
    Serve(serve::ServeArguments),
    /// Look at the configuration without running anything.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Try event patterns on events, and measure them, without a daemon.
    Pattern {
        #[command(subcommand)]
        command: pattern::PatternCommand,
    },
    /// List rules, pause and resume them, put them from a file into a daemon, or write those of a daemon into a file.
    Rules {
        #[command(subcommand)]
        command: rules::RulesCommand,
    },
    /// List the targets of rules.
    Targets {
        #[command(subcommand)]
        command: targets::TargetsCommand,
    },
    /// Dump or restore the store of a daemon that is not running.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// Copy everything a daemon keeps to one file, while it runs.
    Backup(backup::BackupArguments),
    /// Make a data directory from a backup.
    Restore(restore::RestoreArguments),
    /// Print everything a daemon keeps as JSON Lines.
    Export(export::ExportArguments),
    /// Look at every entry of a data directory whose daemon does not run, and put aside what is damaged.
    Fsck(fsck::FsckArguments),
    /// List, send again or delete what was given up by a running daemon.
    DeadLetters {
        #[command(subcommand)]
        command: dead_letters::DeadLettersCommand,
    },
    /// Put events into a running daemon, and tell what happened to them.
    Events {
        #[command(subcommand)]
        command: events::EventsCommand,
    },
    /// Say when a schedule expression fires.
    Schedule {
        #[command(subcommand)]
        command: schedule::ScheduleCommand,
    },
    /// Show what a target is sent.
    Input {
        #[command(subcommand)]
        command: input::InputCommand,
    },
    /// Print what makes a shell complete the arguments of this program.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Show the main job on temporary data: a rule, a target, events, deliveries.
    Demo {
        /// Stay up afterwards, to try things by hand, until SIGTERM or SIGINT.
        #[arg(long)]
        keep: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// List everything that is wrong, in all layers.
    Check(LookArguments),
    /// Print the configuration in force, and where each value comes from.
    Show(LookArguments),
}

/// Runs the command. `started` is when the process began.
#[must_use]
pub fn run(arguments: Arguments, started: Instant) -> ExitCode {
    match arguments.command {
        Command::Serve(arguments) => serve::serve(&arguments, started),
        Command::Config { command: ConfigCommand::Check(arguments) } => configuration::check(&arguments),
        Command::Config { command: ConfigCommand::Show(arguments) } => configuration::show(&arguments),
        Command::Pattern { command } => pattern::run(&command),
        Command::Rules { command } => rules::run(command),
        Command::Targets { command } => targets::run(command),
        Command::Store { command } => store::run(&command),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Fsck(arguments) => fsck::run(&arguments),
        Command::DeadLetters { command } => dead_letters::run(&command),
        Command::Events { command } => events::run(command),
        Command::Schedule { command } => schedule::run(&command),
        Command::Input { command } => input::run(&command),
        Command::Completions { shell } => completions(shell),
        Command::Demo { keep } => demo::demo(keep, started),
    }
}

fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "eventyard", &mut script);
    say_exactly(&String::from_utf8_lossy(&script))
}

/// Runs `future` on all cores.
fn on_all_cores(future: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(future);
            // What still runs was given up on; waiting for it would undo that.
            runtime.shutdown_timeout(Duration::ZERO);
            code
        }
        Err(error) => fail(&format!("cannot start the runtime: {error}")),
    }
}

/// Why a command did not do what it was asked for, as a shell is told. Success is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// It failed, or the answer is no.
    Failed = 1,
    /// Arguments, input or configuration are wrong. clap ends with it, too.
    Invalid = 2,
    /// The daemon does not answer, or not as one.
    Unreachable = 3,
    /// The daemon refused.
    Refused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Prints why.
    fn because(self, reason: &dyn std::fmt::Display) -> ExitCode {
        remark(&reason.to_string());
        self.into()
    }
}

/// Prints what failed.
fn fail(message: &str) -> ExitCode {
    Exit::Failed.because(&message)
}

/// Prints what is to be known beside the answer.
fn remark(message: &str) {
    // When nobody reads standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "eventyard: {message}");
}

/// Prints why what was given is not valid, first of all in Amazon's words where it has them.
fn invalid(reason: &str) -> ExitCode {
    // As above.
    let _ = writeln!(std::io::stderr(), "{reason}");
    Exit::Invalid.into()
}

/// Prints a line of what was asked for.
fn say(line: &str) {
    // Who closed standard output, as `head` does, has read enough.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints what was asked for to the byte. Part of it is as good as nothing, so a failed write is a failure.
fn say_exactly(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write to standard output: {error}")),
    }
}
