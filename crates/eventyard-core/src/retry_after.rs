//! `Retry-After`: when a target that failed asks to be tried again.

use std::time::Duration;

use crate::clock::Timestamp;

/// The value of a `Retry-After` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so long.
    Wait(Duration),
    /// Not before this time.
    Until(Timestamp),
}

impl RetryAfter {
    /// Reads the header: seconds, or a date in one of HTTP's three forms. What is neither says nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number too large for us is still one: very long.
            return Some(Self::Wait(Duration::from_secs(text.parse().unwrap_or(u64::MAX))));
        }
        Timestamp::parse_http_date(text).map(Self::Until)
    }

    /// The earliest time it allows, when it arrived at `now`.
    #[must_use]
    pub fn earliest(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Wait(wait) => now.saturating_add(wait),
            Self::Until(time) => time,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_and_all_dates_of_http_are_read() {
        let date = RetryAfter::Until(Timestamp::from_millis(784_111_777_000).unwrap());
        let cases = [
            ("0", Some(RetryAfter::Wait(Duration::ZERO))),
            (" 120 ", Some(RetryAfter::Wait(Duration::from_secs(120)))),
            ("99999999999999999999999", Some(RetryAfter::Wait(Duration::from_secs(u64::MAX)))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(date)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(date)),
            ("Sun Nov  6 08:49:37 1994", Some(date)),
            ("", None),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("Sun, 36 Nov 1994 08:49:37 GMT", None),
        ];
        for (text, expected) in cases {
            assert_eq!(RetryAfter::parse(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,40}", now in 0_i64..4_000_000_000_000) {
            if let Some(asked) = RetryAfter::parse(&text) {
                let _ = asked.earliest(Timestamp::from_millis(now).unwrap());
            }
        }
    }
}
