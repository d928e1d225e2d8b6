//! What the broker itself knows: the ontology, the links between sources, and the catalogue of sources.
//!
//! The [`LinkStore`] is the system of record for links; nothing in it is overwritten. The [`Index`] is derived from it, the
//! ontology files and the descriptions of the sources: RDF in memory, built at start and thrown away at the end. It answers
//! scans like any other source, so the planner needs no special case for it.
//!
//! This is the only crate that knows oxigraph's store. It is built without an HTTP client, and nothing here opens a
//! connection.

mod catalogue;
mod error;
mod index;
mod link;
mod lookup;
mod ontology;
mod scan;
mod statements;
mod tables;

pub use error::IndexError;
pub use index::{Index, IndexInputs, IndexLimits};
pub use link::{Link, LinkState, LinkStore};
pub use ontology::read_ontology;

/// The vocabulary, and the namespace of the named graphs of the index.
pub const NAMESPACE: &str = "https://weft.dev/ns#";

/// The named graph of the ontology files.
pub const ONTOLOGY_GRAPH: &str = "https://weft.dev/ns#ontology";

/// The named graph of current confirmed links.
pub const LINKS_GRAPH: &str = "https://weft.dev/ns#links";

/// The named graph that describes the sources. It is not part of the default graph.
pub const CATALOGUE_GRAPH: &str = "https://weft.dev/ns#catalogue";
