//! `eventyard dead-letters`: what was given up, of a running daemon.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::admin::{AdminArguments, Failure, segment};
use super::interrupt::Interrupt;
use super::output::{Output, OutputArguments, Table, say_json, say_pretty};
use super::progress::Progress;
use super::say;

/// How often a redrive is asked how far it has come.
const POLL_PERIOD: Duration = Duration::from_millis(50);

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// List dead letters, oldest first; `--output json` has all of each.
    List {
        #[command(flatten)]
        filter: FilterArguments,
        #[command(flatten)]
        output: OutputArguments,
        /// Most to list; 0 lists all.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u64,
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// Show one dead letter with its event, as JSON.
    Show {
        /// Its id, as `list` shows it.
        id: String,
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// Send events to their original targets again, as if they were accepted now, and take them out of the dead letters. The
    /// daemon does it, and is waited for; Ctrl-C ends it.
    Redrive {
        #[command(flatten)]
        which: WhichArguments,
        /// How many a second, at most; 0 means as fast as can be.
        #[arg(long, value_name = "N", default_value_t = 100)]
        rate: u32,
        #[command(flatten)]
        output: OutputArguments,
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// Delete dead letters for good.
    Purge {
        #[command(flatten)]
        which: WhichArguments,
        #[command(flatten)]
        output: OutputArguments,
        #[command(flatten)]
        admin: AdminArguments,
    },
}

/// Which dead letters; all that are given must fit.
#[derive(Debug, Args)]
pub(super) struct FilterArguments {
    /// Of this rule: its name or its ARN.
    #[arg(long)]
    rule: Option<String>,
    /// For the target of this id.
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// For this reason, the `ERROR_CODE` of a dead letter such as `TIMED_OUT`.
    #[arg(long)]
    code: Option<String>,
    /// Given up at this time or later, such as 2026-01-02T03:04:05Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Given up before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// Which dead letters are changed: by id, by a filter, or all of them.
#[derive(Debug, Args)]
pub(super) struct WhichArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Only count them.
    #[arg(long)]
    dry_run: bool,
}

impl FilterArguments {
    fn query(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("rule", &self.rule),
            ("target", &self.target),
            ("code", &self.code),
            ("since", &self.since),
            ("until", &self.until),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

impl WhichArguments {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = self.filter.query();
        query.extend(self.all.then(|| ("all", "true".to_owned())));
        query.extend(self.dry_run.then(|| ("dry_run", "true".to_owned())));
        query
    }
}

pub(super) fn run(command: &DeadLettersCommand) -> ExitCode {
    let done = match command {
        DeadLettersCommand::List { filter, output, limit, admin } => list(admin, filter, output.output, *limit),
        DeadLettersCommand::Show { id, admin } => show(admin, id),
        DeadLettersCommand::Redrive { which, rate, output, admin } => redrive(admin, which, *rate, output.output),
        DeadLettersCommand::Purge { which, output, admin } => purge(admin, which, output.output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit().because(&failure),
    }
}

fn list(admin: &AdminArguments, filter: &FilterArguments, output: Output, limit: u64) -> Result<(), Failure> {
    let mut table = Table::new(["ID", "DIED", "CODE", "EVENT", "RULE", "TARGET"]);
    let mut left = if limit == 0 { u64::MAX } else { limit };
    parts(admin, &Method::GET, "/dead-letters", &filter.query(), |answer| {
        for letter in answer["dead_letters"].as_array().into_iter().flatten() {
            if left == 0 {
                break;
            }
            left -= 1;
            match output {
                Output::Json => say_json(letter),
                Output::Table => add(&mut table, letter),
            }
        }
        left > 0
    })?;
    if output == Output::Table {
        table.print();
    }
    Ok(())
}

/// What tells one dead letter from another at a glance.
fn add(table: &mut Table<6>, letter: &Value) {
    let text = |key: &str| letter[key].as_str().unwrap_or("-");
    let damaged = letter["damaged"].as_str().map(|reason| format!("damaged: {reason}"));
    let event = letter["event"]["id"].as_str().unwrap_or("-");
    let code = damaged.as_deref().unwrap_or_else(|| text("ERROR_CODE"));
    table.add([text("id"), text("died"), code, event, text("RULE_ARN"), text("target_id")]);
}

fn show(admin: &AdminArguments, id: &str) -> Result<(), Failure> {
    let letter = admin.ask(Method::GET, &format!("/dead-letters/{}", segment(id)), &[])?;
    say_pretty(&letter);
    Ok(())
}

fn redrive(admin: &AdminArguments, which: &WhichArguments, rate: u32, output: Output) -> Result<(), Failure> {
    let query = [which.query(), vec![("rate", rate.to_string())]].concat();
    let interrupt = Interrupt::listen();
    let begun = admin.ask(Method::POST, "/dead-letters/redrive", &query)?;
    let ended = if which.dry_run { begun } else { wait_for(admin, &begun, &interrupt)? };
    match output {
        Output::Json => say_json(&ended),
        Output::Table => tell_redriven(&ended, which.dry_run),
    }
    match ended["state"].as_str() {
        Some("cancelled") => {
            let left = count(&ended, "total").saturating_sub(count(&ended, "done"));
            Err(Failure::Refused(format!("cancelled; {left} were not looked at")))
        }
        Some("failed") => Err(Failure::Refused(ended["error"].as_str().unwrap_or_default().to_owned())),
        _ => Ok(()),
    }
}

/// Waits for the end of a redrive, and shows how far it has come.
fn wait_for(admin: &AdminArguments, begun: &Value, interrupt: &Interrupt) -> Result<Value, Failure> {
    let mut progress = Progress::new("redriving");
    let (mut now, mut is_cancelled) = (begun.clone(), false);
    while matches!(now["state"].as_str(), Some("counting" | "running")) {
        progress.reach(count(&now, "done"), now["total"].as_u64());
        std::thread::sleep(POLL_PERIOD);
        if interrupt.is_asked() && !is_cancelled {
            admin.ask(Method::POST, "/dead-letters/redrive/cancel", &[])?;
            is_cancelled = true;
        }
        now = admin.ask(Method::GET, "/dead-letters/redrive", &[])?;
        if now["started"] != begun["started"] {
            let other = "the daemon is at another redrive now; GET /dead-letters/redrive tells of it";
            return Err(Failure::Refused(other.to_owned()));
        }
    }
    Ok(now)
}

fn tell_redriven(answer: &Value, dry_run: bool) {
    let what = if dry_run { "would be sent again" } else { "are owed to their targets again" };
    say(&format!("{} {what}", count(answer, "redriven")));
    for (key, why) in [("without_target", "their target is gone"), ("without_event", "they have no event")] {
        if count(answer, key) > 0 {
            say(&format!("{} left: {why}", count(answer, key)));
        }
    }
}

fn purge(admin: &AdminArguments, which: &WhichArguments, output: Output) -> Result<(), Failure> {
    let mut purged = 0;
    parts(admin, &Method::POST, "/dead-letters/purge", &which.query(), |answer| {
        purged += count(answer, "purged");
        true
    })?;
    match output {
        Output::Json => say_json(&json!({"purged": purged, "dry_run": which.dry_run})),
        Output::Table => say(&format!("{purged} {}", if which.dry_run { "would be deleted" } else { "deleted" })),
    }
    Ok(())
}

fn count(answer: &Value, key: &str) -> u64 {
    answer[key].as_u64().unwrap_or(0)
}

/// Asks part after part until nothing is left, or `take` wants no more.
fn parts(
    admin: &AdminArguments,
    method: &Method,
    path: &str,
    query: &[(&'static str, String)],
    mut take: impl FnMut(&Value) -> bool,
) -> Result<(), Failure> {
    let mut after: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.extend(after.map(|after| ("after", after)));
        let answer = admin.ask(method.clone(), path, &query)?;
        if !take(&answer) {
            return Ok(());
        }
        match answer["next_after"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return Ok(()),
        }
    }
}
