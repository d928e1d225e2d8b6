//! The steps of a normaliser.

use regex::{Captures, Regex};
use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

pub(super) enum Step {
    Trim,
    Lower,
    Upper,
    Fold,
    Nfkc,
    StripZeros,
    Pad {
        width: usize,
        with: char,
    },
    Replace {
        pattern: Regex,
        text: Text,
    },
    /// What matches as a whole stays as it is.
    Accept(Whole),
    /// What matches as a whole becomes the text.
    Rewrite {
        pattern: Whole,
        text: Text,
    },
}

/// A pattern that a value matches as a whole.
pub(super) struct Whole(pub(super) Regex);

/// A text with groups of a pattern in it.
pub(super) struct Text(pub(super) Vec<Part>);

pub(super) enum Part {
    Literal(String),
    Group(usize),
}

impl Step {
    /// The value after the step; `None` where it does not match, or would be longer than `most` bytes.
    pub(super) fn apply<'a>(&self, value: Cow<'a, str>, most: usize) -> Option<Cow<'a, str>> {
        let value = match self {
            Self::Trim => trimmed(value),
            Self::Lower => changed(value, str::to_lowercase),
            Self::Upper => changed(value, str::to_uppercase),
            Self::Fold => changed(value, fold),
            Self::Nfkc if is_nfkc_quick(value.chars()) == IsNormalized::Yes => value,
            Self::Nfkc => Cow::Owned(value.nfkc().collect()),
            Self::StripZeros => without_zeros(value),
            Self::Pad { width, with } => padded(value, *width, *with),
            Self::Replace { pattern, text } => replaced(value, pattern, text, most)?,
            Self::Accept(pattern) => Some(value).filter(|value| pattern.0.is_match(value))?,
            Self::Rewrite { pattern, text } => {
                let mut out = String::new();
                text.write(&pattern.0.captures(&value)?, most, &mut out)?;
                Cow::Owned(out)
            }
        };
        (value.len() <= most).then_some(value)
    }
}

impl Whole {
    /// The texts of named groups; `None` where the value does not match or a group took no part.
    pub(super) fn groups<'a>(&self, value: &'a str, names: &[String]) -> Option<Vec<&'a str>> {
        let captures = self.0.captures(value)?;
        names.iter().map(|name| captures.name(name).map(|group| group.as_str())).collect()
    }
}

impl Text {
    /// `None` where a group took no part, or the text grows over `most` bytes.
    fn write(&self, captures: &Captures<'_>, most: usize, out: &mut String) -> Option<()> {
        for part in &self.0 {
            out.push_str(match part {
                Part::Literal(text) => text,
                Part::Group(group) => captures.get(*group)?.as_str(),
            });
            if out.len() > most {
                return None;
            }
        }
        Some(())
    }
}

fn changed<'a>(value: Cow<'a, str>, change: impl Fn(&str) -> String) -> Cow<'a, str> {
    let after = change(&value);
    if after == *value { value } else { Cow::Owned(after) }
}

fn trimmed(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.trim()),
        Cow::Owned(value) => changed(Cow::Owned(value), |value| value.trim().to_owned()),
    }
}

/// Upper case tells which letters are the same (`ß` and `SS`, the two small sigmas), lower case writes them.
fn fold(value: &str) -> String {
    value.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn without_zeros(value: Cow<'_, str>) -> Cow<'_, str> {
    let stripped = value.trim_start_matches('0');
    if stripped.len() == value.len() || value.len() == 1 {
        return value;
    }
    let kept = if stripped.is_empty() { 1 } else { stripped.len() };
    let from = value.len() - kept;
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(&value[from..]),
        Cow::Owned(mut value) => {
            value.drain(..from);
            Cow::Owned(value)
        }
    }
}

fn padded(value: Cow<'_, str>, width: usize, with: char) -> Cow<'_, str> {
    let missing = width.saturating_sub(value.chars().count());
    if missing == 0 {
        return value;
    }
    let mut padded = String::with_capacity(missing * with.len_utf8() + value.len());
    padded.extend(std::iter::repeat_n(with, missing));
    padded.push_str(&value);
    Cow::Owned(padded)
}

fn replaced<'a>(value: Cow<'a, str>, pattern: &Regex, text: &Text, most: usize) -> Option<Cow<'a, str>> {
    let mut out = String::new();
    let mut done = 0;
    for captures in pattern.captures_iter(&value) {
        let found = captures.get(0)?;
        out.push_str(&value[done..found.start()]);
        text.write(&captures, most, &mut out)?;
        done = found.end();
    }
    if done == 0 && out.is_empty() {
        // Nothing was found, or nothing was put before the text: the rest is all of it either way.
        return Some(value);
    }
    out.push_str(&value[done..]);
    Some(Cow::Owned(out))
}
