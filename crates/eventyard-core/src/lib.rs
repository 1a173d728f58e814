//! The pure part of eventyard: values in, values out.
//!
//! Nothing here opens a file, a socket or a clock. Time and randomness arrive as arguments, so that a day of retries or
//! five years of schedules can be tried in a test of milliseconds.

pub mod account;
pub mod arn;
pub mod attempt_record;
pub mod circuit_breaker;
pub mod clock;
pub mod cloud_event;
pub mod connection;
pub mod constraint;
pub mod dead_letter;
pub mod deduplication;
pub mod delivery;
pub mod delivery_options;
pub mod egress;
pub mod error;
pub mod event;
pub mod event_bus;
pub mod forwarding;
pub mod input;
pub mod json;
pub mod limits;
pub mod name;
pub mod option_tag;
pub mod page;
pub mod pattern;
pub mod policy;
pub mod rate_limit;
pub mod retry;
pub mod retry_after;
pub mod rule;
pub mod rule_options;
pub mod schedule;
pub mod secret;
pub mod shape;
pub mod sigv4;
pub mod tag;
pub mod target;
pub mod throttle;
pub mod trace_context;
