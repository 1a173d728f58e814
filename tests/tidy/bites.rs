//! Breaks each rule on purpose, to show that it bites, and that it leaves alone what is right.

use crate::rules;

/// The rule finds something in `text`, and what it finds says so with `reason`.
#[track_caller]
fn bites(rule: fn(&str, &str) -> Vec<String>, path: &str, text: &str, reason: &str) {
    let found = rule(path, text);
    assert!(found.iter().any(|line| line.contains(reason)), "{reason:?} is not in {found:?} about {path}: {text}");
    assert!(found.iter().all(|line| line.starts_with(path)), "{found:?}");
}

#[track_caller]
fn accepts(rule: fn(&str, &str) -> Vec<String>, path: &str, text: &str) {
    assert_eq!(rule(path, text), Vec::<String>::new(), "about {path}: {text}");
}

#[test]
fn floors_bite() {
    let up = "floor 1 must not use engine on floor 5";
    for text in [
        "use crate::engine::Engine;",
        "pub use ::{crate::engine};",
        "use crate::{telemetryx as t, engine::{self, Engine}};",
        "use {std::fmt, crate::engine as e};",
        "fn f() { crate::engine::start() }",
        "fn f(engine: &crate::engine::Engine) {}",
        "pub(in crate::engine) struct S;",
        "macro_rules! m { () => { $crate::engine::start() } }",
        "use super::engine;",
        "use super::{engine as e};",
        "mod tests { use super::super::engine; }",
        "mod tests { use super::{super::engine::Engine}; }",
        "const A: char = '\"'; use crate::engine; const B: char = '\"';",
        "const A: &str = r#\"\"\"#; use crate::engine; // \"",
        "fn f<'a>(x: &'a str) { crate::engine::start(x, 'a') }",
        "/* /* */ */ use crate::engine;",
        "use crate::r#engine;",
    ] {
        bites(rules::floors, "src/config/mod.rs", text, up);
    }
    bites(rules::floors, "src/config/deep/er.rs", "use super::super::super::engine;", up);
    bites(rules::floors, "src/api/mod.rs", "use crate::delivery::Sender;", "floor 6 must not use delivery on floor 6");
    bites(rules::floors, "src/store/mod.rs", "use crate::journal::Journal;", "floor 4 must not use journal on floor 4");
    bites(rules::floors, "src/engine/mod.rs", "use crate::app;", "must not use app on floor 7");
    bites(rules::floors, "src/app.rs", "use crate::demo;", "must not use demo on floor 8");
    bites(rules::floors, "migrations/m0001.rs", "use crate::http::Listener;", "must not use http on floor 4");
    bites(rules::floors, "src/config/mod.rs", "\n\nuse crate::engine;", "src/config/mod.rs:3: ");
}

#[test]
fn floors_accept_what_is_lower() {
    for text in [
        "use crate::config::Config;",
        "use super::super::config;",
        "use crate::engine::rules;",
        "use eventyard_core::pattern; use std::fmt; use serde_json::Value;",
        "pub(crate) fn engine() {} pub(super) fn api() {}",
        "// crate::api\n/* crate::api */ const S: &str = \"crate::api \\\" crate::api\";",
        "const R: &str = r##\"crate::api \"# crate::api\"##; const B: &[u8] = b\"crate::api\";",
        "#[doc = \"crate::api\"]\nmod x { use super::*; fn f() { super::api::g() } }",
    ] {
        accepts(rules::floors, "src/engine/rules.rs", text);
    }
    accepts(rules::floors, "src/main.rs", "mod demo; mod cli; use eventyard::app::App; fn main() { demo::run() }");
    accepts(rules::floors, "src/cli/mod.rs", "use crate::demo; use eventyard::config::Config;");
    accepts(rules::floors, "migrations/m0001.rs", "use crate::store::Schema; use crate::config::Config;");
    accepts(rules::floors, "tests/it/main.rs", "use eventyard::app::App;");
}

#[test]
fn a_module_without_a_floor_bites() {
    let reason = "give it a floor";
    bites(rules::floors, "src/attic/mod.rs", "", reason);
    bites(rules::floors, "src/attic.rs", "", reason);
    for text in ["use crate::attic::Box;", "use crate::*;", "use crate as root;", "use crate::{self as root};"] {
        bites(rules::floors, "src/app.rs", text, reason);
    }
    bites(rules::library_root, "src/lib.rs", "pub mod attic;", reason);
}

#[test]
fn fences_bite() {
    for text in [
        "use sled::Db;",
        "use sled;",
        "use ::sled::Db;",
        "use {std::fmt, sled::{Db, Tree}};",
        "extern crate sled;",
        "extern crate sled as s;",
        "fn f(db: &sled::Db) {}",
        "fn f() { let x = <sled::Db as Clone>::clone(y); }",
    ] {
        bites(rules::fences, "src/engine/rules.rs", text, "sled may be named only in src/store/");
        accepts(rules::fences, "src/store/rules.rs", text);
    }
    for (library, _) in crate::FENCES {
        bites(rules::fences, "src/config/mod.rs", &format!("use {library}::x;"), library);
    }
    bites(rules::fences, "src/store/rules.rs", "use fjall::Keyspace;", "fjall may be named only in src/journal/");
    bites(rules::fences, "src/demo.rs", "use hyper::Request;", "hyper may be named only in");
    bites(rules::fences, "tests/it/main.rs", "use sled::Db;", "sled may be named only in");
    bites(rules::fences, "crates/eventyard-core/src/clock_face.rs", "use chrono::Utc;", "chrono may be named only in");
}

#[test]
fn fences_leave_other_names_alone() {
    accepts(rules::fences, "tests/it/main.rs", "use hyper::Request;");
    accepts(rules::fences, "crates/eventyard-core/src/clock.rs", "use chrono::Utc;");
    for text in [
        "// sled::Db\nconst S: &str = \"sled::Db\";",
        "let cron = 1; f(cron, self.prometheus);",
        "use crate::schedule::cron::parse;",
        "use sleds::Db; use hyper_like::x;",
    ] {
        accepts(rules::fences, "src/engine/mod.rs", text);
    }
}

#[test]
fn doc_first_bites() {
    let reason = "begin with `//!`";
    for text in
        ["", "fn main() {}", "// A comment.\n//! Too late.", "\n//! Too late.", "/// Of something else.", "//!\n"]
    {
        bites(rules::doc_first, "src/a.rs", text, reason);
    }
    accepts(rules::doc_first, "src/a.rs", "//! What it holds.\n");
}

#[test]
fn length_bites() {
    let lines = |count: usize| "//! Long.\n".repeat(count);
    bites(rules::length, "src/a.rs", &lines(crate::LINES_MAX + 1), "look again");
    accepts(rules::length, "src/a.rs", &lines(crate::LINES_MAX));
}

#[test]
fn library_root_bites() {
    let reason = "only `pub mod name;` may stand here";
    for text in ["pub use config::Config;", "pub mod config; fn f() {}", "pub mod config { }", "#[cfg(test)] fn f() {}"]
    {
        bites(rules::library_root, "src/lib.rs", text, reason);
    }
    let right = "//! Doc.\n#![forbid(unsafe_code)]\n/// Doc.\n#[doc(hidden)]\npub mod config;\nmod engine;";
    accepts(rules::library_root, "src/lib.rs", right);
    accepts(rules::library_root, "src/app.rs", "fn f() {}");
}

#[test]
fn core_dependencies_bite() {
    let reason = "does not belong into the pure package";
    for text in [
        "[dependencies]\ntokio = \"1\"",
        "[dev-dependencies.hyper]\nversion = \"1\"",
        "[build-dependencies]\nsled.workspace = true",
        "[target.'cfg(unix)'.dependencies]\nfjall = \"3\"",
        "[dependencies]\nclient = { package = \"reqwest\", version = \"0.13\" }",
    ] {
        bites(rules::core_dependencies, "crates/eventyard-core/Cargo.toml", text, reason);
    }
    bites(rules::core_dependencies, "crates/eventyard-core/Cargo.toml", "[dependencies", "TOML");
    accepts(rules::core_dependencies, "Cargo.toml", "[dependencies]\n# tokio\nserde = \"1\"\n[features]\ntokio = []");
}
