//! Option tags: those whose keys begin with `eventyard:`. They say what Amazon's API has no member for.
//!
//! A key is `eventyard:NAME`, or `eventyard:NAME/TARGET` for one target of a rule. The characters are those that Amazon takes
//! in keys, so what puts tags on Amazon's rules can put these.

use std::ops::RangeInclusive;

use crate::error::ServiceError;
use crate::input::JsonPath;
use crate::name::TargetId;
use crate::tag::Tags;

/// What the keys begin with. One that is not known is refused: a mistyped option must not be taken for somebody's note.
pub const OPTION_TAG_PREFIX: &str = "eventyard:";

/// One option tag, taken apart.
#[derive(Clone, Debug)]
pub struct OptionTag<'a> {
    key: &'a str,
    name: &'a str,
    target: Option<TargetId>,
    value: &'a str,
}

impl<'a> OptionTag<'a> {
    /// The option tags among `tags`, in the order of their keys.
    ///
    /// # Errors
    /// Each of them a `ValidationException`, for a key behind whose `/` stands no id of a target.
    pub fn all(tags: &'a Tags) -> impl Iterator<Item = Result<Self, ServiceError>> {
        tags.iter().filter_map(|(key, value)| Some(Self::parse(key, key.strip_prefix(OPTION_TAG_PREFIX)?, value)))
    }

    fn parse(key: &'a str, rest: &'a str, value: &'a str) -> Result<Self, ServiceError> {
        let (name, id) = rest.split_once('/').map_or((rest, None), |(name, id)| (name, Some(id)));
        let target = id.map(|id| TargetId::parse(id).map_err(|_| wrong(key, "has no id of a target behind its /")));
        Ok(Self { key, name, target: target.transpose()?, value })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The one target it is for; none when it is for all.
    #[must_use]
    pub fn target(&self) -> Option<&TargetId> {
        self.target.as_ref()
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &'a str {
        self.value
    }

    /// Its value as a number.
    ///
    /// # Errors
    /// A `ValidationException` that names the range.
    pub fn number(&self, range: RangeInclusive<u32>) -> Result<u32, ServiceError> {
        // `parse` alone would let a plus sign through.
        let digits = Some(self.value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok()).filter(|number| range.contains(number));
        number.ok_or_else(|| self.wrong(&format!("must be {} to {}", range.start(), range.end())))
    }

    /// Its value as a yes or no.
    ///
    /// # Errors
    /// A `ValidationException` when it is neither `true` nor `false`.
    pub fn flag(&self) -> Result<bool, ServiceError> {
        self.value.parse().map_err(|_| self.wrong("must be true or false"))
    }

    /// Its value as a path, written as in `InputPath`, whose `$.` may be left out, for Amazon takes no `$` in tags.
    ///
    /// # Errors
    /// A `ValidationException` when it is none.
    pub fn path(&self) -> Result<JsonPath, ServiceError> {
        let text = if self.value.starts_with('$') { self.value.to_owned() } else { format!("$.{}", self.value) };
        JsonPath::parse(&text).map_err(|_| self.wrong("must be a path such as detail.customer.id"))
    }

    /// The refusal of it, for a reason that goes on behind its key.
    #[must_use]
    pub fn wrong(&self, reason: &str) -> ServiceError {
        wrong(self.key, reason)
    }

    /// The refusal of one whose name is not among `known`.
    #[must_use]
    pub fn unknown(&self, known: &[&'static str]) -> ServiceError {
        let nearest = nearest(self.name, known.iter().copied()).unwrap_or_default();
        let all: Vec<String> = known.iter().map(|name| format!("{OPTION_TAG_PREFIX}{name}")).collect();
        self.wrong(&format!(
            "is not known; the nearest name is {OPTION_TAG_PREFIX}{nearest}, and there are {}",
            all.join(", ")
        ))
    }
}

fn wrong(key: &str, reason: &str) -> ServiceError {
    ServiceError::validation(format!("Parameter Tags is not valid. Reason: {key} {reason}."))
}

/// The candidate that is spelled most like `name`; none when there is no candidate.
pub fn nearest<T: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = T>) -> Option<T> {
    let likeness = |candidate: &T| strsim::normalized_damerau_levenshtein(name, candidate.as_ref());
    candidates.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}
