//! Loops without which the daemon does not do its work: a bug in one turn does not end them, and others can see whether they
//! go on.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{StopSignal, Tasks};

/// How long a loop rests after a turn that ended in a bug: the next one may run into the same.
const REST: Duration = Duration::from_secs(5);
/// A turn that takes longer is taken for one that hangs. Every loop wakes up by itself at least twice a minute.
const TURN_MAX: Duration = Duration::from_secs(120);

/// One such loop. Cheap to share.
#[derive(Clone, Debug)]
pub struct VitalLoop {
    name: &'static str,
    tasks: Tasks,
    pulse: Arc<Mutex<Pulse>>,
}

#[derive(Clone, Copy, Debug)]
struct Pulse {
    last: Instant,
    rests: bool,
}

impl VitalLoop {
    /// A loop of this name, which is about to begin; its bugs are reported by `tasks`.
    #[must_use]
    pub fn new(name: &'static str, tasks: Tasks) -> Self {
        Self { name, tasks, pulse: Arc::new(Mutex::new(Pulse { last: Instant::now(), rests: false })) }
    }

    /// Runs one turn; after one that panicked it rests, or until `stop`, and answers nothing.
    pub async fn turn<F: Future>(&self, stop: &StopSignal, turn: F) -> Option<F::Output> {
        self.beat();
        let done = self.tasks.guard(self.name, turn).await;
        if done.is_none() {
            self.set(true);
            // Whichever comes first, the loop looks itself whether it is to stop.
            let _ = tokio::time::timeout(REST, stop.stopped()).await;
        }
        done
    }

    /// Says in the middle of a long turn that it goes on.
    pub fn beat(&self) {
        self.set(false);
    }

    /// What is wrong with it, if anything is, in words for an operator.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let Self { name, .. } = self;
        let Pulse { last, rests } = self.pulse();
        if rests {
            return Some(format!("the {name} ran into a bug, which the log tells, and will be tried again"));
        }
        let silence = last.elapsed();
        (silence > TURN_MAX).then(|| format!("the {name} has not moved for {} s", silence.as_secs()))
    }

    /// Whether it hangs: only a restart of the process can help.
    #[must_use]
    pub fn hangs(&self) -> bool {
        self.pulse().last.elapsed() > TURN_MAX
    }

    fn pulse(&self) -> Pulse {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, rests: bool) {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = Pulse { last: Instant::now(), rests };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Stop;
    use crate::telemetry::Telemetry;

    fn vital_loop() -> VitalLoop {
        VitalLoop::new("test", Tasks::new(Arc::new(Telemetry::new().unwrap())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_panics_is_told_until_the_next_one() {
        let (vital, stop) = (vital_loop(), Stop::default());
        let (looping, signal) = (vital.clone(), stop.signal());
        let mut turns = 0;
        let running = tokio::spawn(async move {
            while !signal.is_stopped() {
                turns += 1;
                let turn = async {
                    assert!(turns > 2, "on purpose");
                    tokio::time::sleep(Duration::from_secs(30)).await;
                };
                looping.turn(&signal, turn).await;
            }
            turns
        });
        tokio::time::sleep(REST / 2).await;
        let trouble = vital.trouble().unwrap();
        assert!(trouble.starts_with("the test ran into a bug"), "{trouble}");
        assert!(!vital.hangs());
        tokio::time::sleep(REST * 2).await;
        assert_eq!(vital.trouble(), None);
        stop.stop();
        assert_eq!(running.await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_without_end_is_told_and_hangs_unless_it_says_that_it_goes_on() {
        let vital = vital_loop();
        let (looping, stop) = (vital.clone(), Stop::default());
        tokio::spawn(async move { looping.turn(&stop.signal(), std::future::pending::<()>()).await });
        tokio::time::sleep(TURN_MAX).await;
        assert_eq!(vital.trouble(), None);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(vital.trouble().unwrap(), "the test has not moved for 130 s");
        assert!(vital.hangs());
        vital.beat();
        assert!(!vital.hangs());
    }
}
