//! An engine for tests: a real store in a folder that goes away, and a journal on the model of a disk.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventyard_core::clock::{Clock, Timestamp};
use eventyard_core::name::{AccountId, OrganizationId, Region};

use super::{Caller, Engine, Settings};
use crate::journal::model_disk::ModelDisk;
use crate::journal::{self, CommitterThread, Journal};
use crate::runtime::{Random, SystemClock};
use crate::store::{Record, Store};
use crate::telemetry::Telemetry;

/// An engine with nothing in it.
pub(crate) struct TestEngine {
    pub(crate) engine: Arc<Engine>,
    pub(crate) journal: Journal,
    pub(crate) telemetry: Arc<Telemetry>,
    committer: CommitterThread,
    folder: tempfile::TempDir,
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct MovedClock(Mutex<Timestamp>);

impl MovedClock {
    pub(crate) fn at(time: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(time)))
    }

    pub(crate) fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap() = time;
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut time = self.0.lock().unwrap();
        *time = time.saturating_add(by);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl TestEngine {
    pub(crate) fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), Arc::default(), Arc::new(SystemClock))
    }

    /// An engine over the store in `folder` and the journal on `disk`.
    pub(crate) fn open(folder: tempfile::TempDir, disk: Arc<ModelDisk>, clock: Arc<dyn Clock>) -> Self {
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let (journal, committer) =
            Journal::open_on(disk, journal::Settings::FOR_TESTS, Arc::clone(&telemetry)).unwrap();
        let settings = Settings::for_tests();
        let store = Store::open(folder.path(), Timestamp::EPOCH).unwrap();
        let random = Arc::new(Random::from_seed(1));
        let engine = Engine::start(store, journal.clone(), clock, random, settings, Arc::clone(&telemetry)).unwrap();
        Self { engine: Arc::new(engine), journal, telemetry, committer, folder }
    }

    /// Ends it, and gives back the folder of its store.
    pub(crate) async fn close(self) -> tempfile::TempDir {
        self.journal.close().await;
        drop(self.engine);
        self.committer.join();
        self.folder
    }

    /// All that is on disk.
    pub(crate) fn stored(&self) -> Vec<Record> {
        self.engine.store.records().unwrap()
    }
}

/// Somebody of `account`, in a region that is the same for all.
pub(crate) fn caller(account: &str, organization: Option<&str>) -> Caller {
    Caller {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        organization: organization.map(|id| OrganizationId::parse(id).unwrap()),
        forwarded_from: Vec::new(),
    }
}
