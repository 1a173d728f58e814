//! A JSON object, and nothing else, for a structure of the wire.
//!
//! Left to itself serde also takes an array for a structure, its items for the members in order. No client means that.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

/// A `T` that was written as an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Two {
        a: u8,
        b: Option<u8>,
    }

    #[test]
    fn only_objects_are_taken() {
        let read = |text| serde_json::from_str::<Object<Two>>(text).map(|Object(two)| two);
        assert_eq!(read(r#"{"a": 1}"#).unwrap(), Two { a: 1, b: None });
        for text in ["[1, 2]", "1", "null", r#""a""#, r#"{"b": 1}"#, r#"{"a": 1"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
