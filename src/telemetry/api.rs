//! Facts of the API: requests and the events they bring.

use std::time::Duration;

use eventyard_core::event::EventId;

use super::request_origin::{RequestOrigin, named};
use super::{Fact, Metrics, micros};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::api";

/// Puts a request's id before the lines of what happens for it, where lines of the level debug are asked for. Otherwise it costs
/// nothing.
#[must_use]
pub(super) fn request_span(request_id: &str) -> tracing::Span {
    tracing::debug_span!(target: TARGET, "request", request_id)
}

/// Events whose ids stand in one line.
const EVENTS_PER_LINE_MAX: usize = 20;

/// A request was answered.
#[derive(Debug)]
pub struct RequestAnswered<'a> {
    /// The operation, `Unknown` when there is none of that name.
    pub operation: &'static str,
    /// The error code; empty when it succeeded.
    pub code: &'static str,
    /// Which request.
    pub origin: &'a RequestOrigin,
    /// From the request's last byte to its answer.
    pub duration: Duration,
}

impl Fact for RequestAnswered<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.requests.with_label_values(&[self.operation, self.code]).inc();
        metrics.request_seconds.observe(self.duration.as_secs_f64());
        // What the caller was told repeats what the caller sent, which may be long, or a secret: it is not for the log.
        let &Self { operation, code, origin: RequestOrigin { id, client }, duration } = self;
        let (request_id, duration_us) = (id, micros(duration));
        if code.is_empty() {
            tracing::debug!(target: TARGET, operation, request_id, %client, duration_us, "request answered");
        } else {
            tracing::info!(target: TARGET, operation, code, request_id, %client, duration_us, "request refused");
        }
    }
}

/// Something was put with a member that has no effect here.
#[derive(Debug)]
pub struct MemberInert<'a> {
    /// The member.
    pub member: &'static str,
    /// The ARN of what was put.
    pub resource: &'a str,
}

impl Fact for MemberInert<'_> {
    fn record(&self, _: &Metrics) {
        let &Self { member, resource } = self;
        tracing::warn!(target: TARGET, member, resource, "a member has no effect here; docs/COMPATIBILITY.md says which have none");
    }
}

/// A request failed through a fault of ours; the caller only learns `InternalException` and the request's id.
#[derive(Debug)]
pub struct RequestFailed<'a> {
    /// What failed.
    pub reason: &'a dyn std::error::Error,
}

impl Fact for RequestFailed<'_> {
    fn record(&self, _: &Metrics) {
        let origin = RequestOrigin::current();
        let (request_id, client) = named(origin.as_ref());
        tracing::error!(target: TARGET, reason = %self.reason, request_id, client, "a request failed inside");
    }
}

/// Events that were put before, and were left away.
#[derive(Debug)]
pub struct EventsDeduplicated {
    /// How many.
    pub count: u64,
}

impl Fact for EventsDeduplicated {
    fn record(&self, metrics: &Metrics) {
        metrics.events_deduplicated.inc_by(self.count);
    }
}

/// Entries of one `PutEvents` or `POST /events` were taken or refused.
#[derive(Debug)]
pub struct EventsReceived<'a> {
    /// The ids of those accepted.
    pub accepted: &'a [EventId],
    /// The error code of each refused entry.
    pub rejected: &'a [&'static str],
}

impl Fact for EventsReceived<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.events_received.inc_by(self.accepted.len() as u64);
        if !self.accepted.is_empty() && tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
            let events: Vec<String> = self.accepted.iter().take(EVENTS_PER_LINE_MAX).map(ToString::to_string).collect();
            tracing::debug!(target: TARGET, accepted = self.accepted.len(), events = events.join(" "), "events accepted");
        }
        for code in self.rejected {
            metrics.events_rejected.with_label_values(&[code]).inc();
        }
    }
}
