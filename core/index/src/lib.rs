//! What the broker itself knows: the ontology, the links between sources, and the catalogue of sources.
//!
//! The [`LinkStore`] is the system of record for links; nothing in it is overwritten. The [`Index`] is derived from it, the
//! ontology files and the descriptions of the sources: RDF in memory, built at start and thrown away at the end. It answers
//! scans like any other source, so the planner needs no special case for it.
//!
//! This is the only crate that knows oxigraph's store. It is built without an HTTP client, and nothing here opens a
//! connection.

mod alias;
mod catalogue;
mod error;
mod index;
mod link;
mod links;
mod lookup;
mod ontology;
mod records;
mod scan;
mod statements;
mod tables;

pub use alias::{AliasBuilder, AliasTable};
pub use catalogue::{Publication, Question, QuestionForm};
pub use error::IndexError;
pub use index::{Index, IndexInputs, IndexLimits};
pub use link::{AsOf, DatabaseError, LinkDatabase, LinkFilter, LinkStore, Opinion, Recorded, RuleRun, Statement};
pub use ontology::read_ontology;
pub use weft_links::{Link, LinkId, LinkRecord, LinkState, LinkTime};

/// The vocabulary, and the namespace of the named graphs of the index.
pub const NAMESPACE: &str = "https://weft.dev/ns#";

/// The named graph of the ontology files.
pub const ONTOLOGY_GRAPH: &str = "https://weft.dev/ns#ontology";

/// The named graph of current confirmed links.
pub const LINKS_GRAPH: &str = "https://weft.dev/ns#links";

/// The predicate of links that say that two names are names of one thing.
pub const SAME_THING: &str = "https://weft.dev/ns#sameThingAs";

/// The named graph of all names of each thing that has several: `?thing weft:alias "IRI"^^xsd:anyURI`, where the thing is
/// its representative. It is not part of the default graph.
pub const ALIASES_GRAPH: &str = "https://weft.dev/ns#aliases";

/// The named graph of what is held of links and why: records with state, confidence, rule or author, evidence and times. It
/// is not part of the default graph.
pub const LINK_RECORDS_GRAPH: &str = "https://weft.dev/ns#linkRecords";

/// The named graph that describes the sources. It is not part of the default graph.
pub const CATALOGUE_GRAPH: &str = "https://weft.dev/ns#catalogue";
