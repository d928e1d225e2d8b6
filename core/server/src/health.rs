//! What `/health` says.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Shared by the server, which shows it, and the broker, which knows it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    state: Arc<RwLock<State>>,
}

#[derive(Debug, Default)]
struct State {
    ready: bool,
    draining: bool,
    sources: BTreeMap<String, SourceHealth>,
}

/// A source as it was found when it was last described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceHealth {
    pub state: SourceState,
    /// Why it takes no part. Safe to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// Queries use it.
    Ready,
    /// It could not be described; queries do not see it, and it is tried again.
    Absent,
}

#[derive(Debug, Serialize)]
pub(crate) struct HealthReport {
    pub(crate) status: &'static str,
    /// Whether queries are answered.
    #[serde(skip)]
    pub(crate) answers: bool,
    sources: BTreeMap<String, SourceHealth>,
}

impl Health {
    pub fn set_source(&self, name: &str, health: SourceHealth) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).sources.insert(name.to_owned(), health);
    }

    /// The broker answers queries from now on.
    pub fn set_ready(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).ready = true;
    }

    pub(crate) fn set_draining(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).draining = true;
    }

    pub(crate) fn report(&self) -> HealthReport {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let degraded = state.sources.values().any(|source| source.state == SourceState::Absent);
        let status = match (state.draining, state.ready, degraded) {
            (true, _, _) => "draining",
            (false, false, _) => "starting",
            (false, true, true) => "degraded",
            (false, true, false) => "ready",
        };
        let answers = state.ready && !state.draining;
        HealthReport { status, sources: state.sources.clone(), answers }
    }
}
