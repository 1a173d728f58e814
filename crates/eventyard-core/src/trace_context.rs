//! Trace context of the W3C: which trace an event is part of, and which span its next ones stand under.

use std::fmt;

/// What the header `traceparent` says. Neither of its ids is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    is_sampled: bool,
}

/// Bytes of [`TraceContext::to_bytes`].
pub const TRACE_CONTEXT_BYTES: usize = 25;

/// Characters of a `traceparent` of version 00, which later versions may only continue.
const LENGTH: usize = 55;

impl TraceContext {
    /// The name of the header, and of all that carries the same elsewhere.
    pub const HEADER: &str = "traceparent";

    /// A new trace that is written down, from random bits.
    #[must_use]
    pub fn root(trace_id: u128, span_id: u64) -> Self {
        // Zero says that there is none; nobody draws it.
        Self { trace_id: trace_id.max(1), span_id: span_id.max(1), is_sampled: true }
    }

    /// The context of a new span of the same trace, from random bits.
    #[must_use]
    pub fn child(self, span_id: u64) -> Self {
        Self { span_id: span_id.max(1), ..self }
    }

    /// Reads the value of a header; none when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let mut next = |length: usize| {
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex))
        };
        let (version, trace_id, span_id, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        if version == "ff" || (version == "00" && !rest.is_empty()) || !(rest.is_empty() || rest.starts_with('-')) {
            return None;
        }
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
        Some(Self { trace_id, span_id, is_sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1 })
    }

    /// The id of the trace.
    #[must_use]
    pub fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The id of the span.
    #[must_use]
    pub fn span_id(self) -> u64 {
        self.span_id
    }

    /// Whether whoever began the trace wants it to be written down.
    #[must_use]
    pub fn is_sampled(self) -> bool {
        self.is_sampled
    }

    /// Trace id, span id and flags.
    #[must_use]
    pub fn to_bytes(self) -> [u8; TRACE_CONTEXT_BYTES] {
        let mut bytes = [0; TRACE_CONTEXT_BYTES];
        bytes[..16].copy_from_slice(&self.trace_id.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.span_id.to_be_bytes());
        bytes[24] = u8::from(self.is_sampled);
        bytes
    }

    /// From these bytes; none when an id is zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; TRACE_CONTEXT_BYTES]) -> Option<Self> {
        let (trace_id, rest) = bytes.split_first_chunk()?;
        let (span_id, flags) = rest.split_first_chunk()?;
        let (trace_id, span_id) = (u128::from_be_bytes(*trace_id), u64::from_be_bytes(*span_id));
        let is_sampled = flags.first()? & 1 == 1;
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, is_sampled })
    }
}

/// The value of the header.
impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_and_written() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        assert_eq!(context.to_string(), EXAMPLE);
        assert_eq!(context.span_id(), 0x00f0_67aa_0ba9_02b7);
        assert!(context.is_sampled());
        assert_eq!(TraceContext::from_bytes(context.to_bytes()), Some(context));
        assert!(!TraceContext::parse(&EXAMPLE.replace("-01", "-02")).unwrap().is_sampled());
        assert_eq!(context.child(7).to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-01");
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = EXAMPLE.replace("00-4b", "cc-4b");
        for text in [later.clone(), format!("{later}-what-the-future-will-be-like")] {
            assert_eq!(TraceContext::parse(&text), TraceContext::parse(EXAMPLE), "{text}");
        }
        assert_eq!(TraceContext::parse(&format!("{later}.")), None);
    }

    #[test]
    fn what_is_none_is_not_read() {
        let zero_trace = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let zero_span = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16));
        let longer = format!("{EXAMPLE}-01");
        let umlaut = EXAMPLE.replace("36-00f", "3ä-00f");
        let cases = ["", "00", &zero_trace, &zero_span, &longer, &umlaut, &EXAMPLE.to_uppercase(), &EXAMPLE[1..]];
        for text in cases.into_iter().chain([EXAMPLE.replace("00-4b", "ff-4b").as_str()]) {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
        assert_eq!(TraceContext::from_bytes([0; 25]), None);
    }
}
