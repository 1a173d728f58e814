//! Reading the list of a field: plain values and match expressions.

use super::address::AddressRange;
use super::error::Refusal;
use super::fold::Folded;
use super::lexer::{Lexer, Token};
use super::matcher::{Literal, Matcher};
use super::number::Number;
use super::wildcard::Wildcard;
use super::{anything_but, numeric};

pub(super) const EQUALS_IGNORE_CASE: &str = "equals-ignore-case";
const ONE_KEY: &str = "Only one key allowed in match expression";

/// Reads the alternatives of a field, of whose list the opening bracket has been read.
pub(super) fn list(lexer: &mut Lexer<'_>) -> Result<Vec<Matcher>, Refusal> {
    let mut alternatives = Vec::new();
    loop {
        alternatives.push(match lexer.next()? {
            Some(Token::ArrayEnd) => break,
            Some(Token::ObjectStart) => match_expression(lexer)?,
            Some(Token::String) => plain_string(&lexer.string()?),
            Some(Token::Number) => Matcher::Number(Number::parse(lexer.raw())),
            Some(Token::True) => Matcher::Literal(Literal::True),
            Some(Token::False) => Matcher::Literal(Literal::False),
            Some(Token::Null) => Matcher::Literal(Literal::Null),
            _ => return Err(lexer.refuse("Match value must be String, number, true, false, or null")),
        });
    }
    if alternatives.is_empty() { Err(lexer.refuse("Empty arrays are not allowed")) } else { Ok(alternatives) }
}

/// A string that is an IP address stands for every spelling of it.
fn plain_string(text: &str) -> Matcher {
    AddressRange::of_address(text).map_or_else(|| Matcher::String(text.into()), |range| Matcher::Address(range.into()))
}

fn match_expression(lexer: &mut Lexer<'_>) -> Result<Matcher, Refusal> {
    if lexer.next()? != Some(Token::Key) {
        return Err(lexer.refuse("Match expression name not found"));
    }
    let matcher = match lexer.key() {
        "prefix" => prefix_or_suffix(lexer, &PREFIX)?,
        "suffix" => prefix_or_suffix(lexer, &SUFFIX)?,
        EQUALS_IGNORE_CASE => Matcher::EqualsIgnoreCase(Folded::new(&operand(lexer, EQUALS_IGNORE_CASE)?)),
        "wildcard" => {
            let text = operand(lexer, "wildcard")?;
            Matcher::Wildcard(Wildcard::parse(&text).map_err(|reason| lexer.refuse(reason))?)
        }
        "exists" => exists(lexer)?,
        // The service speaks of a prefix here too.
        "cidr" => {
            let range = AddressRange::parse_cidr(&operand(lexer, "prefix")?).map_err(Refusal::nowhere)?;
            Matcher::Address(range.into())
        }
        "exactly" => Matcher::String(operand(lexer, "exact")?.into()),
        "numeric" => return numeric::expression(lexer),
        "anything-but" => return anything_but::expression(lexer),
        unknown => return Err(lexer.refuse(format!("Unrecognized match type {unknown}"))),
    };
    end_of_object(lexer, ONE_KEY)?;
    Ok(matcher)
}

/// Reads the string that an operator wants.
fn operand(lexer: &mut Lexer<'_>, name: &str) -> Result<String, Refusal> {
    match lexer.next()? {
        Some(Token::String) => lexer.string(),
        _ => Err(lexer.refuse(format!("{name} match pattern must be a string"))),
    }
}

pub(super) fn end_of_object(lexer: &mut Lexer<'_>, otherwise: &str) -> Result<(), Refusal> {
    if lexer.next()? == Some(Token::ObjectEnd) { Ok(()) } else { Err(lexer.refuse(otherwise)) }
}

fn exists(lexer: &mut Lexer<'_>) -> Result<Matcher, Refusal> {
    match lexer.next()? {
        Some(Token::True) => Ok(Matcher::Exists),
        Some(Token::False) => Ok(Matcher::Absent),
        _ => Err(lexer.refuse("exists match pattern must be either true or false.")),
    }
}

/// What `prefix` and `suffix` do alike.
struct Side {
    name: &'static str,
    title: &'static str,
    plain: fn(Box<str>) -> Matcher,
    ignoring_case: fn(Folded) -> Matcher,
}

const PREFIX: Side =
    Side { name: "prefix", title: "Prefix", plain: Matcher::Prefix, ignoring_case: Matcher::PrefixIgnoreCase };
const SUFFIX: Side =
    Side { name: "suffix", title: "Suffix", plain: Matcher::Suffix, ignoring_case: Matcher::SuffixIgnoreCase };

fn prefix_or_suffix(lexer: &mut Lexer<'_>, side: &Side) -> Result<Matcher, Refusal> {
    match lexer.next()? {
        Some(Token::String) => Ok((side.plain)(lexer.string()?.into())),
        Some(Token::ObjectStart) => {
            if lexer.next()? != Some(Token::Key) {
                return Err(lexer.refuse(format!("{} expression name not found", side.title)));
            }
            if lexer.key() != EQUALS_IGNORE_CASE {
                return Err(lexer.refuse(format!("Unsupported {} pattern: {}", side.name, lexer.key())));
            }
            let folded = Folded::new(&operand(lexer, EQUALS_IGNORE_CASE)?);
            end_of_object(lexer, ONE_KEY)?;
            Ok((side.ignoring_case)(folded))
        }
        _ => Err(lexer.refuse(format!("{} match pattern must be a string", side.name))),
    }
}
