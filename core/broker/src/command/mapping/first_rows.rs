//! The first rows of tables, and what a mapping makes of them.
//!
//! They are read through the source's own connector, once. What they become is then asked of an engine that has these rows and
//! no others, so it is what any query would see. Rows that a reference looks at are read by their keys.

mod parents;

use super::memory::{RowsInMemory, part_of, reading_only};
use super::turtle::{Statement, Turtle};
use crate::config::Config;
use crate::failure::Failure;
use crate::mesh::MeshSource;
use arrow_array::RecordBatch;
use arrow_schema::{Field as ArrowField, Schema};
use arrow_select::concat::concat_batches;
use futures::StreamExt;
use parents::Parents;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use weft_connector::{GuardLimits, Guarded};
use weft_exec::Engine;
use weft_mapping::{GraphMap, InvalidValues, MappedTerm, TripleMap, VirtualGraph};
use weft_model::Code;
use weft_model::contract::{
    Binding, Capability, Column, Description, Field, KeyBlock, Read, Relation, ScanRequest, Table,
};
use weft_plan::Catalogue;
use weft_server::{Answer, QueryCall, QueryEndpoint};

/// Bytes of one batch that is asked for.
const BATCH_BYTES: u32 = 1 << 20;
const BATCH_ROWS: usize = 8_192;

/// Rows of tables, by the names of tables.
pub(super) struct FirstRows<'a> {
    source: &'a MeshSource,
    description: &'a Description,
    pub(super) rows: BTreeMap<String, RecordBatch>,
    /// Tables that could not be read, and why.
    pub(super) unread: Vec<(String, Failure)>,
}

/// What a mapping makes of the rows.
pub(super) struct Mapped {
    graph: VirtualGraph,
    rows: Arc<RowsInMemory>,
    /// What is not shown, and why.
    pub(super) notes: Vec<String>,
}

/// What the rows of one table become.
pub(super) struct TableStatements {
    pub(super) statements: BTreeSet<Statement>,
    /// Values that are no terms: how many, and the first of them with its place.
    pub(super) refused: Vec<(u64, String)>,
    /// Values that no step of a normaliser and no code of a list matches: how many, and where the mapping says so.
    pub(super) unmatched: Vec<(u64, String)>,
}

/// What some triple maps give.
#[derive(Default)]
struct Asked {
    statements: BTreeSet<Statement>,
    invalid: u64,
    unmatched: u64,
}

impl<'a> FirstRows<'a> {
    /// Reads the columns that the mappings name of the first rows of each table, or of these tables only.
    pub(super) async fn read(
        source: &'a MeshSource,
        description: &'a Description,
        graphs: &[&VirtualGraph],
        only: &[String],
        most: usize,
    ) -> Result<Self, Failure> {
        let mut needed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for triple in graphs.iter().flat_map(|graph| &graph.triples) {
            needed.entry(&triple.table).or_default().extend(own_columns(triple).into_iter().map(String::as_str));
        }
        for name in only {
            if !needed.contains_key(name.as_str()) {
                let known: Vec<&str> = needed.keys().copied().collect();
                let message = format!("the mapping has no table {name:?}; it has {}", known.join(", "));
                return Err(Failure::new(Code::NotFound, message));
            }
        }
        let mut found = Self { source, description, rows: BTreeMap::new(), unread: Vec::new() };
        for (name, columns) in needed {
            if !only.is_empty() && !only.iter().any(|table| table == name) {
                continue;
            }
            let Some(table) = description.tables.iter().find(|table| table.name == name) else { continue };
            match found.read_table(table, &columns, most).await {
                Ok(rows) => _ = found.rows.insert(name.to_owned(), rows),
                Err(failure) => found.unread.push((name.to_owned(), failure)),
            }
        }
        Ok(found)
    }

    async fn read_table(&self, table: &Table, columns: &BTreeSet<&str>, most: usize) -> Result<RecordBatch, Failure> {
        let required = |column: &&Column| column.binding == Binding::Required;
        if let Some(column) = table.columns.iter().find(required) {
            let message = format!("table {}: every read must give values for {}", table.name, column.name);
            return Err(Failure::new(Code::UnsupportedQuery, message));
        }
        // The columns in the table's order; a row of constants has to be counted by some column.
        let mut columns: Vec<&Column> = table.columns.iter().filter(|c| columns.contains(c.name.as_str())).collect();
        if columns.is_empty() {
            columns.extend(table.columns.first());
        }
        self.scan(table, &columns, None, most).await
    }

    /// At most so many rows: the scan is ended once they are there.
    async fn scan(
        &self,
        table: &Table,
        columns: &[&Column],
        keys: Option<KeyBlock>,
        most: usize,
    ) -> Result<RecordBatch, Failure> {
        let schema = schema(columns);
        let limits = self.description.relational.limit != Capability::None;
        let field = |column: &&Column| Field {
            name: column.name.clone(),
            data_type: column.data_type,
            nullable: column.nullable,
            native_type: column.native_type.clone(),
        };
        let by_key = keys.iter().flat_map(|keys| keys.columns.iter()).filter_map(|name| table.column(name));
        let mut named: Vec<&Column> = columns.to_vec();
        named.extend(by_key.filter(|column| !columns.iter().any(|known| known.name == column.name)));
        let read = Read {
            table: table.name.clone(),
            alias: String::new(),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            schema: named.iter().map(field).collect(),
            filter: None,
            keys,
            limit: limits.then_some(most as u64),
        };
        let request = ScanRequest {
            id: format!("first-rows-{}", self.source.name),
            relation: Relation::Read(read),
            batch_rows: u32::try_from(most.min(BATCH_ROWS)).unwrap_or(u32::MAX),
            batch_bytes: BATCH_BYTES,
            explain: false,
        };
        let mut stream = self.source.plain.scan(&self.source.context(), request).await?;
        let mut batches = Vec::new();
        let mut left = most;
        while left > 0 {
            let Some(batch) = stream.next().await else { break };
            let batch = batch?;
            let batch = batch.slice(0, batch.num_rows().min(left));
            left -= batch.num_rows();
            batches.push(batch);
        }
        let schema = batches.first().map_or(schema, |batch| batch.schema());
        concat_batches(&schema, &batches).map_err(|error| Failure::caused(Code::Internal, &error))
    }

    /// What a mapping makes of these rows. Reads the rows that its references look at.
    pub(super) async fn mapped(&self, graph: &VirtualGraph) -> Result<Mapped, Failure> {
        let mut tables: Vec<Table> = Vec::new();
        let mut rows: HashMap<String, RecordBatch> = HashMap::new();
        for table in self.description.tables.iter().filter(|table| self.rows.contains_key(&table.name)) {
            tables.push(part_of(table, table.name.clone()));
        }
        rows.extend(self.rows.iter().map(|(name, rows)| (name.clone(), rows.clone())));
        let mut parents = Parents::new(self);
        let mut triples = Vec::new();
        for triple in graph.triples.iter().filter(|triple| self.rows.contains_key(&triple.table)) {
            let Some(join) = &triple.join else {
                triples.push(triple.clone());
                continue;
            };
            let Some(alias) = parents.alias(graph, triple, join).await? else { continue };
            let join = weft_mapping::Join { table: alias, on: join.on.clone() };
            triples.push(TripleMap { join: Some(join), ..triple.clone() });
        }
        let mut written = graph.written.clone();
        let notes = parents.notes.clone();
        for (alias, parent, read) in parents.into_read() {
            let places = graph.written.iter().filter(|place| place.table == parent.name);
            written.extend(places.map(|place| weft_mapping::WrittenTerm { table: alias.clone(), ..place.clone() }));
            tables.push(part_of(parent, alias.clone()));
            rows.insert(alias, read);
        }
        let description = reading_only(self.description, tables);
        let connector = Arc::new(RowsInMemory::new(description.clone(), rows));
        let graph = VirtualGraph { description: Arc::new(description), triples, written, ..graph.clone() };
        Ok(Mapped { graph, rows: connector, notes })
    }
}

/// The columns that a triple map reads of its own table.
fn own_columns(triple: &TripleMap) -> Vec<&String> {
    let graph = match &triple.graph {
        GraphMap::Term(term) => term.columns.as_slice(),
        GraphMap::Constant(_) => &[],
    };
    let mut columns: Vec<&String> =
        triple.subject.columns.iter().chain(&triple.predicate.columns).chain(graph).collect();
    match &triple.join {
        None => columns.extend(&triple.object.columns),
        Some(join) => columns.extend(join.on.iter().map(|(own, _)| own)),
    }
    columns.extend(required(triple, false));
    columns
}

/// The columns of conditions on the rows of the own table, or of the joined one.
fn required(triple: &TripleMap, joined: bool) -> impl Iterator<Item = &String> {
    let terms = triple.requires.iter().filter(move |required| required.joined == joined).map(|required| &required.term);
    terms.flat_map(|MappedTerm { columns, .. }| columns)
}

fn schema(columns: &[&Column]) -> Arc<Schema> {
    let field = |column: &&Column| ArrowField::new(&column.name, column.data_type.to_arrow(), column.nullable);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

impl Mapped {
    /// What the rows of a table become, with what is no term.
    pub(super) async fn statements(
        &self,
        config: &Config,
        table: &str,
        turtle: &Turtle,
    ) -> Result<TableStatements, Failure> {
        let triples: Vec<TripleMap> = self.graph.triples.iter().filter(|t| t.table == table).cloned().collect();
        let all = self.ask(config, triples.clone(), InvalidValues::LeaveOut, turtle).await?;
        let (mut refused, mut unmatched): (BTreeMap<String, u64>, BTreeMap<String, u64>) = Default::default();
        // One at a time, to find which of them it is; a subject is the same in many.
        let each = if all.invalid + all.unmatched > 0 { triples } else { Vec::new() };
        for triple in each {
            let alone = self.ask(config, vec![triple.clone()], InvalidValues::LeaveOut, turtle).await?;
            if alone.unmatched > 0 {
                let of_subject = self.unmatched_subjects(config, &triple, turtle).await?;
                for (term, count) in
                    [(&triple.subject, of_subject), (&triple.object, alone.unmatched.saturating_sub(of_subject))]
                {
                    let known = unmatched.entry(self.place(&triple, term)).or_default();
                    *known = count.max(*known);
                }
            }
            if alone.invalid == 0 {
                continue;
            }
            match self.ask(config, vec![triple], InvalidValues::Refuse, turtle).await {
                Err(failure) if failure.code == Code::InvalidData => {
                    let known = refused.entry(failure.message).or_default();
                    *known = alone.invalid.max(*known);
                }
                other => drop(other?),
            }
        }
        let counted = |found: BTreeMap<String, u64>| {
            found.into_iter().filter(|(_, count)| *count > 0).map(|(message, count)| (count, message)).collect()
        };
        Ok(TableStatements { statements: all.statements, refused: counted(refused), unmatched: counted(unmatched) })
    }

    /// How many subjects of a triple map match nothing.
    async fn unmatched_subjects(&self, config: &Config, triple: &TripleMap, turtle: &Turtle) -> Result<u64, Failure> {
        if !triple.predicate.columns.is_empty() {
            return Ok(0);
        }
        let own = triple.requires.iter().filter(|required| !required.joined).cloned().collect();
        let alone = TripleMap { object: triple.predicate.clone(), join: None, requires: own, ..triple.clone() };
        let asked = self.ask(config, vec![alone], InvalidValues::LeaveOut, turtle).await?;
        Ok(asked.unmatched)
    }

    /// Where the mapping says a term of a triple map.
    fn place(&self, triple: &TripleMap, term: &MappedTerm) -> String {
        let tables = [Some(triple.table.as_str()), triple.join.as_ref().map(|join| join.table.as_str())];
        let tables: Vec<&str> = tables.into_iter().flatten().collect();
        let columns = term.columns.join(", ");
        match self.graph.written(&tables, term) {
            Some(written) => format!("column {columns} ({}, triples map {})", written.location, written.triples_map),
            None => format!("column {columns}"),
        }
    }

    /// All statements of some triple maps, and how many values give none.
    async fn ask(
        &self,
        config: &Config,
        triples: Vec<TripleMap>,
        invalid_values: InvalidValues,
        turtle: &Turtle,
    ) -> Result<Asked, Failure> {
        const ALL: &str = "SELECT ?g ?s ?p ?o { GRAPH ?g { ?s ?p ?o } }";
        let graph = VirtualGraph { triples, invalid_values, ..self.graph.clone() };
        let (name, own) = (graph.source.clone(), graph.graph.clone());
        let guarded = Guarded::new(name.clone(), self.rows.clone(), GuardLimits::default());
        let catalogue = Catalogue::new(vec![graph], Vec::new());
        let engine = Engine::new(catalogue, HashMap::from([(name, guarded)]), config.engine_limits());
        let call = QueryCall { text: ALL.to_owned(), ..QueryCall::default() };
        let Answer::Solutions(mut solutions) = QueryEndpoint::query(&engine, call).await? else {
            return Err(Failure::new(Code::Internal, "a SELECT without solutions"));
        };
        let mut found = Asked::default();
        while let Some(batch) = solutions.rows.next().await {
            found.statements.extend(batch?.rows().iter().filter_map(|row| turtle.statement(row, &own)));
        }
        let report = (solutions.report)();
        let sources = report.get("sources").and_then(serde_json::Value::as_array);
        for source in sources.into_iter().flatten() {
            let count = |key: &str| source.get(key).and_then(serde_json::Value::as_u64).unwrap_or_default();
            found.invalid += count("invalidValues");
            found.unmatched += count("unmatchedValues");
        }
        Ok(found)
    }
}
