//! IRI templates without their column names: what decides whether two IRIs can be equal.
//!
//! R2RML section 7.3 builds IRIs from templates whose values are percent-encoded to IRI-safe text, so a value never
//! contains a reserved character such as `/`. A template is *injective* when every separator between two placeholders
//! contains one: then different keys give different IRIs, and a join on the IRI is a join on the keys.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The literal parts of a template: one more than it has placeholders.
#[derive(Clone, Debug, Eq)]
pub struct IriShape {
    parts: Arc<[String]>,
}

impl PartialEq for IriShape {
    /// Mostly two equal shapes are one.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts) || self.parts == other.parts
    }
}

impl Hash for IriShape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.hash(state);
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidTemplate {
    #[error("the template has no placeholder")]
    NoPlaceholder,
    #[error("a brace is not closed")]
    Unclosed,
    #[error("a closing brace has no opening one")]
    Unopened,
    #[error("a placeholder is empty")]
    Empty,
}

/// The native type of a key column behind an IRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    Int64,
    Text,
}

/// One key found in an IRI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    Int64(i64),
    Text(String),
}

impl IriShape {
    /// Splits an R2RML template (`http://ex/{a}/{b}`, braces escaped by a backslash) into its shape and the names of
    /// its columns.
    pub fn parse(template: &str) -> Result<(Self, Vec<String>), InvalidTemplate> {
        let mut parts = vec![String::new()];
        let mut columns = Vec::new();
        let mut chars = template.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => push(&mut parts, chars.next().unwrap_or('\\')),
                '{' => {
                    columns.push(placeholder(&mut chars)?);
                    parts.push(String::new());
                }
                '}' => return Err(InvalidTemplate::Unopened),
                c => push(&mut parts, c),
            }
        }
        if columns.is_empty() {
            return Err(InvalidTemplate::NoPlaceholder);
        }
        Ok((Self { parts: parts.into() }, columns))
    }

    /// The number of placeholders.
    pub fn keys(&self) -> usize {
        self.parts.len() - 1
    }

    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether different keys always give different IRIs.
    pub fn is_injective(&self) -> bool {
        let inner = &self.parts[1..self.parts.len() - 1];
        inner.iter().all(|separator| separator.chars().any(|c| !is_value_char(c)))
    }

    /// Builds the IRI of some keys, given as text.
    pub fn build<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> String {
        let mut iri = self.parts[0].clone();
        for (key, part) in keys.into_iter().zip(&self.parts[1..]) {
            percent_encode(key, &mut iri);
            iri.push_str(part);
        }
        iri
    }

    /// The keys from which the template builds exactly this IRI, if there are any. Only for injective shapes.
    pub fn invert(&self, iri: &str, kinds: &[KeyKind]) -> Option<Vec<KeyValue>> {
        let mut rest = iri.strip_prefix(self.parts[0].as_str())?;
        let mut keys = Vec::with_capacity(kinds.len());
        let last = self.keys() - 1;
        for (i, kind) in kinds.iter().enumerate() {
            let part = &self.parts[i + 1];
            let (encoded, after) =
                if i == last { (rest.strip_suffix(part.as_str())?, "") } else { split_at_separator(rest, part)? };
            keys.push(decode_key(encoded, *kind)?);
            rest = after;
        }
        Some(keys)
    }

    /// Whether some IRI could be built by both shapes.
    pub fn may_equal(&self, other: &Self) -> bool {
        self == other || intersects(&self.tokens(), &other.tokens())
    }

    /// Whether the shape could build this IRI, for any kind of keys.
    pub fn may_build(&self, iri: &str) -> bool {
        let text: Vec<Token> = iri.chars().map(Token::Char).collect();
        intersects(&self.tokens(), &text)
    }

    fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                tokens.push(Token::Value);
            }
            tokens.extend(part.chars().map(Token::Char));
        }
        tokens
    }
}

impl fmt::Display for IriShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("{}"))
    }
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}

fn placeholder(chars: &mut std::str::Chars<'_>) -> Result<String, InvalidTemplate> {
    let mut name = String::new();
    loop {
        match chars.next() {
            None => return Err(InvalidTemplate::Unclosed),
            Some('\\') => name.push(chars.next().unwrap_or('\\')),
            Some('}') if name.is_empty() => return Err(InvalidTemplate::Empty),
            Some('}') => return Ok(name),
            Some(c) => name.push(c),
        }
    }
}

/// Characters a percent-encoded value can contain: RFC 3987 `iunreserved`, and the percent sign.
fn is_value_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%') || !c.is_ascii()
}

/// Appends `value` as IRI-safe text (R2RML section 7.3): everything but `iunreserved` is percent-encoded.
pub fn percent_encode(value: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for c in value.chars() {
        if c != '%' && is_value_char(c) && !is_control(c) {
            out.push(c);
            continue;
        }
        let mut buffer = [0; 4];
        for byte in c.encode_utf8(&mut buffer).bytes() {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Non-ASCII characters outside RFC 3987 `ucschar` (section 2.2): C1 controls, private use, non-characters, and the tags
/// of plane 14.
fn is_control(c: char) -> bool {
    matches!(
        u32::from(c),
        0x80..=0x9F | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFFF0..=0xFFFF | 0xE0000..=0xE0FFF | 0xF0000..
    ) || (u32::from(c) & 0xFFFE) == 0xFFFE
}

/// Splits before the first occurrence of the separator that its reserved character determines.
fn split_at_separator<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let reserved_in_separator = separator.find(|c| !is_value_char(c))?;
    let reserved_in_text = text.find(|c| !is_value_char(c))?;
    let start = reserved_in_text.checked_sub(reserved_in_separator)?;
    let (value, rest) = text.split_at_checked(start)?;
    Some((value, rest.strip_prefix(separator)?))
}

fn decode_key(encoded: &str, kind: KeyKind) -> Option<KeyValue> {
    if !encoded.chars().all(is_value_char) {
        return None;
    }
    let text = percent_decode(encoded)?;
    // Only the encoding the template itself would have written can be an IRI of the mapping.
    let mut again = String::with_capacity(encoded.len());
    percent_encode(&text, &mut again);
    if again != encoded {
        return None;
    }
    match kind {
        KeyKind::Text => Some(KeyValue::Text(text)),
        KeyKind::Int64 => text.parse::<i64>().ok().filter(|n| n.to_string() == text).map(KeyValue::Int64),
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// Any number of value characters.
    Value,
}

/// Whether two patterns describe a common text: reachability in the product of the two automata.
fn intersects(a: &[Token], b: &[Token]) -> bool {
    let width = b.len() + 1;
    let mut reachable = vec![false; (a.len() + 1) * width];
    reachable[0] = true;
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if !reachable[i * width + j] {
                continue;
            }
            let (x, y) = (a.get(i), b.get(j));
            if x == Some(&Token::Value) {
                reachable[(i + 1) * width + j] = true;
            }
            if y == Some(&Token::Value) {
                reachable[i * width + j + 1] = true;
            }
            match (x, y) {
                (Some(Token::Char(c)), Some(Token::Char(d))) if c == d => reachable[(i + 1) * width + j + 1] = true,
                (Some(Token::Char(c)), Some(Token::Value)) if is_value_char(*c) => {
                    reachable[(i + 1) * width + j] = true;
                }
                (Some(Token::Value), Some(Token::Char(d))) if is_value_char(*d) => {
                    reachable[i * width + j + 1] = true;
                }
                _ => {}
            }
        }
    }
    reachable[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shape(template: &str) -> IriShape {
        IriShape::parse(template).unwrap().0
    }

    #[test]
    fn a_template_splits_into_parts_and_columns() {
        let (shape, columns) = IriShape::parse("http://ex/\\{{a}/{b c}x").unwrap();
        assert_eq!(shape.parts(), ["http://ex/{", "/", "x"]);
        assert_eq!(columns, ["a", "b c"]);
        for (bad, error) in [
            ("http://ex/", InvalidTemplate::NoPlaceholder),
            ("http://ex/{a", InvalidTemplate::Unclosed),
            ("http://ex/a}", InvalidTemplate::Unopened),
            ("http://ex/{}", InvalidTemplate::Empty),
        ] {
            assert_eq!(IriShape::parse(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn inverting_gives_back_the_keys_and_nothing_else() {
        let s = shape("http://ex/{a}/rev/{b}#x");
        assert!(s.is_injective());
        let iri = s.build(["CRADA-BOX/D é%", "7"]);
        assert_eq!(iri, "http://ex/CRADA-BOX%2FD%20é%25/rev/7#x");
        let keys = s.invert(&iri, &[KeyKind::Text, KeyKind::Int64]).unwrap();
        assert_eq!(keys, [KeyValue::Text("CRADA-BOX/D é%".into()), KeyValue::Int64(7)]);
        for other in ["http://ex/a/rev/07#x", "http://ex/a/rev/7", "http://ex/a%2fb/rev/7#x", "http://ex/a/b/rev/7#x"] {
            assert_eq!(s.invert(other, &[KeyKind::Text, KeyKind::Int64]), None, "{other}");
        }
    }

    /// The ranges of `ucschar` in the grammar of RFC 3987, section 2.2.
    #[test]
    fn exactly_the_characters_of_the_grammar_stay() {
        let planes = (1..=0xD_u32).map(|plane| (plane << 16, (plane << 16) + 0xFFFD));
        let ucschar: Vec<(u32, u32)> = [(0xA0, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFEF), (0xE1000, 0xEFFFD)]
            .into_iter()
            .chain(planes)
            .collect();
        for c in ('\u{80}'..=char::MAX).filter(|c| !c.is_ascii()) {
            let is_ucschar = ucschar.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(c)));
            let mut encoded = String::new();
            percent_encode(c.encode_utf8(&mut [0; 4]), &mut encoded);
            assert_eq!(!encoded.starts_with('%'), is_ucschar, "{:x}", u32::from(c));
        }
    }

    #[test]
    fn separators_without_a_reserved_character_are_not_injective() {
        assert!(!shape("http://ex/{a}-{b}").is_injective());
        assert!(!shape("http://ex/{a}{b}").is_injective());
        assert!(shape("http://ex/{a};{b}").is_injective());
    }

    #[test]
    fn shapes_that_cannot_meet_are_told_apart() {
        let part = shape("http://ex/part/{id}");
        assert!(part.may_equal(&shape("http://ex/part/{number}")));
        assert!(part.may_equal(&shape("http://ex/part/x{number}")));
        assert!(!part.may_equal(&shape("http://ex/order/{id}")));
        assert!(!part.may_equal(&shape("http://ex/part/{id}/rev/{rev}")));
        assert!(part.may_build("http://ex/part/7"));
        assert!(!part.may_build("http://ex/part/7/8"));
    }
}
