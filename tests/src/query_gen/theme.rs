//! What a query is mostly about.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// A part of the language that a query has for certain, or nearly so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    /// What one table can answer.
    Star,
    /// A little of everything.
    Mixed,
    Path,
    Minus,
    Exists,
    SubQuery,
    Values,
    Graph,
    Dataset,
    Groups,
    Functions,
    Construct,
    Describe,
}

const THEMES: &[(Theme, u32)] = &[
    (Theme::Mixed, 30),
    (Theme::Path, 12),
    (Theme::Minus, 5),
    (Theme::Exists, 8),
    (Theme::SubQuery, 8),
    (Theme::Values, 3),
    (Theme::Graph, 6),
    (Theme::Dataset, 4),
    (Theme::Groups, 8),
    (Theme::Functions, 8),
    (Theme::Construct, 5),
    (Theme::Describe, 3),
];

impl Theme {
    /// `star`: how likely a query is one that can move into a source.
    pub(super) fn draw(rng: &mut StdRng, star: f64) -> Self {
        if rng.random_bool(star) {
            return Self::Star;
        }
        THEMES.choose_weighted(rng, |(_, weight)| *weight).map_or(Self::Mixed, |(theme, _)| *theme)
    }

    /// Whether something of this theme comes next: rarely in queries about something else.
    pub(super) fn calls_for(self, other: Self, rng: &mut StdRng, otherwise: f64) -> bool {
        rng.random_bool(if self == other { 0.75 } else { otherwise })
    }
}
