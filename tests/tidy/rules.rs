//! One function for each rule: from a file's path and text to what is wrong in it, one line each.

use crate::source::{self, Kind, Path, Token};
use crate::{FENCES, FLOOR_OF_THE_PROGRAM, FLOORS, LINES_MAX, MODULES_WITH_MIGRATIONS, NOT_IN_THE_CORE};

/// A module of the daemon uses lower floors only, and neighbours on one floor never meet.
pub(crate) fn floors(path: &str, text: &str) -> Vec<String> {
    let Some(place) = place(path) else { return Vec::new() };
    let Some(own_floor) = place.modules.iter().find_map(|module| floor(module)) else {
        return vec![format!("{path}: {} has no floor: give it a floor in FLOORS", place.modules.join(", "))];
    };
    let mut found = Vec::new();
    for used in source::paths(&source::tokens(text)) {
        let Some(module) = daemon_module(&used, place.depth) else { continue };
        if place.modules.contains(&module.as_str()) {
            continue;
        }
        let at = format!("{path}:{}", used.line);
        match floor(&module) {
            None => found.push(format!("{at}: crate::{module} has no floor: give it a floor in FLOORS")),
            Some(other) if other < own_floor => {}
            Some(other) if other == own_floor && other == FLOOR_OF_THE_PROGRAM => {}
            Some(other) => found.push(format!("{at}: floor {own_floor} must not use {module} on floor {other}")),
        }
    }
    found
}

/// Where a file stands in the tree of modules.
struct Place<'p> {
    /// The modules of the daemon it is part of.
    modules: Vec<&'p str>,
    /// How many `super` lead from its top to the root.
    depth: usize,
}

/// The place of a file of the daemon; `None` for every other file, and for the root of the library.
fn place(path: &str) -> Option<Place<'_>> {
    if let Some(step) = path.strip_prefix("migrations/") {
        return Some(Place { modules: MODULES_WITH_MIGRATIONS.to_vec(), depth: 2 + step.matches('/').count() });
    }
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    match inner {
        "lib" => None,
        "main" => Some(Place { modules: vec!["main"], depth: 0 }),
        inner => {
            let inner = inner.strip_suffix("/mod").unwrap_or(inner);
            let modules = inner.split('/').take(1).collect();
            Some(Place { modules, depth: inner.split('/').count() })
        }
    }
}

/// The module of the daemon that a path names from the root, if it names one.
fn daemon_module(path: &Path, file_depth: usize) -> Option<String> {
    let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
    let depth = file_depth + path.inline_modules;
    let from_the_root = match path.segments[0].as_str() {
        "crate" | "eventyard" => 1,
        "super" if supers >= depth => supers,
        "self" if depth == 0 => 1,
        _ => return None,
    };
    // `pub(crate)` and its like name no module; `use crate as root` would hide all names that follow.
    let alone = path.segments.len() == from_the_root;
    if alone && !path.imported {
        return None;
    }
    Some(path.segments.get(from_the_root).map_or("(everything)", String::as_str).to_owned())
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, modules)| modules.contains(&module)).map(|(floor, _)| *floor)
}

/// A library is named only inside of its fence.
pub(crate) fn fences(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for used in source::paths(&source::tokens(text)) {
        let Some((library, fence)) = FENCES.iter().find(|(library, _)| used.segments[0] == *library) else { continue };
        let names_the_library = used.imported || used.segments.len() > 1;
        let inside = fence.iter().any(|allowed| match allowed.strip_suffix('/') {
            Some(_) => path.starts_with(allowed),
            None => path == *allowed,
        });
        if names_the_library && !inside {
            found.push(format!("{path}:{}: {library} may be named only in {}", used.line, fence.join(", ")));
        }
    }
    found
}

/// The first thing in a file says what the file holds.
pub(crate) fn doc_first(path: &str, text: &str) -> Vec<String> {
    let says_something = text.lines().next().and_then(|line| line.strip_prefix("//!")).is_some_and(|doc| {
        let doc = doc.trim();
        !doc.is_empty()
    });
    if says_something {
        return Vec::new();
    }
    vec![format!("{path}:1: begin with `//!` and what the file holds")]
}

/// A file is short.
pub(crate) fn length(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![format!("{path}: {lines} lines; with more than {LINES_MAX} look again whether it is two files")]
}

/// `src/lib.rs` declares modules and nothing else, so that nothing stands outside of the floors.
pub(crate) fn library_root(path: &str, text: &str) -> Vec<String> {
    if path != "src/lib.rs" {
        return Vec::new();
    }
    let tokens = source::tokens(text);
    let mut rest = tokens.as_slice();
    let mut found = Vec::new();
    while let Some(first) = rest.first() {
        rest = skip_attribute(rest);
        let declaration = rest.strip_prefix_word("pub");
        match declaration {
            [keyword, Token { kind: Kind::Word(module), .. }, end, ..]
                if keyword.is_word("mod") && end.is_sign(';') =>
            {
                if floor(module).is_none() {
                    found.push(format!("{path}:{}: {module} has no floor: give it a floor in FLOORS", keyword.line));
                }
                rest = &declaration[3..];
            }
            [] if rest.is_empty() => {}
            _ => {
                found.push(format!("{path}:{}: only `pub mod name;` may stand here", first.line));
                break;
            }
        }
    }
    found
}

trait StripPrefixWord {
    fn strip_prefix_word(&self, word: &str) -> &[Token];
}

impl StripPrefixWord for [Token] {
    fn strip_prefix_word(&self, word: &str) -> &[Token] {
        if self.first().is_some_and(|token| token.is_word(word)) { &self[1..] } else { self }
    }
}

/// What follows the attributes at the start of `tokens`.
fn skip_attribute(mut tokens: &[Token]) -> &[Token] {
    while tokens.first().is_some_and(|token| token.is_sign('#')) {
        let mut depth = 0;
        let end = tokens.iter().position(|token| {
            depth += i32::from(token.is_sign('['));
            depth -= i32::from(token.is_sign(']'));
            depth == 0 && token.is_sign(']')
        });
        tokens = end.map_or(&[], |end| &tokens[end + 1..]);
    }
    tokens
}

/// The manifest of the pure package names nothing that does input or output.
pub(crate) fn core_dependencies(path: &str, text: &str) -> Vec<String> {
    let manifest: toml::Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{path}: {error}")],
    };
    let mut found = Vec::new();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    for table in tables.chain([&manifest]) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, dependency) in table.get(kind).and_then(toml::Value::as_table).into_iter().flatten() {
                let package = dependency.get("package").and_then(toml::Value::as_str).unwrap_or(name);
                if NOT_IN_THE_CORE.contains(&package) {
                    found.push(format!("{path}: {package} does not belong into the pure package ({kind})"));
                }
            }
        }
    }
    found
}
