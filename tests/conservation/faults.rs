//! What is done to the daemon, drawn by seed.

mod backups;
mod failures;
mod pauses;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eventyard::runtime::Random;
use serde_json::Value;

use crate::daemon::Daemon;
use crate::facts::Fact;
use crate::failing_disk::{FailingDisk, Failure};
use crate::moved_time::MovedTime;
use crate::oracle::Oracle;
use crate::small_disk::SmallDisk;
use pauses::Pause;

/// How far the clock is set forward at most, in seconds. Far less than a missed firing may be late and be made up for.
const FORWARD_MAX: u64 = 600;
/// And back.
const BACK_MAX: u64 = 300;

/// How long a redrive waits for dead letters.
const LETTERS_MAX: Duration = Duration::from_secs(5);

/// How long a daemon may take to end after a write that failed.
const ENDING_MAX: Duration = Duration::from_secs(30);

/// Something that is done to the daemon.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Kill,
    KillWhileStarting,
    KillWhileStopped,
    StopAndContinue,
    Restart,
    FillDisk,
    ClockForward,
    ClockBack,
    Redrive,
    FailCall(Failure),
    FailFirstCall,
    /// Or the end of a pause.
    Pause,
    Backup,
}

/// Each of them, as often as it comes in one pass.
const PASS: [Fault; 21] = [
    Fault::Kill,
    Fault::Kill,
    Fault::Kill,
    Fault::Kill,
    Fault::KillWhileStarting,
    Fault::KillWhileStarting,
    Fault::KillWhileStopped,
    Fault::StopAndContinue,
    Fault::Restart,
    Fault::FillDisk,
    Fault::ClockForward,
    Fault::ClockBack,
    Fault::Redrive,
    Fault::FailCall(Failure::Sync),
    Fault::FailCall(Failure::Write),
    Fault::FailCall(Failure::PowerAtSync),
    Fault::FailCall(Failure::PowerAtWrite),
    Fault::FailFirstCall,
    Fault::Pause,
    Fault::Pause,
    Fault::Backup,
];

/// The daemon and what it lives in.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) daemon: Daemon,
    pub(crate) disk: Option<SmallDisk>,
    pub(crate) time: Option<MovedTime>,
    pub(crate) failing: Option<FailingDisk>,
    /// A folder for backups, on another disk.
    folder: PathBuf,
    pause: Option<Pause>,
    /// How many seconds the clock is behind where it was once.
    behind: i64,
    oracle: Arc<Mutex<Oracle>>,
    random: Random,
    /// What is left of the pass.
    pass: Vec<Fault>,
}

impl World {
    pub(crate) fn new(
        daemon: Daemon,
        (disk, time, failing): (Option<SmallDisk>, Option<MovedTime>, Option<FailingDisk>),
        folder: PathBuf,
        oracle: Arc<Mutex<Oracle>>,
        random: Random,
    ) -> Self {
        Self { daemon, disk, time, failing, folder, pause: None, behind: 0, oracle, random, pass: Vec::new() }
    }

    fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn below(&self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn sleep(&self, ms_max: u64) {
        std::thread::sleep(Duration::from_millis(self.below(ms_max)));
    }

    /// Lets the daemon work for a while, then does something to it.
    pub(crate) fn next(&mut self) -> Result<Fault, String> {
        self.sleep(1_500);
        if self.pass.is_empty() {
            self.pass.extend(PASS);
        }
        let drawn = usize::try_from(self.below(self.pass.len() as u64)).unwrap_or(0);
        let fault = self.pass.swap_remove(drawn);
        self.look()?;
        self.strike(fault).map_err(|error| format!("{fault:?}: {error}"))?;
        Ok(fault)
    }

    /// What the metrics tell, which go with the process.
    fn look(&mut self) -> Result<(), String> {
        if let Some(status) = self.daemon.exited() {
            return Err(format!("the daemon ended by itself: {status}"));
        }
        for (state, fact) in [("half_open", Fact::BreakerHalfOpen), ("closed", Fact::BreakerClosed)] {
            let name = format!("eventyard_circuit_breaker_transitions_total{{to=\"{state}\"}}");
            let count = self.daemon.metric(&name);
            self.oracle().facts.meet_if(count.is_some_and(|count| count > 0.0), fact);
        }
        Ok(())
    }

    fn strike(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Kill => self.kill(Fact::KilledWhileOwing),
            Fault::KillWhileStarting => {
                self.end();
                self.daemon.spawn(&[])?;
                // A start takes ten milliseconds where nothing else is done, and some tens where much is.
                let longest = if self.below(2) == 0 { 10 } else { 60 };
                self.sleep(longest);
                self.end();
                let was_ready = self.daemon.was_ready();
                self.oracle().facts.meet_if(!was_ready, Fact::KilledWhileStarting);
                self.kill(Fact::KilledWhileOwing)
            }
            Fault::KillWhileStopped => {
                self.daemon.signal("STOP")?;
                self.sleep(1_500);
                self.kill(Fact::KilledWhileStopped)
            }
            Fault::StopAndContinue => {
                self.daemon.signal("STOP")?;
                self.sleep(2_500);
                self.meet_if_owing(Fact::ContinuedWhileOwing);
                self.daemon.signal("CONT")
            }
            Fault::Restart => {
                self.meet_if_owing(Fact::RestartedWhileOwing);
                self.daemon.stop()?;
                self.start()
            }
            Fault::FillDisk => self.fill_disk(),
            Fault::ClockForward => {
                let seconds = 1 + self.below(FORWARD_MAX);
                self.set_clock(i64::try_from(seconds).unwrap_or(1), Fact::ClockForward);
                Ok(())
            }
            Fault::ClockBack => {
                let seconds = 1 + self.below(BACK_MAX);
                self.set_clock(-i64::try_from(seconds).unwrap_or(1), Fact::ClockBack);
                Ok(())
            }
            Fault::Redrive => self.redrive(),
            Fault::FailCall(failure) => self.fail_call(failure),
            Fault::FailFirstCall => self.fail_first_call(),
            Fault::Pause if self.pause.is_some() => self.resume(),
            Fault::Pause => self.pause(),
            Fault::Backup => self.back_up(),
        }
    }

    /// Sends all dead letters again, as soon as there is one.
    fn redrive(&mut self) -> Result<(), String> {
        let end = Instant::now() + LETTERS_MAX;
        let mut letters = self.daemon.dead_letters()?;
        while letters.is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100));
            letters = self.daemon.dead_letters()?;
        }
        for letter in &letters {
            self.oracle().exhume(letter);
        }
        // It may have no room to write.
        let redrive = |letter: &Value| {
            let id = letter["id"].as_str().unwrap_or_default();
            self.daemon.admin("POST", &format!("/dead-letters/{id}/redrive")).unwrap_or_default()["redriven"].as_u64()
        };
        let is_some = letters.iter().filter_map(redrive).sum::<u64>() > 0;
        self.oracle().facts.meet_if(is_some, Fact::Redriven);
        Ok(())
    }

    fn meet_if_owing(&self, fact: Fact) {
        let mut oracle = self.oracle();
        let is_owing = oracle.is_owing();
        oracle.facts.meet_if(is_owing, fact);
    }

    /// kill -9, and nothing after it.
    pub(crate) fn end(&mut self) {
        self.daemon.kill();
        self.oracle().kills += 1;
    }

    fn kill(&mut self, fact: Fact) -> Result<(), String> {
        self.end();
        self.meet_if_owing(fact);
        // Sometimes at once, sometimes after callers have waited.
        if self.below(4) == 0 {
            self.sleep(800);
        }
        self.start()
    }

    /// Starts it again, and waits until it is up.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.oracle().generation += 1;
        self.daemon.spawn(&[])?;
        self.daemon.wait_until_up()
    }

    /// Fills the disk to the last byte. What meets that in the middle of a write ends the daemon, as it must.
    fn fill_disk(&mut self) -> Result<(), String> {
        let Some(filling) = self.disk.as_ref().map(SmallDisk::fill) else { return Ok(()) };
        self.sleep(1_500);
        let is_killed = self.below(3) == 0;
        if is_killed {
            self.end();
        }
        fs::remove_file(&filling).map_err(|error| format!("{}: {error}", filling.display()))?;
        let is_ended = !is_killed && self.ends_by_itself();
        self.oracle().facts.meet_if(is_ended, Fact::EndedByFullDisk);
        if is_killed || is_ended { self.start() } else { Ok(()) }
    }

    /// Whether a write that failed in the last moments ends the daemon, which takes it a while.
    fn ends_by_itself(&mut self) -> bool {
        let end = Instant::now() + ENDING_MAX;
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(200));
            if self.daemon.exited().is_some_and(|status| !status.success()) {
                return true;
            }
            if self.daemon.metric("eventyard_journal_failures_total") == Some(0.0) {
                return false;
            }
        }
        false
    }

    fn set_clock(&mut self, seconds: i64, fact: Fact) {
        if let Some(time) = &mut self.time {
            time.advance(seconds);
            self.behind = (self.behind - seconds).max(0);
            self.oracle().facts.meet(fact);
        }
    }

    /// Puts the clock where it was at its latest: what waits for a time must see it come.
    pub(crate) fn catch_up_clock(&mut self) {
        if let Some(time) = &mut self.time {
            time.advance(self.behind + 1);
            self.behind = 0;
        }
    }
}
