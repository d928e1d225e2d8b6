//! What can be wrong with what the index is built from.

use std::path::PathBuf;

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
    LinkStore { path: PathBuf, source: rusqlite::Error },
    #[error("link store {path}: table link has no column {column}", path = path.display())]
    LinkTable { path: PathBuf, column: &'static str },
    /// A row of the link store that is not a link.
    #[error("link store {path}, row {row}: {message}", path = path.display())]
    LinkRow { path: PathBuf, row: i64, message: String },
    #[error("link from {subject} to {object}: {message}")]
    Link { subject: String, object: String, message: String },
    #[error("the index would hold more than {limit} statements (limits.index_statements)")]
    TooManyStatements { limit: u64 },
    #[error("ontology {path} has {bytes} bytes; limits.ontology_bytes allows {limit}", path = path.display())]
    OntologyTooLarge { path: PathBuf, bytes: u64, limit: u64 },
    #[error("the store of the index failed: {0}")]
    Store(#[from] oxigraph::store::StorageError),
}
