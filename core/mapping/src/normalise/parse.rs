//! The text of a normaliser.

use super::step::{Part, Step, Text, Whole};
use super::{Chain, Extraction, NormaliserError, NormaliserLimits};
use crate::suggestion::{did_you_mean, nearest};
use regex::{Regex, RegexBuilder};

const STEPS: [&str; 9] = ["trim", "lower", "upper", "fold", "nfkc", "strip_zeros", "pad", "replace", "match"];

/// Characters a value may be padded to.
const WIDEST: usize = 256;

/// How deep a pattern may be nested.
const DEEPEST: u32 = 50;

pub(super) fn chain(text: &str, limits: &NormaliserLimits) -> Result<Chain, NormaliserError> {
    if text.len() > limits.text_bytes {
        let message = format!("the normaliser has {} bytes, the limit is {}", text.len(), limits.text_bytes);
        return Err(NormaliserError { position: 1, message });
    }
    let mut parser = Parser { text, at: 0, limits };
    let mut chain =
        Chain { text: text.trim().to_owned(), steps: Vec::new(), extraction: None, value_bytes: limits.value_bytes };
    let mut count = 0;
    loop {
        count += 1;
        parser.skip_space();
        let begin = parser.at;
        if count > limits.steps {
            return Err(parser.error(begin, format!("more than {} steps, which is the limit", limits.steps)));
        }
        match parser.step()? {
            Found::Step(step) => {
                let steps = chain.extraction.as_mut().map_or(&mut chain.steps, |extraction| &mut extraction.steps);
                steps.push(step);
            }
            Found::Groups(..) if chain.extraction.is_some() => {
                let message = "a second match with named groups: write -> and a text behind one of them";
                return Err(parser.error(begin, message.to_owned()));
            }
            Found::Groups(pattern, names) => {
                chain.extraction = Some(Extraction { pattern, names, steps: Vec::new() });
            }
        }
        if !parser.next_step()? {
            return Ok(chain);
        }
    }
}

enum Found {
    Step(Step),
    /// A pattern whose groups have these names, and no text to put them in.
    Groups(Whole, Vec<String>),
}

struct Parser<'a> {
    text: &'a str,
    /// The byte reading has come to.
    at: usize,
    limits: &'a NormaliserLimits,
}

/// What stands between quotes, and where it begins.
struct Quoted<'a> {
    text: &'a str,
    quote: char,
    at: usize,
}

impl<'a> Parser<'a> {
    fn step(&mut self) -> Result<Found, NormaliserError> {
        let begin = self.at;
        let name = self.word();
        Ok(Found::Step(match name {
            "trim" => Step::Trim,
            "lower" => Step::Lower,
            "upper" => Step::Upper,
            "fold" => Step::Fold,
            "nfkc" => Step::Nfkc,
            "strip_zeros" => Step::StripZeros,
            "pad" => self.pad()?,
            "replace" => self.replace()?,
            "match" => return self.matching(),
            "" => {
                let message = format!("a step is missing: one of {}", STEPS.join(", "));
                return Err(self.error(begin, message));
            }
            unknown => {
                let suggestion = did_you_mean(nearest(unknown, STEPS));
                let message = format!("unknown step {unknown:?}{suggestion} (it is one of {})", STEPS.join(", "));
                return Err(self.error(begin, message));
            }
        }))
    }

    fn pad(&mut self) -> Result<Step, NormaliserError> {
        self.skip_space();
        let begin = self.at;
        let width = self.word().parse().ok().filter(|width| (1..=WIDEST).contains(width)).ok_or_else(|| {
            self.error(begin, format!("pad needs a number of characters from 1 to {WIDEST}, as in pad 8 \"0\""))
        })?;
        let quoted = self.quoted("pad needs a character, as in pad 8 \"0\"")?;
        let mut chars = quoted.text.chars();
        match (chars.next(), chars.next()) {
            (Some(with), None) => Ok(Step::Pad { width, with }),
            _ => Err(self.error(quoted.at, "pad takes one character".to_owned())),
        }
    }

    fn replace(&mut self) -> Result<Step, NormaliserError> {
        let quoted = self.quoted("replace needs a pattern in quotes")?;
        let pattern = self.pattern(&quoted)?;
        let Some(text) = self.arrow(&pattern)? else {
            return Err(self.error(self.at, "replace needs -> and a text in quotes behind its pattern".to_owned()));
        };
        Ok(Step::Replace { pattern, text })
    }

    fn matching(&mut self) -> Result<Found, NormaliserError> {
        let quoted = self.quoted("match needs a pattern in quotes")?;
        let alone = self.pattern(&quoted)?;
        let names: Vec<String> = alone.capture_names().flatten().map(str::to_owned).collect();
        let whole = Whole(self.compiled(&format!(r"\A(?:{})\z", quoted.text), quoted.at)?);
        Ok(match self.arrow(&whole.0)? {
            Some(text) => Found::Step(Step::Rewrite { pattern: whole, text }),
            None if names.is_empty() => Found::Step(Step::Accept(whole)),
            None => Found::Groups(whole, names),
        })
    }

    fn pattern(&self, quoted: &Quoted<'_>) -> Result<Regex, NormaliserError> {
        self.compiled(quoted.text, quoted.at)
    }

    fn compiled(&self, pattern: &str, at: usize) -> Result<Regex, NormaliserError> {
        let limit = self.limits.pattern_bytes;
        let compiled = RegexBuilder::new(pattern).size_limit(limit).dfa_size_limit(limit).nest_limit(DEEPEST).build();
        compiled.map_err(|error| self.error(at, format!("bad pattern: {}", last_line(&error))))
    }

    /// The text behind an arrow, if there is one.
    fn arrow(&mut self, pattern: &Regex) -> Result<Option<Text>, NormaliserError> {
        self.skip_space();
        let Some(rest) = self.text[self.at..].strip_prefix("->") else { return Ok(None) };
        self.at = self.text.len() - rest.len();
        let quoted = self.quoted("a text in quotes must follow ->")?;
        self.groups_in(&quoted, pattern).map(Some)
    }

    fn groups_in(&self, quoted: &Quoted<'_>, pattern: &Regex) -> Result<Text, NormaliserError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut chars = quoted.text.char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, next)) if matches!(next, '\\' | '{' | '}') || next == quoted.quote => literal.push(next),
                    _ => {
                        let message = r"a backslash in a text stands before \, {, } or the quote".to_owned();
                        return Err(self.error(quoted.at + offset, message));
                    }
                },
                '{' => {
                    let inside = &quoted.text[offset + 1..];
                    let end = inside.find('}').ok_or_else(|| {
                        self.error(quoted.at + offset, r"a { that is not closed; \{ is a brace".to_owned())
                    })?;
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                    parts.push(Part::Group(self.group(&inside[..end], quoted.at + offset, pattern)?));
                    chars.by_ref().nth(inside[..end].chars().count());
                }
                '}' => return Err(self.error(quoted.at + offset, r"a } without {; \} is a brace".to_owned())),
                c => literal.push(c),
            }
        }
        parts.push(Part::Literal(literal));
        Ok(Text(parts))
    }

    fn group(&self, name: &str, at: usize, pattern: &Regex) -> Result<usize, NormaliserError> {
        let numbered = name.parse().ok().filter(|number: &usize| *number < pattern.captures_len());
        let named = || pattern.capture_names().position(|known| known == Some(name));
        numbered.or_else(named).ok_or_else(|| {
            let known: Vec<&str> = pattern.capture_names().flatten().collect();
            let has = if known.is_empty() { String::new() } else { format!(", it has {}", known.join(", ")) };
            self.error(at, format!("the pattern has no group {name:?}{has}"))
        })
    }

    /// Whether a bar and so a further step follows. Anything else but the end is an error.
    fn next_step(&mut self) -> Result<bool, NormaliserError> {
        self.skip_space();
        match self.text[self.at..].chars().next() {
            None => Ok(false),
            Some('|') => {
                self.at += 1;
                Ok(true)
            }
            Some(c) => Err(self.error(self.at, format!("found {c:?}, steps are separated by |"))),
        }
    }

    fn quoted(&mut self, missing: &str) -> Result<Quoted<'a>, NormaliserError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Err(self.error(self.at, missing.to_owned()));
        };
        let open = self.at;
        let inside = &rest[1..];
        let mut escaped = false;
        for (offset, c) in inside.char_indices() {
            if c == quote && !escaped {
                self.at = open + 1 + offset + 1;
                return Ok(Quoted { text: &inside[..offset], quote, at: open + 1 });
            }
            escaped = c == '\\' && !escaped;
        }
        Err(self.error(open, format!("{quote} is not closed")))
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn error(&self, at: usize, message: String) -> NormaliserError {
        NormaliserError { position: self.text[..at].chars().count() + 1, message }
    }
}

/// Syntax errors of patterns draw a picture first and say what is wrong last.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
