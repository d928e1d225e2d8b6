//! Turtle cut into tokens, to know their lines. What they mean is the parser's business.

pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// The token with the white space and comments after it.
    pub(super) with_trivia: &'a str,
    pub(super) line: u64,
}

impl Token<'_> {
    pub(super) fn is_punctuation(&self) -> bool {
        matches!(self.text, "[" | "]" | "(" | ")" | "," | ";") || self.text.starts_with('.')
    }
}

pub(super) struct Tokens<'a> {
    rest: &'a str,
    line: u64,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let start = trivia(text);
        // The parser counts lines itself, but only for syntax errors: what is before the first token can be left out.
        Self { rest: &text[start..], line: 1 + line_breaks(&text[..start]) }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let first = self.rest.chars().next()?;
        let length = token(self.rest, first);
        let end = length + trivia(&self.rest[length..]);
        let (with_trivia, rest) = self.rest.split_at(end);
        let found = Token { text: &with_trivia[..length], with_trivia, line: self.line };
        self.line += line_breaks(with_trivia);
        self.rest = rest;
        Some(found)
    }
}

fn token(text: &str, first: char) -> usize {
    match first {
        '[' | ']' | '(' | ')' | ',' | ';' => 1,
        '<' => text.find('>').map_or(text.len(), |end| end + 1),
        '"' | '\'' => string(text, first),
        _ => word(text, first),
    }
}

fn string(text: &str, quote: char) -> usize {
    let long = [quote; 3].iter().collect::<String>();
    let short = &long[..1];
    let delimiter = if text.starts_with(&long) { long.as_str() } else { short };
    let mut at = delimiter.len();
    while let Some(step) = text.get(at..).and_then(|rest| rest.find(['\\', quote])) {
        at += step;
        if text[at..].starts_with(delimiter) {
            return at + delimiter.len();
        }
        at +=
            if text[at..].starts_with('\\') { 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8) } else { 1 };
    }
    text.len()
}

fn word(text: &str, first: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if i > 0 && (c.is_whitespace() || "<\"'[](),;#".contains(c)) {
            return i;
        }
    }
    text.len().max(first.len_utf8())
}

/// The length of the white space and comments that the text starts with.
fn trivia(text: &str) -> usize {
    let mut at = 0;
    loop {
        at = text.len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n']).len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at += text[at..].find(['\r', '\n']).unwrap_or(text.len() - at);
    }
}

fn line_breaks(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let is_break = |(i, byte): (usize, &u8)| *byte == b'\n' || *byte == b'\r' && bytes.get(i + 1) != Some(&b'\n');
    bytes.iter().enumerate().filter(|pair| is_break(*pair)).count() as u64
}
