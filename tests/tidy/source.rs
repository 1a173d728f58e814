//! Reads Rust as far as the rules need it: its words without comments and literals, and the paths they form.

/// A word or sign of the code, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword.
    Word(String),
    /// `::`
    PathSeparator,
    /// Any other sign, one character each; a literal is the sign `'"'`.
    Sign(char),
}

impl Token {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    pub(crate) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// A path such as `crate::store::Store`, with each branch of a `use` tree written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// How many `mod name { … }` stand around it in its file.
    pub(crate) inline_modules: usize,
    /// Whether a `use` or `extern crate` introduces it.
    pub(crate) imported: bool,
}

/// The words and signs of `text`; comments are left out and every literal is one sign.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut scanner = Scanner { chars: &chars, at: 0, line: 1, tokens: Vec::new() };
    while scanner.at < chars.len() {
        scanner.step();
    }
    scanner.tokens
}

struct Scanner<'a> {
    chars: &'a [char],
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn advance(&mut self, count: usize) {
        let end = (self.at + count).min(self.chars.len());
        self.line += self.chars[self.at..end].iter().filter(|c| **c == '\n').count();
        self.at = end;
    }

    fn push(&mut self, kind: Kind) {
        self.tokens.push(Token { line: self.line, kind });
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.advance_while(|c| c != '\n'),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (':', ':') => {
                self.push(Kind::PathSeparator);
                self.advance(2);
            }
            (c, _) if c.is_whitespace() => self.advance(1),
            (c, _) if c.is_ascii_digit() => {
                self.push(Kind::Sign('"'));
                self.advance_while(is_in_word);
            }
            (c, _) if is_in_word(c) => self.word(),
            (c, _) => {
                self.push(Kind::Sign(c));
                self.advance(1);
            }
        }
    }

    fn advance_while(&mut self, goes_on: impl Fn(char) -> bool) {
        while self.at < self.chars.len() && goes_on(self.peek(0)) {
            self.advance(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ if self.at >= self.chars.len() => return,
                _ => {
                    self.advance(1);
                    continue;
                }
            }
            self.advance(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.push(Kind::Sign('"'));
        self.advance(1);
        while self.at < self.chars.len() && self.peek(0) != '"' {
            self.advance(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.advance(1);
    }

    /// A character literal or a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == '\\' {
            self.advance(3);
            self.advance_while(|c| c != '\'');
            self.advance(1);
            self.push(Kind::Sign('"'));
        } else if self.peek(2) == '\'' {
            self.push(Kind::Sign('"'));
            self.advance(3);
        } else {
            self.advance(1);
            self.advance_while(is_in_word);
        }
    }

    fn word(&mut self) {
        let length = self.chars[self.at..].iter().take_while(|c| is_in_word(**c)).count();
        let word: String = self.chars[self.at..self.at + length].iter().collect();
        let hashes = self.chars[self.at + length..].iter().take_while(|c| **c == '#').count();
        if matches!(word.as_str(), "r" | "br" | "cr") && self.peek(length + hashes) == '"' {
            self.advance(length + hashes + 1);
            self.raw_string(hashes);
        } else if word == "r" && hashes == 1 && is_in_word(self.peek(2)) {
            self.advance(2); // `r#` before a name; the name follows
        } else if matches!(word.as_str(), "b" | "c") && self.peek(length) == '"' {
            self.advance(length);
        } else {
            self.push(Kind::Word(word));
            self.advance(length);
        }
    }

    fn raw_string(&mut self, hashes: usize) {
        self.push(Kind::Sign('"'));
        let closes = |scanner: &Self| scanner.peek(0) == '"' && (1..=hashes).all(|ahead| scanner.peek(ahead) == '#');
        while self.at < self.chars.len() && !closes(self) {
            self.advance(1);
        }
        self.advance(1 + hashes);
    }
}

fn is_in_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Every path in `tokens`; a single word is a path of one segment.
pub(crate) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut reader = PathReader { tokens, at: 0, paths: Vec::new(), open_braces: Vec::new() };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.paths
}

struct PathReader<'a> {
    tokens: &'a [Token],
    at: usize,
    paths: Vec<Path>,
    /// For each open brace, whether it is that of a `mod name {`.
    open_braces: Vec<bool>,
}

impl PathReader<'_> {
    fn is_sign(&self, ahead: usize, sign: char) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.is_sign(sign))
    }

    fn step(&mut self) {
        let token = &self.tokens[self.at];
        if token.is_word("use") {
            self.at += 1;
            self.tree(&[], true);
        } else if matches!(token.kind, Kind::Word(_)) {
            let is_module = token.is_word("mod") && self.is_sign(2, '{');
            let extern_crate = token.is_word("crate") && self.at > 0 && self.tokens[self.at - 1].is_word("extern");
            if is_module {
                self.open_braces.push(true);
                self.at += 3;
            } else if extern_crate {
                self.at += 1;
                self.tree(&[], true);
            } else {
                self.tree(&[], false);
            }
        } else {
            if token.is_sign('{') {
                self.open_braces.push(false);
            } else if token.is_sign('}') {
                self.open_braces.pop();
            }
            self.at += 1;
        }
    }

    /// Reads a path, or a `use` tree with all of its branches, behind the segments already read.
    fn tree(&mut self, prefix: &[String], imported: bool) {
        let mut segments = prefix.to_vec();
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::PathSeparator => self.at += 1,
                Kind::Word(word) => {
                    segments.push(word.clone());
                    self.at += 1;
                    if self.tokens.get(self.at).is_none_or(|next| next.kind != Kind::PathSeparator) {
                        break;
                    }
                }
                Kind::Sign('*') if imported => {
                    segments.push("*".to_owned());
                    self.at += 1;
                    break;
                }
                Kind::Sign('{') if imported => return self.branches(&segments),
                Kind::Sign(_) => break,
            }
        }
        let line = self.tokens[self.at.max(1) - 1].line;
        let inline_modules = self.open_braces.iter().filter(|is_module| **is_module).count();
        if segments.len() > prefix.len() {
            self.paths.push(Path { line, segments, inline_modules, imported });
        }
    }

    fn branches(&mut self, prefix: &[String]) {
        self.at += 1;
        while self.at < self.tokens.len() && !self.is_sign(0, '}') {
            if self.tokens[self.at].is_word("as") {
                self.at += 2; // the new name is no path
            } else if self.is_sign(0, ',') {
                self.at += 1;
            } else {
                let before = self.at;
                self.tree(prefix, true);
                self.at = self.at.max(before + 1);
            }
        }
        self.at += 1;
    }
}
