//! Reads of one table.

use crate::config::Config;
use crate::documents::load;
use crate::request::{column, lookup, refused};
use weft_guest::contract::{DataType, End, Outcome};
use weft_guest::{BatchBuilder, Code, Error, Item, Relation, Result, Scan, ScanRequest, Value};
use weft_triples::{Dataset, Table};

pub struct TripleScan {
    dataset: Dataset,
    table: Table,
    /// Positions of the output columns.
    columns: Vec<usize>,
    rows: std::vec::IntoIter<u32>,
    batch_rows: u32,
    batch_bytes: usize,
    sent: u64,
    statement: String,
}

impl TripleScan {
    pub fn open(config: &Config, request: ScanRequest) -> Result<Self> {
        let Relation::Read(read) = request.relation else { return Err(refused("only single tables are read")) };
        // What would be looked up can be said without the documents.
        let dataset = if request.explain { Dataset::default() } else { load(config)? };
        let lookup = lookup(&read, &dataset, config.max_keys)?;
        let table = lookup.table;
        let most = read.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let rows: Vec<u32> = dataset.find(lookup).flatten().take(most).collect();
        Ok(Self {
            table,
            columns: read.columns.iter().map(|name| column(table, name)).collect::<Result<_>>()?,
            rows: rows.into_iter(),
            batch_rows: request.batch_rows,
            batch_bytes: request.batch_bytes as usize,
            sent: 0,
            statement: statement(config, &read.table),
            dataset,
        })
    }
}

fn statement(config: &Config, table: &str) -> String {
    let urls: Vec<&str> = config.documents.iter().filter_map(|document| document.url.as_deref()).collect();
    match urls.as_slice() {
        [] => format!("read {table} of the configuration"),
        urls => format!("read {table} of GET {}", urls.join(", GET ")),
    }
}

impl Scan for TripleScan {
    fn next(&mut self) -> Result<Item> {
        let mut builder = BatchBuilder::new(vec![DataType::Text; self.columns.len()]);
        while builder.rows() < self.batch_rows && builder.bytes() < self.batch_bytes {
            let Some(row) = self.rows.next() else { break };
            let cell = |column: &usize| Value::Text(self.dataset.cell(self.table, row, *column).to_owned());
            let cells: Vec<Value> = self.columns.iter().map(cell).collect();
            let wrong = |column| Error::new(Code::Internal, format!("output column {column} is no text"));
            builder.push(cells.iter().map(Some)).map_err(|error| wrong(error.column))?;
        }
        if builder.rows() > 0 {
            self.sent += u64::from(builder.rows());
            return Ok(Item::Batch(builder.finish()));
        }
        let statements = vec![std::mem::take(&mut self.statement)];
        Ok(Item::End(End { outcome: Outcome::Complete, rows: self.sent, statements }))
    }
}
