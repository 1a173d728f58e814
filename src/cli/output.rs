//! The form of what a command prints: a table for people, or JSON for programs.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::say;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people: columns, or lines of text.
    Table,
    /// For programs: of a list one object a line, of one thing the whole of it.
    Json,
}

/// The argument that chooses it.
#[derive(Debug, Args)]
pub(super) struct OutputArguments {
    /// How to print.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Output::Table)]
    pub(super) output: Output,
}

/// Prints an object on one line.
pub(super) fn say_json(value: &impl Serialize) {
    // What commands tell has string keys, so it has a form in JSON.
    say(&serde_json::to_string(value).unwrap_or_default());
}

/// Prints an object so that it can be read.
pub(super) fn say_pretty(value: &impl Serialize) {
    // As above.
    say(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Rows below their headings, each column as wide as its widest cell.
#[derive(Debug)]
pub(super) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(headings: [&str; COLUMNS]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    pub(super) fn add(&mut self, row: [&str; COLUMNS]) {
        self.rows.push(row.map(one_line));
    }

    /// Prints it; the headings, too, when there are no rows, so that nobody thinks that nothing was asked.
    pub(super) fn print(&self) {
        for line in self.lines() {
            say(&line);
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        self.rows.iter().map(move |row| {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        })
    }
}

/// A cell never breaks its row, nor writes to the terminal what is no text: it may come from anywhere.
fn one_line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["ID", "WHAT"]);
        table.add(["räuber", "a"]);
        table.add(["b", "two\nlines"]);
        assert_eq!(table.lines().collect::<Vec<_>>(), ["ID      WHAT", "räuber  a", "b       two lines"]);
    }
}
