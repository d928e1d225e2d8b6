//! The thread view: each thing under one name.
//!
//! Where things have several names, the query is answered over the graph in which every name at the place of a subject or an
//! object is replaced by its representative, and so are the IRIs of the query. No source is asked for that graph: a pattern is
//! matched with the names its source has, under variables of their own ([`own`]), and an alias step ([`crate::NodeKind::Alias`])
//! replaces the names in its rows. What the rows are joined with hands its keys down through the step as all names of each
//! thing. What is known of the names ([`known`]) tells where no step is needed.

mod constants;
mod known;
mod own;
mod pragma;
mod step;

pub(crate) use constants::with_representatives;
pub(crate) use known::KnownAliases;
pub(crate) use own::ThreadUnfolder;
pub use pragma::Pragmas;
pub(crate) use step::AliasTree;

/// More notes than these are not worth reading.
const MOST_NOTES: usize = 100;

#[cfg(test)]
mod tests;
