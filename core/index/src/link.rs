//! The link store: typed statements between entities of different sources, kept for good.
//!
//! It is bitemporal and append-only. A change inserts a record and closes the one it replaces, so that what was held at any
//! recorded time can still be read; the time for which a statement is valid is a property of the record. What people say of a
//! statement counts before what rules say of it.

mod database;
mod migration;
mod schema;
mod selection;
mod sqlite;
#[cfg(test)]
mod tests;

pub use database::{DatabaseError, LinkDatabase, Opinion, RuleRun, Statement};
pub use selection::{AsOf, LinkFilter, Recorded};

use crate::IndexError;
use oxrdf::{NamedNode, Triple};
use sqlite::Sqlite;
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use weft_links::{Link, LinkId, LinkRecord, LinkState, LinkTime};

/// Entities that one statement asks for. Databases take some thousand parameters.
const ENTITIES_AT_ONCE: usize = 500;

/// Records read at once.
const PAGE: usize = 10_000;

/// A database of links, with what must hold whichever database it is.
pub struct LinkStore {
    place: PathBuf,
    database: Box<dyn LinkDatabase>,
}

impl fmt::Debug for LinkStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl LinkStore {
    /// Opens a SQLite file, creating it, its folder and its tables where they are missing. A file of an earlier version is
    /// brought to this one, or left as it is with an error that says why not.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|source| IndexError::Folder { path: folder.to_owned(), source })?;
        }
        let failed = |source| IndexError::LinkStore { path: path.to_owned(), source };
        Ok(Self { place: path.to_owned(), database: Box::new(Sqlite::open(path).map_err(failed)?) })
    }

    /// Another connection to the same database.
    pub(crate) fn again(&self) -> Result<Self, IndexError> {
        let database = self.database.again().map_err(|source| self.failed(source))?;
        Ok(Self { place: self.place.clone(), database })
    }

    /// Records what is now held of each link, all or none, and gives how many records that made. Saying the same again makes
    /// none. Of several opinions on one statement by one rule, or by people, the last one counts.
    pub fn record(&mut self, links: &[Link]) -> Result<u64, IndexError> {
        let opinions = opinions(links)?;
        self.append(&opinions, None)
    }

    /// [`LinkStore::record`] for the changes of a rule, together with the run that made them.
    pub fn record_run(&mut self, links: &[Link], run: &RuleRun) -> Result<u64, IndexError> {
        let opinions = opinions(links)?;
        self.append(&opinions, Some(run))
    }

    fn append(&mut self, opinions: &[Opinion<'_>], run: Option<&RuleRun>) -> Result<u64, IndexError> {
        self.database.append(opinions, run).map_err(|source| self.failed(source))
    }

    /// The last run of each rule, by name.
    pub fn last_runs(&self) -> Result<Vec<RuleRun>, IndexError> {
        self.database.last_runs().map_err(|source| self.failed(source))
    }

    /// The number of the last record, and when it was recorded. Every change makes a higher number.
    pub fn last(&self) -> Result<Option<(i64, LinkTime)>, IndexError> {
        self.database.last().map_err(|source| self.failed(source))
    }

    /// The recorded time to read at, so that pages that are read one after another are of one time, whatever others record
    /// meanwhile. It is not before the last record: clocks may be set back.
    pub(crate) fn snapshot(&self, as_of: &AsOf) -> Result<LinkTime, IndexError> {
        if let Some(asked) = &as_of.recorded {
            return Ok(asked.clone());
        }
        let now = LinkTime::now();
        Ok(self.last()?.map_or(now.clone(), |(_, last)| last.max(now)))
    }

    /// When a confirmed link next begins or ceases to be valid, after this time.
    pub fn next_change_of_validity(&self, after: &LinkTime) -> Result<Option<LinkTime>, IndexError> {
        self.database.next_boundary(after).map_err(|source| self.failed(source))
    }

    /// A page of records in the order of their numbers, after this number.
    pub fn list(&self, filter: &LinkFilter, after: i64, size: usize) -> Result<Vec<LinkRecord>, IndexError> {
        self.database.records(filter, after, size.max(1)).map_err(|source| self.failed(source))
    }

    /// All that was ever held of a statement, oldest first.
    pub fn history(&self, id: LinkId) -> Result<Vec<LinkRecord>, IndexError> {
        self.all(&LinkFilter { id: Some(id), ..LinkFilter::ever() })
    }

    /// What people and rules hold of a statement now; none where it is not known.
    pub fn opinions(&self, id: LinkId) -> Result<Vec<LinkRecord>, IndexError> {
        self.all(&LinkFilter { id: Some(id), ..LinkFilter::opinions() })
    }

    /// What a rule holds now.
    pub fn opinions_of_rule(&self, rule: &str) -> Result<Vec<LinkRecord>, IndexError> {
        self.all(&LinkFilter { rule: Some(rule.to_owned()), ..LinkFilter::opinions() })
    }

    fn all(&self, filter: &LinkFilter) -> Result<Vec<LinkRecord>, IndexError> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map_or(i64::MIN, |last: &LinkRecord| last.record);
            let page = self.list(filter, after, PAGE)?;
            let complete = page.len() < PAGE;
            all.extend(page);
            if complete {
                return Ok(all);
            }
        }
    }

    /// Calls `visit` with the statements that are confirmed and valid, in pages of at most `page`. A statement that several
    /// rules confirm comes several times.
    pub fn for_each_confirmed(
        &self,
        as_of: &AsOf,
        page: usize,
        visit: &mut dyn FnMut(Vec<Triple>) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let recorded = Some(self.snapshot(as_of)?);
        let filter = LinkFilter::confirmed(&AsOf { recorded, valid: as_of.valid.clone() });
        let page = page.max(1);
        let mut last = i64::MIN;
        loop {
            let rows = self.database.statements(&filter, last, page).map_err(|source| self.failed(source))?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = row.record;
            let complete = rows.len() < page;
            visit(rows.into_iter().map(|row| row.triple).collect())?;
            if complete {
                return Ok(());
            }
        }
    }

    /// The confirmed and valid statements about these entities, as subject or as object, each once; at most `limit`, beyond
    /// which it is an error. Reads by keys, never all links.
    pub fn confirmed_about(
        &self,
        entities: &[NamedNode],
        predicate: Option<&NamedNode>,
        as_of: &AsOf,
        limit: usize,
    ) -> Result<HashSet<Triple>, IndexError> {
        let mut found = HashSet::new();
        for block in entities.chunks(ENTITIES_AT_ONCE) {
            let entities = block.to_vec();
            let filter = LinkFilter { entities, predicate: predicate.cloned(), ..LinkFilter::confirmed(as_of) };
            let mut last = i64::MIN;
            loop {
                let rows = self.database.statements(&filter, last, PAGE).map_err(|source| self.failed(source))?;
                let complete = rows.len() < PAGE;
                last = rows.last().map_or(last, |row| row.record);
                found.extend(rows.into_iter().map(|row| row.triple));
                if found.len() > limit {
                    return Err(IndexError::TooManyLinks { limit });
                }
                if complete {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// How many links there are in each state, people's word before that of rules.
    pub fn counts(&self) -> Result<Vec<(LinkState, u64)>, IndexError> {
        self.database.counts().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: DatabaseError) -> IndexError {
        IndexError::LinkStore { path: self.place.clone(), source }
    }
}

fn opinions(links: &[Link]) -> Result<Vec<Opinion<'_>>, IndexError> {
    let opinion = |link| {
        Opinion::new(link).map_err(|source| IndexError::Link {
            subject: link.subject.to_string(),
            object: link.object.to_string(),
            source,
        })
    };
    links.iter().map(opinion).collect()
}
