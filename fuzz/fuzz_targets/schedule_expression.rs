//! Any schedule expression: no panic, and each firing is later than the one before and what it was asked for.
//!
//! The input is eight bytes that say after when to look, and the expression.
#![no_main]

use chrono::{DateTime, Timelike, Utc};
use eventyard_core::schedule::{Dialect, ScheduleExpression, Timezone};
use libfuzzer_sys::fuzz_target;

/// All of the years 0 to 9999.
const SECONDS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

fn moment(bytes: [u8; 8]) -> Option<DateTime<Utc>> {
    let seconds = i64::from_le_bytes(bytes).rem_euclid(SECONDS.end - SECONDS.start) + SECONDS.start;
    DateTime::from_timestamp(seconds, 0)
}

fuzz_target!(|data: &[u8]| {
    let Some((bytes, text)) = data.split_first_chunk::<8>() else { return };
    let (Some(after), Ok(text)) = (moment(*bytes), std::str::from_utf8(text)) else { return };
    for (dialect, zone) in [(Dialect::Rule, None), (Dialect::Scheduler, Timezone::parse("Europe/Berlin").ok())] {
        let Ok(expression) = ScheduleExpression::parse_as(dialect, text) else { continue };
        assert!(!expression.explain().is_empty());
        let mut last = after;
        for _ in 0..5 {
            let Some(due) = expression.next_after(last, after, zone) else { break };
            assert!(due > last);
            assert_eq!(due.nanosecond(), 0);
            last = due;
        }
    }
});
