//! A client of a few lines: one request, one connection.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The status line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn error_code(&self) -> String {
        self.json()["__type"].as_str().unwrap_or_default().to_owned()
    }
}

/// A client of one listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) SocketAddr);

impl Client {
    /// One request of any kind.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        let mut stream = TcpStream::connect_timeout(&self.0, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.0,
            body.len()
        );
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        stream.write_all(&[head.as_bytes(), b"\r\n", body].concat())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let parsed =
            answer.split_once("\r\n\r\n").and_then(|(head, body)| Some((head.get(9..12)?.parse().ok()?, head, body)));
        let (status, head, body) =
            parsed.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no whole answer"))?;
        Ok(Reply { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// One operation.
    pub(crate) fn try_call(&self, operation: &str, input: &Value) -> io::Result<Reply> {
        let target = format!("AWSEvents.{operation}");
        let headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target.as_str())];
        self.request("POST", "/", &headers, input.to_string().as_bytes())
    }

    /// One operation that must succeed.
    pub(crate) fn call(&self, operation: &str, input: &Value) -> String {
        let reply = self.try_call(operation, input).unwrap();
        assert_eq!(reply.status, 200, "{operation}: {}", reply.body);
        reply.body
    }

    /// A GET.
    pub(crate) fn get(&self, path: &str) -> io::Result<Reply> {
        self.request("GET", path, &[], b"")
    }

    /// A rule that takes events with this source, and its one target.
    pub(crate) fn route(&self, source: &str, target: impl Into<Value>) {
        let pattern = json!({"source": [source]}).to_string();
        self.call("PutRule", &json!({"Name": source, "EventPattern": pattern}));
        self.call("PutTargets", &json!({"Rule": source, "Targets": [target.into()]}));
    }

    /// Puts one event, which must be accepted.
    pub(crate) fn put(&self, source: &str, detail: &Value) {
        let entry = json!({"Source": source, "DetailType": "test", "Detail": detail.to_string()});
        let body = self.call("PutEvents", &json!({"Entries": [entry]}));
        assert!(body.contains(r#""FailedEntryCount":0"#), "{body}");
    }
}
