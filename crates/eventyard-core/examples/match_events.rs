//! Compile event patterns, match the bytes of an event, and ask why one did not match.
//!
//!     cargo run -p eventyard-core --example match_events

#![expect(clippy::print_stdout, reason = "an example's result is what it prints")]

use std::sync::Arc;

use eventyard_core::pattern::index::RuleIndex;
use eventyard_core::pattern::{EventPattern, PatternLimits, explain};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = PatternLimits::default();
    let big = r#"{"source": ["shop"], "detail": {"total": [{"numeric": [">=", 100]}]}}"#;
    let german = r#"{"source": ["shop"], "detail": {"items": {"sku": [{"prefix": "DE-"}]}}}"#;
    let big = Arc::new(EventPattern::parse(big, &limits)?);
    let german = Arc::new(EventPattern::parse(german, &limits)?);
    // What a rule is known by is up to you; here it is a name.
    let index: RuleIndex<&str> = [("big-orders", Arc::clone(&big))].into_iter().collect();
    let index = index.with("german-orders", german);

    let bytes = br#"{"source": "shop", "detail": {"total": 20, "items": [{"sku": "FR-1"}, {"sku": "DE-7"}]}}"#;
    let event = std::str::from_utf8(bytes)?;
    println!("the event matches {:?}", index.matching(event)?);
    println!("big-orders: {}", explain(&big, event)?);
    Ok(())
}
