//! What a scan cost, readable while it runs and after.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The state of a scan at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    pub rows: u64,
    /// As Arrow columns.
    pub bytes: u64,
    /// What the connector sent to its system, one entry a request. Known once the scan is complete.
    pub statements: Vec<String>,
    /// Since the scan was asked for, up to its end once it has ended.
    pub elapsed: Duration,
    /// Whether all rows came.
    pub complete: bool,
}

/// Reads the report of one scan. Outlives the scan.
#[derive(Clone, Debug)]
pub struct ReportHandle(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    begun: Instant,
    ended: bool,
    report: ScanReport,
}

impl ReportHandle {
    pub(super) fn new(begun: Instant) -> Self {
        Self(Arc::new(Mutex::new(State { begun, ended: false, report: ScanReport::default() })))
    }

    pub fn read(&self) -> ScanReport {
        let state = self.lock();
        let mut report = state.report.clone();
        if !state.ended {
            report.elapsed = state.begun.elapsed();
        }
        report
    }

    /// Adds a batch and returns the totals, rows first.
    pub(super) fn add(&self, rows: u64, bytes: u64) -> (u64, u64) {
        let report = &mut self.lock().report;
        report.rows = report.rows.saturating_add(rows);
        report.bytes = report.bytes.saturating_add(bytes);
        (report.rows, report.bytes)
    }

    /// Statements are given for a complete scan only.
    pub(super) fn end(&self, statements: Option<Vec<String>>) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        state.ended = true;
        state.report.elapsed = state.begun.elapsed();
        state.report.complete = statements.is_some();
        state.report.statements = statements.unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
