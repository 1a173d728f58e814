//! Which targets a connection is for: a URL prefix, held against the Arns of targets.

/// The schemes of URLs that targets can have, with the port that is meant when a URL names none.
const SCHEMES: [(&str, u16); 13] = [
    ("http", 80),
    ("https", 443),
    ("nats", 4222),
    ("tls", 4222),
    ("nats+tls", 4222),
    ("amqp", 5672),
    ("amqps", 5671),
    ("redis", 6379),
    ("rediss", 6379),
    ("kafka", 9092),
    ("kafka+tls", 9092),
    ("mqtt", 1883),
    ("mqtts", 8883),
];

/// The targets whose Arn begins with a URL: its scheme, hosts and ports exactly, its path by whole segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    scheme: String,
    /// Host and port of each server, in lower case; most kinds have one only.
    authority: String,
    /// The segments of the path, without an empty one at the end.
    segments: Vec<String>,
}

/// Why a text is no prefix of the URLs of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCoverage {
    /// It has no `://`, or nothing after it.
    #[error("it is no URL with a scheme and a host")]
    NotAUrl,
    /// No target has this scheme.
    #[error("no target has a URL of that scheme")]
    Scheme,
    /// It has a part that would not be looked at, or that would be shown.
    #[error("it has more than a scheme, a host, a port and a path")]
    More,
}

impl Coverage {
    /// Reads a prefix, such as `https://hooks.example.com/orders`. A slash at its end changes nothing.
    ///
    /// # Errors
    /// What keeps it from being the beginning of a target's Arn.
    pub fn parse(prefix: &str) -> Result<Self, InvalidCoverage> {
        if prefix.bytes().any(|byte| b"@?#*".contains(&byte) || byte <= b' ') {
            return Err(InvalidCoverage::More);
        }
        let (coverage, is_plain) = Self::split(prefix).ok_or(InvalidCoverage::NotAUrl)?;
        if !SCHEMES.iter().any(|(scheme, _)| *scheme == coverage.scheme) {
            return Err(InvalidCoverage::Scheme);
        }
        if is_plain { Ok(coverage) } else { Err(InvalidCoverage::More) }
    }

    /// Whether the target of this Arn is covered. A path with `.` or `..` in it leads elsewhere than it seems to, so only a
    /// prefix without a path covers it.
    #[must_use]
    pub fn covers(&self, arn: &str) -> bool {
        let Some((of, is_plain)) = Self::split(arn) else { return false };
        (&self.scheme, &self.authority) == (&of.scheme, &of.authority)
            && (self.segments.is_empty() || is_plain && of.segments.starts_with(&self.segments))
    }

    /// Whether it covers HTTP targets, which are the only ones it covers then.
    #[must_use]
    pub fn is_http(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "https")
    }

    /// Whether it covers targets that are spoken to without TLS over HTTP.
    #[must_use]
    pub fn is_plain_http(&self) -> bool {
        self.scheme == "http"
    }

    /// How much of a path it names; of two that cover the same target, the more exact one counts.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.segments.len()
    }

    /// A URL in its parts, and whether its path leads where it seems to.
    fn split(url: &str) -> Option<(Self, bool)> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        let default_port = SCHEMES.iter().find(|(known, _)| *known == scheme).map(|(_, port)| *port);
        let servers: Vec<_> = authority.split(',').map(|server| with_port(server, default_port)).collect();
        if authority.is_empty() {
            return None;
        }
        let mut segments: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        segments.pop_if(|last| last.is_empty());
        let is_plain = !segments.iter().any(|segment| is_dots(segment));
        Some((Self { scheme, authority: servers.join(","), segments }, is_plain))
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.authority)?;
        self.segments.iter().try_for_each(|segment| write!(formatter, "/{segment}"))
    }
}

/// A server with its port, so that `https://h` and `https://h:443` are the same.
fn with_port(server: &str, default_port: Option<u16>) -> String {
    let server = server.to_ascii_lowercase();
    let after_host = server.rsplit_once(']').map_or(server.as_str(), |(_, after)| after);
    match default_port {
        Some(port) if !after_host.contains(':') => format!("{server}:{port}"),
        _ => server,
    }
}

/// What a URL's parser takes away, be it percent-encoded or not.
fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_whole_segments_of_one_server() {
        let covers = |prefix: &str, arn: &str| Coverage::parse(prefix).unwrap().covers(arn);
        for (prefix, arn) in [
            ("https://h/orders", "https://h/orders"),
            ("https://h/orders/", "https://h/orders"),
            ("https://h/orders", "https://h/orders/"),
            ("https://h/orders", "https://h/orders/1/*?a=b#c"),
            ("https://h/orders", "https://h/orders?x"),
            ("https://h", "https://h/a/../b"),
            ("https://H:443", "HTTPS://h/a"),
            ("https://[::1]", "https://[::1]:443/a"),
            ("amqps://rabbit.internal", "amqps://rabbit.internal:5671/vhost/exchange/key"),
            ("kafka://a,b:9092", "kafka://a:9092,b/topic"),
        ] {
            assert!(covers(prefix, arn), "{prefix} {arn}");
        }
        for (prefix, arn) in [
            ("https://h/orders", "https://h/orders2"),
            ("https://h/orders", "https://h/Orders"),
            ("https://h/orders", "https://h/"),
            ("https://h/orders", "https://h/orders/../admin"),
            ("https://h/orders", "https://h/orders/%2E%2e/admin"),
            ("https://h/orders", "https://h/x?/orders"),
            ("https://h", "http://h/"),
            ("https://h", "https://h.evil.com/"),
            ("https://h", "https://h:444/"),
            ("https://h", "https://h@evil.com/"),
            ("kafka://a,b", "kafka://a/topic"),
            ("https://h", "arn:aws:sqs:us-east-1:123456789012:q"),
        ] {
            assert!(!covers(prefix, arn), "{prefix} {arn}");
        }
    }

    #[test]
    fn what_begins_no_target_is_refused() {
        use InvalidCoverage::{More, NotAUrl, Scheme};
        for (prefix, why) in [
            ("", NotAUrl),
            ("h/orders", NotAUrl),
            ("https://", NotAUrl),
            ("https:///orders", NotAUrl),
            ("htps://h", Scheme),
            ("ftp://h", Scheme),
            ("https://u:p@h", More),
            ("https://h/a?b", More),
            ("https://h/a/*", More),
            ("https://h/a/../b", More),
        ] {
            assert_eq!(Coverage::parse(prefix), Err(why), "{prefix}");
        }
        assert_eq!(Coverage::parse("HTTPS://H/a/").unwrap().to_string(), "https://h:443/a");
    }
}
