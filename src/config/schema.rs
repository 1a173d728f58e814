//! The options that exist: exactly those of the built-in defaults file.

use eventyard_core::option_tag::nearest;

use super::document::{self, Content};
use super::fault::{Fault, Problem};
use super::layers::LISTS;
use super::origin::Origin;
use super::value::Kind;

/// The text of `config/eventyard.toml`.
pub(super) const DEFAULTS: &str = include_str!("../../config/eventyard.toml");

/// One option that exists.
pub(super) struct Known {
    /// `section.name`.
    pub(super) key: String,
    pub(super) kind: Kind,
}

impl Known {
    /// The environment variable that sets the option.
    pub(super) fn variable(&self) -> String {
        format!("EVENTYARD_{}", self.key.replace('.', "__").to_ascii_uppercase())
    }
}

/// The names and types that every layer is held against.
pub(super) struct Schema {
    pub(super) sections: Vec<String>,
    /// In the order of the defaults file.
    pub(super) options: Vec<Known>,
}

impl Schema {
    /// Takes the schema from a defaults file. What is wrong in that file is found when it is read as the first layer.
    pub(super) fn of(defaults: &str) -> Self {
        let mut schema = Self { sections: Vec::new(), options: Vec::new() };
        for item in document::parse(defaults).unwrap_or_default() {
            match item.content {
                Content::Section { name } => schema.sections.push(name),
                Content::Option { key, value: Ok(value) } => schema.options.push(Known { key, kind: value.kind() }),
                Content::Option { .. } | Content::Stray { .. } | Content::Tables { .. } => {}
            }
        }
        schema
    }

    pub(super) fn find(&self, key: &str) -> Option<&Known> {
        self.options.iter().find(|known| known.key == key)
    }

    /// The fault of naming an option that does not exist.
    pub(super) fn unknown_option(&self, key: &str, origin: Origin) -> Fault {
        let nearest = nearest(key, self.options.iter().map(|known| known.key.clone())).unwrap_or_default();
        Fault { origin, key: key.to_owned(), problem: Problem::Unknown { nearest } }
    }

    /// The fault of naming a section that does not exist.
    pub(super) fn unknown_section(&self, name: &str, origin: Origin) -> Fault {
        let sections = self.sections.iter().cloned().chain(LISTS.map(str::to_owned));
        let nearest = nearest(name, sections).unwrap_or_default();
        Fault { origin, key: name.to_owned(), problem: Problem::Unknown { nearest } }
    }
}
