//! What must hold between options that are each right on their own.

use std::net::SocketAddr;

use super::Config;
use super::fault::{Fault, Problem};
use super::layers::Setting;
use super::value::Value;

/// In each pair the first number must not be larger than the second.
const AT_MOST: [(&str, &str); 7] = [
    ("api.body_size_bytes_max", "api.bodies_size_bytes_max"),
    ("delivery.backoff_base_ms", "delivery.backoff_max_ms"),
    ("delivery.circuit_breaker_open_base_ms", "delivery.circuit_breaker_open_max_ms"),
    ("delivery.concurrency_per_target", "delivery.concurrency_max"),
    ("delivery.concurrency_per_target", "delivery.read_ahead_per_target"),
    ("put_events.entries_size_bytes_max", "journal.commit_group_bytes_max"),
    ("journal.commit_group_bytes_max", "journal.segment_size_bytes"),
];

/// In each pair the first number must be smaller than the second.
const LESS_THAN: [(&str, &str); 1] = [("put_events.entries_size_bytes_max", "api.body_size_bytes_max")];

/// The second must not be empty where the first is true.
const METRICS_TOKEN: [&str; 2] = ["admin.metrics_need_token", "admin.token_hashes"];

/// Both listeners.
const LISTENERS: [&str; 2] = ["api.listen", "admin.listen"];
const ALLOW_ANONYMOUS: &str = "api.dangerous_allow_anonymous";

/// The faults between options. Options named in `faults` are wrong on their own and not looked at again.
pub(super) fn check(config: &Config, settings: &[Setting], faults: &[Fault]) -> Vec<Fault> {
    let effective = |key: &str| {
        let sound = !faults.iter().any(|fault| fault.key == key);
        let last = settings.iter().enumerate().rfind(|(_, setting)| setting.key == key);
        last.filter(|_| sound)
    };
    let mut found = Vec::new();
    let mut report = |keys: [&str; 2], holds: &dyn Fn(&Value, &Value) -> bool, why: &str, advice: &str| {
        let (Some(first), Some(second)) = (effective(keys[0]), effective(keys[1])) else { return };
        if holds(&first.1.value, &second.1.value) {
            return;
        }
        // Blame the higher layer: it is the one that was written with the other in view.
        let (_, blamed) = if first.0 > second.0 { first } else { second };
        let why = format!("{} {why} {}", named(first.1), named(second.1));
        let problem = Problem::Refused { why, advice: advice.to_owned() };
        found.push(Fault { origin: blamed.origin.clone(), key: blamed.key.clone(), problem });
    };

    for (smaller, larger) in AT_MOST {
        let holds = |a: &Value, b: &Value| integer(a) <= integer(b);
        report([smaller, larger], &holds, "is larger than", "lower the first or raise the second");
    }
    for (smaller, larger) in LESS_THAN {
        let holds = |a: &Value, b: &Value| integer(a) < integer(b);
        report([smaller, larger], &holds, "is not smaller than", "lower the first or raise the second");
    }
    let served = |region: &Value, regions: &Value| match (region, regions) {
        (Value::Text(region), Value::List(regions)) => regions.is_empty() || regions.contains(region),
        _ => true,
    };
    report(["aws.region", "aws.regions"], &served, "is not one of", "add it to the list, or leave the list empty");
    let apart = !overlap(config.api.listen, config.admin.listen);
    report(LISTENERS, &|_, _| apart, "is in the way of", "give the two listeners different ports");
    for section in ["api", "admin"] {
        let option = |name: &str| format!("{section}.tls_{name}_file");
        let (certificate, key, client_ca) = (option("certificate"), option("key"), option("client_ca"));
        let both = |a: &Value, b: &Value| is_empty(a) == is_empty(b);
        report([&certificate, &key], &both, "does not go without the other, with", "give both files, or neither");
        let with = |a: &Value, b: &Value| is_empty(a) || !is_empty(b);
        report([&client_ca, &certificate], &with, "needs a certificate of the listener, with", "give both files");
    }
    let needs_token =
        |needed: &Value, hashes: &Value| *needed != Value::Boolean(true) || *hashes != Value::List(vec![]);
    report(METRICS_TOKEN, &needs_token, "needs a token, with", "add the hash of one to admin.token_hashes");
    let (accounts, tokens) = (!config.accounts.is_empty(), !config.admin.token_hashes.is_empty());
    for (key, listen, is_authenticated, remedy) in [
        ("api.listen", config.api.listen, accounts, "configure [[accounts]]"),
        ("admin.listen", config.admin.listen, tokens, "configure admin.token_hashes"),
    ] {
        let closed = is_loopback(listen) || is_authenticated || config.api.dangerous_allow_anonymous;
        let advice = format!(
            "other machines could do everything without authentication: {remedy}, or listen on 127.0.0.1 or [::1], or set \
             api.dangerous_allow_anonymous to true if the network keeps others out"
        );
        report([key, ALLOW_ANONYMOUS], &|_, _| closed, "is not a loopback address, with", &advice);
    }
    found
}

/// Whether only this machine can reach an address.
#[must_use]
pub fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Whether only one of the two can be bound.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let (a_ip, b_ip) = (a.ip().to_canonical(), b.ip().to_canonical());
    a.port() == b.port() && a.port() != 0 && (a_ip == b_ip || a_ip.is_unspecified() || b_ip.is_unspecified())
}

fn is_empty(value: &Value) -> bool {
    *value == Value::Text(String::new())
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(*value),
        Value::Boolean(_) | Value::Text(_) | Value::List(_) => None,
    }
}

fn named(setting: &Setting) -> String {
    format!("{} = {} ({})", setting.key, setting.value, setting.origin)
}
