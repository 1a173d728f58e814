//! A client of the admin listener, for commands that ask a running daemon.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

/// How long an answer may take. The daemon's own limit is `api.request_timeout_ms`.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of a line of an answer's head, or of a reason.
const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// Which daemon.
#[derive(Debug, Args)]
pub(super) struct AdminArguments {
    /// Address and port of the daemon's admin listener (`admin.listen`).
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4011")]
    admin: String,
    /// File with a token of the daemon's `admin.token_hashes`, if it asks for one.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot ask the daemon at {address}: {reason}; is it running, and is --admin its admin.listen?")]
    Unreachable { address: String, reason: std::io::Error },
    #[error("cannot read the token in {}: {reason}", file.display())]
    Token { file: PathBuf, reason: std::io::Error },
    #[error("{0}")]
    Refused(String),
    #[error("the answer is not one of eventyard's: {0}")]
    Unintelligible(String),
}

impl AdminArguments {
    /// Asks, and answers the JSON of a success. One connection for each question: this is for people.
    pub(super) fn ask(&self, method: &str, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let authorization = self.authorization()?;
        let answer = self
            .exchange(method, &with_query(path, query), &authorization)
            .map_err(|reason| Failure::Unreachable { address: self.admin.clone(), reason })?;
        let whole = answer.split_once("\r\n\r\n").and_then(|(head, body)| Some((head.get(9..12)?, body)));
        let (status, body) = whole.ok_or_else(|| Failure::Unintelligible(answer.chars().take(100).collect()))?;
        if status != "200" {
            return Err(Failure::Refused(body.trim().to_owned()));
        }
        serde_json::from_str(body).map_err(|error| Failure::Unintelligible(error.to_string()))
    }

    /// Asks for what may be too much for memory, and answers the body of a success as it comes. It ends with the connection, so
    /// it has to say itself whether it is whole.
    pub(super) fn stream(&self, method: &str, path: &str) -> Result<impl Read + use<>, Failure> {
        let authorization = self.authorization()?;
        let unreachable = |reason| Failure::Unreachable { address: self.admin.clone(), reason };
        let begin = || {
            // As of 1.0, because that has no chunks.
            let mut answer = BufReader::new(self.send(method, path, &authorization, "1.0")?);
            let mut status = String::new();
            // Heads are small; what is none is not read without bound.
            answer.by_ref().take(HEAD_BYTES_MAX).read_line(&mut status)?;
            let mut line = String::from("-");
            while !line.trim_end().is_empty() {
                line.clear();
                answer.by_ref().take(HEAD_BYTES_MAX).read_line(&mut line)?;
            }
            Ok((status, answer))
        };
        let (status, mut answer) = begin().map_err(unreachable)?;
        match status.get(9..12) {
            Some("200") => Ok(answer),
            Some(_) => {
                let mut reason = String::new();
                answer.by_ref().take(HEAD_BYTES_MAX).read_to_string(&mut reason).map_err(unreachable)?;
                Err(Failure::Refused(reason.trim().to_owned()))
            }
            None => Err(Failure::Unintelligible(status)),
        }
    }

    /// The header with the token, or nothing.
    fn authorization(&self) -> Result<String, Failure> {
        let Some(file) = &self.token_file else { return Ok(String::new()) };
        let token = std::fs::read_to_string(file).map_err(|reason| Failure::Token { file: file.clone(), reason })?;
        Ok(format!("Authorization: Bearer {}\r\n", token.trim()))
    }

    fn send(&self, method: &str, path: &str, authorization: &str, version: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.admin)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let host = &self.admin;
        let head = format!(
            "{method} {path} HTTP/{version}\r\nHost: {host}\r\n{authorization}Connection: close\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        Ok(stream)
    }

    fn exchange(&self, method: &str, path: &str, authorization: &str) -> std::io::Result<String> {
        let mut stream = self.send(method, path, authorization, "1.1")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
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
