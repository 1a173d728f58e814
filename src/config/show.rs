//! The effective configuration as text.

use super::layers::Setting;

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
