//! Targets on the daemon's own machine, for trying things out: its output, and files below a folder.

use std::path::{Component, Path, PathBuf};

use super::percent::decode;

/// The Arn of the daemon's output.
const STDOUT: &str = "stdout:";
const FILE: &str = "file://";

/// Where events are written, one a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LocalTarget {
    /// The daemon's standard output.
    Stdout,
    /// The end of a file: an absolute path without `.` and `..`.
    File(PathBuf),
}

/// What of the daemon's machine targets may use.
#[derive(Clone, Debug, Default)]
pub struct LocalTargets {
    /// Whether events may be written to its standard output.
    pub stdout: bool,
    /// The folder below which events may be written to files.
    pub folder: Option<PathBuf>,
}

impl LocalTarget {
    /// Reads the Arn of a target, if it is one of these.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence about the URL.
    pub(super) fn parse(arn: &str) -> Option<Result<Self, &'static str>> {
        if arn == STDOUT {
            return Some(Ok(Self::Stdout));
        }
        let path = arn.strip_prefix(FILE)?;
        Some(file(path).map(Self::File))
    }
}

fn file(path: &str) -> Result<PathBuf, &'static str> {
    if !path.starts_with('/') {
        return Err("names another machine; the path of a file here begins behind three slashes");
    }
    if path.contains(['?', '#', '*', '{', '}']) {
        return Err("has more than a path");
    }
    let path = decode(path)?;
    if path.ends_with('/') || path.contains("//") || path.chars().any(char::is_control) {
        return Err("has a path that is not that of a file");
    }
    let path = PathBuf::from(path);
    let is_plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if is_plain { Ok(path) } else { Err("has a path with '.' or '..'") }
}

impl LocalTargets {
    /// Whether a target may be used.
    ///
    /// # Errors
    /// Why not, and which option says so.
    pub fn check(&self, target: &LocalTarget) -> Result<(), String> {
        match (target, &self.folder) {
            (LocalTarget::Stdout, _) if self.stdout => Ok(()),
            (LocalTarget::Stdout, _) => Err("local_targets.stdout does not let rules write to the output".to_owned()),
            (LocalTarget::File(path), Some(folder)) if path.starts_with(folder) && path != folder => Ok(()),
            (LocalTarget::File(_), Some(folder)) => {
                Err(format!("files are written below {} only, as local_targets.folder says", Path::display(folder)))
            }
            (LocalTarget::File(_), None) => Err("local_targets.folder names no folder for files".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_the_output_or_a_file() {
        let parse = |arn| LocalTarget::parse(arn).map(Result::unwrap);
        assert_eq!(parse("stdout:"), Some(LocalTarget::Stdout));
        assert_eq!(parse("file:///a/b%20c.jsonl"), Some(LocalTarget::File("/a/b c.jsonl".into())));
        assert_eq!(parse("http://h/"), None);
        for arn in [
            "file://host/a",
            "file://",
            "file:///",
            "file:///a/",
            "file:///a/../b",
            "file:///a/%2E%2E/b",
            "file:///a//b",
            "file:///a?x",
            "file:///{$.id}",
            "file:///a%00",
            "file:///%zz",
        ] {
            assert!(LocalTarget::parse(arn).unwrap().is_err(), "{arn}");
        }
    }

    #[test]
    fn files_stay_below_the_folder() {
        let file = |path: &str| LocalTarget::File(path.into());
        let none = LocalTargets::default();
        assert!(none.check(&LocalTarget::Stdout).is_err() && none.check(&file("/a")).is_err());
        let some = LocalTargets { stdout: true, folder: Some("/out".into()) };
        assert!(some.check(&LocalTarget::Stdout).is_ok() && some.check(&file("/out/a/b")).is_ok());
        for path in ["/out", "/outside", "/a/out/b"] {
            assert!(some.check(&file(path)).unwrap_err().contains("below /out only"), "{path}");
        }
    }
}
