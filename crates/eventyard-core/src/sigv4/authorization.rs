//! The signer's side: what makes a request of ours one that AWS takes.

use super::claim::basic;
use super::{ALGORITHM, Request, Scope, sign, signing::TERMINATOR};
use crate::clock::Timestamp;
use crate::secret::Secret;

/// A time as `X-Amz-Date` has it: `20260102T030405Z`.
#[must_use]
pub fn amz_date(time: Timestamp) -> String {
    basic(time)
}

/// The `Authorization` header of a request. All its headers are signed, each of which must be there once, with its name in
/// lower case; `host` and `x-amz-date` (from [`amz_date`], for the same `time`) are among them.
#[must_use]
pub fn authorization(
    request: &Request<'_>,
    (region, service): (&str, &str),
    time: Timestamp,
    (key_id, secret): (&str, &Secret),
) -> String {
    let mut signed: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    signed.sort_unstable();
    let time = amz_date(time);
    let date = time.split_once('T').map_or("", |(date, _)| date);
    let signature = sign(request, &signed, &time, Scope { date, region, service }, secret);
    let headers = signed.join(";");
    format!(
        "{ALGORITHM} Credential={key_id}/{date}/{region}/{service}/{TERMINATOR}, SignedHeaders={headers}, Signature={signature}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::Claim;

    #[test]
    fn what_is_signed_here_is_verified_here() {
        let time = Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").unwrap();
        let secret = Secret::new("secret");
        let date = amz_date(time);
        assert_eq!(date, "20260102T030405Z");
        let headers = vec![("x-amz-date", date.as_bytes()), ("host", b"h:1".as_slice())];
        let mut request = Request { method: "POST", path: "/a%3Ab", query: "", headers, body: b"{}" };
        let header = authorization(&request, ("us-east-1", "events"), time, ("AKIA", &secret));
        request.headers.push(("authorization", header.as_bytes()));
        let claim = Claim::read(&request).unwrap().unwrap();
        assert_eq!((claim.key_id.as_str(), claim.region.as_str()), ("AKIA", "us-east-1"));
        claim.verify(&request, &secret, time).unwrap();
        assert!(claim.verify(&request, &Secret::new("other"), time).is_err());
    }
}
