//! A disk that fails: the library of `failing_disk.c`, which is preloaded into the very program that people run.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that names libraries to preload. That of a moved clock is one as well.
const PRELOAD: &str = "LD_PRELOAD";

/// What fails, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// fsync or fdatasync, with EIO. What the file had that was not on disk yet is lost.
    Sync,
    /// write, with ENOSPC, in the middle of a record.
    Write,
    /// The power, at an fsync: the process ends, and all that had no fsync is lost.
    PowerAtSync,
    /// The power, in the middle of a write.
    PowerAtWrite,
}

/// The library, and what it is for.
#[derive(Debug)]
pub(crate) struct FailingDisk {
    library: PathBuf,
    /// The folder whose files fail, with a slash at its end.
    below: String,
    /// Where it says which file failed.
    says: PathBuf,
}

impl FailingDisk {
    /// Compiles it into `folder`, for the files of the journal in `data_dir`; none where there is no C compiler.
    pub(crate) fn compile(folder: &Path, data_dir: &Path) -> Result<Option<Self>, String> {
        let (source, library) = (folder.join("failing_disk.c"), folder.join("failing_disk.so"));
        fs::write(&source, include_str!("failing_disk.c")).map_err(|error| error.to_string())?;
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        match compiler.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("SKIPPED: there is no C compiler (cc), so no single write or fsync of the real binary failed");
                Ok(None)
            }
            Err(error) => Err(format!("cc: {error}")),
            Ok(output) if !output.status.success() => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Ok(_) => {
                let below = format!("{}/", data_dir.join("journal").display());
                Ok(Some(Self { library, below, says: folder.join("failed") }))
            }
        }
    }

    /// What makes the `nth` call of a daemon fail, which has `environment` besides.
    pub(crate) fn environment(
        &self,
        failure: Failure,
        nth: u64,
        environment: &[(String, String)],
    ) -> Vec<(String, String)> {
        let (call, how) = match failure {
            Failure::Sync => ("sync", "EIO"),
            Failure::Write => ("write", "ENOSPC"),
            Failure::PowerAtSync => ("sync", "power"),
            Failure::PowerAtWrite => ("write", "power"),
        };
        let _ = fs::remove_file(&self.says);
        let mut libraries = vec![self.library.display().to_string()];
        libraries.extend(environment.iter().filter(|(name, _)| name == PRELOAD).map(|(_, value)| value.clone()));
        let variables = [
            (PRELOAD, libraries.join(":")),
            ("FAILING_DISK_BELOW", self.below.clone()),
            ("FAILING_DISK_CALL", call.to_owned()),
            ("FAILING_DISK_HOW", how.to_owned()),
            ("FAILING_DISK_NTH", nth.to_string()),
            ("FAILING_DISK_SAYS", self.says.display().to_string()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The file of which a call failed, since the variables were asked for.
    pub(crate) fn failed(&self) -> Option<String> {
        fs::read_to_string(&self.says).ok().filter(|path| !path.is_empty())
    }
}
