//! Reading the layers: each becomes a list of settings whose names and types are known to be right.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use eventyard_core::option_tag::nearest;

use super::document::{self, Content, Item, Table, Written};
use super::fault::{Fault, Problem};
use super::origin::Origin;
use super::schema::{Known, Schema};
use super::value::Value;

/// The lists that are no sections, and have readers of their own.
pub(super) const LISTS: [&str; 2] = ["accounts", "connections"];

/// A configuration file larger than this is a mistake, such as naming a log or a device.
const FILE_SIZE_BYTES_MAX: u64 = 1 << 20;

/// A value that one layer gives to one option.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// An option set by a flag of the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as the user writes it, such as `--listen`; reports name it.
    pub name: &'static str,
    /// The option it sets, such as `api.listen`.
    pub key: &'static str,
    /// What the user wrote after it.
    pub value: String,
}

/// The settings found so far, lowest layer first, and everything that was wrong on the way.
pub(super) struct Layers<'a> {
    schema: &'a Schema,
    pub(super) settings: Vec<Setting>,
    pub(super) faults: Vec<Fault>,
    /// What the file holds under each of [`LISTS`].
    pub(super) lists: BTreeMap<String, Vec<Table>>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self { schema, settings: Vec::new(), faults: Vec::new(), lists: BTreeMap::new() }
    }

    /// Adds the built-in defaults.
    pub(super) fn add_defaults(&mut self, text: &str) {
        self.add_document(text, |_| Origin::Defaults);
    }

    /// Adds a TOML file.
    pub(super) fn add_file(&mut self, path: &Path) {
        let origin = |line| Origin::File { path: path.to_owned(), line };
        match read(path) {
            Ok(text) => self.add_document(&text, origin),
            Err(why) => self.fault(origin(None), "", Problem::Unreadable { why }),
        }
    }

    /// Adds the variables named `EVENTYARD_SECTION__KEY`.
    ///
    /// Other names that begin with `EVENTYARD_` belong to somebody else (Kubernetes sets `EVENTYARD_PORT` and the like
    /// for a service of that name) and are left alone, except for one that only misses an underscore.
    pub(super) fn add_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        let mut variables: Vec<_> = variables
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .filter(|(name, _)| name.get(..10).is_some_and(|prefix| prefix.eq_ignore_ascii_case("EVENTYARD_")))
            .collect();
        variables.sort();
        for (variable, value) in variables {
            self.add_variable(variable, value);
        }
    }

    fn add_variable(&mut self, variable: String, value: OsString) {
        let schema = self.schema;
        let key = variable[10..].to_ascii_lowercase().replacen("__", ".", 1);
        if let Some(known) = schema.options.iter().find(|known| known.variable() == variable) {
            let value = match value.into_string() {
                Ok(text) => Value::from_text(known.kind, &text),
                Err(_) => Err(wrong_type(known, "bytes that are not UTF-8".to_owned())),
            };
            self.add_setting(known, Origin::Environment { variable }, value);
            return;
        }
        let known_variables = || schema.options.iter().map(Known::variable);
        let misspelled = known_variables().any(|known| known.replace("__", "_").eq_ignore_ascii_case(&variable));
        if misspelled || key.contains('.') {
            let nearest = nearest(&variable.to_ascii_uppercase(), known_variables()).unwrap_or_default();
            self.fault(Origin::Environment { variable }, &key, Problem::Unknown { nearest });
        }
    }

    /// Adds the flags of the command line.
    pub(super) fn add_flags(&mut self, flags: &[Flag]) {
        for Flag { name, key, value } in flags {
            let origin = Origin::Flag { name };
            match self.schema.find(key) {
                Some(known) => self.add_setting(known, origin, Value::from_text(known.kind, value)),
                None => self.faults.push(self.schema.unknown_option(key, origin)),
            }
        }
    }

    fn add_document(&mut self, text: &str, origin: impl Fn(Option<usize>) -> Origin) {
        match document::parse(text) {
            Ok(items) => items.into_iter().for_each(|item| self.add_item(item, &origin)),
            Err(errors) => {
                for error in errors {
                    self.fault(origin(error.line), "", Problem::Syntax { why: error.why });
                }
            }
        }
    }

    fn add_item(&mut self, item: Item, origin: &impl Fn(Option<usize>) -> Origin) {
        let origin = origin(Some(item.line));
        match item.content {
            Content::Tables { name, tables } if LISTS.contains(&name.as_str()) => {
                self.lists.insert(name, tables);
            }
            Content::Section { name } | Content::Stray { name, .. } if LISTS.contains(&name.as_str()) => {
                let expected = "a list of tables, each under its name in double brackets";
                self.fault(origin, &name, Problem::WrongType { found: "something else".to_owned(), expected });
            }
            Content::Tables { name, .. } if self.schema.sections.contains(&name) => {
                let found = "a list of tables".to_owned();
                self.fault(origin, &name, Problem::WrongType { found, expected: "a section" });
            }
            Content::Section { name } if self.schema.sections.contains(&name) => {}
            Content::Section { name } | Content::Tables { name, .. } => {
                self.faults.push(self.schema.unknown_section(&name, origin));
            }
            Content::Option { key, value } => self.add_option(&key, value, origin),
            Content::Stray { name, value } if self.schema.sections.contains(&name) => {
                let found = value.map_or_else(|description| description, |value| value.describe());
                self.fault(origin, &name, Problem::WrongType { found, expected: "a section" });
            }
            Content::Stray { name, .. } => self.faults.push(self.schema.unknown_option(&name, origin)),
        }
    }

    fn add_option(&mut self, key: &str, value: Written, origin: Origin) {
        let Some(known) = self.schema.find(key) else {
            // An unknown section is one fault, not one for each of its options.
            if self.schema.sections.iter().any(|name| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
            {
                self.faults.push(self.schema.unknown_option(key, origin));
            }
            return;
        };
        let value = match value {
            Ok(value) if value.kind() == known.kind => Ok(value),
            Ok(value) => Err(wrong_type(known, value.describe())),
            Err(description) => Err(wrong_type(known, description)),
        };
        self.add_setting(known, origin, value);
    }

    fn add_setting(&mut self, known: &Known, origin: Origin, value: Result<Value, Problem>) {
        match value {
            Ok(value) => self.settings.push(Setting { key: known.key.clone(), value, origin }),
            Err(problem) => self.fault(origin, &known.key, problem),
        }
    }

    fn fault(&mut self, origin: Origin, key: &str, problem: Problem) {
        self.faults.push(Fault { origin, key: key.to_owned(), problem });
    }
}

fn wrong_type(known: &Known, found: String) -> Problem {
    Problem::WrongType { found, expected: known.kind.name() }
}

/// A text file as a whole.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_SIZE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_SIZE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_SIZE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 text: {error}"))
}
