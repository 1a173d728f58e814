//! Any request to a daemon with a rule, a target and an event bus: no panic, no answer that blames the daemon, and an error
//! always says what it is.
//!
//! The first line of an input is the path, with its query, and what `X-Amz-Target` and `Content-Type` hold, with spaces
//! between; the rest is the body.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use eventyard::api::{Access, Api};
use eventyard::auth::{self, AllowedHosts, Authenticator, Throttle};
use eventyard::engine::{self, Engine};
use eventyard::http::{Handler, Request};
use eventyard::journal::{self, Journal};
use eventyard::runtime::{Random, SystemClock};
use eventyard::store::Store;
use eventyard::telemetry::Telemetry;
use eventyard_core::clock::Timestamp;
use eventyard_core::name::{AccountId, Region};
use eventyard_core::pattern::PatternLimits;
use http_body_util::BodyExt as _;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Uri};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

/// What there is before each request.
const MADE: [(&str, &str); 4] = [
    ("AWSEvents.CreateEventBus", r#"{"Name": "orders"}"#),
    ("AWSEvents.PutRule", r#"{"Name": "r", "EventPattern": "{\"source\": [\"shop\"]}", "EventBusName": "orders"}"#),
    (
        "AWSEvents.PutTargets",
        r#"{"Rule": "r", "EventBusName": "orders", "Targets": [{"Id": "1", "Arn": "http://127.0.0.1:9/hook"}]}"#,
    ),
    ("AWSEvents.PutPermission", r#"{"Action": "events:PutEvents", "Principal": "*", "StatementId": "all"}"#),
];

struct Daemon {
    runtime: Runtime,
    engine: Arc<Engine>,
    api: Api,
}

static DAEMON: LazyLock<Daemon> = LazyLock::new(Daemon::start);

impl Daemon {
    fn start() -> Self {
        // It goes when somebody tidies the folder of temporary files: the fuzzer's process has no orderly end.
        let folder = tempfile::tempdir().expect("a folder").keep();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (telemetry, clock) = (Arc::new(Telemetry::new().expect("metrics")), Arc::new(SystemClock));
        let (journal, committer) =
            Journal::open(&folder, journal::Settings::FOR_TESTS, Arc::clone(&telemetry)).expect("a journal");
        std::mem::forget(committer);
        // As the daemon's own defaults are, lest an input takes all memory or time for what they refuse.
        let patterns = PatternLimits { wildcard_complexity_max: Some(10), branches_max: Some(1_000) };
        let settings = engine::Settings { patterns, ..engine::Settings::for_tests() };
        let store = Store::open(&folder, Timestamp::EPOCH).expect("a store");
        let random = Arc::new(Random::from_seed(1));
        let engine =
            Engine::start(store, journal, clock.clone(), Arc::clone(&random), settings, Arc::clone(&telemetry))
                .expect("an engine");
        let engine = Arc::new(engine);
        let authentication = auth::Settings {
            accounts: Vec::new(),
            default_account: AccountId::parse("000000000000").expect("twelve digits"),
            default_region: Region::parse("us-east-1").expect("a region"),
            regions: Vec::new(),
        };
        let access = Access {
            authenticator: Authenticator::new(authentication, clock.clone(), Arc::clone(&telemetry)),
            allowed_hosts: AllowedHosts::any(),
            throttle: Throttle::new(None, clock),
        };
        let api = Api::new(Arc::clone(&engine), access, random, telemetry);
        let daemon = Self { runtime, engine, api };
        daemon.begin_anew();
        daemon
    }

    /// Makes it as it was before the first input, lest an input means something else when it is tried again.
    fn begin_anew(&self) {
        self.engine.reset().expect("a reset");
        for (target, body) in MADE {
            let (status, answer) = self.ask("/", target, "", body.as_bytes()).expect("a good request");
            assert_eq!(status, 200, "{target}: {}", String::from_utf8_lossy(&answer));
        }
    }

    /// The status and the body of the answer; none when this is no request that HTTP could carry.
    fn ask(&self, path: &str, target: &str, content_type: &str, body: &[u8]) -> Option<(u16, Bytes)> {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-amz-target", target), ("content-type", content_type)] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).ok()?);
            }
        }
        let uri = path.parse::<Uri>().ok()?;
        let method = if path.contains("X-Amz-Signature") { Method::GET } else { Method::POST };
        let client = ([127, 0, 0, 1], 1).into();
        let request = Request { method, uri, headers, client, body: Ok(Bytes::copy_from_slice(body)) };
        let answer = match self.api.refuse(&request) {
            Some(answer) => answer,
            None => self.runtime.block_on(self.api.handle(request)),
        };
        let status = answer.status().as_u16();
        let body = self.runtime.block_on(answer.into_body().collect()).expect("a whole answer").to_bytes();
        Some((status, body))
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(line) = std::str::from_utf8(&input[..end]) else { return };
    let mut words = line.splitn(3, ' ');
    let [path, target, content_type] = [(); 3].map(|()| words.next().unwrap_or_default());
    let Some((status, answer)) = DAEMON.ask(path, target, content_type, &input[end + 1..]) else { return };
    let text = String::from_utf8_lossy(&answer);
    assert!((200..500).contains(&status), "{status}: {text}");
    if status == 200 {
        let is_change = ["Put", "Create", "Delete", "Remove", "Update", "Tag", "Untag", "Enable", "Disable"]
            .iter()
            .any(|verb| target.strip_prefix("AWSEvents.").is_some_and(|name| name.starts_with(verb)));
        if is_change && target != "AWSEvents.PutEvents" {
            DAEMON.begin_anew();
        }
    } else {
        let error: serde_json::Value = serde_json::from_slice(&answer).expect("an error is JSON");
        assert!(error["__type"].is_string() && error["message"].is_string(), "{text}");
    }
});
