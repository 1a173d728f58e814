//! The sections of the configuration as plain data.
//!
//! Ranges stand here and, for people, in `config/eventyard.toml`; a test holds the two against each other.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eventyard_core::egress::Network;
use eventyard_core::name::Region;
use eventyard_core::schedule::CatchUp;
use eventyard_core::secret::TokenHash;

use super::accounts::TOKEN_HASH_ADVICE;
use super::reader::{Reader, Section};

/// `[storage]`: where the daemon keeps what it must not lose.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Folder of the store and the journal; made when it is missing. Never empty.
    pub data_dir: PathBuf,
}

impl Storage {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("storage");
        let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
        Self { data_dir: section.text("data_dir", PathBuf::new(), "write the path of a folder", path) }
    }
}

/// `[aws]`: what ARNs and events name.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The account id: exactly 12 digits.
    pub account_id: String,
    /// The region: 1 to 63 lower-case letters, digits and hyphens.
    pub region: String,
    /// The regions that are served, which `region` is one of; all when it is empty.
    pub regions: Vec<Region>,
}

impl Aws {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("aws");
        let account_id =
            |text: &str| (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned());
        let region = |text: &str| {
            let fits = (1..=63).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            fits.then(|| text.to_owned())
        };
        let regions_advice = "write a list of regions' names, such as us-east-1";
        Self {
            account_id: section.text("account_id", String::new(), "write exactly 12 digits", account_id),
            region: section.text("region", String::new(), "write a region's name, such as us-east-1", region),
            regions: section.list("regions", regions_advice, |text| Region::parse(text).ok()),
        }
    }
}

/// The files of a listener's TLS. The first two are both there or both not; the third only with them.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate, and those that lead from it to an authority, in PEM.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key_file: Option<PathBuf>,
    /// The authorities of clients' certificates, in PEM. Clients need no certificate without them.
    pub client_ca_file: Option<PathBuf>,
}

impl Tls {
    fn read(section: &mut Section<'_, '_>) -> Self {
        let mut file = |name| {
            let path = |text: &str| Some((!text.is_empty()).then(|| PathBuf::from(text)));
            section.text(name, None, "write the path of a file", path)
        };
        Self {
            certificate_file: file("tls_certificate_file"),
            key_file: file("tls_key_file"),
            client_ca_file: file("tls_client_ca_file"),
        }
    }
}

const HOST_ADVICE: &str = "write a list of host names without ports, such as events.internal";

fn host_name(text: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!text.is_empty() && text.bytes().all(fits)).then(|| text.to_owned())
}

/// `[api]`: the listener that clients speak to.
#[derive(Clone, Debug)]
pub struct Api {
    /// Address to listen on; port 0 lets the system choose. On a loopback address unless `dangerous_allow_anonymous`.
    pub listen: SocketAddr,
    /// Connections open at one time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Largest request body, in bytes; larger than [`PutEvents::entries_size_bytes_max`].
    pub body_size_bytes_max: usize,
    /// The bodies of all requests that are under way, in bytes.
    pub bodies_size_bytes_max: usize,
    /// Time for a client to send a request's header.
    pub header_timeout: Duration,
    /// Time for one request from its header to its answer.
    pub request_timeout: Duration,
    /// Whether listeners without authentication may be reached from other machines.
    pub dangerous_allow_anonymous: bool,
    /// Requests of one account each second; `None` means no limit.
    pub requests_per_second_max: Option<u32>,
    /// Names that requests may be sent to beside addresses and `localhost`, where nobody is authenticated.
    pub allowed_hosts: Vec<String>,
    /// Plain HTTP when it has no files.
    pub tls: Tls,
}

impl Api {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("api");
        Self {
            listen: section.address("listen"),
            connections_max: section.integer("connections_max", 1..=1_000_000),
            body_size_bytes_max: section.integer("body_size_bytes_max", 1024..=1 << 30),
            bodies_size_bytes_max: section.integer("bodies_size_bytes_max", 1024..=1 << 40),
            header_timeout: section.milliseconds("header_timeout_ms", 1..=3_600_000),
            request_timeout: section.milliseconds("request_timeout_ms", 1..=3_600_000),
            requests_per_second_max: section.limit("requests_per_second_max", 1_000_000),
            dangerous_allow_anonymous: section.boolean("dangerous_allow_anonymous"),
            allowed_hosts: section.list("allowed_hosts", HOST_ADVICE, host_name),
            tls: Tls::read(&mut section),
        }
    }
}

/// `[admin]`: the listener for metrics, health and dead letters.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Address to listen on; port 0 lets the system choose. On a loopback address unless
    /// [`Api::dangerous_allow_anonymous`].
    pub listen: SocketAddr,
    /// Connections open at one time; further ones wait to be accepted.
    pub connections_max: usize,
    /// The hashes of the bearer tokens that open everything but health; without any, nobody is asked for one.
    pub token_hashes: Vec<TokenHash>,
    /// Whether metrics are behind a token as well; there is one then.
    pub metrics_need_token: bool,
    /// Names that requests may be sent to beside addresses and `localhost`, where nobody is asked for a token.
    pub allowed_hosts: Vec<String>,
    /// Plain HTTP when it has no files.
    pub tls: Tls,
}

impl Admin {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("admin");
        Self {
            listen: section.address("listen"),
            connections_max: section.integer("connections_max", 1..=1_000_000),
            token_hashes: section.list("token_hashes", TOKEN_HASH_ADVICE, TokenHash::parse),
            metrics_need_token: section.boolean("metrics_need_token"),
            allowed_hosts: section.list("allowed_hosts", HOST_ADVICE, host_name),
            tls: Tls::read(&mut section),
        }
    }
}

/// `[put_events]`: the bounds of one `PutEvents` request.
#[derive(Clone, Debug)]
pub struct PutEvents {
    /// Largest total size of the entries of one request, in bytes as Amazon counts them.
    pub entries_size_bytes_max: usize,
    /// How long an event is known by its deduplication id.
    pub deduplication_window: Duration,
    /// Whether `CloudEvents` are known by their source and id.
    pub deduplicate_cloud_events: bool,
}

impl PutEvents {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("put_events");
        Self {
            entries_size_bytes_max: section.integer("entries_size_bytes_max", 1024..=1 << 30),
            deduplication_window: section.milliseconds("deduplication_window_ms", 1_000..=86_400_000),
            deduplicate_cloud_events: section.boolean("deduplicate_cloud_events"),
        }
    }
}

/// `[patterns]`: the bounds of one event pattern.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// Largest complexity of the wildcards of one pattern; `None` means no limit.
    pub wildcard_complexity_max: Option<usize>,
    /// Largest number of branches that `$or` makes of one pattern; `None` means no limit.
    pub branches_max: Option<usize>,
    /// Longest pattern, in characters.
    pub length_max: usize,
}

impl Patterns {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("patterns");
        Self {
            wildcard_complexity_max: section.limit("wildcard_complexity_max", 1_000_000),
            branches_max: section.limit("branches_max", 1_000_000),
            length_max: section.integer("length_max", 1..=1 << 20),
        }
    }
}

/// `[quotas]`: how much of each resource there may be.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Targets that one rule may have.
    pub targets_per_rule_max: usize,
    /// Longest event pattern that a rule may have, in characters.
    pub event_pattern_length_max: usize,
    /// Rules that one event bus may have; `None` means no limit.
    pub rules_per_event_bus_max: Option<usize>,
    /// Event buses that one account may have in one region beside the default one; `None` means no limit.
    pub event_buses_per_account_max: Option<usize>,
}

impl Quotas {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("quotas");
        Self {
            targets_per_rule_max: section.integer("targets_per_rule_max", 1..=100_000),
            event_pattern_length_max: section.integer("event_pattern_length_max", 1..=1 << 20),
            rules_per_event_bus_max: section.limit("rules_per_event_bus_max", 10_000_000),
            event_buses_per_account_max: section.limit("event_buses_per_account_max", 1_000_000),
        }
    }
}

/// `[managed_rules]`: rules that are declared in files.
#[derive(Clone, Debug)]
pub struct ManagedRules {
    /// Folder of the files; `None` when there is none.
    pub rules_dir: Option<PathBuf>,
}

impl ManagedRules {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("managed_rules");
        let path = |text: &str| Some((!text.is_empty()).then(|| PathBuf::from(text)));
        Self { rules_dir: section.text("rules_dir", None, "write the path of a folder", path) }
    }
}

/// `[journal]`: how events and deliveries are written.
#[derive(Clone, Debug)]
pub struct Journal {
    /// `PutEvents` requests that share one fsync, at most.
    pub commit_group_requests_max: usize,
    /// A group takes no further request once it holds this many bytes; at least
    /// [`PutEvents::entries_size_bytes_max`] and at most `segment_size_bytes`.
    pub commit_group_bytes_max: usize,
    /// Size at which the journal begins its next file, in bytes.
    pub segment_size_bytes: u64,
    /// Free space on the file system of [`Storage::data_dir`] below which `PutEvents` is refused, in bytes; 0 turns the
    /// check off.
    pub free_space_bytes_min: u64,
    /// Bytes of events that are owed from which on `PutEvents` is refused; 0 for no bound.
    pub size_bytes_max: u64,
}

impl Journal {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("journal");
        Self {
            commit_group_requests_max: section.integer("commit_group_requests_max", 1..=65_536),
            commit_group_bytes_max: section.integer("commit_group_bytes_max", 65_536..=1 << 30),
            segment_size_bytes: section.integer("segment_size_bytes", 1 << 20..=1 << 36),
            free_space_bytes_min: section.integer("free_space_bytes_min", 0..=1 << 50),
            size_bytes_max: section.integer("size_bytes_max", 0..=1 << 50),
        }
    }
}

/// `[delivery]`: how targets are sent to.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Threads that deliveries run on; `None` means half as many as there are processors.
    pub threads: Option<usize>,
    /// Deliveries under way at one time to one target; at most `concurrency_max`.
    pub concurrency_per_target: usize,
    /// Deliveries under way at one time to all targets together.
    pub concurrency_max: usize,
    /// Pending deliveries of one target held in memory; at least `concurrency_per_target`.
    pub read_ahead_per_target: usize,
    /// Pending deliveries known in memory of one target that keeps an order.
    pub ordered_read_ahead_per_target: usize,
    /// Attempts begun for one target in a second; `None` means no limit.
    pub attempts_per_second_per_target: Option<usize>,
    /// Failures in a row that open a target's circuit breaker; `None` means that it never opens.
    pub circuit_breaker_failures: Option<usize>,
    /// Bound of the time that a circuit breaker is open; doubles with each failed probe. At most
    /// `circuit_breaker_open_max`.
    pub circuit_breaker_open_base: Duration,
    /// Where that bound stops doubling.
    pub circuit_breaker_open_max: Duration,
    /// Time to connect to a target.
    pub connect_timeout: Duration,
    /// Time for a target to answer once it is connected.
    pub response_timeout: Duration,
    /// Bound of the random wait before the first retry; doubles with each attempt. At most `backoff_max`.
    pub backoff_base: Duration,
    /// Where that bound stops doubling.
    pub backoff_max: Duration,
    /// Retries after the first attempt, for targets whose `RetryPolicy` does not say. 0 to 185, as Amazon has it.
    pub maximum_retry_attempts: u32,
    /// Age at which an event is no longer retried, for targets whose `RetryPolicy` does not say. 60 seconds to 24
    /// hours, as Amazon has it.
    pub maximum_event_age: Duration,
}

impl Delivery {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("delivery");
        Self {
            threads: section.limit("threads", 256),
            concurrency_per_target: section.integer("concurrency_per_target", 1..=10_000),
            concurrency_max: section.integer("concurrency_max", 1..=100_000),
            read_ahead_per_target: section.integer("read_ahead_per_target", 1..=1_000_000),
            ordered_read_ahead_per_target: section.integer("ordered_read_ahead_per_target", 1..=10_000_000),
            attempts_per_second_per_target: section.limit("attempts_per_second_per_target", 1_000_000),
            circuit_breaker_failures: section.limit("circuit_breaker_failures", 1_000_000),
            circuit_breaker_open_base: section.milliseconds("circuit_breaker_open_base_ms", 1..=3_600_000),
            circuit_breaker_open_max: section.milliseconds("circuit_breaker_open_max_ms", 1..=3_600_000),
            connect_timeout: section.milliseconds("connect_timeout_ms", 1..=600_000),
            response_timeout: section.milliseconds("response_timeout_ms", 1..=3_600_000),
            backoff_base: section.milliseconds("backoff_base_ms", 1..=3_600_000),
            backoff_max: section.milliseconds("backoff_max_ms", 1..=86_400_000),
            maximum_retry_attempts: section.integer("maximum_retry_attempts", 0..=185),
            maximum_event_age: section.seconds("maximum_event_age_seconds", 60..=86_400),
        }
    }
}

/// `[local_targets]`: what of the daemon's own machine targets may use.
#[derive(Clone, Debug)]
pub struct LocalTargets {
    /// Whether events may be written to the standard output; `None` where only this machine can speak to the daemon.
    pub stdout: Option<bool>,
    /// Folder of files; `None` when there is none.
    pub folder: Option<PathBuf>,
}

impl LocalTargets {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("local_targets");
        let stdout = |text: &str| match text {
            "local" => Some(None),
            "everybody" => Some(Some(true)),
            "nobody" => Some(Some(false)),
            _ => None,
        };
        let folder = |text: &str| match text {
            "" => Some(None),
            _ => Path::new(text).is_absolute().then(|| Some(PathBuf::from(text))),
        };
        Self {
            stdout: section.text("stdout", None, "write local, everybody or nobody", stdout),
            folder: section.text("folder", None, "write the absolute path of a folder", folder),
        }
    }
}

/// `[egress]`: where deliveries may go.
#[derive(Clone, Debug)]
pub struct Egress {
    /// The networks beyond the public internet. Empty: see the defaults file.
    pub allow: Vec<Network>,
}

impl Egress {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let advice =
            "write networks such as 10.0.0.0/8 or fd00::/8, with no bits set behind the prefix, or single addresses";
        Self { allow: reader.section("egress").list("allow", advice, Network::parse) }
    }
}

/// `[schedules]`: what becomes of firings that were missed.
#[derive(Clone, Debug)]
pub struct Schedules {
    /// Which of them are made up for, where a rule does not say.
    pub catch_up: CatchUp,
    /// How old they may be.
    pub catch_up_horizon: Duration,
}

impl Schedules {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("schedules");
        Self {
            catch_up: section.text("catch_up", CatchUp::default(), "write skip, last or all", CatchUp::parse),
            catch_up_horizon: section.milliseconds("catch_up_horizon_ms", 60_000..=2_592_000_000),
        }
    }
}

/// `[dead_letters]`: how long dead letters are kept.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    /// Time that a dead letter is kept; whole days.
    pub retention: Duration,
    /// Bytes that all dead letters may take; beyond, the oldest are deleted.
    pub size_bytes_max: u64,
}

impl DeadLetters {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("dead_letters");
        Self {
            retention: section.days("retention_days", 1..=3650),
            size_bytes_max: section.integer("size_bytes_max", 1 << 20..=1 << 50),
        }
    }
}

/// `[history]`: how much of the history of attempts is kept.
#[derive(Clone, Debug)]
pub struct History {
    /// Bytes that it may take; 0 keeps none.
    pub size_bytes_max: u64,
    /// Time that an attempt is remembered; whole hours.
    pub retention: Duration,
}

impl History {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("history");
        Self {
            size_bytes_max: section.integer("size_bytes_max", 0..=1 << 50),
            retention: section.hours("retention_hours", 1..=87_600),
        }
    }
}

/// `[shutdown]`: how the daemon ends.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Time for requests and deliveries under way to end after SIGTERM.
    pub deadline: Duration,
}

impl Shutdown {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("shutdown");
        Self { deadline: section.milliseconds("deadline_ms", 0..=3_600_000) }
    }
}

/// `[log]`: what the daemon says about its work.
#[derive(Clone, Debug)]
pub struct Log {
    /// How a line is written.
    pub format: LogFormat,
    /// A level, or filter directives such as `info,eventyard::delivery=debug`. Never empty; whether it can be
    /// understood is for `telemetry` to say, which knows the directives.
    pub level: String,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("log");
        let format = |text: &str| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        };
        let level = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
        Self {
            format: section.text("format", LogFormat::Text, "write \"text\" or \"json\"", format),
            level: section.text("level", String::new(), "write a level, such as \"info\"", level),
        }
    }
}
