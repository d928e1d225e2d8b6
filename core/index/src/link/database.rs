//! What a database must do to hold links.

use super::selection::LinkFilter;
use oxrdf::Triple;
use serde::Serialize;
use std::error::Error;
use weft_links::{InvalidLink, Link, LinkId, LinkRecord, LinkState, LinkTime};

/// Why a database could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("{0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    #[error("another program is writing to it, and did not end in time")]
    Busy,
    #[error("its tables are of version {found}, and this program knows versions up to {known}")]
    Newer { found: i64, known: i64 },
    #[error("table link has no column {0}")]
    NoColumn(&'static str),
    /// A row that is no link.
    #[error("row {row}: {message}")]
    Row { row: i64, message: String },
}

/// A table of records that only grows, and a table of runs. Records have numbers that grow, and times that grow with them.
pub trait LinkDatabase: Send {
    /// Inserts a record for each opinion that differs from the current one of the same origin on the same statement, and
    /// closes that one. All or none, with the run. Returns the number of records.
    fn append(&mut self, opinions: &[Opinion<'_>], run: Option<&RuleRun>) -> Result<u64, DatabaseError>;

    /// Another connection to the same database.
    fn again(&self) -> Result<Box<dyn LinkDatabase>, DatabaseError>;

    /// The number and time of the last record.
    fn last(&self) -> Result<Option<(i64, LinkTime)>, DatabaseError>;

    /// The records that are meant, in the order of their numbers, after this number.
    fn records(&self, filter: &LinkFilter, after: i64, limit: usize) -> Result<Vec<LinkRecord>, DatabaseError>;

    /// Their statements only.
    fn statements(&self, filter: &LinkFilter, after: i64, limit: usize) -> Result<Vec<Statement>, DatabaseError>;

    /// Current records by state, those of rules only where people said nothing.
    fn counts(&self) -> Result<Vec<(LinkState, u64)>, DatabaseError>;

    /// The first time after this one at which a current confirmed record begins or ceases to be valid.
    fn next_boundary(&self, after: &LinkTime) -> Result<Option<LinkTime>, DatabaseError>;

    /// The last run of each rule, by name.
    fn last_runs(&self) -> Result<Vec<RuleRun>, DatabaseError>;
}

/// The statement of a record.
pub struct Statement {
    pub record: i64,
    pub triple: Triple,
}

/// A link that was checked.
pub struct Opinion<'a> {
    pub link: &'a Link,
    pub id: LinkId,
    pub valid_from: Option<LinkTime>,
    pub valid_to: Option<LinkTime>,
}

impl<'a> Opinion<'a> {
    pub fn new(link: &'a Link) -> Result<Self, InvalidLink> {
        let (valid_from, valid_to) = link.validity()?;
        Ok(Self { link, id: link.id(), valid_from, valid_to })
    }
}

/// A rule as it was when it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRun {
    pub rule: String,
    /// What the rule said. Its links are suspect once it says something else.
    pub text: String,
    /// When it ran; set by the store.
    pub ran_at: Option<LinkTime>,
    /// What it found, as JSON.
    pub coverage: String,
}
