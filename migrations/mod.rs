//! Every schema the store has had, as steps from one to the next. README.md beside this file tells how to add one.
//!
//! A step is a pure function over records: it never sees the storage engine, so it can be tried on a fixture and will
//! still run when the engine is another one.

mod m0001_first;

use super::Record;

/// A step to a newer schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The schema it leads to.
    pub schema: u32,
    /// Its file's name.
    pub name: &'static str,
    /// All records of the schema before, to all records of this one; or what it did not understand.
    pub apply: fn(Vec<Record>) -> Result<Vec<Record>, String>,
}

/// All steps, in order, without gaps.
pub const ALL: &[Migration] = &[Migration { schema: 1, name: "m0001_first", apply: m0001_first::apply }];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::{Store, read_dump};

    #[test]
    fn steps_are_numbered_without_gaps() {
        for (step, number) in ALL.iter().zip(1..) {
            assert_eq!(step.schema, number);
            assert!(step.name.starts_with(&format!("m{number:04}_")), "{}", step.name);
        }
    }

    /// A fixture is a dump that a release with that schema wrote. Each must come to the newest schema and load.
    #[test]
    fn the_fixture_of_every_schema_still_loads() {
        for step in ALL {
            let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("migrations/fixtures/schema-{:04}.dump.jsonl", step.schema));
            let (schema, records) = read_dump(&fixture).unwrap();
            assert_eq!(schema, step.schema);
            let dir = tempfile::tempdir().unwrap();
            Store::restore(dir.path(), &records).unwrap();
            let contents = Store::open(dir.path(), eventyard_core::clock::Timestamp::EPOCH).unwrap().load().unwrap();
            assert!(contents.rules.len() >= 2 && contents.targets.len() >= 2 && !contents.removed_targets.is_empty());
        }
    }
}
