//! Views of the mesh: under which names, and with the links of which time.

use crate::error::QueryError;
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use weft_connector::Guarded;
use weft_model::{Code, Fault};
use weft_plan::{Catalogue, Pragmas};

/// What a query sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Each thing under one name.
    pub thread: bool,
    pub time: LinkTimes,
}

/// Which links there are: those recorded at one time and valid at another, each as it was written. Without, the present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkTimes {
    pub as_of: Option<String>,
    pub valid_at: Option<String>,
}

impl LinkTimes {
    pub fn is_present(&self) -> bool {
        self.as_of.is_none() && self.valid_at.is_none()
    }
}

/// What a request says of the view it wants, beside the pragmas of its query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedView {
    /// A view of the config.
    pub name: Option<String>,
    pub thread: Option<bool>,
    pub time: LinkTimes,
}

impl AskedView {
    /// The view of a query. What is said with the query counts before what its named view says.
    ///
    /// # Errors
    /// `invalid-request` for a view that is not known, and for two times that contradict each other.
    pub(crate) fn resolve(&self, pragmas: &Pragmas, views: &BTreeMap<String, View>) -> Result<View, QueryError> {
        let named = match &self.name {
            None => View::default(),
            Some(name) => views.get(name).cloned().ok_or_else(|| no_view(name, views))?,
        };
        let time = |what: &str, asked: &Option<String>, pragma: &Option<String>, named: Option<String>| match (
            asked, pragma,
        ) {
            (Some(asked), Some(pragma)) if asked != pragma => Err(invalid(format!(
                "the request asks for {what} {asked:?}, and the pragma of its query for {pragma:?}"
            ))),
            (Some(time), _) | (_, Some(time)) => Ok(Some(time.clone())),
            (None, None) => Ok(named),
        };
        Ok(View {
            thread: pragmas.thread || self.thread.unwrap_or(named.thread),
            time: LinkTimes {
                as_of: time("as-of", &self.time.as_of, &pragmas.as_of, named.time.as_of)?,
                valid_at: time("valid-at", &self.time.valid_at, &pragmas.valid_at, named.time.valid_at)?,
            },
        })
    }
}

fn no_view(name: &str, views: &BTreeMap<String, View>) -> QueryError {
    let shown: String = name.chars().take(80).collect();
    let known: Vec<&str> = views.keys().map(String::as_str).collect();
    invalid(match known.as_slice() {
        [] => format!("there is no view {shown:?}: the config names none"),
        known => format!("there is no view {shown:?}; there are {}", known.join(", ")),
    })
}

fn invalid(message: impl Into<String>) -> QueryError {
    QueryError::new(Code::InvalidRequest, Fault::Caller, message)
}

/// What queries are planned against, and what their plans ask.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub catalogue: Arc<Catalogue>,
    pub sources: Arc<HashMap<Arc<str>, Guarded>>,
}

/// The mesh with the links of other times.
#[async_trait]
pub trait LinkHistory: fmt::Debug + Send + Sync {
    /// `current` with the links of a time.
    ///
    /// # Errors
    /// `invalid-request` for what is no time.
    async fn at(&self, time: &LinkTimes, current: &Snapshot) -> Result<Snapshot, QueryError>;
}

/// The mesh with the links of a time.
pub(crate) async fn snapshot_at(
    current: &Snapshot,
    history: Option<&Arc<dyn LinkHistory>>,
    time: &LinkTimes,
) -> Result<Snapshot, QueryError> {
    if time.is_present() {
        return Ok(current.clone());
    }
    match history {
        Some(history) => history.at(time, current).await,
        None => Err(invalid("there are no links here that as-of and valid-at could choose from")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asked(name: Option<&str>, thread: Option<bool>, as_of: Option<&str>) -> AskedView {
        let time = LinkTimes { as_of: as_of.map(str::to_owned), valid_at: None };
        AskedView { name: name.map(str::to_owned), thread, time }
    }

    #[test]
    fn what_is_said_with_a_query_counts_before_its_named_view() {
        let time = LinkTimes { as_of: Some("2020-01-01".into()), valid_at: Some("2019-01-01".into()) };
        let views = BTreeMap::from([("audit".to_owned(), View { thread: true, time: time.clone() })]);
        let none = Pragmas::default();
        assert_eq!(asked(None, None, None).resolve(&none, &views).unwrap(), View::default());
        assert_eq!(asked(Some("audit"), None, None).resolve(&none, &views).unwrap(), View { thread: true, time });
        let other = asked(Some("audit"), Some(false), Some("2021-01-01")).resolve(&none, &views).unwrap();
        assert!(!other.thread);
        assert_eq!(other.time.as_of.as_deref(), Some("2021-01-01"));
        assert_eq!(other.time.valid_at.as_deref(), Some("2019-01-01"));
        let pragmas = Pragmas { thread: true, ..Pragmas::default() };
        assert!(asked(None, None, None).resolve(&pragmas, &views).unwrap().thread);
    }

    #[test]
    fn contradictions_and_unknown_views_are_refused_by_name() {
        let views = BTreeMap::from([("audit".to_owned(), View::default())]);
        let pragmas = Pragmas { as_of: Some("2020-01-01".into()), ..Pragmas::default() };
        let error = asked(None, None, Some("2021-01-01")).resolve(&pragmas, &views).unwrap_err();
        assert_eq!(
            error.message,
            "the request asks for as-of \"2021-01-01\", and the pragma of its query for \"2020-01-01\""
        );
        assert!(asked(None, None, Some("2020-01-01")).resolve(&pragmas, &views).is_ok());
        let error = asked(Some("audits"), None, None).resolve(&pragmas, &views).unwrap_err();
        assert_eq!(error.message, "there is no view \"audits\"; there are audit");
    }
}
