//! Which sources took part in an answer, and what it cost.

use crate::columns::LeftOut;
use crate::observe::{Observation, Observations};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use weft_plan::{RequestRun, Shape};

/// What an answer cost.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub sources: Vec<SourceReport>,
    #[serde(serialize_with = "millis")]
    pub planning: Duration,
    #[serde(serialize_with = "millis")]
    pub elapsed: Duration,
    /// Rows of the answer so far.
    pub rows: u64,
    /// Whether the answer is whole.
    pub complete: bool,
}

/// What one source did for an answer.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceReport {
    pub name: String,
    /// Calls to the connector.
    pub scans: u64,
    /// Requests of the connector to its system.
    pub requests: u64,
    pub rows: u64,
    pub bytes: u64,
    pub statements: Vec<String>,
    /// Failures that SERVICE SILENT hid.
    pub hidden_failures: u64,
    /// Values that are no term of their mapping, where the source leaves those out.
    pub invalid_values: u64,
    /// Values that no normaliser or code list of the mapping is for: they give no triple.
    pub unmatched_values: u64,
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e3)
}

/// Reads the report of an answer, while it is made and after.
#[derive(Clone, Debug)]
pub struct ReportHandle(Arc<Mutex<State>>);

/// A call to a source or a service.
#[derive(Debug)]
pub(crate) struct SourceCall {
    /// The operator that made it, by [`weft_plan::Node::id`].
    pub(crate) node: usize,
    pub(crate) source: Arc<str>,
    pub(crate) scan: weft_connector::ReportHandle,
    /// Keys it brought, or solutions; nothing where it asked for everything.
    pub(crate) keys: Option<u64>,
    /// Nothing where the rows say nothing of tables.
    pub(crate) shape: Option<Shape>,
    /// From the call to its first rows.
    pub(crate) first_rows: Duration,
}

/// Statements of one operator that are shown.
const STATEMENTS: usize = 5;

impl SourceCall {
    fn add_to(&self, requests: &mut RequestRun) {
        let scan = self.scan.read();
        requests.calls += 1;
        requests.blocks += u64::from(self.keys.is_some());
        requests.keys += self.keys.unwrap_or_default();
        requests.unfinished += u64::from(!scan.complete);
        requests.requests += scan.statements.len() as u64;
        requests.rows += scan.rows;
        requests.bytes += scan.bytes;
        requests.first_rows = Some(requests.first_rows.map_or(self.first_rows, |known| known.min(self.first_rows)));
        requests.elapsed += scan.elapsed;
        let room = STATEMENTS.saturating_sub(requests.statements.len());
        requests.statements.extend(scan.statements.into_iter().take(room));
    }

    /// Nothing where the scan did not come to its end.
    fn observation(&self) -> Option<Observation> {
        let scan = self.scan.read();
        scan.complete.then(|| Observation {
            source: self.source.clone(),
            shape: self.shape.clone(),
            keys: self.keys,
            rows: scan.rows,
            first_rows: self.first_rows,
            elapsed: scan.elapsed,
        })
    }
}

/// How many keys a bind join had on its left; at least so many, where it stopped counting.
#[derive(Clone, Debug)]
pub(crate) struct JoinKeys {
    /// The source they were for, with which that is kept.
    pub(crate) source: Arc<str>,
    pub(crate) shape: Shape,
    pub(crate) keys: u64,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    ended: Option<Duration>,
    planning: Duration,
    rows: u64,
    bytes: u64,
    complete: bool,
    calls: Vec<SourceCall>,
    joins: Vec<JoinKeys>,
    observations: Option<Arc<Observations>>,
    /// Services whose failures were hidden, one entry a failure.
    hidden: Vec<Arc<str>>,
    left_out: BTreeMap<Arc<str>, LeftOut>,
}

impl ReportHandle {
    pub(crate) fn new(begun: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            begun,
            ended: None,
            planning: Duration::ZERO,
            rows: 0,
            bytes: 0,
            complete: false,
            calls: Vec::new(),
            joins: Vec::new(),
            observations: None,
            hidden: Vec::new(),
            left_out: BTreeMap::new(),
        })))
    }

    /// Tells what the scans of the query showed, once it is over.
    pub(crate) fn observed_by(self, observations: &Arc<Observations>) -> Self {
        if observations.are_kept() {
            self.lock().observations = Some(observations.clone());
        }
        self
    }

    /// The report as of now.
    pub fn snapshot(&self) -> Report {
        let state = self.lock();
        let mut sources: BTreeMap<&str, SourceReport> = BTreeMap::new();
        for call in &state.calls {
            let scan = call.scan.read();
            let source = sources.entry(&call.source).or_default();
            source.scans += 1;
            source.requests += scan.statements.len() as u64;
            source.rows += scan.rows;
            source.bytes += scan.bytes;
            source.statements.extend(scan.statements);
        }
        for name in &state.hidden {
            sources.entry(name).or_default().hidden_failures += 1;
        }
        for (name, left_out) in &state.left_out {
            let source = sources.entry(name).or_default();
            source.invalid_values += left_out.invalid;
            source.unmatched_values += left_out.unmatched;
        }
        let sources =
            sources.into_iter().map(|(name, source)| SourceReport { name: name.to_owned(), ..source }).collect();
        Report {
            sources,
            planning: state.planning,
            elapsed: state.ended.unwrap_or_else(|| state.begun.elapsed()),
            rows: state.rows,
            complete: state.complete,
        }
    }

    pub(crate) fn planned(&self) {
        let mut state = self.lock();
        state.planning = state.begun.elapsed();
    }

    pub(crate) fn call(&self, call: SourceCall) {
        self.lock().calls.push(call);
    }

    /// What a join that read all its left rows, or as many as were enough, showed.
    pub(crate) fn join(&self, keys: JoinKeys) {
        self.lock().joins.push(keys);
    }

    /// What each operator of the plan asked for, by [`weft_plan::Node::id`].
    pub(crate) fn requests(&self) -> BTreeMap<usize, RequestRun> {
        let mut requests: BTreeMap<usize, RequestRun> = BTreeMap::new();
        for call in &self.lock().calls {
            call.add_to(requests.entry(call.node).or_default());
        }
        requests
    }

    pub(crate) fn left_out(&self, source: &Arc<str>, values: LeftOut) {
        let mut state = self.lock();
        let known = state.left_out.entry(source.clone()).or_default();
        known.invalid += values.invalid;
        known.unmatched += values.unmatched;
    }

    pub(crate) fn failed(&self, service: Arc<str>) {
        self.lock().hidden.push(service);
    }

    /// Counts rows of the answer and returns how many there are.
    pub(crate) fn add_rows(&self, rows: u64) -> u64 {
        let mut state = self.lock();
        state.rows += rows;
        state.rows
    }

    /// Counts bytes of the answer and returns how many there are.
    pub(crate) fn add_bytes(&self, bytes: u64) -> u64 {
        let mut state = self.lock();
        state.bytes += bytes;
        state.bytes
    }

    pub(crate) fn end(&self, complete: bool) {
        let mut state = self.lock();
        state.ended = Some(state.begun.elapsed());
        state.complete = complete;
        // What scans showed is told once, when all that could show something are over.
        if let Some(observations) = state.observations.take() {
            observations.record(state.calls.iter().filter_map(SourceCall::observation), &state.joins);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
