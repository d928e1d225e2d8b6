//! What a connector says of itself. Descriptions can be recorded as JSON, to check mappings without network.

use super::{AggregateFunction, DataType, TimePart, TypeKind, Value};
use serde::{Deserialize, Serialize};

/// The answer to `Describe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The connector's name, such as `weft-connector-sql`.
    pub name: String,
    /// The connector's own version.
    pub version: String,
    pub contract: ContractRange,
    /// JSON Schema of the configuration the connector takes.
    pub config_schema: String,
    pub tables: Vec<Table>,
    pub relational: RelationalCapabilities,
    /// An R2RML document (Turtle) that fits these tables, for a source without a mapping of its own.
    pub default_mapping: Option<String>,
    pub change_feed: Option<ChangeFeed>,
}

/// The contract versions a connector speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractRange {
    pub min: u32,
    pub max: u32,
}

/// How changes could be followed. Described only; following them is not part of version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFeed {
    pub kind: String,
    pub tables: Vec<String>,
}

/// A named set of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Unique within the source. May contain a dot (`mes.machine_run`).
    pub name: String,
    pub columns: Vec<Column>,
    /// Sets of columns whose values together are unique and never null. The first is the primary key.
    pub keys: Vec<Vec<String>>,
    pub foreign_keys: Vec<ForeignKey>,
    pub rows: Option<Statistic>,
    /// What a filter on this table may contain. An operation that is not listed is [`Capability::None`].
    pub filters: Vec<FilterCapability>,
    /// The most keys one [`super::KeyBlock`] may hold; 0 when key blocks are not accepted.
    pub max_keys: u32,
    /// What only a table of an SQL database has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<SqlTable>,
}

/// What mappings written for SQL rely on. It is only ever described; a scan names the table like any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlTable {
    /// How the database reads names without quotes.
    pub unquoted: UnquotedNames,
    /// The query whose rows the table is, as configured, where it is none that the database keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnquotedNames {
    #[default]
    AsWritten,
    LowerCase,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// How well the table evaluates `operation` on a column.
    pub fn filter_capability(&self, operation: FilterOperation, column: &Column) -> Capability {
        if !column.filterable {
            return Capability::None;
        }
        let kind = column.data_type.kind();
        self.filters
            .iter()
            .filter(|c| c.operation == operation && c.data_type.is_none_or(|t| t == kind))
            .map(|c| c.level)
            .max()
            .unwrap_or(Capability::None)
    }

    /// How well the table evaluates a connective (`Or`, `Not`), which has no column.
    pub fn connective_capability(&self, operation: FilterOperation) -> Capability {
        self.filters
            .iter()
            .filter(|c| c.operation == operation && c.data_type.is_none())
            .map(|c| c.level)
            .max()
            .unwrap_or(Capability::None)
    }

    /// Whether `columns` contains a whole key, so that no two rows agree on all of them.
    pub fn is_unique(&self, columns: &[&str]) -> bool {
        self.keys.iter().any(|key| !key.is_empty() && key.iter().all(|part| columns.contains(&part.as_str())))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
    pub nullable: bool,
    /// The source's own name of the type (`Edm.Guid`, `numeric(9,3)`), handed back in every read.
    pub native_type: String,
    /// A unit of measure, as a QUDT unit IRI or a symbol.
    pub unit: Option<String>,
    /// How the source compares text; meaningless for other types.
    pub text_comparison: TextComparison,
    pub binding: Binding,
    /// Whether filters may name the column at all.
    pub filterable: bool,
    /// Whether sorts may name the column.
    pub sortable: bool,
    pub distinct: Option<Statistic>,
}

/// How two texts are compared by the source. Only `CodePoint` agrees with SPARQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextComparison {
    CodePoint,
    CaseInsensitive,
    /// Trailing blanks do not count.
    PadSpace,
    Unknown,
}

/// Whether a scan may, or must, give values for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// The column cannot be part of a key block.
    None,
    Optional,
    /// Every read must bind the column by a key block or an equality.
    Required,
}

/// A count and when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistic {
    pub count: u64,
    /// Microseconds since 1970-01-01 UTC.
    pub measured_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The source's own name of the relationship (a constraint, a navigation property).
    pub name: String,
    pub columns: Vec<String>,
    pub referenced_table: String,
    pub referenced_columns: Vec<String>,
}

/// How well a source evaluates something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Capability {
    None,
    /// All the right rows come, and perhaps others: the broker checks again.
    Superset,
    Exact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterCapability {
    pub operation: FilterOperation,
    /// `None` stands for every type, and for the connectives.
    pub data_type: Option<TypeKind>,
    pub level: Capability,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FilterOperation {
    Equal,
    NotEqual,
    /// `<`, `<=`, `>`, `>=`.
    Range,
    In,
    IsNull,
    StartsWith,
    EndsWith,
    Contains,
    Or,
    Not,
    /// A comparison between two columns of one table.
    CompareColumns,
}

/// What a source can do beyond reading one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationalCapabilities {
    pub join: JoinSupport,
    /// Whether `Project` above `Read` is understood.
    pub project: bool,
    pub distinct: bool,
    pub sort: Capability,
    /// `Exact`: never more rows than asked for. `Superset`: a hint.
    pub limit: Capability,
    pub aggregates: Vec<AggregateFunction>,
    /// Whether `Recurse` is understood, over every relation that is understood without it. The keys it starts at are
    /// as many as each table of the step takes in a key block.
    #[serde(default)]
    pub recurse: bool,
    /// Parts of dates and times that `Project` may name. Each is understood for every column that has it.
    #[serde(default)]
    pub time_parts: Vec<TimePart>,
    /// Scans the source is willing to run at once.
    pub max_concurrency: u32,
}

impl RelationalCapabilities {
    /// A source that reads single tables and nothing more.
    pub fn read_only() -> Self {
        Self {
            join: JoinSupport::None,
            project: false,
            distinct: false,
            sort: Capability::None,
            limit: Capability::None,
            aggregates: Vec::new(),
            recurse: false,
            time_parts: Vec::new(),
            max_concurrency: 4,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinSupport {
    None,
    /// Two tables at a time, along a declared foreign key only.
    ForeignKeys,
    /// Any number of tables on any equality.
    Any,
}

/// The answer to `Check`: one outcome for each table asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What answered, for people: a product and version, an address without secrets.
    pub system: String,
    pub tables: Vec<(String, CheckOutcome)>,
}

/// *No rows* and *no permission* are different answers.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckOutcome {
    /// A sample row, in the order of the table's columns.
    Row(Vec<Option<Value>>),
    Empty,
    Denied(String),
    Failed(String),
}
