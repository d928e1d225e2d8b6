//! The index as a source.

use crate::Publication;
use crate::alias::{AliasBuilder, AliasTable};
use crate::links::LinkTableBuilder;
use crate::lookup::invalid;
use crate::records::{LinkRecords, RECORDS};
use crate::scan::Scan;
use crate::statements::{Builder, Statements};
use crate::tables::{Placement, Tables};
use crate::{
    ALIASES_GRAPH, AsOf, CATALOGUE_GRAPH, IndexError, LINKS_GRAPH, LinkStore, NAMESPACE, ONTOLOGY_GRAPH, catalogue,
    read_ontology,
};
use async_trait::async_trait;
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, NamedNodeRef, Triple};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use weft_connector::{CallContext, Connector, ScanStream};
use weft_mapping::{InvalidValues, Ontology, TripleMap, VirtualGraph};
use weft_model::contract::{
    CONTRACT_VERSION, Capability, Check, CheckOutcome, ContractError, ContractRange, DataType, Description, Field,
    Read, Relation, RelationalCapabilities, ScanRequest, Table, Value,
};
use weft_model::{Aliases, Code, Fault};

#[cfg(test)]
mod tests;

const STATEMENTS: &str = "statements";
const LINKS: &str = "links";
const CATALOGUE: &str = "catalogue";
const ALIASES: &str = "aliases";

/// What an index is built from.
#[derive(Debug)]
pub struct IndexInputs<'a> {
    /// Turtle files.
    pub ontology: &'a [PathBuf],
    /// What relative IRIs in them are resolved against.
    pub base: &'a str,
    /// The rules under which the statements of the files, and the links, are closed.
    pub rules: Option<&'a Ontology>,
    pub links: Option<&'a LinkStore>,
    /// The sources the catalogue describes.
    pub sources: &'a [VirtualGraph],
    /// What it tells beside them.
    pub publication: Option<&'a Publication>,
}

#[derive(Clone, Debug)]
pub struct IndexLimits {
    /// Statements of the ontology, and again of the catalogue.
    pub statements: u64,
    /// Links, both ways where the ontology says that their predicate is symmetric. Ten million take about 1.5 GB.
    pub links: u64,
    /// Bytes of one ontology file.
    pub ontology_bytes: u64,
    /// Links read from the store at once.
    pub link_page: usize,
    /// Keys in one block.
    pub max_keys: u32,
    /// Names of one thing. With more, there is no thread view.
    pub max_aliases: usize,
}

impl Default for IndexLimits {
    fn default() -> Self {
        Self {
            statements: 5_000_000,
            links: 40_000_000,
            ontology_bytes: 64 * 1024 * 1024,
            link_page: 10_000,
            max_keys: 10_000,
            max_aliases: 1_000,
        }
    }
}

/// Ontology, current links and catalogue in memory. Cheap to clone; never changes.
#[derive(Clone)]
pub struct Index {
    tables: Arc<Tables>,
    /// What is held of links, read from the store; nothing, where there is none.
    records: Option<Arc<LinkRecords>>,
    description: Arc<Description>,
    statements: u64,
    aliases: Result<Arc<AliasTable>, String>,
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
        Self::build_at(&AsOf::default(), inputs, limits)
    }

    /// The same with the links of another time.
    pub fn build_at(at: &AsOf, inputs: &IndexInputs<'_>, limits: &IndexLimits) -> Result<Self, IndexError> {
        let mut statements = Builder::new(limits.statements)?;
        for (scope, path) in inputs.ontology.iter().enumerate() {
            let triples = read_ontology(path, inputs.base, scope, limits.ontology_bytes)?;
            let triples = closed(triples, inputs.rules, |_| true);
            statements.add(NamedNodeRef::new_unchecked(ONTOLOGY_GRAPH), triples.into_iter())?;
        }
        let mut aliases = AliasBuilder::default();
        let mut link_table = LinkTableBuilder::new(limits.links);
        if let Some(links) = inputs.links {
            links.for_each_confirmed(at, limits.link_page, &mut |triples| {
                let triples = closed(triples, inputs.rules, |triple| triple.predicate != rdf::TYPE);
                triples.iter().try_for_each(|triple| aliases.add(triple))?;
                link_table.add(&triples)
            })?;
        }
        let mut catalogue = Builder::new(limits.statements)?;
        let triples = catalogue::describe(inputs.sources, inputs.publication.unwrap_or(&Publication::default()));
        catalogue.add(NamedNodeRef::new_unchecked(CATALOGUE_GRAPH), triples.into_iter())?;

        let aliases = aliases.finish(limits.max_aliases).map(Arc::new).map_err(|error| error.to_string());

        let mut tables = Tables::new(limits.max_keys);
        let (statements, statistics) = statements.finish()?;
        tables.add(STATEMENTS, Arc::new(statements), &statistics, Placement::InColumn);
        let links = link_table.finish(LINKS_GRAPH);
        let count = statistics.all.rows + links.len();
        let statistics = links.statistics();
        tables.add(LINKS, Arc::new(Statements::Links(links)), &statistics, Placement::Also(LINKS_GRAPH));
        let (catalogue, described) = catalogue.finish()?;
        tables.add(CATALOGUE, Arc::new(catalogue), &described, Placement::Only(CATALOGUE_GRAPH));
        if let Some(aliases) = aliases.as_ref().ok().filter(|aliases| !aliases.is_empty()) {
            let (names, statistics) = (Statements::Aliases(aliases.clone()), aliases.statistics());
            tables.add(ALIASES, Arc::new(names), &statistics, Placement::Only(ALIASES_GRAPH));
        }
        let records = inputs.links.map(|links| LinkRecords::open(links, at, limits.max_keys)).transpose()?.flatten();
        let of_records = records.iter().map(|records| records.table().clone());
        let description = Arc::new(description(tables.described().into_iter().chain(of_records).collect()));
        let records = records.map(Arc::new);
        Ok(Self { tables: Arc::new(tables), records, description, statements: count, aliases })
    }

    /// Statements of ontology and links.
    pub fn len(&self) -> u64 {
        self.statements
    }

    pub fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// What things are called by the links, or why the thread view cannot be had.
    pub fn aliases(&self) -> Result<Arc<dyn Aliases>, String> {
        self.aliases.clone().map(|aliases| aliases as Arc<dyn Aliases>)
    }

    /// What the index can give, for the planner. Each predicate and each class that is present has a triple map on a
    /// table of its own, so that it is known what is *not* in the index.
    pub fn virtual_graph(&self) -> VirtualGraph {
        VirtualGraph {
            source: Self::SOURCE.into(),
            graph: NamedNode::new_unchecked(format!("{NAMESPACE}index")),
            description: self.description.clone(),
            triples: self.triple_maps(),
            column_graphs: Some(vec![NamedNode::new_unchecked(ONTOLOGY_GRAPH)]),
            invalid_values: InvalidValues::Refuse,
            written: Vec::new(),
        }
    }
}

impl Index {
    fn triple_maps(&self) -> Vec<TripleMap> {
        let of_records = self.records.iter().flat_map(|_| LinkRecords::triple_maps());
        self.tables.triple_maps().into_iter().chain(of_records).collect()
    }
}

/// Statements with what follows from each of them, in the same graph. What follows from links is links: which class a thing is
/// in is for its source to say, and so a question for a class need not ask the links.
fn closed(mut triples: Vec<Triple>, rules: Option<&Ontology>, wanted: fn(&Triple) -> bool) -> Vec<Triple> {
    let Some(rules) = rules.filter(|rules| !rules.is_empty()) else { return triples };
    let entailed = triples.iter().flat_map(|triple| rules.entailed(triple));
    let entailed: Vec<Triple> = entailed.filter(wanted).collect();
    triples.extend(entailed);
    triples
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
        let of_records =
            || self.records.as_ref().map(|records| records.table()).filter(|table| table.name == read.table);
        let described = self.tables.get(&read.table).map(|table| &table.described).or_else(of_records);
        let described = described.ok_or_else(|| no_such_table(&read.table))?;
        check_schema(described, read)?;
        let max_keys = described.max_keys;
        if read.keys.as_ref().is_some_and(|block| block.keys.num_rows() > max_keys as usize) {
            return Err(invalid(format!("a block has more than {max_keys} keys")));
        }
        let batch = (request.batch_rows, request.batch_bytes);
        if let Some(records) = self.records.as_ref().filter(|_| read.table == RECORDS) {
            return records.scan(read, batch, context.deadline, request.explain);
        }
        let table = self.tables.get(&read.table).ok_or_else(|| no_such_table(&read.table))?;
        let scan = Scan::new(table, read, batch, context.deadline)?;
        Ok(if request.explain { scan.explain() } else { scan.start() })
    }
}

impl Index {
    fn check_table(&self, name: &str) -> CheckOutcome {
        if let Some(records) = self.records.as_ref().filter(|_| name == RECORDS) {
            return records.check();
        }
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
fn check_schema(table: &Table, read: &Read) -> Result<(), ContractError> {
    let differs = |field: &&Field| field.data_type != DataType::Text || table.column(&field.name).is_none();
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
