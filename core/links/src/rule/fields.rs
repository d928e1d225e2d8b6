//! Reading tables of TOML without stopping at the first thing that is wrong.

use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line, and what is wrong there.
pub(super) type Wrong = (usize, String);

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// What was found wrong so far in a text.
pub(super) struct Report<'a> {
    text: &'a str,
    wrong: RefCell<Vec<Wrong>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, wrong: RefCell::new(Vec::new()) }
    }

    pub(super) fn at(&self, span: &Range<usize>, message: impl Into<String>) {
        let start = span.start.min(self.text.len());
        let line = self.text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count() + 1;
        self.wrong.borrow_mut().push((line, message.into()));
    }

    /// What is wrong, in the order of lines.
    pub(super) fn into_wrong(self) -> Vec<Wrong> {
        let mut wrong = self.wrong.into_inner();
        wrong.sort();
        wrong.dedup();
        wrong
    }
}

/// A table of which each key is read once.
pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
    /// Where the table is.
    pub(super) span: Range<usize>,
    /// What the table is, for messages: `rule lots`.
    what: String,
    known: RefCell<Vec<&'static str>>,
    report: &'a Report<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(report: &'a Report<'a>, table: &'a DeTable<'a>, span: Range<usize>, what: String) -> Self {
        Self { table, span, what, known: RefCell::new(Vec::new()), report }
    }

    pub(super) fn wrong(&self, span: &Range<usize>, message: impl std::fmt::Display) {
        self.report.at(span, format!("{}: {message}", self.what));
    }

    /// The value of a key, and where it is.
    pub(super) fn get(&self, key: &'static str) -> Option<&'a Value<'a>> {
        self.known.borrow_mut().push(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    pub(super) fn text(&self, key: &'static str) -> Option<(&'a str, Range<usize>)> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.as_ref(), value.span())),
            _ => {
                self.wrong(&value.span(), format!("{key} is a text"));
                None
            }
        }
    }

    pub(super) fn table(&self, key: &'static str) -> Option<Self> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::new(self.report, table, value.span(), format!("{}, {key}", self.what))),
            _ => {
                self.wrong(&value.span(), format!("{key} is a table"));
                None
            }
        }
    }

    pub(super) fn texts(&self, key: &'static str) -> Vec<(&'a str, Range<usize>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong(&value.span(), format!("{key} is a list of texts"));
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(list.len());
        for item in list.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push((text.as_ref(), item.span())),
                _ => self.wrong(&item.span(), format!("{key} is a list of texts")),
            }
        }
        texts
    }

    pub(super) fn number(&self, key: &'static str, default: f64) -> f64 {
        let Some(value) = self.get(key) else { return default };
        number(value).unwrap_or_else(|| {
            self.wrong(&value.span(), format!("{key} is a number"));
            default
        })
    }

    /// A whole number of at least 1.
    pub(super) fn count(&self, key: &'static str, default: usize) -> usize {
        let Some(value) = self.get(key) else { return default };
        let count = number(value).filter(|n| n.fract() == 0.0 && (1.0..=1e15).contains(n));
        count.map_or_else(
            || {
                self.wrong(&value.span(), format!("{key} is a whole number of at least 1"));
                default
            },
            |number| number as usize,
        )
    }

    /// Pairs of a table that has any keys.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a str, Range<usize>, &'a Value<'a>)> + use<'a> {
        self.table.iter().map(|(name, value)| (name.get_ref().as_ref(), name.span(), value))
    }

    /// Tells of the keys that nobody asked for.
    pub(super) fn end(self) {
        let known = self.known.borrow();
        for (name, _) in self.table.iter().filter(|(name, _)| !known.contains(&name.get_ref().as_ref())) {
            let text = name.get_ref().as_ref();
            let near = |known: &&&str| strsim::jaro_winkler(known, text) > 0.8;
            let best = known
                .iter()
                .filter(near)
                .max_by(|a, b| strsim::jaro_winkler(a, text).total_cmp(&strsim::jaro_winkler(b, text)));
            let message = match best {
                Some(best) => format!("unknown key {text}; did you mean {best}?"),
                None => format!("unknown key {text}; known are {}", known.join(", ")),
            };
            self.wrong(&name.span(), message);
        }
    }
}

pub(super) fn number(value: &Value<'_>) -> Option<f64> {
    match value.get_ref() {
        DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', "").parse().ok(),
        _ => None,
    }
}
