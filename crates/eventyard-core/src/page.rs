//! Pages of a list: the opaque token that says where the next one begins.
//!
//! A token holds the last name of the page before, under a checksum over that name and the list it belongs to. So it survives
//! a restart, works with another page length, and a token that is damaged or comes from another list is refused. The list
//! itself is not in it: with the longest Arn of a target it would be longer than the API model lets a token be.

use std::ops::Bound;

use crate::error::ServiceError;

/// What a page needs to know: where to begin and how long it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The last name of the page before; none for the first page.
    pub after: Option<String>,
    /// The most entries of the page.
    pub limit: usize,
}

impl PageRequest {
    /// True for names that come behind the page before.
    #[must_use]
    pub fn is_behind(&self, name: &str) -> bool {
        self.after.as_deref().is_none_or(|after| name > after)
    }

    /// Where the page begins in a sorted list of which only names that begin with `prefix` are wanted.
    #[must_use]
    pub fn begin<'a>(&'a self, prefix: &'a str) -> Bound<&'a str> {
        match self.after.as_deref() {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the stable order of their names.
    pub entries: Vec<T>,
    /// The last name of this page when there is more behind it.
    pub last: Option<String>,
}

impl<T> Page<T> {
    /// Takes one page from `entries`, which are sorted by name and begin behind the page before.
    pub fn take(entries: impl Iterator<Item = (String, T)>, limit: usize) -> Self {
        let mut entries = entries;
        let (mut page, mut last) = (Vec::new(), None);
        for (name, entry) in entries.by_ref().take(limit) {
            page.push(entry);
            last = Some(name);
        }
        let has_more = entries.next().is_some();
        Self { entries: page, last: last.filter(|_| has_more) }
    }
}

/// Makes the token for the page of `list` that begins behind the name `behind`.
#[must_use]
pub fn encode_token(list: &str, behind: &str) -> String {
    let mut bytes = behind.to_owned().into_bytes();
    bytes.extend(checksum(list, &bytes));
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// Reads a token of `list`: the last name of the page before.
///
/// # Errors
/// Amazon's `Parameter NextToken is not valid.` when the token is damaged or belongs to another list.
pub fn decode_token(list: &str, token: &str) -> Result<String, ServiceError> {
    decode(list, token).ok_or_else(|| ServiceError::validation("Parameter NextToken is not valid."))
}

fn decode(list: &str, token: &str) -> Option<String> {
    let digits: Vec<u8> =
        token.chars().map(|digit| digit.to_digit(16)).map(|digit| u8::try_from(digit?).ok()).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let (behind, found) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    if checksum(list, behind) != found {
        return None;
    }
    std::str::from_utf8(behind).ok().map(str::to_owned)
}

fn checksum(list: &str, behind: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    for part in [list.as_bytes(), b"\n", behind] {
        hasher.update(part);
    }
    hasher.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_went() {
        let token = encode_token("ListRules default", "rule-9");
        assert_eq!(decode_token("ListRules default", &token).unwrap(), "rule-9");
    }

    #[test]
    fn foreign_and_damaged_tokens_are_refused() {
        let token = encode_token("ListRules default", "rule-9");
        assert!(decode_token("ListTargetsByRule default", &token).is_err());
        for place in 0..token.len() {
            let mut damaged = token.clone().into_bytes();
            damaged[place] = if damaged[place] == b'0' { b'1' } else { b'0' };
            assert!(decode_token("ListRules default", std::str::from_utf8(&damaged).unwrap()).is_err(), "{place}");
            assert!(decode_token("ListRules default", &token[..place]).is_err(), "{place}");
        }
        assert!(decode_token("ListRules default", "ä").is_err());
    }

    #[test]
    fn a_page_begins_behind_the_one_before_and_at_its_prefix() {
        let begin = |after: Option<&str>, prefix: &str| {
            let page = PageRequest { after: after.map(str::to_owned), limit: 1 };
            let names = std::collections::BTreeSet::from(["a", "b", "ba", "bb", "c"]);
            names.range::<str, _>((page.begin(prefix), Bound::Unbounded)).next().copied()
        };
        assert_eq!(begin(None, ""), Some("a"));
        assert_eq!(begin(None, "b"), Some("b"));
        assert_eq!(begin(Some("b"), "b"), Some("ba"));
        assert_eq!(begin(Some("a"), "b"), Some("b"));
        assert_eq!(begin(Some("ba0"), ""), Some("bb"));
        assert_eq!(begin(Some("c"), ""), None);
    }

    #[test]
    fn a_page_tells_whether_there_is_more() {
        let entries = || ["a", "b", "c"].into_iter().map(|name| (name.to_owned(), name));
        assert_eq!(Page::take(entries(), 2), Page { entries: vec!["a", "b"], last: Some("b".into()) });
        assert_eq!(Page::take(entries(), 3), Page { entries: vec!["a", "b", "c"], last: None });
    }
}
