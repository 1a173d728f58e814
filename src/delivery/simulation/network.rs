//! What is behind the network: a target that answers, or does not.

use std::collections::BTreeMap;
use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::retry_after::RetryAfter;

use super::drawn::draw;
use super::{LONGEST_ATTEMPT, Sometimes};
use crate::runtime::Random;

/// What a target is like all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It takes most events while it is not down.
    Sound,
    /// It takes connections and never answers.
    BlackHole,
    /// It cannot be connected to, which is known at once.
    Refuser,
}

/// One target. Its times are those since the simulation began.
pub(super) struct Network {
    pub(super) nature: Nature,
    /// It is down until then.
    pub(super) down_until: Duration,
    /// Groups of events that fail until then, whatever else it takes.
    pub(super) failing_until: BTreeMap<u64, Duration>,
}

impl Network {
    pub(super) fn new(nature: Nature) -> Self {
        Self { nature, down_until: Duration::ZERO, failing_until: BTreeMap::new() }
    }

    /// How long an attempt takes that begins at `at`.
    pub(super) fn lasts(&self, at: Duration, random: &Random) -> Duration {
        match self.nature {
            Nature::BlackHole => LONGEST_ATTEMPT,
            Nature::Refuser => Duration::from_millis(draw(random, 5)),
            Nature::Sound if at < self.down_until => Duration::from_millis(draw(random, 2_000)),
            Nature::Sound => Duration::from_millis(draw(random, 400)),
        }
    }

    pub(super) fn is_up(&self, at: Duration) -> bool {
        self.nature == Nature::Sound && at >= self.down_until
    }

    /// Whether all events of that group fail at `at`.
    pub(super) fn fails(&self, group: u64, at: Duration) -> bool {
        self.failing_until.get(&group).is_some_and(|until| at < *until)
    }

    /// How an attempt with an event of that group ends at `at`.
    pub(super) fn answer(
        &self,
        group: Option<u64>,
        at: Duration,
        random: &Random,
        sometimes: &mut Sometimes,
    ) -> AttemptOutcome {
        match self.nature {
            Nature::BlackHole => return AttemptOutcome::TimedOut { waited_for: "the answer" },
            Nature::Refuser => return AttemptOutcome::ConnectionFailed { reason: String::new() },
            Nature::Sound => {}
        }
        if at < self.down_until {
            let asked = RetryAfter::Wait(Duration::from_secs(draw(random, 30)));
            return match draw(random, 10) {
                0 => AttemptOutcome::from_http_status(503, String::new(), Some(asked)),
                1 => {
                    sometimes.insert("asked for less");
                    AttemptOutcome::from_http_status(429, String::new(), (draw(random, 2) == 0).then_some(asked))
                }
                _ => AttemptOutcome::TimedOut { waited_for: "the answer" },
            };
        }
        if group.is_some_and(|group| self.fails(group, at)) {
            return AttemptOutcome::from_http_status(500, String::new(), None);
        }
        if draw(random, 40) == 0 {
            sometimes.insert("refused");
            return AttemptOutcome::from_http_status(404, String::new(), None);
        }
        AttemptOutcome::Delivered
    }
}
