//! Where log lines go and what they look like.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

/// The filter of the process's one subscriber.
static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

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
    let (filter, handle) = reload::Layer::new(parse(level)?);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(filter);
    let installed = match format {
        LogFormat::Text => subscriber.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init(),
        LogFormat::Json => subscriber.with(lines.json().flatten_event(true)).try_init(),
    };
    // A second call, as in tests, keeps the first subscriber.
    if installed.is_ok() {
        let _ = FILTER.set(handle);
    }
    Ok(())
}

/// Lets lines of another `level` and above through from now on.
///
/// # Errors
/// When `level` is no filter; the one from before goes on.
pub fn set_log_level(level: &str) -> Result<(), InvalidLogLevel> {
    let filter = parse(level)?;
    let Some(handle) = FILTER.get() else { return Ok(()) };
    handle.reload(filter).map_err(|error| invalid(level, &error))
}

fn parse(level: &str) -> Result<EnvFilter, InvalidLogLevel> {
    EnvFilter::try_new(level).map_err(|error| invalid(level, &error))
}

fn invalid(level: &str, reason: &dyn std::error::Error) -> InvalidLogLevel {
    InvalidLogLevel { level: level.to_owned(), reason: reason.to_string() }
}
