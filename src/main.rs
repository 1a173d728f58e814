//! The `eventyard` program: arguments in, exit code out.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;
use eventyard::cli::{Arguments, run};

fn main() -> ExitCode {
    run(Arguments::parse(), Instant::now())
}
