//! Links between entities of different sources: what they are, the rules that find them, the shapes they must satisfy.
//!
//! Pure: entities with their keys in, links out. This crate does not know SPARQL engines, the link store or any transport;
//! whoever uses it asks the sources and keeps the links.
//!
//! What holds here: a rule gives the same links for the same entities, in the same order; a rule that exceeds a limit
//! gives none; a person's word about a link is never changed by a rule.

mod coverage;
mod link;
mod matching;
mod reconcile;
mod rule;
mod shape;
mod time;

pub use coverage::{Coverage, SideCoverage};
pub use link::{InvalidLink, Link, LinkId, LinkRecord, LinkState, UnknownState};
pub use matching::{Entities, Entity, Found, Matches, TooMany, find_links};
pub use reconcile::{ChangeCounts, Changes, reconcile, suspect};
pub use rule::{Fuzzy, KeySource, LinkRule, RuleError, RuleFile, RuleLimits, Side, Similarity};
pub use shape::{Facts, LinkShapes, ShapeError, Violation};
pub use time::{InvalidTime, LinkTime};

/// The predicate of links that say no other: two names of one thing.
pub const SAME_THING_AS: &str = "https://weft.dev/ns#sameThingAs";
