//! A TOML text taken apart into sections and options, each with its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::value::Value;

/// One thing that a TOML text holds.
pub(super) struct Item {
    /// Line of its name, counted from 1.
    pub(super) line: usize,
    pub(super) content: Content,
}

/// A value, or the description of one that no option can have.
pub(super) type Written = Result<Value, String>;

/// What an [`Item`] is.
pub(super) enum Content {
    /// A section, which its options follow.
    Section { name: String },
    /// An option inside a section; the key is `section.name`.
    Option { key: String, value: Written },
    /// A value that stands outside of every section.
    Stray { name: String, value: Written },
    /// A list of tables, written as `[[name]]`.
    Tables { name: String, tables: Vec<Table> },
}

/// One table of a list.
pub(super) struct Table {
    /// Line of its beginning, counted from 1.
    pub(super) line: usize,
    /// In the order in which they are written.
    pub(super) entries: Vec<Entry>,
}

/// A value in a table.
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) name: String,
    /// What it is as the value of an option.
    pub(super) value: Written,
    /// What it is as a list of tables.
    pub(super) tables: Option<Vec<Table>>,
}

impl Table {
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

/// A place where a text is not TOML.
pub(super) struct SyntaxError {
    pub(super) line: Option<usize>,
    pub(super) why: String,
}

/// Takes `text` apart, in the order in which it is written, or lists all places where it is not TOML.
pub(super) fn parse(text: &str) -> Result<Vec<Item>, Vec<SyntaxError>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(items(text, table.get_ref()));
    }
    let line = |error: &toml::de::Error| error.span().map(|span| line_of(text, span.start));
    Err(errors.iter().map(|error| SyntaxError { line: line(error), why: error.message().to_owned() }).collect())
}

fn items(text: &str, table: &DeTable<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    for (name, value) in in_order(table) {
        let line = line_of(text, name.span().start);
        let name = name.get_ref().to_string();
        if let Some(tables) = tables(text, value) {
            items.push(Item { line, content: Content::Tables { name, tables } });
            continue;
        }
        let DeValue::Table(section) = value.get_ref() else {
            items.push(Item { line, content: Content::Stray { name, value: Value::from_toml(value.get_ref()) } });
            continue;
        };
        let options = in_order(section).into_iter().map(|(option, value)| Item {
            line: line_of(text, option.span().start),
            content: Content::Option {
                key: format!("{name}.{}", option.get_ref()),
                value: Value::from_toml(value.get_ref()),
            },
        });
        let options: Vec<_> = options.collect();
        items.push(Item { line, content: Content::Section { name } });
        items.extend(options);
    }
    items
}

/// The tables of a list that has nothing else, and is not empty.
fn tables(text: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<Table>> {
    let values = value.get_ref().as_array().filter(|values| !values.is_empty())?;
    let table = |value: &Spanned<DeValue<'_>>| {
        let entries = in_order(value.get_ref().as_table()?).into_iter().map(|(name, value)| Entry {
            line: line_of(text, name.span().start),
            name: name.get_ref().to_string(),
            value: Value::from_toml(value.get_ref()),
            tables: tables(text, value),
        });
        Some(Table { line: line_of(text, value.span().start), entries: entries.collect() })
    };
    values.iter().map(table).collect()
}

type Named<'t, 'i> = (&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

/// The entries of a table as they are written; the table itself sorts them by name.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Named<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
