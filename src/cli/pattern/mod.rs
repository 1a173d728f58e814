//! `eventyard pattern`: event patterns tried and measured without a daemon.

mod bench;
mod test;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::fail;
use super::file::FileError;

/// What to do with patterns.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PatternCommand {
    /// Say whether an event matches a pattern, and why. Exit codes: 0 match, 1 no match, 2 invalid.
    Test(test::TestArguments),
    /// Measure how fast many rules are matched. Prints one line of JSON.
    Bench(bench::BenchArguments),
}

/// Exit code 2: what was given cannot be used, so that 1 is left to say "no match".
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("cannot read {0}")]
    File(#[from] FileError),
    #[error("cannot read {}: {reason}", file.display())]
    Lines { file: PathBuf, reason: io::Error },
    #[error("{}, line {line}: {reason}", file.display())]
    Line { file: PathBuf, line: usize, reason: String },
    #[error("{} holds no event", .0.display())]
    NoEvents(PathBuf),
    #[error("only one of the two can be read from standard input")]
    TwiceStandardInput,
}

pub(in crate::cli) fn run(command: &PatternCommand) -> ExitCode {
    let done = match command {
        PatternCommand::Test(arguments) => test::test(arguments),
        PatternCommand::Bench(arguments) => bench::bench(arguments).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|unusable| {
        let _failed = fail(&unusable.to_string());
        ExitCode::from(2)
    })
}
