//! Any template over any event: no panic, no text beyond the bound, and what a JSON template delivers is JSON.
//!
//! The input is a path, a template and an event, each ended by a zero byte.
#![no_main]

use std::collections::BTreeMap;

use eventyard_core::input::{RENDERED_INPUT_BYTES_MAX, RenderContext, TargetInput};
use eventyard_core::json;
use libfuzzer_sys::fuzz_target;

const CONTEXT: RenderContext<'_> = RenderContext {
    rule_arn: "arn:aws:events:eu-west-1:111122223333:rule/bus/r",
    rule_name: "r",
    ingestion_time: "2026-05-01T10:00:01Z",
};

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(3, '\0');
    let (Some(path), Some(template), Some(event)) = (parts.next(), parts.next(), parts.next()) else { return };
    let paths = BTreeMap::from([("p".to_owned(), path.to_owned()), ("d".to_owned(), "$.detail".to_owned())]);
    let Ok(input) = TargetInput::parse("t", None, None, Some((&paths, template))) else { return };
    let Ok(rendered) = input.render(event, &CONTEXT) else { return };
    assert!(rendered.len() <= RENDERED_INPUT_BYTES_MAX);
    if template.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        assert!(json::compact(&rendered).is_ok(), "{rendered}");
    }
});
