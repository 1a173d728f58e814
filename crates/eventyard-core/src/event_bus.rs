//! An event bus as its owner describes it.

use crate::clock::Timestamp;
use crate::tag::Tags;

/// An event bus: where events are put and rules live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBus {
    /// When it was created; for the default bus, when the store was.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Its tags.
    pub tags: Tags,
}
