//! A fixture: serves tables whose rows stand in its configuration.
//!
//! `{"tables": [{"name", "columns": [{"name", "type", "nullable"}], "keys": [["id"]], "rows": [[...]]}]}`, where `type` is
//! `boolean`, `int64`, `decimal(p,s)`, `float64`, `text`, `date`, `timestamp` or `timestamptz`. Decimals, dates and
//! timestamps are strings; `"NaN"`, `"INF"` and `"-INF"` stand for those doubles. Filters, key blocks and limits are
//! evaluated exactly.

mod config;
mod scan;

use config::{Config, LoadedTable};
use weft_guest::contract::{
    Binding, Capability, CheckOutcome, CheckReport, Column, ContractRange, Description, FilterCapability,
    FilterOperation, JoinSupport, RelationalCapabilities, Table, TableCheck, TextComparison,
};
use weft_guest::{Code, Connector, Error, Result, ScanRequest, cell};

struct Tables;

weft_guest::export!(Tables);

const OPERATIONS: [FilterOperation; 11] = [
    FilterOperation::Equal,
    FilterOperation::NotEqual,
    FilterOperation::Range,
    FilterOperation::In,
    FilterOperation::IsNull,
    FilterOperation::StartsWith,
    FilterOperation::EndsWith,
    FilterOperation::Contains,
    FilterOperation::Or,
    FilterOperation::Not,
    FilterOperation::CompareColumns,
];

impl Connector for Tables {
    type Config = Config;
    type Scan = scan::TableScan;

    fn describe(config: Config) -> Result<Description> {
        let tables = config.load()?.into_iter().map(describe).collect();
        Ok(Description {
            name: "weft-guest-tables".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            contract: ContractRange { min: 1, max: 1 },
            config_schema: config::SCHEMA.to_owned(),
            tables,
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
            default_mapping: None,
            change_feed: None,
        })
    }

    fn check(config: Config, tables: Vec<String>) -> Result<CheckReport> {
        let loaded = config.load()?;
        if let Some(unknown) = tables.iter().find(|name| !loaded.iter().any(|table| &table.name == *name)) {
            return Err(Error::new(Code::NotFound, format!("there is no table {unknown:?}")));
        }
        let wanted = loaded.into_iter().filter(|table| tables.is_empty() || tables.contains(&table.name));
        let outcome = |table: LoadedTable| {
            let first = table.rows.into_iter().next();
            let outcome = match first {
                Some(row) => CheckOutcome::Row(row.into_iter().map(|value| value.map(cell)).collect()),
                None => CheckOutcome::Empty,
            };
            TableCheck { table: table.name, outcome }
        };
        Ok(CheckReport { system: "rows in the configuration".to_owned(), tables: wanted.map(outcome).collect() })
    }

    fn open(config: Config, request: ScanRequest) -> Result<scan::TableScan> {
        scan::TableScan::open(config, request)
    }
}

fn describe(table: LoadedTable) -> Table {
    let columns = table.columns.into_iter().map(|column| Column {
        name: column.name,
        data_type: column.data_type,
        nullable: column.nullable,
        native_type: column.native_type,
        unit: None,
        text_comparison: TextComparison::CodePoint,
        binding: Binding::Optional,
        filterable: true,
        sortable: false,
        distinct: None,
    });
    Table {
        name: table.name,
        columns: columns.collect(),
        keys: table.keys,
        foreign_keys: Vec::new(),
        rows: None,
        filters: OPERATIONS
            .map(|operation| FilterCapability { operation, data_type: None, level: Capability::Exact })
            .to_vec(),
        max_keys: 10_000,
        sql: None,
    }
}
