//! Why a pattern matches an event, or why not.

use std::borrow::Cow;
use std::fmt;

use super::EventPattern;
use super::branch::{Branch, Field};
use super::choice;
use super::evaluate::candidates;
use super::event::{EventValues, Placed, Wanted};
use super::matcher::{Literal, Scalar};
use super::scopes::ScopeId;
use crate::json::JsonError;

/// How many values of a path are told at most.
const FOUND_MAX: usize = 10;

/// How many characters of a string or number are told at most.
const FOUND_LENGTH_MAX: usize = 1_000;

/// Why a pattern matches an event, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// The pattern matches. For each path, the value that was chosen for it, or none where its absence was.
    Match(Vec<FieldExplanation>),
    /// The pattern does not match. The first path that cannot be satisfied, with the first of its values. Where `$or`
    /// makes several branches, the one told about is the one that gets furthest.
    NoMatch {
        /// The path, what was expected there, and what was found.
        field: FieldExplanation,
        /// Whether a value was wanted by itself, but stands in another array element than those chosen for the paths
        /// before.
        is_in_other_element: bool,
    },
    /// The event is JSON but no object, so nothing can match it.
    NoObject,
}

/// What a pattern says about a path, and what the event has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldExplanation {
    /// The keys, joined by `.`.
    pub path: String,
    /// The list of alternatives, as the pattern writes it.
    pub expected: String,
    /// Values as JSON, at most ten. Behind its first 1,000 characters a long one is cut off, with `…` in the place of the rest.
    pub found: Vec<String>,
}

/// A line for each path that is told about, without a line feed at the end.
impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Match(fields) => fields.iter().enumerate().try_for_each(|(place, field)| {
                let line_feed = if place == 0 { "" } else { "\n" };
                write!(out, "{line_feed}{field}")
            }),
            Self::NoMatch { field, is_in_other_element: false } => field.fmt(out),
            Self::NoMatch { field, is_in_other_element: true } => {
                write!(out, "{field}, in the array element of the paths before it")
            }
            Self::NoObject => out.write_str("the event is not a JSON object"),
        }
    }
}

impl fmt::Display for FieldExplanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = if self.found.is_empty() { "nothing".to_owned() } else { self.found.join(", ") };
        write!(out, "{}: found {found}, wanted {}", self.path, self.expected)
    }
}

/// Tells why an event matches a pattern or does not, in agreement with [`evaluate`](super::evaluate).
///
/// # Errors
/// The first place where the event is not strict JSON.
pub fn explain(pattern: &EventPattern, event: &str) -> Result<Explanation, JsonError> {
    let wanted = Wanted::new(pattern.branches().iter().flat_map(Branch::fields).map(|field| &*field.path));
    let Some(values) = EventValues::read(event, &wanted)? else { return Ok(Explanation::NoObject) };
    let mut furthest: Option<(usize, Explanation)> = None;
    for branch in pattern.branches() {
        let (satisfied, explanation) = BranchExplainer { pattern, values: &values, wanted: &wanted }.explain(branch);
        if matches!(explanation, Explanation::Match(_)) {
            return Ok(explanation);
        }
        if furthest.as_ref().is_none_or(|(most, _)| satisfied > *most) {
            furthest = Some((satisfied, explanation));
        }
    }
    Ok(furthest.map_or(Explanation::NoObject, |(_, explanation)| explanation))
}

struct BranchExplainer<'a, 'e> {
    pattern: &'a EventPattern,
    values: &'a EventValues<'e>,
    wanted: &'a Wanted<'a>,
}

impl<'e> BranchExplainer<'_, 'e> {
    /// How many fields of the branch can be satisfied together, in order, and the explanation.
    fn explain(&self, branch: &Branch) -> (usize, Explanation) {
        let candidates: Vec<_> =
            branch.fields().iter().map(|field| candidates(field, self.values, self.wanted)).collect();
        let satisfied = match choice::find(&self.values.scopes, &candidates) {
            Ok(choices) => {
                let chosen = branch.fields().iter().zip(choices).map(|(field, scope)| self.chosen(field, scope));
                return (branch.fields().len(), Explanation::Match(chosen.collect()));
            }
            Err(satisfied) => satisfied,
        };
        let failing = satisfied.min(branch.fields().len() - 1);
        let field = &branch.fields()[failing];
        let is_in_other_element = candidates[failing].has_satisfying();
        (satisfied, Explanation::NoMatch { field: self.field(field, |_| true), is_in_other_element })
    }

    fn chosen(&self, field: &Field, scope: Option<ScopeId>) -> FieldExplanation {
        let mut explained =
            self.field(field, |placed| Some(placed.scope) == scope && field.is_satisfied_by(&placed.value));
        explained.found.truncate(1);
        explained
    }

    fn field(&self, field: &Field, is_told: impl Fn(&Placed<'e>) -> bool) -> FieldExplanation {
        let values = self.wanted.index(&field.path).map_or(&[][..], |path| self.values.at(path));
        let told = values.iter().filter(|placed| is_told(placed)).take(FOUND_MAX);
        FieldExplanation {
            path: field.path.to_string(),
            expected: self.pattern.text().get(field.source.clone()).unwrap_or_default().to_owned(),
            found: told.map(|placed| json(&placed.value)).collect(),
        }
    }
}

fn json(value: &Scalar<'_>) -> String {
    match value {
        Scalar::String(text) => serde_json::Value::from(shortened(text)).to_string(),
        Scalar::Number(_, text) => shortened(text).into_owned(),
        Scalar::Literal(Literal::True) => "true".to_owned(),
        Scalar::Literal(Literal::False) => "false".to_owned(),
        Scalar::Literal(Literal::Null) => "null".to_owned(),
    }
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(FOUND_LENGTH_MAX) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::PatternLimits;

    fn explained(pattern: &str, event: &str) -> Explanation {
        let pattern = EventPattern::parse(pattern, &PatternLimits::default()).unwrap();
        explain(&pattern, event).unwrap()
    }

    fn field(path: &str, expected: &str, found: &[&str]) -> FieldExplanation {
        let found = found.iter().map(|&found| found.to_owned()).collect();
        FieldExplanation { path: path.to_owned(), expected: expected.to_owned(), found }
    }

    fn no_match(path: &str, expected: &str, found: &[&str], is_in_other_element: bool) -> Explanation {
        Explanation::NoMatch { field: field(path, expected, found), is_in_other_element }
    }

    #[test]
    fn the_first_failing_path_is_told() {
        let pattern = r#"{"a":["x"],"b":{"c":[ 1, {"prefix":"p"} ]}}"#;
        let expected = r#"[ 1, {"prefix":"p"} ]"#;
        assert_eq!(explained(pattern, r#"{"a":"y","b":{"c":1}}"#), no_match("a", r#"["x"]"#, &["\"y\""], false));
        assert_eq!(explained(pattern, r#"{"a":"x"}"#), no_match("b.c", expected, &[], false));
        let event = r#"{"a":"x","b":{"c":[2.50,"\u0071"]}}"#;
        assert_eq!(explained(pattern, event), no_match("b.c", expected, &["2.50", "\"q\""], false));
        assert_eq!(explained(pattern, "[]"), Explanation::NoObject);
    }

    #[test]
    fn a_value_in_another_element_is_told_apart() {
        let event = r#"{"r":[{"a":1},{"b":2}]}"#;
        assert_eq!(explained(r#"{"r":{"a":[1],"b":[2]}}"#, event), no_match("r.b", "[2]", &["2"], true));
    }

    #[test]
    fn the_branch_that_gets_furthest_is_told() {
        let pattern = r#"{"a":[1],"$or":[{"b":[2],"c":[3]},{"d":[4]}]}"#;
        assert_eq!(explained(pattern, r#"{"a":1,"b":2}"#), no_match("c", "[3]", &[], false));
    }

    #[test]
    fn the_chosen_values_go_together() {
        let pattern = r#"{"r":{"a":[{"exists":true}],"b":[2],"c":[{"exists":false}]}}"#;
        let event = r#"{"r":[{"a":1},{"a":3,"b":2,"c":0},{"a":4,"b":2}]}"#;
        let expected = vec![
            field("r.a", r#"[{"exists":true}]"#, &["4"]),
            field("r.b", "[2]", &["2"]),
            field("r.c", r#"[{"exists":false}]"#, &[]),
        ];
        assert_eq!(explained(pattern, event), Explanation::Match(expected));
    }

    #[test]
    fn an_explanation_is_a_line_for_each_path() {
        let event = r#"{"a":"x","r":[{"b":1},{"c":2}]}"#;
        let text = |pattern| explained(pattern, event).to_string();
        assert_eq!(
            text(r#"{"r":{"b":[{"exists":true}]},"z":[{"exists":false}]}"#),
            "r.b: found 1, wanted [{\"exists\":true}]\nz: found nothing, wanted [{\"exists\":false}]"
        );
        assert_eq!(text(r#"{"a":["y"]}"#), r#"a: found "x", wanted ["y"]"#);
        let other = "r.c: found 2, wanted [2], in the array element of the paths before it";
        assert_eq!(text(r#"{"r":{"b":[1],"c":[2]}}"#), other);
    }

    #[test]
    fn long_values_are_cut_off() {
        let event = format!(r#"{{"a":"{}"}}"#, "é".repeat(1_001));
        let Explanation::NoMatch { field, .. } = explained(r#"{"a":["x"]}"#, &event) else { panic!("{event}") };
        assert_eq!(field.found, [format!("\"{}…\"", "é".repeat(1_000))]);
    }
}
