//! The signature itself: a key for one day, region and service, and what it makes of a canonical request.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::canonical::{canonical_request, hash};
use super::{ALGORITHM, Request};
use crate::secret::{Secret, encode_hex};

/// What the last step of the derivation of a key is named after.
pub(super) const TERMINATOR: &str = "aws4_request";

/// What a signature is valid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The day as `20260102`.
    pub date: &'a str,
    /// The region.
    pub region: &'a str,
    /// The service.
    pub service: &'a str,
}

/// Signs the request as it is at `time` (`20260102T030405Z`) with these headers, which are in order and in lower case: 64
/// hexadecimal digits.
#[must_use]
pub fn sign(request: &Request<'_>, signed_headers: &[&str], time: &str, scope: Scope<'_>, secret: &Secret) -> String {
    encode_hex(&keyed(request, signed_headers, time, scope, secret).finalize().into_bytes())
}

/// Whether `signature` is the one that [`sign`] would make, in a time that says nothing about where they differ.
pub(super) fn is_signed(
    request: &Request<'_>,
    signed_headers: &[&str],
    time: &str,
    scope: Scope<'_>,
    secret: &Secret,
    signature: &[u8],
) -> bool {
    keyed(request, signed_headers, time, scope, secret).verify_slice(signature).is_ok()
}

fn keyed(
    request: &Request<'_>,
    signed_headers: &[&str],
    time: &str,
    scope: Scope<'_>,
    secret: &Secret,
) -> Hmac<Sha256> {
    let Scope { date, region, service } = scope;
    let canonical = hash(&canonical_request(request, signed_headers));
    let string_to_sign = format!("{ALGORITHM}\n{time}\n{date}/{region}/{service}/{TERMINATOR}\n{canonical}");
    let mut key = format!("AWS4{}", secret.expose()).into_bytes();
    for part in [date, region, service, TERMINATOR] {
        key = mac(&key, part).finalize().into_bytes().to_vec();
    }
    mac(&key, &string_to_sign)
}

fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    // A key of any length is taken, so this cannot fail; an empty one would only make a wrong signature.
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
    mac.update(text.as_bytes());
    mac
}
