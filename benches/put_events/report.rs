//! The tables.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::phases::{Groups, Idle, Ingest, Rate, Round};
use crate::process::EVENTYARD;

/// What the figures depend on.
pub(crate) fn machine(folder: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    let rustc = Command::new("rustc")
        .arg("--version")
        .output()
        .map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let file_system = Command::new("df").args(["--output=fstype,source"]).arg(folder).output();
    let file_system = file_system
        .map(|out| String::from_utf8_lossy(&out.stdout).lines().last().unwrap_or_default().trim().to_owned());
    format!(
        "machine: {cores} cores ({cpu}), Linux {}, {}, data on {}, load average before: {load}\n",
        kernel.trim(),
        rustc.unwrap_or_default(),
        file_system.unwrap_or_default(),
    )
}

/// Everything that was measured.
pub(crate) fn tables(idle: &Idle, rounds: &[Round]) -> String {
    let mut text = String::new();
    put_events(&mut text, rounds);
    commit_groups(&mut text, rounds);
    deliveries(&mut text, rounds);
    let binary_mib = fs::metadata(EVENTYARD)
        .map_or(f64::NAN, |file| f64::from(u32::try_from(file.len()).unwrap_or(u32::MAX)) / 1_048_576.0);
    line(&mut text, format_args!(""));
    line(
        &mut text,
        format_args!("start to ready, empty data directory: {:.0} ms", idle.ready_after.as_secs_f64() * 1e3),
    );
    line(
        &mut text,
        format_args!(
            "idle, no rules: RSS {:.1} MiB, of which anonymous {:.1} MiB",
            idle.rss_mib, idle.rss_anonymous_mib
        ),
    );
    line(
        &mut text,
        format_args!("peak RSS with the backlog above: {:.0} MiB", mean(rounds, |round| round.delivery.rss_peak_mib)),
    );
    line(&mut text, format_args!("binary: {binary_mib:.1} MiB"));
    text
}

fn put_events(text: &mut String, rounds: &[Round]) {
    type Phase = fn(&Round) -> &Ingest;
    let parse: Phase = |round| &round.parse;
    let write: Phase = |round| &round.write;
    let rows: [(&str, Phase, Phase); 5] = [
        ("floor: parsed, answered", parse, parse),
        ("eventyard, no rule matches", |round| &round.unmatched, parse),
        ("floor: parsed, on disk, answered", write, write),
        ("eventyard, 1 rule, silent target", |round| &round.journalled, write),
        ("eventyard, 1 rule, delivering", |round| &round.delivering, write),
    ];
    line(
        text,
        format_args!(
            "\nPutEvents, 64 connections, 10 entries of 1 KB a call (means of {} rounds; ratios within a round)",
            rounds.len()
        ),
    );
    let head =
        ("events/s", "to its floor", "to the disk floor", "CPU us/event", "CPU to its floor", "p50 ms", "p99 ms");
    line(
        text,
        format_args!(
            "{:<34}{:>9}{:>14}{:>19}{:>14}{:>18}{:>8}{:>8}",
            "", head.0, head.1, head.2, head.3, head.4, head.5, head.6
        ),
    );
    for (name, phase, floor) in rows {
        let of = |value: fn(&Rate) -> f64, floor: Phase| {
            mean(rounds, |round| value(&phase(round).rate) / value(&floor(round).rate))
        };
        let per_second = |rate: &Rate| rate.events_per_second;
        let cpu = |rate: &Rate| rate.cpu_us_per_event;
        line(
            text,
            format_args!(
                "{name:<34}{:>9.0}{:>14.2}{:>19.2}{:>14.1}{:>18.2}{:>8.1}{:>8.1}",
                mean(rounds, |round| per_second(&phase(round).rate)),
                of(per_second, floor),
                of(per_second, write),
                mean(rounds, |round| cpu(&phase(round).rate)),
                of(cpu, floor),
                mean(rounds, |round| phase(round).p50_ms),
                mean(rounds, |round| phase(round).p99_ms),
            ),
        );
    }
}

/// The journal's part in the last two rows.
fn commit_groups(text: &mut String, rounds: &[Round]) {
    type Phase = fn(&Round) -> &Groups;
    let phases: [(&str, Phase); 2] =
        [("silent target", |round| &round.journalled_groups), ("delivering", |round| &round.delivering_groups)];
    for (name, groups) in phases {
        let (events, ms) =
            (mean(rounds, |round| groups(round).mean_events), mean(rounds, |round| groups(round).mean_ms));
        line(text, format_args!("commit groups, {name}: {events:.0} events each, {ms:.1} ms to write and fsync"));
    }
}

fn deliveries(text: &mut String, rounds: &[Round]) {
    type Figure = fn(&Round) -> f64;
    line(text, format_args!("\nDeliveries to one sink, 16 under way"));
    line(text, format_args!("{:<34}{:>9}{:>14}{:>14}", "", "events/s", "to its floor", "CPU us/event"));
    let floor = |round: &Round| round.post.events_per_second;
    let rows: [(&str, Figure, Figure); 3] = [
        ("floor: a bare client", |round| round.post.events_per_second, |round| round.post.cpu_us_per_event),
        ("eventyard, while ingesting", |round| round.delivery.while_ingesting_per_second, |_| f64::NAN),
        (
            "eventyard, draining the backlog",
            |round| round.delivery.draining.events_per_second,
            |round| round.delivery.draining.cpu_us_per_event,
        ),
    ];
    for (name, per_second, cpu) in rows {
        let cpu = Some(mean(rounds, cpu))
            .filter(|cpu| !cpu.is_nan())
            .map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.1}"));
        let ratio = mean(rounds, |round| per_second(round) / floor(round));
        line(text, format_args!("{name:<34}{:>9.0}{ratio:>14.2}{cpu:>14}", mean(rounds, per_second)));
    }
    for round in rounds {
        let delivery = &round.delivery;
        let left = if delivery.left == 0 {
            "all delivered".to_owned()
        } else {
            format!("{} left when the time for it was over", delivery.left)
        };
        line(
            text,
            format_args!(
                "backlog when the load ended: {} events; after {:.1} s {left}",
                delivery.backlog, delivery.drain_seconds
            ),
        );
    }
}

fn mean(rounds: &[Round], value: impl Fn(&Round) -> f64) -> f64 {
    let count = f64::from(u32::try_from(rounds.len()).unwrap_or(u32::MAX));
    rounds.iter().map(value).sum::<f64>() / count
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = writeln!(text, "{arguments}");
}
