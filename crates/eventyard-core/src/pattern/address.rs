//! IP addresses and blocks of them, compared as the service compares them: digit by digit of their hexadecimal spelling.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses between two hexadecimal spellings of equal length, both included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AddressRange {
    low: String,
    high: String,
}

impl AddressRange {
    /// The range of a single address, when `text` is the literal of one.
    pub(super) fn of_address(text: &str) -> Option<Self> {
        let digits = hex_digits(parse_address(text)?);
        Some(Self { low: digits.clone(), high: digits })
    }

    /// Reads `address/bits`. The error is the reason that Amazon gives.
    pub(super) fn parse_cidr(text: &str) -> Result<Self, String> {
        // Java's split, which drops empty pieces at the end, is what decides here: `10.0.0.0/8/` has two pieces.
        let pieces: Vec<&str> = text.trim_end_matches('/').split('/').collect();
        let &[address, bits] = pieces.as_slice() else {
            return Err("Malformed CIDR, one '/' required".to_owned());
        };
        let Ok(bits) = bits.parse::<i32>() else {
            return Err("Malformed CIDR, mask bits must be an integer".to_owned());
        };
        let Ok(bits) = u32::try_from(bits) else {
            return Err("Malformed CIDR, mask bits must not be negative".to_owned());
        };
        match parse_address(address) {
            Some(IpAddr::V4(_)) if bits > 31 => Err("IPv4 mask bits must be < 32".to_owned()),
            Some(IpAddr::V6(_)) if bits > 127 => Err("IPv6 mask bits must be < 128".to_owned()),
            Some(address) => Ok(Self::of_block(address, bits)),
            None if looks_like_address(address) => Err(format!("Invalid IP address: {address}")),
            None => Err(format!("Nonstandard IP address: {address}")),
        }
    }

    fn of_block(address: IpAddr, bits: u32) -> Self {
        let (low, high) = match address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(bits).unwrap_or(0);
                let bits = address.to_bits();
                (Ipv4Addr::from_bits(bits & !host).into(), Ipv4Addr::from_bits(bits | host).into())
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(bits).unwrap_or(0);
                let bits = address.to_bits();
                (Ipv6Addr::from_bits(bits & !host).into(), Ipv6Addr::from_bits(bits | host).into())
            }
        };
        Self { low: hex_digits(low), high: hex_digits(high) }
    }

    /// Whether a string of an event is an address within the range.
    pub(super) fn contains_address(&self, text: &str) -> bool {
        address_digits(text).is_some_and(|digits| self.contains_digits(digits.as_bytes()))
    }

    /// What the digits of everything within the range begin with.
    pub(super) fn common_digits(&self) -> &str {
        let common = self.low.bytes().zip(self.high.bytes()).take_while(|(low, high)| low == high).count();
        &self.low[..common]
    }

    /// Walks the digits from the left until one decides, ignoring the rest.
    ///
    /// That is how the service compares, so a block of one family can hold an address of the other, and the spelling
    /// of an event's number is walked as if it were hexadecimal.
    pub(super) fn contains_digits(&self, digits: &[u8]) -> bool {
        let (mut on_low, mut on_high) = (true, true);
        for (place, (low, high)) in self.low.bytes().zip(self.high.bytes()).enumerate() {
            let Some(&digit) = digits.get(place) else { return false };
            let out = (on_low && digit < low) || (on_high && digit > high);
            if out || !matches!(digit, b'0'..=b'9' | b'A'..=b'F') {
                return false;
            }
            on_low &= digit == low;
            on_high &= digit == high;
            if !on_low && !on_high {
                return true;
            }
        }
        true
    }
}

/// The hexadecimal digits of a string of an event, if it is an address.
pub(super) fn address_digits(text: &str) -> Option<String> {
    parse_address(text).map(hex_digits)
}

/// The address in upper-case hexadecimal digits.
fn hex_digits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{:08X}", address.to_bits()),
        IpAddr::V6(address) => format!("{:032X}", address.to_bits()),
    }
}

/// Whether the text has the characters of an address, right or wrong. Only such a text is ever tried as one.
fn looks_like_address(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let four = text.split('.').count() == 4 && text.split('.').all(digits);
    four || (text.contains(':') && text.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit()))
}

/// An IPv4 address within IPv6 counts as IPv4.
fn parse_address(text: &str) -> Option<IpAddr> {
    if !looks_like_address(text) {
        return None;
    }
    let address = if text.contains(':') { parse_v6(text)?.into() } else { parse_v4(text)?.into() };
    Some(IpAddr::to_canonical(&address))
}

/// Octets in decimal, leading zeros and all, in the 15 characters that Java allows for.
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    if text.len() > 15 {
        return None;
    }
    let octets: Vec<u8> = text.split('.').map_while(|octet| octet.parse().ok()).collect();
    Some(<[u8; 4]>::try_from(octets).ok()?.into())
}

/// Eight groups, or fewer around one `::`. A group may have leading zeros beyond four digits, as in Java.
fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let groups = |part: &str| -> Option<Vec<u16>> {
        let groups = part.split(':').map(|group| u16::from_str_radix(group, 16).ok());
        if part.is_empty() { Some(Vec::new()) } else { groups.collect() }
    };
    let mut groups = match text.split_once("::") {
        None => groups(text)?,
        Some((before, behind)) => {
            let (mut before, behind) = (groups(before)?, groups(behind)?);
            let missing = 8usize.checked_sub(before.len() + behind.len()).filter(|&missing| missing > 0)?;
            before.extend(std::iter::repeat_n(0, missing));
            before.extend(behind);
            before
        }
    };
    groups.truncate(9);
    Some(<[u16; 8]>::try_from(groups).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_in_java() {
        for (text, expected) in [
            ("10.0.0.1", Some("0A000001")),
            ("0010.0.0.1", Some("0A000001")),
            ("0000000000001.0.0.1", None),
            ("256.0.0.1", None),
            ("1.2.3", None),
            ("::ffff:0a00:0001", Some("0A000001")),
            ("::ffff:10.0.0.1", None),
            ("::", Some("00000000000000000000000000000000")),
            ("00001::", Some("00010000000000000000000000000000")),
            ("1:2:3:4:5:6:7::", Some("00010002000300040005000600070000")),
            ("::2:3:4:5:6:7:8", Some("00000002000300040005000600070008")),
            ("1:2:3:4:5:6:7:8", Some("00010002000300040005000600070008")),
            ("1:2:3:4::5:6:7:8", None),
            ("1:2:3:4:5:6:7", None),
            ("12345::", None),
            (":1", None),
            ("1:", None),
            (":::", None),
            ("::1::", None),
            (":", None),
            ("fe80::1%eth0", None),
            ("+1.2.3.4", None),
        ] {
            assert_eq!(parse_address(text).map(hex_digits).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn blocks_mask_the_host_away() {
        let block = |text| AddressRange::parse_cidr(text).unwrap();
        assert!(block("10.1.2.3/8").contains_address("10.255.0.0"));
        assert!(!block("10.1.2.3/8").contains_address("11.0.0.0"));
        assert!(block("0.0.0.0/0").contains_address("255.255.255.255"));
        assert!(block("2001:db8::/+32").contains_address("2001:0DB8:ffff::"));
        assert!(block("10.0.0.0/8/").contains_address("10.0.0.1"));
        assert!(block("::/0").contains_address("10.0.0.1"));
        assert!(block("10.0.0.0/8").contains_address("a00::1"));
        assert!(block("10.0.0.1/0").contains_digits(b"1"));
        assert!(block("16.0.0.0/8").contains_digits(b"101"));
        assert!(!block("16.0.0.0/8").contains_digits(b"10"));
        assert!(!block("10.0.0.0/8").contains_address("10.0.0.0/8"));
    }
}
