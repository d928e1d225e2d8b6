//! Normalisers: how the spelling of a key in one source becomes the spelling that several sources share.
//!
//! A normaliser is a chain of steps between bars, as it is written in mappings and rule files:
//!
//! ```text
//! trim | upper | strip_zeros | match "Box-Hurco(?<m>\d+)-(?<n>\d+)of20" -> "BOX-{n}"
//! ```
//!
//! | step | does |
//! |---|---|
//! | `trim` | takes white space off both ends |
//! | `lower`, `upper` | changes case, as Unicode says |
//! | `fold` | makes texts that differ in case only alike |
//! | `nfkc` | Unicode normalisation form KC: full-width letters, ligatures and the like become plain |
//! | `strip_zeros` | takes leading zeros off; of zeros alone one stays |
//! | `pad N "c"` | puts the character before the text until it has N characters |
//! | `replace "pattern" -> "text"` | replaces every match of the pattern |
//! | `match "pattern"` | passes on what matches as a whole; where the pattern names groups, the groups |
//! | `match "pattern" -> "text"` | passes on the text, for what matches as a whole |
//!
//! `{name}` or `{1}` in a text stands for a group of the pattern, and `\{` for a brace. Texts and patterns stand between
//! `"` or between `'`; a backslash in a pattern is the pattern's own. What no `match` accepts has no value at all.

mod parse;
mod step;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use step::Step;

/// What becomes of one value of a column: the normalised value, or one of the groups of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalisedValue {
    normaliser: Normaliser,
    group: Option<usize>,
}

impl NormalisedValue {
    pub(crate) fn whole(normaliser: &Normaliser) -> Self {
        Self { normaliser: normaliser.clone(), group: None }
    }

    /// `group` counts those of [`Normaliser::groups`].
    pub(crate) fn group(normaliser: &Normaliser, group: usize) -> Self {
        Self { normaliser: normaliser.clone(), group: Some(group) }
    }

    pub fn normaliser(&self) -> &Normaliser {
        &self.normaliser
    }

    /// The name of the group it is, where it is one.
    pub fn name(&self) -> Option<&str> {
        self.normaliser.groups().get(self.group?).map(String::as_str)
    }

    /// The value; `None` where it does not match.
    pub fn apply<'a>(&self, value: &'a str) -> Option<Cow<'a, str>> {
        let Some(group) = self.group else { return self.normaliser.apply(value) };
        let mut groups = self.normaliser.extract(value)?;
        (group < groups.len()).then(|| Cow::Owned(groups.swap_remove(group)))
    }
}

/// A parsed chain of steps. Cheap to clone; equal where the texts are.
#[derive(Clone)]
pub struct Normaliser {
    chain: Arc<Chain>,
}

struct Chain {
    text: String,
    /// The steps before the groups are told apart, or all where they are not.
    steps: Vec<Step>,
    extraction: Option<Extraction>,
    value_bytes: usize,
}

/// A `match` whose named groups are values of their own, and the steps each of them takes afterwards.
struct Extraction {
    pattern: step::Whole,
    names: Vec<String>,
    steps: Vec<Step>,
}

/// How much a normaliser may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormaliserLimits {
    /// The length of the text of a chain.
    pub text_bytes: usize,
    pub steps: usize,
    /// The size of one compiled pattern, and of what it keeps while it matches.
    pub pattern_bytes: usize,
    /// The length of a value, before and between and after the steps. Longer ones have no value.
    pub value_bytes: usize,
}

impl Default for NormaliserLimits {
    fn default() -> Self {
        Self { text_bytes: 4096, steps: 32, pattern_bytes: 1 << 20, value_bytes: 1 << 16 }
    }
}

/// What is wrong with the text of a normaliser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {position}: {message}")]
pub struct NormaliserError {
    /// The character of the text, from 1.
    pub position: usize,
    pub message: String,
}

impl Normaliser {
    /// Reads a chain within the default limits.
    pub fn parse(text: &str) -> Result<Self, NormaliserError> {
        Self::parse_within(text, &NormaliserLimits::default())
    }

    /// [`Normaliser::parse`] with limits of one's own.
    pub fn parse_within(text: &str, limits: &NormaliserLimits) -> Result<Self, NormaliserError> {
        parse::chain(text, limits).map(|chain| Self { chain: Arc::new(chain) })
    }

    /// The names of the values of their own that the chain gives, in the order of [`Normaliser::extract`]. None: it gives
    /// one value without a name, by [`Normaliser::apply`].
    pub fn groups(&self) -> &[String] {
        self.chain.extraction.as_ref().map_or(&[], |extraction| &extraction.names)
    }

    /// The normalised value; `None` where the value does not match, and for chains that give groups.
    pub fn apply<'a>(&self, value: &'a str) -> Option<Cow<'a, str>> {
        if self.chain.extraction.is_some() {
            return None;
        }
        self.chain.run(&self.chain.steps, Cow::Borrowed(value))
    }

    /// The values of [`Normaliser::groups`]; `None` where the value does not match or one of the groups took no part.
    /// No values at all for chains without groups.
    pub fn extract(&self, value: &str) -> Option<Vec<String>> {
        let Some(extraction) = &self.chain.extraction else { return Some(Vec::new()) };
        let value = self.chain.run(&self.chain.steps, Cow::Borrowed(value))?;
        let values = extraction.pattern.groups(&value, &extraction.names)?;
        let run = |value| self.chain.run(&extraction.steps, Cow::Borrowed(value)).map(Cow::into_owned);
        values.into_iter().map(run).collect()
    }
}

impl Chain {
    fn run<'a>(&self, steps: &[Step], value: Cow<'a, str>) -> Option<Cow<'a, str>> {
        let mut value = Some(value).filter(|value| value.len() <= self.value_bytes)?;
        for step in steps {
            value = step.apply(value, self.value_bytes)?;
        }
        Some(value)
    }
}

impl PartialEq for Normaliser {
    fn eq(&self, other: &Self) -> bool {
        self.chain.text == other.chain.text && self.chain.value_bytes == other.chain.value_bytes
    }
}

impl Eq for Normaliser {}

impl fmt::Display for Normaliser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain.text)
    }
}

impl fmt::Debug for Normaliser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Normaliser({:?})", self.chain.text)
    }
}
