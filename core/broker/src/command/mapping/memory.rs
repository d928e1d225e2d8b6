//! A connector over rows that were read before: what a few rows become is asked of the engine itself.

use arrow_array::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use std::collections::HashMap;
use weft_connector::{CallContext, Connector, ScanEvent, ScanStream};
use weft_model::contract::{
    Binding, Check, ContractError, Description, End, Outcome, Relation, RelationalCapabilities, ScanRequest, Table,
};
use weft_model::{Code, Fault};

/// The rows of tables, each with the columns that were read.
#[derive(Debug)]
pub(super) struct RowsInMemory {
    description: Description,
    rows: HashMap<String, RecordBatch>,
}

impl RowsInMemory {
    /// The description is one of [`reading_only`].
    pub(super) fn new(description: Description, rows: HashMap<String, RecordBatch>) -> Self {
        Self { description, rows }
    }

    fn read(&self, request: &ScanRequest) -> Result<Vec<RecordBatch>, ContractError> {
        let Relation::Read(read) = &request.relation else { return Err(refused("more than a read is asked for")) };
        if read.filter.is_some() || read.keys.is_some() || read.limit.is_some() {
            return Err(refused("a read of all rows is all there is"));
        }
        let rows = self.rows.get(&read.table).ok_or_else(|| refused("the table was not read"))?;
        let place = |name: &String| rows.schema().index_of(name).map_err(|_| refused("the column was not read"));
        let columns = read.columns.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        let projected = rows.project(&columns).map_err(|error| refused("the rows do not fit").with_detail(error))?;
        let most = (request.batch_rows as usize).max(1);
        let starts = (0..projected.num_rows()).step_by(most);
        Ok(starts.map(|start| projected.slice(start, most.min(projected.num_rows() - start))).collect())
    }
}

fn refused(why: &str) -> ContractError {
    ContractError::new(Code::Internal, Fault::Broker, why)
}

/// The tables, of which nothing is offered but to read them. Rows that are not there break no promise: nothing is said of
/// references.
pub(super) fn reading_only(description: &Description, tables: Vec<Table>) -> Description {
    Description {
        tables,
        relational: RelationalCapabilities::read_only(),
        default_mapping: None,
        ..description.clone()
    }
}

/// A table of which some rows are there.
pub(super) fn part_of(table: &Table, name: String) -> Table {
    let mut part =
        Table { name, foreign_keys: Vec::new(), rows: None, filters: Vec::new(), max_keys: 0, ..table.clone() };
    for column in &mut part.columns {
        column.binding = Binding::None;
        column.filterable = false;
        column.sortable = false;
        column.distinct = None;
    }
    part
}

#[async_trait]
impl Connector for RowsInMemory {
    async fn describe(&self, _context: &CallContext) -> Result<Description, ContractError> {
        Ok(self.description.clone())
    }

    async fn check(&self, _context: &CallContext, _tables: &[String]) -> Result<Check, ContractError> {
        Err(refused("there is no system behind rows in memory"))
    }

    async fn scan(&self, _context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        let batches = if request.explain { Vec::new() } else { self.read(&request)? };
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let end = End { outcome: Outcome::Complete, rows, statements: Vec::new() };
        let events = batches.into_iter().map(ScanEvent::Batch).chain([ScanEvent::End(end)]);
        Ok(futures::stream::iter(events.map(Ok).collect::<Vec<_>>()).boxed())
    }
}
