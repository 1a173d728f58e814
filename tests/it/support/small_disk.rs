//! A small tmpfs, to be filled. Mounting it takes root; where that is not allowed there is none.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A file system of its own, gone with the test.
#[derive(Debug)]
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    pub(crate) fn mount(size_mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={size_mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        println!("SKIPPED: this user may not mount a tmpfs, so the disk was not filled");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file until the disk is full.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.path().join("filling");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 8 * 1024]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a daemon that was killed a moment ago may still be letting go.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
