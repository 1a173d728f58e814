//! Reading lists of tables, such as `[[accounts]]`: entries by their names, secrets, and what is wrong with them.
//!
//! Unlike sections they stand in the file only, and they hold secrets: nothing here repeats a value that could be one.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use eventyard_core::option_tag::nearest;
use eventyard_core::secret::Secret;

use super::document::{Entry, Table};
use super::fault::{Fault, Problem};
use super::layers::read;
use super::origin::Origin;
use super::value::Value;

/// Reads entries of tables and collects what is wrong with them. A `key` names the list, as `accounts.access_keys`.
pub(super) struct TableReader<'a> {
    path: PathBuf,
    environment: &'a [(OsString, OsString)],
    pub(super) faults: Vec<Fault>,
}

impl<'a> TableReader<'a> {
    /// For tables of the file at `path`, with secrets from files and from `environment` where they say so.
    pub(super) fn new(path: &Path, environment: &'a [(OsString, OsString)]) -> Self {
        Self { path: path.to_owned(), environment, faults: Vec::new() }
    }

    pub(super) fn refuse_unknown(&mut self, table: &Table, key: &str, known: &[&str]) {
        for entry in table.entries.iter().filter(|entry| !known.contains(&entry.name.as_str())) {
            let nearest = nearest(&entry.name, known).map_or("", |nearest| *nearest);
            let problem = Problem::Unknown { nearest: format!("{key}.{nearest}") };
            self.fault(entry.line, &format!("{key}.{}", entry.name), problem);
        }
    }

    /// A string that has to be there.
    pub(super) fn text(&mut self, table: &Table, key: &str, name: &str) -> Option<String> {
        if table.find(name).is_none() {
            self.fault(table.line, &format!("{key}.{name}"), refused("it is missing", "add it"));
        }
        self.text_option(table, key, name)
    }

    pub(super) fn text_option(&mut self, table: &Table, key: &str, name: &str) -> Option<String> {
        self.entry_text(table.find(name)?, &format!("{key}.{name}"))
    }

    /// The strings of a list; none of them when it is not there.
    pub(super) fn texts(&mut self, table: &Table, key: &str, name: &str, advice: &str) -> Vec<String> {
        match table.find(name).map(|entry| (&entry.value, entry.line)) {
            None => Vec::new(),
            Some((Ok(Value::List(texts)), _)) => texts.clone(),
            Some((_, line)) => {
                self.fault(line, &format!("{key}.{name}"), refused("it is no list of strings", advice));
                Vec::new()
            }
        }
    }

    /// True where it says so; false where it is not given.
    pub(super) fn boolean(&mut self, table: &Table, key: &str, name: &str) -> bool {
        match table.find(name).map(|entry| &entry.value) {
            None => false,
            Some(Ok(Value::Boolean(value))) => *value,
            Some(_) => {
                self.refuse(table, &format!("{key}.{name}"), "it is neither true nor false", "write one of them");
                false
            }
        }
    }

    /// A whole number in `range`.
    pub(super) fn integer_option(
        &mut self,
        table: &Table,
        key: &str,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let number = match &table.find(name)?.value {
            Ok(Value::Integer(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        let advice = format!("write a whole number from {} to {}", range.start(), range.end());
        self.parsed(table, &format!("{key}.{name}"), &advice, number)
    }

    /// A secret that stands here, in a file or in the environment; none when it is not given. An error was reported.
    pub(super) fn secret(&mut self, table: &Table, list: &str, name: &str, advice: &str) -> Result<Option<Secret>, ()> {
        self.secret_among(table, list, (Some(name), &format!("{name}_file"), &format!("{name}_environment")), advice)
    }

    /// The same, of one that does not stand here.
    pub(super) fn secret_elsewhere(
        &mut self,
        table: &Table,
        list: &str,
        name: &str,
        advice: &str,
    ) -> Result<Option<Secret>, ()> {
        self.secret_among(table, list, (None, &format!("{name}_file"), &format!("{name}_environment")), advice)
    }

    fn secret_among(
        &mut self,
        table: &Table,
        list: &str,
        (here, file, environment): (Option<&str>, &str, &str),
        advice: &str,
    ) -> Result<Option<Secret>, ()> {
        let names = here.into_iter().chain([file, environment]);
        let given: Vec<&Entry> = names.filter_map(|name| table.find(name)).collect();
        let [entry] = given[..] else {
            if let [_, second, ..] = given[..] {
                let problem = refused("it is given twice", "leave one of the two away");
                self.fault(second.line, &format!("{list}.{}", second.name), problem);
                return Err(());
            }
            return Ok(None);
        };
        let key = format!("{list}.{}", entry.name);
        let text = self.entry_text(entry, &key).ok_or(())?;
        let (secret, why) = if entry.name == file {
            let content = self.file(entry.line, &key, &text, advice).ok_or(())?;
            (content.trim_end_matches(['\r', '\n']).to_owned(), "the file is empty".to_owned())
        } else if entry.name == environment {
            let value = self.environment.iter().find(|(name, _)| name.to_str() == Some(&text));
            let value = value.and_then(|(_, value)| value.to_str()).unwrap_or_default();
            (value.to_owned(), format!("the environment variable {text:?} is not there, or empty"))
        } else {
            (text, "it is empty".to_owned())
        };
        if secret.is_empty() {
            self.fault(entry.line, &key, refused(&why, advice));
            return Err(());
        }
        Ok(Some(Secret::new(&secret)))
    }

    /// What a file holds whose path is the value of an entry; none when it is not given. An error was reported.
    pub(super) fn file_option(
        &mut self,
        table: &Table,
        key: &str,
        name: &str,
        advice: &str,
    ) -> Result<Option<String>, ()> {
        let Some(entry) = table.find(name) else { return Ok(None) };
        let key = format!("{key}.{name}");
        let path = self.entry_text(entry, &key).ok_or(())?;
        self.file(entry.line, &key, &path, advice).map(Some).ok_or(())
    }

    fn file(&mut self, line: usize, key: &str, path: &str, advice: &str) -> Option<String> {
        let content = read(Path::new(path));
        if let Err(why) = &content {
            self.fault(line, key, refused(&format!("the file {path:?} cannot be read ({why})"), advice));
        }
        content.ok()
    }

    pub(super) fn entry_text(&mut self, entry: &Entry, key: &str) -> Option<String> {
        if let Ok(Value::Text(text)) = &entry.value {
            return Some(text.clone());
        }
        self.fault(entry.line, key, refused("it is no string", "write a string"));
        None
    }

    /// Reports a value that could not be parsed.
    pub(super) fn parsed<T>(&mut self, table: &Table, key: &str, advice: &str, parsed: Option<T>) -> Option<T> {
        if parsed.is_none() {
            self.refuse(table, key, "it cannot be used", advice);
        }
        parsed
    }

    /// Reports the entry that `key` ends with, or its table where it has none.
    pub(super) fn refuse(&mut self, table: &Table, key: &str, why: &str, advice: &str) {
        let name = key.rsplit('.').next().unwrap_or_default();
        let line = table.find(name).map_or(table.line, |entry| entry.line);
        self.fault(line, key, refused(why, advice));
    }

    pub(super) fn fault(&mut self, line: usize, key: &str, problem: Problem) {
        self.faults.push(Fault { origin: self.origin(line), key: key.to_owned(), problem });
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::File { path: self.path.clone(), line: Some(line) }
    }
}

pub(super) fn refused(why: &str, advice: &str) -> Problem {
    Problem::Refused { why: why.to_owned(), advice: advice.to_owned() }
}
