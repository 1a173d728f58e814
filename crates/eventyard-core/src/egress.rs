//! Which addresses deliveries may go to. Whoever may put a target chooses where the daemon connects to, from inside of a
//! network that they may not be able to reach themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// The networks that may be reached beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    allow: Vec<Network>,
}

/// An address that no delivery may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenAddress {
    /// Nothing allows it.
    #[error("the address {address} is {kind}, which nothing can allow")]
    Always {
        /// The address as it was found.
        address: IpAddr,
        /// What is special about it.
        kind: &'static str,
    },
    /// The operator can allow it.
    #[error("the address {address} is {kind}, and egress.allow does not list it")]
    Unlisted {
        /// The address as it was found.
        address: IpAddr,
        /// What is special about it.
        kind: &'static str,
    },
}

impl Egress {
    /// The public internet, and these networks.
    #[must_use]
    pub fn new(allow: Vec<Network>) -> Self {
        Self { allow }
    }

    /// The public internet, and this machine itself.
    #[must_use]
    pub fn with_loopback() -> Self {
        Self::new(["127.0.0.0/8", "::1"].into_iter().filter_map(Network::parse).collect())
    }

    /// Checks an address that is about to be connected to.
    ///
    /// # Errors
    /// Why it must not be.
    pub fn check(&self, address: IpAddr) -> Result<(), ForbiddenAddress> {
        let meant = meant(address);
        if let Some(kind) = kind_in(&NEVER, meant) {
            return Err(ForbiddenAddress::Always { address, kind });
        }
        let is_listed = || self.allow.iter().any(|network| network.contains(address) || network.contains(meant));
        match special_kind(meant) {
            Some(kind) if !is_listed() => Err(ForbiddenAddress::Unlisted { address, kind }),
            _ => Ok(()),
        }
    }

    /// Checks the host of a URL, in whatever notation an address is written there. A name is not resolved, and passes.
    ///
    /// # Errors
    /// Why it must not be connected to.
    pub fn check_host(&self, host: &str) -> Result<(), ForbiddenAddress> {
        literal_address(host).map_or(Ok(()), |address| self.check(address))
    }
}

/// The address that the host of a URL is, in any of the notations that a URL's parser reads: decimal, octal, hexadecimal,
/// in one to four parts, or in brackets. None for a name.
#[must_use]
pub fn literal_address(host: &str) -> Option<IpAddr> {
    match Host::parse(host).ok()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_length: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8`, or a single address. None for anything else, such as a network whose address has
    /// bits behind its prefix.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().ok()?;
        let length_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_length = match length {
            None => length_max,
            Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => length.parse().ok()?,
            Some(_) => return None,
        };
        let network = Self { address, prefix_length };
        (prefix_length <= length_max && network.prefix_of(address) == aligned(address)).then_some(network)
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && self.prefix_of(address) == self.prefix_of(self.address)
    }

    /// The first bits of an address, which stands at the left.
    fn prefix_of(&self, address: IpAddr) -> u128 {
        let mask = u128::MAX.checked_shl(128 - self.prefix_length).unwrap_or(0);
        aligned(address) & mask
    }
}

/// The bits of an address, at the left.
fn aligned(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address that is reached in the end: many IPv6 addresses lead to the IPv4 address that stands in them.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(address) = address else { return address };
    let segments = address.segments();
    let within = |first: usize| {
        let bits = u32::from(segments[first]) << 16 | u32::from(segments[first + 1]);
        IpAddr::from(Ipv4Addr::from_bits(bits))
    };
    match segments {
        // The unspecified and the loopback address are none of the IPv4-compatible ones.
        _ if address.to_bits() <= 1 => address.into(),
        // 6to4.
        [0x2002, ..] => within(1),
        // Compatible, mapped, translated, translated by NAT64, ISATAP.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => within(6),
        _ => address.into(),
    }
}

type Special = (&'static str, &'static str);

/// What no delivery has any business with.
const NEVER: [Special; 8] = [
    ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
    ("fe80::/10", "link-local, where clouds keep their metadata"),
    ("100.100.100.200/32", "a cloud's metadata service"),
    ("192.0.0.192/32", "a cloud's metadata service"),
    ("168.63.129.16/32", "a cloud's metadata service"),
    ("fd00:ec2::/32", "a cloud's metadata service"),
    ("fd20:ce::254/128", "a cloud's metadata service"),
    ("fd00:42::42/128", "a cloud's metadata service"),
];

/// What is no part of the public internet.
const SPECIAL: [Special; 20] = [
    ("127.0.0.0/8", "this machine itself"),
    ("::1/128", "this machine itself"),
    ("0.0.0.0/8", "this machine itself"),
    ("::/128", "this machine itself"),
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("fc00::/7", "private"),
    ("100.64.0.0/10", "shared by a provider's customers"),
    ("192.0.0.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("240.0.0.0/4", "reserved"),
    ("2001::/23", "reserved"),
    ("192.0.2.0/24", "for documentation"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("2001:db8::/32", "for documentation"),
    ("3fff::/20", "for documentation"),
    ("198.18.0.0/15", "for benchmarks"),
    ("224.0.0.0/4", "multicast"),
];

fn special_kind(address: IpAddr) -> Option<&'static str> {
    // All that is public of IPv6 is in 2000::/3.
    let is_global = |address: Ipv6Addr| address.segments()[0] >> 13 == 1;
    kind_in(&SPECIAL, address).or(match address {
        IpAddr::V6(address) if address.is_multicast() => Some("multicast"),
        IpAddr::V6(address) if !is_global(address) => Some("reserved"),
        _ => None,
    })
}

fn kind_in(networks: &[Special], address: IpAddr) -> Option<&'static str> {
    let is_in = |(network, _): &&Special| Network::parse(network).is_some_and(|network| network.contains(address));
    networks.iter().find(is_in).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Everything of both families.
    fn everything() -> Egress {
        Egress::new(["0.0.0.0/0", "::/0"].into_iter().map(|text| Network::parse(text).unwrap()).collect())
    }

    #[test]
    fn the_public_internet_is_open_and_the_rest_is_not() {
        for text in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1"] {
            assert_eq!(Egress::default().check(ip(text)), Ok(()), "{text}");
        }
        for (text, kind) in [
            ("127.0.0.1", "this machine itself"),
            ("127.255.255.254", "this machine itself"),
            ("0.0.0.0", "this machine itself"),
            ("::", "this machine itself"),
            ("::1", "this machine itself"),
            ("10.1.2.3", "private"),
            ("172.31.255.255", "private"),
            ("192.168.0.1", "private"),
            ("fd12::1", "private"),
            ("100.64.0.1", "shared by a provider's customers"),
            ("224.0.0.1", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("192.0.2.1", "for documentation"),
            ("2001:db8::1", "for documentation"),
            ("2001::1", "reserved"),
            ("fec0::1", "reserved"),
            ("64:ff9b:1::1", "reserved"),
        ] {
            assert_eq!(Egress::default().check(ip(text)), Err(ForbiddenAddress::Unlisted { address: ip(text), kind }));
            assert_eq!(everything().check(ip(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn metadata_is_never_allowed_in_any_form() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2a00::5efe:169.254.169.254",
            "2a00::200:5efe:169.254.169.254",
        ] {
            assert!(matches!(everything().check(ip(text)), Err(ForbiddenAddress::Always { .. })), "{text}");
        }
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_beside_it() {
        let egress = Egress::new(vec![Network::parse("10.0.0.0/9").unwrap(), Network::parse("fd00:1::/32").unwrap()]);
        for text in ["10.0.0.0", "10.127.255.255", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "fd00:1::7"] {
            assert_eq!(egress.check(ip(text)), Ok(()), "{text}");
        }
        for text in ["10.128.0.0", "127.0.0.1", "::ffff:10.200.0.1", "fd00:2::7"] {
            assert!(egress.check(ip(text)).is_err(), "{text}");
        }
        for text in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(Egress::with_loopback().check(ip(text)), Ok(()), "{text}");
        }
        let forbidden = Egress::with_loopback().check(ip("10.0.0.1")).unwrap_err();
        assert_eq!(forbidden.to_string(), "the address 10.0.0.1 is private, and egress.allow does not list it");
    }

    #[test]
    fn an_address_is_found_in_every_notation() {
        let loopback = Some(ip("127.0.0.1"));
        for host in ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.01", "127.0.0.1.", "%3127.1"]
        {
            assert_eq!(literal_address(host), loopback, "{host}");
        }
        assert_eq!(literal_address("[::ffff:7f00:1]"), Some(ip("::ffff:127.0.0.1")));
        assert_eq!(literal_address("0"), Some(ip("0.0.0.0")));
        for host in ["localhost", "127.0.0.1.nip.io", "h", "1.2.3.4.5x", ""] {
            assert_eq!(literal_address(host), None, "{host}");
        }
        assert!(Egress::default().check_host("0x7f.1").is_err());
        assert_eq!(Egress::default().check_host("localhost"), Ok(()));
    }

    #[test]
    fn networks_are_read_as_they_are_meant() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "1.2.3.4", "1.2.3.4/32", "::/0", "fd00::/8", "::1"] {
            assert!(Network::parse(text).is_some(), "{text}");
        }
        for text in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "fd00::1/64", "::/129", "a", "", "1.2/8"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    proptest! {
        /// Held against counting bits one by one.
        #[test]
        fn a_network_contains_what_shares_its_prefix(bits: u32, other: u32, length in 0_u32..=32) {
            let network = Ipv4Addr::from_bits(bits.checked_shr(32 - length).map_or(0, |b| b << (32 - length)));
            let parsed = Network::parse(&format!("{network}/{length}")).unwrap();
            let shares = (0..length).all(|bit| (bits ^ other) & (0x8000_0000 >> bit) == 0);
            prop_assert_eq!(parsed.contains(Ipv4Addr::from_bits(other).into()), shares);
        }

        /// Whatever IPv4 address stands in them, these say of it what it says of itself.
        #[test]
        fn an_embedded_address_is_judged_as_itself(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let kind = |address: IpAddr| match Egress::default().check(address) {
                Ok(()) => "public",
                Err(ForbiddenAddress::Always { kind, .. } | ForbiddenAddress::Unlisted { kind, .. }) => kind,
            };
            let nat64 = Ipv6Addr::from_bits(0x64_ff9b_u128 << 96 | u128::from(bits));
            let six_to_four = Ipv6Addr::from_bits(0x2002_u128 << 112 | u128::from(bits) << 80 | 1);
            for embedded in [v4.to_ipv6_mapped(), nat64, six_to_four] {
                prop_assert_eq!(kind(embedded.into()), kind(v4.into()));
            }
        }
    }
}
