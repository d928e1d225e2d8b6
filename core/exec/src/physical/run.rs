//! What all operators of one query share.

use super::shared::SharedRelations;
use crate::expression::ExpressionContext;
use crate::profile::Profile;
use crate::report::ReportHandle;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use weft_connector::{CallContext, Guarded, GuardedEndpoint};
use weft_model::Aliases;
use weft_plan::{Catalogue, Rules};

/// One query while it runs.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) sources: Arc<HashMap<Arc<str>, Guarded>>,
    /// What SERVICE may ask, by IRI.
    pub(crate) services: Arc<HashMap<Arc<str>, GuardedEndpoint>>,
    pub(crate) context: CallContext,
    pub(crate) expressions: ExpressionContext,
    pub(crate) report: ReportHandle,
    pub(crate) limits: RunLimits,
    pub(crate) scans: AtomicU64,
    pub(crate) shared: SharedRelations,
    /// The names of things, for the thread view.
    pub(crate) aliases: Option<Arc<dyn Aliases>>,
    /// The scans that asked for more than their first rows, by [`weft_plan::Node::id`].
    pub(crate) going_on: GoingOn,
    /// Where operators are counted; nothing unless the run is analysed.
    pub(crate) profile: Option<Arc<Profile>>,
}

pub(crate) type GoingOn = Mutex<HashMap<usize, Arc<AtomicBool>>>;

/// Limits of the operators.
#[derive(Clone, Debug)]
pub(crate) struct RunLimits {
    pub(crate) batch_rows: u32,
    pub(crate) batch_bytes: u32,
    /// Rows a bind join reads ahead on its left, so that the left source is done before the right one is asked.
    pub(crate) read_ahead_rows: usize,
    /// Blocks of keys a bind join asks for at once, where the sources allow as many.
    pub(crate) parallel_blocks: usize,
    /// Inputs of a union that are read at once.
    pub(crate) parallel_scans: usize,
    pub(crate) rules: Rules,
}

impl Run {
    /// Tells what an operator does otherwise than planned, by [`weft_plan::Node::id`]. Heard only where the run is analysed.
    pub(crate) fn note(&self, node: usize, note: impl FnOnce() -> String) {
        if let Some(profile) = &self.profile {
            profile.note(node, note());
        }
    }

    /// Whether a scan asked for more than its first rows, as long as it runs.
    pub(crate) fn goes_on(&self, node: usize) -> Arc<AtomicBool> {
        let mut known = self.going_on.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(node).or_default().clone()
    }

    /// A name for the next scan, for the logs of both sides.
    pub(crate) fn next_scan(&self) -> String {
        format!("{}-{}", self.id, self.scans.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
