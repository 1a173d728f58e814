//! The senders: one file for each kind of target.

mod http;

pub(super) use http::HttpRequest;
pub use http::{HttpSender, HttpSenderError};
