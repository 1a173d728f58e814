//! Which events were put already: a record beside each event that its caller gave a deduplication id, in the same group.
//!
//! The records of a span of time have a space of their own, which is dropped whole when all of them have left the window. The
//! thread that writes also looks, so of two requests that race, one is first.

use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::deduplication::DeduplicationKey;
use eventyard_core::event::EventId;
use tokio::sync::oneshot;

use super::committer::Request;
use super::disk::{Disk, Space};
use super::{Journal, JournalError, Owed, records};

/// Spans that the window is divided into.
const SPANS: u32 = 4;

/// An event that may have been put before.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its id, when it was not.
    pub id: EventId,
    /// When it came.
    pub received: Timestamp,
    /// By what it is known; one without is always new.
    pub key: Option<DeduplicationKey>,
    /// The event with what it owes; none when nobody wants it.
    pub owed: Option<Owed>,
}

/// The spans there are, by their begin in milliseconds. Only the thread that writes has it.
#[derive(Debug)]
pub(super) struct Recent {
    window_ms: u64,
    spans: Vec<u64>,
}

impl Recent {
    pub(super) fn recover(disk: &dyn Disk, window: Duration) -> Result<Self, JournalError> {
        let spans = disk.view()?.spaces().into_iter().filter_map(|space| match space {
            Space::Deduplication(begin) => Some(begin),
            _ => None,
        });
        let mut spans: Vec<u64> = spans.collect();
        spans.sort_unstable();
        Ok(Self { window_ms: u64::try_from(window.as_millis()).unwrap_or(u64::MAX), spans })
    }

    /// The id under which an event of this key was put within the window before `now`.
    pub(super) fn find(
        &self,
        disk: &dyn Disk,
        key: &DeduplicationKey,
        now: Timestamp,
    ) -> Result<Option<EventId>, JournalError> {
        for begin in self.spans.iter().rev() {
            // By a record that is damaged nothing is known: its event is put once more, which is better than never.
            let value = disk.get(Space::Deduplication(*begin), key.as_bytes())?;
            let known = value.and_then(|value| records::parse_deduplication(&value).ok());
            if let Some((received, id)) = known {
                let is_within = milliseconds(received).saturating_add(self.window_ms) > milliseconds(now);
                return Ok(is_within.then_some(id));
            }
        }
        Ok(None)
    }

    /// The space for what came at `now`: the newest, or a new one when that is long enough.
    pub(super) fn space(&mut self, now: Timestamp) -> Space {
        let (now, period) = (milliseconds(now), self.period_ms());
        if let Some(begin) = self.spans.last().filter(|begin| now < begin.saturating_add(period)) {
            return Space::Deduplication(*begin);
        }
        self.spans.push(now);
        Space::Deduplication(now)
    }

    /// Takes out the spans of which everything has left the window at `now`.
    pub(super) fn take_expired(&mut self, now: Timestamp) -> Vec<Space> {
        let kept = self.period_ms().saturating_add(self.window_ms);
        let is_expired = |begin: &u64| begin.saturating_add(kept) <= milliseconds(now);
        let expired: Vec<u64> = self.spans.iter().copied().filter(is_expired).collect();
        self.spans.retain(|begin| !is_expired(begin));
        expired.into_iter().map(Space::Deduplication).collect()
    }

    fn period_ms(&self) -> u64 {
        (self.window_ms / u64::from(SPANS)).max(1)
    }
}

impl Journal {
    /// Writes events with what they owe, but for those that were put within the window, and answers the ids under which
    /// each was put first, be it now. When it returns, the events are on disk, and so is by what they are known.
    ///
    /// # Errors
    /// As for [`Journal::commit`]; also when the disk cannot be read.
    pub async fn commit_once(&self, candidates: Vec<Candidate>) -> Result<Vec<EventId>, JournalError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::CommitOnce { candidates, answer };
        self.requests.send(request).await.map_err(|_| JournalError::Closed)?;
        answered.await.map_err(|_| JournalError::Closed)?
    }
}

fn milliseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use eventyard_core::deduplication::DeduplicationId;
    use eventyard_core::event::Event;
    use eventyard_core::name::{AccountId, EventBusKey, EventBusName, Region, TargetNumber};

    use super::*;
    use crate::journal::Settings;
    use crate::journal::model_disk::ModelDisk;
    use crate::runtime::Random;
    use crate::telemetry::Telemetry;

    const WINDOW_MS: u64 = 4_000;

    fn open(disk: &Arc<ModelDisk>) -> Journal {
        let settings = Settings { deduplication_window: Duration::from_millis(WINDOW_MS), ..Settings::FOR_TESTS };
        let disk: Arc<dyn Disk> = Arc::<ModelDisk>::clone(disk);
        Journal::open_on(disk, settings, Arc::new(Telemetry::new().unwrap())).unwrap().0
    }

    fn candidate(number: u128, known_by: Option<&str>, now_ms: u64) -> Candidate {
        let account = AccountId::parse("111122223333").unwrap();
        let region = Region::parse("eu-west-1").unwrap();
        let bus = EventBusKey { account: account.clone(), region, name: EventBusName::default_bus() };
        let key = known_by.map(|id| DeduplicationKey::new(&bus, &account, DeduplicationId::InEvent(id)));
        let (id, received) = (EventId::from_random(number), Timestamp::from_millis(now_ms.cast_signed()).unwrap());
        let event = Event { id, received, envelope: "{}".into(), forwarded_from: Vec::new(), trace: None };
        // Every third is owed to nobody, and known all the same.
        let owed = (!number.is_multiple_of(3)).then(|| Owed { event, targets: vec![TargetNumber(1)] });
        Candidate { id, received, key, owed }
    }

    #[tokio::test]
    async fn of_requests_that_race_one_is_stored_and_all_are_answered_its_id() {
        let disk = Arc::new(ModelDisk::default());
        let journal = open(&disk);
        let racing = (1..=20).map(|n| journal.commit_once(vec![candidate(3 * n + 1, Some("k"), 0)]));
        let answers: Vec<_> = futures_util::future::join_all(racing).await.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|ids| *ids == answers[0]), "{answers:?}");
        assert_eq!(journal.owed(), 1);
        let twice = vec![candidate(70, Some("l"), 0), candidate(71, Some("l"), 0), candidate(73, None, 0)];
        let ids = [70, 70, 73].map(EventId::from_random);
        assert_eq!(journal.commit_once(twice).await.unwrap(), ids);
        assert_eq!(journal.owed(), 3);
        // What was answered is known after a loss of power, too.
        let journal = open(&Arc::new(disk.lose_power(0)));
        assert_eq!(journal.commit_once(vec![candidate(100, Some("k"), 0)]).await.unwrap(), answers[0]);
        assert_eq!(journal.owed(), 3);
    }

    /// By seed, against a plain list of what was put and when; over restarts, with time that mostly goes forward.
    #[tokio::test]
    async fn an_event_is_known_for_the_window_and_no_longer() {
        for seed in 0..40 {
            let (random, mut disk) = (Random::from_seed(seed), Arc::new(ModelDisk::default()));
            let draw = |bound: u64| random.next_u64() % bound;
            let (mut journal, mut now_ms, mut known) = (open(&disk), 1_000_000_u64, Vec::<(u64, u64, EventId)>::new());
            for number in 1..200 {
                now_ms += draw(600);
                let id = draw(6);
                let asked = candidate(number, Some(&id.to_string()), now_ms);
                let first = known.iter().rev().find(|(other, at, _)| *other == id && at + WINDOW_MS > now_ms);
                let expected = first.map_or(asked.id, |(.., first)| *first);
                if first.is_none() {
                    known.push((id, now_ms, asked.id));
                }
                assert_eq!(journal.commit_once(vec![asked]).await.unwrap(), [expected], "seed {seed}, {number}");
                match draw(20) {
                    0 => {
                        disk = Arc::new(disk.lose_power(0));
                        journal = open(&disk);
                    }
                    1..4 => journal.trim_history(Timestamp::from_millis(now_ms.cast_signed()).unwrap()).await.unwrap(),
                    _ => {}
                }
            }
            let now = Timestamp::from_millis(now_ms.cast_signed()).unwrap();
            journal.trim_history(now).await.unwrap();
            let spans = disk.view().unwrap().spaces();
            let spans = spans.iter().filter(|space| matches!(space, Space::Deduplication(_)));
            assert!(spans.count() <= SPANS as usize + 2, "spaces are not given back");
        }
    }
}
