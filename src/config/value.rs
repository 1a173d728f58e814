//! The values an option can have, and reading them from TOML and from plain text.

use std::fmt;

use toml::de::DeValue;

use super::fault::Problem;

/// A value of the configuration before its option has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A string.
    Text(String),
    /// A list of strings.
    List(Vec<String>),
}

/// The type of an option, which is the type of its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    Text,
    List,
}

impl Kind {
    /// The kind as a report names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Text => "a string",
            Self::List => "a list of strings",
        }
    }
}

impl Value {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Boolean(_) => Kind::Boolean,
            Self::Integer(_) => Kind::Integer,
            Self::Text(_) => Kind::Text,
            Self::List(_) => Kind::List,
        }
    }

    /// The value as a report describes it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => format!("the number {value}"),
            Self::Text(value) => format!("the string {value:?}"),
            Self::List(_) => "a list".to_owned(),
        }
    }

    /// Reads what TOML wrote. The error describes a value that no option can have.
    pub(super) fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::Boolean(value) => Ok(Self::Boolean(*value)),
            DeValue::String(value) => Ok(Self::Text(value.to_string())),
            DeValue::Integer(value) => i64::from_str_radix(value.as_str(), value.radix())
                .map(Self::Integer)
                .map_err(|_| format!("{value}, which has more than 64 bits")),
            DeValue::Array(values) => values
                .iter()
                .map(|value| value.get_ref().as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::List)
                .ok_or_else(|| "a list that holds something else than strings".to_owned()),
            DeValue::Float(value) => Err(format!("the fraction {}", value.as_str())),
            DeValue::Datetime(value) => Err(format!("the date or time {value}")),
            DeValue::Table(_) => Err("a table".to_owned()),
        }
    }

    /// Reads what the environment or a flag wrote, as the option's kind. A list is comma separated; blanks around its
    /// items do not count, and an empty text is the empty list.
    pub(super) fn from_text(kind: Kind, text: &str) -> Result<Self, Problem> {
        let wrong_type = || Problem::WrongType { found: format!("{text:?}"), expected: kind.name() };
        match kind {
            Kind::Boolean => text.parse().map(Self::Boolean).map_err(|_| wrong_type()),
            Kind::Integer => text.parse().map(Self::Integer).map_err(|_| wrong_type()),
            Kind::Text => Ok(Self::Text(text.to_owned())),
            Kind::List if text.trim().is_empty() => Ok(Self::List(Vec::new())),
            Kind::List => Ok(Self::List(text.split(',').map(|item| item.trim().to_owned()).collect())),
        }
    }
}

/// The value as TOML writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self {
            Self::Boolean(value) => toml::Value::Boolean(*value),
            Self::Integer(value) => toml::Value::Integer(*value),
            Self::Text(value) => toml::Value::String(value.clone()),
            Self::List(values) => toml::Value::Array(values.iter().cloned().map(toml::Value::String).collect()),
        };
        value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_the_kind_of_the_default() {
        let list = |items: &[&str]| Ok(Value::List(items.iter().map(ToString::to_string).collect()));
        assert_eq!(Value::from_text(Kind::Boolean, "true"), Ok(Value::Boolean(true)));
        assert_eq!(Value::from_text(Kind::Integer, "-7"), Ok(Value::Integer(-7)));
        assert_eq!(Value::from_text(Kind::Text, "7"), Ok(Value::Text("7".to_owned())));
        assert_eq!(Value::from_text(Kind::List, "a, b,c"), list(&["a", "b", "c"]));
        assert_eq!(Value::from_text(Kind::List, " "), list(&[]));
        for (kind, text) in [(Kind::Boolean, "yes"), (Kind::Integer, "1.5"), (Kind::Integer, "9223372036854775808")] {
            let problem = Value::from_text(kind, text).unwrap_err();
            assert_eq!(problem, Problem::WrongType { found: format!("{text:?}"), expected: kind.name() });
        }
    }

    #[test]
    fn a_value_is_written_as_it_would_be_read() {
        let values = [
            Value::Boolean(true),
            Value::Integer(i64::MIN),
            Value::Text("a \"quoted\" \\ line\nand more \u{1}".to_owned()),
            Value::List(vec!["a".to_owned(), "'b,".to_owned()]),
        ];
        for value in values {
            let text = value.to_string();
            let read = Value::from_toml(DeValue::parse(&text).unwrap().get_ref());
            assert_eq!(read.as_ref(), Ok(&value), "{text}");
        }
    }

    #[test]
    fn toml_that_no_option_can_have_is_described() {
        let cases = [
            ("1.5", "the fraction 1.5"),
            ("1979-05-27", "the date or time 1979-05-27"),
            ("{ a = 1 }", "a table"),
            ("[1, 2]", "a list that holds something else than strings"),
            ("99999999999999999999", "99999999999999999999, which has more than 64 bits"),
        ];
        for (text, description) in cases {
            assert_eq!(Value::from_toml(DeValue::parse(text).unwrap().get_ref()), Err(description.to_owned()));
        }
    }
}
