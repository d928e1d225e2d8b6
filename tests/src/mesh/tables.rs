//! Tables served by a guest in the sandbox.

use crate::memory::Row;
use crate::scenario::Source;
use crate::union::{date_text, decimal_text, timestamp_text};
use anyhow::{Context, bail};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::sync::Arc;
use weft_connector::Connector;
use weft_model::contract::{Column, DataType, Table, Value};
use weft_wasm::{Grants, GuestLimits, InstalledComponent, Sandbox, SandboxLimits, WasmConnector};

/// The installed guest `tables`, of which every source gets an instance of its own.
pub struct Guests {
    component: InstalledComponent,
}

impl Guests {
    /// Compiles the guest once.
    pub async fn install() -> anyhow::Result<Self> {
        let folder = std::env::var_os("WEFT_GUESTS").map_or_else(default_folder, PathBuf::from);
        let path = folder.join("tables.wasm");
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "{} is missing: run plugins-sdk/build-guest.sh tests/guests/tables {}",
                path.display(),
                path.display()
            )
        })?;
        let sandbox = Sandbox::new(SandboxLimits::default())?;
        Ok(Self { component: sandbox.install("tables", bytes).await? })
    }

    pub(super) fn connect(&self, source: &Source) -> anyhow::Result<Arc<dyn Connector>> {
        let config = config(source)?.to_string();
        let component = self.component.clone();
        Ok(Arc::new(WasmConnector::new(&source.name, component, config, &Grants::default(), GuestLimits::default())?))
    }
}

fn default_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/guests/components")
}

fn config(source: &Source) -> anyhow::Result<Json> {
    let tables = source.description.tables.iter().zip(&source.rows);
    let tables = tables.map(|(table, rows)| table_config(table, rows)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(json!({ "tables": tables }))
}

fn table_config(table: &Table, rows: &[Row]) -> anyhow::Result<Json> {
    let columns: Vec<Json> = table.columns.iter().map(column_config).collect::<anyhow::Result<_>>()?;
    let rows: Vec<Vec<Json>> = rows.iter().map(|row| row.iter().zip(&table.columns).map(cell).collect()).collect();
    Ok(json!({ "name": table.name, "columns": columns, "keys": table.keys, "rows": rows }))
}

fn column_config(column: &Column) -> anyhow::Result<Json> {
    let data_type = match column.data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        DataType::Float64 => "float64".to_owned(),
        DataType::Text => "text".to_owned(),
        DataType::Date => "date".to_owned(),
        DataType::Timestamp { zoned: false } => "timestamp".to_owned(),
        DataType::Timestamp { zoned: true } => "timestamptz".to_owned(),
        DataType::Binary => bail!("the guest has no binary columns"),
    };
    Ok(json!({ "name": column.name, "type": data_type, "nullable": column.nullable }))
}

fn cell((value, column): (&Option<Value>, &Column)) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Boolean(b)) => json!(b),
        Some(Value::Int64(n)) => json!(n),
        Some(Value::Float64(x)) => json!(x),
        Some(Value::Text(text)) => json!(text),
        Some(Value::Decimal { unscaled, scale }) => json!(decimal_text(*unscaled, *scale)),
        Some(Value::Date(days)) => json!(date_text(i64::from(*days))),
        Some(Value::Timestamp(micros)) => {
            let zone = if column.data_type == (DataType::Timestamp { zoned: true }) { "Z" } else { "" };
            json!(format!("{}{zone}", timestamp_text(*micros)))
        }
        Some(Value::Binary(bytes)) => json!(bytes),
    }
}
