//! One thing, many names.

use std::fmt;

/// What things are called where they have more than one name: classes of IRIs, no IRI in two of them. It never changes.
pub trait Aliases: fmt::Debug + Send + Sync {
    /// All names of the thing an IRI is a name of, in the order of their code points, so that the first is the
    /// representative; none where the IRI is the only name.
    fn names(&self, iri: &str) -> Vec<&str>;

    /// The first of the names, where there are several.
    fn representative(&self, iri: &str) -> Option<&str>;

    /// Calls `visit` with the names of each thing that has several, in the order of [`Self::names`].
    fn for_each_thing(&self, visit: &mut dyn FnMut(&[&str]));

    /// How many things have several names.
    fn things(&self) -> usize;
}
