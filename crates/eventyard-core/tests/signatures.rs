//! Signature Version 4 against requests that real SDKs signed, and against those requests tampered with.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at what it does not expect, and says what it did"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::secret::Secret;
use eventyard_core::sigv4::{Claim, Form, Request, SKEW_MAX, Scope, SignatureError, query_parameters, sign};
use proptest::prelude::*;
use serde_json::Value;

/// A request, taken apart so that it can be tampered with.
#[derive(Clone, Debug)]
struct Signed {
    name: String,
    secret: String,
    time: Timestamp,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Signed {
    fn read(line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().unwrap_or_else(|| panic!("no {name} in {line}")).to_owned();
        let headers: BTreeMap<String, String> = serde_json::from_value(line["headers"].clone()).unwrap();
        Self {
            name: text("name"),
            secret: text("secret"),
            time: Timestamp::parse_rfc3339(&text("time")).unwrap(),
            method: text("method"),
            path: text("path"),
            query: text("query"),
            headers: headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
            body: text("body").into_bytes(),
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect(),
            body: &self.body,
        }
    }

    fn claim(&self) -> Result<Claim, SignatureError> {
        Claim::read(&self.request())?.ok_or(SignatureError::Missing)
    }

    /// What a service does that knows one key: that of `known`.
    fn admit(&self, known: &Self, now: Timestamp) -> Result<(), SignatureError> {
        let (claim, expected) = (self.claim()?, known.claim()?);
        if (&claim.key_id, &claim.session_token) != (&expected.key_id, &expected.session_token) {
            return Err(SignatureError::UnknownKey);
        }
        claim.verify(&self.request(), &Secret::new(&known.secret), now)
    }

    fn header(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.headers.iter_mut().find(|(other, _)| other == name).unwrap().1
    }

    /// Replaces a part of the credential's scope.
    fn rescope(&mut self, from: &str, to: &str) {
        self.replace(&format!("/{from}/"), &format!("/{to}/"));
        self.replace(&format!("%2F{from}%2F"), &format!("%2F{to}%2F"));
    }

    fn replace(&mut self, from: &str, to: &str) {
        let replace = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap().replace(from, to).into_bytes();
        self.query = self.query.replace(from, to);
        self.headers.iter_mut().for_each(|(_, value)| *value = replace(value));
    }
}

fn cases() -> Vec<Signed> {
    let text = include_str!("data/signatures.jsonl");
    let cases: Vec<_> = text.lines().map(|line| Signed::read(&serde_json::from_str(line).unwrap())).collect();
    assert!(cases.len() >= 10);
    cases
}

/// `EVENTYARD_SIGV4_VECTORS` names a file with more requests of SDKs, which is not part of this repository.
fn more_cases() -> Vec<Signed> {
    let Some(path) = std::env::var_os("EVENTYARD_SIGV4_VECTORS") else {
        println!("skipped: EVENTYARD_SIGV4_VECTORS is not set");
        return Vec::new();
    };
    let mut vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let convert = |vector: &mut Value| {
        let url = vector["url"].as_str().unwrap().to_owned();
        let (_, behind) = url.split_once("://").unwrap();
        let (path, query) = behind[behind.find('/').unwrap()..].split_once('?').unwrap_or(("/", ""));
        let canonical = vector["canonical_request"].as_str().unwrap();
        let time = canonical
            .split(['\n', '&'])
            .find_map(|part| part.strip_prefix("x-amz-date:").or_else(|| part.strip_prefix("X-Amz-Date=")));
        let t = time.unwrap();
        let time = format!("{}-{}-{}T{}:{}:{}Z", &t[..4], &t[4..6], &t[6..8], &t[9..11], &t[11..13], &t[13..15]);
        vector["secret"] = vector["secret_key"].take();
        (vector["path"], vector["query"], vector["time"]) = (path.into(), query.into(), time.into());
        Signed::read(vector)
    };
    let cases: Vec<_> = vectors.as_array_mut().unwrap().iter_mut().map(convert).collect();
    assert!(!cases.is_empty());
    cases
}

#[test]
fn what_sdks_sign_is_let_in() {
    for case in cases().into_iter().chain(more_cases()) {
        assert_eq!(case.admit(&case, case.time), Ok(()), "{}", case.name);
    }
}

/// What an attacker could change, and what the answer to it is.
type Change = (&'static str, fn(&mut Signed), &'static str);

const CHANGES: [Change; 11] = [
    ("operation", |case| *case.header("x-amz-target") = b"AWSEvents.DeleteRule".to_vec(), "wrong_signature"),
    ("host", |case| *case.header("host") = b"elsewhere".to_vec(), "wrong_signature"),
    ("method", |case| case.method = "PUT".into(), "wrong_signature"),
    ("path", |case| case.path = "/events".into(), "wrong_signature"),
    ("body", |case| case.body.push(b' '), "wrong_signature"),
    ("query", |case| case.query.push_str("&Name=other"), "wrong_signature"),
    ("one more header", |case| case.headers.push(("x-amz-other".into(), b"1".into())), "incomplete"),
    ("service", |case| case.rescope("events", "sqs"), "wrong_scope"),
    ("day", |case| case.rescope(&case.time.to_rfc3339_seconds()[..10].replace('-', ""), "20200101"), "wrong_scope"),
    ("region", |case| case.rescope(&case.claim().unwrap().region, "eu-west-3"), "wrong_signature"),
    ("key", |case| case.replace(&case.claim().unwrap().key_id, "AKIAOTHER"), "unknown_key"),
];

#[test]
fn what_was_changed_is_not_let_in() {
    for case in cases() {
        for (what, change, reason) in CHANGES {
            let mut changed = case.clone();
            change(&mut changed);
            let error = changed.admit(&case, case.time).unwrap_err();
            assert_eq!(error.reason(), reason, "{}: {what}", case.name);
        }
        let other = Signed { secret: format!("{}x", case.secret), ..case.clone() };
        assert_eq!(case.admit(&other, case.time), Err(SignatureError::WrongSignature), "{}", case.name);
    }
}

#[test]
fn a_request_is_let_in_around_its_time_only() {
    let second = Duration::from_secs(1);
    for case in cases() {
        let valid = match case.claim().unwrap().form {
            Form::Header => SKEW_MAX,
            Form::Presigned(valid) => valid,
        };
        let before = |duration: Duration| {
            let milliseconds = case.time.as_millis() - i64::try_from(duration.as_millis()).unwrap();
            case.admit(&case, Timestamp::from_millis(milliseconds).unwrap())
        };
        let after = |duration| case.admit(&case, case.time.saturating_add(duration));
        assert_eq!((before(SKEW_MAX), after(valid)), (Ok(()), Ok(())), "{}", case.name);
        assert_eq!(before(SKEW_MAX + second).unwrap_err().reason(), "signature_not_yet_current", "{}", case.name);
        assert_eq!(after(valid + second).unwrap_err().reason(), "signature_expired", "{}", case.name);
    }
    let case = &cases()[0];
    let at = |text| case.admit(case, Timestamp::parse_rfc3339(text).unwrap()).unwrap_err();
    assert_eq!(
        at("2026-03-04T05:16:07Z"),
        SignatureError::Expired(
            "Signature expired: 20260304T050607Z is now earlier than 20260304T051107Z (20260304T051607Z - 5 min.)"
                .into()
        )
    );
    assert_eq!(
        at("2026-03-04T05:00:00Z"),
        SignatureError::NotYetCurrent(
            "Signature not yet current: 20260304T050607Z is still later than 20260304T050500Z (20260304T050000Z + 5 min.)"
                .into()
        )
    );
}

#[test]
fn what_cannot_be_read_says_what_is_wrong() {
    let case = &cases()[0];
    let message = |change: &dyn Fn(&mut Signed)| {
        let mut broken = case.clone();
        change(&mut broken);
        match broken.admit(case, case.time) {
            Err(SignatureError::Incomplete(message)) => message,
            other => panic!("{other:?}"),
        }
    };
    let header = |value: &str| {
        let value = value.as_bytes().to_vec();
        message(&move |case| (*case.header("authorization")).clone_from(&value))
    };
    assert_eq!(
        header("AWS4-HMAC-SHA256 Credential=a"),
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires 'Signature' parameter."
    );
    assert!(header("AWS4-HMAC-SHA256 Credential").contains("missing equal-sign"));
    assert!(
        header("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=00").contains("exactly 5 slash-delimited")
    );
    let whole =
        "AWS4-HMAC-SHA256 Credential=AKIAVECTOR/20260304/r/events/aws4_request, SignedHeaders=host, Signature=00";
    assert!(header(&format!("{whole}, Signature=00")).contains("there twice"));
    assert!(header(&whole.replace("=host", "=x;host")).contains("in order"));
    assert!(header(whole).contains("'x-amz-date' must be"));
    assert!(message(&|case| *case.header("x-amz-date") = b"yesterday".into()).contains("Got 'yesterday'"));
    assert!(message(&|case| case.headers.retain(|(name, _)| name != "x-amz-date")).contains("'X-Amz-Date'"));
    assert!(message(&|case| case.headers.push(("authorization".into(), b"Bearer x".into()))).contains("once"));
    assert!(message(&|case| case.query = "X-Amz-Signature=00".into()).contains("once"));

    let case = &cases()[3];
    let message = |change: &dyn Fn(&mut Signed)| {
        let mut broken = case.clone();
        change(&mut broken);
        broken.admit(case, case.time).unwrap_err()
    };
    for (from, to) in [
        ("X-Amz-Expires=900", ""),
        ("X-Amz-Expires=900", "X-Amz-Expires=604801"),
        ("X-Amz-Expires=900", "X-Amz-Expires=0"),
        ("X-Amz-Expires=900", "X-Amz-Expires=900&X-Amz-Expires=900"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", ""),
        ("X-Amz-Date", "X-Amz-Day"),
    ] {
        let error = message(&|case| case.query = case.query.replace(from, to));
        assert!(matches!(error, SignatureError::Incomplete(_)), "{from} as {to}: {error:?}");
    }
    // A request without a signature, or with another scheme, is not signed.
    let unsigned = Signed { query: String::new(), ..case.clone() };
    assert_eq!(unsigned.claim().unwrap_err(), SignatureError::Missing);
    let bearer = Signed { headers: vec![("authorization".into(), b"Bearer x".into())], ..unsigned };
    assert_eq!(bearer.claim().unwrap_err(), SignatureError::Missing);
}

#[test]
fn signing_and_verifying_agree() {
    for case in cases() {
        let (region, time) = (case.claim().unwrap().region, case.time.to_rfc3339_seconds().replace(['-', ':'], ""));
        let scope = Scope { date: &time[..8], region: &region, service: "events" };
        let values = case.headers.iter().map(|(_, value)| String::from_utf8(value.clone()).unwrap());
        let stated = values.chain([case.query.clone()]).find(|text| text.contains("Signature=")).unwrap();
        let names = match stated.split_once("SignedHeaders=") {
            Some((_, behind)) if stated.starts_with("AWS4") => behind.split(',').next().unwrap().to_owned(),
            _ => "content-type;host;x-amz-target".to_owned(),
        };
        let names: Vec<&str> = names.split(';').collect();
        let signature = sign(&case.request(), &names, &time, scope, &Secret::new(&case.secret));
        assert!(stated.ends_with(&format!("Signature={signature}")), "{}", case.name);
    }
}

/// The same sequence for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    /// Changes one byte: another bit, one more, one less.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len() + 1);
        match self.below(3) {
            0 if place < bytes.len() => bytes[place] ^= 1 << self.below(7),
            1 if place < bytes.len() => drop(bytes.remove(place)),
            _ => bytes.insert(place, b"aZ0 /%&=;,+"[self.below(11)]),
        }
    }

    fn spoil_text(&mut self, text: &mut String) {
        let mut bytes = text.clone().into_bytes();
        self.spoil(&mut bytes);
        if let Ok(spoilt) = String::from_utf8(bytes) {
            *text = spoilt;
        }
    }

    fn spoil_request(&mut self, request: &mut Signed) {
        match self.below(8) {
            0 => self.spoil_text(&mut request.method),
            1 => self.spoil_text(&mut request.path),
            2 => self.spoil_text(&mut request.query),
            3 => self.spoil(&mut request.body),
            4 => {
                let header = request.headers[self.below(request.headers.len())].clone();
                request.headers.push(header);
            }
            5 => drop(request.headers.remove(self.below(request.headers.len()))),
            _ => {
                let place = self.below(request.headers.len());
                self.spoil(&mut request.headers[place].1);
            }
        }
    }
}

/// What a request means, in the plainest words: two requests that differ in nothing of this are the same.
fn meaning(request: &Signed, signed: &str) -> Vec<Vec<u8>> {
    let mut query: Vec<Vec<u8>> =
        query_parameters(&request.query).map(|(name, value)| [&*name, b"=", &*value].concat()).collect();
    query.sort();
    let decides = |name: &str| signed.contains(name) || name.starts_with("x-amz-") || name == "authorization";
    let mut headers: Vec<_> = request.headers.iter().filter(|(name, _)| decides(name)).collect();
    headers.sort_by_key(|(name, _)| name);
    let headers = headers.into_iter().map(|(name, value)| {
        let words: Vec<&[u8]> = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
        [name.as_bytes(), b":", &words.join(b" ".as_slice())].concat()
    });
    let method_path_body =
        [request.method.clone().into_bytes(), request.path.clone().into_bytes(), request.body.clone()];
    method_path_body.into_iter().chain(query).chain(headers).collect()
}

#[test]
fn ten_thousand_spoilt_requests_are_not_let_in() {
    let (cases, mut dice, mut refused) = (cases(), Dice(7), 0);
    let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
    while refused < 10_000 {
        let case = &cases[dice.below(cases.len())];
        let signed = "host content-type content-length amz-sdk-invocation-id amz-sdk-request";
        let signed = if case.name.starts_with("boto3") { "host content-type" } else { signed };
        let mut spoilt = case.clone();
        (0..=dice.below(3)).for_each(|_| dice.spoil_request(&mut spoilt));
        if meaning(&spoilt, signed) == meaning(case, signed) {
            continue;
        }
        match spoilt.admit(case, case.time) {
            Err(error) => *reasons.entry(error.reason()).or_default() += 1,
            // Blanks between the parts of the header, and capitals in a signature or in an escape, are no change.
            Ok(()) if same_but_for_spelling(&spoilt, case, signed) => continue,
            Ok(()) => panic!("{}: {spoilt:?} is let in", case.name),
        }
        refused += 1;
    }
    println!("{reasons:?}");
    assert!(reasons["wrong_signature"] > 1_000 && reasons.len() >= 5, "{reasons:?}");
}

fn same_but_for_spelling(a: &Signed, b: &Signed, signed: &str) -> bool {
    let plain = |request: &Signed| {
        let mut parts = meaning(request, signed);
        for part in &mut parts {
            if part.starts_with(b"authorization:") {
                part.retain(|byte| *byte != b' ');
            }
            let signature = part.windows(10).position(|window| window == b"Signature=");
            if let Some(place) = signature {
                part[place..].make_ascii_lowercase();
            }
        }
        parts
    };
    plain(a) == plain(b)
}

proptest! {
    /// Whatever is sent, it is read or refused, and nobody without the secret is let in.
    #[test]
    fn anything_can_be_sent(
        parts in prop::collection::vec("(Credential|SignedHeaders|Signature|X)=?[a-z0-9;/TZ%é ]{0,40}", 0..5),
        time in "([0-9]{8}T[0-9]{6}Z|\\PC{0,16})",
        query in "(X-Amz-(Algorithm|Credential|Date|Expires|Signature|SignedHeaders)=[A-Za-z0-9/%;-]{0,30}&){0,7}",
    ) {
        let authorization = format!("AWS4-HMAC-SHA256 {}", parts.join(", "));
        let mut headers = vec![("host", b"h".as_slice()), ("x-amz-date", time.as_bytes())];
        if query.is_empty() {
            headers.push(("authorization", authorization.as_bytes()));
        }
        let request = Request { method: "POST", path: "/", query: &query, headers, body: b"{}" };
        if let Ok(Some(claim)) = Claim::read(&request) {
            prop_assert!(claim.verify(&request, &Secret::new("secret"), Timestamp::EPOCH).is_err());
        }
    }
}
