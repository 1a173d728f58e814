//! Backups of a daemon under load, restored and looked through in another folder.

use std::collections::{HashMap, HashSet};
use std::fs;

use serde_json::Value;

use super::World;
use crate::facts::Fact;
use crate::oracle::{Id, TARGETS, id};

impl World {
    /// Takes one. What was owed before it began and was not taken by its end must be in it.
    pub(super) fn back_up(&mut self) -> Result<(), String> {
        let (file, data_dir) = (self.folder.join("backup"), self.folder.join("restored"));
        let owed = self.oracle().owed_now();
        let admin = self.daemon.admin_address().to_string();
        self.daemon.command("backup", &["--to".as_ref(), file.as_os_str(), "--admin".as_ref(), admin.as_ref()])?;
        let still_owed = self.oracle().owed_now();
        self.daemon.command("restore", &[file.as_os_str(), "--data-dir".as_ref(), data_dir.as_os_str()])?;
        self.daemon.check(&data_dir)?;
        let lines = self.daemon.command("export", &["--data-dir".as_ref(), data_dir.as_os_str()])?;
        let kept = kept(&lines);
        let missed: Vec<_> = owed.intersection(&still_owed).filter(|owed| !kept.contains(owed)).collect();
        if let Some((id, target)) = missed.first() {
            let (missed, owed) = (missed.len(), owed.len());
            return Err(format!("{missed} of {owed} deliveries owed are not in it: {id:032x} at {}", TARGETS[*target]));
        }
        self.oracle().facts.meet_if(!owed.is_disjoint(&kept), Fact::BackedUpUnderLoad);
        fs::remove_file(file).and_then(|()| fs::remove_dir_all(data_dir)).map_err(|error| error.to_string())
    }
}

/// The deliveries of which a journal has the event, owed or a dead letter.
fn kept(lines: &str) -> HashSet<(Id, usize)> {
    let (mut targets, mut events) = (HashMap::new(), HashMap::new());
    let (mut deliveries, mut kept) = (Vec::new(), HashSet::new());
    let target_of = |name: &Value| TARGETS.iter().position(|target| Some(*target) == name.as_str());
    let id_of = |line: &Value| line["event_id"].as_str().and_then(id);
    for line in lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let number = |name: &str| line[name].as_u64();
        match line["kind"].as_str() {
            Some("target") => {
                let name = line["key"].as_array().and_then(|key| key.last()).unwrap_or(&Value::Null);
                targets.extend(line["value"]["number"].as_u64().zip(target_of(name)));
            }
            Some("event") => events.extend(number("event_number").zip(id_of(&line))),
            Some("delivery") => deliveries.extend(number("event_number").zip(number("target_number"))),
            Some("dead_letter") => kept.extend(id_of(&line).zip(target_of(&line["target_id"]))),
            _ => {}
        }
    }
    kept.extend(deliveries.iter().filter_map(|(event, target)| Some((*events.get(event)?, *targets.get(target)?))));
    kept
}
