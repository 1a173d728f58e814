//! Structures of the API model as tables: what members they have, of which type, within which bounds.
//!
//! For structures that are kept as they were put and handed on, so that no code has to name their members one by one.

use serde_json::{Map, Value};

use crate::constraint::{Rule, StringConstraint, Violations};

/// What the API model says of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A string.
    Text(StringConstraint),
    /// A string that is one of these.
    Enumeration(&'static [&'static str]),
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A boolean.
    Boolean,
    /// A list: its items, how many at least, how many at most.
    List(&'static Self, usize, usize),
    /// A structure.
    Structure(&'static [Member]),
}

/// A member of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    name: &'static str,
    is_required: bool,
    shape: Shape,
}

impl Member {
    /// A member that has to be there.
    #[must_use]
    pub const fn required(name: &'static str, shape: Shape) -> Self {
        Self { name, is_required: true, shape }
    }

    /// A member that may be there.
    #[must_use]
    pub const fn optional(name: &'static str, shape: Shape) -> Self {
        Self { name, is_required: false, shape }
    }
}

impl Shape {
    /// Any string.
    pub const STRING: Self = Self::Text(StringConstraint::length(0, usize::MAX));
    /// Any whole number of the model, which has 32 bits.
    pub const INTEGER: Self = Self::Integer(i32::MIN as i64, i32::MAX as i64);

    /// Reads a value of this type. Members that the model does not have, and those that are null, count as absent.
    ///
    /// # Errors
    /// Where a value of another type stands.
    pub fn read(&self, value: Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Text(_) | Self::Enumeration(_), value @ Value::String(_))
            | (Self::Boolean, value @ Value::Bool(_)) => Ok(value),
            (Self::Integer(..), value) if value.is_i64() => Ok(value),
            (Self::List(item, ..), Value::Array(items)) => {
                items.into_iter().map(|value| item.read(value)).collect::<Result<_, _>>().map(Value::Array)
            }
            (Self::Structure(members), Value::Object(object)) => Self::read_members(members, object).map(Value::Object),
            _ => Err(format!("expected {}", self.expected())),
        }
    }

    fn read_members(members: &[Member], mut object: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let given = members.iter().filter_map(|member| {
            let value = object.remove(member.name).filter(|value| !value.is_null())?;
            Some((member, value))
        });
        let read = given.map(|(member, value)| {
            let value = member.shape.read(value).map_err(|wrong| format!("{}: {wrong}", member.name))?;
            Ok((member.name.to_owned(), value))
        });
        read.collect()
    }

    fn expected(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Enumeration(_) => "a string",
            Self::Integer(..) => "a whole number",
            Self::Boolean => "a boolean",
            Self::List(..) => "a list",
            Self::Structure(_) => "an object",
        }
    }

    /// Checks what [`read`](Self::read) gave against the bounds, `path` being where it stands.
    pub fn check(&self, violations: &mut Violations, path: &str, value: &Value) {
        match (self, value) {
            (Self::Text(constraint), Value::String(text)) => violations.check(path, text, constraint),
            (Self::Enumeration(values), Value::String(text)) if !values.contains(&text.as_str()) => {
                violations.push(path, text, &Rule::Enumeration(values));
            }
            (Self::Integer(min, max), Value::Number(_)) => violations.check_range(path, value.as_i64(), *min, *max),
            (Self::List(item, min, max), Value::Array(items)) => {
                let shown = format!("[{} items]", items.len());
                if items.len() > *max {
                    violations.push(path, &shown, &Rule::LengthMax(*max));
                } else if items.len() < *min {
                    violations.push(path, &shown, &Rule::LengthMin(*min));
                }
                for (value, number) in items.iter().zip(1..).take(*max) {
                    item.check(violations, &format!("{path}.{number}.member"), value);
                }
            }
            (Self::Structure(members), Value::Object(object)) => {
                for Member { name, is_required, shape } in *members {
                    let path = format!("{path}.{}", camel_case(name));
                    match object.get(*name) {
                        Some(value) => shape.check(violations, &path, value),
                        None if *is_required => violations.push_missing(&path),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// A member's name as other APIs, and messages, write it: with a small letter in front.
#[must_use]
pub fn camel_case(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ITEM: Shape = Shape::Structure(&[
        Member::required("Key", Shape::Text(StringConstraint::length(1, 3))),
        Member::optional("Kind", Shape::Enumeration(&["A", "B"])),
    ]);
    const SHAPE: Shape = Shape::Structure(&[
        Member::optional("Items", Shape::List(&ITEM, 1, 2)),
        Member::optional("Count", Shape::Integer(1, 10)),
        Member::optional("IsOn", Shape::Boolean),
    ]);

    fn wrong(value: Value) -> String {
        let mut violations = Violations::default();
        SHAPE.check(&mut violations, "a", &SHAPE.read(value).unwrap());
        violations.to_string()
    }

    #[test]
    fn what_the_model_has_is_kept() {
        let good = json!({ "Items": [{ "Key": "k", "Kind": "B" }], "Count": 10, "IsOn": false });
        let mut more = good.clone();
        more["Other"] = json!([1]);
        more["Items"][0]["Other"] = json!(null);
        assert_eq!(SHAPE.read(more), Ok(good.clone()));
        assert_eq!(SHAPE.read(json!({ "Items": null, "Count": null })), Ok(json!({})));
        assert!(wrong(good).starts_with("0 "));
    }

    #[test]
    fn other_types_are_told_where_they_stand() {
        for (value, told) in [
            (json!([]), "expected an object"),
            (json!({ "Count": 1.0 }), "Count: expected a whole number"),
            (json!({ "Count": "1" }), "Count: expected a whole number"),
            (json!({ "Items": {} }), "Items: expected a list"),
            (json!({ "Items": [null] }), "Items: expected an object"),
            (json!({ "Items": [{ "Key": 1 }] }), "Items: Key: expected a string"),
            (json!({ "IsOn": 1 }), "IsOn: expected a boolean"),
        ] {
            assert_eq!(SHAPE.read(value), Err(told.to_owned()));
        }
    }

    #[test]
    fn bounds_are_those_of_the_model() {
        for (value, told) in [
            (json!({ "Items": [] }), "at 'a.items' failed to satisfy constraint: Member must have length greater"),
            (
                json!({ "Items": [{ "Key": "k" }, { "Key": "k" }, {}] }),
                "1 validation error detected: Value '[3 items]'",
            ),
            (json!({ "Items": [{}] }), "Value null at 'a.items.1.member.key' failed"),
            (json!({ "Items": [{ "Key": "long" }] }), "at 'a.items.1.member.key' failed"),
            (json!({ "Items": [{ "Key": "k", "Kind": "C" }] }), "enum value set: [A, B]"),
            (json!({ "Count": 0 }), "greater than or equal to 1"),
            (json!({ "Count": 11 }), "less than or equal to 10"),
        ] {
            let found = wrong(value);
            assert!(found.contains(told), "{told}: {found}");
        }
    }
}
