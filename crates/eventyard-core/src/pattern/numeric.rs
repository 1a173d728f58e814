//! Reading `numeric`.

use super::error::Refusal;
use super::expression::end_of_object;
use super::lexer::{Lexer, Token};
use super::matcher::Matcher;
use super::number::{Bound, Comparable, Number, NumericRange};

/// Said of a second key too, by the service.
pub(super) const TOO_MANY_ELEMENTS: &str = "Too many elements in numeric expression";

/// Reads the value of `numeric`, and the end of its object.
pub(super) fn expression(lexer: &mut Lexer<'_>) -> Result<Matcher, Refusal> {
    if lexer.next()? != Some(Token::ArrayStart) {
        return Err(lexer.refuse("Value of numeric must be an array."));
    }
    let matcher = comparison(lexer)?;
    end_of_object(lexer, TOO_MANY_ELEMENTS)?;
    Ok(matcher)
}

fn comparison(lexer: &mut Lexer<'_>) -> Result<Matcher, Refusal> {
    if lexer.next()? != Some(Token::String) {
        return Err(lexer.refuse(format!("Invalid member in numeric match: {}", lexer.raw())));
    }
    let operator = lexer.string()?;
    let operand = lexer.next()?;
    let name = match operator.as_str() {
        "=" => "equals",
        "<" | "<=" | ">" | ">=" => &operator,
        _ => return Err(lexer.refuse(format!("Unrecognized numeric range operator: {operator}"))),
    };
    let text = number(lexer, operand, name)?;
    let end = lexer.next()?;
    if end != Some(Token::ArrayEnd) {
        if !operator.starts_with('>') {
            return Err(lexer.refuse(TOO_MANY_ELEMENTS));
        }
        return range(lexer, end, text, operator == ">=");
    }
    let number = comparable(lexer, text)?;
    let bound = Some(Bound { number, inclusive: operator.ends_with('=') });
    Ok(match operator.as_str() {
        "=" => Matcher::Number(Number::Comparable(number)),
        "<" | "<=" => Matcher::Numeric(NumericRange { low: None, high: bound }.into()),
        _ => Matcher::Numeric(NumericRange { low: bound, high: None }.into()),
    })
}

/// Reads the upper half of a range, of which `third` is the token behind the lower half.
fn range(lexer: &mut Lexer<'_>, third: Option<Token>, low: &str, inclusive: bool) -> Result<Matcher, Refusal> {
    if third != Some(Token::String) {
        return Err(lexer.refuse(format!("Bad value in numeric range: {}", lexer.raw())));
    }
    let operator = lexer.string()?;
    if operator != "<" && operator != "<=" {
        return Err(lexer.refuse(format!("Bad numeric range operator: {operator}")));
    }
    let operand = lexer.next()?;
    let high = number(lexer, operand, &operator)?;
    if lexer.next()? != Some(Token::ArrayEnd) {
        return Err(lexer.refuse("Too many terms in numeric range expression"));
    }
    let low = Bound { number: comparable(lexer, low)?, inclusive };
    let high = Bound { number: comparable(lexer, high)?, inclusive: operator == "<=" };
    if low.number >= high.number {
        return Err(lexer.refuse("Bottom must be less than top"));
    }
    Ok(Matcher::Numeric(NumericRange { low: Some(low), high: Some(high) }.into()))
}

fn number<'a>(lexer: &Lexer<'a>, token: Option<Token>, operator: &str) -> Result<&'a str, Refusal> {
    if token == Some(Token::Number) {
        Ok(lexer.raw())
    } else {
        Err(lexer.refuse(format!("Value of {operator} must be numeric")))
    }
}

fn comparable(lexer: &Lexer<'_>, text: &str) -> Result<Comparable, Refusal> {
    Comparable::parse(text).ok_or_else(|| lexer.refuse(cannot_compare(text)))
}

pub(super) fn cannot_compare(number: &str) -> String {
    format!("Cannot compare number : {number}")
}
