//! Tests of delivery on the model disk.

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::circuit_breaker::CircuitBreakerSettings;
use eventyard_core::clock::Timestamp;
use eventyard_core::egress::Egress;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::TargetNumber;
use eventyard_core::retry::{Backoff, RetryPolicy};
use eventyard_core::target::LocalTargets;

use super::*;
use crate::engine::testing::TestEngine;
use crate::journal::model_disk::{ModelDisk, ReadFault};
use crate::journal::{DeadLetterPage, Disk, Durability, Journal, Owed, Space, Write};
use crate::runtime::{Random, Stop, SystemClock, Tasks, VitalLoop};
use crate::telemetry::Telemetry;

/// Of no target that the engine knows.
const TARGET: TargetNumber = TargetNumber(7);

struct Rig {
    disk: Arc<ModelDisk>,
    journal: Journal,
    dispatcher: Dispatcher,
    telemetry: Arc<Telemetry>,
    _engine: TestEngine,
}

fn rig() -> Rig {
    let disk = Arc::new(ModelDisk::default());
    let test_engine = TestEngine::open(tempfile::tempdir().unwrap(), Arc::clone(&disk), Arc::new(SystemClock));
    let (engine, journal) = (Arc::clone(&test_engine.engine), test_engine.journal.clone());
    let settings = Settings {
        concurrency_per_target: 4,
        concurrency_max: 16,
        read_ahead_per_target: 16,
        ordered_read_ahead_per_target: 100,
        attempts_per_second_per_target: None,
        circuit_breaker: CircuitBreakerSettings {
            failures_to_open: Some(10),
            open: Backoff { base: Duration::from_millis(1), max: Duration::from_millis(5) },
        },
        backoff: Backoff { base: Duration::from_millis(1), max: Duration::from_millis(5) },
        retry_policy: RetryPolicy { maximum_retry_attempts: 3, ..RetryPolicy::default() },
    };
    let clock = Arc::new(SystemClock);
    let http = HttpSender::new(
        EgressGuard::new(Egress::default()),
        clock.clone(),
        Duration::from_secs(1),
        Duration::from_secs(1),
    )
    .unwrap();
    let aws = AwsSender::new(&http, clock.clone(), AwsSettings::default());
    let (random, telemetry) = (Arc::new(Random::from_seed(1)), Arc::new(Telemetry::new().unwrap()));
    let dialer = Dialer::new(EgressGuard::new(Egress::default()), Duration::from_secs(1)).unwrap();
    let broker = BrokerSender::new(dialer, Arc::clone(&random), Duration::from_secs(1));
    let local = LocalSender::new(LocalTargets::default(), Duration::from_secs(1));
    let senders = Senders { http, aws, broker, local, connections: Arc::default() };
    let told = Arc::clone(&telemetry);
    let dispatcher = Dispatcher::new(engine, journal.clone(), senders, clock, random, settings, told);
    Rig { disk, journal, dispatcher, telemetry, _engine: test_engine }
}

async fn commit(journal: &Journal, events: u128) {
    let event = |n| Event {
        id: EventId::from_random(n),
        received: Timestamp::EPOCH,
        envelope: "{}".into(),
        forwarded_from: Vec::new(),
        trace: None,
    };
    let owed = (0..events).map(|n| Owed { event: event(n), targets: vec![TARGET] });
    journal.commit(owed.collect()).await.unwrap();
}

fn vital_loop(telemetry: &Arc<Telemetry>) -> VitalLoop {
    VitalLoop::new("dispatcher", Tasks::new(Arc::clone(telemetry)))
}

/// Runs the dispatcher until nothing is owed; answers the codes of the dead letters, each with whether it has its event.
async fn dead_letters(journal: Journal, dispatcher: Dispatcher) -> Vec<(String, bool, u32)> {
    let stop = Stop::default();
    let vital = vital_loop(&Arc::new(Telemetry::new().unwrap()));
    let running = tokio::spawn(dispatcher.run(vital, stop.signal()));
    tokio::time::timeout(Duration::from_secs(30), async {
        while journal.owed() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
    stop.stop();
    running.await.unwrap();
    let page = DeadLetterPage { after: None, since: None, until: None, limit: 100 };
    let letters = journal.dead_letters(&page).unwrap().into_iter().map(|(_, letter)| letter.unwrap());
    let mut letters: Vec<_> =
        letters.map(|letter| (letter.error_code, letter.event.is_some(), letter.retry_attempts)).collect();
    letters.sort();
    letters
}

#[tokio::test]
async fn an_event_that_is_damaged_or_gone_ends_as_a_dead_letter_and_the_others_go_on() {
    let Rig { disk, journal, dispatcher, telemetry: _, _engine } = rig();
    commit(&journal, 3).await;
    let key = |number: u64| number.to_be_bytes().to_vec();
    let writes =
        vec![Write::Insert(Space::Events(1), key(1), b"no event".to_vec()), Write::Remove(Space::Events(1), key(2))];
    disk.write(writes, Durability::Power).unwrap();
    let letters = dead_letters(journal, dispatcher).await;
    let (damaged, removed) = (("EVENT_DAMAGED".into(), false, 0), ("TARGET_REMOVED".into(), true, 0));
    assert_eq!(letters, [damaged.clone(), damaged, removed]);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_for_long_is_given_up_after_its_retries() {
    for fault in [ReadFault::Error, ReadFault::Panic] {
        let Rig { disk, journal, dispatcher, telemetry: _, _engine } = rig();
        commit(&journal, 2).await;
        disk.fail_reads_of(Space::Events(1), fault);
        let code = if fault == ReadFault::Error { "EVENT_UNREADABLE" } else { "INTERNAL_ERROR" };
        let given_up = (code.to_owned(), false, 3);
        assert_eq!(dead_letters(journal, dispatcher).await, [given_up.clone(), given_up]);
    }
}

/// Waits, under a time that passes by itself, until that many bugs of a task were told.
async fn panics(telemetry: &Telemetry, task: &str, count: u32) {
    let line = format!(r#"eventyard_task_panics_total{{task="{task}"}} {count}"#);
    for _ in 0..100 {
        if telemetry.encode().contains(&line) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("never: {line}");
}

#[tokio::test(start_paused = true)]
async fn bugs_of_a_worker_and_of_the_dispatcher_itself_pass() {
    let Rig { disk, journal, dispatcher, telemetry, _engine } = rig();
    commit(&journal, 1).await;
    disk.fail_reads_of(Space::Ready, ReadFault::Panic);
    let (stop, vital) = (Stop::default(), vital_loop(&telemetry));
    let running = tokio::spawn(dispatcher.run(vital.clone(), stop.signal()));
    journal.bell().ring(vec![TARGET]);
    panics(&telemetry, "worker", 1).await;
    assert_eq!(vital.trouble(), None, "a worker is not the dispatcher");
    // News comes, and does not start the next worker before it is time.
    journal.bell().ring(vec![TARGET]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    panics(&telemetry, "worker", 1).await;
    // When the pause is over the dispatcher looks at the target, and fails as the worker did.
    panics(&telemetry, "dispatcher", 1).await;
    assert!(vital.trouble().unwrap().starts_with("the dispatcher ran into a bug"));
    disk.mend_reads();
    while journal.owed() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(vital.trouble(), None);
    stop.stop();
    running.await.unwrap();
}
