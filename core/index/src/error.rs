//! What can be wrong with what the index is built from.

use crate::DatabaseError;
use std::path::PathBuf;
use weft_links::InvalidLink;

/// The index cannot be built, or the link store not be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("cannot read {path}: {source}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot make the folder {path}: {source}", path = path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    /// Lines and columns start at 1.
    #[error("{path}:{line}:{column}: {message}", path = path.display())]
    Ontology { path: PathBuf, line: u64, column: u64, message: String },
    #[error("base IRI {base:?}: {message}")]
    Base { base: String, message: String },
    #[error("link store {path}: {source}", path = path.display())]
    LinkStore { path: PathBuf, source: DatabaseError },
    #[error("link from {subject} to {object}: {source}")]
    Link { subject: String, object: String, source: InvalidLink },
    #[error("more than {limit} links are about the entities asked for")]
    TooManyLinks { limit: usize },
    #[error(
        "<{name}> and the things linked with it by weft:sameThingAs have {names} names; links.max_aliases allows {most}"
    )]
    Aliases { name: String, names: usize, most: usize },
    #[error("more than 2^32 names")]
    Names,
    #[error("the index would hold more than {limit} statements (limits.index_statements)")]
    TooManyStatements { limit: u64 },
    #[error("the index would hold more than {limit} links (limits.index_links)")]
    TooManyIndexedLinks { limit: u64 },
    #[error("ontology {path} has {bytes} bytes; limits.ontology_bytes allows {limit}", path = path.display())]
    OntologyTooLarge { path: PathBuf, bytes: u64, limit: u64 },
    #[error("the store of the index failed: {0}")]
    Store(#[from] oxigraph::store::StorageError),
}
