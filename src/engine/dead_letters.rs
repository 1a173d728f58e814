//! Dead letters: finding, sending again, deleting.

use std::ops::AddAssign;

use eventyard_core::dead_letter::{DeadLetter, DeadLetterFilter};
use eventyard_core::error::ServiceError;
use eventyard_core::name::TargetNumber;

use super::Engine;
use crate::journal::{DeadLetterId, DeadLetterPage, JournalError, StoredDeadLetter};
use crate::telemetry::DeadLettersTakenOut;

/// Dead letters read at a time.
const PAGE: usize = 100;
/// Dead letters looked at in one search. A caller that wants more goes on behind the last one.
const LOOKED_AT_MAX: usize = 10_000;

/// What a search found.
#[derive(Debug)]
pub struct DeadLettersFound {
    /// Those that are meant, in the order in which they died. A damaged one is meant only when everything is.
    pub letters: Vec<StoredDeadLetter>,
    /// The last one that was looked at, when there are more behind it.
    pub next_after: Option<DeadLetterId>,
}

/// What becomes of dead letters that are to be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redriven {
    /// Owed to their targets again.
    pub redriven: usize,
    /// Left, since neither their target is there nor one of the same id at the same rule.
    pub without_target: usize,
    /// Left, since the journal could not give their event.
    pub without_event: usize,
}

impl Redriven {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> usize {
        self.redriven + self.without_target + self.without_event
    }
}

impl AddAssign for Redriven {
    fn add_assign(&mut self, other: Self) {
        self.redriven += other.redriven;
        self.without_target += other.without_target;
        self.without_event += other.without_event;
    }
}

impl Engine {
    /// Searches behind `after` for at most `limit` dead letters. Reads the disk.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<DeadLettersFound, ServiceError> {
        self.search_dead_letters(filter, after, limit).map_err(|error| self.internal(&error))
    }

    fn search_dead_letters(
        &self,
        filter: &DeadLetterFilter,
        mut after: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<DeadLettersFound, JournalError> {
        let (mut letters, mut looked_at) = (Vec::new(), 0);
        let page = |after, limit| DeadLetterPage { after, since: filter.since, until: filter.until, limit };
        while letters.len() < limit && looked_at < LOOKED_AT_MAX {
            let read = self.journal.dead_letters(&page(after, PAGE.min(limit)))?;
            if read.is_empty() {
                return Ok(DeadLettersFound { letters, next_after: None });
            }
            for (id, letter) in read {
                (after, looked_at) = (Some(id), looked_at + 1);
                if letter.as_ref().map_or(filter.is_everything(), |letter| filter.matches(letter)) {
                    letters.push((id, letter));
                    if letters.len() == limit {
                        break;
                    }
                }
            }
        }
        let more = !self.journal.dead_letter_ids(&page(after, 1))?.is_empty();
        Ok(DeadLettersFound { letters, next_after: after.filter(|_| more) })
    }

    /// One dead letter, if it is there. Reads the disk.
    ///
    /// # Errors
    /// When the disk cannot be read, or the dead letter is damaged.
    pub fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, ServiceError> {
        self.journal.dead_letter(id).map_err(|error| self.internal(&error))
    }

    /// Owes dead letters to their targets again, as events that are accepted now: their age counts anew. Only tells what
    /// would become of them when `dry_run`.
    ///
    /// # Errors
    /// When the journal has no room, or is closed; the dead letters are then still there.
    pub async fn redrive(&self, letters: &[StoredDeadLetter], dry_run: bool) -> Result<Redriven, ServiceError> {
        let (mut redriven, mut sent) = (Redriven::default(), Vec::new());
        for (id, letter) in letters {
            match letter {
                Ok(letter) if letter.event.is_some() => match self.target_of(*id, letter) {
                    Some(target) => sent.push((*id, target)),
                    None => redriven.without_target += 1,
                },
                _ => redriven.without_event += 1,
            }
        }
        redriven.redriven = sent.len();
        if !dry_run && !sent.is_empty() {
            let redriving = self.journal.redrive(sent, self.clock.now()).await;
            redriving.map_err(|error| self.internal(&error))?;
            self.telemetry.record(&DeadLettersTakenOut { count: redriven.redriven as u64, redriven: true });
        }
        Ok(redriven)
    }

    /// The target of a dead letter, or the one that took its place: of the same id, at a rule of the same name.
    fn target_of(&self, id: DeadLetterId, letter: &DeadLetter) -> Option<TargetNumber> {
        let registry = self.registry();
        let original = registry.target(id.target()).map(|_| id.target());
        original.or_else(|| registry.target_named(&letter.rule_arn, &letter.target_id))
    }

    /// Deletes dead letters.
    ///
    /// # Errors
    /// When the journal is closed.
    pub async fn purge_dead_letters(&self, letters: &[StoredDeadLetter]) -> Result<(), ServiceError> {
        let ids = letters.iter().map(|(id, _)| *id).collect();
        self.journal.forget_dead_letters(ids).await.map_err(|error| self.internal(&error))?;
        self.telemetry.record(&DeadLettersTakenOut { count: letters.len() as u64, redriven: false });
        Ok(())
    }
}
