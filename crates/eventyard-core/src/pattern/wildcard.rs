//! Wildcards: literal text around stars that match anything.

/// A wildcard string, taken apart at its stars.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Wildcard {
    /// The literal texts before, between and behind the stars: one more than there are stars.
    parts: Box<[Box<str>]>,
}

impl Wildcard {
    /// Reads a wildcard. A star and a backslash are written `\*` and `\\`. The error is the reason that Amazon gives;
    /// its position counts bytes, with the string's opening quote at 0.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut part = String::new();
        let mut characters = text.char_indices().map(|(at, character)| (at + 1, character)).peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|&(_, next)| next);
            match (character, next) {
                ('*', Some('*')) => return Err(format!("Consecutive wildcard characters at pos {at}")),
                ('*', _) => parts.push(std::mem::take(&mut part).into_boxed_str()),
                ('\\', Some(escaped @ ('*' | '\\'))) => {
                    part.push(escaped);
                    characters.next();
                }
                ('\\', _) => return Err(format!("Invalid escape character at pos {at}")),
                (literal, _) => part.push(literal),
            }
        }
        parts.push(part.into_boxed_str());
        Ok(Self { parts: parts.into() })
    }

    /// The literal texts before, between and behind the stars.
    pub(super) fn parts(&self) -> &[Box<str>] {
        &self.parts
    }

    /// Whether the wildcard matches the whole of `text`, in time linear in the two.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &*self.parts else {
            return self.parts.first().is_some_and(|only| **only == *text);
        };
        let Some(rest) = text.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last)) else {
            return false;
        };
        // The leftmost place for each text leaves most room for those behind it.
        let find = |rest: &'_ str, part: &str| rest.find(part).map(|at| at + part.len());
        middle.iter().try_fold(rest, |rest, part| find(rest, part).and_then(|end| rest.get(end..))).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_whole_strings() {
        for (wildcard, yes, no) in [
            ("", vec![""], vec!["a"]),
            ("*", vec!["", "a", "a\nb"], vec![]),
            ("a*", vec!["a", "ab"], vec!["", "ba"]),
            ("*a", vec!["a", "ba"], vec!["ab"]),
            ("a*a", vec!["aa", "aba"], vec!["a"]),
            ("*ab*ab*", vec!["abab", "xabyabz"], vec!["ab", "aab b"]),
            (r"a\*b", vec!["a*b"], vec!["axb", r"a\*b"]),
            (r"*\\", vec![r"\", r"a\"], vec!["a"]),
            (r"*\**", vec!["*", "a*b"], vec!["ab"]),
            ("é*?[", vec!["éé?["], vec!["éx["]),
        ] {
            let parsed = Wildcard::parse(wildcard).unwrap();
            assert!(yes.iter().all(|text| parsed.matches(text)), "{wildcard}");
            assert!(!no.iter().any(|text| parsed.matches(text)), "{wildcard}");
        }
    }

    #[test]
    fn faults_have_their_byte() {
        for (wildcard, reason) in [
            ("a**b", "Consecutive wildcard characters at pos 2"),
            ("é**", "Consecutive wildcard characters at pos 3"),
            (r"*\***", "Consecutive wildcard characters at pos 4"),
            (r"a\b", "Invalid escape character at pos 2"),
            (r"a\", "Invalid escape character at pos 2"),
        ] {
            assert_eq!(Wildcard::parse(wildcard), Err(reason.to_owned()));
        }
    }
}
