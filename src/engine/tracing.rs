//! The spans of events on their way to disk.

use std::time::{Duration, Instant};

use eventyard_core::arn::event_bus_arn;
use eventyard_core::clock::Timestamp;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::EventBusKey;
use eventyard_core::trace_context::TraceContext;

use crate::journal::Owed;
use crate::runtime::Random;
use crate::telemetry::{EventTraced, Stage, Telemetry};

/// Follows the events that came together. It costs nothing where no spans are made.
pub(super) struct Tracing<'a> {
    telemetry: &'a Telemetry,
    random: &'a Random,
    received: Timestamp,
    /// None where no spans are made.
    begun: Option<Instant>,
    events: Vec<Traced>,
}

struct Traced {
    event: EventId,
    event_bus: String,
    context: TraceContext,
    parent: Option<TraceContext>,
    matching: Stage,
    deliveries: u64,
}

impl<'a> Tracing<'a> {
    pub(super) fn new(telemetry: &'a Telemetry, random: &'a Random, received: Timestamp) -> Self {
        let begun = telemetry.is_tracing().then(Instant::now);
        Self { telemetry, random, received, begun, events: Vec::new() }
    }

    /// Gives the event its span, and lets `owe` say whom it is owed to.
    pub(super) fn matching(
        &mut self,
        bus: &EventBusKey,
        mut event: Event,
        owe: impl FnOnce(Event) -> Option<Owed>,
    ) -> Option<Owed> {
        let Some(begun) = self.begun else { return owe(event) };
        let (id, parent) = (event.id, event.trace);
        event.trace = self.telemetry.begin_trace(parent, self.random.next_u128());
        let Some(context) = event.trace else { return owe(event) };
        let offset = begun.elapsed();
        let owed = owe(event);
        self.events.push(Traced {
            event: id,
            event_bus: event_bus_arn(bus),
            context,
            parent,
            matching: Stage { offset, duration: begun.elapsed().saturating_sub(offset) },
            deliveries: owed.as_ref().map_or(0, |owed| owed.targets.len() as u64),
        });
        owed
    }

    /// An event had been put before, under another id.
    pub(super) fn known_as(&mut self, own: EventId, first: EventId) {
        for event in self.events.iter_mut().filter(|event| event.event == own) {
            event.event = first;
        }
    }

    /// What all of them owe is on disk.
    pub(super) fn committed(self) {
        let now = self.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        let matched = self.events.last().map_or(Duration::ZERO, |last| last.matching.offset + last.matching.duration);
        for Traced { event, event_bus, context, parent, matching, deliveries } in self.events {
            let commit = Stage { offset: matched, duration: now.saturating_sub(matched) };
            self.telemetry.record(&EventTraced {
                event,
                event_bus: &event_bus,
                context,
                parent,
                received: self.received,
                matching,
                deliveries,
                commit: (deliveries > 0).then_some(commit),
                duration: now,
                random: self.random.next_u64(),
            });
        }
    }
}
