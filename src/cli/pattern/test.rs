//! `eventyard pattern test`: one pattern, one event, and why it matches or not.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use eventyard_core::pattern::{EventPattern, Explanation, INVALID_EVENT_PATTERN_PREFIX, PatternLimits, explain};

use super::Unusable;
use crate::cli::file::read_text;
use crate::cli::say;

/// Which pattern and which event.
#[derive(Debug, Args)]
pub(in crate::cli) struct TestArguments {
    /// The event pattern; `-` for standard input.
    #[arg(long, value_name = "FILE|-")]
    pattern: PathBuf,
    /// The whole event, envelope and all; `-` for standard input.
    #[arg(long, value_name = "FILE|-")]
    event: PathBuf,
}

pub(super) fn test(arguments: &TestArguments) -> Result<ExitCode, Unusable> {
    if arguments.pattern == Path::new("-") && arguments.event == Path::new("-") {
        return Err(Unusable::TwiceStandardInput);
    }
    let (pattern, event) = (read_text(&arguments.pattern)?, read_text(&arguments.event)?);
    let (answer, reason, code) = judge(&pattern, &event);
    say(answer);
    if !reason.is_empty() {
        say(&reason);
    }
    Ok(ExitCode::from(code))
}

/// The answer, what is to be said about it, and the exit code. The limits are those of Amazon's service.
fn judge(pattern: &str, event: &str) -> (&'static str, String, u8) {
    let pattern = match EventPattern::parse(pattern, &PatternLimits::default()) {
        Ok(pattern) => pattern,
        Err(invalid) => return ("invalid", format!("{INVALID_EVENT_PATTERN_PREFIX}{invalid}"), 2),
    };
    match explain(&pattern, event) {
        Ok(explanation @ Explanation::Match(_)) => ("match", explanation.to_string(), 0),
        Ok(explanation) => ("no match", explanation.to_string(), 1),
        Err(error) => ("invalid", format!("The event is not valid JSON: {error}"), 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_comes_with_its_reason() {
        let pattern = r#"{"source": ["shop"], "detail": {"total": [{"numeric": [">=", 100]}]}}"#;
        let (answer, reason, code) = judge(pattern, r#"{"source": "shop", "detail": {"total": 120}}"#);
        assert_eq!((answer, code), ("match", 0));
        assert_eq!(
            reason,
            "detail.total: found 120, wanted [{\"numeric\": [\">=\", 100]}]\nsource: found \"shop\", wanted [\"shop\"]"
        );
        let (answer, reason, code) = judge(pattern, r#"{"source": "shop", "detail": {}}"#);
        assert_eq!((answer, code), ("no match", 1));
        assert_eq!(reason, "detail.total: found nothing, wanted [{\"numeric\": [\">=\", 100]}]");
        let (answer, reason, code) = judge("[]", "{}");
        assert_eq!((answer, code), ("invalid", 2));
        assert!(reason.starts_with("Event pattern is not valid. Reason: Filter is not an object\n at "), "{reason}");
        let (answer, reason, code) = judge(pattern, "{");
        assert_eq!((answer, code), ("invalid", 2));
        assert_eq!(reason, "The event is not valid JSON: unexpected end of the JSON text at byte 1");
    }
}
