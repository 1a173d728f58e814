//! Any signature on any request: no panic, and nobody without the secret is let in.
//!
//! The input is an Authorization header, a time, a query and a header's name and value, separated by zero bytes.
#![no_main]

use eventyard_core::clock::Timestamp;
use eventyard_core::secret::Secret;
use eventyard_core::sigv4::{Claim, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parts: Vec<&str> = text.split('\0').collect();
    let [authorization, time, query, name, value] = parts[..] else { return };
    let mut headers = vec![("host", b"h".as_slice()), ("x-amz-date", time.as_bytes()), (name, value.as_bytes())];
    if !authorization.is_empty() {
        headers.push(("authorization", authorization.as_bytes()));
    }
    let request = Request { method: "POST", path: "/", query, headers, body: b"{}" };
    if let Ok(Some(claim)) = Claim::read(&request) {
        let now = Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").unwrap_or(Timestamp::EPOCH);
        assert!(claim.verify(&request, &Secret::new("a secret that is not in any input"), now).is_err());
    }
});
