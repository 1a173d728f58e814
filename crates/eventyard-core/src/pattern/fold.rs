//! Ignoring case the way the service does: the pattern is spread out, the event stays as it is.

/// Text of a pattern whose case is ignored: per UTF-16 unit, the two spellings that match it.
///
/// The event is not folded. So a character matches its lower and its upper case, in their full mappings (`ß` also
/// matches `SS`), and not even itself when it is neither. Half of a surrogate pair is no character to the service and
/// stands for `?`: an emoji in the pattern matches `??`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Folded {
    units: Box<[Spellings]>,
}

/// The lower and the upper case of one unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Spellings {
    lower: Box<str>,
    upper: Box<str>,
}

impl Folded {
    pub(super) fn new(text: &str) -> Self {
        let units = text.chars().flat_map(|character| {
            let as_unit = if character.len_utf16() == 1 { character } else { '?' };
            std::iter::repeat_n(Spellings::of(as_unit), character.len_utf16())
        });
        Self { units: units.collect() }
    }

    /// The text in lower case, when it is ASCII and matches just what is equal to it but for the case of ASCII letters.
    pub(super) fn ascii_lowercase(&self) -> Option<String> {
        let is_ascii = self.units.iter().all(|unit| unit.lower.is_ascii() && unit.upper.is_ascii());
        is_ascii.then(|| self.units.iter().map(|unit| unit.lower.to_ascii_lowercase()).collect())
    }

    pub(super) fn equals(&self, text: &str) -> bool {
        let end = self.units.iter().try_fold(text, |rest, unit| unit.strip_start(rest));
        end.is_some_and(str::is_empty)
    }

    pub(super) fn starts(&self, text: &str) -> bool {
        self.units.iter().try_fold(text, |rest, unit| unit.strip_start(rest)).is_some()
    }

    pub(super) fn ends(&self, text: &str) -> bool {
        self.units.iter().rev().try_fold(text, |rest, unit| unit.strip_end(rest)).is_some()
    }
}

impl Spellings {
    fn of(character: char) -> Self {
        let lower: String = character.to_lowercase().collect();
        let upper: String = character.to_uppercase().collect();
        Self { lower: lower.into(), upper: upper.into() }
    }

    // Neither spelling begins or ends the other, unless they are the same: the tests try every character. So one
    // walk without turning back decides.

    fn strip_start<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.strip_prefix(&*self.lower).or_else(|| text.strip_prefix(&*self.upper))
    }

    fn strip_end<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.strip_suffix(&*self.lower).or_else(|| text.strip_suffix(&*self.upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_never_begins_or_ends_the_other() {
        for character in '\0'..='\u{ffff}' {
            let Spellings { lower, upper } = Spellings::of(character);
            let nested = |one: &str, other: &str| one.starts_with(other) || one.ends_with(other);
            assert!(lower == upper || !(nested(&lower, &upper) || nested(&upper, &lower)), "{character:?}");
        }
    }

    #[test]
    fn the_pattern_is_spread_out_and_the_event_is_not_folded() {
        for (pattern, yes, no) in [
            ("aB", vec!["ab", "AB", "aB", "Ab"], vec!["a", "abc"]),
            ("ß", vec!["ß", "SS"], vec!["ss", "Ss", "ẞ"]),
            ("ss", vec!["SS", "sS"], vec!["ß"]),
            ("İ", vec!["İ", "i\u{307}"], vec!["i", "I"]),
            ("\u{1c5}", vec!["\u{1c4}", "\u{1c6}"], vec!["\u{1c5}"]),
            ("\u{212a}", vec!["k", "\u{212a}"], vec!["K"]),
            ("k", vec!["k", "K"], vec!["\u{212a}"]),
            ("😀", vec!["??"], vec!["😀", "?"]),
            ("ä", vec!["ä", "Ä"], vec!["a\u{308}"]),
            ("", vec![""], vec!["a"]),
        ] {
            let folded = Folded::new(pattern);
            assert!(yes.iter().all(|text| folded.equals(text)), "{pattern}");
            assert!(!no.iter().any(|text| folded.equals(text)), "{pattern}");
        }
        assert!(Folded::new("aß").starts("ASSx") && !Folded::new("aß").starts("Assx"));
        assert!(Folded::new("ßa").ends("xSSA") && !Folded::new("ßa").ends("ssa"));
        assert!(Folded::new("").starts("x") && Folded::new("").ends("x"));
    }
}
