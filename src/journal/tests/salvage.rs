//! Tables of fjall that are not what was written: the journal opens, and only what lies in the damaged blocks is gone.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::journal::QUARANTINE_FILE;

const EVENTS: u64 = 2_000;
const OTHER: TargetNumber = TargetNumber(9);

pub(super) fn open_in(folder: &Path) -> Result<(Journal, CommitterThread), JournalError> {
    Journal::open(folder, SETTINGS_OF_FILES, Arc::new(Telemetry::new().unwrap()))
}

const SETTINGS_OF_FILES: Settings = Settings { segment_size_bytes: 1 << 24, free_space_bytes_min: 0, ..SETTINGS };

pub(super) async fn close((journal, thread): (Journal, CommitterThread)) {
    journal.close().await;
    drop(journal);
    thread.join();
}

/// A journal that owes each event to two targets, of which some are retries; answers the tables of `space`.
async fn filled(folder: &Path, space: Space) -> Vec<PathBuf> {
    let (journal, thread) = open_in(folder).unwrap();
    journal.commit((1..=EVENTS).map(|n| owed(n.into(), &[TARGET, OTHER])).collect()).await.unwrap();
    let retries = journal.ready(OTHER, None, usize::MAX).unwrap().into_iter();
    let retries = retries.map(|pending| settled(pending, Settlement::RetryAt(at(5)))).collect();
    journal.settle(retries).await.unwrap();
    close((journal, thread)).await;
    let disk = FjallDisk::open(&folder.join("journal")).unwrap();
    disk.tables(space)
}

/// What is owed, and how much of it is of an event that can be read.
fn read(journal: &Journal) -> (usize, usize) {
    let mut owed = journal.ready(TARGET, None, usize::MAX).unwrap();
    owed.extend(journal.later(OTHER, None, at(1_000), usize::MAX).unwrap());
    let sound = owed.iter().filter(|pending| journal.event(pending.delivery.event).is_ok()).count();
    (owed.len(), sound)
}

fn flip(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[place] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

pub(super) fn quarantined(folder: &Path) -> Vec<String> {
    let lines = fs::read_to_string(folder.join(QUARANTINE_FILE)).unwrap_or_default();
    lines.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_journal_opens_whichever_block_of_its_deliveries_is_damaged() {
    let all = 2 * usize::try_from(EVENTS).unwrap();
    for space in [Space::Ready, Space::Later] {
        let mut met = 0;
        // Behind that are what the table says about itself, and its index, without which fjall does not open it.
        for tenth in [1, 3, 5] {
            let folder = tempfile::tempdir().unwrap();
            let tables = filled(folder.path(), space).await;
            let length = fs::metadata(&tables[0]).unwrap().len();
            flip(&tables[0], usize::try_from(length * tenth / 10).unwrap());

            let opened = open_in(folder.path()).unwrap();
            let (left, sound) = read(&opened.0);
            assert_eq!(left as u64, opened.0.owed());
            assert_eq!(left, sound);
            assert!((all - 1_000..=all).contains(&left), "{space:?}, {tenth}/10: {left} of {all}");
            met += usize::from(left < all);
            // A block may have had nothing but keys that were removed.
            assert!(left == all || !quarantined(folder.path()).is_empty(), "{space:?}, {tenth}/10");
            opened.0.commit(vec![owed(9_999, &[TARGET])]).await.unwrap();
            close(opened).await;

            let told = quarantined(folder.path());
            let opened = open_in(folder.path()).unwrap();
            assert_eq!(read(&opened.0), (left + 1, left + 1), "nothing more is lost");
            assert_eq!(quarantined(folder.path()), told);
            close(opened).await;
        }
        assert!(met > 0, "{space:?}: the damage was met {met} times");
    }
}

#[tokio::test]
async fn events_of_a_damaged_block_are_missed_and_all_others_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let tables = filled(folder.path(), Space::Events(1)).await;
    flip(&tables[0], 9_000);
    let opened = open_in(folder.path()).unwrap();
    let (left, sound) = read(&opened.0);
    assert!(sound < left && left as u64 == 2 * EVENTS, "{sound} of {left}");
    // The read has asked for it; when this is answered it was done.
    opened.0.settle(Vec::new()).await.unwrap();
    opened.0.settle(Vec::new()).await.unwrap();
    let missed = opened.0.ready(TARGET, None, usize::MAX).unwrap();
    let missed = missed.iter().filter(|pending| match opened.0.event(pending.delivery.event) {
        Ok(_) => false,
        Err(JournalError::Missing(_)) => true,
        Err(error) => panic!("{error}"),
    });
    let missed = missed.count();
    assert!((1..200).contains(&missed), "{missed}");
    assert_eq!(quarantined(folder.path()).len(), 1);
    close(opened).await;
}

#[tokio::test]
async fn after_a_failed_write_everything_is_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    let tables = filled(folder.path(), Space::Events(1)).await;
    flip(&tables[0], 9_000);
    fs::write(folder.path().join("journal/suspect"), "").unwrap();
    let opened = open_in(folder.path()).unwrap();
    assert_eq!(quarantined(folder.path()).len(), 1);
    assert!(!folder.path().join("journal/suspect").exists());
    close(opened).await;
}

#[tokio::test]
async fn a_copy_that_did_not_come_to_its_end_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let tables = filled(folder.path(), Space::Ready).await;
    flip(&tables[0], 9_000);
    {
        let db = fjall::Database::builder(folder.path().join("journal")).open().unwrap();
        let begun = db.keyspace("ready~1", fjall::KeyspaceCreateOptions::default).unwrap();
        begun.insert(keys::ready(TARGET, EventNumber(77_777)), "").unwrap();
    }
    let opened = open_in(folder.path()).unwrap();
    let ready = opened.0.ready(TARGET, None, usize::MAX).unwrap();
    assert!(ready.len() > 1_000 && ready.iter().all(|pending| pending.delivery.event.0 <= EVENTS), "{}", ready.len());
    close(opened).await;
}

#[tokio::test]
async fn a_table_whose_index_is_damaged_is_read_without_it() {
    for space in [Space::Ready, Space::Events(1)] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path(), space).await;
        let indexes = FjallDisk::open(&folder.path().join("journal")).unwrap().indexes(space);
        // In its head, which is not looked at when the table is opened.
        flip(&indexes[0].0, usize::try_from(indexes[0].1).unwrap() + 15);
        let opened = open_in(folder.path()).unwrap();
        read(&opened.0);
        opened.0.settle(Vec::new()).await.unwrap();
        opened.0.settle(Vec::new()).await.unwrap();
        let all = 2 * usize::try_from(EVENTS).unwrap();
        assert_eq!(read(&opened.0), (all, all), "{space:?}: only the index is lost");
        assert_eq!(quarantined(folder.path()).len(), 1, "{space:?}");
        close(opened).await;
    }
}
