//! A request is taken whole or not at all, also when the disk cannot be read in its middle.

use eventyard_core::deduplication::{DeduplicationId, DeduplicationKey};
use eventyard_core::name::{AccountId, EventBusKey, EventBusName, Region};

use super::*;
use crate::journal::model_disk::ReadFault;

fn key(id: &str) -> DeduplicationKey {
    let account = AccountId::parse("111122223333").unwrap();
    let region = Region::parse("eu-west-1").unwrap();
    let bus = EventBusKey { account: account.clone(), region, name: EventBusName::default_bus() };
    DeduplicationKey::new(&bus, &account, DeduplicationId::InEvent(id))
}

fn candidate(n: u128, key: Option<DeduplicationKey>) -> Candidate {
    let owed = owed(n, &[TARGET]);
    Candidate { id: owed.event.id, received: owed.event.received, key, owed: Some(owed) }
}

#[tokio::test]
async fn of_candidates_none_is_taken_when_one_cannot_be_looked_up() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit_once(vec![candidate(1, Some(key("first")))]).await.unwrap();
    let spans = disk.view().unwrap().spaces();
    let known = spans.into_iter().find(|space| matches!(space, Space::Deduplication(_))).unwrap();
    disk.fail_reads_of(known, ReadFault::Error);
    let error = journal.commit_once(vec![candidate(2, None), candidate(3, Some(key("third")))]).await.unwrap_err();
    assert!(matches!(error, JournalError::Disk(_)), "{error}");
    journal.settle(Vec::new()).await.unwrap();
    assert_eq!((journal.owed(), journal.ready(TARGET, None, 10).unwrap().len()), (1, 1));
}

#[tokio::test]
async fn of_dead_letters_none_is_sent_again_or_deleted_when_one_cannot_be_read() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit((1..=2).map(|n| owed(n, &[TARGET])).collect()).await.unwrap();
    for (pending, n) in journal.ready(TARGET, None, 2).unwrap().into_iter().zip(1..) {
        journal.settle(vec![settled(pending, Settlement::Dead(Box::new(letter(event(n)))))]).await.unwrap();
    }
    let ids = journal.dead_letter_ids(&ALL).unwrap();
    // What is damaged is salvaged as soon as it is met, so each request meets damage of its own.
    for way in ["redrive", "forget"] {
        let (sound, damaged) = (ids[0], ids[1]);
        disk.damage(Space::Dead, damaged.key());
        let done = match way {
            "redrive" => journal.redrive(vec![(sound, TARGET), (damaged, TARGET)], at(77)).await,
            _ => journal.forget_dead_letters(vec![sound, damaged]).await,
        };
        assert!(matches!(done, Err(JournalError::Disk(_))), "{way}: {done:?}");
        // The first may be of the group after which it is salvaged.
        journal.settle(Vec::new()).await.unwrap();
        journal.settle(Vec::new()).await.unwrap();
        assert_eq!(journal.owed(), 0, "{way}");
        assert_eq!(journal.dead_letter_ids(&ALL).unwrap(), [sound], "{way}: the damaged one is in the quarantine");
    }
    assert!(!disk.quarantined().is_empty());
}

#[tokio::test]
async fn pages_are_bounded_in_bytes_and_keys_are_read_without_values() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    let large = |n| Event { envelope: "x".repeat(3 << 20).into(), ..event(n) };
    journal.commit((1..=5).map(|n| Owed { event: large(n), targets: vec![TARGET] }).collect()).await.unwrap();
    for (pending, n) in journal.ready(TARGET, None, 5).unwrap().into_iter().zip(1..) {
        journal.settle(vec![settled(pending, Settlement::Dead(Box::new(letter(large(n)))))]).await.unwrap();
    }
    let mut after = None;
    let mut pages = Vec::new();
    loop {
        let page = journal.dead_letters(&DeadLetterPage { after, ..ALL }).unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        pages.push(page.len());
    }
    assert_eq!(pages, [2, 2, 1]);
    assert_eq!(journal.dead_letter_ids(&ALL).unwrap().len(), 5);
    assert_eq!(disk.view().unwrap().scan(Space::Dead, &[], &[u8::MAX; 32], 100).unwrap().len(), 2);
}
