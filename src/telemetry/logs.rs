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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use eventyard_core::clock::Timestamp;
    use eventyard_core::delivery::AttemptOutcome;
    use serde_json::Value;

    use super::*;
    use crate::telemetry::{AttemptEnded, RequestAnswered, RequestOrigin, Telemetry};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_directive_names_the_lines_of_one_part_of_the_daemon() {
        let written = Written::default();
        let writer = written.clone();
        let lines = fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
        let subscriber =
            tracing_subscriber::registry().with(parse("info,eventyard::delivery=debug").unwrap()).with(lines);
        let telemetry = Telemetry::new().unwrap();
        let (operation, duration) = ("PutEvents", Duration::from_micros(1_500));
        tracing::subscriber::with_default(subscriber, || {
            let origin = RequestOrigin { id: "r".to_owned(), client: ([127, 0, 0, 1], 1).into() };
            telemetry.record(&RequestAnswered { operation, code: "", origin: &origin, duration });
            telemetry.record(&AttemptEnded {
                event: None,
                event_number: 7,
                target_id: "t",
                rule_arn: "arn",
                attempt: 1,
                outcome: &AttemptOutcome::Delivered,
                duration,
                since_received: duration,
                ended: Timestamp::EPOCH,
                trace: None,
            });
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [line] = &lines[..] else { panic!("{text}") };
        assert_eq!((&line["target"], &line["message"]), (&"eventyard::delivery".into(), &"delivered".into()));
        assert_eq!(line["duration_us"], 1_500);
    }
}
