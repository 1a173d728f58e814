//! Traces: what happened to one event, as spans that a collector of OpenTelemetry is sent.
//!
//! Facts make spans as they make log lines and metrics ([`super::Fact::trace`]). A span goes into a queue of bounded length
//! and is counted as dropped where that is full, so that no collector can slow a delivery. [`TraceExporter`] takes it from there.

mod exporter;
mod facts;
mod span;

use eventyard_core::trace_context::TraceContext;
use opentelemetry_proto::tonic::trace::v1::Span as EncodedSpan;
use prometheus::IntCounterVec;
use tokio::sync::mpsc;

pub use exporter::{Collector, TraceExporter, TraceExporterError};
pub use facts::{EventTraced, SpansExported, Stage};
pub(super) use span::{Span, SpanKind};

/// Spans that wait to be sent: some megabytes.
const WAITING_MAX: usize = 8192;

/// A million, of which [`Collector::sample_per_million`] takes its part.
const MILLION: u64 = 1_000_000;

/// Where spans go.
#[derive(Debug)]
pub struct Traces {
    queue: mpsc::Sender<EncodedSpan>,
    sample_per_million: u64,
    dropped: IntCounterVec,
}

impl Traces {
    /// Spans for a collector, and who sends them to it.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub(super) fn new(
        collector: Collector,
        dropped: IntCounterVec,
    ) -> Result<(Self, TraceExporter), TraceExporterError> {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let sample_per_million = collector.sample_per_million;
        Ok((Self { queue, sample_per_million, dropped }, TraceExporter::new(collector, waiting)?))
    }

    /// The span of an event that comes in: under that of its sender, where it says one.
    pub(super) fn begin(&self, sender: Option<TraceContext>, random: u128) -> Option<TraceContext> {
        let [low, high] = [random, random >> 64].map(|bits| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(1));
        match sender {
            Some(sender) => Some(under(sender, low)),
            None if high % MILLION < self.sample_per_million => Some(TraceContext::root(random, low.swap_bytes())),
            None => None,
        }
    }

    /// Takes a span, or drops and counts it.
    pub(super) fn send(&self, span: Span<'_>) {
        if self.queue.try_send(span.encode()).is_err() {
            self.dropped.with_label_values(&["queue_full"]).inc();
        }
    }
}

/// The context of a new span under `parent`. A trace that is not written down gets no new ones.
pub(super) fn under(parent: TraceContext, random: u64) -> TraceContext {
    if parent.is_sampled() { parent.child(random) } else { parent }
}
