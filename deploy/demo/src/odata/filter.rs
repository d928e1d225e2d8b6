//! `$filter`: from text to a tree whose names and types are checked.

use super::error::ODataError;
use super::literal::{Literal, quoted};
use super::options::{Path, path};
use super::schema::{Edm, EntitySet, Property, Schema};
use rusqlite::types::Value;

/// Deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 64;
/// Most comparisons, list items counted one by one: SQLite takes 32,766 parameters.
const MAX_TERMS: usize = 4_000;

#[derive(Debug)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare { path: Path, operator: Comparison, value: Value },
    ComparePaths { left: Path, operator: Comparison, right: Path },
    In { path: Path, values: Vec<Value> },
    Text { path: Path, function: TextFunction, pattern: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFunction {
    StartsWith,
    EndsWith,
    Contains,
}

impl Comparison {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            _ => return None,
        })
    }

    /// The same comparison with its sides exchanged.
    fn mirrored(self) -> Self {
        match self {
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            same => same,
        }
    }
}

impl TextFunction {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "contains" => Self::Contains,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Literal(Literal),
    Word(String),
}

pub(super) fn parse(schema: &Schema, set: &EntitySet, text: &str) -> Result<Filter, ODataError> {
    let mut parser = Parser { schema, set, tokens: tokens(text)?, next: 0, depth: 0, terms: 0 };
    let filter = parser.or()?;
    match parser.peek() {
        None => Ok(filter),
        Some(token) => Err(unexpected(Some(&token.clone()), "and, or, or the end")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, ODataError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            ',' => (Token::Comma, &rest[1..]),
            '\'' => {
                let (value, after) = quoted(rest).ok_or_else(|| ODataError::bad_request("a quote is not closed"))?;
                (Token::Literal(Literal::Text(value)), after)
            }
            _ => {
                let end =
                    rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '\'')).unwrap_or(rest.len());
                let word = &rest[..end];
                let token = Literal::unquoted(word).map_or_else(|| Token::Word(word.to_owned()), Token::Literal);
                (token, &rest[end..])
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn unexpected(token: Option<&Token>, wanted: &str) -> ODataError {
    let found = match token {
        None => "the end".to_owned(),
        Some(Token::Open) => "\"(\"".to_owned(),
        Some(Token::Close) => "\")\"".to_owned(),
        Some(Token::Comma) => "\",\"".to_owned(),
        Some(Token::Word(word)) => format!("{word:?}"),
        Some(Token::Literal(_)) => "a literal".to_owned(),
    };
    ODataError::bad_request(format!("expected {wanted}, found {found}"))
}

struct Parser<'a> {
    schema: &'a Schema,
    set: &'a EntitySet,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    terms: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &Token, text: &str) -> Result<(), ODataError> {
        match self.take() {
            Some(token) if token == *wanted => Ok(()),
            token => Err(unexpected(token.as_ref(), text)),
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, ODataError>) -> Result<T, ODataError> {
        if self.depth == MAX_DEPTH {
            return Err(ODataError::bad_request(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn term(&mut self) -> Result<(), ODataError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(ODataError::bad_request(format!("more than {MAX_TERMS} comparisons")));
        }
        Ok(())
    }

    fn or(&mut self) -> Result<Filter, ODataError> {
        let mut parts = vec![self.and()?];
        while self.take_word("or") {
            parts.push(self.and()?);
        }
        Ok(single(parts, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, ODataError> {
        let mut parts = vec![self.unary()?];
        while self.take_word("and") {
            parts.push(self.unary()?);
        }
        Ok(single(parts, Filter::And))
    }

    fn unary(&mut self) -> Result<Filter, ODataError> {
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.peek() == Some(&Token::Open) {
            self.next += 1;
            let inner = self.deeper(Self::or)?;
            self.expect(&Token::Close, "\")\"")?;
            return Ok(inner);
        }
        self.term()?;
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Filter, ODataError> {
        match self.take() {
            Some(Token::Literal(literal)) => {
                let operator = self.operator("a comparison")?;
                let path = self.path()?;
                self.compare(path, operator.mirrored(), &literal)
            }
            Some(Token::Word(word)) if self.peek() == Some(&Token::Open) => self.function(&word),
            Some(Token::Word(word)) => {
                let left = path(self.schema, self.set, &word)?;
                if self.take_word("in") {
                    return self.list(left);
                }
                let operator = self.operator("eq, ne, gt, ge, lt, le or in")?;
                match self.take() {
                    Some(Token::Literal(literal)) => self.compare(left, operator, &literal),
                    Some(Token::Word(word)) => self.compare_paths(left, operator, &word),
                    token => Err(unexpected(token.as_ref(), "a literal or a property")),
                }
            }
            token => Err(unexpected(token.as_ref(), "a condition")),
        }
    }

    fn operator(&mut self, wanted: &str) -> Result<Comparison, ODataError> {
        match self.take() {
            Some(Token::Word(word))
                if matches!(word.as_str(), "has" | "add" | "sub" | "mul" | "div" | "mod" | "divby") =>
            {
                Err(ODataError::not_implemented(format!("{word} is not implemented")))
            }
            Some(Token::Word(word)) => {
                Comparison::named(&word).ok_or_else(|| unexpected(Some(&Token::Word(word)), wanted))
            }
            token => Err(unexpected(token.as_ref(), wanted)),
        }
    }

    fn path(&mut self) -> Result<Path, ODataError> {
        match self.take() {
            Some(Token::Word(word)) => path(self.schema, self.set, &word),
            token => Err(unexpected(token.as_ref(), "a property")),
        }
    }

    fn property(&self, path: Path) -> &Property {
        match path.navigation {
            None => &self.set.properties[path.property],
            Some(navigation) => &self.schema.sets[self.set.navigation[navigation].target].properties[path.property],
        }
    }

    fn compare(&self, path: Path, operator: Comparison, literal: &Literal) -> Result<Filter, ODataError> {
        let value = literal.value_for(self.property(path))?;
        Ok(Filter::Compare { path, operator, value })
    }

    fn compare_paths(&self, left: Path, operator: Comparison, word: &str) -> Result<Filter, ODataError> {
        let right = path(self.schema, self.set, word)?;
        let (a, b) = (self.property(left), self.property(right));
        let is_number = |p: &Property| matches!(p.edm, Edm::Int32 | Edm::Int64 | Edm::Double | Edm::Decimal { .. });
        if a.edm != b.edm && !(is_number(a) && is_number(b)) {
            let message = format!("{} is {}, {} is {}", a.name, a.edm.name(), b.name, b.edm.name());
            return Err(ODataError::bad_request(message));
        }
        Ok(Filter::ComparePaths { left, operator, right })
    }

    fn list(&mut self, path: Path) -> Result<Filter, ODataError> {
        self.expect(&Token::Open, "a list in parentheses")?;
        let mut values = Vec::new();
        loop {
            match self.take() {
                Some(Token::Literal(literal)) => values.push(literal.value_for(self.property(path))?),
                token => return Err(unexpected(token.as_ref(), "a literal")),
            }
            self.term()?;
            match self.take() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(Filter::In { path, values }),
                token => return Err(unexpected(token.as_ref(), "\",\" or \")\"")),
            }
        }
    }

    fn function(&mut self, name: &str) -> Result<Filter, ODataError> {
        let function = TextFunction::named(name)
            .ok_or_else(|| ODataError::not_implemented(format!("the function {name} is not implemented")))?;
        self.expect(&Token::Open, "\"(\"")?;
        let path = self.path()?;
        let property = self.property(path);
        if property.edm != Edm::String {
            let message = format!("{name} needs text, property {} is {}", property.name, property.edm.name());
            return Err(ODataError::bad_request(message));
        }
        self.expect(&Token::Comma, "\",\"")?;
        let pattern = match self.take() {
            Some(Token::Literal(Literal::Text(pattern))) => pattern,
            token => return Err(unexpected(token.as_ref(), "a text in quotes")),
        };
        self.expect(&Token::Close, "\")\"")?;
        Ok(Filter::Text { path, function, pattern })
    }
}

fn single(mut parts: Vec<Filter>, many: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}
