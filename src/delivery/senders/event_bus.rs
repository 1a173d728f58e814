//! Event buses as targets: the event enters the engine again, on the other event bus.

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::Event;
use eventyard_core::name::EventBusKey;
use eventyard_core::trace_context::TraceContext;

use crate::engine::Engine;

/// Makes one attempt: the event goes from a rule on `from` to `to`.
pub(in crate::delivery) async fn forward(
    engine: &Engine,
    event: &Event,
    trace: Option<TraceContext>,
    (from, to): (&EventBusKey, &EventBusKey),
) -> AttemptOutcome {
    match engine.forward(event, trace, from, to).await {
        Ok(()) => AttemptOutcome::Delivered,
        Err(error) => AttemptOutcome::NotForwarded(error),
    }
}
