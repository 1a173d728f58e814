//! `eventyard schedule`: when an expression fires, and what it says in words. No daemon is needed.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use eventyard_core::clock::{Clock as _, Timestamp};
use eventyard_core::schedule::{Dialect, InvalidScheduleExpression, ScheduleExpression, Timezone};
use serde_json::json;

use super::output::{Output, OutputArguments, say_json, say_pretty};
use super::{invalid, remark, say};
use crate::runtime::SystemClock;

/// What to say about a schedule expression.
#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// Print when it fires next, one RFC 3339 time in UTC a line.
    ///
    /// When it ends before COUNT times are found, standard error says so and the exit code is still 0.
    Next(NextArguments),
    /// Say it in words.
    Explain(ExpressionArguments),
}

#[derive(Debug, Args)]
pub(super) struct ExpressionArguments {
    /// rate(5 minutes), cron(0 9 ? * MON-FRI *); with a time zone also at(2030-01-31T08:00:00).
    #[arg(value_name = "EXPR")]
    expression: String,
    /// The time zone whose wall clock counts, such as Europe/Berlin. With it the expression is read as EventBridge
    /// Scheduler reads it, without it as PutRule does, in UTC.
    #[arg(long, value_name = "TZ", value_parser = Timezone::parse)]
    timezone: Option<Timezone>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
pub(super) struct NextArguments {
    #[command(flatten)]
    expression: ExpressionArguments,
    /// Print times after this one. Default: now.
    #[arg(long, value_name = "RFC3339", value_parser = time)]
    after: Option<Timestamp>,
    /// How many times to print.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    count: u16,
    /// When the rule was created: a rate is counted from here. Default: the time given with --after.
    #[arg(long, value_name = "RFC3339", value_parser = time)]
    created: Option<Timestamp>,
}

/// Runs the command.
pub(super) fn run(command: &ScheduleCommand) -> ExitCode {
    let given = match command {
        ScheduleCommand::Next(arguments) => &arguments.expression,
        ScheduleCommand::Explain(arguments) => arguments,
    };
    let expression = match given.read() {
        Ok(expression) => expression,
        Err(error) => return refuse(&given.expression, &error),
    };
    match command {
        ScheduleCommand::Next(arguments) => next(&expression, arguments),
        ScheduleCommand::Explain(arguments) => explain(&expression, arguments),
    }
    ExitCode::SUCCESS
}

impl ExpressionArguments {
    /// Zones are Scheduler's: with one its language is meant, without one that of rules.
    fn read(&self) -> Result<ScheduleExpression, InvalidScheduleExpression> {
        let dialect = if self.timezone.is_some() { Dialect::Scheduler } else { Dialect::Rule };
        ScheduleExpression::parse_as(dialect, &self.expression)
    }
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).ok_or("write an RFC 3339 time such as 2026-01-02T03:04:05Z")
}

fn refuse(text: &str, error: &InvalidScheduleExpression) -> ExitCode {
    let code = invalid(&error.to_string());
    let scheduler_takes_it = ScheduleExpression::parse_as(Dialect::Scheduler, text).is_ok();
    if *error == InvalidScheduleExpression::Rule && scheduler_takes_it {
        remark("EventBridge Scheduler takes it; with --timezone UTC it is read as there");
    }
    code
}

fn next(expression: &ScheduleExpression, arguments: &NextArguments) {
    let after = arguments.after.unwrap_or_else(|| SystemClock.now());
    let created = arguments.created.unwrap_or(after).to_utc();
    let (mut last, mut wanted) = (after.to_utc(), arguments.count);
    while wanted > 0 {
        let Some(due) = expression.next_after(last, created, arguments.expression.timezone) else {
            return remark(&format!("it does not fire after {}", last.format(RFC_3339_SECONDS)));
        };
        let time = due.format(RFC_3339_SECONDS).to_string();
        match arguments.expression.output.output {
            Output::Json => say_json(&json!({ "time": time })),
            Output::Table => say(&time),
        }
        (last, wanted) = (due, wanted - 1);
    }
}

/// Firings have whole seconds.
const RFC_3339_SECONDS: &str = "%Y-%m-%dT%H:%M:%SZ";

fn explain(expression: &ScheduleExpression, arguments: &ExpressionArguments) {
    let (words, timezone) = (expression.explain(), arguments.timezone);
    if arguments.output.output == Output::Json {
        // The same zone for who does not read the words: none where it makes no difference.
        let timezone = expression.has_wall_clock().then(|| timezone.unwrap_or_default().to_string());
        say_pretty(&json!({ "expression": arguments.expression, "words": words, "timezone": timezone }));
    } else if expression.has_wall_clock() {
        say(&format!("{words}; times are those of {}", timezone.unwrap_or_default()));
    } else {
        say(&format!("{words}, counted from the creation of the rule; the same in every time zone"));
    }
}
