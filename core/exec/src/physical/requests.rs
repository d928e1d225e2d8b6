//! The requests of a scan: one, or one for each block of keys.

use super::Run;
use super::at_once::Begun;
use super::first_rows::FirstRows;
use super::keys::{KeySource, Keys};
use super::narrow::{Given, Narrowed, Sideways, narrowed, restrict};
use crate::error::QueryError;
use crate::report::SourceCall;
use arrow_array::RecordBatch;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_execution::TaskContext;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::sync::Arc;
use std::time::Instant;
use weft_connector::{Guarded, SourceError};
use weft_model::contract::{KeyBlock, Relation as SourceRelation, ScanRequest};
use weft_model::term::TermType;
use weft_model::{Code, Fault};
use weft_plan::{KeyPlace, NarrowedColumn, Scan, ScanOutput, shape_of};

/// The request of a scan, with the keys of a bind join if it takes any.
pub(crate) fn request(run: &Run, scan: &Scan, keys: Option<KeyBlock>) -> ScanRequest {
    let mut relation = scan.relation.clone();
    match scan.slot.as_ref().map(|slot| &slot.place) {
        Some(KeyPlace::Read(alias)) => {
            if let Some(read) = relation.read_mut(alias) {
                read.keys = keys;
            }
        }
        Some(KeyPlace::Start) => {
            if let SourceRelation::Recurse { start, .. } = &mut relation {
                *start = keys;
            }
        }
        None => {}
    }
    ScanRequest {
        id: run.next_scan(),
        relation,
        batch_rows: run.limits.batch_rows,
        batch_bytes: run.limits.batch_bytes,
        explain: false,
    }
}

/// How many keys a request brings.
fn keys_of(request: &ScanRequest) -> Option<u64> {
    let start = match &request.relation {
        SourceRelation::Recurse { start, .. } => start.as_ref(),
        _ => None,
    };
    let keys = request.relation.reads().into_iter().find_map(|read| read.keys.as_ref()).or(start)?;
    Some(keys.keys.num_rows() as u64)
}

/// What the requests of a scan are made of.
pub(super) struct Requests {
    pub(super) run: Arc<Run>,
    /// The operator whose rows they are.
    node: usize,
    pub(super) scan: Arc<Scan>,
    pub(super) source: Guarded,
    keys: Option<KeysOf>,
    /// What joins tell of the rows they need, once they know.
    narrowed: Vec<(NarrowedColumn, Arc<Sideways>)>,
    /// How the variables are laid out that joins tell of.
    types: Vec<(Variable, TermType)>,
    /// Who waits until it has its permit.
    begun: Option<Arc<Begun>>,
}

/// Where keys come from.
enum KeysOf {
    Source(KeySource),
    /// The block that the scan is run for.
    Block,
}

impl Requests {
    pub(super) fn new(
        run: &Arc<Run>,
        node: usize,
        scan: &Arc<Scan>,
        outputs: &[ScanOutput],
        given: Given<'_>,
    ) -> Result<Arc<Self>, QueryError> {
        let source = run.sources.get(&scan.source).cloned().ok_or_else(|| {
            let message = format!("source {} is planned for and not there", scan.source);
            QueryError::new(Code::Internal, Fault::Broker, message)
        })?;
        let keys = given.keys.filter(|_| scan.slot.is_some()).map(|keys| match keys {
            Keys::Known(keys) => KeysOf::Source(keys.clone()),
            Keys::OfBlock(_) => KeysOf::Block,
        });
        let begun = given.begun.filter(|_| keys.is_none()).cloned();
        begun.iter().for_each(|begun| begun.expect());
        let narrowed = given.narrowings(scan);
        let told =
            outputs.iter().filter(|output| narrowed.iter().any(|(column, _)| column.variable == output.variable));
        let types = told.map(|output| (output.variable.clone(), output.term.term_type.clone())).collect();
        Ok(Arc::new(Self { run: run.clone(), node, scan: scan.clone(), source, keys, narrowed, types, begun }))
    }

    /// Those of one run; none where no key can be one of the table.
    pub(super) fn of_run(self: &Arc<Self>, context: &TaskContext) -> StreamResult<Vec<Arc<SourceRows>>> {
        let block = |keys: &KeySource| match &self.scan.slot {
            Some(slot) => Ok::<_, QueryError>((keys.block(slot)?, slot.block)),
            None => Ok((None, 1)),
        };
        let (keys, most) = match &self.keys {
            None => return Ok(vec![self.rows(None)]),
            Some(KeysOf::Source(keys)) => block(keys),
            Some(KeysOf::Block) => block(&*KeySource::of_block(context)?),
        }
        .map_err(DataFusionError::from)?;
        let blocks = keys.into_iter().flat_map(|keys| in_blocks(keys, most));
        Ok(blocks.map(|keys| self.rows(Some(keys))).collect())
    }

    fn rows(self: &Arc<Self>, keys: Option<KeyBlock>) -> Arc<SourceRows> {
        let request = request(&self.run, &self.scan, keys);
        let first = FirstRows::new(&self.run, self.node, &request, &self.scan);
        Arc::new(SourceRows { of: self.clone(), request, first })
    }
}

/// The keys in blocks of at most this many. A block of a join can become more, where a thing has several names; the rows of
/// different keys are different rows.
fn in_blocks(block: KeyBlock, most: usize) -> Vec<KeyBlock> {
    let (rows, most) = (block.keys.num_rows(), most.max(1));
    let slice = |start: usize| KeyBlock {
        columns: block.columns.clone(),
        keys: block.keys.slice(start, most.min(rows - start)),
    };
    (0..rows).step_by(most).map(slice).collect()
}

/// One request to a source, made when its rows are first polled.
pub(super) struct SourceRows {
    pub(super) of: Arc<Requests>,
    pub(super) request: ScanRequest,
    first: Option<FirstRows>,
}

impl SourceRows {
    pub(super) fn start(self: Arc<Self>) -> BoxStream<'static, StreamResult<RecordBatch>> {
        match self.first.clone() {
            Some(first) => first.of(self).boxed(),
            None => {
                let request = self.request.clone();
                self.ask(request).boxed()
            }
        }
    }

    pub(super) fn ask(
        self: Arc<Self>,
        request: ScanRequest,
    ) -> impl futures::Stream<Item = StreamResult<RecordBatch>> + Send + 'static {
        let opened = async move {
            let Some((request, is_whole)) = self.narrowed(request) else {
                self.of.begun.iter().for_each(|begun| begun.tell());
                return Ok(stream::empty().boxed());
            };
            let keys = keys_of(&request);
            // What is narrowed says nothing of the table.
            let shape = if is_whole { shape_of(&request.relation) } else { None };
            let begun = Instant::now();
            let told = || self.of.begun.iter().for_each(|begun| begun.tell());
            let scan = self.of.source.scan_telling(&self.of.run.context, request, told).await.map_err(failed)?;
            self.of.run.report.call(SourceCall {
                node: self.of.node,
                source: self.of.source.name().clone(),
                scan: scan.report(),
                keys,
                shape,
                first_rows: begun.elapsed(),
            });
            Ok::<_, DataFusionError>(scan.map_err(failed).boxed())
        };
        stream::once(opened).try_flatten()
    }

    /// A request for no more than is needed, and whether that is everything; `None` where nothing is.
    fn narrowed(&self, mut request: ScanRequest) -> Option<(ScanRequest, bool)> {
        let type_of = |variable: &Variable| {
            let found = self.of.types.iter().find(|(known, _)| known == variable);
            found.map(|(_, term_type)| term_type.clone())
        };
        match narrowed(&self.of.narrowed, type_of) {
            Narrowed::Everything => None,
            Narrowed::Rows(conditions) if conditions.is_empty() => Some((request, true)),
            Narrowed::Rows(conditions) => {
                restrict(&mut request.relation, conditions);
                Some((request, false))
            }
        }
    }
}

pub(super) fn failed(error: SourceError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
