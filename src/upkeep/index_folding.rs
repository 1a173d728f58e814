//! Folds the indexes of event patterns, away from the requests that change rules.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::runtime::StopSignal;

/// How often it is looked whether an index wants to be folded when nobody says so.
const PERIOD: Duration = Duration::from_secs(5);

/// Folds what wants it, until `stop`.
pub async fn fold_indexes(engine: Arc<Engine>, stop: StopSignal) {
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            () = engine.wants_folding() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
        let engine = Arc::clone(&engine);
        // A bug in it would show as matching that gets slower; it is tried again in the next period.
        let _ = tokio::task::spawn_blocking(move || engine.fold_indexes()).await;
    }
}
