//! `docs/CONFIGURATION.md` is written from `config/eventyard.toml`.

use std::fmt::Write as _;
use std::path::PathBuf;

const BEGINNING: &str = "# Configuration\n\n<!-- Written from config/eventyard.toml by `EVENTYARD_WRITE_DOCS=1 cargo test --test it configuration`. -->\n\n";

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The defaults file as a page: sections and options become headings, and a comment the text behind the heading that it is
/// written before.
fn page(defaults: &str) -> String {
    let (mut page, mut comment, mut section) = (BEGINNING.to_owned(), Vec::new(), String::new());
    for line in defaults.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.strip_prefix(' ').unwrap_or(text));
            continue;
        }
        let name = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        if let Some(name) = name {
            name.clone_into(&mut section);
            // Writing to a String cannot fail.
            let _ = write!(page, "## [{name}]\n\n");
        } else if let Some((option, value)) = line.split_once(" = ") {
            let variable = format!("EVENTYARD_{section}__{option}").to_ascii_uppercase();
            let _ = write!(page, "### {section}.{option}\n\nDefault `{value}`, in the environment `{variable}`.\n\n");
        }
        push_comment(&mut page, &std::mem::take(&mut comment));
    }
    push_comment(&mut page, &comment);
    format!("{}\n", page.trim_end())
}

/// A comment; what is indented in it is an example, or a list.
fn push_comment(page: &mut String, comment: &[&str]) {
    let mut is_example = false;
    for line in comment {
        let begins = line.starts_with("  ") && !line.trim_start().starts_with(|first: char| first.is_ascii_digit());
        if begins != is_example && !line.is_empty() {
            page.push_str(if begins { "```toml\n" } else { "```\n\n" });
            is_example = begins;
        }
        let text = if is_example { line.strip_prefix("  ").unwrap_or(line) } else { line.trim_start() };
        page.push_str(text);
        page.push('\n');
    }
    if is_example {
        page.push_str("```\n");
    }
    if !comment.is_empty() {
        page.push('\n');
    }
}

#[test]
fn the_page_says_what_the_defaults_file_says() {
    let read = |path| std::fs::read_to_string(file(path)).unwrap_or_default();
    let expected = page(&read("config/eventyard.toml"));
    if std::env::var_os("EVENTYARD_WRITE_DOCS").is_some() {
        std::fs::write(file("docs/CONFIGURATION.md"), &expected).unwrap();
    }
    assert!(
        read("docs/CONFIGURATION.md") == expected,
        "docs/CONFIGURATION.md is not what config/eventyard.toml says; write it anew with \
         EVENTYARD_WRITE_DOCS=1 cargo test --test it configuration"
    );
}

#[test]
fn a_section_an_option_and_an_example_become_a_page() {
    let defaults = "# First.\n\n[a]\n# What it is.\nb_ms = 5\n\n# A list:\n#\n#   [[c]]\n#   d = 1\n";
    let expected = "First.\n\n## [a]\n\n### a.b_ms\n\nDefault `5`, in the environment `EVENTYARD_A__B_MS`.\n\nWhat it is.\n\n\
                    A list:\n\n```toml\n[[c]]\nd = 1\n```\n";
    assert_eq!(page(defaults), format!("{BEGINNING}{expected}"));
}
