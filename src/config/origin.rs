//! Where a value was written: the layers of the configuration and the places inside them.

use std::fmt;
use std::path::PathBuf;

/// The place that one value of the configuration came from, precise enough to find and change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The defaults that are built into the program, `config/eventyard.toml`.
    Defaults,
    /// The configuration file.
    File {
        /// The path as it was given.
        path: PathBuf,
        /// Line in the file, counted from 1; `None` when the file as a whole is meant.
        line: Option<usize>,
    },
    /// A variable of the environment.
    Environment {
        /// The variable's full name.
        variable: String,
    },
    /// A flag of the command line.
    Flag {
        /// The flag as the user writes it, such as `--listen`.
        name: &'static str,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => write!(f, "built-in defaults"),
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", one_line(&path.to_string_lossy())),
            Self::File { path, line: None } => write!(f, "{}", one_line(&path.to_string_lossy())),
            Self::Environment { variable } => write!(f, "environment variable {}", one_line(variable)),
            Self::Flag { name } => write!(f, "flag {name}"),
        }
    }
}

/// `text` with its control characters escaped, so that a report or a comment stays on its line whatever a name holds.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
