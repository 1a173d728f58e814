//! A client of the admin listener, for commands that ask a running daemon.

use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::Value;

use super::Exit;
use super::client::{TrustArguments, innermost};

/// Which daemon.
#[derive(Debug, Args)]
pub(super) struct AdminArguments {
    /// Address and port of the daemon's admin listener (`admin.listen`), or its URL, as it is `https://…` where it has TLS.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4011")]
    admin: String,
    /// File with a token of the daemon's `admin.token_hashes`, if it asks for one.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArguments,
}

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot ask the daemon at {address}: {reason}; is it running, and is --admin its admin.listen?")]
    Unreachable { address: String, reason: String },
    #[error("cannot read the token in {}: {reason}", file.display())]
    Token { file: PathBuf, reason: std::io::Error },
    #[error("{0}")]
    Client(String),
    #[error("{0}")]
    Refused(String),
    #[error("the answer is not one of eventyard's: {0}")]
    Unintelligible(String),
}

impl Failure {
    /// What a shell is told of it.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } | Self::Unintelligible(_) => Exit::Unreachable,
            Self::Token { .. } | Self::Client(_) => Exit::Invalid,
            Self::Refused(_) => Exit::Refused,
        }
    }
}

impl AdminArguments {
    /// Asks, and answers the JSON of a success. One connection for each question: this is for people.
    pub(super) fn ask(&self, method: Method, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let answer = self.send(method, &with_query(path, query))?;
        let text = answer.text().map_err(|error| self.unreachable(&error))?;
        serde_json::from_str(&text).map_err(|error| Failure::Unintelligible(error.to_string()))
    }

    /// Asks for what may be too much for memory, and answers the body of a success as it comes. It has to say itself whether
    /// it is whole.
    pub(super) fn stream(&self, method: Method, path: &str) -> Result<impl Read + use<>, Failure> {
        self.send(method, path)
    }

    /// The answer, when it is a success.
    fn send(&self, method: Method, path: &str) -> Result<Response, Failure> {
        let origin = if self.admin.contains("://") { self.admin.clone() } else { format!("http://{}", self.admin) };
        let client = self.trust.client().map_err(Failure::Client)?;
        let mut request = client.request(method, format!("{}{path}", origin.trim_end_matches('/')));
        if let Some(file) = &self.token_file {
            let token =
                std::fs::read_to_string(file).map_err(|reason| Failure::Token { file: file.clone(), reason })?;
            request = request.bearer_auth(token.trim());
        }
        let answer = request.send().map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let reason = answer.text().map_err(|error| self.unreachable(&error))?;
        Err(Failure::Refused(reason.trim().to_owned()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::Unreachable { address: self.admin.clone(), reason: innermost(error) }
    }
}

fn with_query(path: &str, query: &[(&str, String)]) -> String {
    let mut text = path.to_owned();
    for (number, (key, value)) in query.iter().enumerate() {
        text.push(if number == 0 { '?' } else { '&' });
        text.push_str(key);
        text.push('=');
        push_encoded(&mut text, value);
    }
    text
}

/// One segment of a path, whatever it holds.
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::new();
    push_encoded(&mut encoded, text);
    encoded
}

fn push_encoded(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_taken_for_something_else_is_encoded() {
        let query = [("rule", "a/b c&d=ü".to_owned()), ("limit", "7".to_owned())];
        assert_eq!(with_query("/x", &query), "/x?rule=a%2Fb%20c%26d%3D%C3%BC&limit=7");
        assert_eq!(with_query("/x", &[]), "/x");
        assert_eq!(segment("a/../b"), "a%2F..%2Fb");
    }
}
