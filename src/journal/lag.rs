//! How far deliveries are behind.

use eventyard_core::clock::Timestamp;
use eventyard_core::name::EventNumber;

use super::disk::Space;
use super::{Journal, JournalError};

impl Journal {
    /// When the event was accepted that has waited longest for its first attempt at some target; none when none waits. It
    /// looks once for each target that is owed something, whatever that is.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn oldest_untried(&self) -> Result<Option<Timestamp>, JournalError> {
        let mut oldest: Option<EventNumber> = None;
        for target in self.targets_in(Space::Ready)? {
            let first = self.ready(target, None, 1)?;
            oldest = first.iter().map(|pending| pending.delivery.event).chain(oldest).min();
        }
        match oldest.map(|number| self.event(number)) {
            Some(Ok(event)) => Ok(Some(event.received)),
            Some(Err(JournalError::Missing(_))) | None => Ok(None), // it was delivered meanwhile
            Some(Err(error)) => Err(error),
        }
    }
}
