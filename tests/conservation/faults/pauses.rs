//! Targets that are paused, through whatever comes meanwhile.

use super::World;
use crate::facts::Fact;
use crate::oracle::TARGETS;

/// A target that is paused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    target: usize,
    /// How often the daemon had been started by then.
    generation: u32,
}

impl World {
    pub(super) fn pause(&mut self) -> Result<(), String> {
        let target = usize::try_from(self.below(TARGETS.len() as u64)).unwrap_or(0);
        self.set_paused(target, "pause")?;
        let generation = self.oracle().generation;
        self.pause = Some(Pause { target, generation });
        Ok(())
    }

    /// Ends the pause, if there is one. What is owed then must arrive as ever.
    pub(crate) fn resume(&mut self) -> Result<(), String> {
        let Some(Pause { target, generation }) = self.pause.take() else { return Ok(()) };
        // Attempts that were under way when the pause began are those of the process that was there.
        if self.oracle().generation > generation {
            let attempts = self.attempts(target)?;
            if attempts > 0.0 {
                return Err(format!("{} is paused and was sent {attempts} requests", TARGETS[target]));
            }
            let mut oracle = self.oracle();
            let is_owed = oracle.is_owing_to(target);
            oracle.facts.meet_if(is_owed, Fact::KeptWhilePaused);
        }
        self.set_paused(target, "resume")
    }

    /// A rule has the name of its target.
    fn set_paused(&self, target: usize, word: &str) -> Result<(), String> {
        let name = TARGETS[target];
        self.daemon.admin("POST", &format!("/rules/{word}?rule={name}&target={name}")).map(drop)
    }

    /// Attempts of this process at the target that can be paused, which is that of a rule on the default event bus.
    fn attempts(&self, target: usize) -> Result<f64, String> {
        let rule = format!("rule=\"arn:aws:events:us-east-1:000000000000:rule/{}\"", TARGETS[target]);
        let page = self.daemon.metrics()?;
        let of_target = page.lines().filter(|line| line.starts_with("eventyard_target_attempts_total{"));
        let counts = of_target.filter(|line| line.contains(&rule)).filter_map(|line| line.rsplit(' ').next());
        Ok(counts.filter_map(|count| count.parse::<f64>().ok()).sum())
    }
}
