//! The canonical request: the one form of a request that both sides hash.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest as _, Sha256};

use super::Request;
use crate::secret::encode_hex;

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The query parameter that holds the signature, and can therefore not be signed.
pub(super) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// The parameters of a query in their order, decoded. A plus sign stands for itself, as SDKs write a space as `%20`.
pub fn query_parameters(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode_str(name).into(), percent_decode_str(value).into())
    })
}

/// Writes the request as it is signed, with these headers, which are in order and in lower case.
pub(super) fn canonical_request(request: &Request<'_>, signed_headers: &[&str]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut line = |part: &[u8]| {
        text.extend_from_slice(part);
        text.push(b'\n');
    };
    line(request.method.as_bytes());
    line(canonical_path(request.path).as_bytes());
    line(canonical_query(request.query).as_bytes());
    for name in signed_headers {
        let values: Vec<Vec<u8>> = request
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| canonical_value(value))
            .collect();
        line(&[name.as_bytes(), b":", &values.join(b",".as_slice())].concat());
    }
    line(b"");
    line(signed_headers.join(";").as_bytes());
    text.extend_from_slice(hash(request.body).as_bytes());
    text
}

/// The SHA-256 of `bytes` in hexadecimal digits.
pub(super) fn hash(bytes: &[u8]) -> String {
    encode_hex(&Sha256::digest(bytes))
}

/// The path as it was sent is encoded once more, but for its slashes.
fn canonical_path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(|segment| encode(segment.as_bytes())).collect();
    segments.join("/")
}

/// Sorted by encoded name, then by encoded value.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query_parameters(query)
        .filter(|(name, _)| &**name != SIGNATURE_PARAMETER.as_bytes())
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Without white space around it, and with one blank where there are several.
fn canonical_value(value: &[u8]) -> Vec<u8> {
    let mut canonical: Vec<u8> = value.trim_ascii().to_vec();
    canonical.dedup_by(|next, previous| *next == b' ' && *previous == b' ');
    canonical
}

fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_sorted_and_encoded_anew() {
        for (query, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&a", "a=&a=1&a=2"),
            ("a=b=c&&", "a=b%3Dc"),
            ("n=%c3%bc%20%2F~", "n=%C3%BC%20%2F~"),
            ("n=a+b", "n=a%2Bb"),
            ("X-Amz-Signature=00&X-Amz-Date=1", "X-Amz-Date=1"),
            ("broken=%zz", "broken=%25zz"),
        ] {
            assert_eq!(canonical_query(query), canonical, "{query}");
        }
    }

    #[test]
    fn a_header_is_trimmed_and_several_are_joined() {
        let request = Request {
            method: "GET",
            path: "/a%20b",
            query: "",
            headers: vec![("host", b"  h "), ("x-amz-a", b"1"), ("x-other", b"3"), ("x-amz-a", b" 2   2 ")],
            body: b"",
        };
        let text = String::from_utf8(canonical_request(&request, &["host", "x-amz-a"])).unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text, format!("GET\n/a%2520b\n\nhost:h\nx-amz-a:1,2 2\n\nhost;x-amz-a\n{empty}"));
    }
}
