//! The Dockerfile: what it copies is there, and is all that a build reads. With hadolint, its style.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const DOCKERFILE: &str = "deploy/docker/Dockerfile";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// What the Dockerfile copies from the project.
fn copied() -> BTreeSet<String> {
    let dockerfile = read(DOCKERFILE);
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    let of_the_project = copies.filter(|words| !words.starts_with("--"));
    let words = of_the_project.flat_map(|words| {
        let words: Vec<_> = words.split(' ').map(ToOwned::to_owned).collect();
        words[..words.len() - 1].to_vec()
    });
    words.collect()
}

/// All files in a folder and below, or the file itself.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    std::fs::read_dir(path).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect()
}

#[test]
fn what_it_copies_is_there_and_is_what_docker_is_sent() {
    let copied = copied();
    for path in &copied {
        assert!(root().join(path).exists(), "{path}");
    }
    let ignored = read(".dockerignore");
    let sent: BTreeSet<_> = ignored.lines().filter_map(|line| line.strip_prefix('!')).map(ToOwned::to_owned).collect();
    assert_eq!(sent, copied);
}

#[test]
fn cargo_finds_all_that_the_manifests_name_in_what_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    for path in copied() {
        for file in files(&root().join(path)) {
            let to = folder.path().join(file.strip_prefix(root()).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(file, to).unwrap();
        }
    }
    let read = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1", "--no-deps"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn what_the_sources_include_is_copied() {
    let copied = copied();
    let sources = ["src", "migrations", "crates/eventyard-core/src"].map(|folder| files(&root().join(folder)));
    let mut included = 0;
    for source in sources.iter().flatten().filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
        let text = std::fs::read_to_string(source).unwrap();
        for mark in ["include_str!(\"", "include_bytes!(\"", "#[path = \""] {
            for rest in text.split(mark).skip(1) {
                let named = source.parent().unwrap().join(rest.split('"').next().unwrap());
                let Ok(path) = named.canonicalize() else {
                    panic!("{} includes {}", source.display(), named.display())
                };
                let path = path.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
                let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
                assert!(copied.contains(&first), "{} includes {}", source.display(), path.display());
                included += 1;
            }
        }
    }
    assert!(included > 0);
}

#[test]
fn the_tools_have_the_versions_that_the_tests_use() {
    let wanted = read("tests/environment.sh");
    let version = wanted.lines().find_map(|line| line.strip_prefix("CARGO_AUDITABLE_VERSION=")).unwrap();
    assert!(read(DOCKERFILE).contains(&format!("cargo install cargo-auditable --version {version} --locked")));
}

#[test]
fn hadolint_has_nothing_against_it() {
    let Ok(said) = Command::new("hadolint").arg(root().join(DOCKERFILE)).output() else {
        println!("SKIPPED: hadolint is not installed; the style of the Dockerfile was not looked at");
        return;
    };
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}
