//! Entries that are in no form: put aside at start and at run time, found by a check.

use super::*;

/// Entries that are in no form, before and behind those of `TARGET`, and between.
fn damage(disk: &ModelDisk) {
    let between = |n: u8| [keys::ready(TARGET, EventNumber(0)).as_slice(), &[n]].concat();
    let insert = |space, key, value: &[u8]| Write::Insert(space, key, value.to_vec());
    let mut batch: Vec<_> = (0..30).map(|n| insert(Space::Ready, between(n), b"")).collect();
    batch.push(insert(Space::Ready, b"x".to_vec(), b""));
    batch.push(insert(Space::Ready, b"\0".to_vec(), b""));
    batch.push(insert(Space::Later, between(3), b"?"));
    batch.push(insert(Space::Later, keys::later(TARGET, at(5), EventNumber(2)), b"?"));
    batch.push(insert(Space::Schedules, b"?".to_vec(), b"?"));
    disk.write(batch, Durability::Power).unwrap();
}

/// How many they are, and their reasons.
const DAMAGED: usize = 35;

#[tokio::test]
async fn what_is_damaged_is_put_aside_at_run_time_and_does_not_block_what_is_behind_it() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit((1..=3).map(|n| owed(n, &[TARGET])).collect()).await.unwrap();
    let second = journal.ready(TARGET, None, 10).unwrap()[1];
    journal.settle(vec![settled(second, Settlement::RetryAt(at(5)))]).await.unwrap();
    damage(&disk);
    assert_eq!(journal.targets_owed().unwrap(), [TARGET]);
    assert_eq!(journal.ready(TARGET, None, 2).unwrap().len(), 2, "a page is full though it begins with damage");
    assert!(journal.later(TARGET, None, at(9), 10).unwrap().is_empty(), "how often it was tried cannot be read");
    assert!(journal.schedule_marks().unwrap().is_empty());
    // Whoever reads asks again, until the thread that writes has come to it.
    for _ in 0..200 {
        journal.ready(TARGET, None, 10).unwrap();
        journal.targets_owed().unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(journal.ready(TARGET, None, 10).unwrap().len(), 3, "it is owed as new");
    let mut aside = disk.quarantined();
    let count = aside.len();
    aside.sort_by(|one, other| (&one.place, &one.key).cmp(&(&other.place, &other.key)));
    aside.dedup();
    assert_eq!((aside.len(), count), (DAMAGED, DAMAGED), "each once");
    let (journal, _thread) = open(&disk);
    assert_eq!(journal.owed(), 3);
}

#[tokio::test]
async fn what_is_damaged_is_put_aside_at_start() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit((1..=3).map(|n| owed(n, &[TARGET])).collect()).await.unwrap();
    let second = journal.ready(TARGET, None, 10).unwrap()[1];
    journal.settle(vec![settled(second, Settlement::RetryAt(at(5)))]).await.unwrap();
    damage(&disk);
    let (journal, _thread) = open(&disk);
    assert_eq!(disk.quarantined().len(), DAMAGED);
    assert_eq!((journal.owed(), journal.ready(TARGET, None, 10).unwrap().len()), (3, 3));
    assert!(disk.quarantined().iter().all(|record| !record.reason.is_empty() && record.line().contains("key_hex")));
}

/// Everything that is wrong, as place and reason.
fn checked(disk: &ModelDisk) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    let _ = check(disk.view().unwrap().as_ref(), &[TARGET].into(), &mut |looked| {
        if let Looked::Wrong(fault) = looked {
            wrong.push((fault.record.place.clone(), fault.record.reason.clone()));
            repair(disk, &fault).unwrap();
        }
        Ok::<_, std::convert::Infallible>(())
    });
    wrong
}

#[tokio::test]
async fn a_check_finds_what_does_not_fit_and_a_repair_leaves_a_journal_that_runs() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, thread) = open(&disk);
    journal.commit((1..=9).map(|n| owed(n, &[TARGET])).collect()).await.unwrap();
    let first = journal.ready(TARGET, None, 1).unwrap()[0];
    journal.settle(vec![settled(first, Settlement::Dead(Box::new(letter(event(1)))))]).await.unwrap();
    journal.close().await;
    thread.join();
    assert_eq!(checked(&disk), []);
    let newest = *disk.segments().last().unwrap();
    let insert = |space, key: Vec<u8>, value: &[u8]| Write::Insert(space, key, value.to_vec());
    let batch = vec![
        insert(Space::Ready, keys::ready(TargetNumber(8), EventNumber(2)), b""),
        insert(Space::Ready, keys::ready(TARGET, EventNumber(77)), b""),
        insert(Space::Later, keys::later(TARGET, at(5), EventNumber(3)), &records::later(1)),
        insert(Space::Events(newest), keys::event(EventNumber(1)), &records::event(&event(1))),
        insert(Space::Events(newest), keys::event(EventNumber(9)), b"?"),
        insert(Space::Dead, b"?".to_vec(), b"?"),
        insert(Space::Meta, keys::DEAD_LETTER_BYTES.to_vec(), &records::count(1)),
        insert(Space::History(3), b"?".to_vec(), b"?"),
        insert(Space::Deduplication(3), b"?".to_vec(), b"?"),
    ];
    disk.write(batch, Durability::Power).unwrap();
    let told = checked(&disk);
    for (place, reason) in [
        ("ready", "a delivery to the target 8, which the store does not know"),
        ("ready", "a delivery of the event 77, which is not there"),
        ("later", "a retry of the event 3, which is also owed as new"),
        ("events", "event 1 is not in its segment"),
        ("events", "an entry of the journal cannot be read: event 9"),
        ("dead", "an entry of the journal cannot be read"),
        ("history", "an entry of the journal cannot be read"),
        ("deduplication", "an entry of the journal cannot be read: by what an event is known"),
        ("meta", "the next event's number is not above 77, which was given"),
        ("meta", "and the count says otherwise"),
    ] {
        let is_told = told.iter().any(|(at, why)| at.starts_with(place) && why.contains(reason));
        assert!(is_told, "{place}: {reason} is not among {told:?}");
    }
    assert_eq!(told.len(), 10, "{told:?}");
    let left = checked(&disk);
    assert_eq!(left.len(), 5, "what the daemon settles by itself, and the event that was put aside: {left:?}");
    let (journal, _thread) = open(&disk);
    journal.commit(vec![owed(10, &[TARGET])]).await.unwrap();
    let last = journal.ready(TARGET, None, 100).unwrap().pop().unwrap();
    assert_eq!(last.delivery.event, EventNumber(78), "no number is given twice");
}

#[tokio::test]
async fn damaged_files_of_deliveries_are_left_behind_at_run_time_and_what_is_owed_is_counted_again() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit((1..=5).map(|n| owed(n, &[TARGET])).collect()).await.unwrap();
    disk.damage(Space::Ready, keys::ready(TARGET, EventNumber(3)));
    let error = journal.ready(TARGET, None, 10).unwrap_err();
    assert_eq!(error.damaged_space(), Some(Space::Ready));
    journal.commit(vec![owed(6, &[TARGET])]).await.unwrap();
    journal.settle(Vec::new()).await.unwrap();
    journal.settle(Vec::new()).await.unwrap();
    let left: Vec<u64> = journal.ready(TARGET, None, 10).unwrap().iter().map(|owed| owed.delivery.event.0).collect();
    assert_eq!(left, [1, 2, 4, 5, 6]);
    assert_eq!(journal.owed(), 5);
    assert_eq!(disk.quarantined().len(), 1);
}
