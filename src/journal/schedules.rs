//! How far the schedules of rules have come: written in the same group as what they fire, so that no crash comes between.

use eventyard_core::clock::Timestamp;
use eventyard_core::name::RuleNumber;

use super::committer::Request;
use super::disk::Space;
use super::{Journal, JournalError, Owed, records};

/// How far the schedule of one rule has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleMark {
    /// The rule.
    pub rule: RuleNumber,
    /// Since when the schedule runs. It tells it from those that the rule had before.
    pub since: Timestamp,
    /// Everything due up to here was fired, or was missed for good.
    pub through: Timestamp,
}

impl Journal {
    /// Writes what schedules fired and how far they have come, all of it or nothing. When it returns and there are events,
    /// it is on disk; marks alone may be lost with the power, which brings back nothing that was sent.
    ///
    /// # Errors
    /// As for [`Journal::commit`].
    pub async fn fire(&self, owed: Vec<Owed>, marks: Vec<ScheduleMark>) -> Result<(), JournalError> {
        self.ask(|answer| Request::Fire { owed, marks, answer }).await
    }

    /// How far all schedules have come that ever fired.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn schedule_marks(&self) -> Result<Vec<ScheduleMark>, JournalError> {
        self.read_sound(Space::Schedules, (&[], &[u8::MAX; 9]), usize::MAX, records::parse_schedule)
    }

    /// Forgets how far schedules have come, of rules that are no more.
    ///
    /// # Errors
    /// [`JournalError::Closed`] when the journal failed or was closed.
    pub async fn forget_schedule_marks(&self, rules: Vec<RuleNumber>) -> Result<(), JournalError> {
        self.ask(|answer| Request::ForgetSchedules { rules, answer }).await
    }
}
