//! Reading a pattern: its objects, `$or`, and the branches they multiply to.

use std::sync::Arc;

use super::branch::{Branch, Field};
use super::error::Refusal;
use super::lexer::{Lexer, Token};
use super::limits::PatternLimits;
use super::{complexity, expression};

const OR: &str = "$or";

/// Field names that are kept for operators, here or still to come, inside of `$or`.
const RESERVED_INSIDE_OR: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// Reads a pattern into its branches: at least one, each with at least one field.
///
/// Text behind the pattern's object is not looked at, as in Amazon's compiler.
pub(super) fn parse(text: &str, limits: &PatternLimits) -> Result<Vec<Branch>, Refusal> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        open: Vec::new(),
        keys: Vec::new(),
        branches: Branches { list: Vec::new(), allowed: limits.branches_allowed(), overflown: false },
    };
    parser.run()?;
    let Branches { mut list, allowed, overflown } = parser.branches;
    if overflown {
        return Err(Refusal::nowhere(format!("Or operator is producing over {allowed} rule combinations")));
    }
    if limits.wildcard_complexity_max.is_some_and(|max| complexity::exceeds(&list, max)) {
        return Err(Refusal::nowhere(concat!(
            "Rule is too complex - try using fewer wildcard characters or ",
            "fewer repeating character sequences after a wildcard character"
        )));
    }
    list.iter_mut().for_each(Branch::shrink);
    list.shrink_to_fit();
    Ok(list)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The objects and `$or` arrays that are open, outermost first.
    open: Vec<Open>,
    /// The keys that lead to the innermost open object.
    keys: Vec<String>,
    branches: Branches,
}

enum Open {
    Object {
        has_fields: bool,
        /// Whether the object is the value of a key, which its end takes off the path.
        has_key: bool,
    },
    Or {
        /// The branches as they were before the `$or`: each of its objects goes on from these.
        before: Branches,
        /// What the objects read so far made of them.
        collected: Branches,
        objects: usize,
    },
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Refusal> {
        if self.lexer.next()? != Some(Token::ObjectStart) {
            return Err(self.lexer.refuse("Filter is not an object"));
        }
        self.open.push(Open::Object { has_fields: false, has_key: false });
        while let Some(open) = self.open.pop() {
            match open {
                Open::Object { has_fields, has_key } => self.object(has_fields, has_key)?,
                Open::Or { before, collected, objects } => self.or(before, collected, objects)?,
            }
        }
        Ok(())
    }

    /// Goes on with an object: reads its next member, or its end.
    fn object(&mut self, has_fields: bool, has_key: bool) -> Result<(), Refusal> {
        if self.lexer.next()? == Some(Token::ObjectEnd) {
            if has_key {
                self.keys.pop();
            }
            return if has_fields { Ok(()) } else { Err(self.lexer.refuse("Empty objects are not allowed")) };
        }
        self.open.push(Open::Object { has_fields: true, has_key });
        let key = self.lexer.key().to_owned();
        if key == OR {
            return self.enter_or();
        }
        if self.is_inside_or() && RESERVED_INSIDE_OR.contains(&&*key) {
            let reason = format!("{key} is Ruler reserved fieldName which cannot be used inside {OR}.");
            return Err(self.lexer.refuse(reason));
        }
        match self.lexer.next()? {
            Some(Token::ObjectStart) => {
                self.keys.push(key);
                self.open.push(Open::Object { has_fields: false, has_key: true });
            }
            Some(Token::ArrayStart) => {
                let begin = self.lexer.offset() - 1;
                let alternatives = expression::list(&mut self.lexer)?.into();
                let source = begin..self.lexer.offset();
                self.branches.put(&Field { path: self.path(&key), alternatives, source });
            }
            _ => return Err(self.lexer.refuse(format!("\"{key}\" must be an object or an array"))),
        }
        Ok(())
    }

    fn enter_or(&mut self) -> Result<(), Refusal> {
        if self.lexer.next()? != Some(Token::ArrayStart) {
            return Err(self.lexer.refuse(format!("It must be an Array followed with {OR}.")));
        }
        let collected = self.branches.emptied();
        let before = std::mem::replace(&mut self.branches, collected.clone());
        self.open.push(Open::Or { before, collected, objects: 0 });
        Ok(())
    }

    /// Goes on with an `$or` array, of which `objects` have been read: reads the next one's beginning, or the end.
    fn or(&mut self, before: Branches, mut collected: Branches, objects: usize) -> Result<(), Refusal> {
        collected.append(&mut self.branches);
        match self.lexer.next()? {
            Some(Token::ObjectStart) => {
                self.branches = before.clone();
                self.open.push(Open::Or { before, collected, objects: objects + 1 });
                self.open.push(Open::Object { has_fields: false, has_key: false });
                Ok(())
            }
            Some(Token::ArrayEnd) if objects < 2 => {
                Err(self.lexer.refuse(format!("There must have at least 2 Objects in {OR} relationship.")))
            }
            Some(Token::ArrayEnd) => {
                self.branches = collected;
                Ok(())
            }
            _ => Err(self.lexer.refuse(format!("Only JSON object is allowed in array of {OR} relationship."))),
        }
    }

    fn is_inside_or(&self) -> bool {
        self.open.iter().any(|open| matches!(open, Open::Or { .. }))
    }

    /// The path of a key. An empty key at the very beginning is lost, as in Amazon's compiler.
    fn path(&self, key: &str) -> Arc<str> {
        let base = self.keys.join(".");
        if base.is_empty() { key.into() } else { format!("{base}.{key}").into() }
    }
}

/// The branches of a pattern, as far as it has been read.
#[derive(Clone)]
struct Branches {
    list: Vec<Branch>,
    allowed: usize,
    /// Set for good once there were more than allowed. No branches are kept from then on, only errors looked for.
    overflown: bool,
}

impl Branches {
    fn emptied(&self) -> Self {
        Self { list: Vec::new(), ..*self }
    }

    /// Adds a field to every branch.
    fn put(&mut self, field: &Field) {
        if self.list.is_empty() && !self.overflown {
            self.list.push(Branch::default());
        }
        for branch in &mut self.list {
            branch.put(field.clone());
        }
    }

    fn append(&mut self, others: &mut Self) {
        self.overflown |= others.overflown || self.list.len() + others.list.len() > self.allowed;
        if self.overflown {
            self.list.clear();
        } else {
            self.list.append(&mut others.list);
        }
    }
}
