//! Tests of the journal on the model disk: what a loss of power may take, and what it may not.

mod atomicity;
mod changed_bytes;
mod copies;
mod damage;
mod model;
mod salvage;

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::attempt_record::{AttemptEnd, AttemptRecord};
use eventyard_core::event::EventId;
use eventyard_core::retry::ExhaustedRetryCondition;

use super::model_disk::ModelDisk;
use super::*;

const SETTINGS: Settings = Settings {
    segment_size_bytes: 200,
    free_space_bytes_min: 1_000,
    history: HistoryLimits { size_bytes_max: 1 << 20, retention: Duration::from_secs(80) },
    ..Settings::FOR_TESTS
};
const TARGET: TargetNumber = TargetNumber(7);

fn open(disk: &Arc<ModelDisk>) -> (Journal, CommitterThread) {
    let disk: Arc<dyn Disk> = Arc::<ModelDisk>::clone(disk);
    Journal::open_on(disk, SETTINGS, Arc::new(Telemetry::new().unwrap())).unwrap()
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(milliseconds).unwrap()
}

fn event(n: u128) -> Event {
    Event {
        id: EventId::from_random(n),
        received: at(1_000),
        envelope: format!(r#"{{"detail":{{"n":{n}}}}}"#).into(),
        forwarded_from: Vec::new(),
        trace: None,
    }
}

fn owed(n: u128, targets: &[TargetNumber]) -> Owed {
    Owed { event: event(n), targets: targets.to_vec() }
}

fn letter(event: Event) -> DeadLetter {
    DeadLetter {
        event: Some(event),
        died: at(2_000),
        rule_arn: "arn:rule".into(),
        target_id: "t".into(),
        target_arn: "http://localhost/".into(),
        error_code: "TIMED_OUT".into(),
        error_message: "no answer".into(),
        exhausted_retry_condition: Some(ExhaustedRetryCondition::MaximumRetryAttempts),
        retry_attempts: 3,
    }
}

fn settled(pending: Pending, settlement: Settlement) -> Settled {
    Settled { pending, settlement, attempt: None }
}

const ALL: DeadLetterPage = DeadLetterPage { after: None, since: None, until: None, limit: 100 };

fn dead_letters(journal: &Journal) -> Vec<(DeadLetterId, DeadLetter)> {
    let letters = journal.dead_letters(&ALL).unwrap();
    letters.into_iter().map(|(id, letter)| (id, letter.unwrap())).collect()
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_loss_of_power() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit(vec![owed(1, &[TARGET, TargetNumber(9)]), owed(2, &[TARGET])]).await.unwrap();

    let (journal, _thread) = open(&Arc::new(disk.lose_power(0)));
    assert_eq!(journal.targets_owed().unwrap(), [TARGET, TargetNumber(9)]);
    let ready = journal.ready(TARGET, None, 10).unwrap();
    let events: Vec<Event> = ready.iter().map(|pending| journal.event(pending.delivery.event).unwrap()).collect();
    assert_eq!(events, [event(1), event(2)]);
    assert_eq!(journal.owed(), 3);
}

#[tokio::test]
async fn a_lost_settlement_means_again_and_never_not_at_all() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit(vec![owed(1, &[TARGET])]).await.unwrap();
    let pending = journal.ready(TARGET, None, 1).unwrap()[0];
    journal.settle(vec![settled(pending, Settlement::Delivered)]).await.unwrap();
    assert!(!journal.is_owed(TARGET).unwrap());

    let unsynced = disk.unsynced_batches();
    assert!(unsynced > 0, "a settlement needs no fsync");
    let (lost, _thread) = open(&Arc::new(disk.lose_power(0)));
    assert_eq!(lost.ready(TARGET, None, 10).unwrap(), [pending]);
    assert_eq!(lost.event(pending.delivery.event).unwrap(), event(1));
    let (kept, _thread) = open(&Arc::new(disk.lose_power(unsynced)));
    assert!(!kept.is_owed(TARGET).unwrap());
}

#[tokio::test]
async fn retries_wait_in_the_order_of_their_times() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit((1..=3).map(|n| owed(n, &[TARGET])).collect()).await.unwrap();
    for (pending, due) in journal.ready(TARGET, None, 3).unwrap().into_iter().zip([30, 10, 20]) {
        journal.settle(vec![settled(pending, Settlement::RetryAt(at(due)))]).await.unwrap();
    }
    assert_eq!(journal.ready(TARGET, None, 10).unwrap(), []);
    assert_eq!(journal.next_due(TARGET, None).unwrap(), Some(at(10)));
    let due = journal.later(TARGET, None, at(20), 10).unwrap();
    assert_eq!(
        due.iter().map(|pending| pending.place).collect::<Vec<_>>(),
        [Place::Later(at(10)), Place::Later(at(20))]
    );
    assert_eq!(due[0].delivery.attempts, 1);
    let after = Some((at(20), due[1].delivery.event));
    assert_eq!(journal.next_due(TARGET, after).unwrap(), Some(at(30)));
}

#[tokio::test]
async fn a_dead_letter_is_whole_and_no_longer_owed() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit(vec![owed(1, &[TARGET])]).await.unwrap();
    let pending = journal.ready(TARGET, None, 1).unwrap()[0];
    journal.settle(vec![settled(pending, Settlement::Dead(Box::new(letter(event(1)))))]).await.unwrap();
    assert_eq!(journal.owed(), 0);
    let letters = dead_letters(&journal);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].1, letter(event(1)));
    assert_eq!(journal.dead_letter(letters[0].0).unwrap(), Some(letter(event(1))));
    assert_eq!(DeadLetterId::parse(&letters[0].0.to_string()), Some(letters[0].0));
    let behind = DeadLetterPage { after: Some(letters[0].0), ..ALL };
    assert!(journal.dead_letters(&behind).unwrap().is_empty());
}

/// A journal in which `events` have died one millisecond after the other.
async fn dead(disk: &Arc<ModelDisk>, events: u128) -> Journal {
    let (journal, _thread) = open(disk);
    journal.commit((1..=events).map(|n| owed(n, &[TARGET])).collect()).await.unwrap();
    let ready = journal.ready(TARGET, None, 100).unwrap();
    let died = ready.into_iter().zip(1_u32..).map(|(pending, n)| {
        let letter = DeadLetter { died: at(2_000 + i64::from(n)), ..letter(event(n.into())) };
        settled(pending, Settlement::Dead(Box::new(letter)))
    });
    journal.settle(died.collect()).await.unwrap();
    journal
}

#[tokio::test]
async fn dead_letters_are_found_by_the_time_they_died() {
    let journal = dead(&Arc::default(), 5).await;
    let page = |since, until| {
        let page = DeadLetterPage { since: Some(at(since)), until: Some(at(until)), ..ALL };
        journal.dead_letters(&page).unwrap().len()
    };
    assert_eq!((page(0, 2_001), page(2_001, 2_002), page(2_002, 2_005), page(2_005, 9_000)), (0, 1, 3, 1));
}

#[tokio::test]
async fn a_redriven_dead_letter_is_owed_again_whatever_the_power_does() {
    let disk = Arc::new(ModelDisk::default());
    let journal = dead(&disk, 3).await;
    let letters = dead_letters(&journal);
    let other = TargetNumber(9);
    // One of them twice: it is owed once.
    let redriven = [0, 1, 1].map(|n| (letters[n].0, other));
    journal.redrive(redriven.to_vec(), at(7_000)).await.unwrap();
    let (journal, _thread) = open(&Arc::new(disk.lose_power(0)));
    assert_eq!(dead_letters(&journal), letters[2..]);
    let ready = journal.ready(other, None, 10).unwrap();
    let events: Vec<Event> = ready.iter().map(|pending| journal.event(pending.delivery.event).unwrap()).collect();
    assert_eq!(events, [1, 2].map(|n| Event { received: at(7_000), ..event(n) }));
    assert_eq!(journal.owed(), 2);
    journal.redrive(redriven.to_vec(), at(8_000)).await.unwrap();
    assert_eq!(journal.owed(), 2, "they are gone");
}

#[tokio::test]
async fn the_bytes_of_dead_letters_are_known_after_every_change_and_restart() {
    let disk = Arc::new(ModelDisk::default());
    let journal = dead(&disk, 4).await;
    let counted = |disk: &ModelDisk| -> u64 {
        let entries = disk.scan(Space::Dead, &[], &[u8::MAX; 32], 100).unwrap();
        entries.iter().map(|(_, value)| value.len() as u64).sum()
    };
    assert!(journal.dead_letter_bytes() > 0);
    assert_eq!(journal.dead_letter_bytes(), counted(&disk));
    let ids: Vec<_> = dead_letters(&journal).into_iter().map(|(id, _)| id).collect();
    journal.forget_dead_letters(vec![ids[0], ids[0], ids[1]]).await.unwrap();
    journal.forget_dead_letters(vec![ids[0]]).await.unwrap();
    assert_eq!(journal.dead_letter_bytes(), counted(&disk));
    for kept in 0..=disk.unsynced_batches() {
        let disk = Arc::new(disk.lose_power(kept));
        assert_eq!(open(&disk).0.dead_letter_bytes(), counted(&disk), "{kept}");
    }
}

#[tokio::test]
async fn a_damaged_dead_letter_is_told_and_the_others_are_read() {
    let disk = Arc::new(ModelDisk::default());
    let journal = dead(&disk, 2).await;
    let (id, _) = dead_letters(&journal)[0];
    disk.write(vec![Write::Insert(Space::Dead, id.key(), b"?".to_vec())], Durability::Power).unwrap();
    let letters = journal.dead_letters(&ALL).unwrap();
    assert!(letters[0].1.is_err() && letters[1].1.is_ok());
    journal.redrive(vec![(id, TARGET)], at(0)).await.unwrap();
    assert_eq!(journal.dead_letters(&ALL).unwrap().len(), 2, "it has no event to send");
    journal.forget_dead_letters(vec![id]).await.unwrap();
    assert_eq!(journal.dead_letters(&ALL).unwrap().len(), 1);
}

#[tokio::test]
async fn attempts_are_remembered_with_what_followed_and_forgotten_with_age() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, thread) = open(&disk);
    let id = EventId::new(at(1_000), 7);
    let event = Event { id, ..event(1) };
    journal.commit(vec![Owed { event: event.clone(), targets: vec![TARGET, TargetNumber(9)] }]).await.unwrap();
    let record = |attempt, ended, code: &'static str| AttemptRecord {
        event: id,
        received: at(1_000),
        attempt,
        ended: at(ended),
        duration: Duration::from_micros(1_234),
        code: code.into(),
        message: "why\u{e9}".repeat(usize::from(code != "DELIVERED")),
    };
    let settle = async |pending: Pending, settlement, attempt: &AttemptRecord| {
        let settled = Settled { pending, settlement, attempt: Some(attempt.clone()) };
        journal.settle(vec![settled]).await.unwrap();
    };
    let first = journal.ready(TARGET, None, 1).unwrap()[0];
    let other = journal.ready(TargetNumber(9), None, 1).unwrap()[0];
    let failed = [record(1, 2_000, "TIMED_OUT"), record(2, 40_000, "TARGET_FAILED")];
    settle(first, Settlement::RetryAt(at(30_000)), &failed[0]).await;
    let again = journal.later(TARGET, None, at(30_000), 1).unwrap()[0];
    assert!(journal.is_pending(&again).unwrap() && !journal.is_pending(&first).unwrap());
    // Twelve seconds and more later: another span.
    settle(again, Settlement::Dead(Box::new(letter(event))), &failed[1]).await;
    settle(other, Settlement::Delivered, &record(1, 50_000, "DELIVERED")).await;
    assert!(disk.spans().len() > 1);
    let attempts = journal.attempts(id).unwrap();
    let told: Vec<_> = attempts.iter().map(|attempt| (attempt.delivery.target.0, attempt.end)).collect();
    let ends = [AttemptEnd::RetryAt(at(30_000)), AttemptEnd::Died(at(2_000)), AttemptEnd::Delivered];
    assert_eq!(told, [(7, ends[0]), (7, ends[1]), (9, ends[2])]);
    assert_eq!(attempts.iter().map(|attempt| &attempt.record).collect::<Vec<_>>()[..2], failed.each_ref());
    assert!(journal.attempts(EventId::new(at(1_000), 8)).unwrap().is_empty());

    journal.trim_history(at(99_999)).await.unwrap();
    assert_eq!(journal.attempts(id).unwrap().len(), 2, "the first is older than 80 seconds");
    journal.close().await;
    thread.join();
    let (journal, _thread) = open(&disk);
    assert_eq!(journal.attempts(id).unwrap().len(), 2);
    journal.trim_history(at(999_999)).await.unwrap();
    assert!(journal.attempts(id).unwrap().is_empty() && disk.spans().is_empty());
}

#[tokio::test]
async fn an_event_is_found_by_the_time_its_id_tells() {
    let (journal, _thread) = open(&Arc::default());
    let id = |n: u32| EventId::new(at(i64::from(n) * 20_000), n.into());
    for n in 0..60 {
        let event = Event { id: id(n), received: at(i64::from(n) * 20_000), ..event(n.into()) };
        journal.commit(vec![Owed { event, targets: vec![TARGET] }]).await.unwrap();
    }
    for n in 0..60 {
        let (number, event) = journal.find_event(id(n)).unwrap().unwrap();
        assert_eq!((number.0, event.id), (u64::from(n) + 1, id(n)));
    }
    assert!(journal.find_event(EventId::new(at(20_000), 77)).unwrap().is_none());
    assert!(journal.find_event(EventId::new(at(99_000_000), 77)).unwrap().is_none());
    assert!(journal.find_event(EventId::from_random(7)).unwrap().is_none(), "an id from elsewhere");
}

#[tokio::test]
async fn segments_go_when_nothing_in_them_is_owed_and_no_earlier() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    for n in 1..=40 {
        journal.commit(vec![owed(n, &[TARGET])]).await.unwrap();
    }
    let before = disk.segments().len();
    assert!(before > 3, "{before} segments");
    let all = journal.ready(TARGET, None, 100).unwrap();
    for pending in &all[1..] {
        journal.settle(vec![settled(*pending, Settlement::Delivered)]).await.unwrap();
    }
    assert_eq!(journal.event(all[0].delivery.event).unwrap(), event(1), "one event keeps its segment");
    assert_eq!(disk.segments().len(), 2, "the first, which is owed, and the newest");
    // However much a loss of power takes, what it brings back has its event.
    for kept in 0..=disk.unsynced_batches() {
        let (journal, _thread) = open(&Arc::new(disk.lose_power(kept)));
        for pending in journal.ready(TARGET, None, 100).unwrap() {
            journal.event(pending.delivery.event).unwrap();
        }
    }
}

#[tokio::test]
async fn a_segment_that_a_crash_left_without_its_events_hides_no_others() {
    let disk = Arc::new(ModelDisk::default());
    // The group that was to begin it at its third event was never written.
    disk.write(vec![Write::Insert(Space::Events(3), b"made".to_vec(), Vec::new())], Durability::Power).unwrap();
    let (journal, _thread) = open(&disk);
    for n in 1..=4 {
        journal.commit(vec![owed(n, &[TARGET])]).await.unwrap();
    }
    let read = |journal: &Journal| -> Vec<_> {
        let pending = journal.ready(TARGET, None, 10).unwrap();
        pending.iter().map(|pending| journal.event(pending.delivery.event).unwrap()).collect()
    };
    assert_eq!(read(&journal), [event(1), event(2), event(3), event(4)]);
    let (journal, _thread) = open(&Arc::new(disk.lose_power(0)));
    assert_eq!(read(&journal), [event(1), event(2), event(3), event(4)]);
}

#[tokio::test]
async fn numbers_are_not_given_twice() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit(vec![owed(1, &[TARGET])]).await.unwrap();
    let first = journal.ready(TARGET, None, 1).unwrap()[0];
    journal.settle(vec![settled(first, Settlement::Delivered)]).await.unwrap();
    let (journal, _thread) = open(&Arc::new(disk.lose_power(usize::MAX)));
    journal.commit(vec![owed(2, &[TARGET])]).await.unwrap();
    assert!(journal.ready(TARGET, None, 1).unwrap()[0].delivery.event > first.delivery.event);
}

#[tokio::test]
async fn a_full_disk_refuses_commits_and_takes_settlements() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    journal.commit(vec![owed(1, &[TARGET])]).await.unwrap();
    disk.set_free_bytes(999);
    assert!(matches!(journal.commit(vec![owed(2, &[TARGET])]).await, Err(JournalError::Full { free_bytes: 999, .. })));
    let pending = journal.ready(TARGET, None, 10).unwrap();
    assert_eq!(pending.len(), 1, "nothing of the refused commit is there");
    journal.settle(vec![settled(pending[0], Settlement::Delivered)]).await.unwrap();
    disk.set_free_bytes(1_125);
    journal.commit(vec![owed(3, &[TARGET])]).await.unwrap();
}

#[tokio::test]
async fn a_backlog_that_is_too_large_refuses_events_until_an_eighth_is_settled_and_knows_itself_after_a_crash() {
    let settings = Settings { size_bytes_max: 2_000, ..SETTINGS };
    let open = |disk: &Arc<ModelDisk>| {
        let disk: Arc<dyn Disk> = Arc::<ModelDisk>::clone(disk);
        Journal::open_on(disk, settings, Arc::new(Telemetry::new().unwrap())).unwrap()
    };
    let disk = Arc::new(ModelDisk::default());
    let (journal, _thread) = open(&disk);
    let mut taken = 0_u128;
    while journal.commit(vec![owed(taken, &[TARGET])]).await.is_ok() {
        taken += 1;
    }
    assert!((20..40).contains(&taken), "{taken}");
    assert!(matches!(journal.check_intake(), Err(JournalError::BacklogFull { size_bytes_max: 2_000, .. })));
    assert!(journal.check_room().is_ok(), "attempts go on");
    journal.commit_in_place(owed(99, &[TARGET])).await.unwrap();

    let bytes = journal.owed_bytes();
    let disk = Arc::new(disk.lose_power(0));
    let (journal, _thread) = open(&disk);
    assert_eq!(journal.owed_bytes(), bytes);
    assert!(journal.commit(vec![owed(100, &[TARGET])]).await.is_err());
    let mut settlements = 0;
    for pending in journal.ready(TARGET, None, 100).unwrap() {
        if journal.check_intake().is_ok() {
            break;
        }
        journal.settle(vec![settled(pending, Settlement::Delivered)]).await.unwrap();
        settlements += 1;
    }
    assert!((3..20).contains(&settlements), "{settlements}");
    assert!(journal.owed_bytes() < 2_000 - 250 && journal.owed() > 0);
    journal.commit(vec![owed(101, &[TARGET])]).await.unwrap();
}

#[tokio::test]
async fn a_failed_write_closes_the_journal_for_good() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, thread) = open(&disk);
    disk.fail_after(0);
    assert!(matches!(journal.commit(vec![owed(1, &[TARGET])]).await, Err(JournalError::Closed)));
    journal.failed().await;
    assert!(matches!(journal.commit(vec![owed(2, &[TARGET])]).await, Err(JournalError::Closed)));
    drop(journal);
    thread.join();
}

#[tokio::test]
async fn whichever_write_fails_what_was_acknowledged_before_is_owed_or_settled() {
    let mut closed_at = Vec::new();
    for writes in 0..24 {
        let disk = Arc::new(ModelDisk::default());
        let (journal, _thread) = open(&disk);
        disk.fail_after(writes);
        let (mut acknowledged, mut delivered) = (Vec::new(), Vec::new());
        for n in 1..=8 {
            if journal.commit(vec![owed(n, &[TARGET])]).await.is_err() {
                closed_at.push(writes);
                break;
            }
            acknowledged.push(event(n));
            // One of three stays owed, one is delivered, one dies.
            let pending = journal.ready(TARGET, None, 100).unwrap().last().copied().unwrap();
            let settlement = match n % 3 {
                0 => continue,
                1 => Settlement::Delivered,
                _ => Settlement::Dead(Box::new(letter(event(n)))),
            };
            let was_written = journal.settle(vec![settled(pending, settlement)]).await.is_ok();
            delivered.extend((n % 3 == 1 && was_written).then(|| event(n)));
        }
        for kept in 0..=disk.unsynced_batches() {
            let (journal, _thread) = open(&Arc::new(disk.lose_power(kept)));
            let pending = journal.ready(TARGET, None, 100).unwrap();
            let owed = pending.iter().map(|pending| journal.event(pending.delivery.event).unwrap());
            let dead = dead_letters(&journal).into_iter().filter_map(|(_, letter)| letter.event);
            let found: Vec<_> = owed.chain(dead).collect();
            for event in &acknowledged {
                let times = found.iter().filter(|found| *found == event).count();
                assert!(
                    times == 1 || (times == 0 && delivered.contains(event)),
                    "{event:?}, write {writes}, {kept} kept"
                );
            }
            assert!(found.iter().all(|event| acknowledged.contains(event)), "write {writes}, {kept} kept: {found:?}");
        }
    }
    assert!(closed_at.len() > 8 && closed_at.len() < 24, "some runs fail, some do not: {closed_at:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_groups_and_each_gets_its_answer() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, thread) = open(&disk);
    let callers = (0..200_u128).map(|n| {
        let journal = journal.clone();
        tokio::spawn(async move { journal.commit(vec![owed(n, &[TARGET])]).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(journal.ready(TARGET, None, 1_000).unwrap().len(), 200);
    drop(journal);
    thread.join();
}

#[tokio::test]
async fn the_real_disk_gives_back_what_the_model_does() {
    let dir = tempfile::tempdir().unwrap();
    let telemetry = || Arc::new(Telemetry::new().unwrap());
    let settings = Settings { free_space_bytes_min: 0, ..SETTINGS };
    let (journal, thread) = Journal::open(dir.path(), settings, telemetry()).unwrap();
    for n in 1..=30 {
        journal.commit(vec![owed(n, &[TARGET, TargetNumber(8)])]).await.unwrap();
    }
    let all = journal.ready(TARGET, None, 100).unwrap();
    for pending in &all[..20] {
        journal.settle(vec![settled(*pending, Settlement::Delivered)]).await.unwrap();
    }
    journal.settle(vec![settled(all[20], Settlement::RetryAt(at(5)))]).await.unwrap();
    journal.settle(vec![settled(all[21], Settlement::Dead(Box::new(letter(event(22)))))]).await.unwrap();
    drop(journal);
    thread.join();

    let (journal, thread) = Journal::open(dir.path(), settings, telemetry()).unwrap();
    assert_eq!(journal.ready(TARGET, None, 100).unwrap(), all[22..]);
    assert_eq!(journal.later(TARGET, None, at(5), 10).unwrap().len(), 1);
    assert_eq!(journal.targets_owed().unwrap(), [TARGET, TargetNumber(8)]);
    assert_eq!(journal.owed(), 8 + 1 + 30);
    assert_eq!(dead_letters(&journal)[0].1, letter(event(22)));
    assert_eq!(journal.event(all[25].delivery.event).unwrap(), event(26));
    drop(journal);
    thread.join();
}
