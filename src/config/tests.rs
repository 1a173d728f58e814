//! Each layer, each fault, and the agreement of the defaults file with the fields.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::schema::Known;
use super::value::{Kind, Value};
use super::*;

const NO_VARIABLES: [(&str, &str); 0] = [];

/// A configuration file that is gone at the end of the test.
struct Written(PathBuf);

impl Written {
    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("eventyard-config-{}-{name}.toml", std::process::id()))
    }

    fn new(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = Self::path(name);
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn with_variables(variables: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    Config::load(None, variables.iter().copied(), &[])
}

fn with_file(name: &str, text: &str) -> Result<Config, ConfigFaults> {
    Config::load(Some(&Written::new(name, text).0), NO_VARIABLES, &[])
}

/// The report of a load that must fail, without the folder of its file.
#[track_caller]
fn report(loaded: Result<Config, ConfigFaults>) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("eventyard-config-{}-", std::process::id()));
    let report = loaded.map(|_| ()).unwrap_err().to_string();
    report.lines().map(|line| line.replace(folder.to_str().unwrap(), "")).collect()
}

/// The values of all fields, without the record of where they came from.
fn fields(mut config: Config) -> String {
    config.effective.clear();
    format!("{config:?}")
}

#[test]
fn the_defaults_are_sound_and_enough() {
    let config = with_variables(&[]).unwrap();
    assert_eq!(config.storage.data_dir, Path::new("eventyard-data"));
    assert_eq!(config.aws.account_id, "000000000000");
    assert_eq!(config.api.listen.to_string(), "127.0.0.1:4010");
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:4011");
    assert_eq!(config.patterns.wildcard_complexity_max, Some(10));
    assert_eq!(config.quotas.rules_per_event_bus_max, None);
    assert_eq!(config.delivery.backoff_max, Duration::from_secs(900));
    assert_eq!(config.dead_letters.retention, Duration::from_secs(14 * 24 * 3600));
    assert_eq!(config.log.format, LogFormat::Text);
}

/// A value for the option that differs from its default and fits to all other defaults.
fn another_value(known: &Known, default: &Value) -> String {
    match (known.key.as_str(), default) {
        ("api.listen" | "admin.listen", _) => "127.0.0.1:4099".to_owned(),
        ("admin.token_hashes", _) => "0a".repeat(32),
        ("aws_services.endpoint_url", _) => "http://127.0.0.1:4566".to_owned(),
        ("aws_services.endpoint_urls", _) => "sqs=http://127.0.0.1:4566".to_owned(),
        ("aws.regions", _) => "us-east-1".to_owned(),
        ("aws.account_id" | "aws_services.accounts", _) => "123456789012".to_owned(),
        ("egress.allow", _) => "10.0.0.0/8".to_owned(),
        ("local_targets.stdout", _) => "nobody".to_owned(),
        ("local_targets.folder", _) => "/var/tmp".to_owned(),
        ("log.format", _) => "json".to_owned(),
        ("schedules.catch_up", _) => "skip".to_owned(),
        ("traces.endpoint", _) => "http://127.0.0.1:4318/v1/traces".to_owned(),
        ("traces.headers_file", _) => Written::path("headers").display().to_string(),
        (_, Value::Boolean(value)) => (!value).to_string(),
        // One below, where one above would be out of range.
        (
            "delivery.maximum_retry_attempts" | "delivery.maximum_event_age_seconds" | "traces.sample_per_million",
            Value::Integer(value),
        ) => (value - 1).to_string(),
        (_, Value::Integer(value)) => (value + 1).to_string(),
        (_, Value::Text(value)) => format!("{value}2"),
        (_, Value::List(_)) => "other".to_owned(),
    }
}

/// What an option cannot be changed without: the same for all that the option is told apart from.
fn companions(key: &str) -> Vec<(&'static str, &'static str)> {
    const HASH: &str = "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032";
    match key {
        "admin.metrics_need_token" => vec![("EVENTYARD_ADMIN__TOKEN_HASHES", HASH)],
        "api.tls_certificate_file" => vec![("EVENTYARD_API__TLS_KEY_FILE", "k")],
        "api.tls_key_file" => vec![("EVENTYARD_API__TLS_CERTIFICATE_FILE", "c")],
        "api.tls_client_ca_file" => {
            vec![("EVENTYARD_API__TLS_CERTIFICATE_FILE", "c"), ("EVENTYARD_API__TLS_KEY_FILE", "k")]
        }
        "admin.tls_certificate_file" => vec![("EVENTYARD_ADMIN__TLS_KEY_FILE", "k")],
        "admin.tls_key_file" => vec![("EVENTYARD_ADMIN__TLS_CERTIFICATE_FILE", "c")],
        "admin.tls_client_ca_file" => {
            vec![("EVENTYARD_ADMIN__TLS_CERTIFICATE_FILE", "c"), ("EVENTYARD_ADMIN__TLS_KEY_FILE", "k")]
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_option_is_read_into_a_field_of_its_own() {
    let _headers = Written::new("headers", "X-Key: abc\n");
    let defaults = with_variables(&[]).unwrap();
    let schema = Schema::of(DEFAULTS);
    let mut seen = vec![fields(defaults.clone())];
    for (known, setting) in schema.options.iter().zip(&defaults.effective) {
        let variable = known.variable();
        let value = another_value(known, &setting.value);
        let mut variables = vec![(variable.as_str(), value.as_str())];
        variables.extend(companions(&known.key));
        let changed = with_variables(&variables).unwrap_or_else(|faults| panic!("{faults}"));
        let fields = fields(changed);
        assert!(!seen.contains(&fields), "{variable}={value} changes no field, or the field of another option");
        seen.push(fields);
    }
    assert!(schema.options.len() > 30, "the defaults file was not read");
}

#[test]
fn every_field_needs_its_option_in_the_defaults() {
    // A schema without options: what is left are the fields that ask for one.
    let mut reader = Reader::new(&[]);
    Config::read(&mut reader);
    let asked: Vec<_> = reader.faults.iter().map(|fault| fault.key.as_str()).collect();
    assert!(reader.faults.iter().all(|fault| fault.problem == Problem::Missing));
    let schema = Schema::of(DEFAULTS);
    assert_eq!(asked, schema.options.iter().map(|known| known.key.as_str()).collect::<Vec<_>>());
}

#[test]
fn each_comment_states_the_range_that_is_checked() {
    for known in Schema::of(DEFAULTS).options.iter().filter(|known| known.kind == Kind::Integer) {
        let below = report(with_variables(&[(&known.variable(), "-1")])).remove(0);
        let (_, range) = below.split_once("write a whole number from ").unwrap();
        let (section, name) = known.key.split_once('.').unwrap();
        let (_, section) = DEFAULTS.split_once(&format!("[{section}]")).unwrap();
        let (before, _) = section.split_once(&format!("\n{name} = ")).unwrap();
        let comment: Vec<_> = before.lines().rev().take_while(|line| line.starts_with('#')).collect();
        let comment = comment.into_iter().rev().map(|line| &line[2..]).collect::<Vec<_>>().join(" ");
        assert!(
            comment.contains(&format!(" {range}")),
            "the comment of {} does not say {range:?}: {comment}",
            known.key
        );
    }
}

#[test]
fn later_layers_win_and_are_shown() {
    let file = Written::new("layers", "[api]\nconnections_max = 1\nheader_timeout_ms = 1\nrequest_timeout_ms = 1\n");
    let variables = [("EVENTYARD_API__HEADER_TIMEOUT_MS", "2"), ("EVENTYARD_API__REQUEST_TIMEOUT_MS", "2")];
    let flag = |value: &str| Flag { name: "--timeout", key: "api.request_timeout_ms", value: value.to_owned() };
    let config = Config::load(Some(&file.0), variables, &[flag("3"), flag("4")]).unwrap();
    assert_eq!(config.api.connections_max, 1);
    assert_eq!(config.api.header_timeout, Duration::from_millis(2));
    assert_eq!(config.api.request_timeout, Duration::from_millis(4));

    let shown = config.show();
    let path = file.0.display();
    for line in [
        "data_dir = \"eventyard-data\" # built-in defaults".to_owned(),
        format!("connections_max = 1 # {path}:2"),
        "header_timeout_ms = 2 # environment variable EVENTYARD_API__HEADER_TIMEOUT_MS".to_owned(),
        "request_timeout_ms = 4 # flag --timeout".to_owned(),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    let again = with_file("shown", &shown).unwrap();
    assert_eq!(fields(again), fields(config));
}

#[test]
fn a_path_with_a_line_break_cannot_break_what_is_shown() {
    let file = Written::new("line\nbreak", "[aws]\nregion = \"eu-central-1\"\n");
    let shown = Config::load(Some(&file.0), NO_VARIABLES, &[]).unwrap().show();
    assert_eq!(with_file("shown-break", &shown).unwrap().aws.region, "eu-central-1");
}

#[test]
fn the_file_refuses_what_it_does_not_know() {
    let text =
        "top = 1\naws = 5\n[apii]\nlisten = 1\n[api]\nlissten = \"127.0.0.1:1\"\n[log]\nlevel.x = 1\n[[admin]]\n";
    assert_eq!(
        report(with_file("unknown", text)),
        [
            "unknown.toml:1: top: there is no such option; the nearest name is traces.endpoint",
            "unknown.toml:2: aws: found the number 5, expected a section",
            "unknown.toml:3: apii: there is no such option; the nearest name is api",
            "unknown.toml:6: api.lissten: there is no such option; the nearest name is api.listen",
            "unknown.toml:8: log.level: found a table, expected a string",
            "unknown.toml:9: admin: found a list of tables, expected a section",
        ]
    );
}

#[test]
fn the_environment_refuses_what_it_does_not_know() {
    let variables = [
        ("EVENTYARD_API__LISTN", "127.0.0.1:1"),
        ("EVENTYARD_API_LISTEN", "127.0.0.1:1"),
        ("eventyard_api__listen", "127.0.0.1:1"),
        ("EVENTYARD_APII__LISTEN", "127.0.0.1:1"),
    ];
    let nearest = "there is no such option; the nearest name is EVENTYARD_API__LISTEN";
    assert_eq!(
        report(with_variables(&variables)),
        [
            format!("environment variable EVENTYARD_APII__LISTEN: apii.listen: {nearest}"),
            format!("environment variable EVENTYARD_API_LISTEN: api_listen: {nearest}"),
            format!("environment variable EVENTYARD_API__LISTN: api.listn: {nearest}"),
            format!("environment variable eventyard_api__listen: api.listen: {nearest}"),
        ]
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    let kubernetes = [("EVENTYARD_PORT_4010_TCP_ADDR", "10.0.0.1"), ("EVENTYARD_SERVICE_HOST", "10.0.0.1")];
    with_variables(&kubernetes).unwrap();
    with_variables(&[("PATH", "x"), ("EVENTYARDS__API", "x"), ("EVENTYARD", "x"), ("é", "x")]).unwrap();
}

#[test]
fn a_flag_for_no_option_is_a_fault() {
    let flag = Flag { name: "--listen", key: "api.lissten", value: "127.0.0.1:1".to_owned() };
    assert_eq!(
        report(Config::load(None, NO_VARIABLES, &[flag])),
        ["flag --listen: api.lissten: there is no such option; the nearest name is api.listen"]
    );
}

#[test]
fn a_wrong_type_says_what_was_found() {
    let text = "[api]\nlisten = 4010\nconnections_max = \"many\"\ndangerous_allow_anonymous = 1.5\n";
    assert_eq!(
        report(with_file("types", text)),
        [
            "types.toml:2: api.listen: found the number 4010, expected a string",
            "types.toml:3: api.connections_max: found the string \"many\", expected a whole number",
            "types.toml:4: api.dangerous_allow_anonymous: found the fraction 1.5, expected true or false",
        ]
    );
    assert_eq!(
        report(with_variables(&[("EVENTYARD_API__CONNECTIONS_MAX", "many")])),
        [
            "environment variable EVENTYARD_API__CONNECTIONS_MAX: api.connections_max: found \"many\", expected a whole number"
        ]
    );
    let not_utf_8 = OsString::from_vec(vec![b'/', 0xff]);
    assert_eq!(
        report(Config::load(None, [("EVENTYARD_STORAGE__DATA_DIR", not_utf_8)], &[])),
        [
            "environment variable EVENTYARD_STORAGE__DATA_DIR: storage.data_dir: found bytes that are not UTF-8, expected a string"
        ]
    );
}

#[test]
fn a_value_that_cannot_be_used_is_refused() {
    let cases = [
        ("storage.data_dir", "", "write the path of a folder"),
        ("aws.account_id", "12345", "write exactly 12 digits"),
        ("aws.account_id", "12345678901x", "write exactly 12 digits"),
        ("aws.region", "", "write a region's name, such as us-east-1"),
        ("aws.region", "US East", "write a region's name, such as us-east-1"),
        ("api.listen", "localhost:4010", "write an IP address and a port, such as 127.0.0.1:4010 or [::1]:4010"),
        ("admin.listen", "127.0.0.1", "write an IP address and a port, such as 127.0.0.1:4010 or [::1]:4010"),
        ("log.format", "xml", "write \"text\" or \"json\""),
        ("log.level", " ", "write a level, such as \"info\""),
    ];
    for (key, value, advice) in cases {
        let flag = Flag { name: "--flag", key, value: value.to_owned() };
        let expected = format!("flag --flag: {key}: {value:?} cannot be used; {advice}");
        assert_eq!(report(Config::load(None, NO_VARIABLES, &[flag])), [expected]);
    }
    let text = "[delivery]\nmaximum_retry_attempts = 186\nmaximum_event_age_seconds = 59\n";
    assert_eq!(
        report(with_file("range", text)),
        [
            "range.toml:2: delivery.maximum_retry_attempts: 186 is out of range; write a whole number from 0 to 185",
            "range.toml:3: delivery.maximum_event_age_seconds: 59 is out of range; write a whole number from 60 to 86400",
        ]
    );
}

#[test]
fn a_listener_that_others_can_reach_needs_credentials_or_permission() {
    let hashes = "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032";
    let account = Written::new("account", "[[accounts]]\nid = \"111122223333\"\n");
    for (key, variable) in [("api.listen", "EVENTYARD_API__LISTEN"), ("admin.listen", "EVENTYARD_ADMIN__LISTEN")] {
        for open in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
            let faults = with_variables(&[(variable, open)]).unwrap_err();
            assert_eq!(faults.0.len(), 1, "{faults}");
            assert_eq!(faults.0[0].key, key);
            assert!(faults.to_string().contains("is not a loopback address"), "{faults}");
            let allowed =
                with_variables(&[(variable, open), ("EVENTYARD_API__DANGEROUS_ALLOW_ANONYMOUS", "true")]).unwrap();
            assert_eq!(allowed.open_listeners(), [(key.split('.').next().unwrap(), open.parse().unwrap())]);
            // The credentials of the one listener do not open the other.
            let accounts = Config::load(Some(&account.0), [(variable, open)], &[]);
            let tokens = with_variables(&[(variable, open), ("EVENTYARD_ADMIN__TOKEN_HASHES", hashes)]);
            let (closed, refused) = if key == "api.listen" { (accounts, tokens) } else { (tokens, accounts) };
            assert!(closed.unwrap().open_listeners().is_empty());
            assert_eq!(refused.unwrap_err().0[0].key, key);
        }
        for closed in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(with_variables(&[(variable, closed)]).unwrap().open_listeners().is_empty());
        }
    }
}

#[test]
fn the_files_of_tls_go_together() {
    for section in ["API", "ADMIN"] {
        let variable = |name: &str| format!("EVENTYARD_{section}__TLS_{name}_FILE");
        let (certificate, key, client_ca) = (variable("CERTIFICATE"), variable("KEY"), variable("CLIENT_CA"));
        let load =
            |names: &[&String]| with_variables(&names.iter().map(|name| (name.as_str(), "file")).collect::<Vec<_>>());
        load(&[&certificate, &key]).unwrap();
        load(&[&certificate, &key, &client_ca]).unwrap();
        for alone in [&certificate, &key] {
            assert!(report(load(&[alone]))[0].ends_with("give both files, or neither"));
        }
        assert!(report(load(&[&client_ca]))[0].contains("needs a certificate of the listener"));
    }
}

#[test]
fn metrics_behind_a_token_need_one() {
    let faults = report(with_variables(&[("EVENTYARD_ADMIN__METRICS_NEED_TOKEN", "true")]));
    assert!(faults[0].ends_with("add the hash of one to admin.token_hashes"), "{faults:?}");
}

#[test]
fn the_region_is_one_of_those_served() {
    let regions = |regions| with_variables(&[("EVENTYARD_AWS__REGIONS", regions)]);
    assert_eq!(regions("eu-west-1,us-east-1").unwrap().aws.regions.len(), 2);
    assert!(report(regions("eu-west-1"))[0].contains("aws.region = \"us-east-1\" (built-in defaults) is not one of"));
    assert!(report(regions("US"))[0].contains("one item of the list cannot be used"));
}

#[test]
fn the_listeners_cannot_share_a_port() {
    let listen = |api, admin| {
        let anonymous = ("EVENTYARD_API__DANGEROUS_ALLOW_ANONYMOUS", "true");
        with_variables(&[("EVENTYARD_API__LISTEN", api), ("EVENTYARD_ADMIN__LISTEN", admin), anonymous])
    };
    listen("127.0.0.1:0", "127.0.0.1:0").unwrap();
    listen("127.0.0.1:1", "127.0.0.2:1").unwrap();
    for (api, admin) in [("127.0.0.1:1", "127.0.0.1:1"), ("0.0.0.0:1", "127.0.0.1:1"), ("127.0.0.1:1", "[::]:1")] {
        let report = report(listen(api, admin));
        assert_eq!(report.len(), 1);
        assert!(report[0].contains("is in the way of"), "{report:?}");
    }
}

#[test]
fn numbers_that_do_not_fit_together_blame_the_higher_layer() {
    assert_eq!(
        report(with_variables(&[("EVENTYARD_DELIVERY__CONCURRENCY_MAX", "8")])),
        ["environment variable EVENTYARD_DELIVERY__CONCURRENCY_MAX: delivery.concurrency_max: \
             delivery.concurrency_per_target = 16 (built-in defaults) is larger than delivery.concurrency_max = 8 \
             (environment variable EVENTYARD_DELIVERY__CONCURRENCY_MAX); lower the first or raise the second"]
    );
    let pairs = [
        ("delivery", "backoff_base_ms = 900001", "delivery.backoff_max_ms = 900000"),
        ("delivery", "read_ahead_per_target = 15", "delivery.concurrency_per_target = 16"),
        ("journal", "commit_group_bytes_max = 1048575", "put_events.entries_size_bytes_max = 1048576"),
        ("journal", "segment_size_bytes = 8388607", "journal.commit_group_bytes_max = 8388608"),
        ("api", "bodies_size_bytes_max = 16777215", "api.body_size_bytes_max = 16777216"),
        ("api", "body_size_bytes_max = 1048576", "put_events.entries_size_bytes_max = 1048576"),
    ];
    for (section, written, other) in pairs {
        let report = report(with_file("relation", &format!("[{section}]\n{written}\n")));
        assert_eq!(report.len(), 1, "{report:?}");
        assert!(report[0].starts_with("relation.toml:2: ") && report[0].contains(other), "{report:?}");
    }
    with_file("relation-edge", "[delivery]\nbackoff_base_ms = 900000\nread_ahead_per_target = 16\n").unwrap();
}

#[test]
fn all_faults_of_all_layers_are_listed_at_once() {
    let file = Written::new("all", "[api]\nlisten = \"here\"\n[log]\ncolour = true\n[aws]\naccount_id = 1\n");
    let variables = [("EVENTYARD_API__CONNECTIONS_MAX", "0"), ("EVENTYARD_DELIVERY__BACKOFF_MAX_MS", "10")];
    // A flag that is right does not excuse the file it wins over.
    let flag = Flag { name: "--listen", key: "api.listen", value: "127.0.0.1:1".to_owned() };
    let faults = Config::load(Some(&file.0), variables, &[flag]).unwrap_err();
    let mut keys: Vec<_> = faults.0.iter().map(|fault| fault.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["api.connections_max", "api.listen", "aws.account_id", "delivery.backoff_max_ms", "log.colour"]);
    assert_eq!(faults.to_string().lines().count(), 5);
}

#[test]
fn what_is_not_toml_is_listed_by_line() {
    let variables = [("EVENTYARD_API__CONNECTIONS_MAX", "0")];
    let file = Written::new("syntax", "[api\n\n[log]\nlevel = \n[aws]\nregion = \"a\"\nregion = \"b\"\n");
    let report = report(Config::load(Some(&file.0), variables, &[]));
    for start in ["syntax.toml:1: this is not TOML: ", "syntax.toml:4: this", "syntax.toml:7: this", "environment"] {
        assert!(report.iter().any(|line| line.starts_with(start)), "{start} is not in {report:#?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let missing = Config::load(Some(Path::new("/nowhere/eventyard.toml")), NO_VARIABLES, &[]).unwrap_err().to_string();
    assert!(missing.starts_with("/nowhere/eventyard.toml: the file cannot be read (No such file"), "{missing}");
    let not_utf_8 = Written::new("bytes", [b'#', 0xff]);
    let bytes = report(Config::load(Some(&not_utf_8.0), NO_VARIABLES, &[]));
    assert!(bytes[0].starts_with("bytes.toml: the file cannot be read (it is not UTF-8 text"), "{bytes:?}");
    let endless = Config::load(Some(Path::new("/dev/zero")), NO_VARIABLES, &[]).unwrap_err().to_string();
    assert!(endless.contains("it is larger than 1048576 bytes"), "{endless}");
}

#[test]
fn headers_of_the_collector_come_from_a_file_and_are_not_shown() {
    let file = Written::new("collector", "X-Key: abc\n\nx-tenant:  a b \n");
    let variables = [("EVENTYARD_TRACES__HEADERS_FILE", file.0.to_str().unwrap())];
    let config = with_variables(&variables).unwrap();
    let headers = config.traces.headers.iter().map(|(name, value)| (name.as_str(), value.expose()));
    assert_eq!(headers.collect::<Vec<_>>(), [("X-Key", "abc"), ("x-tenant", "a b")]);
    assert!(!config.show().contains("abc"));
    for wrong in ["X-Key", ": abc", "X Key: abc", "X-Key:", "X-Key: \u{7}"] {
        fs::write(&file.0, wrong).unwrap();
        let found = report(with_variables(&variables));
        assert!(found.len() == 1 && found[0].contains("`Name: value`") && !found[0].contains("abc"), "{found:?}");
    }
    for wrong in ["127.0.0.1:4318", "ftp://h/", "http://me:secret@h/v1/traces"] {
        assert_eq!(report(with_variables(&[("EVENTYARD_TRACES__ENDPOINT", wrong)])).len(), 1, "{wrong}");
    }
}
