//! The index with the links of another time.

use super::assemble::build_index;
use crate::config::Config;
use crate::failure::Failure;
use async_trait::async_trait;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Mutex;
use weft_connector::{GuardLimits, Guarded};
use weft_exec::{LinkHistory, LinkTimes, QueryError, Snapshot};
use weft_index::{AsOf, Index, LinkStore, LinkTime, Publication};
use weft_mapping::VirtualGraph;
use weft_model::{Code, Fault};
use weft_plan::Catalogue;

/// Builds indexes on request, one at a time, and keeps the last few. Building one reads all links of its time.
pub(crate) struct IndexHistory {
    config: Arc<Config>,
    publication: Arc<Publication>,
    kept: Arc<Mutex<Kept>>,
}

/// The latest last.
type Kept = VecDeque<(Key, Snapshot)>;

#[derive(Clone, Debug, PartialEq)]
struct Key {
    at: AsOf,
    /// The last record of the store, where later ones make a difference.
    last: Option<i64>,
}

impl IndexHistory {
    pub(crate) fn new(config: Arc<Config>, publication: Arc<Publication>) -> Self {
        Self { config, publication, kept: Arc::default() }
    }
}

impl fmt::Debug for IndexHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexHistory").finish_non_exhaustive()
    }
}

#[async_trait]
impl LinkHistory for IndexHistory {
    async fn at(&self, time: &LinkTimes, current: &Snapshot) -> Result<Snapshot, QueryError> {
        let at = as_of(time)?;
        let mut kept = self.kept.clone().lock_owned().await;
        let (config, publication, current) = (self.config.clone(), self.publication.clone(), current.clone());
        // A request that goes away leaves what it began to the next one.
        let built = tokio::spawn(async move {
            let most = config.links.as_ref().map_or(0, |links| links.kept_times);
            let blocking = config.clone();
            let known: Vec<Key> = kept.iter().map(|(key, _)| key.clone()).collect();
            let work = move || find_or_build(&blocking, &publication, &at, &known, &current);
            match tokio::task::spawn_blocking(work).await.map_err(|error| Failure::caused(Code::Internal, &error))?? {
                Found::Kept(position) => {
                    let entry = kept.remove(position).ok_or_else(gone)?;
                    let snapshot = entry.1.clone();
                    kept.push_back(entry);
                    Ok(snapshot)
                }
                Found::Built(key, snapshot) => {
                    kept.retain(|(known, _)| known.at != key.at);
                    kept.push_back((key, snapshot.clone()));
                    while kept.len() > most {
                        kept.pop_front();
                    }
                    Ok(snapshot)
                }
            }
        });
        let outcome = built.await.map_err(|error| failed(&Failure::caused(Code::Internal, &error)))?;
        outcome.map_err(|failure: Failure| failed(&failure))
    }
}

fn gone() -> Failure {
    Failure::new(Code::Internal, "an index that was kept is gone")
}

/// What failed names files, which is for the log.
fn failed(failure: &Failure) -> QueryError {
    let message = "the links of that time cannot be read".to_owned();
    QueryError { detail: Some(failure.message.clone()), ..error(failure.code, Fault::Broker, message) }
}

fn error(code: Code, fault: Fault, message: String) -> QueryError {
    QueryError { code, fault, message, source_name: None, position: None, detail: None }
}

/// What is asked for by one time is asked for as it was on that day: recorded then, and valid then.
fn as_of(time: &LinkTimes) -> Result<AsOf, QueryError> {
    let read = |what: &str, text: &Option<String>| {
        let parse = |text: &String| {
            let wrong = |problem| error(Code::InvalidRequest, Fault::Caller, format!("{what}: {problem}"));
            text.parse::<LinkTime>().map_err(wrong)
        };
        text.as_ref().map(parse).transpose()
    };
    let recorded = read("as-of", &time.as_of)?;
    let valid = read("valid-at", &time.valid_at)?.or_else(|| recorded.clone());
    Ok(AsOf { recorded, valid })
}

enum Found {
    Kept(usize),
    Built(Key, Snapshot),
}

fn find_or_build(
    config: &Config,
    publication: &Publication,
    at: &AsOf,
    kept: &[Key],
    current: &Snapshot,
) -> Result<Found, Failure> {
    let Some(path) = config.link_store() else {
        return Err(Failure::new(Code::InvalidConfig, "links.store is not set"));
    };
    let links = LinkStore::open(&path)?;
    let is_past = at.recorded.as_ref().is_some_and(|recorded| *recorded < LinkTime::now());
    let last = if is_past { None } else { links.last()?.map(|(record, _)| record) };
    let key = Key { at: at.clone(), last };
    if let Some(position) = kept.iter().position(|known| *known == key) {
        return Ok(Found::Kept(position));
    }
    let mut graphs: Vec<VirtualGraph> =
        current.catalogue.graphs().iter().filter(|graph| &*graph.source != Index::SOURCE).cloned().collect();
    let index = build_index(config, &graphs, publication, at)?;
    graphs.push(index.virtual_graph());
    let catalogue = Catalogue::new(graphs, current.catalogue.prefixes().to_vec()).with_aliases(index.aliases());
    let mut sources: HashMap<Arc<str>, Guarded> = (*current.sources).clone();
    let name: Arc<str> = Index::SOURCE.into();
    sources.insert(name.clone(), Guarded::new(name, Arc::new(index), GuardLimits::default()));
    Ok(Found::Built(key, Snapshot { catalogue: Arc::new(catalogue), sources: Arc::new(sources) }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_time_is_both_when_it_was_recorded_and_when_it_is_valid() {
        let times = |as_of: Option<&str>, valid_at: Option<&str>| {
            as_of_texts(&LinkTimes { as_of: as_of.map(str::to_owned), valid_at: valid_at.map(str::to_owned) })
        };
        let day = |text: &str| Some(text.parse::<LinkTime>().unwrap());
        assert_eq!(times(Some("2026-03-01"), None), (day("2026-03-01"), day("2026-03-01")));
        assert_eq!(times(Some("2026-03-01"), Some("2017-08-01")), (day("2026-03-01"), day("2017-08-01")));
        assert_eq!(times(None, Some("2017-08-01")), (None, day("2017-08-01")));
    }

    fn as_of_texts(time: &LinkTimes) -> (Option<LinkTime>, Option<LinkTime>) {
        let at = as_of(time).unwrap();
        (at.recorded, at.valid)
    }

    #[test]
    fn what_is_no_time_is_refused_by_name() {
        let error = as_of(&LinkTimes { as_of: None, valid_at: Some("soon".into()) }).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        assert!(error.message.starts_with("valid-at: \"soon\" is not an ISO 8601 time"), "{}", error.message);
    }
}
