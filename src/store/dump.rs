//! A dump: all records of a store as JSON Lines that no storage engine is needed to read.
//!
//! The first line names the format, then one record a line, then a line with the number of records and the SHA-256 of
//! every line before it. A dump that was cut short or changed is refused.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Record;

/// The format this release writes and reads.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    eventyard_store_dump: u32,
    schema: u32,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Footer {
    records: usize,
    sha256: String,
}

/// Why a dump could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file could not be written or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A line is not what should stand there.
    #[error("line {line} is not a line of a dump: {reason}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The end is missing.
    #[error("the dump ends early: its last line, with the checksum, is missing")]
    CutShort,
    /// The lines are not those that were written.
    #[error("the checksum does not fit: the dump was changed")]
    Changed,
    /// What was read back is not what was written.
    #[error("the dump at {0} does not read back as it was written")]
    NotVerified(String),
}

/// Writes `records` of schema `schema` to a new file at `path`, brings it to disk, and reads it back to make sure of it.
///
/// # Errors
/// When the file exists, cannot be written, or does not read back equal.
pub fn write_dump(path: &Path, schema: u32, records: &[Record]) -> Result<(), DumpError> {
    let mut lines = Lines { out: BufWriter::new(File::create_new(path)?), hash: Sha256::new() };
    lines.write(&Header { eventyard_store_dump: FORMAT, schema })?;
    for record in records {
        lines.write(record)?;
    }
    let sha256 = format!("{:x}", lines.hash.clone().finalize());
    lines.write(&Footer { records: records.len(), sha256 })?;
    lines.out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    match read_dump(path)? {
        (read_schema, read_records) if read_schema == schema && read_records == records => Ok(()),
        _ => Err(DumpError::NotVerified(path.display().to_string())),
    }
}

struct Lines {
    out: BufWriter<File>,
    hash: Sha256,
}

impl Lines {
    fn write(&mut self, line: &impl Serialize) -> Result<(), DumpError> {
        let mut text = serde_json::to_string(line).map_err(std::io::Error::other)?;
        text.push('\n');
        self.hash.update(&text);
        Ok(self.out.write_all(text.as_bytes())?)
    }
}

/// Reads a dump: its schema and its records.
///
/// # Errors
/// When the file is no dump, was cut short or changed.
pub fn read_dump(path: &Path) -> Result<(u32, Vec<Record>), DumpError> {
    let lines: Vec<String> = BufReader::new(File::open(path)?).lines().collect::<Result<_, _>>()?;
    let (last, lines) = lines.split_last().ok_or(DumpError::CutShort)?;
    let footer: Footer = serde_json::from_str(last).map_err(|_| DumpError::CutShort)?;
    let (first, lines) = lines.split_first().ok_or(DumpError::CutShort)?;
    let mut hash = Sha256::new();
    for line in std::iter::once(first).chain(lines) {
        hash.update(line);
        hash.update("\n");
    }
    if footer != (Footer { records: lines.len(), sha256: format!("{:x}", hash.finalize()) }) {
        return Err(DumpError::Changed);
    }
    let header: Header = parse(1, first)?;
    if header.eventyard_store_dump != FORMAT {
        return Err(DumpError::Line {
            line: 1,
            reason: format!("format {} is not known", header.eventyard_store_dump),
        });
    }
    let records = lines.iter().enumerate().map(|(index, line)| parse(index + 2, line)).collect::<Result<_, _>>()?;
    Ok((header.schema, records))
}

fn parse<'a, T: Deserialize<'a>>(line: usize, text: &'a str) -> Result<T, DumpError> {
    serde_json::from_str(text).map_err(|error| DumpError::Line { line, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Kind;

    fn records() -> Vec<Record> {
        (0..3)
            .map(|n| Record { kind: Kind::Rule, key: vec![format!("r{n}")], value: json!({"n": n, "text": "ä\n"}) })
            .collect()
    }

    #[test]
    fn a_dump_reads_back_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dump.jsonl");
        write_dump(&path, 7, &records()).unwrap();
        assert_eq!(read_dump(&path).unwrap(), (7, records()));
        assert!(matches!(write_dump(&path, 7, &[]), Err(DumpError::Io(_))));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dump.jsonl");
        write_dump(&path, 1, &records()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for place in 0..whole.len() - 1 {
            std::fs::write(&path, &whole[..place]).unwrap();
            assert!(read_dump(&path).is_err(), "cut at {place}");
            let mut changed = whole.clone();
            changed[place] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(read_dump(&path).is_err(), "changed at {place}");
        }
    }
}
