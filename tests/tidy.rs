//! Holds the architecture: floors, fences, a `//!` first in every file, the length of files.
//!
//! The tables stand here. [`rules`] holds one function for each rule, from a path and a text to what is wrong;
//! [`source`] reads Rust well enough to know names from comments and strings; [`bites`] breaks each rule on purpose.

#[path = "tidy/bites.rs"]
mod bites;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The modules of the daemon by floor. A module uses lower floors only; neighbours on one floor never meet, but for the
/// highest, which is the program around the daemon.
const FLOORS: [(u8, &[&str]); 9] = [
    (8, &["main", "demo", "cli"]),
    (7, &["app"]),
    (6, &["api", "delivery", "scheduler", "upkeep", "admin"]),
    (5, &["engine", "auth", "backup"]),
    (4, &["store", "journal", "http"]),
    (3, &["runtime"]),
    (2, &["telemetry"]),
    (1, &["config"]),
    (0, &["eventyard_core"]),
];

/// The floor on which neighbours may meet.
const FLOOR_OF_THE_PROGRAM: u8 = 8;

/// The modules that the steps in `migrations/` are part of, by `#[path]`.
const MODULES_WITH_MIGRATIONS: [&str; 2] = ["store", "journal"];

/// Which library may be named only where: a folder ends with `/`, everything else is one file.
const FENCES: [(&str, &[&str]); 27] = [
    ("sled", &["src/store/", "migrations/"]),
    ("fjall", &["src/journal/", "migrations/"]),
    ("hyper", &["src/http/", "src/api/", "src/admin/", "tests/", "benches/", "fuzz/"]),
    ("hyper_util", &["src/http/", "src/api/", "src/admin/", "tests/", "benches/"]),
    ("http_body_util", &["src/http/", "src/api/", "src/admin/", "tests/", "benches/", "fuzz/"]),
    ("redis", &["src/delivery/senders/broker/", "crates/eventyard-core/src/target/broker/"]),
    ("reqwest", &["src/delivery/", "src/cli/", "src/telemetry/traces/"]),
    ("rustls", &["src/http/", "src/delivery/", "src/cli/", "src/telemetry/traces/"]),
    ("opentelemetry_proto", &["src/telemetry/traces/", "tests/it/traces.rs"]),
    ("prost", &["src/telemetry/traces/", "tests/it/traces.rs"]),
    ("rustls_platform_verifier", &["src/delivery/senders/broker/dial.rs"]),
    ("listenfd", &["src/runtime/inherited_sockets.rs"]),
    ("clap_complete", &["src/cli/mod.rs"]),
    ("granit_parser", &["src/cli/rules/"]),
    ("tokio_rustls", &["src/http/", "src/delivery/senders/broker/dial.rs"]),
    ("cron", &["crates/eventyard-core/src/schedule/"]),
    ("chrono_tz", &["crates/eventyard-core/src/schedule/", "crates/eventyard-core/tests/"]),
    (
        "chrono",
        &[
            "crates/eventyard-core/src/schedule/",
            "crates/eventyard-core/src/clock.rs",
            "crates/eventyard-core/tests/",
            "fuzz/",
        ],
    ),
    ("tokio_cron_scheduler", &["src/scheduler/"]),
    ("prometheus", &["src/telemetry/", "src/admin/"]),
    ("tracing_subscriber", &["src/telemetry/"]),
    ("hmac", &["crates/eventyard-core/src/sigv4/", "crates/eventyard-core/src/connection/signing.rs"]),
    (
        "percent_encoding",
        &["crates/eventyard-core/src/sigv4/", "crates/eventyard-core/src/cloud_event.rs", "src/api/cloud_events/"],
    ),
    ("ring", &["crates/eventyard-core/src/connection/signing.rs"]),
    ("flate2", &["src/delivery/senders/http/"]),
    (
        "base64",
        &[
            "crates/eventyard-core/src/cloud_event.rs",
            "crates/eventyard-core/src/connection/signing.rs",
            "src/api/cloud_events/",
            "src/delivery/senders/",
        ],
    ),
    ("subtle", &["crates/eventyard-core/src/secret.rs"]),
];

/// What the pure package must not depend on, whatever for.
const NOT_IN_THE_CORE: [&str; 6] = ["tokio", "hyper", "sled", "fjall", "reqwest", "tracing-subscriber"];

/// A file of more lines than this is the prompt to look again whether it is two.
const LINES_MAX: usize = 500;

/// The folders that hold Rust.
const FOLDERS: [&str; 6] = ["src", "migrations", "crates", "tests", "benches", "fuzz"];

/// Reports everything that `rule` finds in the Rust files of the project.
#[track_caller]
fn hold(rule: fn(&str, &str) -> Vec<String>) -> io::Result<()> {
    let found: Vec<_> = rust_files()?.iter().flat_map(|(path, text)| rule(path, text)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    Ok(())
}

#[test]
fn modules_use_lower_floors_only() -> io::Result<()> {
    hold(rules::floors)
}

#[test]
fn libraries_stay_behind_their_fences() -> io::Result<()> {
    hold(rules::fences)
}

#[test]
fn every_file_says_first_what_it_holds() -> io::Result<()> {
    hold(rules::doc_first)
}

#[test]
fn files_are_short() -> io::Result<()> {
    hold(rules::length)
}

#[test]
fn the_library_root_only_declares_modules() -> io::Result<()> {
    hold(rules::library_root)
}

#[test]
fn the_core_depends_on_nothing_that_does_input_or_output() {
    let path = "crates/eventyard-core/Cargo.toml";
    let found = rules::core_dependencies(path, &fs::read_to_string(root().join(path)).unwrap());
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_walk_sees_the_project() {
    let files = rust_files().unwrap();
    for path in ["src/main.rs", "src/config/mod.rs", "crates/eventyard-core/src/lib.rs", "tests/tidy/rules.rs"] {
        assert!(files.iter().any(|(found, _)| found == path), "{path} was not looked at");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the project: its path from the root, with `/`, and its text.
fn rust_files() -> io::Result<Vec<(String, String)>> {
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|name| root().join(name)).filter(|path| path.exists()).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                // Build output, as fuzzing leaves it beside its sources.
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                files.push((name, fs::read_to_string(&path)?));
            }
        }
    }
    Ok(files)
}
