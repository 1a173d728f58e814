//! The scheduler: fires what the engine says is due, each time its bell rings.
//!
//! The bell carries nothing and decides nothing: a ring too many finds nothing due, and a ring that is lost is made good by a
//! period. What is due, and what was missed, the engine knows from our own clock.

mod bell;

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Clock;

use crate::engine::Engine;
use crate::runtime::{StopSignal, VitalLoop};
use crate::telemetry::{ClockSetBack, Telemetry, Warned};
use bell::Bell;

/// How long a lost ring goes unnoticed. Unlike the bell it does not look at the time of day, so it also holds while the
/// clock is put back.
const PERIOD: Duration = Duration::from_secs(10);

/// Smaller steps back of the clock are everyday corrections.
const SET_BACK_MIN: Duration = Duration::from_secs(1);

/// The parts of the scheduler.
#[derive(Debug)]
pub struct Scheduler {
    /// What knows the schedules.
    pub engine: Arc<Engine>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whom to tell.
    pub telemetry: Arc<Telemetry>,
}

impl Scheduler {
    /// Works until `stop`.
    pub async fn run(self, vital: VitalLoop, stop: StopSignal) {
        if let Err(error) = self.engine.forget_deleted_schedules().await {
            self.warn(&format!("what rules fired that are no more could not be forgotten: {error}"));
        }
        let bell = Bell::start().await;
        if let Err(error) = &bell {
            self.warn(&format!("no bell for the scheduler, it looks every {PERIOD:?} instead: {error}"));
        }
        let bell = bell.ok();
        let (mut last, mut failed) = (self.clock.now(), false);
        loop {
            let now = self.clock.now();
            let set_back = last.saturating_since(now);
            if set_back >= SET_BACK_MIN {
                self.telemetry.record(&ClockSetBack { by: set_back });
            }
            last = now;
            failed = vital.turn(&stop, self.fire(&vital, &stop, failed)).await.unwrap_or(failed);
            tokio::select! {
                () = stop.stopped() => break,
                () = Bell::rung(bell.as_ref()) => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        if let Some(bell) = bell {
            bell.stop().await;
        }
    }

    /// Fires all that is due. Says whether it failed, and tells the operator once of each time it begins to.
    async fn fire(&self, vital: &VitalLoop, stop: &StopSignal, had_failed: bool) -> bool {
        while !stop.is_stopped() {
            vital.beat();
            match self.engine.fire_due().await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    if !had_failed {
                        self.warn(&format!("schedules cannot fire now, and will when they can: {error}"));
                    }
                    return true;
                }
            }
        }
        had_failed
    }

    fn warn(&self, message: &str) {
        self.telemetry.record(&Warned { message });
    }
}
