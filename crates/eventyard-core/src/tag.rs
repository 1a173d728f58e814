//! Tags: short texts that the owner of a rule or an event bus puts on it.

use std::collections::BTreeMap;

use crate::constraint::{StringConstraint, Violations};
use crate::error::ServiceError;
use crate::limits::TAGS_PER_RESOURCE_MAX;

/// What only Amazon's own tags begin with, in any case of letters.
const RESERVED_PREFIX: &str = "aws:";

/// The tags of one resource: at most 50, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// What the API model asks of a key.
    pub const KEY: StringConstraint = StringConstraint::length(1, 128);
    /// What the API model asks of a value.
    pub const VALUE: StringConstraint = StringConstraint::length(0, 256);

    /// Reads the tags of a request or of the store.
    ///
    /// # Errors
    /// A `ValidationException` for a key or value of the wrong length, a key that is there twice or begins with the
    /// reserved `aws:`, and too many tags.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, ServiceError> {
        let mut tags = BTreeMap::new();
        for (key, value) in pairs {
            let mut violations = Violations::default();
            violations.check("key", &key, &Self::KEY);
            violations.check("value", &value, &Self::VALUE);
            if !violations.is_empty() {
                return Err(violations.into());
            }
            if is_reserved(&key) {
                return Err(wrong(&format!("The key '{key}' begins with '{RESERVED_PREFIX}', which is reserved.")));
            }
            if tags.contains_key(&key) {
                return Err(wrong(&format!("The key '{key}' is there twice.")));
            }
            tags.insert(key, value);
        }
        Self(tags).counted()
    }

    /// These tags with `added`, which win where the keys are the same.
    ///
    /// # Errors
    /// A `ValidationException` when there would be too many.
    pub fn with(mut self, added: Self) -> Result<Self, ServiceError> {
        self.0.extend(added.0);
        self.counted()
    }

    /// These tags without those of the `keys`. A key that is not there is no matter.
    #[must_use]
    pub fn without(mut self, keys: &[String]) -> Self {
        for key in keys {
            self.0.remove(key);
        }
        self
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn counted(self) -> Result<Self, ServiceError> {
        if self.0.len() <= TAGS_PER_RESOURCE_MAX {
            return Ok(self);
        }
        Err(wrong(&format!("A resource can have at most {TAGS_PER_RESOURCE_MAX} tags.")))
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX))
}

fn wrong(reason: &str) -> ServiceError {
    ServiceError::validation(format!("Parameter Tags is not valid. Reason: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Result<Tags, ServiceError> {
        Tags::parse(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())))
    }

    fn numbered(range: std::ops::Range<usize>) -> Tags {
        Tags::parse(range.map(|number| (number.to_string(), String::new()))).unwrap()
    }

    #[test]
    fn later_tags_win_and_absent_ones_may_be_removed() {
        let both = tags(&[("a", "1"), ("b", "2")]).unwrap().with(tags(&[("b", "3"), ("c", "")]).unwrap()).unwrap();
        assert_eq!(both.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3"), ("c", "")]);
        assert_eq!(both.without(&["a".to_owned(), "z".to_owned()]), tags(&[("b", "3"), ("c", "")]).unwrap());
    }

    #[test]
    fn fifty_are_the_most_also_after_adding() {
        assert!(numbered(0..40).with(numbered(30..50)).is_ok());
        assert!(numbered(0..40).with(numbered(40..51)).is_err());
        assert!(Tags::parse((0..51).map(|number| (number.to_string(), String::new()))).is_err());
    }

    #[test]
    fn keys_are_unique_not_reserved_and_of_the_right_length() {
        for wrong in [&[("a", "1"), ("a", "1")][..], &[("aws:x", "")], &[("AWS:x", "")], &[("", "")]] {
            assert!(tags(wrong).is_err(), "{wrong:?}");
        }
        assert!(tags(&[("a", ""), ("A", ""), ("aws", ""), ("ä", ""), ("my:aws:x", "")]).is_ok());
        assert!(tags(&[(&"k".repeat(129), "")]).is_err());
        assert!(tags(&[("k", &"v".repeat(257))]).is_err());
    }
}
