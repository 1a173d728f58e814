//! Data directories of every schema that was released, and one of a later release.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Answer, Daemon, Sink, wait_for};

/// Whole data directories, one a schema; migrations/README.md says what is in them.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/fixtures");
    let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    found.filter(|path| path.extension().is_some_and(|end| end == "gz")).collect()
}

fn unpack(fixture: &Path, folder: &Path) -> PathBuf {
    let unpacked = Command::new("tar").arg("-xzf").arg(fixture).arg("-C").arg(folder).status().unwrap();
    assert!(unpacked.success());
    folder.join("data")
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn what_a_daemon_of_each_schema_owed_is_delivered() {
    let fixtures = fixtures();
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        let folder = tempfile::tempdir().unwrap();
        let data = unpack(&fixture, folder.path());
        let sink = Sink::start(|_| Answer::Status(200));
        let daemon = Daemon::start_in(&data, &[]);
        let mut target = sink.target();
        target["Id"] = "t".into();
        daemon.api().call("PutTargets", &serde_json::json!({"Rule": "waiting", "Targets": [target]}));
        let resumed = Command::new(env!("CARGO_BIN_EXE_eventyard"))
            .args(["rules", "resume", "waiting", "--admin", &daemon.admin().0.to_string()])
            .output()
            .unwrap();
        assert!(resumed.status.success(), "{resumed:?}");
        daemon.wait_until_settled();
        let came = sink.received();
        for detail_type in [r#""detail-type":"tried""#, r#""detail-type":"new""#] {
            assert!(came.iter().any(|event| event.contains(detail_type)), "{}: {came:?}", fixture.display());
        }
        assert!(data.join("format.json").exists());
    }
}

#[test]
fn a_later_release_s_data_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = unpack(&fixtures()[0], folder.path());
    for format in [
        r#"{"release":"9.8.7","store_schema":99,"journal_schema":1}"#,
        r#"{"release":"9.8.7","store_schema":1,"journal_schema":99}"#,
    ] {
        fs::write(data.join("format.json"), format).unwrap();
        let before = contents(&data);
        for command in
            [&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"][..], &["fsck", "--repair"]]
        {
            let mut child = Command::new(env!("CARGO_BIN_EXE_eventyard"))
                .args(command)
                .args(["--data-dir", data.to_str().unwrap()])
                .stderr(fs::File::create(folder.path().join("errors")).unwrap())
                .spawn()
                .unwrap();
            let status = wait_for("the end", || child.try_wait().unwrap());
            let said = fs::read_to_string(folder.path().join("errors")).unwrap();
            assert!(!status.success() && said.contains("start release 9.8.7 or a later one"), "{command:?}: {said}");
        }
        assert!(contents(&data) == before, "something was changed");
    }
}
