//! Facts of traces: what events go through on their way to disk, and what becomes of spans.

use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::event::EventId;
use eventyard_core::trace_context::TraceContext;

use super::{Span, SpanKind, Traces, under};
use crate::telemetry::{Fact, Metrics};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::traces";

/// A part of the way of an event, as time since it was received.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Its begin.
    pub offset: Duration,
    /// How long it took.
    pub duration: Duration,
}

/// An event that is part of a trace was accepted, and what it owes is on disk.
#[derive(Debug)]
pub struct EventTraced<'a> {
    /// The id under which it is known.
    pub event: EventId,
    /// The ARN of its event bus.
    pub event_bus: &'a str,
    /// Its span.
    pub context: TraceContext,
    /// That of its sender.
    pub parent: Option<TraceContext>,
    /// When it came.
    pub received: Timestamp,
    /// The search for rules.
    pub matching: Stage,
    /// How many deliveries it owes.
    pub deliveries: u64,
    /// The way to disk of all that came with it; none when nobody wanted it.
    pub commit: Option<Stage>,
    /// From when it came to now.
    pub duration: Duration,
    /// Random bits, for the ids of spans.
    pub random: u64,
}

impl Fact for EventTraced<'_> {
    fn record(&self, _: &Metrics) {}

    fn trace(&self, traces: &Traces) {
        if !self.context.is_sampled() {
            return;
        }
        let event = self.event.to_string();
        let part = |name, Stage { offset, duration }, number, attributes| Span {
            context: under(self.context, self.random.wrapping_add(number)),
            parent: Some(self.context),
            name,
            kind: SpanKind::Internal,
            begin: self.received,
            offset,
            duration,
            attributes,
            error: None,
        };
        traces.send(Span {
            context: self.context,
            parent: self.parent,
            name: "receive event",
            kind: SpanKind::Server,
            begin: self.received,
            offset: Duration::ZERO,
            duration: self.duration,
            attributes: vec![("eventyard.event_id", (&event).into()), ("eventyard.event_bus", self.event_bus.into())],
            error: None,
        });
        let deliveries = vec![("eventyard.deliveries", self.deliveries.into())];
        traces.send(part("match event", self.matching, 0, deliveries));
        if let Some(commit) = self.commit {
            traces.send(part("commit event", commit, 1, Vec::new()));
        }
    }
}

/// Spans were sent to the collector, or given up.
#[derive(Debug)]
pub struct SpansExported<'a> {
    /// How many.
    pub count: u64,
    /// How many of them it did not take.
    pub rejected: u64,
    /// Why; empty when it said nothing.
    pub reason: &'a str,
}

impl Fact for SpansExported<'_> {
    fn record(&self, metrics: &Metrics) {
        let &Self { count, rejected, reason } = self;
        metrics.spans_exported.inc_by(count.saturating_sub(rejected));
        if rejected > 0 {
            metrics.spans_dropped.with_label_values(&["not_taken"]).inc_by(rejected);
            tracing::warn!(target: TARGET, count = rejected, reason, "spans dropped: the collector did not take them");
        }
    }
}
