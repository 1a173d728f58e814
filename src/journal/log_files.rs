//! The log files of fjall, looked through before fjall opens them.
//!
//! What is written goes to a log first, batch after batch. At the first batch that is not in its form fjall takes the log for
//! ended there and cuts it off, and one whose checksum does not fit keeps it from opening at all. The first is right after a
//! loss of power, when nothing stands behind. But a damaged byte in the middle would take all that was acknowledged after it.
//! So whole batches behind a damaged place are kept: the damaged bytes go to the quarantine and the log closes over the gap.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::Path;

use super::quarantine::{Quarantined, quarantine};

/// What a batch begins with, has in it, and ends with.
const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
/// The last bytes of a batch.
const TRAILER: &[u8] = b"FJL\x03";
/// Bytes of the beginning of a batch: its byte, how many items (4 bytes), its number (8 bytes).
const START_BYTES: usize = 13;
/// Bytes of an item's head: its byte, what it does, its compression, the number of its keyspace (8 bytes), lengths of key (2
/// bytes), value, and value on disk (4 bytes each).
const ITEM_HEAD_BYTES: usize = 21;

/// A place in a log that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DamagedLog {
    /// From which byte on, and before which.
    pub(super) bytes: Range<usize>,
    /// What is wrong.
    pub(super) reason: &'static str,
    /// What belongs there instead; empty when it is not known.
    pub(super) instead: Vec<u8>,
}

/// Looks through all logs in `folder`.
pub(super) fn check(folder: &Path) -> io::Result<Vec<(String, DamagedLog)>> {
    let mut found = Vec::new();
    for name in names(folder)? {
        let damaged = scan(&fs::read(folder.join(&name))?);
        found.extend(damaged.into_iter().map(|damaged| (name.clone(), damaged)));
    }
    Ok(found)
}

/// Closes the gaps in all logs in `folder`, whose data directory is `data_dir`; answers what went to the quarantine. Nothing is
/// done while another process has the folder.
pub(super) fn mend(folder: &Path, data_dir: &Path) -> io::Result<Vec<Quarantined>> {
    let mut mended = Vec::new();
    // The lock that fjall takes. Who cannot have it is told so by fjall.
    let Ok(lock) = File::options().read(true).write(true).open(folder.join("lock")) else { return Ok(mended) };
    if lock.try_lock().is_err() {
        return Ok(mended);
    }
    for name in names(folder)? {
        let log = fs::read(folder.join(&name))?;
        let damaged = scan(&log);
        if damaged.is_empty() {
            continue;
        }
        let records = damaged.iter().map(|DamagedLog { bytes, reason, .. }| Quarantined {
            place: format!("{name}, bytes {} to {}", bytes.start, bytes.end),
            key: Vec::new(),
            value: log.get(bytes.clone()).unwrap_or_default().to_vec(),
            reason: (*reason).to_owned(),
        });
        let records: Vec<_> = records.collect();
        quarantine(data_dir, &records)?;
        close_gaps(folder, &name, &log, &damaged)?;
        mended.extend(records);
    }
    Ok(mended)
}

/// Writes the log anew without the damaged places, or with what belongs there, and puts it in the place of the old one when it is on disk.
fn close_gaps(folder: &Path, name: &str, log: &[u8], damaged: &[DamagedLog]) -> io::Result<()> {
    let beside = folder.join(format!("{name}.mended"));
    let mut file = File::create(&beside)?;
    let mut from = 0;
    for DamagedLog { bytes, instead, .. } in damaged {
        file.write_all(log.get(from..bytes.start).unwrap_or_default())?;
        file.write_all(instead)?;
        from = bytes.end;
    }
    file.write_all(log.get(from..).unwrap_or_default())?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    File::open(folder)?.sync_all()
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    if !folder.is_dir() {
        return Ok(names);
    }
    for entry in fs::read_dir(folder)? {
        names.extend(
            entry?
                .file_name()
                .into_string()
                .ok()
                .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "jnl")),
        );
    }
    names.sort_unstable();
    Ok(names)
}

/// The damaged places of a log. A batch that was broken off at the end, as by a loss of power, is none.
fn scan(log: &[u8]) -> Vec<DamagedLog> {
    // Space set aside beforehand. A batch does not end with a zero.
    let end = log.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let log = log.get(..end).unwrap_or_default();
    let (mut damaged, mut batches, mut place) = (Vec::new(), Vec::new(), 0);
    while place < end {
        match batch(log, place) {
            Batch::Whole(next) => {
                batches.push(place);
                place = next;
            }
            bad => {
                let behind = (place + 1..end).find(|place| matches!(batch(log, *place), Batch::Whole(_)));
                let (next, reason) = match (behind, bad) {
                    (Some(next), _) => (next, "not what was written; whole batches stand behind"),
                    (None, Batch::Changed) => (end, "the last batch is not what was written"),
                    (None, _) => break,
                };
                damaged.push(DamagedLog { bytes: place..next, reason, instead: Vec::new() });
                place = next;
            }
        }
    }
    damaged.extend(misnumbered(log, &batches));
    damaged.sort_by_key(|damaged| damaged.bytes.start);
    damaged
}

/// Batches whose number is not between those of their neighbours. Numbers only rise, and no checksum of fjall's covers them;
/// a batch with a wrong one would be taken for older or newer than it is.
fn misnumbered(log: &[u8], batches: &[usize]) -> Vec<DamagedLog> {
    let number_of = |place: &usize| log.get(place + 5..place + START_BYTES)?.try_into().ok().map(u64::from_le_bytes);
    let numbers: Vec<u64> = batches.iter().filter_map(number_of).collect();
    let (mut wrong, mut before) = (Vec::new(), None);
    for (index, place) in batches.iter().enumerate() {
        let (Some(number), next) = (numbers.get(index).copied(), numbers.get(index + 1).copied()) else { break };
        let should_be = match (before, next) {
            (Some(before), _) if number <= before => before + 1,
            // Unless there is no room for this one, and so the next one is wrong.
            (Some(before), Some(next)) if number >= next && before + 1 < next => before + 1,
            (None, Some(next)) if number >= next && next > 0 => next - 1,
            _ => number,
        };
        if should_be != number {
            let reason = "the number of a batch is not between those of its neighbours; set right";
            let instead = should_be.to_le_bytes().to_vec();
            wrong.push(DamagedLog { bytes: place + 5..place + START_BYTES, reason, instead });
        }
        before = Some(should_be);
    }
    wrong
}

enum Batch {
    /// As it was written, to before this place.
    Whole(usize),
    /// In its form, but the checksum does not fit.
    Changed,
    /// None begins there, or it does not end.
    Broken,
}

fn batch(log: &[u8], place: usize) -> Batch {
    parse_batch(log, place).unwrap_or(Batch::Broken)
}

fn parse_batch(log: &[u8], place: usize) -> Option<Batch> {
    let start = log.get(place..place + START_BYTES)?;
    if start[0] != START {
        return None;
    }
    let (mut at, mut left) = (place + START_BYTES, number(start.get(1..5)?));
    let items = at;
    while left > 0 {
        at += match *log.get(at)? {
            ITEM => {
                let head = log.get(at..at + ITEM_HEAD_BYTES)?;
                ITEM_HEAD_BYTES + number(&head[11..13]) + number(&head[17..21])
            }
            CLEAR => 9,
            _ => return None,
        };
        left -= 1;
    }
    let end = log.get(at..at + 9 + TRAILER.len())?;
    if end[0] != END || !end.ends_with(TRAILER) {
        return None;
    }
    let checksum = xxhash_rust::xxh3::xxh3_64(log.get(items..at)?);
    let is_whole = end.get(1..9)? == checksum.to_le_bytes();
    Some(if is_whole { Batch::Whole(at + end.len()) } else { Batch::Changed })
}

fn number(little_endian: &[u8]) -> usize {
    little_endian.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::disk::{Disk as _, Durability, Space, Write};
    use crate::journal::{FjallDisk, QUARANTINE_FILE};

    const BATCHES: u8 = 20;

    /// A journal of twenty batches of two entries, and the bytes of its log without what is set aside.
    fn journal(folder: &Path) -> Vec<u8> {
        let disk = FjallDisk::open(&folder.join("journal")).unwrap();
        for n in 0..BATCHES {
            let insert = |space| Write::Insert(space, vec![n], vec![n; 30]);
            disk.write(vec![insert(Space::Ready), insert(Space::Later)], Durability::Power).unwrap();
        }
        drop(disk);
        let mut log = fs::read(log_of(folder)).unwrap();
        log.truncate(log.iter().rposition(|byte| *byte != 0).unwrap() + 1);
        log
    }

    fn log_of(folder: &Path) -> std::path::PathBuf {
        let names = names(&folder.join("journal")).unwrap();
        assert_eq!(names.len(), 1, "{names:?}");
        folder.join("journal").join(&names[0])
    }

    fn places(log: &[u8]) -> Vec<usize> {
        let (mut places, mut place) = (vec![0], 0);
        while let Batch::Whole(next) = batch(log, place) {
            places.push(next);
            place = next;
        }
        places
    }

    #[test]
    fn what_this_fjall_writes_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let log = journal(folder.path());
        assert_eq!(scan(&log), []);
        assert!(places(&log).len() > usize::from(BATCHES), "{:?} of {}", places(&log), log.len());
        assert_eq!(places(&log).last(), Some(&log.len()));
    }

    #[test]
    fn every_changed_byte_is_found_and_takes_one_batch_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let log = journal(folder.path());
        let places = places(&log);
        for place in 0..log.len() {
            let mut changed = log.clone();
            changed[place] ^= [1, 2, 0x10][place % 3];
            let batch = places.iter().rposition(|begin| *begin <= place).unwrap();
            let damaged = scan(&changed);
            let mended = damaged.iter().rev().fold(changed.clone(), |mut log, DamagedLog { bytes, instead, .. }| {
                log.splice(bytes.clone(), instead.iter().copied());
                log
            });
            assert_eq!(scan(&mended), [], "{place}");
            let is_last = places[batch + 1] == log.len();
            let number = places[batch] + 5..places[batch] + START_BYTES;
            if !is_last {
                assert_eq!(damaged.len(), 1, "{place}: {damaged:?}");
                if number.contains(&place) && batch == 1 {
                    // Of the first two it cannot be told which is wrong; in order they are again either way.
                    assert_eq!((damaged[0].bytes.len(), damaged[0].instead.len()), (8, 8));
                } else if number.contains(&place) {
                    let DamagedLog { bytes, instead, .. } = damaged[0].clone();
                    assert_eq!((bytes, instead), (number.clone(), log[number].to_vec()), "{place}");
                } else {
                    assert_eq!(damaged[0].bytes, places[batch]..places[batch + 1], "{place}");
                }
            }
        }
        for cut in 0..log.len() {
            assert_eq!(scan(&log[..cut]), [], "cut at {cut}: as a loss of power does");
        }
    }

    #[test]
    fn a_damaged_batch_costs_itself_and_none_behind_it() {
        // The first byte of the tenth batch, the length of its first key, its first value.
        for offset in [0, START_BYTES + 11, START_BYTES + ITEM_HEAD_BYTES + 1] {
            let folder = tempfile::tempdir().unwrap();
            let mut log = journal(folder.path());
            let batches: Vec<_> = places(&log).windows(2).map(|ends| ends[0]..ends[1]).collect();
            let is_tenth = |batch: &&Range<usize>| log[(*batch).clone()].windows(30).any(|bytes| bytes == [10; 30]);
            let place = batches.iter().find(is_tenth).unwrap().start + offset;
            log[place] ^= 0x10;
            fs::write(log_of(folder.path()), &log).unwrap();
            let disk = FjallDisk::open(&folder.path().join("journal")).unwrap();
            assert_eq!(disk.mended().len(), 1);
            let keys = disk.scan(Space::Ready, &[], &[u8::MAX], 100).unwrap();
            let keys: Vec<u8> = keys.iter().map(|(key, _)| key[0]).collect();
            assert_eq!(keys, (0..BATCHES).filter(|n| *n != 10).collect::<Vec<_>>(), "byte {place}");
            let told = fs::read_to_string(folder.path().join(QUARANTINE_FILE)).unwrap();
            assert!(told.contains("whole batches stand behind") && told.lines().count() == 1, "{told}");
        }
    }
}
