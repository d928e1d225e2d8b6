//! The index as a source.

use crate::lookup::invalid;
use crate::scan::Scan;
use crate::statements::Builder;
use crate::tables::{Table as ScannedTable, Tables};
use crate::{CATALOGUE_GRAPH, IndexError, LINKS_GRAPH, LinkStore, NAMESPACE, ONTOLOGY_GRAPH, catalogue, read_ontology};
use async_trait::async_trait;
use oxrdf::{NamedNode, NamedNodeRef};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use weft_connector::{CallContext, Connector, ScanStream};
use weft_mapping::{InvalidValues, VirtualGraph};
use weft_model::contract::{
    CONTRACT_VERSION, Capability, Check, CheckOutcome, ContractError, ContractRange, DataType, Description, Field,
    Read, Relation, RelationalCapabilities, ScanRequest, Table, Value,
};
use weft_model::{Code, Fault};

#[cfg(test)]
mod tests;

const STATEMENTS: &str = "statements";
const CATALOGUE: &str = "catalogue";

/// What an index is built from.
#[derive(Debug)]
pub struct IndexInputs<'a> {
    /// Turtle files.
    pub ontology: &'a [PathBuf],
    /// What relative IRIs in them are resolved against.
    pub base: &'a str,
    pub links: Option<&'a LinkStore>,
    /// The sources the catalogue describes.
    pub sources: &'a [VirtualGraph],
}

#[derive(Clone, Debug)]
pub struct IndexLimits {
    /// Statements of ontology and links, and again of the catalogue.
    pub statements: u64,
    /// Bytes of one ontology file.
    pub ontology_bytes: u64,
    /// Links read from the store at once.
    pub link_page: usize,
    /// Keys in one block.
    pub max_keys: u32,
}

impl Default for IndexLimits {
    fn default() -> Self {
        Self { statements: 5_000_000, ontology_bytes: 64 * 1024 * 1024, link_page: 10_000, max_keys: 10_000 }
    }
}

/// Ontology, current links and catalogue in memory. Cheap to clone; never changes.
#[derive(Clone)]
pub struct Index {
    tables: Arc<Tables>,
    description: Arc<Description>,
    statements: u64,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("statements", &self.statements).finish_non_exhaustive()
    }
}

impl Index {
    /// The name of the index among the sources.
    pub const SOURCE: &'static str = "index";

    /// Reads the files and the link store. Blocks, for seconds where there are millions of links.
    pub fn build(inputs: &IndexInputs<'_>, limits: &IndexLimits) -> Result<Self, IndexError> {
        let mut statements = Builder::new(limits.statements)?;
        for (scope, path) in inputs.ontology.iter().enumerate() {
            let triples = read_ontology(path, inputs.base, scope, limits.ontology_bytes)?;
            statements.add(NamedNodeRef::new_unchecked(ONTOLOGY_GRAPH), triples.into_iter())?;
        }
        if let Some(links) = inputs.links {
            links.for_each_page(limits.link_page, &mut |triples| {
                statements.add(NamedNodeRef::new_unchecked(LINKS_GRAPH), triples.into_iter())
            })?;
        }
        let mut catalogue = Builder::new(limits.statements)?;
        let triples = catalogue::describe(inputs.sources);
        catalogue.add(NamedNodeRef::new_unchecked(CATALOGUE_GRAPH), triples.into_iter())?;

        let mut tables = Tables::new(limits.max_keys);
        let (statements, statistics) = statements.finish()?;
        tables.add(STATEMENTS, Arc::new(statements), &statistics, None);
        let (catalogue, described) = catalogue.finish()?;
        tables.add(CATALOGUE, Arc::new(catalogue), &described, Some(CATALOGUE_GRAPH));
        let description = Arc::new(description(tables.described()));
        Ok(Self { tables: Arc::new(tables), description, statements: statistics.all.rows })
    }

    /// Statements of ontology and links.
    pub fn len(&self) -> u64 {
        self.statements
    }

    pub fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// What the index can give, for the planner. Each predicate and each class that is present has a triple map on a
    /// table of its own, so that it is known what is *not* in the index.
    pub fn virtual_graph(&self) -> VirtualGraph {
        VirtualGraph {
            source: Self::SOURCE.into(),
            graph: NamedNode::new_unchecked(format!("{NAMESPACE}index")),
            description: self.description.clone(),
            triples: self.tables.triple_maps(),
            column_graphs: Some([ONTOLOGY_GRAPH, LINKS_GRAPH].map(NamedNode::new_unchecked).to_vec()),
            invalid_values: InvalidValues::Refuse,
        }
    }
}

fn description(tables: Vec<Table>) -> Description {
    Description {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        contract: ContractRange { min: CONTRACT_VERSION, max: CONTRACT_VERSION },
        config_schema: "{}".to_owned(),
        tables,
        relational: RelationalCapabilities { limit: Capability::Exact, ..RelationalCapabilities::read_only() },
        default_mapping: None,
        change_feed: None,
    }
}

#[async_trait]
impl Connector for Index {
    async fn describe(&self, _context: &CallContext) -> Result<Description, ContractError> {
        Ok((*self.description).clone())
    }

    async fn check(&self, _context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        let all: Vec<String> = self.description.tables.iter().map(|table| table.name.clone()).collect();
        let tables = if tables.is_empty() { &all } else { tables };
        let outcomes = tables.iter().map(|name| (name.clone(), self.check_table(name)));
        Ok(Check { system: "the index of the broker".to_owned(), tables: outcomes.collect() })
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        let Relation::Read(read) = &request.relation else {
            return Err(invalid("the index reads single tables only"));
        };
        let table = self.tables.get(&read.table).ok_or_else(|| no_such_table(&read.table))?;
        check_schema(table, read)?;
        let max_keys = table.described.max_keys;
        if read.keys.as_ref().is_some_and(|block| block.keys.num_rows() > max_keys as usize) {
            return Err(invalid(format!("a block has more than {max_keys} keys")));
        }
        let batch = (request.batch_rows, request.batch_bytes);
        let scan = Scan::new(table, read, batch, context.deadline)?;
        Ok(if request.explain { scan.explain() } else { scan.start() })
    }
}

impl Index {
    fn check_table(&self, name: &str) -> CheckOutcome {
        let Some(table) = self.tables.get(name) else {
            return CheckOutcome::Failed(format!("the index has no table {name:?}"));
        };
        match table.sample() {
            None => CheckOutcome::Empty,
            Some(Err(error)) => CheckOutcome::Failed(error.to_string()),
            Some(Ok(cells)) => CheckOutcome::Row(cells.into_iter().map(|cell| Some(Value::Text(cell))).collect()),
        }
    }
}

/// Every column the read touches must be there, and be text.
fn check_schema(table: &ScannedTable, read: &Read) -> Result<(), ContractError> {
    let differs = |field: &&Field| field.data_type != DataType::Text || table.described.column(&field.name).is_none();
    match read.schema.iter().find(differs) {
        None => Ok(()),
        Some(field) => {
            let message = format!("table {} has no column {} of type {}", read.table, field.name, field.data_type);
            Err(ContractError::new(Code::SchemaChanged, Fault::Broker, message))
        }
    }
}

fn no_such_table(name: &str) -> ContractError {
    ContractError::new(Code::SchemaChanged, Fault::Broker, format!("the index has no table {name:?}"))
}
