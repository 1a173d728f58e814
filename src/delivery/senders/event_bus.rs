//! Event buses as targets: the event enters the engine again, on the other event bus.

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::Event;
use eventyard_core::name::EventBusKey;

use crate::engine::Engine;

/// Makes one attempt: the event goes from a rule on `from` to `to`.
pub(in crate::delivery) async fn forward(
    engine: &Engine,
    event: &Event,
    from: &EventBusKey,
    to: &EventBusKey,
) -> AttemptOutcome {
    match engine.forward(event, from, to).await {
        Ok(()) => AttemptOutcome::Delivered,
        Err(error) => AttemptOutcome::NotForwarded(error),
    }
}
