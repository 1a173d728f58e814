//! `[metrics]` and `[traces]`: what others are told of the daemon's work.

use std::path::Path;
use std::time::Duration;

use eventyard_core::secret::Secret;
use url::Url;

use super::reader::Reader;

/// `[metrics]`: what Prometheus is told.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Targets that have series of their own.
    pub targets_max: usize,
}

impl Metrics {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self { targets_max: reader.section("metrics").integer("targets_max", 0..=10_000) }
    }
}

/// `[traces]`: the collector that spans are sent to.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Its URL; none where no spans are made.
    pub endpoint: Option<String>,
    /// The headers that it asks for.
    pub headers: Vec<(String, Secret)>,
    /// Time for one request.
    pub timeout: Duration,
    /// By what name the daemon is known there.
    pub service_name: String,
    /// Of a million events whose senders say nothing of a trace, so many begin one.
    pub sample_per_million: u64,
}

impl Traces {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("traces");
        let url = |text: &str| match text {
            "" => Some(None),
            _ => is_endpoint(text).then(|| Some(text.to_owned())),
        };
        let headers = |text: &str| if text.is_empty() { Some(Vec::new()) } else { read_headers(Path::new(text)) };
        let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            endpoint: section.text("endpoint", None, "write a URL such as http://127.0.0.1:4318/v1/traces", url),
            headers: section.text(
                "headers_file",
                Vec::new(),
                "write the path of a file that can be read, with a header such as `Name: value` in each line",
                headers,
            ),
            timeout: section.milliseconds("timeout_ms", 1..=600_000),
            service_name: section.text("service_name", String::new(), "write a name", name),
            sample_per_million: section.integer("sample_per_million", 0..=1_000_000),
        }
    }
}

/// Credentials in it would be shown where the configuration is.
fn is_endpoint(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    })
}

fn read_headers(path: &Path) -> Option<Vec<(String, Secret)>> {
    let text = std::fs::read_to_string(path).ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let value = value.trim();
        let is_value = !value.is_empty() && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (is_name && is_value).then(|| (name.to_owned(), Secret::new(value)))
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(header).collect()
}
