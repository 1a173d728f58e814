//! The journal: events, the deliveries they owe, retries due later, and dead letters.
//!
//! The parties. A [`Disk`] is the narrow door to the storage engine: ordered keys in a few spaces, written in atomic batches.
//! `keys` and `records` say what the bytes mean. One thread, the `committer`, does all writing: it takes what many
//! callers ask for at once, writes it as one group, brings it to disk with one fsync, and answers. `segments` knows which
//! events are still owed, so that space is given back by deleting whole segments and never event by event. The [`Bell`] tells
//! the dispatcher which targets have news.
//!
//! What is true at every moment, and after every crash:
//! * An answered commit is on disk, the events together with all deliveries they owe.
//! * A delivery is in exactly one place: `Ready`, `Later`, or gone because it was delivered or is a dead letter.
//! * Settlements are written without an fsync. Losing one makes a delivery happen twice, never not at all.
//! * An event is deleted only when nothing refers to it; a dead letter has its own copy.

mod bell;
mod check;
mod committer;
mod damage;
mod dead_letters;
mod deduplication;
mod disk;
mod error;
mod export;
mod fjall_disk;
mod history;
mod intake;
mod keys;
mod lag;
mod log_files;
mod manifests;
pub mod model_disk;
mod quarantine;
mod records;
mod salvage;
mod schedules;
mod segments;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::dead_letter::DeadLetter;
use eventyard_core::delivery::Delivery;
use eventyard_core::event::Event;
use eventyard_core::name::{EventNumber, TargetNumber};
use tokio::sync::{mpsc, oneshot, watch};

pub use bell::Bell;
pub use check::{Fault, Looked, Remedy, Verdict, check, repair};
pub use dead_letters::{DeadLetterCopy, DeadLetterPage, StoredDeadLetter};
pub use deduplication::Candidate;
pub use disk::{Disk, DiskError, Durability, Entries, Space, View, Write};
pub use error::JournalError;
pub use export::export;
pub use fjall_disk::FjallDisk;
pub use history::{HistoryLimits, RecordedAttempt, Settled};
pub use keys::DeadLetterId;
pub use quarantine::{QUARANTINE_FILE, Quarantined, hex, quarantine};
pub use schedules::ScheduleMark;

use crate::telemetry::{JournalRecovered, Telemetry};
use committer::{Committer, Request, Room};
use damage::DamagedEntry;
use intake::{Bounds, Intake};
use segments::Segments;

/// The number of the form of the journal: its spaces, its keys and the forms of its values. It rises with what a release
/// before would not read rightly.
pub const SCHEMA: u32 = 1;

/// The bounds the journal keeps.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Most requests in one commit group.
    pub commit_group_requests_max: usize,
    /// Bytes of events after which a commit group is closed.
    pub commit_group_bytes_max: usize,
    /// Bytes of events after which a segment is closed and the next one begun.
    pub segment_size_bytes: u64,
    /// Below this much free space commits are refused.
    pub free_space_bytes_min: u64,
    /// With this many bytes of events that are owed commits are refused; 0 for no bound.
    pub size_bytes_max: u64,
    /// How much of the history of attempts is kept.
    pub history: HistoryLimits,
    /// How long an event is known by its deduplication id.
    pub deduplication_window: Duration,
}

#[cfg(any(test, feature = "test-settings"))]
impl Settings {
    /// What tests and fuzz targets run with: small groups and segments, no history, and nothing is refused for its size.
    pub const FOR_TESTS: Self = Self {
        commit_group_requests_max: 16,
        commit_group_bytes_max: 1 << 20,
        segment_size_bytes: 1 << 20,
        free_space_bytes_min: 0,
        size_bytes_max: 0,
        history: HistoryLimits { size_bytes_max: 0, retention: Duration::ZERO },
        deduplication_window: Duration::from_secs(300),
    };
}

/// An event together with the targets it is owed to.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The event.
    pub event: Event,
    /// The targets; never empty.
    pub targets: Vec<TargetNumber>,
}

/// Where a delivery that is owed lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It can be tried now.
    Ready,
    /// It is tried again at this time.
    Later(Timestamp),
}

impl Place {
    fn space(self) -> Space {
        match self {
            Self::Ready => Space::Ready,
            Self::Later(_) => Space::Later,
        }
    }
}

/// A delivery that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Event, target, attempts so far.
    pub delivery: Delivery,
    /// Where it lies.
    pub place: Place,
}

/// How an attempt changed what is owed.
#[derive(Debug)]
pub enum Settlement {
    /// Delivered, or for another reason owed no longer.
    Delivered,
    /// It is tried again at this time.
    RetryAt(Timestamp),
    /// It is given up.
    Dead(Box<DeadLetter>),
    /// The same, and a copy of the dead letter is owed from now on.
    DeadAndCopied(Box<DeadLetter>, Box<Owed>),
}

/// The journal, open. Cheap to share.
#[derive(Clone, Debug)]
pub struct Journal {
    disk: Arc<dyn Disk>,
    intake: Arc<Intake>,
    segments: Arc<RwLock<Segments>>,
    requests: mpsc::Sender<Request>,
    bell: Arc<Bell>,
    failed: watch::Receiver<bool>,
    /// Bytes of all dead letters.
    dead_letter_bytes: Arc<AtomicU64>,
}

/// The thread that writes; joining it waits for the last write.
#[derive(Debug)]
pub struct CommitterThread(std::thread::JoinHandle<()>);

impl CommitterThread {
    /// Waits until every request is answered and everything is on disk. The journal must have been closed.
    pub fn join(self) {
        // A panic of the thread has closed the journal, which everyone who asked it was told.
        let _ = self.0.join();
    }
}

impl Journal {
    /// Opens the journal in `data_dir`, or makes it when there is none.
    ///
    /// # Errors
    /// When the files cannot be opened or read.
    pub fn open(
        data_dir: &Path,
        settings: Settings,
        telemetry: Arc<Telemetry>,
    ) -> Result<(Self, CommitterThread), JournalError> {
        let disk = FjallDisk::open(&data_dir.join("journal"))?;
        for record in disk.mended() {
            record.tell(&telemetry);
        }
        if disk.is_suspect() {
            damage::salvage_all(&disk, &telemetry)?;
            disk.trust()?;
        }
        Self::open_on(Arc::new(disk), settings, telemetry)
    }

    /// Opens the journal on a disk.
    ///
    /// # Errors
    /// When the disk cannot be read or holds what this release does not understand.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        settings: Settings,
        telemetry: Arc<Telemetry>,
    ) -> Result<(Self, CommitterThread), JournalError> {
        let started = std::time::Instant::now();
        for space in [Space::Ready, Space::Later, Space::Schedules] {
            damage::mend(disk.as_ref(), space, &telemetry)?;
        }
        let segments = Segments::recover(disk.as_ref())?;
        telemetry.record(&JournalRecovered {
            deliveries: segments.owed(),
            segments: segments.count_segments(),
            duration: started.elapsed(),
        });
        let segments = Arc::new(RwLock::new(segments));
        let bell = Arc::new(Bell::default());
        let (requests, receiver) = mpsc::channel(4 * settings.commit_group_requests_max);
        let dead_letter_bytes = Arc::new(AtomicU64::new(dead_letters::bytes(disk.as_ref())?));
        let bounds =
            Bounds { free_space_bytes_min: settings.free_space_bytes_min, size_bytes_max: settings.size_bytes_max };
        let intake = Arc::new(Intake::new(bounds, Arc::clone(&telemetry)));
        let parts = (Arc::clone(&segments), Arc::clone(&bell), Arc::clone(&intake), Arc::clone(&dead_letter_bytes));
        let (committer, failed) = Committer::new(Arc::clone(&disk), settings, parts, telemetry)?;
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || committer.run(receiver))
            .map_err(|error| JournalError::Thread(Arc::new(error)))?;
        let journal = Self { disk, intake, segments, requests, bell, failed, dead_letter_bytes };
        Ok((journal, CommitterThread(thread)))
    }

    /// Writes events with what they owe. When it returns, they are on disk.
    ///
    /// # Errors
    /// [`JournalError::Full`] when the disk has too little room, [`JournalError::BacklogFull`] when too much is owed
    /// already, [`JournalError::Closed`] when the journal failed or was closed: then nobody knows whether the events are on
    /// disk, and the caller must say so by failing.
    pub async fn commit(&self, owed: Vec<Owed>) -> Result<(), JournalError> {
        self.ask(|answer| Request::Commit { owed, room: Room::ForNew, answer }).await
    }

    /// The same for an event that takes the place of one that is owed. However much is owed, it is taken: else a backlog of
    /// such events would never become less.
    ///
    /// # Errors
    /// As of [`Journal::commit`], but for [`JournalError::BacklogFull`].
    pub async fn commit_in_place(&self, owed: Owed) -> Result<(), JournalError> {
        self.ask(|answer| Request::Commit { owed: vec![owed], room: Room::InPlace, answer }).await
    }

    /// Writes what became of deliveries, all in one group. When it returns, the changes can be seen, but need not be on disk
    /// yet.
    ///
    /// # Errors
    /// [`JournalError::Closed`] when the journal failed or was closed; the deliveries are then still owed.
    pub async fn settle(&self, settlements: Vec<Settled>) -> Result<(), JournalError> {
        self.ask(|answer| Request::Settle { settlements, answer }).await
    }

    /// Deliveries to `target` that can be tried now, in order of commit, behind the event `after`.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn ready(
        &self,
        target: TargetNumber,
        after: Option<EventNumber>,
        limit: usize,
    ) -> Result<Vec<Pending>, JournalError> {
        let from = keys::ready(target, after.map_or(EventNumber(0), |after| EventNumber(after.0 + 1)));
        self.read_sound(Space::Ready, (&from, &keys::target_end(target)), limit, |key, _| keys::parse_ready(key))
    }

    /// Deliveries to `target` that wait for a retry and are due at `until` or before, in order of their time, behind the
    /// one named by `after`.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn later(
        &self,
        target: TargetNumber,
        after: Option<(Timestamp, EventNumber)>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Pending>, JournalError> {
        let from = after.map_or_else(
            || keys::later(target, Timestamp::EPOCH, EventNumber(0)),
            |(due, event)| keys::later(target, due, EventNumber(event.0 + 1)),
        );
        let end = keys::later(target, until, EventNumber(u64::MAX));
        self.read_sound(Space::Later, (&from, &end), limit, records::parse_later)
    }

    /// When the next retry of `target` behind the one named by `after` is due.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn next_due(
        &self,
        target: TargetNumber,
        after: Option<(Timestamp, EventNumber)>,
    ) -> Result<Option<Timestamp>, JournalError> {
        let far = Timestamp::EPOCH.saturating_add(Duration::MAX);
        let next = self.later(target, after, far, 1)?;
        Ok(next.first().and_then(|pending| match pending.place {
            Place::Later(due) => Some(due),
            Place::Ready => None,
        }))
    }

    /// An event that something is owed of.
    ///
    /// # Errors
    /// [`JournalError::Missing`] when it is not there, or when the disk cannot be read.
    pub fn event(&self, number: EventNumber) -> Result<Event, JournalError> {
        let segment = self.segments.read().unwrap_or_else(PoisonError::into_inner).of(number);
        let segment = segment.ok_or(JournalError::Missing(number.0))?;
        let value = self.read(self.disk.get(Space::Events(segment), &keys::event(number)))?;
        let value = value.ok_or(JournalError::Missing(number.0))?;
        records::parse_event(&value)
            .ok_or_else(|| JournalError::Damaged(format!("event {} in the segment {segment}", number.0)))
    }

    /// The targets that are owed something.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn targets_owed(&self) -> Result<Vec<TargetNumber>, JournalError> {
        let mut targets = self.targets_in(Space::Ready)?;
        targets.extend(self.targets_in(Space::Later)?);
        targets.sort_unstable();
        targets.dedup();
        Ok(targets)
    }

    /// Steps from one target's keys to the next one's, without reading what lies between.
    fn targets_in(&self, space: Space) -> Result<Vec<TargetNumber>, JournalError> {
        let (mut targets, mut from) = (Vec::new(), Vec::new());
        let last_key = [u8::MAX; 64];
        while let Some((key, value)) = self.read(self.disk.scan(space, &from, &last_key, 1))?.pop() {
            match keys::parse_target(&key) {
                Ok(target) => {
                    targets.push(target);
                    from = keys::target_end(target);
                }
                Err(error) => {
                    from = [key.as_slice(), &[0]].concat();
                    self.put_aside(DamagedEntry { space, key, value, reason: error.to_string() });
                }
            }
        }
        Ok(targets)
    }

    /// True when `target` is owed something.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn is_owed(&self, target: TargetNumber) -> Result<bool, JournalError> {
        let (from, end) = (keys::ready(target, EventNumber(0)), keys::target_end(target));
        Ok([Space::Ready, Space::Later]
            .into_iter()
            .map(|space| self.read(self.disk.keys(space, &from, &end, 1)))
            .collect::<Result<Vec<_>, _>>()?
            .iter()
            .any(|found| !found.is_empty()))
    }

    /// How many deliveries are owed.
    #[must_use]
    pub fn owed(&self) -> u64 {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).owed()
    }

    /// Everything as it is now. What was answered before is in it.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn view(&self) -> Result<Box<dyn View>, JournalError> {
        Ok(Box::new(damage::ReportingView { view: self.disk.view()?, journal: self.clone() }))
    }

    /// Brings everything to disk and ends the writing; whoever asks for more is refused.
    pub async fn close(&self) {
        // When the thread is gone already, it is closed.
        let _ = self.ask(|answer| Request::Close { answer }).await;
    }

    /// What tells the dispatcher that there is news.
    #[must_use]
    pub fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Asks the thread that writes, and waits for its answer.
    async fn ask(&self, request: impl FnOnce(committer::Answer) -> Request) -> Result<(), JournalError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(request(answer)).await.map_err(|_| JournalError::Closed)?;
        answered.await.map_err(|_| JournalError::Closed)?
    }

    /// Waits until the journal has failed or was closed. After a failure what is on disk then decides, and the daemon has to stop.
    pub async fn failed(&self) {
        let mut failed = self.failed.clone();
        // An error means that the thread is gone without a word: a bug, which is as good as a failure.
        let _ = failed.wait_for(|failed| *failed).await;
    }

    /// Says whether the disk has the room that commits ask for. While it has not, deliveries should not be started either:
    /// what becomes of them has to be written, too.
    ///
    /// # Errors
    /// [`JournalError::Full`] when it has not.
    pub fn check_room(&self) -> Result<(), JournalError> {
        self.intake.check_disk(self.disk.as_ref())
    }

    /// Says whether events are taken.
    ///
    /// # Errors
    /// [`JournalError::Full`] and [`JournalError::BacklogFull`] when they are not.
    pub fn check_intake(&self) -> Result<(), JournalError> {
        self.intake.check(self.disk.as_ref(), self.owed_bytes())
    }

    /// Bytes of the events that are owed, with those that share a segment with them, and of their deliveries.
    #[must_use]
    pub fn owed_bytes(&self) -> u64 {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).bytes()
    }

    /// Bytes free for the journal; none when there is no bound.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn free_bytes(&self) -> Result<Option<u64>, JournalError> {
        Ok(self.disk.free_bytes()?)
    }
}
