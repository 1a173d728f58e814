//! Looking at every entry of a store: whether it is in its form, and whether what it refers to is there.

use std::collections::BTreeSet;
use std::path::Path;

use eventyard_core::name::TargetNumber;

use super::migrate::schema;
use super::{Contents, Record, Store, StoreError, codec, migrations};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFault {
    /// The entry's key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// What is wrong with it.
    pub reason: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct CheckedStore {
    /// How many entries there are.
    pub entries: u64,
    /// The numbers of all targets, those that are gone included.
    pub targets: BTreeSet<TargetNumber>,
    /// What is wrong.
    pub faults: Vec<StoreFault>,
}

impl Store {
    /// Looks at every entry of the store in `data_dir`, which is left as it is.
    ///
    /// # Errors
    /// When it cannot be opened or read at all.
    pub fn check(data_dir: &Path) -> Result<CheckedStore, StoreError> {
        let store = Self::open_as_it_is(data_dir)?;
        let (mut checked, mut records) = (CheckedStore::default(), Vec::new());
        for entry in store.db.iter() {
            let (key, value) = entry.map_err(|error| StoreError::Read(error.to_string()))?;
            checked.entries += 1;
            match Record::from_bytes(&key, &value) {
                Ok(record) => records.push(record),
                Err(error) => checked.faults.push(fault(&key, &value, &error)),
            }
        }
        let found = schema(&records)?;
        let newest = migrations::ALL.last().map_or(0, |step| step.schema);
        if found > newest {
            return Err(StoreError::Newer { path: store.path, found, newest });
        }
        for step in migrations::ALL.iter().filter(|step| step.schema > found) {
            records = (step.apply)(records).map_err(|reason| StoreError::Migration { name: step.name, reason })?;
        }
        let mut contents = Contents::default();
        for record in &records {
            if let Err(reason) = codec::take(&mut contents, record.clone()) {
                checked.faults.push(fault(&record.key_bytes(), &record.value_bytes(), &reason));
            }
        }
        checked.faults.extend(lost_targets(&contents, &records));
        checked.targets.extend(contents.targets.iter().map(|(_, target)| target.number));
        checked.targets.extend(contents.removed_targets.iter().map(|(number, _)| *number));
        Ok(checked)
    }
}

/// Targets whose rule is not there.
fn lost_targets(contents: &Contents, records: &[Record]) -> Vec<StoreFault> {
    let rules: BTreeSet<_> = contents.rules.iter().map(|(key, _)| key).collect();
    let lost = contents.targets.iter().filter(|(rule, _)| !rules.contains(rule)).map(|(key, target)| {
        let number = target.number.0;
        let record = records.iter().find(|record| {
            record.kind == super::Kind::Target
                && record.value.get("number").and_then(serde_json::Value::as_u64) == Some(number)
        });
        let (stored, value) = record.map(|record| (record.key_bytes(), record.value_bytes())).unwrap_or_default();
        fault(&stored, &value, &format!("a target of the rule {}, which is not there", key.name))
    });
    lost.collect()
}

fn fault(key: &[u8], value: &[u8], reason: &dyn std::fmt::Display) -> StoreFault {
    StoreFault { key: key.to_vec(), value: value.to_vec(), reason: reason.to_string() }
}

/// Removes entries from the store in `data_dir`, as one transaction.
///
/// # Errors
/// When it cannot be opened or written.
pub fn remove_damaged(data_dir: &Path, faults: &[StoreFault]) -> Result<(), StoreError> {
    let store = Store::open_as_it_is(data_dir)?;
    let mut batch = sled::Batch::default();
    for fault in faults {
        batch.remove(fault.key.as_slice());
    }
    store.db.apply_batch(batch).map_err(|error| StoreError::Write(error.to_string()))?;
    store.db.flush().map_err(|error| StoreError::Write(error.to_string()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use eventyard_core::clock::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::store::Kind;

    #[test]
    fn what_is_damaged_is_found_and_goes_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Timestamp::EPOCH).unwrap();
        let parts = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let bus = ["000000000000", "us-east-1", "default"];
        let rule = Record {
            kind: Kind::Rule,
            key: parts(&[&bus[..], &["r"]].concat()),
            value: json!({"number": 1, "state": "ENABLED"}),
        };
        let target = |of: &str, number| Record {
            kind: Kind::Target,
            key: parts(&[&bus[..], &[of, "t"]].concat()),
            value: json!({"number": number, "arn": "http://localhost/"}),
        };
        store.replace(&[], &[rule, target("r", 2), target("gone", 3)]).unwrap();
        store.db.insert([&[3][..], b"?"].concat(), b"{".to_vec()).unwrap();
        store.db.insert([&[77][..], b"?"].concat(), b"{}".to_vec()).unwrap();
        store.db.insert([&[3][..], b"a\0b\0c\0d"].concat(), b"{}".to_vec()).unwrap();
        drop(store);
        let checked = Store::check(dir.path()).unwrap();
        let reasons: Vec<_> = checked.faults.iter().map(|fault| fault.reason.as_str()).collect();
        assert_eq!(reasons.len(), 4, "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("the rule gone, which is not there")), "{reasons:?}");
        assert!(Store::open(dir.path(), Timestamp::EPOCH).and_then(|store| store.load()).is_err());
        remove_damaged(dir.path(), &checked.faults).unwrap();
        assert_eq!(Store::check(dir.path()).unwrap().faults, []);
        let contents = Store::open(dir.path(), Timestamp::EPOCH).unwrap().load().unwrap();
        assert_eq!((contents.rules.len(), contents.targets.len()), (1, 1));
    }
}
