//! Requests signed by hand, at any time the test likes.

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use eventyard_core::account::AccessKeyId;
use eventyard_core::clock::Timestamp;
use eventyard_core::error::ErrorCode;
use eventyard_core::secret::{Secret, TokenHash};
use eventyard_core::sigv4::{Scope, sign};

use super::*;

const BODY: &[u8] = br#"{"Name": "r"}"#;

/// A clock that stands still until it is set.
#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn key(id: &str, secret: &str) -> AccessKey {
    AccessKey { id: AccessKeyId::parse(id).unwrap(), secret: Secret::new(secret), session_token: None, expires: None }
}

fn account(id: &str, access_keys: Vec<AccessKey>) -> Account {
    Account { id: AccountId::parse(id).unwrap(), organization: None, access_keys, event_token_hashes: Vec::new() }
}

struct Service {
    authenticator: Authenticator,
    clock: Arc<SetClock>,
    telemetry: Arc<Telemetry>,
}

impl Service {
    fn new(accounts: Vec<Account>, regions: &[&str]) -> Self {
        let settings = Settings {
            accounts,
            default_account: AccountId::parse("000000000000").unwrap(),
            default_region: Region::parse("us-east-1").unwrap(),
            regions: regions.iter().map(|region| Region::parse(region).unwrap()).collect(),
        };
        let clock = Arc::new(SetClock(AtomicI64::new(time("2026-01-02T03:04:05Z").as_millis())));
        let telemetry = Arc::new(Telemetry::new().unwrap());
        Self { authenticator: Authenticator::new(settings, clock.clone(), Arc::clone(&telemetry)), clock, telemetry }
    }

    /// Two accounts, the second with a temporary key.
    fn with_accounts() -> Self {
        let mut temporary = key("TEMPORARY", "secret three");
        temporary.session_token = Some(Secret::new("the token"));
        temporary.expires = Some(time("2026-01-02T04:00:00Z"));
        let first = vec![key("ONE", "secret one"), key("OTHER", "secret other")];
        let mut first = account("111111111111", first);
        first.organization = OrganizationId::parse("o-a1b2c3d4e5").ok();
        Self::new(vec![first, account("222222222222", vec![temporary])], &[])
    }

    /// `account/region`, or the error's code.
    fn ask(&self, request: &Request) -> Result<String, ErrorCode> {
        let body = request.body.as_ref().unwrap();
        let identity = self.authenticator.authenticate(request, body).map_err(|error| error.code)?;
        Ok(format!("{}/{}", identity.account, identity.region))
    }

    fn failures(&self, reason: &str) -> bool {
        self.telemetry.encode().contains(&format!("eventyard_authentication_failures_total{{reason=\"{reason}\"}} 1"))
    }
}

/// How a request is signed.
struct Signer<'a> {
    key: &'a str,
    secret: &'a str,
    region: &'a str,
    time: &'a str,
    token: Option<&'a str>,
}

impl Default for Signer<'_> {
    fn default() -> Self {
        Self { key: "ONE", secret: "secret one", region: "eu-west-1", time: "20260102T030405Z", token: None }
    }
}

impl Signer<'_> {
    fn request(&self) -> Request {
        let mut headers = vec![("host", "h"), ("x-amz-date", self.time), ("x-amz-target", "AWSEvents.DescribeRule")];
        headers.extend(self.token.map(|token| ("x-amz-security-token", token)));
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let mut request = request(&headers);
        let scope = Scope { date: &self.time[..8], region: self.region, service: "events" };
        let signature = sign(&signed_request(&request, BODY), &names, self.time, scope, &Secret::new(self.secret));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/{}/events/aws4_request, SignedHeaders={}, Signature={signature}",
            self.key,
            &self.time[..8],
            self.region,
            names.join(";")
        );
        request.headers.insert("authorization", authorization.parse().unwrap());
        request
    }
}

fn request(headers: &[(&'static str, &str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    Request {
        method: "POST".parse().unwrap(),
        uri: "/".parse().unwrap(),
        headers: headers.collect(),
        client: ([192, 0, 2, 1], 1).into(),
        body: Ok(Bytes::from_static(BODY)),
    }
}

#[test]
fn a_key_speaks_for_its_account_in_the_region_it_signed_for() {
    let service = Service::with_accounts();
    assert_eq!(service.ask(&Signer::default().request()), Ok("111111111111/eu-west-1".to_owned()));
    let request = Signer::default().request();
    let identity = service.authenticator.authenticate(&request, BODY).unwrap();
    assert_eq!(identity.organization, OrganizationId::parse("o-a1b2c3d4e5").ok());
    let other = Signer { key: "OTHER", secret: "secret other", region: "us-west-2", ..Signer::default() };
    assert_eq!(service.ask(&other.request()), Ok("111111111111/us-west-2".to_owned()));
    let temporary = Signer { key: "TEMPORARY", secret: "secret three", token: Some("the token"), ..Signer::default() };
    assert_eq!(service.ask(&temporary.request()), Ok("222222222222/eu-west-1".to_owned()));
}

#[test]
fn nobody_else_is_let_in() {
    let refused = |signer: Signer<'_>, code, reason| {
        let service = Service::with_accounts();
        assert_eq!(service.ask(&signer.request()), Err(code), "{reason}");
        assert!(service.failures(reason), "{reason} is not counted");
    };
    refused(Signer { secret: "secret other", ..Signer::default() }, ErrorCode::InvalidSignature, "wrong_signature");
    refused(Signer { key: "TWO", ..Signer::default() }, ErrorCode::UnrecognizedClient, "unknown_key");
    refused(Signer { key: "111111111111", ..Signer::default() }, ErrorCode::UnrecognizedClient, "unknown_key");
    refused(Signer { region: "EU", ..Signer::default() }, ErrorCode::InvalidSignature, "wrong_scope");
    let yesterday = Signer { time: "20260101T030405Z", ..Signer::default() };
    refused(yesterday, ErrorCode::InvalidSignature, "signature_expired");

    // A session token belongs to its key, and to no other.
    let unknown = ErrorCode::UnrecognizedClient;
    refused(Signer { token: Some("the token"), ..Signer::default() }, unknown, "unknown_key");
    let temporary = |token| Signer { key: "TEMPORARY", secret: "secret three", token, ..Signer::default() };
    refused(temporary(None), unknown, "unknown_key");
    refused(temporary(Some("another")), unknown, "unknown_key");

    let service = Service::with_accounts();
    assert_eq!(service.ask(&request(&[("host", "h")])), Err(ErrorCode::MissingAuthenticationToken));
    assert!(service.failures("missing"));
}

#[test]
fn a_request_cannot_be_sent_again_later_nor_a_temporary_key_used_for_ever() {
    let service = Service::with_accounts();
    let sent = Signer::default().request();
    assert!(service.ask(&sent).is_ok());
    service.clock.0.fetch_add(5 * 60 * 1_000, Ordering::Relaxed);
    assert!(service.ask(&sent).is_ok());
    service.clock.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(service.ask(&sent), Err(ErrorCode::InvalidSignature));

    let temporary = |time| {
        let key = Signer { key: "TEMPORARY", secret: "secret three", token: Some("the token"), ..Signer::default() };
        Signer { time, ..key }.request()
    };
    service.clock.0.store(time("2026-01-02T03:59:59Z").as_millis(), Ordering::Relaxed);
    assert!(service.ask(&temporary("20260102T035959Z")).is_ok());
    service.clock.0.store(time("2026-01-02T04:00:00Z").as_millis(), Ordering::Relaxed);
    assert_eq!(service.ask(&temporary("20260102T040000Z")), Err(ErrorCode::ExpiredToken));
}

#[test]
fn a_bearer_token_puts_events_and_nothing_else() {
    let mut first = account("111111111111", Vec::new());
    first.event_token_hashes = vec![TokenHash::of(b"first"), TokenHash::of(b"second")];
    let service = Service::new(vec![first], &[]);
    let put = |authorization: &str| {
        let request = request(&[("authorization", authorization)]);
        let identity = service.authenticator.authenticate_events(&request, BODY).map_err(|error| error.code);
        identity.map(|identity| format!("{}/{}", identity.account, identity.region))
    };
    for right in ["Bearer first", "bearer second", "Bearer  second "] {
        assert_eq!(put(right), Ok("111111111111/us-east-1".to_owned()), "{right}");
    }
    for wrong in ["Bearer third", "Bearer ", "Bearer first second"] {
        assert_eq!(put(wrong), Err(ErrorCode::Unauthorized), "{wrong}");
    }
    for unsigned in ["Basic first", "first", "Bearer"] {
        assert_eq!(put(unsigned), Err(ErrorCode::MissingAuthenticationToken), "{unsigned}");
    }
    assert!(service.telemetry.encode().contains(r#"reason="unknown_token"} 3"#));
    let operation = request(&[("authorization", "Bearer first")]);
    assert_eq!(service.ask(&operation), Err(ErrorCode::MissingAuthenticationToken));
}

#[test]
fn all_but_the_signature_is_known_before_the_body() {
    let service = Service::with_accounts();
    let head = |request: &Request| service.authenticator.check_head(request, false).map_err(|error| error.code);
    assert_eq!(head(&Signer::default().request()), Ok(()));
    assert_eq!(head(&Signer { secret: "another", ..Signer::default() }.request()), Ok(()));
    let unknown = Err(ErrorCode::UnrecognizedClient);
    assert_eq!(head(&Signer { key: "TWO", ..Signer::default() }.request()), unknown);
    assert_eq!(head(&Signer { token: Some("x"), ..Signer::default() }.request()), unknown);
    let late = Signer { time: "20260101T030405Z", ..Signer::default() };
    assert_eq!(head(&late.request()), Err(ErrorCode::InvalidSignature));
    let bearer = request(&[("authorization", "Bearer x")]);
    assert_eq!(head(&bearer), Err(ErrorCode::MissingAuthenticationToken));
    let with_token = service.authenticator.check_head(&bearer, true).map_err(|error| error.code);
    assert_eq!(with_token, Err(ErrorCode::Unauthorized));
    assert!(Service::new(Vec::new(), &[]).authenticator.check_head(&bearer, false).is_ok());
}

#[test]
fn only_the_regions_that_are_served_are() {
    for accounts in [vec![account("111111111111", vec![key("ONE", "secret one")])], Vec::new()] {
        let service = Service::new(accounts, &["us-east-1", "eu-west-1"]);
        assert!(service.ask(&Signer::default().request()).is_ok());
        let elsewhere = Signer { region: "eu-west-2", ..Signer::default() };
        assert_eq!(service.ask(&elsewhere.request()), Err(ErrorCode::InvalidSignature));
    }
}

#[test]
fn without_accounts_everybody_is_believed() {
    let service = Service::new(Vec::new(), &[]);
    assert_eq!(service.ask(&request(&[("host", "h")])), Ok("000000000000/us-east-1".to_owned()));
    assert_eq!(service.ask(&request(&[("authorization", "Bearer x")])), Ok("000000000000/us-east-1".to_owned()));
    let signer = Signer { secret: "anything", time: "20200101T000000Z", ..Signer::default() };
    assert_eq!(service.ask(&signer.request()), Ok("000000000000/eu-west-1".to_owned()));
    let twelve_digits = Signer { key: "123456789012", ..signer };
    assert_eq!(service.ask(&twelve_digits.request()), Ok("123456789012/eu-west-1".to_owned()));
    let broken = request(&[("authorization", "AWS4-HMAC-SHA256 Credential=x")]);
    assert_eq!(service.ask(&broken), Err(ErrorCode::IncompleteSignature));
}

#[test]
fn keys_are_replaced_and_accounts_are_not() {
    let service = Service::new(vec![account("111111111111", vec![key("ONE", "secret one")])], &[]);
    let replace = |accounts| service.authenticator.replace_keys(accounts);
    assert_eq!(replace(vec![account("111111111111", vec![key("NEW", "a new secret")])]), Ok(()));
    assert_eq!(service.ask(&Signer::default().request()), Err(ErrorCode::UnrecognizedClient));
    let new = Signer { key: "NEW", secret: "a new secret", ..Signer::default() };
    assert!(service.ask(&new.request()).is_ok());
    let two = ["111111111111", "222222222222"].map(|id| account(id, vec![key(id, "s")])).to_vec();
    for others in [Vec::new(), two, vec![account("222222222222", Vec::new())]] {
        assert_eq!(replace(others), Err(NotTheSameAccounts));
        assert!(service.ask(&new.request()).is_ok());
    }
    let open = Service::new(Vec::new(), &[]);
    assert_eq!(open.authenticator.replace_keys(vec![account("111111111111", Vec::new())]), Err(NotTheSameAccounts));
}
