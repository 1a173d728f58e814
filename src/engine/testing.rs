//! An engine for tests: a real store in a folder that goes away, and a journal on the model of a disk.

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::name::{AccountId, OrganizationId, Region};
use eventyard_core::pattern::PatternLimits;

use super::{Caller, Engine, Settings};
use crate::journal::model_disk::ModelDisk;
use crate::journal::{self, CommitterThread, HistoryLimits, Journal};
use crate::runtime::{Random, SystemClock};
use crate::store::{Record, Store};
use crate::telemetry::Telemetry;

/// An engine with nothing in it.
pub(crate) struct TestEngine {
    pub(crate) engine: Arc<Engine>,
    pub(crate) journal: Journal,
    _committer: CommitterThread,
    _folder: tempfile::TempDir,
}

impl TestEngine {
    pub(crate) fn new() -> Self {
        Self::on(&Arc::default())
    }

    /// The same, with its journal on this disk.
    pub(crate) fn on(disk: &Arc<ModelDisk>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let journal_settings = journal::Settings {
            commit_group_requests_max: 16,
            commit_group_bytes_max: 1 << 20,
            segment_size_bytes: 1 << 20,
            free_space_bytes_min: 0,
            history: HistoryLimits { size_bytes_max: 0, retention: Duration::ZERO },
        };
        let (journal, committer) =
            Journal::open_on(Arc::<ModelDisk>::clone(disk), journal_settings, Arc::clone(&telemetry)).unwrap();
        let settings = Settings {
            entries_size_bytes_max: 1 << 20,
            pattern_length_max: 4_096,
            patterns: PatternLimits { wildcard_complexity_max: None, branches_max: None },
            targets_per_rule_max: 5,
            rules_per_event_bus_max: None,
            event_buses_per_account_max: None,
        };
        let store = Store::open(folder.path(), Timestamp::EPOCH).unwrap();
        let random = Arc::new(Random::from_seed(1));
        let engine = Engine::start(store, journal.clone(), Arc::new(SystemClock), random, settings, telemetry).unwrap();
        Self { engine: Arc::new(engine), journal, _committer: committer, _folder: folder }
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
    }
}
