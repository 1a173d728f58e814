//! Makes each metric and keeps its description, from which `docs/METRICS.md` is written.

use std::cell::RefCell;

use prometheus::core::Collector;
use prometheus::{Counter, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// A label and the values it takes, in words.
pub(super) type Label = (&'static str, &'static str);

/// What a metric is.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels, each with the values it takes, in words.
    pub labels: &'static [Label],
    /// What it counts or measures.
    pub help: &'static str,
}

/// Registers each metric as it is made.
pub(super) struct Catalogue<'a> {
    registry: &'a Registry,
    descriptions: RefCell<Vec<Description>>,
}

impl<'a> Catalogue<'a> {
    pub(super) fn new(registry: &'a Registry) -> Self {
        Self { registry, descriptions: RefCell::default() }
    }

    /// Of all metrics that were made, by name.
    pub(super) fn descriptions(self) -> Vec<Description> {
        let mut descriptions = self.descriptions.into_inner();
        descriptions.sort_by_key(|description| description.name);
        descriptions
    }

    fn keep<C: Collector + Clone + 'static>(&self, collector: C, description: Description) -> prometheus::Result<C> {
        self.registry.register(Box::new(collector.clone()))?;
        self.descriptions.borrow_mut().push(description);
        Ok(collector)
    }

    pub(super) fn counter(&self, name: &'static str, help: &'static str) -> prometheus::Result<IntCounter> {
        self.keep(IntCounter::new(name, help)?, Description { name, kind: "counter", labels: &[], help })
    }

    /// A counter of what is not whole, such as seconds.
    pub(super) fn sum(&self, name: &'static str, help: &'static str) -> prometheus::Result<Counter> {
        self.keep(Counter::new(name, help)?, Description { name, kind: "counter", labels: &[], help })
    }

    pub(super) fn counters(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [Label],
    ) -> prometheus::Result<IntCounterVec> {
        let collector = IntCounterVec::new(Opts::new(name, help), &names(labels))?;
        self.keep(collector, Description { name, kind: "counter", labels, help })
    }

    pub(super) fn gauge(&self, name: &'static str, help: &'static str) -> prometheus::Result<IntGauge> {
        self.keep(IntGauge::new(name, help)?, Description { name, kind: "gauge", labels: &[], help })
    }

    pub(super) fn gauges(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [Label],
    ) -> prometheus::Result<IntGaugeVec> {
        let collector = IntGaugeVec::new(Opts::new(name, help), &names(labels))?;
        self.keep(collector, Description { name, kind: "gauge", labels, help })
    }

    pub(super) fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        buckets: &[f64],
    ) -> prometheus::Result<Histogram> {
        let collector = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
        self.keep(collector, Description { name, kind: "histogram", labels: &[], help })
    }
}

fn names(labels: &[Label]) -> Vec<&'static str> {
    labels.iter().map(|(name, _)| *name).collect()
}
