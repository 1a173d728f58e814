//! `eventyard events`: what happened to an event, of a running daemon.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::admin::{AdminArguments, Failure, segment};
use super::{fail, say};

/// What to know of events.
#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// Tell what happened to an event: when it was received, which rules took it, each attempt, and where each delivery stands.
    Show {
        /// The `EventId` that `PutEvents` answered.
        id: String,
        /// The same as JSON, with the event while it is stored.
        #[arg(long)]
        json: bool,
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
        /// The same as JSON, with the events.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminArguments,
    },
}

pub(super) fn run(command: &EventsCommand) -> ExitCode {
    let done = match command {
        EventsCommand::Show { id, json, admin } => show(admin, id, *json),
        EventsCommand::Unmatched { event_bus, limit, json, admin } => {
            unmatched(admin, event_bus.as_ref(), *limit, *json)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure.to_string()),
    }
}

fn show(admin: &AdminArguments, id: &str, json: bool) -> Result<(), Failure> {
    let report = admin.ask(Method::GET, &format!("/events/{}", segment(id)), &[])?;
    if json {
        say(&serde_json::to_string_pretty(&report).unwrap_or_default());
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

fn unmatched(admin: &AdminArguments, event_bus: Option<&String>, limit: u32, json: bool) -> Result<(), Failure> {
    let bus = event_bus.map(|bus| ("event_bus", bus.clone()));
    let query: Vec<_> = bus.into_iter().chain([("limit", limit.to_string())]).collect();
    let answer = admin.ask(Method::GET, "/events/unmatched", &query)?;
    if json {
        say(&serde_json::to_string_pretty(&answer).unwrap_or_default());
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
