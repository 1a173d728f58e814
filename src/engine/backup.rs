//! What a backup holds: all resources and the journal at one moment.

use eventyard_core::clock::Timestamp;

use super::{Engine, EngineError};
use crate::journal::View;
use crate::store::Record;

/// Everything there is.
#[derive(Debug)]
pub struct Contents {
    /// When.
    pub now: Timestamp,
    /// The records of the store.
    pub records: Vec<Record>,
    /// The journal.
    pub journal: Box<dyn View>,
}

impl Engine {
    /// Everything there is, as of now.
    ///
    /// No change is made between the two looks, and a target is in the store before anything is owed to it and stays there, if
    /// only by name, as long as something is. So every delivery of the one refers to a target of the other.
    ///
    /// # Errors
    /// When store or journal cannot be read.
    pub fn contents(&self) -> Result<Contents, EngineError> {
        let _changing = self.begin_change();
        Ok(Contents { now: self.clock.now(), records: self.store.records()?, journal: self.journal.view()? })
    }
}
