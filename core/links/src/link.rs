//! A statement between two entities, and what is held of it.

use crate::{InvalidTime, LinkTime};
use oxrdf::NamedNode;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// No evidence, rule or author is longer.
const TEXT_BYTES: usize = 64 * 1024;

/// A statement between two entities, and why it is believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub subject: NamedNode,
    pub predicate: NamedNode,
    pub object: NamedNode,
    /// The rule that found it; without, somebody said it. Each rule has at most one current opinion on a statement, and so
    /// have people together. What people say counts, whatever rules say.
    pub rule: Option<String>,
    pub author: Option<String>,
    pub evidence: Option<String>,
    /// From 0 to 1.
    pub confidence: Option<f64>,
    pub state: LinkState,
    /// From this time on, ISO 8601; without, since ever.
    pub valid_from: Option<String>,
    /// Before this time, ISO 8601; without, for ever.
    pub valid_to: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkState {
    Proposed,
    Confirmed,
    Suspect,
    Retired,
}

impl LinkState {
    pub const ALL: [Self; 4] = [Self::Proposed, Self::Confirmed, Self::Suspect, Self::Retired];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Confirmed => "confirmed",
            Self::Suspect => "suspect",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no state of a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state of a link: proposed, confirmed, suspect and retired are")]
pub struct UnknownState(String);

impl FromStr for LinkState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| UnknownState(text.chars().take(80).collect()))
    }
}

/// The name of a statement: 16 hexadecimal digits made of its subject, predicate and object. All opinions on one statement
/// share it. Two statements may share it, too, if very rarely: whoever looks one up compares the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

impl LinkId {
    /// FNV-1a, whose results are the same everywhere and for ever.
    pub fn of(subject: &str, predicate: &str, object: &str) -> Self {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for part in [subject, predicate, object] {
            for byte in part.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        Self(hash)
    }

    /// For databases, whose integers have a sign.
    pub fn to_i64(self) -> i64 {
        self.0.cast_signed()
    }

    pub fn from_i64(number: i64) -> Self {
        Self(number.cast_unsigned())
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for LinkId {
    type Err = InvalidLink;

    fn from_str(text: &str) -> Result<Self, InvalidLink> {
        let is_id = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_id);
        number.map(Self).ok_or_else(|| InvalidLink::Id(text.chars().take(80).collect()))
    }
}

impl Serialize for LinkId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What was held of a statement from one time to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkRecord {
    /// The name of the statement.
    pub id: LinkId,
    /// The number of the record. Later records have higher numbers.
    pub record: i64,
    #[serde(serialize_with = "iri")]
    pub subject: NamedNode,
    #[serde(serialize_with = "iri")]
    pub predicate: NamedNode,
    #[serde(serialize_with = "iri")]
    pub object: NamedNode,
    pub state: LinkState,
    pub rule: Option<String>,
    pub author: Option<String>,
    pub evidence: Option<String>,
    pub confidence: Option<f64>,
    pub valid_from: Option<LinkTime>,
    pub valid_to: Option<LinkTime>,
    pub recorded_at: LinkTime,
    /// When another record took its place.
    pub superseded_at: Option<LinkTime>,
}

fn iri<S: Serializer>(node: &NamedNode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(node.as_str())
}

/// What a link cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidLink {
    #[error("the confidence {0} is not between 0 and 1")]
    Confidence(f64),
    #[error("{field}: {source}")]
    Time { field: &'static str, source: InvalidTime },
    #[error("valid_to {to} is not after valid_from {from}")]
    Interval { from: LinkTime, to: LinkTime },
    #[error("it links a thing to itself")]
    Reflexive,
    #[error("{field} has more than {TEXT_BYTES} bytes")]
    TooLong { field: &'static str },
    #[error("{0:?} is no name of a link, which has 16 hexadecimal digits")]
    Id(String),
}

impl Link {
    pub fn id(&self) -> LinkId {
        LinkId::of(self.subject.as_str(), self.predicate.as_str(), self.object.as_str())
    }

    /// Checks all there is to check, and gives the time the statement is valid for.
    pub fn validity(&self) -> Result<(Option<LinkTime>, Option<LinkTime>), InvalidLink> {
        if let Some(confidence) = self.confidence.filter(|c| !(0.0..=1.0).contains(c)) {
            return Err(InvalidLink::Confidence(confidence));
        }
        if self.subject == self.object {
            return Err(InvalidLink::Reflexive);
        }
        for (field, text) in [("rule", &self.rule), ("author", &self.author), ("evidence", &self.evidence)] {
            if text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES) {
                return Err(InvalidLink::TooLong { field });
            }
        }
        let time = |field, text: &Option<String>| {
            text.as_deref().map(LinkTime::from_str).transpose().map_err(|source| InvalidLink::Time { field, source })
        };
        let (from, to) = (time("valid_from", &self.valid_from)?, time("valid_to", &self.valid_to)?);
        match (from, to) {
            (Some(from), Some(to)) if to <= from => Err(InvalidLink::Interval { from, to }),
            bounds => Ok(bounds),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_links_are_the_same_for_ever() {
        let id = LinkId::of("https://e/a", "https://e/p", "https://e/b");
        assert_eq!(id.to_string().parse::<LinkId>().unwrap(), id);
        assert_eq!(LinkId::from_i64(id.to_i64()), id);
        assert_eq!(LinkId::of("a", "", "").to_string(), "ac804b820e4fe984");
        assert_ne!(LinkId::of("ab", "c", "d"), LinkId::of("a", "bc", "d"));
        for text in ["", "12", "+23456789abcdef0", "123456789abcdefg", "0123456789abcdef0"] {
            assert!(text.parse::<LinkId>().is_err(), "{text}");
        }
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in LinkState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert!("Confirmed".parse::<LinkState>().is_err());
    }
}
