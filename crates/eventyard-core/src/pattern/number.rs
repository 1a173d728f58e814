//! Numbers as the pattern language compares them: by value where the value is exact, otherwise by spelling.

/// A number with an exact place on the line of binary64 numbers.
///
/// A decimal text is comparable when the double nearest to it is finite and has, in its shortest spelling, exactly the
/// value of the text. So `1`, `1.0` and `10e-1` are one number, while `9007199254740993`, `1e309` and `1e-400` are not
/// comparable at all: their doubles mean something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Comparable(u64);

impl Comparable {
    /// Reads the text of a JSON number. `None` when it is not comparable.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let double = text.parse::<f64>().ok().filter(|double| double.is_finite())?;
        let exact = is_short_integer(text) || Decimal::parse(text) == Decimal::parse(&format!("{double:e}"));
        exact.then(|| Self::new(double))
    }

    /// The place of a finite double: the order of places is the order of numbers, and `-0` is `0`.
    fn new(double: f64) -> Self {
        let bits = if double == 0.0 { 0 } else { double.to_bits() };
        let sign = 1 << 63;
        Self(if bits & sign == 0 { bits | sign } else { !bits })
    }
}

/// Whether every integer of that many digits is a double of its own.
fn is_short_integer(text: &str) -> bool {
    text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A decimal number in the one form that two equal numbers share: no zero at either end of the digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    /// The power of ten of the last digit. Saturates, far outside of where a double is finite and not zero.
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = integer.bytes().chain(fraction.bytes()).skip_while(|&digit| digit == b'0').collect();
        let significant = digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
        let dropped = digits.len() - significant;
        digits.truncate(significant);
        if digits.is_empty() {
            return Self { negative: false, digits, exponent: 0 };
        }
        let shift = length(dropped).saturating_sub(length(fraction.len()));
        Self { negative, digits, exponent: exponent_value(exponent).saturating_add(shift) }
    }
}

fn exponent_value(text: &str) -> i64 {
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A number in an event, or a plain number in a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Number {
    /// Equal to every number of the same value.
    Comparable(Comparable),
    /// Not comparable: equal only to the same spelling.
    Spelling(Box<str>),
}

impl Number {
    pub(super) fn parse(text: &str) -> Self {
        Comparable::parse(text).map_or_else(|| Self::Spelling(text.into()), Self::Comparable)
    }

    /// Reads a number of an event as Amazon's service does, which sends every number that has a point or an exponent
    /// through binary64 before it matches: such a number is comparable unless it overflows, while an integer keeps all
    /// its digits. That is known of `TestEventPattern`; delivery is not known to differ, so both do it here.
    pub(super) fn parse_event(text: &str) -> Self {
        if !is_float(text) {
            return Self::parse(text);
        }
        match text.parse::<f64>() {
            Ok(double) if double.is_finite() => Self::Comparable(Comparable::new(double)),
            _ => Self::Spelling("Infinity".into()),
        }
    }

    pub(super) const fn comparable(&self) -> Option<Comparable> {
        match self {
            Self::Comparable(comparable) => Some(*comparable),
            Self::Spelling(_) => None,
        }
    }
}

fn is_float(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// An event number as the service spells it after reading it: integers as they came, others as Java prints a double.
pub(super) fn respelled(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(double) if is_float(text) => java_spelling(double),
        _ => text.to_owned(),
    }
}

fn java_spelling(double: f64) -> String {
    if double.is_infinite() {
        return "Infinity".to_owned();
    }
    if double == 0.0 || (1e-3..1e7).contains(&double.abs()) {
        return format!("{double:?}");
    }
    let spelling = format!("{double:E}");
    if spelling.contains('.') { spelling } else { spelling.replacen('E', ".0E", 1) }
}

/// The numbers between two bounds, either of which may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NumericRange {
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
}

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bound {
    pub(super) number: Comparable,
    pub(super) inclusive: bool,
}

impl NumericRange {
    pub(super) fn contains(&self, number: Comparable) -> bool {
        let above = |low: Bound| number > low.number || (low.inclusive && number == low.number);
        let below = |high: Bound| number < high.number || (high.inclusive && number == high.number);
        self.low.is_none_or(above) && self.high.is_none_or(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_number() {
        for (text, others) in [
            ("1", vec!["1.0", "1e0", "10e-1", "0.1E+1", "100e-2"]),
            ("0", vec!["-0", "0.0", "-0.00", "0e99999999999999999999", "0e5"]),
            ("1e100", vec!["10e99", "0.1e101"]),
            ("-1.5", vec!["-15e-1", "-1.50"]),
        ] {
            let number = Comparable::parse(text);
            assert!(number.is_some(), "{text}");
            for other in others {
                assert_eq!(Comparable::parse(other), number, "{other}");
            }
        }
    }

    #[test]
    fn inexact_numbers_are_not_comparable() {
        for text in ["9007199254740993", "1.0000000000000001", "0.1234567890123456789", "1e309", "-1e309", "1e-400"] {
            assert_eq!(Comparable::parse(text), None, "{text}");
        }
        for text in ["1e99999999999999999999", "1e-99999999999999999999", "0.1000000000000000055"] {
            assert_eq!(Comparable::parse(text), None, "{text}");
        }
        assert!(Comparable::parse("9007199254740992").is_some());
    }

    #[test]
    fn places_are_in_the_order_of_numbers() {
        let texts = ["-1e300", "-2", "-1.5", "-1e-300", "0", "1e-300", "0.1", "1", "1.5", "1e300"];
        let numbers: Vec<_> = texts.iter().map(|text| Comparable::parse(text)).collect();
        assert!(numbers.iter().all(Option::is_some) && numbers.is_sorted());
    }

    #[test]
    fn doubles_are_spelt_as_in_java() {
        for (text, spelling) in [
            ("100.0", "100.0"),
            ("1e2", "100.0"),
            ("1234567890.5", "1.2345678905E9"),
            ("1e22", "1.0E22"),
            ("0.00001", "1.0E-5"),
            ("1e7", "1.0E7"),
            ("0.001", "0.001"),
            ("1e309", "Infinity"),
            ("12345678901234567890", "12345678901234567890"),
        ] {
            assert_eq!(respelled(text), spelling);
        }
    }
}
