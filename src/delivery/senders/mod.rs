//! The senders: one file for each kind of target.

mod event_bus;
mod http;

pub(super) use event_bus::forward;
pub(super) use http::HttpRequest;
pub use http::{HttpSender, HttpSenderError};
