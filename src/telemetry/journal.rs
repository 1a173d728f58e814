//! Facts of the journal.

use std::time::Duration;

use super::{Fact, Metrics, micros};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::journal";

/// The journal was opened and what it owed was counted.
#[derive(Debug)]
pub struct JournalRecovered {
    /// Deliveries owed.
    pub deliveries: u64,
    /// Event segments on disk.
    pub segments: usize,
    /// How long it took.
    pub duration: Duration,
}

impl Fact for JournalRecovered {
    fn record(&self, metrics: &Metrics) {
        metrics.deliveries_pending.set(i64::try_from(self.deliveries).unwrap_or(i64::MAX));
        tracing::info!(target: TARGET, deliveries = self.deliveries, segments = self.segments, duration_us = micros(self.duration), "journal opened");
    }
}

/// A group was written and is on disk.
#[derive(Debug)]
pub struct GroupCommitted {
    /// Events in it.
    pub events: u64,
    /// Deliveries it owes.
    pub deliveries: u64,
    /// From the first write to the end of the fsync.
    pub duration: Duration,
}

impl Fact for GroupCommitted {
    #[expect(clippy::cast_precision_loss, reason = "a group has thousands of events, not 2^52")]
    fn record(&self, metrics: &Metrics) {
        metrics.commit_groups.inc();
        metrics.commit_group_events.observe(self.events as f64);
        metrics.commit_seconds.observe(self.duration.as_secs_f64());
        metrics.events_committed.inc_by(self.events);
        metrics.deliveries_committed.inc_by(self.deliveries);
    }
}

/// A segment of events was deleted: nothing in it is owed any more.
#[derive(Debug)]
pub struct SegmentDropped {
    /// The number of its first event.
    pub first: u64,
}

impl Fact for SegmentDropped {
    fn record(&self, metrics: &Metrics) {
        metrics.segments_dropped.inc();
        tracing::debug!(target: TARGET, first = self.first, "event segment dropped");
    }
}

/// The disk has too little room; events are refused until there is more.
#[derive(Debug)]
pub struct JournalFull {
    /// Bytes free.
    pub free_bytes: u64,
    /// Bytes wanted free.
    pub free_space_bytes_min: u64,
}

impl Fact for JournalFull {
    fn record(&self, metrics: &Metrics) {
        metrics.backlog_full.set(0);
        metrics.journal_full.set(1);
        tracing::error!(
            target: TARGET,
            free_bytes = self.free_bytes,
            free_space_bytes_min = self.free_space_bytes_min,
            "the disk is nearly full: PutEvents is refused until there is room"
        );
    }
}

/// Too much is owed; events are refused until enough of it is delivered.
#[derive(Debug)]
pub struct BacklogFull {
    /// Bytes of events that are owed.
    pub bytes: u64,
    /// The most there may be.
    pub size_bytes_max: u64,
}

impl Fact for BacklogFull {
    fn record(&self, metrics: &Metrics) {
        metrics.journal_full.set(0);
        metrics.backlog_full.set(1);
        tracing::error!(
            target: TARGET,
            bytes = self.bytes,
            size_bytes_max = self.size_bytes_max,
            "too much is owed: PutEvents is refused until enough of it is delivered"
        );
    }
}

/// There is room again.
#[derive(Debug)]
pub struct JournalRoomAgain;

impl Fact for JournalRoomAgain {
    fn record(&self, metrics: &Metrics) {
        metrics.journal_full.set(0);
        metrics.backlog_full.set(0);
        tracing::info!(target: TARGET, "there is room again: PutEvents is accepted");
    }
}

/// Something in the journal cannot be read and was put aside.
#[derive(Debug)]
pub struct RecordQuarantined<'a> {
    /// What, and where it stood.
    pub place: &'a str,
    /// Its key as people write it.
    pub key: &'a str,
    /// What is wrong with it.
    pub reason: &'a str,
}

impl Fact for RecordQuarantined<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.storage.quarantined.inc();
        let Self { place, key, reason } = self;
        tracing::error!(target: TARGET, place, key, reason, "damaged on disk; put aside in quarantine.jsonl, and the daemon goes on");
    }
}

/// A write failed. What is on disk decides, so the daemon stops and recovers from it.
#[derive(Debug)]
pub struct JournalFailed<'a> {
    /// What failed.
    pub reason: &'a dyn std::error::Error,
}

impl Fact for JournalFailed<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.journal_failures.inc();
        tracing::error!(target: TARGET, reason = %self.reason, "the journal failed; stopping so that the next start recovers from disk");
    }
}
