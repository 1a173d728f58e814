//! Calls whose events tell when they were sent, so that a sink in another process can tell how long they took.

use crate::Result;
use crate::load::Connection;

/// What stands before the stamp of an event.
const MEMBER: &[u8] = b"\"session\":\"";
/// The same in an entry, where the detail is a string.
const MEMBER_IN_ENTRY: &[u8] = b"\\\"session\\\":\\\"";
/// Digits of a stamp, as many as stand there without one.
const DIGITS: usize = 32;

/// Microseconds of the clock that all processes of the machine share and that nobody sets.
pub(crate) fn now_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000
}

/// A prepared `PutEvents` request.
pub(crate) struct Call {
    bytes: Vec<u8>,
    stamps: Vec<usize>,
    entries: u32,
}

impl Call {
    pub(crate) fn new(request: &[u8], entries: u32) -> Self {
        let found = request.windows(MEMBER_IN_ENTRY.len()).enumerate().filter(|(_, bytes)| *bytes == MEMBER_IN_ENTRY);
        let stamps = found.map(|(at, _)| at + MEMBER_IN_ENTRY.len()).collect();
        Self { bytes: request.to_vec(), stamps, entries }
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    /// Sends it with this stamp; entries that fail are an error.
    pub(crate) async fn send(&mut self, connection: &mut Connection, stamp_us: u64) -> Result<()> {
        let digits = format!("{stamp_us:0DIGITS$}");
        for at in &self.stamps {
            self.bytes[*at..at + DIGITS].copy_from_slice(digits.as_bytes());
        }
        let answer = connection.exchange(&self.bytes).await?;
        if answer.starts_with(br#"{"FailedEntryCount":0,"#) {
            return Ok(());
        }
        Err(format!("entries failed: {}", String::from_utf8_lossy(answer)).into())
    }
}

/// When the event of an envelope was sent, if it says.
pub(crate) fn stamp_us(envelope: &[u8]) -> Option<u64> {
    let at = envelope.windows(MEMBER.len()).position(|bytes| bytes == MEMBER)? + MEMBER.len();
    std::str::from_utf8(envelope.get(at..at + DIGITS)?).ok()?.parse().ok()
}
