//! The Arn of an HTTP target: an absolute `http://` or `https://` URL, whose path may hold `*` for path parameters.

/// A URL that events can be posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl {
    /// Scheme, host and port: `https://example.com:8443`.
    pub origin: String,
    /// The path, `/` when the Arn has none. Each `*` stands for one of `PathParameterValues`.
    pub path: String,
    /// The query without its `?`.
    pub query: Option<String>,
}

/// Why an Arn is not a target, as the second half of Amazon's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHttpUrl {
    /// Not a URL.
    #[error("Provided Arn is not in correct format.")]
    NotInFormat,
    /// A URL that cannot be posted to.
    #[error("Provided URL {0}.")]
    Url(&'static str),
}

impl HttpUrl {
    /// Reads an Arn.
    ///
    /// # Errors
    /// What keeps it from being a URL that events can be posted to.
    pub fn parse(arn: &str) -> Result<Self, InvalidHttpUrl> {
        let Some((scheme, rest)) = arn.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme))
        else {
            return Err(InvalidHttpUrl::NotInFormat);
        };
        if arn.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b"\"<>\\^`{|}".contains(&byte) || !byte.is_ascii()) {
            return Err(InvalidHttpUrl::Url("holds a character that a URL must percent-encode"));
        }
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query.to_owned())));
        split_authority(authority).map_err(InvalidHttpUrl::Url)?;
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { origin: format!("{scheme}://{authority}"), path: path.to_owned(), query })
    }

    /// The host, with the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.origin.split_once("://").map_or("", |(_, authority)| authority);
        let end = authority.rfind(']').map_or_else(|| authority.find(':'), |bracket| Some(bracket + 1));
        authority.get(..end.unwrap_or(authority.len())).unwrap_or_default()
    }
}

/// The host, with brackets around an IPv6 address, and the port of `host[:port]`.
///
/// # Errors
/// What is wrong, as the end of a sentence about the URL.
pub(super) fn split_authority(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    if authority.contains('@') {
        return Err("holds credentials, which every ListTargetsByRule would show");
    }
    let end_of_host = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']').map(|end| end + 2),
        None => Some(authority.find(':').unwrap_or(authority.len())),
    };
    let Some((host, port)) = end_of_host.filter(|end| *end > 0).map(|end| authority.split_at(end)) else {
        return Err("has no host");
    };
    let name = host.trim_start_matches('[').trim_end_matches(']');
    if name.bytes().any(|byte| !(byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))) {
        return Err("has a host that is no name or address");
    }
    match port.strip_prefix(':').map(str::parse) {
        None if port.is_empty() => Ok((host, None)),
        Some(Ok(number)) if number > 0 => Ok((host, Some(number))),
        _ => Err("has a port that is not a number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = HttpUrl::parse("https://example.com:8443/a/*/b?c=d#e").unwrap();
        assert_eq!((url.origin.as_str(), url.path.as_str()), ("https://example.com:8443", "/a/*/b"));
        assert_eq!(url.query.as_deref(), Some("c=d"));
        assert_eq!(HttpUrl::parse("http://[::1]:80").unwrap().path, "/");
        for (arn, host) in
            [("http://[::1]:80", "[::1]"), ("http://[::1]/", "[::1]"), ("http://h:1/a:b", "h"), ("http://h", "h")]
        {
            assert_eq!(HttpUrl::parse(arn).unwrap().host(), host);
        }
        assert_eq!(HttpUrl::parse("http://h?x").unwrap().query.as_deref(), Some("x"));
    }

    #[test]
    fn what_cannot_be_posted_to_is_refused() {
        use InvalidHttpUrl::{NotInFormat, Url};
        for (arn, matches) in [
            ("", NotInFormat),
            ("ftp://h/", NotInFormat),
            ("http://", Url("has no host")),
            ("http://:80/", Url("has no host")),
            ("http://a b/", Url("holds a character that a URL must percent-encode")),
            ("http://u:p@h/", Url("holds credentials, which every ListTargetsByRule would show")),
            ("http://h:0/", Url("has a port that is not a number from 1 to 65535")),
            ("http://h:x/", Url("has a port that is not a number from 1 to 65535")),
            ("http://h%00/", Url("has a host that is no name or address")),
            ("http://[::1/", Url("has no host")),
        ] {
            assert_eq!(HttpUrl::parse(arn), Err(matches), "{arn}");
        }
    }
}
