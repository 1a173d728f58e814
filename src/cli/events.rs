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
}

pub(super) fn run(command: &EventsCommand) -> ExitCode {
    let EventsCommand::Show { id, json, admin } = command;
    match show(admin, id, *json) {
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
