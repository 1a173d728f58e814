//! The effective configuration, as text and for programs.

use serde_json::json;

use super::layers::Setting;
use super::value::Value;

/// Each of `settings` as an object.
pub(super) fn list(settings: &[Setting]) -> impl Iterator<Item = serde_json::Value> {
    settings.iter().map(|Setting { key, value, origin }| {
        let value = match value {
            Value::Boolean(value) => json!(value),
            Value::Integer(value) => json!(value),
            Value::Text(value) => json!(value),
            Value::List(value) => json!(value),
        };
        json!({ "key": key, "value": value, "origin": origin.to_string() })
    })
}

/// Writes `settings` as TOML, section by section, each value with the layer it came from.
pub(super) fn show(settings: &[Setting]) -> String {
    let mut lines = Vec::new();
    let mut current = "";
    for setting in settings {
        let (section, name) = setting.key.split_once('.').unwrap_or_default();
        if section != current {
            lines.extend((!current.is_empty()).then(String::new));
            lines.push(format!("[{section}]"));
            current = section;
        }
        lines.push(format!("{name} = {} # {}", setting.value, setting.origin));
    }
    lines.push(String::new());
    lines.join("\n")
}
