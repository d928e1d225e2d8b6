//! The live tables of a database, and how each column is stored and compared.

use crate::error::{Result, schema_changed};
use std::time::{SystemTime, UNIX_EPOCH};
use weft_model::Code;
use weft_model::contract::{
    AggregateFunction, Binding, Capability, CheckOutcome, Column, DataType, Field, FilterCapability, FilterOperation,
    ForeignKey, JoinSupport, Read, Relation, RelationalCapabilities, SqlTable, Statistic, Table, TextComparison,
    TimePart, TypeKind, UnquotedNames, Value,
};

/// PostgreSQL's collation `"C"`: the order of UTF-8 bytes, which is that of code points.
pub(crate) const COLLATION_C: u32 = 950;
/// The collation of the database; it never conflicts with another one.
pub(crate) const COLLATION_DEFAULT: u32 = 100;

/// How a column becomes a value that compares as the contract says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// As it is.
    Plain,
    /// Text whose own collation is not that of code points.
    CollatedText,
    /// SQLite: ISO text without and with offset.
    WallClockText,
    InstantText,
    /// PostgreSQL: `char(n)`, whose value includes its padding.
    PaddedText(u32),
    /// PostgreSQL: `uuid`, read as text.
    Uuid,
    /// PostgreSQL: read as text (`json`, `jsonb`, `time`, enums).
    CastText,
    /// PostgreSQL: `real`, whose value is the number it is written as.
    Single,
}

#[derive(Clone, Debug)]
pub(crate) struct LiveColumn {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    pub(crate) native_type: String,
    pub(crate) storage: Storage,
    /// PostgreSQL's number of the collation; 0 where there is none.
    pub(crate) collation: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct LiveTable {
    /// The name in the contract.
    pub(crate) name: String,
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
    /// The query that is configured as the table.
    pub(crate) query: Option<String>,
    /// Whether the database itself refuses values that are not of the declared type.
    pub(crate) typed: bool,
    pub(crate) columns: Vec<LiveColumn>,
}

/// A table with what only a description needs.
#[derive(Clone, Debug)]
pub(crate) struct DescribedTable {
    pub(crate) live: LiveTable,
    pub(crate) keys: Vec<Vec<String>>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) rows: Option<Statistic>,
    /// One for each column.
    pub(crate) distinct: Vec<Option<Statistic>>,
}

impl LiveTable {
    pub(crate) fn column(&self, name: &str) -> Option<&LiveColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Answers `schema-changed` when a column the read relies on is not what it was planned with.
    pub(crate) fn check(&self, read: &Read) -> Result<()> {
        read.schema.iter().try_for_each(|field| self.check_field(field))
    }

    fn check_field(&self, field: &Field) -> Result<()> {
        let table = &self.name;
        let Some(column) = self.column(&field.name) else {
            return Err(schema_changed(format!("table {table:?} no longer has a column {:?}", field.name)));
        };
        let same_type = column.data_type == field.data_type && column.native_type == field.native_type;
        if !same_type {
            return Err(schema_changed(format!(
                "column {:?} of table {table:?} is now {} ({}), not {} ({})",
                field.name, column.native_type, column.data_type, field.native_type, field.data_type
            )));
        }
        if column.nullable && !field.nullable {
            return Err(schema_changed(format!("column {:?} of table {table:?} may now be null", field.name)));
        }
        Ok(())
    }
}

impl DescribedTable {
    /// A view, of which nothing is known that the configuration does not say.
    pub(crate) fn of_view(live: LiveTable, keys: Vec<Vec<String>>) -> Self {
        let distinct = vec![None; live.columns.len()];
        Self { live, keys, foreign_keys: Vec::new(), rows: None, distinct }
    }

    /// The table as the contract shows it. Everything that is pushed down is exact: where a database compares in its
    /// own way, the SQL says otherwise.
    pub(crate) fn to_contract(&self, max_keys: u32, unquoted: UnquotedNames) -> Table {
        let live = &self.live;
        Table {
            name: live.name.clone(),
            columns: live.columns.iter().zip(&self.distinct).map(|(c, d)| c.to_contract(*d)).collect(),
            keys: self.keys.clone(),
            foreign_keys: self.foreign_keys.clone(),
            rows: self.rows,
            filters: filters(),
            max_keys,
            sql: Some(SqlTable { unquoted, query: live.query.clone() }),
        }
    }
}

impl LiveColumn {
    fn to_contract(&self, distinct: Option<Statistic>) -> Column {
        Column {
            name: self.name.clone(),
            data_type: self.data_type,
            nullable: self.nullable,
            native_type: self.native_type.clone(),
            unit: None,
            text_comparison: TextComparison::CodePoint,
            binding: Binding::Optional,
            filterable: true,
            sortable: true,
            distinct,
        }
    }
}

fn filters() -> Vec<FilterCapability> {
    use FilterOperation as Op;
    let ordered = [
        TypeKind::Boolean,
        TypeKind::Int64,
        TypeKind::Decimal,
        TypeKind::Float64,
        TypeKind::Text,
        TypeKind::Date,
        TypeKind::Timestamp,
    ];
    let exact = |operation, data_type| FilterCapability { operation, data_type, level: Capability::Exact };
    let mut filters: Vec<_> =
        [Op::Equal, Op::NotEqual, Op::In, Op::IsNull, Op::Or, Op::Not].map(|op| exact(op, None)).into();
    filters.extend(ordered.iter().flat_map(|t| [exact(Op::Range, Some(*t)), exact(Op::CompareColumns, Some(*t))]));
    filters.extend([Op::StartsWith, Op::EndsWith, Op::Contains].map(|op| exact(op, Some(TypeKind::Text))));
    filters
}

pub(crate) fn relational(max_concurrency: u32) -> RelationalCapabilities {
    use AggregateFunction::{Count, Max, Min, Sum};
    RelationalCapabilities {
        join: JoinSupport::Any,
        project: true,
        distinct: true,
        sort: Capability::Exact,
        limit: Capability::Exact,
        aggregates: vec![Count, Sum, Min, Max],
        recurse: true,
        time_parts: TimePart::ALL.to_vec(),
        max_concurrency,
    }
}

/// A count taken now.
pub(crate) fn measured(count: u64) -> Statistic {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
    Statistic { count, measured_at: i64::try_from(now).unwrap_or(i64::MAX) }
}

impl LiveTable {
    /// Reads one row of all columns.
    pub(crate) fn sample(&self) -> Relation {
        let field = |column: &LiveColumn| Field {
            name: column.name.clone(),
            data_type: column.data_type,
            nullable: column.nullable,
            native_type: column.native_type.clone(),
        };
        Relation::Read(Read {
            table: self.name.clone(),
            alias: String::new(),
            columns: self.columns.iter().map(|column| column.name.clone()).collect(),
            schema: self.columns.iter().map(field).collect(),
            filter: None,
            keys: None,
            limit: Some(1),
        })
    }
}

/// What a sample row, or its absence, says of a table.
pub(crate) fn outcome(sample: Result<Option<Vec<Option<Value>>>>) -> CheckOutcome {
    match sample {
        Ok(Some(row)) => CheckOutcome::Row(row),
        Ok(None) => CheckOutcome::Empty,
        Err(error) if error.code == Code::PermissionDenied => CheckOutcome::Denied(error.message),
        Err(error) => CheckOutcome::Failed(error.message),
    }
}
