//! The examples in the documentation for users: each command is run as written, and prints what is shown.
//!
//! In a block of `console` a line that begins with `$ ` is a command, and what follows is what it prints. A block with a name,
//! as in `json event.json`, is a file that the commands behind it can read. A table row that begins with a schedule
//! expression goes on with its explanation, or with `refused`.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs what a block or row holds, and says what differs.
fn check(document: &str) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut examples, mut wrong) = (0, Vec::new());
    let mut expect = |command: &str, expected: &str, wrong: &mut Vec<String>| {
        examples += 1;
        let printed = shell(folder.path(), command);
        if printed.trim_end_matches('\n') != expected.trim_end_matches('\n') {
            wrong.push(format!("$ {command}\n{printed}\ninstead of\n{expected}"));
        }
    };
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            match info.split_once(' ') {
                Some((_, name)) => std::fs::write(folder.path().join(name), block.join("\n") + "\n").unwrap(),
                None if info == "console" => {
                    for (command, output) in commands(&block) {
                        expect(&command, &output, &mut wrong);
                    }
                }
                None => {}
            }
        } else if let Some((expression, words)) = schedule_row(line) {
            let command = format!(
                "eventyard schedule explain '{expression}' 2>&1 | sed 's/; times are.*//; s/, counted from.*//'"
            );
            let refused = words.starts_with("refused");
            // Whether times are in a zone is said behind the words, and hints stand below Amazon's text.
            let expected = if refused { "Parameter ScheduleExpression is not valid." } else { words };
            expect(&format!("{command} | head -n 1"), expected, &mut wrong);
        }
    }
    (examples, wrong)
}

/// The commands of a block, each with what is shown behind it.
fn commands(block: &[&str]) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push((command.to_owned(), String::new()));
        } else if let Some((_, output)) = commands.last_mut() {
            output.extend([line, "\n"]);
        }
    }
    commands
}

/// Expression and words of a row such as ``| `rate(1 day)` | every day |``.
fn schedule_row(line: &str) -> Option<(&str, &str)> {
    let (expression, words) = line.strip_prefix("| `")?.split_once("` | ")?;
    expression.contains('(').then_some((expression, words.trim_end_matches([' ', '|'])))
}

fn shell(folder: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_eventyard")).parent().unwrap().display().to_string();
    let path = format!("{program}:{}", std::env::vars().find(|(name, _)| name == "PATH").unwrap().1);
    let command = format!("exec 2>&1\n{command}");
    let output =
        Command::new("sh").args(["-c", &command]).env("PATH", path).current_dir(folder).stdin(Stdio::null()).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[track_caller]
fn holds(document: &str, examples_min: usize) {
    let (examples, wrong) = check(document);
    assert!(wrong.is_empty(), "{} of {examples} examples differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(examples >= examples_min, "only {examples} examples were found");
}

#[test]
fn schedules() {
    holds(include_str!("../../docs/SCHEDULES.md"), 40);
}

#[test]
fn input() {
    holds(include_str!("../../docs/INPUT.md"), 12);
}

#[test]
fn an_example_that_lies_is_found() {
    let document =
        "```json a.json\n{}\n```\n```console\n$ cat a.json\n{}\n$ echo one\ntwo\n```\n| `rate(1 day)` | every hour |\n";
    let (examples, wrong) = check(document);
    assert_eq!((examples, wrong.len()), (3, 2), "{wrong:?}");
}
