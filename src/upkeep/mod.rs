//! Upkeep: what has to be done now and then, and waits for nobody.

mod index_folding;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::{Clock, Timestamp};

pub use index_folding::fold_indexes;

use crate::journal::{DeadLetterId, DeadLetterPage, Journal, JournalError};
use crate::runtime::{StopSignal, VitalLoop};
use crate::telemetry::{DeadLettersExpired, Telemetry, Warned};

/// How often it is done.
const PERIOD: Duration = Duration::from_secs(5);
/// Dead letters deleted in one write.
const BATCH: usize = 1_000;

/// Deletes dead letters and attempts that are older than their retention, and the oldest of those that are too many.
#[derive(Debug)]
pub struct Upkeep {
    /// Where they are.
    pub journal: Journal,
    /// Where store and journal are, each by its name.
    pub data_dir: PathBuf,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How long dead letters are kept.
    pub dead_letter_retention: Duration,
    /// How many bytes dead letters may take.
    pub dead_letter_bytes_max: u64,
    /// What says that it goes on.
    pub vital: VitalLoop,
    /// Whom to tell.
    pub telemetry: Arc<Telemetry>,
}

impl Upkeep {
    /// Works until `stop`.
    pub async fn run(self, stop: StopSignal) {
        let mut period = tokio::time::interval(PERIOD);
        loop {
            tokio::select! {
                () = stop.stopped() => return,
                _ = period.tick() => {}
            }
            self.vital.turn(&stop, self.do_once()).await;
        }
    }

    /// Asks the thread that writes the journal, too, so that one that hangs is seen here.
    async fn do_once(&self) {
        for (what, done) in [
            ("dead letters", self.bound_dead_letters().await),
            ("history", self.journal.trim_history(self.clock.now()).await),
        ] {
            if let Err(error) = done {
                self.telemetry.record(&Warned { message: &format!("upkeep of the {what} failed: {error}") });
            }
        }
        let bytes = gauge(self.journal.dead_letter_bytes());
        self.telemetry.metrics().dead_letters.bytes.set(bytes);
        self.look_at_storage().await;
    }

    async fn look_at_storage(&self) {
        let (telemetry, journal, data_dir) = (Arc::clone(&self.telemetry), self.journal.clone(), self.data_dir.clone());
        let now = self.clock.now();
        let look = move || {
            let storage = &telemetry.metrics().storage;
            for part in ["store", "journal"] {
                storage.bytes.with_label_values(&[part]).set(gauge(bytes_on_disk(&data_dir.join(part))));
            }
            storage.owed_bytes.set(gauge(journal.owed_bytes()));
            // Whether there is room again is told also when nobody sends events.
            let _ = journal.check_intake();
            if let Ok(Some(bytes)) = journal.free_bytes() {
                storage.free_bytes.set(gauge(bytes));
            }
            if let Ok(oldest) = journal.oldest_untried() {
                let age_ms = oldest.map_or(0, |accepted| now.as_millis() - accepted.as_millis());
                telemetry.metrics().oldest_untried_seconds.set(age_ms.max(0) / 1_000);
            }
        };
        // What failed is looked at again in the next period.
        let _ = tokio::task::spawn_blocking(look).await;
    }

    async fn bound_dead_letters(&self) -> Result<(), JournalError> {
        let age = i64::try_from(self.dead_letter_retention.as_millis()).unwrap_or(i64::MAX);
        let before =
            Timestamp::from_millis(self.clock.now().as_millis().saturating_sub(age)).unwrap_or(Timestamp::EPOCH);
        let page = DeadLetterPage { after: None, since: None, until: Some(before), limit: BATCH };
        self.forget("dead_letters.retention_days", || self.journal.dead_letter_ids(&page)).await?;
        let too_many = || match self.journal.dead_letter_bytes().saturating_sub(self.dead_letter_bytes_max) {
            0 => Ok(Vec::new()),
            bytes => self.journal.oldest_dead_letters(bytes),
        };
        self.forget("dead_letters.size_bytes_max", too_many).await
    }

    /// Deletes dead letters, a batch at a time, as long as there is a `next` one.
    async fn forget(
        &self,
        bound: &'static str,
        next: impl Fn() -> Result<Vec<DeadLetterId>, JournalError>,
    ) -> Result<(), JournalError> {
        let mut count = 0;
        loop {
            self.vital.beat();
            let ids = next()?;
            if ids.is_empty() {
                break;
            }
            count += ids.len() as u64;
            self.journal.forget_dead_letters(ids).await?;
        }
        if count > 0 {
            self.telemetry.record(&DeadLettersExpired { count, bound });
        }
        Ok(())
    }
}

fn gauge(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Bytes on disk of all files in a folder and below. What goes away meanwhile is not counted.
fn bytes_on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_on_disk(&entry.path()),
        // The system counts in blocks of 512 bytes, whatever the file system's blocks are.
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    bytes.sum()
}

#[cfg(test)]
mod tests {
    use eventyard_core::dead_letter::DeadLetter;
    use eventyard_core::event::{Event, EventId};
    use eventyard_core::name::TargetNumber;

    use super::*;
    use crate::journal::model_disk::ModelDisk;
    use crate::journal::{Owed, Settings, Settled, Settlement};
    use crate::runtime::Tasks;

    #[derive(Debug)]
    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(milliseconds).unwrap()
    }

    /// An event that was received so many milliseconds after the epoch.
    fn event(n: u128, received: i64) -> Event {
        let id = EventId::from_random(n);
        Event { id, received: at(received), envelope: "{}".into(), forwarded_from: Vec::new(), trace: None }
    }

    fn upkeep(journal: &Journal, now: i64, dead_letter_bytes_max: u64, telemetry: &Arc<Telemetry>) -> Upkeep {
        Upkeep {
            dead_letter_bytes_max,
            journal: journal.clone(),
            data_dir: PathBuf::new(),
            clock: Arc::new(At(at(now))),
            dead_letter_retention: Duration::from_secs(1),
            vital: VitalLoop::new("upkeep", Tasks::new(Arc::clone(telemetry))),
            telemetry: Arc::clone(telemetry),
        }
    }

    #[tokio::test]
    async fn the_age_of_what_waits_longest_for_its_first_attempt_is_told() {
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let disk = Arc::new(ModelDisk::default());
        let (journal, _) = Journal::open_on(disk, Settings::FOR_TESTS, Arc::clone(&telemetry)).unwrap();
        let upkeep = upkeep(&journal, 60_000, u64::MAX, &telemetry);
        let age = async || {
            upkeep.look_at_storage().await;
            telemetry.metrics().oldest_untried_seconds.get()
        };
        assert_eq!(age().await, 0, "nothing is owed");
        // Targets in another order than events, so that the first of all is not that of the first target.
        let owe = |n, received, target| Owed { event: event(n, received), targets: vec![TargetNumber(target)] };
        journal.commit(vec![owe(1, 10_000, 2), owe(2, 20_500, 1), owe(3, 50_000, 1)]).await.unwrap();
        assert_eq!(age().await, 50);
        let settle = async |target, settlement| {
            let pending = journal.ready(TargetNumber(target), None, 1).unwrap().remove(0);
            journal.settle(vec![Settled { pending, settlement, attempt: None }]).await.unwrap();
        };
        settle(2, Settlement::RetryAt(at(99_000))).await;
        assert_eq!(age().await, 39, "what waits for a retry was tried");
        settle(1, Settlement::Delivered).await;
        assert_eq!(age().await, 10);
        settle(1, Settlement::Delivered).await;
        assert_eq!(age().await, 0);
    }

    /// What is left of 2,500 dead letters, one died every millisecond from 1 on.
    async fn left(now: i64, bytes_max: impl Fn(u64) -> u64) -> (usize, u64, String) {
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let disk = Arc::new(ModelDisk::default());
        let (journal, _) = Journal::open_on(disk, Settings::FOR_TESTS, Arc::clone(&telemetry)).unwrap();
        let owed = (1..=2_500).map(|n| Owed { event: event(n, 0), targets: vec![TargetNumber(1)] }).collect();
        journal.commit(owed).await.unwrap();
        let ready = journal.ready(TargetNumber(1), None, 2_500).unwrap();
        let letter = |died| DeadLetter {
            event: None,
            died: at(died),
            rule_arn: "r".into(),
            target_id: "t".into(),
            target_arn: "a".into(),
            error_code: "TIMED_OUT".into(),
            error_message: "m".into(),
            exhausted_retry_condition: None,
            retry_attempts: 0,
        };
        let died = ready.into_iter().zip(1..).map(|(pending, n)| Settled {
            pending,
            settlement: Settlement::Dead(Box::new(letter(n))),
            attempt: None,
        });
        journal.settle(died.collect()).await.unwrap();
        let upkeep = upkeep(&journal, now, bytes_max(journal.dead_letter_bytes()), &telemetry);
        upkeep.bound_dead_letters().await.unwrap();
        let page = DeadLetterPage { after: None, since: None, until: None, limit: 10_000 };
        let ids = journal.dead_letter_ids(&page).unwrap();
        (ids.len(), journal.dead_letter_bytes(), telemetry.encode())
    }

    #[tokio::test]
    async fn the_old_go_and_are_counted() {
        let (left, _, metrics) = left(2_500, |bytes| bytes).await;
        assert_eq!(left, 1_001, "those that died at 1,500 and later");
        let line = r#"eventyard_dead_letters_expired_total{bound="dead_letters.retention_days"} 1499"#;
        assert!(metrics.contains(line), "{metrics}");
    }

    #[tokio::test]
    async fn the_oldest_of_too_many_go_and_are_counted() {
        let (left, bytes, metrics) = left(0, |bytes| bytes / 2).await;
        assert!((1_240..=1_260).contains(&left), "no more than have to: {left} are left");
        assert!(bytes > 0);
        let line =
            format!(r#"eventyard_dead_letters_expired_total{{bound="dead_letters.size_bytes_max"}} {}"#, 2_500 - left);
        assert!(metrics.contains(&line), "{metrics}");
    }
}
