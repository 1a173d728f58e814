//! Turning settings into typed fields, one section at a time.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::fault::{Fault, Problem};
use super::layers::Setting;
use super::origin::Origin;
use super::value::Value;

/// Reads options by name and collects what is wrong with them.
///
/// Where a value cannot be used its field gets a placeholder, so that reading goes on and finds the other faults; the
/// caller throws the whole result away when there is any fault.
pub(super) struct Reader<'a> {
    settings: &'a [Setting],
    pub(super) faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a [Setting]) -> Self {
        Self { settings, faults: Vec::new() }
    }

    /// The options of one section.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'a, '_> {
        Section { name, reader: self }
    }

    /// The value that the highest layer gives. The values of lower layers are checked as well: a mistake in a file
    /// shall not wait for the day on which a flag is left away.
    fn value<T>(&mut self, key: String, check: impl Fn(&Value) -> Result<T, Problem>) -> Option<T> {
        let mut highest = None;
        let mut known = false;
        for setting in self.settings.iter().filter(|setting| setting.key == key) {
            known = true;
            match check(&setting.value) {
                Ok(value) => highest = Some(value),
                Err(problem) => self.faults.push(Fault { origin: setting.origin.clone(), key: key.clone(), problem }),
            }
        }
        if !known {
            self.faults.push(Fault { origin: Origin::Defaults, key, problem: Problem::Missing });
        }
        highest
    }
}

/// The options of one section, read by their names.
pub(super) struct Section<'a, 'r> {
    name: &'static str,
    reader: &'r mut Reader<'a>,
}

impl Section<'_, '_> {
    fn value<T>(&mut self, name: &str, check: impl Fn(&Value) -> Result<T, Problem>) -> Option<T> {
        self.reader.value(format!("{}.{name}", self.name), check)
    }

    pub(super) fn boolean(&mut self, name: &str) -> bool {
        let check = |value: &Value| match value {
            Value::Boolean(value) => Ok(*value),
            other => Err(wrong_type(other, "true or false")),
        };
        self.value(name, check).unwrap_or_default()
    }

    /// A whole number in `range`, which must fit into `T`.
    pub(super) fn integer<T: TryFrom<i64> + Default>(&mut self, name: &str, range: RangeInclusive<i64>) -> T {
        let check = |value: &Value| match value {
            Value::Integer(value) if range.contains(value) => {
                T::try_from(*value).map_err(|_| refused(*value, "is more than this machine can count", &range))
            }
            Value::Integer(value) => Err(refused(*value, "is out of range", &range)),
            other => Err(wrong_type(other, "a whole number")),
        };
        self.value(name, check).unwrap_or_default()
    }

    /// A whole number from 0 to `max`, where 0 stands for no limit.
    pub(super) fn limit<T: TryFrom<i64> + Default + PartialEq>(&mut self, name: &str, max: i64) -> Option<T> {
        let value = self.integer::<T>(name, 0..=max);
        (value != T::default()).then_some(value)
    }

    pub(super) fn milliseconds(&mut self, name: &str, range: RangeInclusive<i64>) -> Duration {
        Duration::from_millis(self.integer(name, range))
    }

    pub(super) fn seconds(&mut self, name: &str, range: RangeInclusive<i64>) -> Duration {
        Duration::from_secs(self.integer(name, range))
    }

    pub(super) fn hours(&mut self, name: &str, range: RangeInclusive<i64>) -> Duration {
        Duration::from_secs(3_600 * self.integer::<u64>(name, range))
    }

    pub(super) fn days(&mut self, name: &str, range: RangeInclusive<i64>) -> Duration {
        Duration::from_secs(86_400 * self.integer::<u64>(name, range))
    }

    /// A string that `parse` accepts; `None` from it refuses the string with `advice`.
    pub(super) fn text<T>(&mut self, name: &str, placeholder: T, advice: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let check = |value: &Value| match value {
            Value::Text(text) => parse(text)
                .ok_or_else(|| Problem::Refused { why: format!("{text:?} cannot be used"), advice: advice.to_owned() }),
            other => Err(wrong_type(other, "a string")),
        };
        self.value(name, check).unwrap_or(placeholder)
    }

    /// A list of strings that `parse` accepts each; `None` from it refuses the list with `advice`.
    pub(super) fn list<T>(&mut self, name: &str, advice: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let why = "one item of the list cannot be used";
        self.try_list(name, advice, |text| parse(text).ok_or_else(|| why.to_owned()))
    }

    /// A list of strings that `parse` accepts each; what it says is wrong refuses the list, with `advice`.
    pub(super) fn try_list<T>(
        &mut self,
        name: &str,
        advice: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let refused = |why| Problem::Refused { why, advice: advice.to_owned() };
        let check = |value: &Value| match value {
            Value::List(texts) => texts.iter().map(|text| parse(text).map_err(refused)).collect(),
            other => Err(wrong_type(other, "a list of strings")),
        };
        self.value(name, check).unwrap_or_default()
    }

    pub(super) fn address(&mut self, name: &str) -> SocketAddr {
        let advice = "write an IP address and a port, such as 127.0.0.1:4010 or [::1]:4010";
        self.text(name, (Ipv4Addr::LOCALHOST, 0).into(), advice, |text| text.parse().ok())
    }
}

fn refused(value: i64, why: &str, range: &RangeInclusive<i64>) -> Problem {
    Problem::Refused {
        why: format!("{value} {why}"),
        advice: format!("write a whole number from {} to {}", range.start(), range.end()),
    }
}

fn wrong_type(found: &Value, expected: &'static str) -> Problem {
    Problem::WrongType { found: found.describe(), expected }
}
