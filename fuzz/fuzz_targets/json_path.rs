//! Any path over any event: no panic, and what is selected is JSON whenever the event is.
//!
//! The input is a path and an event, separated by a zero byte.
#![no_main]

use eventyard_core::input::{JsonPath, TargetInput};
use eventyard_core::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((path, event)) = text.split_once('\0') else { return };
    let Ok(parsed) = JsonPath::parse(path) else { return };
    assert_eq!(parsed.text(), path);
    assert!(TargetInput::parse("t", None, Some(path), None).is_ok() || path.chars().count() > 256);
    if let Some(selected) = parsed.select(event) {
        assert!(json::compact(&selected).is_ok(), "{selected}");
        assert!(parsed.select_text(event).is_some());
    }
});
