//! Rules that are declared in files: read, checked as requests are, and applied.
//!
//! A file is JSON or YAML: the members of `PutRule` and `PutTargets` by their names, so whoever knows the API knows the
//! format. All files are read and checked before the first rule is applied, and a fault in one of them applies none. A rule
//! that is declared no longer is deleted with its targets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eventyard_core::arn::{event_bus_arn, rule_arn};
use eventyard_core::error::ServiceError;
use eventyard_core::limits::{RULES_FILE_SIZE_BYTES_MAX, RULES_FILES_MAX};
use eventyard_core::name::{AccountId, Region, RuleKey};
use serde::Deserialize;
use serde_json::Value;

use super::object::Object;
use super::operations::{rules::PutRuleRequest, tags::TagList, targets::read_declared_targets};
use crate::engine::{Applied, Caller, Engine, ManagedRule};
use crate::telemetry::{ManagedRuleApplied, ManagedRulesApplied, Telemetry};

/// The folder of files, and what they are applied to.
#[derive(Debug)]
pub struct ManagedRules {
    /// Where the files are. Those that end in `.json`, `.yaml` or `.yml` are read, in the order of their names.
    pub dir: PathBuf,
    /// What they are applied to.
    pub engine: Arc<Engine>,
    /// Account and region of files that do not name them.
    pub owner: Caller,
    /// Whom to tell.
    pub telemetry: Arc<Telemetry>,
}

/// Why the files were not applied, or not all of them: one sentence for each fault.
#[derive(Debug, thiserror::Error)]
#[error("the rules in files were not applied:\n  {}", .0.join("\n  "))]
pub struct ManagedRulesError(Vec<String>);

impl ManagedRulesError {
    /// What is wrong, and where.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.0
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RulesFile {
    account: Option<String>,
    region: Option<String>,
    rules: Vec<Object<DeclaredRule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeclaredRule {
    name: Option<String>,
    event_bus_name: Option<String>,
    /// The text of a pattern, or the pattern itself.
    event_pattern: Option<Value>,
    schedule_expression: Option<String>,
    state: Option<String>,
    description: Option<String>,
    role_arn: Option<String>,
    tags: Option<TagList>,
    #[serde(default)]
    targets: Vec<Value>,
}

/// The rules of all files with the file that declares each, and what is wrong with them.
#[derive(Default)]
struct Declared {
    rules: BTreeMap<RuleKey, (String, ManagedRule)>,
    faults: Vec<String>,
}

impl ManagedRules {
    /// Reads all files and makes the rules what they declare, on a thread that may block.
    ///
    /// # Errors
    /// When a file cannot be read or declares what cannot be; nothing is changed then. Also when a rule could not be applied;
    /// applying the files again does the rest.
    pub async fn apply(self: &Arc<Self>) -> Result<(), ManagedRulesError> {
        let rules = Arc::clone(self);
        let applied = tokio::task::spawn_blocking(move || rules.apply_all()).await;
        applied.unwrap_or_else(|error| Err(ManagedRulesError(vec![format!("a bug, please report it: {error}")])))
    }

    fn apply_all(&self) -> Result<(), ManagedRulesError> {
        let mut declared = Declared::default();
        for path in self.files().map_err(|fault| ManagedRulesError(vec![fault]))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match read_file(&path) {
                Ok(file) => self.declare(&name, file, &mut declared),
                Err(fault) => declared.faults.push(format!("{name}: {fault}")),
            }
        }
        for bus in self.engine.overfull_by_managed_rules(&declared.rules.keys().collect()) {
            let fault = "more rules are declared than quotas.rules_per_event_bus_max leaves room for";
            declared.faults.push(format!("{}: {fault}", event_bus_arn(&bus)));
        }
        if !declared.faults.is_empty() {
            return Err(ManagedRulesError(declared.faults));
        }
        self.make(declared)
    }

    fn files(&self) -> Result<Vec<PathBuf>, String> {
        let failed = |error: std::io::Error| format!("{} cannot be read: {error}", self.dir.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if !is_hidden && (is_json(&path) || is_yaml(&path)) {
                files.push(path);
            }
            if files.len() > RULES_FILES_MAX {
                return Err(format!("{} holds more than {RULES_FILES_MAX} files", self.dir.display()));
            }
        }
        files.sort();
        Ok(files)
    }

    fn declare(&self, file_name: &str, file: RulesFile, declared: &mut Declared) {
        let caller = match self.caller(&file) {
            Ok(caller) => caller,
            Err(fault) => return declared.faults.push(format!("{file_name}: {fault}")),
        };
        for (Object(rule), number) in file.rules.into_iter().zip(1..) {
            let place = match &rule.name {
                Some(name) => format!("{file_name}: rule {name}"),
                None => format!("{file_name}: rule number {number}"),
            };
            match self.read_rule(&caller, rule) {
                Ok(rule) => {
                    if let Some((other, _)) = declared.rules.get(&rule.key) {
                        declared.faults.push(format!("{place}: {other} declares it, too"));
                    } else {
                        declared.rules.insert(rule.key.clone(), (place, rule));
                    }
                }
                Err(error) => declared.faults.push(format!("{place}: {}", error.message)),
            }
        }
    }

    fn caller(&self, file: &RulesFile) -> Result<Caller, String> {
        let mut caller = self.owner.clone();
        if let Some(account) = &file.account {
            caller.account = AccountId::parse(account).map_err(|_| format!("Account '{account}' is not 12 digits"))?;
        }
        if let Some(region) = &file.region {
            caller.region = Region::parse(region).map_err(|_| format!("Region '{region}' is not valid"))?;
        }
        Ok(caller)
    }

    fn read_rule(&self, caller: &Caller, declared: DeclaredRule) -> Result<ManagedRule, ServiceError> {
        let event_pattern = declared.event_pattern.map(|pattern| match pattern {
            Value::String(text) => text,
            other => other.to_string(),
        });
        let request = PutRuleRequest {
            name: declared.name,
            schedule_expression: declared.schedule_expression,
            event_pattern,
            state: declared.state,
            description: declared.description,
            role_arn: declared.role_arn,
            tags: declared.tags,
            event_bus_name: declared.event_bus_name,
        };
        let (bus, name, rule) = request.read(&self.engine)?;
        let key = self.engine.authorized_rule(caller, "events:PutRule", bus, name)?;
        let managed = ManagedRule { key, rule, targets: read_declared_targets(declared.targets)? };
        self.engine.check_managed_rule(&managed)?;
        Ok(managed)
    }

    /// Applies what is declared, and deletes what is no longer.
    fn make(&self, declared: Declared) -> Result<(), ManagedRulesError> {
        let (mut done, mut faults) = (ManagedRulesApplied::default(), Vec::new());
        for key in self.engine.managed_rules() {
            if declared.rules.contains_key(&key) {
                continue;
            }
            match self.engine.delete_managed_rule(&key) {
                Ok(()) => {
                    done.deleted += 1;
                    self.telemetry.record(&ManagedRuleApplied { rule_arn: &rule_arn(&key), change: "deleted" });
                }
                Err(error) => faults.push(format!("{}: {}", rule_arn(&key), error.message)),
            }
        }
        for (key, (place, rule)) in declared.rules {
            let (count, change) = match self.engine.apply_managed_rule(rule) {
                Ok(Applied::Created) => (&mut done.created, "created"),
                Ok(Applied::Changed) => (&mut done.changed, "changed"),
                Ok(Applied::Unchanged) => {
                    done.unchanged += 1;
                    continue;
                }
                Err(error) => {
                    faults.push(format!("{place}: {}", error.message));
                    continue;
                }
            };
            *count += 1;
            self.telemetry.record(&ManagedRuleApplied { rule_arn: &rule_arn(&key), change });
        }
        self.telemetry.record(&done);
        if faults.is_empty() { Ok(()) } else { Err(ManagedRulesError(faults)) }
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn read_file(path: &Path) -> Result<RulesFile, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > RULES_FILE_SIZE_BYTES_MAX {
        return Err(format!("it has {size} bytes, and at most {RULES_FILE_SIZE_BYTES_MAX} are read"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    parse(&text, is_json(path))
}

fn parse(text: &str, is_json: bool) -> Result<RulesFile, String> {
    let file = if is_json {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        // Only the first line says what is wrong; those behind it draw the place.
        let first_line = |error: serde_saphyr::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
        serde_saphyr::from_str(text).map_err(first_line)
    };
    file.map(|Object(file)| file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_say_the_same() {
        let json = r#"{"Account": "111122223333", "Rules": [{"Name": "r", "EventPattern": {"a": [1, "x", null]}, "Targets": []}]}"#;
        let yaml = "Account: '111122223333'\nRules:\n  - Name: r\n    EventPattern:\n      a: [1, x, null]\n";
        for (text, is_json) in [(json, true), (json, false), (yaml, false)] {
            let file = parse(text, is_json).unwrap();
            assert_eq!(file.account.as_deref(), Some("111122223333"), "{text}");
            let Object(rule) = &file.rules[0];
            assert_eq!(rule.name.as_deref(), Some("r"), "{text}");
            assert_eq!(rule.event_pattern.as_ref().unwrap().to_string(), r#"{"a":[1,"x",null]}"#, "{text}");
            assert!(rule.targets.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_most_likely_a_typing_error_is_one() {
        for (text, is_json) in [
            ("", true),
            ("", false),
            ("[]", true),
            ("- Name: r", false),
            (r#"{"Rule": []}"#, true),
            ("Rules:\n  - Nam: r\n", false),
            ("Rules:\n  - Name: r\n    Name: s\n", false),
            ("Rules:\n  - [r]\n", false),
            ("Rules: [1]", false),
            ("Rules:\n\t- Name: r\n", false),
        ] {
            assert!(parse(text, is_json).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_that_unfolds_without_end_is_refused() {
        let level = |level: usize| {
            let inner = if level == 0 { "x".to_owned() } else { format!("*a{}", level - 1) };
            format!("      a{level}: &a{level} [{}]", vec![inner; 10].join(","))
        };
        let levels = |count| (0..count).map(level).collect::<Vec<_>>().join("\n");
        let file = |count| format!("Rules:\n  - Name: r\n    EventPattern:\n{}\n", levels(count));
        assert!(parse(&file(3), false).is_ok());
        assert!(parse(&file(12), false).is_err());
    }
}
