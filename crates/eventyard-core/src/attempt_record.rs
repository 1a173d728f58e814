//! What is remembered of an attempt at a delivery, and what followed.

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::EventId;

/// One attempt as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The event.
    pub event: EventId,
    /// When the event was accepted.
    pub received: Timestamp,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took, to the microsecond, at most 71 minutes.
    pub duration: Duration,
    /// How it ended: see [`crate::delivery::AttemptOutcome::error_code`].
    pub code: Cow<'static, str>,
    /// The same in a sentence; empty when it was delivered.
    pub message: String,
}

/// What followed an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The delivery was made.
    Delivered,
    /// It was to be tried again at this time.
    RetryAt(Timestamp),
    /// It was given up at this time.
    Died(Timestamp),
}
