//! `eventyard events`: what happened to an event, of a running daemon; and [`put`].

mod put;

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::admin::{AdminArguments, Failure, segment};
use super::output::{Output, OutputArguments, say_pretty};
use super::say;
use put::PutArguments;

/// What to do with events, or to know of them.
#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// Put the events of a file, and print their ids.
    Put(PutArguments),
    /// Tell what happened to an event: when it was received, which rules took it, each attempt, and where each delivery stands.
    Show {
        /// The `EventId` that `PutEvents` answered.
        id: String,
        #[command(flatten)]
        output: OutputArguments,
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// Tell of the latest events that no rule took, and why each rule of their event bus did not.
    Unmatched {
        /// Only of this event bus: its name or its ARN.
        #[arg(long, value_name = "BUS")]
        event_bus: Option<String>,
        /// Most to tell of, 1 to 100.
        #[arg(long, value_name = "N", default_value_t = 10)]
        limit: u32,
        #[command(flatten)]
        output: OutputArguments,
        #[command(flatten)]
        admin: AdminArguments,
    },
}

pub(super) fn run(command: EventsCommand) -> ExitCode {
    let done = match command {
        EventsCommand::Put(arguments) => return put::put(arguments),
        EventsCommand::Show { id, output, admin } => show(&admin, &id, output.output),
        EventsCommand::Unmatched { event_bus, limit, output, admin } => {
            unmatched(&admin, event_bus, limit, output.output)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit().because(&failure),
    }
}

fn show(admin: &AdminArguments, id: &str, output: Output) -> Result<(), Failure> {
    let report = admin.ask(Method::GET, &format!("/events/{}", segment(id)), &[])?;
    if output == Output::Json {
        say_pretty(&report);
        return Ok(());
    }
    say(&format!("event {} received {}", text(&report, "id"), text(&report, "received")));
    for delivery in report["deliveries"].as_array().into_iter().flatten() {
        say("");
        let number = delivery["target_number"].to_string();
        let target = delivery["target_id"].as_str().unwrap_or(&number);
        say(&format!("{}  target {target}  {}", text(delivery, "rule_arn"), text(delivery, "target_arn")));
        for attempt in delivery["attempts"].as_array().into_iter().flatten() {
            say(&line(attempt));
        }
        say(&format!("  {}", state(delivery)));
    }
    Ok(())
}

fn unmatched(admin: &AdminArguments, event_bus: Option<String>, limit: u32, output: Output) -> Result<(), Failure> {
    let bus = event_bus.map(|bus| ("event_bus", bus));
    let query: Vec<_> = bus.into_iter().chain([("limit", limit.to_string())]).collect();
    let answer = admin.ask(Method::GET, "/events/unmatched", &query)?;
    if output == Output::Json {
        say_pretty(&answer);
        return Ok(());
    }
    for count in answer["counts"].as_array().into_iter().flatten() {
        say(&format!("{} on {} since the start", count["count"], text(count, "event_bus_arn")));
    }
    for unmatched in answer["events"].as_array().into_iter().flatten() {
        say("");
        let (event, bus) = (&unmatched["event"], text(unmatched, "event_bus_arn"));
        say(&format!("event {} received {} on {bus}", text(event, "id"), text(unmatched, "received")));
        let Some(rules) = unmatched["rules"].as_array() else {
            say("  there is no such event bus");
            continue;
        };
        if rules.is_empty() {
            say("  there is no rule with a pattern");
        }
        for rule in rules {
            let explanation = text(rule, "Explanation").replace('\n', "\n    ");
            say(&format!("  {} ({}): {explanation}", text(rule, "Name"), text(rule, "State")));
        }
    }
    Ok(())
}

fn line(attempt: &Value) -> String {
    let (number, ended, outcome) = (&attempt["attempt"], text(attempt, "ended"), text(attempt, "outcome"));
    let duration = attempt["duration_ms"].as_f64().unwrap_or(0.0);
    let message = attempt["message"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
    format!("  attempt {number}  {ended}  {duration:.1} ms  {outcome}{message}")
}

fn state(delivery: &Value) -> String {
    match (text(delivery, "state"), delivery["next_attempt"].as_str(), delivery["dead_letter"].as_str()) {
        ("pending", Some(time), _) => format!("pending: tried again at {time}"),
        ("pending", None, _) => "pending: not tried yet".to_owned(),
        ("dead", _, Some(id)) => format!("given up: dead letter {id}"),
        ("dead_letter_gone", ..) => "given up: its dead letter was sent again, purged or expired".to_owned(),
        ("unknown", ..) => "the history does not have the end".to_owned(),
        (state, ..) => state.to_owned(),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("-")
}
