//! Starting: what is refused, and what a client of the wrong kind meets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use crate::support::Daemon;

fn eventyard(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_eventyard")).args(arguments).output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout),
    )
}

#[test]
fn all_faults_of_the_configuration_are_listed_and_nothing_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("eventyard.toml");
    std::fs::write(&file, "[api]\nlistn = \"127.0.0.1:1\"\n[delivery]\nbackoff_base_ms = \"soon\"\n").unwrap();
    let data_dir = dir.path().join("data");
    let (code, text) = eventyard(&[
        "serve",
        "--config",
        &file.to_string_lossy(),
        "--data-dir",
        &data_dir.to_string_lossy(),
        "--listen",
        "0.0.0.0:1",
    ]);
    assert_eq!(code, Some(2), "{text}");
    for part in ["listn", "listen", "backoff_base_ms", "0.0.0.0:1", "dangerous_allow_anonymous"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(!data_dir.exists());
}

#[test]
fn what_config_show_prints_can_be_loaded_again() {
    let (code, text) = eventyard(&["config", "show"]);
    assert_eq!(code, Some(0), "{text}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shown.toml");
    std::fs::write(&file, text).unwrap();
    assert_eq!(eventyard(&["config", "check", "--config", &file.to_string_lossy()]).0, Some(0));
}

#[test]
fn one_data_directory_has_one_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Daemon::start_in(dir.path(), &[]);
    let (code, text) = eventyard(&[
        "serve",
        "--data-dir",
        &dir.path().to_string_lossy(),
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is another eventyard using this data directory"), "{text}");
}

#[test]
fn a_taken_port_is_named() {
    let daemon = Daemon::start(&[]);
    let taken = daemon.api().0.to_string();
    let dir = tempfile::tempdir().unwrap();
    let (code, text) = eventyard(&["serve", "--data-dir", &dir.path().to_string_lossy(), "--listen", &taken]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&taken) && text.contains("api.listen"), "{text}");
}

#[test]
fn headers_without_end_are_refused() {
    let daemon = Daemon::start(&[]);
    let api = daemon.api();
    let long = "x".repeat(400 * 1024);
    assert_eq!(api.request("POST", "/", &[("X-Long", &long)], b"{}").map_or(431, |reply| reply.status), 431);
    let many = vec![("X-Many", "x"); 200];
    assert_eq!(api.request("POST", "/", &many, b"{}").map_or(431, |reply| reply.status), 431);
    let some = vec![("X-Some", "x"); 50];
    assert_eq!(api.request("POST", "/", &some, b"{}").unwrap().status, 400, "it names no operation");
}

#[test]
fn web_pages_cannot_put_events() {
    let daemon = Daemon::start(&[]);
    let event = br#"{"Source": "s", "DetailType": "t", "Detail": {}}"#;
    let put = |headers: &[(&str, &str)]| daemon.api().request("POST", "/events", headers, event).unwrap().status;
    assert_eq!(put(&[("Origin", "https://example.com"), ("Content-Type", "text/plain")]), 400);
    assert_eq!(put(&[]), 200);
}

#[test]
fn a_request_that_does_not_come_to_its_end_is_ended() {
    let daemon = Daemon::start(&[("API__HEADER_TIMEOUT_MS", "200"), ("API__REQUEST_TIMEOUT_MS", "300")]);
    let body_missing = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{";
    for (sent, expected) in [(b"POST / HT".as_slice(), ""), (body_missing.as_slice(), "HTTP/1.1 408")] {
        let mut stream = TcpStream::connect(daemon.api().0).unwrap();
        stream.write_all(sent).unwrap();
        let mut answer = Vec::new();
        // The far end closes; whether it says so first is for HTTP to decide.
        let _ = stream.read_to_end(&mut answer);
        assert!(String::from_utf8_lossy(&answer).starts_with(expected), "{answer:?}");
    }
}

#[test]
fn the_demo_does_the_main_job_and_ends() {
    let (code, text) = eventyard(&["demo"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches("delivered to the sink: {").count(), 2, "{text}");
}

#[test]
fn the_admin_listener_answers_what_it_has() {
    let daemon = Daemon::start(&[]);
    let admin = daemon.admin();
    let status = |path: &str| admin.get(path).unwrap().status;
    assert_eq!(
        (status("/health/live"), status("/health/ready"), status("/metrics"), status("/dead-letters")),
        (200, 200, 200, 200)
    );
    assert_eq!(status("/nothing"), 404);
    assert_eq!(status("/dead-letters?limit=0"), 400);
    assert_eq!(status("/dead-letters?after=x"), 400);
    assert_eq!(status("/dead-letters?colour=red"), 400);
    assert_eq!(admin.request("PUT", "/dead-letters", &[], b"").unwrap().status, 405);
}
