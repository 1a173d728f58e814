//! What can be wrong with a configuration, and the report that lists all of it at once.

use std::fmt;

use super::origin::{Origin, one_line};

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The layer and the place in it.
    pub origin: Origin,
    /// The option as `section.key`, the section alone, or empty when a layer could not be read at all.
    pub key: String,
    /// What is wrong and what to do about it.
    pub problem: Problem,
}

/// The ways in which a configuration can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is no such option or section.
    Unknown {
        /// The known name that is spelled most like it.
        nearest: String,
    },
    /// The value has another type than the option's default.
    WrongType {
        /// What was written.
        found: String,
        /// What the option takes.
        expected: &'static str,
    },
    /// The value has the right type but cannot be used.
    Refused {
        /// What is wrong with it.
        why: String,
        /// What to write instead.
        advice: String,
    },
    /// The file could not be read.
    Unreadable {
        /// The reason, in the words of the operating system where it gave one.
        why: String,
    },
    /// The text is not TOML.
    Syntax {
        /// What the parser found.
        why: String,
    },
    /// The program reads an option that its own defaults do not have: a bug of the program.
    Missing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", one_line(&self.key))?;
        }
        write!(f, "{}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { nearest } => write!(f, "there is no such option; the nearest name is {nearest}"),
            Self::WrongType { found, expected } => write!(f, "found {found}, expected {expected}"),
            Self::Refused { why, advice } => write!(f, "{why}; {advice}"),
            Self::Unreadable { why } => {
                write!(f, "the file cannot be read ({}); check the path given with --config", one_line(why))
            }
            Self::Syntax { why } => write!(f, "this is not TOML: {}", one_line(why)),
            Self::Missing => write!(f, "the built-in defaults have no such option; this is a bug of eventyard"),
        }
    }
}

/// Everything that is wrong with a configuration, in all of its layers.
///
/// Shown as one line for each fault, so that one start of the program is enough to correct them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<Fault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}
