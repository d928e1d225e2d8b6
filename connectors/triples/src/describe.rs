//! What the connector says of its two tables.

use crate::config::{Limits, SCHEMA};
use crate::files::Revision;
use weft_model::contract::{
    Binding, CONTRACT_VERSION, Capability, Check, CheckOutcome, Column, ContractRange, DataType, Description,
    FilterCapability, FilterOperation, RelationalCapabilities, Statistic, Table as Described, TextComparison, TypeKind,
    Value,
};
use weft_triples::{DEFAULT_MAPPING, Lookup, Table};

pub(crate) fn describe(revision: &Revision, limits: &Limits) -> Description {
    Description {
        name: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        contract: ContractRange { min: CONTRACT_VERSION, max: CONTRACT_VERSION },
        config_schema: SCHEMA.into(),
        tables: Table::ALL.into_iter().map(|table| described(table, revision, limits)).collect(),
        relational: RelationalCapabilities {
            limit: Capability::Exact,
            max_concurrency: limits.scans,
            ..RelationalCapabilities::read_only()
        },
        default_mapping: Some(DEFAULT_MAPPING.into()),
        change_feed: None,
    }
}

fn described(table: Table, revision: &Revision, limits: &Limits) -> Described {
    let statistic = |count| Some(Statistic { count, measured_at: revision.read_at });
    let column = |(position, name): (usize, &&str)| Column {
        name: (*name).to_owned(),
        data_type: DataType::Text,
        nullable: false,
        native_type: String::new(),
        unit: None,
        text_comparison: TextComparison::CodePoint,
        binding: Binding::Optional,
        filterable: true,
        sortable: false,
        distinct: statistic(revision.dataset.distinct(table, position)),
    };
    let columns: Vec<Column> = table.columns().iter().enumerate().map(column).collect();
    let exact = |operation, data_type| FilterCapability { operation, data_type, level: Capability::Exact };
    Described {
        name: table.name().to_owned(),
        keys: vec![columns.iter().map(|column| column.name.clone()).collect()],
        columns,
        foreign_keys: Vec::new(),
        rows: statistic(revision.dataset.rows(table)),
        filters: vec![
            exact(FilterOperation::Equal, Some(TypeKind::Text)),
            exact(FilterOperation::NotEqual, Some(TypeKind::Text)),
            exact(FilterOperation::In, Some(TypeKind::Text)),
            exact(FilterOperation::IsNull, None),
            exact(FilterOperation::Or, None),
            exact(FilterOperation::Not, None),
            exact(FilterOperation::CompareColumns, Some(TypeKind::Text)),
        ],
        max_keys: limits.keys,
        sql: None,
    }
}

/// A row of each table.
pub(crate) fn check(revision: &Revision, system: String, tables: &[String]) -> Check {
    let wanted: Vec<String> = match tables {
        [] => Table::ALL.iter().map(|table| table.name().to_owned()).collect(),
        some => some.to_vec(),
    };
    let outcome = |name: String| {
        let outcome = match Table::named(&name) {
            Some(table) => sample(revision, table),
            None => CheckOutcome::Failed(format!("there is no table {name:?}, only triples and quads")),
        };
        (name, outcome)
    };
    Check { system, tables: wanted.into_iter().map(outcome).collect() }
}

fn sample(revision: &Revision, table: Table) -> CheckOutcome {
    let dataset = &revision.dataset;
    let Some(row) = dataset.find(Lookup { table, condition: None, keys: None }).flatten().next() else {
        return CheckOutcome::Empty;
    };
    let cell = |column| Some(Value::Text(dataset.cell(table, row, column).to_owned()));
    CheckOutcome::Row((0..table.columns().len()).map(cell).collect())
}
