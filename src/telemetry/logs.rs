//! Where log lines go and what they look like.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A level that is no filter.
#[derive(Debug, thiserror::Error)]
#[error(
    "log.level '{level}' is not a log filter: {reason}; use error, warn, info, debug, trace, or a list such as 'info,eventyard::delivery=debug'"
)]
pub struct InvalidLogLevel {
    level: String,
    reason: String,
}

/// Sends log lines of `level` and above to standard error. Standard output is left to what commands print.
///
/// # Errors
/// When `level` is no filter.
pub fn init_logs(format: LogFormat, level: &str) -> Result<(), InvalidLogLevel> {
    let filter = EnvFilter::try_new(level)
        .map_err(|error| InvalidLogLevel { level: level.to_owned(), reason: error.to_string() })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, as in tests, keeps the first subscriber.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
