//! Reading `anything-but`, plain and nested.

use super::error::Refusal;
use super::expression::{EQUALS_IGNORE_CASE, end_of_object};
use super::fold::Folded;
use super::lexer::{Lexer, Token};
use super::matcher::{Excluded, Matcher};
use super::number::Comparable;
use super::numeric::{TOO_MANY_ELEMENTS, cannot_compare};
use super::wildcard::Wildcard;

const NOT_A_VALUE: &str = "Value of anything-but must be an array or single string/number value.";
const NOT_FOR_LISTS: &str = "Inside anything but list, start|null|boolean is not supported.";
const MIXED: &str = "Inside anything but list, either all values are number or string, mixed type is not supported";

/// Reads the value of `anything-but`, and the end of its object.
pub(super) fn expression(lexer: &mut Lexer<'_>) -> Result<Matcher, Refusal> {
    let mut token = lexer.next()?;
    let mut nested = None;
    if token == Some(Token::ObjectStart) {
        nested = Some(Nested::parse(lexer)?);
        token = lexer.next()?;
    }
    let excluded = match (nested, token) {
        (None, Some(Token::ArrayStart)) => values(lexer)?,
        (None, Some(Token::String)) => Excluded::Strings([lexer.string()?.into()].into()),
        (None, Some(Token::Number)) => {
            let number = Comparable::parse(lexer.raw());
            Excluded::Numbers([number.ok_or_else(|| Refusal::nowhere(cannot_compare(lexer.raw())))?].into())
        }
        (Some(nested), Some(Token::ArrayStart)) => {
            let texts = nested_texts(lexer, nested).map_err(|refusal| refusal.again_at(lexer.offset()))?;
            nested.exclude(lexer, &texts)?
        }
        (Some(nested), Some(token @ (Token::String | Token::Number))) => {
            let text = nested.text(lexer, token)?;
            nested.exclude(lexer, &[text])?
        }
        _ => return Err(lexer.refuse(NOT_A_VALUE)),
    };
    if nested.is_some() {
        end_of_object(lexer, TOO_MANY_ELEMENTS)?;
    }
    end_of_object(lexer, TOO_MANY_ELEMENTS)?;
    Ok(Matcher::AnythingBut(excluded.into()))
}

/// Reads a list of strings or of numbers, of which the opening bracket has been read.
fn values(lexer: &mut Lexer<'_>) -> Result<Excluded, Refusal> {
    let mut strings = Vec::new();
    let mut numbers = Vec::new();
    loop {
        // Whatever fails here but a number is raised twice by the service, and tells its place twice.
        match lexer.next().map_err(|refusal| refusal.again_at(lexer.offset()))? {
            Some(Token::ArrayEnd) => break,
            Some(Token::String) => {
                let string = lexer.string().map_err(|refusal| refusal.again_at(lexer.offset()))?;
                strings.push(string.into_boxed_str());
            }
            Some(Token::Number) => {
                let number = Comparable::parse(lexer.raw());
                numbers.push(number.ok_or_else(|| lexer.refuse(cannot_compare(lexer.raw())))?);
            }
            _ => return Err(lexer.refuse(NOT_FOR_LISTS).again_at(lexer.offset())),
        }
    }
    match (strings.is_empty(), numbers.is_empty()) {
        (false, true) => Ok(Excluded::Strings(strings.into_iter().collect())),
        (true, false) => Ok(Excluded::Numbers(numbers.into_iter().collect())),
        _ => Err(lexer.refuse(MIXED)),
    }
}

/// Reads the list of a nested form. All that fails in it is raised twice by the service.
fn nested_texts(lexer: &mut Lexer<'_>, nested: Nested) -> Result<Vec<String>, Refusal> {
    let mut texts = Vec::new();
    loop {
        match lexer.next()? {
            Some(Token::ArrayEnd) => return Ok(texts),
            // Behind the text's one value there is nothing, and the service's reader would have raised that.
            None => return Err(lexer.refuse(nested.wants_a_string())),
            Some(token) => texts.push(nested.text(lexer, token)?),
        }
    }
}

/// The operators that `anything-but` can negate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nested {
    Prefix,
    Suffix,
    EqualsIgnoreCase,
    Wildcard,
}

impl Nested {
    fn parse(lexer: &mut Lexer<'_>) -> Result<Self, Refusal> {
        if lexer.next()? != Some(Token::Key) {
            return Err(lexer.refuse("Anything-But expression name not found"));
        }
        match lexer.key() {
            "prefix" => Ok(Self::Prefix),
            "suffix" => Ok(Self::Suffix),
            EQUALS_IGNORE_CASE => Ok(Self::EqualsIgnoreCase),
            "wildcard" => Ok(Self::Wildcard),
            unknown => Err(lexer.refuse(format!("Unsupported anything-but pattern: {unknown}"))),
        }
    }

    const fn wants_a_string(self) -> &'static str {
        match self {
            Self::Prefix | Self::Suffix => "prefix/suffix match pattern must be a string",
            Self::EqualsIgnoreCase => {
                "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
            }
            Self::Wildcard => "wildcard match pattern must be a string",
        }
    }

    /// Reads one text, of which `token` is the beginning.
    fn text(self, lexer: &mut Lexer<'_>, token: Token) -> Result<String, Refusal> {
        if token != Token::String {
            return Err(lexer.refuse(self.wants_a_string()));
        }
        let text = lexer.string()?;
        if text.is_empty() && matches!(self, Self::Prefix | Self::Suffix) {
            return Err(lexer.refuse("Null prefix/suffix not allowed"));
        }
        Ok(text)
    }

    fn exclude(self, lexer: &Lexer<'_>, texts: &[String]) -> Result<Excluded, Refusal> {
        if texts.is_empty() {
            // Amazon's service answers with an internal failure. What is meant is a list with something in it.
            return Err(lexer.refuse("Empty arrays are not allowed"));
        }
        let boxed = || texts.iter().map(|text| text.as_str().into()).collect();
        Ok(match self {
            Self::Prefix => Excluded::Prefixes(boxed()),
            Self::Suffix => Excluded::Suffixes(boxed()),
            Self::EqualsIgnoreCase => Excluded::IgnoreCase(texts.iter().map(|text| Folded::new(text)).collect()),
            Self::Wildcard => {
                let mut wildcards = Vec::new();
                for text in texts {
                    let wildcard = Wildcard::parse(text).map_err(|reason| lexer.refuse(reason))?;
                    if !wildcards.contains(&wildcard) {
                        wildcards.push(wildcard);
                    }
                }
                Excluded::Wildcards(wildcards)
            }
        })
    }
}
