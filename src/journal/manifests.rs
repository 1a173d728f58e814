//! The manifests of fjall's keyspaces, checked before fjall reads them.
//!
//! A manifest says which files hold a keyspace. The file `current` beside it has its number and its checksum, which fjall does
//! not compare: a damaged manifest can end the process in the middle of a word. So it is compared here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of `current`: the manifest's number (8 bytes), its checksum (16 bytes), and which kind of checksum it is.
const CURRENT_BYTES: usize = 25;

/// The manifests in the journal's `folder` that are not what was written.
pub(super) fn damaged(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let keyspaces = folder.join("keyspaces");
    let mut damaged = Vec::new();
    if !keyspaces.is_dir() {
        return Ok(damaged);
    }
    for keyspace in fs::read_dir(keyspaces)? {
        let keyspace = keyspace?.path();
        // One that was being made when the power went has none yet.
        let Ok(current) = fs::read(keyspace.join("current")) else { continue };
        let (manifest, is_sound) = compare(&keyspace, &current);
        if !is_sound {
            damaged.push(manifest);
        }
    }
    damaged.sort_unstable();
    Ok(damaged)
}

fn compare(keyspace: &Path, current: &[u8]) -> (PathBuf, bool) {
    let parsed = || {
        let (number, rest) = current.split_first_chunk()?;
        let (checksum, _) = rest.split_first_chunk()?;
        (current.len() == CURRENT_BYTES).then_some((u64::from_le_bytes(*number), u128::from_le_bytes(*checksum)))
    };
    let Some((number, checksum)) = parsed() else { return (keyspace.join("current"), false) };
    let manifest = keyspace.join(format!("v{number}"));
    let is_sound = fs::read(&manifest).is_ok_and(|bytes| xxhash_rust::xxh3::xxh3_128(&bytes) == checksum);
    (manifest, is_sound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Disk as _, Durability, FjallDisk, Space, Write};

    #[test]
    fn manifests_of_this_fjall_are_sound_and_every_changed_byte_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("journal");
        let disk = FjallDisk::open(&folder).unwrap();
        disk.write(vec![Write::Insert(Space::Events(1), vec![1], vec![1])], Durability::Power).unwrap();
        drop(disk);
        assert_eq!(damaged(&folder).unwrap(), Vec::<PathBuf>::new());
        let keyspace = folder.join("keyspaces").join("1");
        let current = fs::read(keyspace.join("current")).unwrap();
        let (manifest, _) = compare(&keyspace, &current);
        let whole = fs::read(&manifest).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(&manifest, &changed).unwrap();
            assert_eq!(damaged(&folder).unwrap(), [manifest.as_path()], "{place}");
        }
        let error = FjallDisk::open(&folder).unwrap_err().to_string();
        assert!(error.contains("eventyard fsck") && error.contains("is damaged"), "{error}");
    }
}
