//! Files that commands read whole.

use std::fs::File;
use std::io::{self, Read, stdin};
use std::path::Path;

/// The largest file a command reads, in bytes. The largest event is 1 MiB.
const FILE_SIZE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why a file is not read, with its name.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {reason}")]
pub(super) struct FileError {
    name: String,
    reason: io::Error,
}

/// Reads a text of at most 8 MiB; `-` is standard input.
pub(super) fn read_text(path: &Path) -> Result<String, FileError> {
    let (name, text) = if path.as_os_str() == "-" {
        ("standard input".to_owned(), bounded(stdin().lock()))
    } else {
        (path.display().to_string(), File::open(path).and_then(bounded))
    };
    text.map_err(|reason| FileError { name, reason })
}

fn bounded(source: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(FILE_SIZE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_SIZE_BYTES_MAX {
        return Err(io::Error::other(format!("larger than {FILE_SIZE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| io::Error::other(format!("not UTF-8: {error}")))
}
