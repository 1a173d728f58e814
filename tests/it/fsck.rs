//! Damage on disk: what fsck finds and mends, and that a daemon starts or says why not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Answer, Daemon, Dice, Sink, wait_for};

const PATIENT: &[(&str, &str)] = &[("DELIVERY__BACKOFF_BASE_MS", "3600000"), ("DELIVERY__BACKOFF_MAX_MS", "3600000")];

fn fsck(data_dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_eventyard"))
        .args(["fsck", "--data-dir", data_dir.to_str().unwrap()])
        .args(more)
        .output()
        .unwrap();
    (status.code(), format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap()))
}

/// A data directory with rules, deliveries that wait, events and a dead letter, whose daemon was stopped.
fn filled(data_dir: &Path) {
    let (failing, refusing) = (Sink::start(|_| Answer::Status(503)), Sink::start(|_| Answer::Status(403)));
    let mut daemon = Daemon::start_in(data_dir, PATIENT);
    daemon.api().route("failing", failing.target());
    daemon.api().route("refusing", refusing.target());
    (0..40).for_each(|n| daemon.api().put("failing", &json!({"n": n})));
    daemon.api().put("refusing", &json!({"n": 0}));
    wait_for("the dead letter", || (!daemon.dead_letters().is_empty()).then_some(()));
    let running = fsck(data_dir, &[]);
    assert_eq!(running.0, Some(2), "{}", running.1);
    assert!(running.1.contains("a daemon runs on"), "{}", running.1);
    daemon.signal("TERM");
    assert!(daemon.wait().success());
}

/// All files below a folder that have anything in them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if entry.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").args(["-a", "--sparse=always"]).args([from, to]).status().unwrap().success());
}

#[test]
fn a_healthy_folder_is_clean_and_a_damaged_log_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data);
    let (code, said) = fsck(&data, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("dead 1") && said.contains("0 damaged"), "{said}");

    let log = files(&data.join("journal")).into_iter().find(|path| path.extension().is_some_and(|end| end == "jnl"));
    let log = log.unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[written / 2] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let (code, said) = fsck(&data, &["--output", "json"]);
    assert_eq!(code, Some(1), "{said}");
    let told: Value = serde_json::from_str(said.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert!(told["place"].as_str().unwrap().contains(".jnl, bytes"), "{told}");
    assert!(!data.join("quarantine.jsonl").exists(), "looking changes nothing");
    assert_eq!(fs::read(&log).unwrap(), bytes);
    let (code, said) = fsck(&data, &["--repair"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("put aside"), "{said}");
    let aside = fs::read_to_string(data.join("quarantine.jsonl")).unwrap();
    let aside: Value = serde_json::from_str(aside.lines().next().unwrap()).unwrap();
    assert!(aside["value_hex"].as_str().unwrap().len() > 10, "{aside}");
    let mut daemon = Daemon::start_in(&data, PATIENT);
    assert!(daemon.metric("eventyard_deliveries_pending") >= 39.0, "what stood behind the damage is there");
    daemon.kill();
}

/// Ends a daemon, however it was left.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a daemon begins on a folder: `Ok` when it is ready, or its last words.
fn start(data_dir: &Path) -> Result<Started, String> {
    let errors = data_dir.with_extension("errors");
    let mut daemon = Started(
        Command::new(env!("CARGO_BIN_EXE_eventyard"))
            .args(["serve", "--data-dir", data_dir.to_str().unwrap()])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .stderr(Stdio::from(fs::File::create(&errors).unwrap()))
            .spawn()
            .unwrap(),
    );
    let ended = wait_for("a start or an end", || {
        let said = fs::read_to_string(&errors).unwrap();
        if said.contains(" ready duration") {
            return Some(None);
        }
        let status = daemon.0.try_wait().unwrap()?;
        Some(Some((status, fs::read_to_string(&errors).unwrap())))
    });
    match ended {
        None => Ok(daemon),
        Some((status, said)) if status.code() == Some(1) && said.contains("eventyard: ") => Err(said),
        Some((status, said)) => panic!("it ended with {status}: {said}"),
    }
}

fn quarantined(data_dir: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(data_dir.join("quarantine.jsonl")).unwrap_or_default();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn last(said: &str) -> &str {
    said.lines().last().unwrap_or_default()
}

#[test]
fn a_byte_changed_anywhere_is_told_or_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    filled(&sound);
    let mut dice = Dice::from_environment();
    let paths = files(&sound);
    for round in 0..8_u64 {
        let data = folder.path().join(format!("data{round}"));
        copy(&sound, &data);
        let pick = usize::try_from(dice.below(paths.len() as u64)).unwrap();
        let file = data.join(paths[pick].strip_prefix(&sound).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        let written = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) as u64 + 1;
        let place = usize::try_from(dice.below(written)).unwrap();
        bytes[place] ^= 1 << dice.below(8);
        fs::write(&file, &bytes).unwrap();
        let at = format!("round {round}: byte {place} of {}", file.display());
        let (code, said) = fsck(&data, &[]);
        // What says which release wrote the folder is read first, and without it nothing else is.
        let is_unchecked = code == Some(2) && file.ends_with("format.json");
        assert!(matches!(code, Some(0 | 1)) || is_unchecked, "{at}: {code:?} {said}");
        assert!(!said.contains("panicked"), "{at}: {said}");
        let is_log = file.extension().is_some_and(|end| end == "jnl");
        match start(&data) {
            Ok(daemon) => {
                println!("{at}: it starts; fsck {code:?}");
                drop(daemon);
                let told = quarantined(&data);
                assert_eq!(is_log && code == Some(1), !told.is_empty(), "{at}: {told:?}");
                assert!(
                    told.iter().all(|line| line["place"].as_str().unwrap().contains(".jnl, bytes ")),
                    "{at}: {told:?}"
                );
                drop(start(&data).unwrap_or_else(|said| panic!("{at}: it started once only, and then: {said}")));
                assert_eq!(quarantined(&data), told, "{at}: what was put aside once is mended");
            }
            Err(said) => {
                println!("{at}: it refuses: {}", last(&said));
                assert_ne!(code, Some(0), "{at}: fsck finds nothing, and yet: {said}");
                assert!(!is_log, "{at}: a log keeps no daemon from starting: {said}");
                assert!(quarantined(&data).is_empty(), "{at}");
                let again = start(&data).err();
                assert_eq!(again.as_deref().map(last), Some(last(&said)), "{at}: it says the same again");
            }
        }
        let _ = fs::remove_dir_all(&data);
    }
}

/// The tables of the journal's parts, of which each is a folder.
fn tables(data_dir: &Path) -> Vec<PathBuf> {
    let all = files(&data_dir.join("journal/keyspaces")).into_iter();
    // Folder 0 has what fjall keeps about itself.
    all.filter(|path| path.parent().unwrap().ends_with("tables") && !path.to_str().unwrap().contains("/0/")).collect()
}

#[test]
fn a_damaged_block_of_a_table_costs_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    let failing = Sink::start(|_| Answer::Status(503));
    let mut daemon = Daemon::start_in(&sound, PATIENT);
    daemon.api().route("failing", failing.target());
    // More than the journal keeps of its events in memory.
    let filling = "x".repeat(240_000);
    (0..90).for_each(|n| daemon.api().put("failing", &json!({"n": n, "filling": filling})));
    wait_for("a table of events", || (!tables(&sound).is_empty()).then_some(()));
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let (code, said) = fsck(&sound, &[]);
    assert_eq!(code, Some(0), "{said}");
    for quarter in [0, 3] {
        for repair in [false, true] {
            let data = folder.path().join(format!("data{quarter}{repair}"));
            copy(&sound, &data);
            let table = tables(&data).remove(0);
            let mut bytes = fs::read(&table).unwrap();
            let place = bytes.len() * quarter / 4;
            bytes[place] ^= 1;
            fs::write(&table, &bytes).unwrap();
            let (code, said) = fsck(&data, &[]);
            assert!(code == Some(1) && said.contains("cannot be read") && said.contains("--repair"), "{said}");
            if repair {
                let (code, said) = fsck(&data, &["--repair"]);
                assert!(code == Some(1) && said.contains("were left behind"), "{said}");
                let (_, said) = fsck(&data, &[]);
                assert!(!said.contains("cannot be read"), "{said}");
                assert!(fs::read_to_string(data.join("quarantine.jsonl")).unwrap().contains("cannot be read"));
            }
            let mut daemon = Daemon::start_in(&data, PATIENT);
            assert!(daemon.metric("eventyard_deliveries_pending") > 80.0);
            daemon.api().put("failing", &json!({"n": 1_000}));
            daemon.kill();
            fs::remove_dir_all(&data).unwrap();
        }
    }
}
