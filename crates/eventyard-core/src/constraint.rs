//! What the API model says about single values, and Amazon's sentence when several of them are wrong at once.
//!
//! The texts follow what the service answers: every violated constraint of every member, a pattern before a length,
//! joined by `; ` behind a count.

use std::fmt;

/// A rule about a string: its length in characters and, for some, the expression it must satisfy.
#[derive(Clone, Copy, Debug)]
pub struct StringConstraint {
    /// Fewest characters.
    pub length_min: usize,
    /// Most characters.
    pub length_max: usize,
    /// The expression it must satisfy.
    pub pattern: Option<Pattern>,
}

/// An expression as the model writes it, and our reading of it.
pub type Pattern = (&'static str, fn(&str) -> bool);

impl StringConstraint {
    /// A string bounded only in length.
    #[must_use]
    pub const fn length(length_min: usize, length_max: usize) -> Self {
        Self { length_min, length_max, pattern: None }
    }

    /// Everything wrong with `value`.
    #[must_use]
    pub fn violations(&self, value: &str) -> Vec<Rule> {
        let mut rules = Vec::new();
        if let Some((text, accepts)) = self.pattern
            && !accepts(value)
        {
            rules.push(Rule::Pattern(text));
        }
        let length = value.chars().count();
        if length > self.length_max {
            rules.push(Rule::LengthMax(self.length_max));
        } else if length < self.length_min {
            rules.push(Rule::LengthMin(self.length_min));
        }
        rules
    }
}

/// One rule of the model that a value broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The expression a string must satisfy.
    Pattern(&'static str),
    /// The most characters of a string, or items of a list or map.
    LengthMax(usize),
    /// The fewest characters of a string, or items of a list or map.
    LengthMin(usize),
    /// The largest number.
    ValueMax(i64),
    /// The smallest number.
    ValueMin(i64),
    /// The only values there are.
    Enumeration(&'static [&'static str]),
    /// The member must be there.
    Required,
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => write!(formatter, "Member must satisfy regular expression pattern: {pattern}"),
            Self::LengthMax(length) => write!(formatter, "Member must have length less than or equal to {length}"),
            Self::LengthMin(length) => write!(formatter, "Member must have length greater than or equal to {length}"),
            Self::ValueMax(value) => write!(formatter, "Member must have value less than or equal to {value}"),
            Self::ValueMin(value) => write!(formatter, "Member must have value greater than or equal to {value}"),
            Self::Enumeration(values) => {
                write!(formatter, "Member must satisfy enum value set: [{}]", values.join(", "))
            }
            Self::Required => formatter.write_str("Member must not be null"),
        }
    }
}

/// The violations found in one request, in the order in which they were met.
#[derive(Debug, Default)]
pub struct Violations(Vec<String>);

impl Violations {
    /// Notes that the value at `path` (camel case; list items counted from 1 as `targets.1.member.id`) broke `rule`.
    pub fn push(&mut self, path: &str, value: &str, rule: &Rule) {
        self.0.push(format!("Value '{value}' at '{path}' failed to satisfy constraint: {rule}"));
    }

    /// Notes that a required member is absent.
    pub fn push_missing(&mut self, path: &str) {
        self.0.push(format!("Value null at '{path}' failed to satisfy constraint: {}", Rule::Required));
    }

    /// Checks a string against its constraint.
    pub fn check(&mut self, path: &str, value: &str, constraint: &StringConstraint) {
        for rule in constraint.violations(value) {
            self.push(path, value, &rule);
        }
    }

    /// Checks an optional string against its constraint.
    pub fn check_option(&mut self, path: &str, value: Option<&str>, constraint: &StringConstraint) {
        if let Some(value) = value {
            self.check(path, value, constraint);
        }
    }

    /// Checks a whole number against its range.
    pub fn check_range(&mut self, path: &str, value: Option<i64>, min: i64, max: i64) {
        match value {
            Some(value) if value > max => self.push(path, &value.to_string(), &Rule::ValueMax(max)),
            Some(value) if value < min => self.push(path, &value.to_string(), &Rule::ValueMin(min)),
            _ => {}
        }
    }

    /// True when nothing was violated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Amazon's sentence: `2 validation errors detected: …; …`.
impl fmt::Display for Violations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "error" } else { "errors" };
        write!(formatter, "{} validation {noun} detected: {}", self.0.len(), self.0.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_can_break_two_rules_and_the_pattern_comes_first() {
        let constraint = StringConstraint {
            length_min: 1,
            length_max: 3,
            pattern: Some(("[a]+", |text| text.chars().all(|c| c == 'a'))),
        };
        let mut violations = Violations::default();
        violations.check("name", "abcd", &constraint);
        assert_eq!(
            violations.to_string(),
            "2 validation errors detected: Value 'abcd' at 'name' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a]+; Value 'abcd' at 'name' failed to satisfy constraint: Member must have \
             length less than or equal to 3"
        );
    }

    #[test]
    fn numbers_name_the_bound_they_passed() {
        let mut violations = Violations::default();
        violations.check_range("limit", Some(101), 1, 100);
        assert_eq!(
            violations.to_string(),
            "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value \
             less than or equal to 100"
        );
    }
}
