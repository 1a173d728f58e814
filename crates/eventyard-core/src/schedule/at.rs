//! One-time expressions: `at(2030-01-31T08:00:00)`, seconds optional, no zone, no fractions.

use chrono::{NaiveDateTime, Timelike};

/// Reads what stands between the parentheses.
pub(super) fn parse(body: &str) -> Option<NaiveDateTime> {
    // chrono takes signs, spaces and short numbers, so the shape is checked first.
    let shape: String = body.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    let local = match shape.as_str() {
        "0000-00-00T00:00:00" => NaiveDateTime::parse_from_str(body, "%Y-%m-%dT%H:%M:%S"),
        "0000-00-00T00:00" => NaiveDateTime::parse_from_str(body, "%Y-%m-%dT%H:%M"),
        _ => return None,
    };
    // A second 60 is read as a leap second, which is kept in the nanoseconds.
    local.ok().filter(|local| local.nanosecond() == 0)
}
