//! Schema 1, the first: event buses, rules, targets, removed targets, and the next free number.
//!
//! A new store starts with the record of its creation alone; there is nothing to change yet.

use super::Record;

/// Nothing to do.
#[expect(clippy::unnecessary_wraps, reason = "every step has this form")]
pub(super) fn apply(records: Vec<Record>) -> Result<Vec<Record>, String> {
    Ok(records)
}
