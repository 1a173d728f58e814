//! Frames of AMQP 0-9-1, as far as somebody needs them who publishes with confirmations.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Largest frame that is read, in bytes; what a broker sends is returned messages at most.
const FRAME_BYTES_MAX: u32 = 16 * 1024 * 1024;
const FRAME_END: u8 = 0xCE;
/// What a frame has around its content, in bytes.
pub(super) const AROUND_BYTES: usize = 8;

/// What a frame holds.
pub(super) const METHOD: u8 = 1;
pub(super) const HEADER: u8 = 2;
pub(super) const BODY: u8 = 3;

/// Methods, by class and number.
pub(super) const CONNECTION_START: (u16, u16) = (10, 10);
pub(super) const CONNECTION_START_OK: (u16, u16) = (10, 11);
pub(super) const CONNECTION_TUNE: (u16, u16) = (10, 30);
pub(super) const CONNECTION_TUNE_OK: (u16, u16) = (10, 31);
pub(super) const CONNECTION_OPEN: (u16, u16) = (10, 40);
pub(super) const CONNECTION_OPEN_OK: (u16, u16) = (10, 41);
pub(super) const CONNECTION_CLOSE: (u16, u16) = (10, 50);
pub(super) const CHANNEL_OPEN: (u16, u16) = (20, 10);
pub(super) const CHANNEL_OPEN_OK: (u16, u16) = (20, 11);
pub(super) const CHANNEL_CLOSE: (u16, u16) = (20, 40);
pub(super) const BASIC_PUBLISH: (u16, u16) = (60, 40);
pub(super) const BASIC_ACK: (u16, u16) = (60, 80);
pub(super) const BASIC_NACK: (u16, u16) = (60, 120);
pub(super) const CONFIRM_SELECT: (u16, u16) = (85, 10);
pub(super) const CONFIRM_SELECT_OK: (u16, u16) = (85, 11);

/// The class of content headers.
const BASIC: u16 = 60;
/// Which properties a content header has, in the order in which they follow.
const CONTENT_TYPE: u16 = 1 << 15;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const MESSAGE_ID: u16 = 1 << 7;

/// A frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// Reads a frame.
    ///
    /// # Errors
    /// When the connection ends, or what comes is no frame.
    pub(super) async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let kind = reader.read_u8().await?;
        let _channel = reader.read_u16().await?;
        let size = reader.read_u32().await?;
        // A server that speaks another version answers with the name of its own, which begins with an A.
        if size > FRAME_BYTES_MAX || kind == b'A' {
            return Err(not_amqp());
        }
        let mut payload = vec![0; usize::try_from(size).unwrap_or_default()];
        reader.read_exact(&mut payload).await?;
        if reader.read_u8().await? != FRAME_END {
            return Err(not_amqp());
        }
        Ok(Self { kind, payload })
    }

    /// The method that a frame of that kind holds, and its arguments.
    pub(super) fn method(&self) -> Option<((u16, u16), Fields<'_>)> {
        let mut fields = Fields(&self.payload);
        let method = (fields.u16()?, fields.u16()?);
        (self.kind == METHOD).then_some((method, fields))
    }

    /// The size of the body, and the id of the message, that a content header tells.
    pub(super) fn content(&self) -> Option<(u64, Option<String>)> {
        let mut fields = Fields(&self.payload);
        let (_class, _weight, size, flags) = (fields.u16()?, fields.u16()?, fields.u64()?, fields.u16()?);
        if flags & !(CONTENT_TYPE | HEADERS | DELIVERY_MODE | MESSAGE_ID) != 0 {
            return Some((size, None));
        }
        if flags & CONTENT_TYPE != 0 {
            fields.short_text()?;
        }
        if flags & HEADERS != 0 {
            fields.long_text()?;
        }
        if flags & DELIVERY_MODE != 0 {
            fields.u8()?;
        }
        let id = if flags & MESSAGE_ID == 0 { None } else { Some(fields.short_text()?) };
        Some((size, id))
    }
}

fn not_amqp() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what answers does not speak AMQP 0-9-1")
}

/// Fields of a method, one after another.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        Some(u8::from_be_bytes(self.take(1)?.try_into().ok()?))
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    pub(super) fn short_text(&mut self) -> Option<String> {
        let length = usize::from(self.u8()?);
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// A long text, or a table as bytes.
    pub(super) fn long_text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }
}

/// Bytes to write.
#[derive(Debug, Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    pub(super) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(super) fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// At most 255 bytes; what is longer is cut off.
    pub(super) fn short_text(self, text: &str) -> Self {
        let length = text.len().min(255);
        let mut bytes = self.u8(u8::try_from(length).unwrap_or(u8::MAX));
        bytes.0.extend(text.bytes().take(length));
        bytes
    }

    pub(super) fn long_text(self, text: &[u8]) -> Self {
        let mut bytes = self.u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        bytes.0.extend(text);
        bytes
    }

    /// A table of texts, after `fields` that are encoded already.
    pub(super) fn table(self, fields: Vec<u8>, texts: &[(String, String)]) -> Self {
        let texts = texts
            .iter()
            .fold(Self(fields), |bytes, (name, text)| bytes.short_text(name).u8(b'S').long_text(text.as_bytes()));
        self.long_text(&texts.0)
    }

    /// A frame with these bytes.
    pub(super) fn frame(self, kind: u8, channel: u16) -> Vec<u8> {
        Self::default().u8(kind).u16(channel).long_text(&self.0).u8(FRAME_END).0
    }
}

/// Begins a method.
pub(super) fn method((class, number): (u16, u16)) -> Bytes {
    Bytes::default().u16(class).u16(number)
}

/// The header of a message that outlives a restart of the broker unless it is `transient`.
pub(super) fn content(size: u64, id: &str, headers: &[(String, String)], transient: bool) -> Bytes {
    Bytes::default()
        .u16(BASIC)
        .u16(0)
        .u64(size)
        .u16(CONTENT_TYPE | HEADERS | DELIVERY_MODE | MESSAGE_ID)
        .short_text("application/json")
        .table(Vec::new(), headers)
        .u8(if transient { 1 } else { 2 })
        .short_text(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read() {
        let headers = [("trace".to_owned(), "ä".to_owned())];
        let header = content(7, "id-1", &headers, false).frame(HEADER, 1);
        let frame = Frame::read(&mut header.as_slice()).await.unwrap();
        assert_eq!(frame.content().unwrap(), (7, Some("id-1".to_owned())));
        let ack = method(BASIC_ACK).u64(3).u8(1).frame(METHOD, 1);
        let frame = Frame::read(&mut ack.as_slice()).await.unwrap();
        let (method, mut fields) = frame.method().unwrap();
        assert_eq!((method, fields.u64(), fields.u8(), fields.u8()), (BASIC_ACK, Some(3), Some(1), None));
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_a_frame_or_refused(bytes: Vec<u8>, kind in 1..=3_u8) {
            let framed = Bytes(bytes.clone()).frame(kind, 1);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let frame = runtime.block_on(Frame::read(&mut framed.as_slice())).unwrap();
            proptest::prop_assert_eq!(&frame.payload, &bytes);
            let _ = frame.content();
            if let Some((_, mut fields)) = frame.method() {
                let _ = (fields.short_text(), fields.long_text().map(<[u8]>::len), fields.u64());
            }
            let _ = runtime.block_on(Frame::read(&mut bytes.as_slice()));
        }
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused() {
        for bytes in
            [&b"AMQP\x00\x00\x09\x01"[..], b"\x01\x00\x00\xff\xff\xff\xff", b"\x01\x00\x00\x00\x00\x00\x00\x00", b""]
        {
            assert!(Frame::read(&mut &bytes[..]).await.is_err(), "{bytes:?}");
        }
    }
}
