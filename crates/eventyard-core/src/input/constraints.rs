//! The constraints that the API model puts on a target's input: lengths, the size of the map, the pattern of its keys.

use std::collections::BTreeMap;

use super::{INPUT_LENGTH_MAX, INPUT_PATH_LENGTH_MAX, INPUT_PATHS_MAX, InvalidInput};

/// The first constraint that is violated, in the order of the model's members.
pub(super) fn check(
    input: Option<&str>,
    input_path: Option<&str>,
    transformer: Option<(&BTreeMap<String, String>, &str)>,
) -> Result<(), InvalidInput> {
    at_most(input.unwrap_or_default(), INPUT_LENGTH_MAX, "input")?;
    at_most(input_path.unwrap_or_default(), INPUT_PATH_LENGTH_MAX, "inputPath")?;
    let Some((paths, template)) = transformer else { return Ok(()) };
    check_paths(paths)?;
    let at = "inputTransformer.inputTemplate";
    if template.is_empty() {
        return Err(violated(template, at, "Member must have length greater than or equal to 1"));
    }
    at_most(template, INPUT_LENGTH_MAX, at)
}

fn check_paths(paths: &BTreeMap<String, String>) -> Result<(), InvalidInput> {
    let at = "inputTransformer.inputPathsMap";
    let refuse = |rule: &str| Err(violated(&print(paths), at, rule));
    if paths.len() > INPUT_PATHS_MAX {
        return refuse(&length_at_most(INPUT_PATHS_MAX));
    }
    if !paths.keys().all(|key| is_key(key)) {
        let length = length_at_most(INPUT_PATH_LENGTH_MAX);
        return refuse(&format!(
            "Map keys must satisfy constraint: [{length}, Member must have length greater than or equal to 1, \
             Member must satisfy regular expression pattern: [A-Za-z0-9\\_\\-]+]"
        ));
    }
    if paths.values().any(|path| is_longer(path, INPUT_PATH_LENGTH_MAX)) {
        let length = length_at_most(INPUT_PATH_LENGTH_MAX);
        return refuse(&format!("Map value must satisfy constraint: [{length}]"));
    }
    Ok(())
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=INPUT_PATH_LENGTH_MAX).contains(&key.len()) && key.bytes().all(allowed)
}

fn is_longer(text: &str, characters_max: usize) -> bool {
    text.chars().nth(characters_max).is_some()
}

fn at_most(text: &str, characters_max: usize, at: &'static str) -> Result<(), InvalidInput> {
    if is_longer(text, characters_max) {
        return Err(violated(text, at, &length_at_most(characters_max)));
    }
    Ok(())
}

fn length_at_most(max: usize) -> String {
    format!("Member must have length less than or equal to {max}")
}

fn violated(value: &str, at: &'static str, rule: &str) -> InvalidInput {
    InvalidInput::Constraint { value: value.to_owned(), at, rule: rule.to_owned() }
}

/// A map as Amazon prints one: `{key=value, key=value}`.
fn print(paths: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = paths.iter().map(|(key, path)| format!("{key}={path}")).collect();
    format!("{{{}}}", entries.join(", "))
}
