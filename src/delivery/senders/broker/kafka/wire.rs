//! What Kafka's protocol looks like as bytes: numbers are big-endian, texts and lists have their length in front.

/// Bytes to write.
#[derive(Debug, Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    pub(super) fn i8(mut self, value: i8) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i16(mut self, value: i16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i32(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn i64(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        let mut bytes = self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        bytes.0.extend(text.bytes());
        bytes
    }

    /// With the length in front.
    pub(super) fn bytes(self, content: &[u8]) -> Self {
        let mut bytes = self.i32(i32::try_from(content.len()).unwrap_or(i32::MAX));
        bytes.0.extend(content);
        bytes
    }

    /// A number whose size depends on its value, as records have them.
    pub(super) fn varint(mut self, value: i64) -> Self {
        let mut rest = (value << 1 ^ value >> 63).cast_unsigned();
        while rest >= 0x80 {
            self.0.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
            rest >>= 7;
        }
        self.0.push(u8::try_from(rest).unwrap_or_default());
        self
    }

    /// Bytes with their length in front, as records have them; nothing at all is not the same as no bytes.
    pub(super) fn var_bytes(self, content: Option<&[u8]>) -> Self {
        let Some(content) = content else { return self.varint(-1) };
        let mut bytes = self.varint(i64::try_from(content.len()).unwrap_or(i64::MAX));
        bytes.0.extend(content);
        bytes
    }
}

/// Fields of an answer, one after another. None means that the answer is not what it should be.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A text; an absent one is empty.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// A list of what `read` reads.
    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.i32()?;
        (0..count.max(0)).map(|_| read(self)).collect()
    }
}

/// A batch with one record, in the form that brokers keep.
pub(super) fn batch(time_ms: i64, key: Option<&[u8]>, value: &[u8], headers: &[(String, String)]) -> Vec<u8> {
    let record = Bytes::default().i8(0).varint(0).varint(0).var_bytes(key).var_bytes(Some(value));
    let record = record.varint(i64::try_from(headers.len()).unwrap_or_default());
    let record = headers
        .iter()
        .fold(record, |bytes, (name, text)| bytes.var_bytes(Some(name.as_bytes())).var_bytes(Some(text.as_bytes())));
    // Neither compressed nor part of a transaction, from a producer without a number.
    let checked = Bytes::default().i16(0).i32(0).i64(time_ms).i64(time_ms).i64(-1).i16(-1).i32(-1).i32(1);
    let checked = checked.var_bytes(Some(&record.0)).0;
    let rest = Bytes::default().i32(-1).i8(2).i32(crc32c(&checked).cast_signed()).0;
    Bytes::default().i64(0).bytes(&[rest, checked].concat()).0
}

/// The checksum of batches, CRC-32C.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            #[expect(clippy::cast_possible_truncation, reason = "it is less than 256")]
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0x82F6_3B78 } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    let step = |crc: u32, byte: &u8| crc >> 8 ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(!0, step)
}

/// The hash by which Kafka's own clients choose a partition for a key, so that all choose the same.
pub(super) fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let (words, rest) = key.as_chunks::<4>();
    let mut hash = words.iter().fold(0x9747_b28c ^ length, |hash, word| {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word = (word ^ word >> 24).wrapping_mul(M);
        hash.wrapping_mul(M) ^ word
    });
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_hashes_are_those_of_others() {
        // The check value of CRC-32C, and what Kafka's own tests have for its hash.
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(murmur2(b"21").cast_signed(), -973_932_308);
        assert_eq!(murmur2(b"foobar").cast_signed(), -790_332_482);
        assert_eq!(murmur2(b"a-little-bit-long-string").cast_signed(), -985_981_536);
    }

    #[test]
    fn numbers_of_any_size() {
        let varint = |value| Bytes::default().varint(value).0;
        assert_eq!([varint(0), varint(-1), varint(1), varint(64)].concat(), [0, 1, 2, 0x80, 1]);
        assert_eq!(varint(i64::MIN).len(), 10);
        assert_eq!(Fields(&[0, 0, 0, 9]).list(Fields::i32), None);
        assert_eq!(Fields(&[0xff, 0xff]).text().unwrap(), "");
    }
}
