//! What the connector says of its two tables.

use crate::config::{Config, SCHEMA};
use weft_guest::contract::{
    Binding, Capability, CheckOutcome, CheckReport, Column, ContractRange, DataType, Description, FilterCapability,
    FilterOperation, JoinSupport, RelationalCapabilities, Statistic, Table as Described, TableCheck, TextComparison,
    TypeKind,
};
use weft_guest::{Value, cell, clock};
use weft_triples::{DEFAULT_MAPPING, Dataset, Lookup, Table};

pub fn describe(dataset: &Dataset, config: &Config) -> Description {
    Description {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        contract: ContractRange { min: 1, max: 1 },
        config_schema: SCHEMA.to_owned(),
        tables: Table::ALL.into_iter().map(|table| described(table, dataset, config)).collect(),
        relational: RelationalCapabilities {
            join: JoinSupport::None,
            project: false,
            distinct: false,
            sort: Capability::None,
            limit: Capability::Exact,
            aggregates: Vec::new(),
            recurse: false,
            time_parts: Vec::new(),
            max_concurrency: 4,
        },
        default_mapping: Some(DEFAULT_MAPPING.to_owned()),
        change_feed: None,
    }
}

fn described(table: Table, dataset: &Dataset, config: &Config) -> Described {
    let measured_at = clock::now();
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
        distinct: Some(Statistic { count: dataset.distinct(table, position), measured_at }),
    };
    let columns: Vec<Column> = table.columns().iter().enumerate().map(column).collect();
    let exact = |operation, data_type| FilterCapability { operation, data_type, level: Capability::Exact };
    Described {
        name: table.name().to_owned(),
        keys: vec![columns.iter().map(|column| column.name.clone()).collect()],
        columns,
        foreign_keys: Vec::new(),
        rows: Some(Statistic { count: dataset.rows(table), measured_at }),
        filters: vec![
            exact(FilterOperation::Equal, Some(TypeKind::Text)),
            exact(FilterOperation::NotEqual, Some(TypeKind::Text)),
            exact(FilterOperation::In, Some(TypeKind::Text)),
            exact(FilterOperation::IsNull, None),
            exact(FilterOperation::Or, None),
            exact(FilterOperation::Not, None),
            exact(FilterOperation::CompareColumns, Some(TypeKind::Text)),
        ],
        max_keys: config.max_keys,
        sql: None,
    }
}

pub fn check(dataset: &Dataset, config: &Config, tables: &[String]) -> CheckReport {
    let wanted: Vec<String> = match tables {
        [] => Table::ALL.iter().map(|table| table.name().to_owned()).collect(),
        some => some.to_vec(),
    };
    let outcome = |name: String| {
        let outcome = match Table::named(&name) {
            Some(table) => sample(dataset, table),
            None => CheckOutcome::Failed(format!("there is no table {name:?}, only triples and quads")),
        };
        TableCheck { table: name, outcome }
    };
    let urls = config.documents.iter().map(|document| document.url.as_deref().unwrap_or("a text"));
    let system = format!("RDF documents: {}", urls.collect::<Vec<_>>().join(", "));
    CheckReport { system, tables: wanted.into_iter().map(outcome).collect() }
}

fn sample(dataset: &Dataset, table: Table) -> CheckOutcome {
    let Some(row) = dataset.find(Lookup { table, condition: None, keys: None }).flatten().next() else {
        return CheckOutcome::Empty;
    };
    let text = |column| Some(cell(Value::Text(dataset.cell(table, row, column).to_owned())));
    CheckOutcome::Row((0..table.columns().len()).map(text).collect())
}
