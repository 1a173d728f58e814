//! The frames of a backup: a space, a key and a value, with the length and the CRC-32 of the three before them.

use std::io::{self, BufReader, BufWriter, Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::BackupError;

/// How a backup begins: its name and the number of its form.
const MAGIC: &[u8] = b"eventyard backup 1\n";
/// Bytes of a frame: far more than any entry has, and little enough for any machine.
const FRAME_BYTES_MAX: usize = 256 * 1024 * 1024;
const PREFIX_BYTES: usize = 8;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where the entry belongs.
    pub space: String,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// What the last frame holds.
#[derive(Serialize, Deserialize, PartialEq)]
struct End {
    /// How many frames come before.
    frames: u64,
    /// Of every byte before.
    sha256: String,
}

#[derive(Debug)]
pub(super) struct FrameWriter<W: Write> {
    out: BufWriter<W>,
    hash: Sha256,
    frames: u64,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn start(out: W) -> Result<Self, BackupError> {
        let mut writer = Self { out: BufWriter::new(out), hash: Sha256::new(), frames: 0 };
        writer.put(MAGIC)?;
        Ok(writer)
    }

    pub(super) fn write(&mut self, space: &str, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        let too_long = || io::Error::new(io::ErrorKind::InvalidData, format!("an entry of {space} is too large"));
        let space_length = u8::try_from(space.len()).map_err(|_| too_long())?;
        let key_length = u16::try_from(key.len()).map_err(|_| too_long())?;
        let mut body = Vec::with_capacity(3 + space.len() + key.len() + value.len());
        body.push(space_length);
        body.extend(space.as_bytes());
        body.extend(key_length.to_be_bytes());
        body.extend(key);
        body.extend(value);
        if body.len() > FRAME_BYTES_MAX {
            return Err(too_long().into());
        }
        let length = u32::try_from(body.len()).map_err(|_| too_long())?;
        self.put(&length.to_be_bytes())?;
        self.put(&crc32fast::hash(&body).to_be_bytes())?;
        self.put(&body)?;
        self.frames += 1;
        Ok(())
    }

    /// Writes the end, in a frame of the space `end`.
    pub(super) fn end(mut self, end: &str) -> Result<(), BackupError> {
        let sha256 = format!("{:x}", self.hash.clone().finalize());
        let last = serde_json::to_vec(&End { frames: self.frames, sha256 }).map_err(io::Error::from)?;
        self.write(end, &[], &last)?;
        Ok(self.out.flush()?)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }
}

#[derive(Debug)]
pub(super) struct FrameReader<R> {
    input: BufReader<R>,
    hash: Sha256,
    frames: u64,
    bytes: u64,
    /// Where the frame begins that is being read.
    place: u64,
}

impl<R: Read> FrameReader<R> {
    pub(super) fn start(input: R) -> Result<Self, BackupError> {
        let mut reader = Self { input: BufReader::new(input), hash: Sha256::new(), frames: 0, bytes: 0, place: 0 };
        match reader.take(MAGIC.len()) {
            Ok(magic) if magic == MAGIC => Ok(reader),
            Err(BackupError::Io(error)) => Err(error.into()),
            _ => Err(BackupError::NoBackup),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn damaged(&self, reason: &dyn std::fmt::Display) -> BackupError {
        BackupError::Damaged { place: self.place, reason: reason.to_string() }
    }

    /// The next frame; none when it is that of the space `end` and all is well.
    pub(super) fn next(&mut self, end: &str) -> Result<Option<Frame>, BackupError> {
        self.place = self.bytes;
        let before = self.hash.clone();
        let prefix = self.take(PREFIX_BYTES)?;
        let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let (length, checksum) = (number(&prefix[..4]) as usize, number(&prefix[4..]));
        if length > FRAME_BYTES_MAX {
            return Err(self.damaged(&"the length of an entry is out of all proportion"));
        }
        let body = self.take(length)?;
        if crc32fast::hash(&body) != checksum {
            return Err(self.damaged(&"the checksum does not fit"));
        }
        let frame = parse(&body).ok_or_else(|| self.damaged(&"an entry is not in its form"))?;
        if frame.space != end {
            self.frames += 1;
            return Ok(Some(frame));
        }
        let said: End = serde_json::from_slice(&frame.value).map_err(|error| self.damaged(&error))?;
        if said != (End { frames: self.frames, sha256: format!("{:x}", before.finalize()) }) {
            return Err(self.damaged(&"the checksum of the whole does not fit"));
        }
        match self.input.read(&mut [0])? {
            0 => Ok(None),
            _ => Err(self.damaged(&"something stands behind the end")),
        }
    }

    /// Exactly so many bytes. What a damaged length asks for is not set aside before it is there.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::with_capacity(length.min(64 * 1024));
        self.input.by_ref().take(length as u64).read_to_end(&mut bytes)?;
        self.bytes += bytes.len() as u64;
        if bytes.len() < length {
            return Err(BackupError::CutShort(self.bytes));
        }
        self.hash.update(&bytes);
        Ok(bytes)
    }
}

fn parse(body: &[u8]) -> Option<Frame> {
    let (&space_length, rest) = body.split_first()?;
    let (space, rest) = rest.split_at_checked(space_length.into())?;
    let (key_length, rest) = rest.split_first_chunk()?;
    let (key, value) = rest.split_at_checked(u16::from_be_bytes(*key_length).into())?;
    Some(Frame { space: str::from_utf8(space).ok()?.to_owned(), key: key.to_vec(), value: value.to_vec() })
}
