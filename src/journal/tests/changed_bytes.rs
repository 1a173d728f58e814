//! A bit changed in each kind of file of a journal whose parts all lie in tables: what that may cost, and exactly which files,
//! and which bytes of tables, keep the journal from opening.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eventyard_core::name::RuleNumber;

use super::*;
use crate::journal::tests::salvage::{close, open_in, quarantined};

const EVENTS: u64 = 500;
const OTHER: TargetNumber = TargetNumber(9);
const REFUSED: TargetNumber = TargetNumber(8);
/// Places that are changed in a table, evenly from its begin to its end, and in another file.
const PLACES_OF_TABLE: usize = 8;
const PLACES: usize = 3;

/// What a file in the journal's folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What was written last, batch after batch.
    Log,
    /// The entries of a part.
    Table,
    /// Which tables a part has, or had.
    Manifest,
    FormerManifest,
    /// Which parts there are, which fjall keeps in a part of its own, and which fjall wrote it.
    OfEngine,
    /// The numbers that were given, which are in a table of a block or two.
    OfJournal,
}

/// What opening a journal with a changed bit comes to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It says why not, and what to do.
    Refused(String),
    /// How much of what is owed and of the dead letters is there, of how much of it the event is, and the quarantine's lines.
    Opened { owed: usize, sound: usize, dead: usize, aside: Vec<String> },
}

/// A journal with all that it can have, all of it in tables.
async fn filled(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let (journal, thread) = open_in(folder).unwrap();
    journal.commit((1..=EVENTS).map(|n| owed(n.into(), &[TARGET, OTHER, REFUSED])).collect()).await.unwrap();
    for target in [OTHER, REFUSED] {
        let settle = |pending: Pending| match target {
            OTHER => settled(pending, Settlement::RetryAt(at(5))),
            _ => settled(pending, Settlement::Dead(Box::new(letter(event(pending.delivery.event.0.into()))))),
        };
        let pending = journal.ready(target, None, usize::MAX).unwrap();
        journal.settle(pending.into_iter().map(settle).collect()).await.unwrap();
    }
    let mark = ScheduleMark { rule: RuleNumber(5), since: at(0), through: at(3) };
    journal.fire(Vec::new(), vec![mark]).await.unwrap();
    close((journal, thread)).await;
    let disk = FjallDisk::open(&folder.join("journal")).unwrap();
    for space in disk.view().unwrap().spaces() {
        disk.tables(space);
    }
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

fn kind(path: &Path) -> Kind {
    let text = path.to_str().unwrap();
    let is_in = |folder: &str| text.contains(folder);
    match path.file_name().unwrap().to_str().unwrap() {
        _ if path.extension().is_some_and(|end| end == "jnl") => Kind::Log,
        "current" => Kind::Manifest,
        name if name.starts_with('v') && is_in("/keyspaces/") => {
            let current = fs::read(path.with_file_name("current")).unwrap();
            let number = u64::from_le_bytes(*current.first_chunk().unwrap());
            if name == format!("v{number}") { Kind::Manifest } else { Kind::FormerManifest }
        }
        _ if is_in("/keyspaces/0/") || !is_in("/keyspaces/") => Kind::OfEngine,
        _ if is_in("/keyspaces/1/") => Kind::OfJournal,
        _ => Kind::Table,
    }
}

/// Opens the journal in `folder` and reads everything, twice: what was met the first time is mended by then.
async fn outcome(folder: &Path) -> Outcome {
    let mut read = None;
    for _ in 0..2 {
        let opened = match open_in(folder) {
            Ok(opened) => opened,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let journal = &opened.0;
        let _ = journal.dead_letters(&DeadLetterPage { limit: usize::MAX, ..ALL });
        // The read may have asked for mending; when these are answered it was done.
        journal.settle(Vec::new()).await.unwrap();
        journal.settle(Vec::new()).await.unwrap();
        let mut owed = journal.ready(TARGET, None, usize::MAX).unwrap();
        owed.extend(journal.later(OTHER, None, at(1_000), usize::MAX).unwrap());
        assert_eq!(journal.owed(), owed.len() as u64);
        let sound = owed.iter().filter(|pending| journal.event(pending.delivery.event).is_ok()).count();
        journal.settle(Vec::new()).await.unwrap();
        journal.settle(Vec::new()).await.unwrap();
        let dead = journal.dead_letters(&DeadLetterPage { limit: usize::MAX, ..ALL }).unwrap().len();
        close(opened).await;
        let aside = quarantined(folder);
        read = Some(Outcome::Opened { owed: owed.len(), sound, dead, aside });
    }
    read.unwrap()
}

/// The journal of `sound` with a bit of `file` changed at `place`, and what comes of that.
async fn changed(sound: &Path, file: &Path, place: usize) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let copied =
        Command::new("cp").args(["-a", "--sparse=always"]).arg(sound.join("journal")).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    let file = folder.path().join(file.strip_prefix(sound).unwrap());
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    bytes[place] ^= 0x10;
    fs::write(&file, &bytes).unwrap();
    let outcome = outcome(folder.path()).await;
    if matches!(outcome, Outcome::Refused(_)) {
        assert!(quarantined(folder.path()).is_empty());
        fs::write(&file, &whole).unwrap();
        assert_eq!(self::outcome(folder.path()).await, all(), "a start that was refused changes nothing");
    }
    outcome
}

/// What is read where nothing is lost.
fn all() -> Outcome {
    let events = usize::try_from(EVENTS).unwrap();
    Outcome::Opened { owed: 2 * events, sound: 2 * events, dead: events, aside: Vec::new() }
}

/// Places from the begin of a file to the last byte that is not zero.
fn places(file: &Path, count: usize) -> impl Iterator<Item = usize> {
    let bytes = fs::read(file).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    (0..count).map(move |index| last * index / (count - 1))
}

#[tokio::test]
async fn what_a_changed_bit_costs_is_what_is_said_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path();
    filled(sound).await;
    assert_eq!(outcome(sound).await, all());
    let mut met = Vec::new();
    for file in files(&sound.join("journal")) {
        let kind = kind(&file);
        met.push(kind);
        if kind == Kind::Table {
            changed_table(sound, &file).await;
            continue;
        }
        for place in places(&file, PLACES) {
            let outcome = changed(sound, &file, place).await;
            let at = format!("{kind:?}, byte {place} of {}: {outcome:?}", file.display());
            match (kind, outcome) {
                (Kind::FormerManifest, outcome) => assert_eq!(outcome, all(), "{at}"),
                // The tables have everything, so nothing is lost with a part of the log.
                (Kind::Log, Outcome::Opened { aside, owed, sound, dead }) => {
                    assert_eq!(Outcome::Opened { owed, sound, dead, aside: Vec::new() }, all(), "{at}");
                    let is_told = matches!(aside.as_slice(), [line] if covers(line, place));
                    // A last batch without its end is what a loss of power leaves.
                    let is_last = aside.is_empty() && place == places(&file, PLACES).last().unwrap();
                    assert!(is_told || is_last, "{at}");
                }
                (Kind::Manifest, Outcome::Refused(said)) => assert!(said.contains("is damaged: see what"), "{at}"),
                // A number that is given twice costs events, so a start does not guess.
                (Kind::OfJournal, Outcome::Refused(said)) if place == 0 => {
                    assert!(said.contains("fsck --repair"), "{at}");
                }
                (Kind::OfEngine | Kind::OfJournal, Outcome::Refused(said)) => {
                    assert!(said.contains("`eventyard fsck` finds, and restore a backup"), "{at}");
                }
                // The last bytes of a table are not looked at.
                (Kind::OfEngine | Kind::OfJournal, outcome) if place > 0 => assert_eq!(outcome, all(), "{at}"),
                _ => panic!("{at}"),
            }
        }
    }
    for kind in [Kind::Log, Kind::Table, Kind::Manifest, Kind::OfEngine, Kind::OfJournal] {
        assert!(met.contains(&kind), "{kind:?} is not among {met:?}");
    }
}

/// Whether a line of the quarantine names bytes of a log among which is this one.
fn covers(line: &str, place: usize) -> bool {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let (_, bytes) = line["place"].as_str().unwrap().split_once(".jnl, bytes ").unwrap();
    let (from, end) = bytes.split_once(" to ").unwrap();
    (from.parse().unwrap()..end.parse().unwrap()).contains(&place)
}

/// Behind its entries a table has its index and what it says about itself. Without the latter fjall does not open it. Everything
/// before costs some entries at most.
async fn changed_table(sound: &Path, file: &Path) {
    let (mut last_lossy, mut first_refused) = (None, None::<usize>);
    let end = places(file, PLACES_OF_TABLE).last().unwrap();
    for place in places(file, PLACES_OF_TABLE).chain([end - 200]) {
        let outcome = changed(sound, file, place).await;
        let at = format!("byte {place} of {}: {outcome:?}", file.display());
        match outcome {
            Outcome::Refused(said) => {
                assert!(said.contains("`eventyard fsck` finds, and restore a backup"), "{at}");
                first_refused = Some(first_refused.map_or(place, |first| first.min(place)));
            }
            Outcome::Opened { aside, owed, sound, dead } => {
                let is_lossy = Outcome::Opened { owed, sound, dead, aside: Vec::new() } != all();
                let told = |line: &String| line.contains("/tables/") && line.contains("cannot be read");
                let is_told = matches!(aside.as_slice(), [line] if told(line));
                assert!(is_told || !is_lossy && aside.is_empty(), "{at}");
                last_lossy = last_lossy.max(is_lossy.then_some(place));
            }
        }
    }
    assert!(
        first_refused.is_some() && first_refused > last_lossy,
        "{}: {last_lossy:?}, {first_refused:?}",
        file.display()
    );
}
