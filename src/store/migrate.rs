//! Bringing a store to the newest schema, with a verified copy of it made first.

use std::path::Path;

use eventyard_core::clock::Timestamp;
use serde_json::json;

use super::codec::{CREATED_MS, SCHEMA};
use super::dump::write_dump;
use super::migrations::Migration;
use super::{Kind, Record, Store, StoreError};

/// Applies the steps that `store` has not had.
///
/// They work on the records in memory; the result is written as one transaction together with the new schema number, so
/// a crash leaves the store as it was or as it shall be.
pub(super) fn migrate(store: &Store, data_dir: &Path, steps: &[Migration], now: Timestamp) -> Result<(), StoreError> {
    let old = store.records()?;
    let found = schema(&old)?;
    let newest = steps.last().map_or(0, |step| step.schema);
    if found > newest {
        return Err(StoreError::Newer { path: store.path.clone(), found, newest });
    }
    if found == newest {
        return Ok(());
    }
    if found > 0 {
        let name = format!("store-schema-{found:04}-{}.dump.jsonl", now.as_millis());
        write_dump(&data_dir.join(name), found, &old)?;
    }
    let mut records = if found == 0 { vec![store_record(CREATED_MS, &json!(now.as_millis()))] } else { old.clone() };
    for step in steps.iter().filter(|step| step.schema > found) {
        records = (step.apply)(records).map_err(|reason| StoreError::Migration { name: step.name, reason })?;
    }
    records.retain(|record| !is_schema(record));
    records.push(store_record(SCHEMA, &json!(newest)));
    store.replace(&old, &records)
}

/// The schema number in `records`: 0 for a store that is empty.
pub(super) fn schema(records: &[Record]) -> Result<u32, StoreError> {
    let damaged = |reason: &str| StoreError::Damaged { entry: SCHEMA.to_owned(), reason: reason.to_owned() };
    match records.iter().find(|record| is_schema(record)) {
        Some(record) => {
            let number = record.value.as_u64().and_then(|number| u32::try_from(number).ok());
            number.ok_or_else(|| damaged("it is not a number"))
        }
        None if records.is_empty() => Ok(0),
        None => Err(damaged("there are entries, but no schema number")),
    }
}

fn is_schema(record: &Record) -> bool {
    record.kind == Kind::Store && record.key == [SCHEMA]
}

fn store_record(key: &str, value: &serde_json::Value) -> Record {
    Record { kind: Kind::Store, key: vec![key.to_owned()], value: value.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{migrations, read_dump};

    #[expect(clippy::unnecessary_wraps, reason = "every step has this form")]
    fn shout(records: Vec<Record>) -> Result<Vec<Record>, String> {
        let shout = |mut record: Record| {
            if record.kind == Kind::Rule {
                record.value["description"] = json!("SHOUTED");
            }
            record
        };
        Ok(records.into_iter().map(shout).collect())
    }

    fn refuse(_: Vec<Record>) -> Result<Vec<Record>, String> {
        Err("a rule without a number".to_owned())
    }

    const SHOUT: Migration = Migration { schema: 2, name: "m0002_shout", apply: shout };
    const REFUSE: Migration = Migration { schema: 2, name: "m0002_refuse", apply: refuse };

    fn rule() -> Record {
        let key = ["000000000000", "us-east-1", "default", "r"].map(str::to_owned).to_vec();
        Record { kind: Kind::Rule, key, value: json!({"number": 1, "state": "ENABLED"}) }
    }

    fn first_store(dir: &Path) -> Vec<Record> {
        let store = Store::open_with(dir, &migrations::ALL[..1], Timestamp::EPOCH).unwrap();
        store.replace(&[], &[rule()]).unwrap();
        store.records().unwrap()
    }

    fn dumps(dir: &Path) -> Vec<std::path::PathBuf> {
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.to_string_lossy().ends_with(".dump.jsonl")).collect()
    }

    #[test]
    fn a_new_store_gets_the_newest_schema_and_needs_no_dump() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Timestamp::EPOCH).unwrap();
        assert_eq!(schema(&store.records().unwrap()).unwrap(), migrations::ALL.last().unwrap().schema);
        assert_eq!(dumps(dir.path()), Vec::<std::path::PathBuf>::new());
    }

    #[test]
    fn an_older_store_is_dumped_and_then_changed() {
        let dir = tempfile::tempdir().unwrap();
        let before = first_store(dir.path());
        let steps = [migrations::ALL[0], SHOUT];
        let store = Store::open_with(dir.path(), &steps, Timestamp::EPOCH).unwrap();
        let records = store.records().unwrap();
        assert_eq!(schema(&records).unwrap(), 2);
        assert!(records.iter().any(|record| record.value["description"] == "SHOUTED"));
        assert_eq!(read_dump(&dumps(dir.path())[0]).unwrap(), (1, before));
    }

    #[test]
    fn a_newer_store_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        first_store(dir.path());
        drop(Store::open_with(dir.path(), &[migrations::ALL[0], SHOUT], Timestamp::EPOCH).unwrap());
        let error = Store::open_with(dir.path(), &migrations::ALL[..1], Timestamp::EPOCH).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 2, newest: 1, .. }), "{error}");
        assert!(Store::open_with(dir.path(), &[migrations::ALL[0], SHOUT], Timestamp::EPOCH).is_ok());
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let before = first_store(dir.path());
        let error = Store::open_with(dir.path(), &[migrations::ALL[0], REFUSE], Timestamp::EPOCH).unwrap_err();
        assert!(error.to_string().contains("m0002_refuse failed: a rule without a number"), "{error}");
        let store = Store::open_with(dir.path(), &migrations::ALL[..1], Timestamp::EPOCH).unwrap();
        assert_eq!(store.records().unwrap(), before);
    }

    #[test]
    fn a_dump_that_cannot_be_written_stops_the_migration() {
        let dir = tempfile::tempdir().unwrap();
        first_store(dir.path());
        let taken = dir.path().join("store-schema-0001-0.dump.jsonl");
        std::fs::write(&taken, "in the way").unwrap();
        let error = Store::open_with(dir.path(), &[migrations::ALL[0], SHOUT], Timestamp::EPOCH).unwrap_err();
        assert!(matches!(error, StoreError::Dump(_)), "{error}");
    }
}
