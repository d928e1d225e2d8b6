//! Are the entity sets there, and may we read them? No rows and no permission are different answers.

use crate::client::Client;
use crate::config::Config;
use crate::decode::decode;
use crate::describe::{describe_as, load};
use crate::url::path_segment;
use weft_guest::contract::{CheckOutcome, CheckReport, Table, TableCheck};
use weft_guest::{Field, Result, cell};

pub fn check(config: &Config, tables: &[String]) -> Result<CheckReport> {
    let metadata = load(config)?;
    let config = &Config { statistics: false, ..config.clone() };
    let described = describe_as(config, &metadata)?.tables;
    let wanted: Vec<String> = match tables {
        [] => described.iter().map(|table| table.name.clone()).collect(),
        some => some.to_vec(),
    };
    let outcome = |name: String| {
        let outcome = match described.iter().find(|table| table.name == name) {
            Some(table) => check_table(config, table),
            None => CheckOutcome::Failed(format!("the service has no entity set {name}")),
        };
        TableCheck { table: name, outcome }
    };
    let system = format!("OData {} at {}", metadata.version, config.url);
    Ok(CheckReport { system, tables: wanted.into_iter().map(outcome).collect() })
}

fn check_table(config: &Config, table: &Table) -> CheckOutcome {
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let url = format!("{}{}?$top=1&$select={}", config.url, path_segment(&table.name), names.join(","));
    match sample(config, table, &url) {
        Ok(Some(row)) => CheckOutcome::Row(row),
        Ok(None) => CheckOutcome::Empty,
        Err(error) if matches!(error.code(), "permission-denied" | "unauthenticated") => {
            CheckOutcome::Denied(error.message().to_owned())
        }
        Err(error) => CheckOutcome::Failed(error.message().to_owned()),
    }
}

type Cells = Vec<Option<weft_guest::bindings::weft::connector::types::Value>>;

fn sample(config: &Config, table: &Table, url: &str) -> Result<Option<Cells>> {
    let page = Client::new(config).page(&table.name, url)?;
    let Some(row) = page.rows.first() else { return Ok(None) };
    let cells = table.columns.iter().map(|column| {
        let field = Field {
            name: column.name.clone(),
            data_type: column.data_type,
            nullable: column.nullable,
            native_type: column.native_type.clone(),
        };
        Ok(decode(row.get(&column.name), &table.name, &field)?.map(cell))
    });
    cells.collect::<Result<Cells>>().map(Some)
}
