//! The one thread that writes the journal.

mod mending;
mod reclaiming;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Instant;

use eventyard_core::clock::Timestamp;
use eventyard_core::deduplication::DeduplicationKey;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::{EventNumber, RuleNumber, TargetNumber};
use tokio::sync::{mpsc, oneshot, watch};

use super::damage::DamagedEntry;
use super::deduplication::{Candidate, Recent};
use super::disk::{Disk, Durability, Space, Write};
use super::history::{self, Spans};
use super::intake::Intake;
use super::segments::Segments;
use super::{Bell, DeadLetterId, JournalError, Owed, ScheduleMark, Settings, Settled, Settlement, keys, records};
use crate::telemetry::{GroupCommitted, JournalFailed, Telemetry};

/// What the thread shares with all who ask it.
pub(super) type Shared = (Arc<RwLock<Segments>>, Arc<Bell>, Arc<Intake>, Arc<AtomicU64>);

pub(super) type Answer = oneshot::Sender<Result<(), JournalError>>;
type AnswerIds = oneshot::Sender<Result<Vec<EventId>, JournalError>>;

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Request {
    /// Write events with what they owe, and bring them to disk.
    Commit { owed: Vec<Owed>, room: Room, answer: Answer },
    /// The same, but for events that were put before; answer the ids under which they are known.
    CommitOnce { candidates: Vec<Candidate>, answer: AnswerIds },
    /// Write what schedules fired, with how far they have come, and bring it to disk.
    Fire { owed: Vec<Owed>, marks: Vec<ScheduleMark>, answer: Answer },
    /// Forget how far schedules have come.
    ForgetSchedules { rules: Vec<RuleNumber>, answer: Answer },
    /// Write what became of deliveries.
    Settle { settlements: Vec<Settled>, answer: Answer },
    /// Owe dead letters to targets again, and delete them.
    Redrive { letters: Vec<(DeadLetterId, TargetNumber)>, received: Timestamp, answer: Answer },
    /// Delete dead letters.
    Forget { dead_letters: Vec<DeadLetterId>, answer: Answer },
    /// Delete the attempts that are too old.
    Trim { now: Timestamp, answer: Answer },
    /// Put an entry aside that cannot be read. Nobody waits for it.
    Quarantine { damaged: DamagedEntry },
    /// Move what can be read of a space away from files that are not what was written. Nobody waits for it.
    Salvage { space: Space },
    /// Bring everything to disk and end.
    Close { answer: Answer },
}

/// A dead letter to send again, to which target, and its value if it is there.
type Redriven = (DeadLetterId, TargetNumber, Option<Vec<u8>>);

/// What a delivery is counted as: its key, and what the storage engine keeps with it.
const DELIVERY_BYTES: u64 = 32;

/// What events need to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Room on disk, and in the backlog.
    ForNew,
    /// Room on disk: they take the place of others in the backlog.
    InPlace,
}

/// The state of the thread.
pub(super) struct Committer {
    disk: Arc<dyn Disk>,
    settings: Settings,
    segments: Arc<RwLock<Segments>>,
    bell: Arc<Bell>,
    telemetry: Arc<Telemetry>,
    failed: watch::Sender<bool>,
    next_event: EventNumber,
    spans: Spans,
    recent: Recent,
    /// Bytes of all dead letters, those of the group being gathered included.
    dead_letter_bytes: u64,
    /// The same without that group, for all to see.
    dead_letter_bytes_written: Arc<AtomicU64>,
    intake: Arc<Intake>,
}

/// One group: the batch it becomes and whom to tell.
#[derive(Default)]
struct Group {
    writes: Vec<Write>,
    answers: Vec<Answer>,
    answers_with_ids: Vec<(AnswerIds, Vec<EventId>)>,
    /// By what the events of this group are known, and their ids.
    known: BTreeMap<DeduplicationKey, EventId>,
    rings: Vec<TargetNumber>,
    owed: Vec<(EventNumber, u64)>,
    settled: Vec<EventNumber>,
    /// Dead letters that are deleted.
    forgotten: BTreeSet<DeadLetterId>,
    /// Whether there are more or fewer dead letters afterwards.
    changes_dead_letters: bool,
    bytes: u64,
    /// Whether the disk has room for more events; absent until one wants to know.
    room: Option<Result<(), JournalError>>,
    /// The time that the history has come to, when it has.
    newest_attempt: Option<Timestamp>,
    /// Segments that were written to.
    grown: BTreeSet<u64>,
    /// Entries to put aside before the group is written.
    damaged: Vec<DamagedEntry>,
    /// Spaces to salvage when it is written.
    salvaged: BTreeSet<Space>,
    is_last: bool,
}

impl Group {
    /// Answers a failure at once, and success when the group is written.
    fn answer(&mut self, answer: Answer, taken: Result<(), JournalError>) {
        match taken {
            Ok(()) => self.answers.push(answer),
            Err(error) => {
                self.salvaged.extend(error.damaged_space());
                // Who no longer waits has no need of the answer.
                drop(answer.send(Err(error)));
            }
        }
    }

    /// The same for who wants ids.
    fn answer_ids(&mut self, answer: AnswerIds, taken: Result<Vec<EventId>, JournalError>) {
        match taken {
            Ok(ids) => self.answers_with_ids.push((answer, ids)),
            Err(error) => {
                self.salvaged.extend(error.damaged_space());
                drop(answer.send(Err(error)));
            }
        }
    }
}

/// Tells success to all who wait. Who no longer does has no need of the answer.
fn succeed(answers: Vec<Answer>, answers_with_ids: Vec<(AnswerIds, Vec<EventId>)>) {
    for answer in answers {
        drop(answer.send(Ok(())));
    }
    for (answer, ids) in answers_with_ids {
        drop(answer.send(Ok(ids)));
    }
}

impl Committer {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        settings: Settings,
        (segments, bell, intake, dead_letter_bytes_written): Shared,
        telemetry: Arc<Telemetry>,
    ) -> Result<(Self, watch::Receiver<bool>), JournalError> {
        let (failed, has_failed) = watch::channel(false);
        let next_event = match disk.get(Space::Meta, keys::NEXT_EVENT)? {
            Some(value) => keys::parse_event(&value)?,
            None => EventNumber(1),
        };
        let spans = Spans::recover(disk.as_ref(), settings.history);
        let recent = Recent::recover(disk.as_ref(), settings.deduplication_window)?;
        let dead_letter_bytes = dead_letter_bytes_written.load(Ordering::Relaxed);
        let committer = Self {
            disk,
            settings,
            segments,
            bell,
            telemetry,
            failed,
            next_event,
            spans,
            recent,
            dead_letter_bytes,
            dead_letter_bytes_written,
            intake,
        };
        Ok((committer, has_failed))
    }

    /// Works until it is closed, every sender is gone, or a write failed.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut group = self.gather(first, &mut requests);
            let (is_last, salvaged) = (group.is_last, std::mem::take(&mut group.salvaged));
            if let Err(error) = self.write(group).and_then(|()| self.salvage(&salvaged)) {
                self.fail(&error);
                return;
            }
            if is_last {
                break;
            }
        }
        if let Err(error) = self.sync() {
            self.fail(&error);
        }
    }

    /// Says that the journal is no longer to be trusted. Dropping the receiver then fails everyone who waits.
    fn fail(&self, error: &JournalError) {
        self.telemetry.record(&JournalFailed { reason: error });
        let _ = self.failed.send(true);
    }

    /// Takes what waits already, up to the bounds of a group. While one group is being written the next one gathers by
    /// itself, so there is nothing to wait for.
    fn gather(&mut self, first: Request, requests: &mut mpsc::Receiver<Request>) -> Group {
        let mut group = Group::default();
        let (mut next, mut count) = (Some(first), 0);
        while let Some(request) = next {
            self.take(request, &mut group);
            count += 1;
            let has_space = count < self.settings.commit_group_requests_max
                && group.bytes < self.settings.commit_group_bytes_max as u64;
            next = if has_space && !group.is_last { requests.try_recv().ok() } else { None };
        }
        group
    }

    fn take(&mut self, request: Request, group: &mut Group) {
        match request {
            Request::Commit { owed, room, answer } => {
                let room = match room {
                    Room::ForNew => self.check_room(group),
                    Room::InPlace => self.intake.check_disk(self.disk.as_ref()),
                };
                if room.is_ok() {
                    self.take_commit(owed, group);
                }
                group.answer(answer, room);
            }
            Request::CommitOnce { candidates, answer } => {
                let taken = self.check_room(group).and_then(|()| self.take_candidates(candidates, group));
                group.answer_ids(answer, taken);
            }
            Request::Fire { owed, marks, answer } => {
                let room = self.check_room(group);
                if room.is_ok() {
                    self.take_commit(owed, group);
                    let insert = |mark: ScheduleMark| {
                        Write::Insert(Space::Schedules, keys::schedule(mark.rule), records::schedule(&mark))
                    };
                    group.writes.extend(marks.into_iter().map(insert));
                }
                group.answer(answer, room);
            }
            Request::ForgetSchedules { rules, answer } => {
                let remove = |rule| Write::Remove(Space::Schedules, keys::schedule(rule));
                group.writes.extend(rules.into_iter().map(remove));
                group.answers.push(answer);
            }
            Request::Settle { settlements, answer } => {
                for settled in settlements {
                    self.take_settlement(settled, group);
                }
                group.answers.push(answer);
            }
            Request::Trim { now, answer } => {
                group.newest_attempt = group.newest_attempt.max(Some(now));
                group.answers.push(answer);
            }
            Request::Quarantine { damaged } => group.damaged.push(damaged),
            Request::Salvage { space } => drop(group.salvaged.insert(space)),
            Request::Close { answer } => {
                group.is_last = true;
                group.answers.push(answer);
            }
            Request::Redrive { letters, received, answer } => {
                let read = self.check_room(group).and_then(|()| self.read_dead_letters(letters));
                let redriven = read.map(|letters| self.take_redriven(letters, received, group));
                group.answer(answer, redriven);
            }
            Request::Forget { dead_letters, answer } => {
                let read = dead_letters.into_iter().map(|id| {
                    let value = self.disk.get(Space::Dead, &id.key())?;
                    Ok::<_, JournalError>((id, value.map(|value| value.len())))
                });
                let forgotten = read.collect::<Result<Vec<_>, _>>().map(|letters| {
                    for (id, bytes) in letters {
                        self.forget(id, bytes, group);
                    }
                });
                group.answer(answer, forgotten);
            }
        }
    }

    /// Reads all before any is taken: a request is taken whole or not at all.
    fn read_dead_letters(&self, letters: Vec<(DeadLetterId, TargetNumber)>) -> Result<Vec<Redriven>, JournalError> {
        let read = letters.into_iter().map(|(id, target)| Ok((id, target, self.disk.get(Space::Dead, &id.key())?)));
        read.collect()
    }

    /// One that is not in its form stays where it is.
    fn take_redriven(&mut self, letters: Vec<Redriven>, received: Timestamp, group: &mut Group) {
        for (id, target, value) in letters {
            let letter = value.as_deref().and_then(|value| records::parse_dead_letter(value).ok());
            if let Some(event) = letter.and_then(|letter| letter.event)
                && self.forget(id, value.map(|value| value.len()), group)
            {
                self.take_commit(vec![Owed { event: Event { received, ..event }, targets: vec![target] }], group);
            }
        }
    }

    /// Deletes a dead letter of so many bytes; says whether it was there and is not deleted in this group already. Only this
    /// thread deletes, so nothing comes between.
    fn forget(&mut self, id: DeadLetterId, bytes: Option<usize>, group: &mut Group) -> bool {
        let Some(bytes) = bytes.filter(|_| group.forgotten.insert(id)) else { return false };
        self.dead_letter_bytes = self.dead_letter_bytes.saturating_sub(bytes as u64);
        group.changes_dead_letters = true;
        group.writes.push(Write::Remove(Space::Dead, id.key()));
        true
    }

    /// Refuses commits while the disk is nearly full or too much is owed.
    ///
    /// The room kept free is for settlements, for what is in memory and not yet in files, and for the files made while
    /// others are merged. It is what keeps the storage engine from failing in the middle of a write. A group is small
    /// beside it, so one look is enough for all of a group.
    fn check_room(&mut self, group: &mut Group) -> Result<(), JournalError> {
        if let Some(room) = &group.room {
            return room.clone();
        }
        let bytes = self.segments_mut().bytes();
        let room = self.intake.check(self.disk.as_ref(), bytes);
        group.room.insert(room).clone()
    }

    fn take_commit(&mut self, owed: Vec<Owed>, group: &mut Group) {
        for Owed { event, targets } in owed {
            let number = self.next_event;
            self.next_event = EventNumber(number.0 + 1);
            let value = records::event(&event);
            let segment = {
                let mut segments = self.segments_mut();
                let segment = segments.for_next(number, self.settings.segment_size_bytes);
                segments.grow(segment, value.len() as u64 + DELIVERY_BYTES * targets.len() as u64);
                segment
            };
            group.grown.insert(segment);
            group.bytes += value.len() as u64;
            group.writes.push(Write::Insert(Space::Events(segment), keys::event(number), value));
            for target in &targets {
                group.writes.push(Write::Insert(Space::Ready, keys::ready(*target, number), Vec::new()));
            }
            group.owed.push((number, targets.len() as u64));
            group.rings.extend(targets);
        }
    }

    /// Takes those that were not put before; answers the ids of those that were put first. The disk is asked for all before
    /// any is taken: a request is taken whole or not at all.
    fn take_candidates(&mut self, candidates: Vec<Candidate>, group: &mut Group) -> Result<Vec<EventId>, JournalError> {
        let find = |candidate: &Candidate| match &candidate.key {
            Some(key) => self.recent.find(self.disk.as_ref(), key, candidate.received),
            None => Ok(None),
        };
        let found = candidates.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let take = |(Candidate { id, received, key, owed }, found): (Candidate, Option<EventId>)| {
            if let Some(key) = key {
                if let Some(first) = group.known.get(&key).copied().or(found) {
                    return first;
                }
                let value = records::deduplication(received, id);
                group.writes.push(Write::Insert(self.recent.space(received), key.as_bytes().to_vec(), value));
                group.known.insert(key, id);
            }
            self.take_commit(owed.into_iter().collect(), group);
            id
        };
        Ok(candidates.into_iter().zip(found).map(take).collect())
    }

    fn take_settlement(&mut self, Settled { pending, settlement, attempt }: Settled, group: &mut Group) {
        if let Some(attempt) = attempt.filter(|_| self.spans.is_kept()) {
            let key = keys::attempt(attempt.event, &pending.delivery, attempt.attempt);
            let value = records::attempt(&attempt, history::end(&settlement));
            let space = self.spans.space(attempt.ended, key.len() + value.len());
            group.writes.push(Write::Insert(space, key, value));
            group.newest_attempt = group.newest_attempt.max(Some(attempt.ended));
        }
        let key = keys::pending(&pending);
        let space = match pending.place {
            super::Place::Ready => Space::Ready,
            super::Place::Later(_) => Space::Later,
        };
        group.writes.push(Write::Remove(space, key));
        let delivery = pending.delivery;
        match settlement {
            Settlement::Delivered => group.settled.push(delivery.event),
            Settlement::RetryAt(due) => {
                let key = keys::later(delivery.target, due, delivery.event);
                group.writes.push(Write::Insert(Space::Later, key, records::later(delivery.attempts + 1)));
            }
            Settlement::Dead(letter) => {
                let (key, value) = (DeadLetterId::new(letter.died, &delivery).key(), records::dead_letter(&letter));
                group.bytes += value.len() as u64;
                self.dead_letter_bytes += value.len() as u64;
                group.changes_dead_letters = true;
                group.writes.push(Write::Insert(Space::Dead, key, value));
                group.settled.push(delivery.event);
            }
        }
    }

    /// Writes a group and answers everyone in it.
    fn write(&mut self, mut group: Group) -> Result<(), JournalError> {
        self.put_aside(std::mem::take(&mut group.damaged))?;
        if group.writes.is_empty() {
            self.drop_expired(group.newest_attempt)?;
            // Commits that were refused have their answer already; what is left asked for nothing more.
            succeed(group.answers, group.answers_with_ids);
            return Ok(());
        }
        let started = Instant::now();
        let has_events = !group.owed.is_empty();
        let is_promised = has_events || !group.known.is_empty();
        let durability = if is_promised { Durability::Power } else { Durability::Process };
        if has_events {
            group.writes.push(self.next_event_write());
            for segment in std::mem::take(&mut group.grown) {
                let bytes = records::count(self.segments_mut().bytes_of(segment));
                group.writes.push(Write::Insert(Space::Meta, keys::segment_bytes(segment), bytes));
            }
        }
        if group.changes_dead_letters {
            let bytes = records::count(self.dead_letter_bytes);
            group.writes.push(Write::Insert(Space::Meta, keys::DEAD_LETTER_BYTES.to_vec(), bytes));
        }
        self.disk.write(group.writes, durability)?;
        self.drop_expired(group.newest_attempt)?;
        self.dead_letter_bytes_written.store(self.dead_letter_bytes, Ordering::Relaxed);
        let owed = self.count(&group.owed, &group.settled);
        self.telemetry.metrics().deliveries_pending.set(i64::try_from(owed).unwrap_or(i64::MAX));
        if has_events {
            let deliveries = group.rings.len() as u64;
            self.telemetry.record(&GroupCommitted {
                events: group.owed.len() as u64,
                deliveries,
                duration: started.elapsed(),
            });
            self.bell.ring(group.rings);
        }
        succeed(group.answers, group.answers_with_ids);
        self.drop_drained(!group.settled.is_empty() || has_events)
    }

    fn count(&self, owed: &[(EventNumber, u64)], settled: &[EventNumber]) -> u64 {
        let mut segments = self.segments_mut();
        for (event, deliveries) in owed {
            segments.add(*event, *deliveries);
        }
        for event in settled {
            segments.settle(*event);
        }
        segments.owed()
    }

    /// Brings everything written so far to disk.
    fn sync(&self) -> Result<(), JournalError> {
        Ok(self.disk.write(vec![self.next_event_write()], Durability::Power)?)
    }

    fn next_event_write(&self) -> Write {
        Write::Insert(Space::Meta, keys::NEXT_EVENT.to_vec(), keys::event(self.next_event))
    }

    fn segments_mut(&self) -> RwLockWriteGuard<'_, Segments> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }
}
