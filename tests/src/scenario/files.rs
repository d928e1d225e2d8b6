//! A scenario as a folder: `scenario.json` with tables and rows, one Turtle file for each mapping, `axioms.ttl` where there is
//! an ontology, `things.json` where things have several names, and `tuning.json` where the engine is told anything unusual.

use super::{MappingDocument, Scenario, Source, Transport, Tuning};
use crate::memory::Row;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;
use weft_model::contract::{DataType, Description, Value};

const TUNING: &str = "tuning.json";
const AXIOMS: &str = "axioms.ttl";
const THINGS: &str = "things.json";

#[derive(Serialize, Deserialize)]
struct SourceFile {
    name: String,
    graph: String,
    transport: Transport,
    description: Description,
    rows: Vec<Vec<Vec<Json>>>,
}

pub fn save_scenario(scenario: &Scenario, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for source in &scenario.sources {
        fs::write(folder.join(format!("{}.ttl", source.name)), source.mapping.to_turtle())?;
        let table = |rows: &Vec<Row>| rows.iter().map(|row| row.iter().map(to_json).collect()).collect();
        files.push(SourceFile {
            name: source.name.clone(),
            graph: source.graph.clone(),
            transport: source.transport,
            description: source.description.clone(),
            rows: source.rows.iter().map(table).collect(),
        });
    }
    fs::write(folder.join("scenario.json"), serde_json::to_string_pretty(&files)? + "\n")?;
    if !scenario.axioms.is_empty() {
        fs::write(folder.join(AXIOMS), scenario.axioms.join("\n") + "\n")?;
    }
    if !scenario.things.is_empty() {
        fs::write(folder.join(THINGS), serde_json::to_string_pretty(&scenario.things)? + "\n")?;
    }
    if scenario.tuning != Tuning::default() {
        fs::write(folder.join(TUNING), serde_json::to_string_pretty(&scenario.tuning)? + "\n")?;
    }
    Ok(())
}

pub fn load_scenario(folder: &Path) -> anyhow::Result<Scenario> {
    let path = folder.join("scenario.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let files: Vec<SourceFile> = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let sources = files.into_iter().map(|file| load_source(folder, file)).collect::<anyhow::Result<_>>()?;
    let axioms = load_axioms(&folder.join(AXIOMS))?;
    Ok(Scenario {
        sources,
        tuning: load_tuning(&folder.join(TUNING))?,
        axioms,
        things: load_things(&folder.join(THINGS))?,
    })
}

fn load_things(path: &Path) -> anyhow::Result<Vec<Vec<String>>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn load_axioms(path: &Path) -> anyhow::Result<Vec<String>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn load_tuning(path: &Path) -> anyhow::Result<Tuning> {
    if !path.exists() {
        return Ok(Tuning::default());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn load_source(folder: &Path, file: SourceFile) -> anyhow::Result<Source> {
    let path = folder.join(format!("{}.ttl", file.name));
    let prologue = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut rows = Vec::new();
    for (table, table_rows) in file.description.tables.iter().zip(&file.rows) {
        let types: Vec<DataType> = table.columns.iter().map(|column| column.data_type).collect();
        let row = |row: &Vec<Json>| -> anyhow::Result<Row> {
            row.iter().zip(&types).map(|(cell, data_type)| from_json(cell, *data_type)).collect()
        };
        rows.push(table_rows.iter().map(row).collect::<anyhow::Result<_>>()?);
    }
    Ok(Source {
        name: file.name,
        graph: file.graph,
        mapping: MappingDocument { prologue, maps: Vec::new() },
        description: file.description,
        rows,
        transport: file.transport,
    })
}

/// Whole numbers as numbers, decimals and floats as text, so that nothing is rounded.
fn to_json(value: &Option<Value>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Boolean(b)) => json!(b),
        Some(Value::Int64(n) | Value::Timestamp(n)) => json!(n),
        Some(Value::Decimal { unscaled, .. }) => json!(unscaled.to_string()),
        Some(Value::Float64(x)) => json!(x.to_string()),
        Some(Value::Text(text)) => json!(text),
        Some(Value::Date(days)) => json!(days),
        Some(Value::Binary(bytes)) => json!(bytes),
    }
}

fn from_json(cell: &Json, data_type: DataType) -> anyhow::Result<Option<Value>> {
    let value = match (data_type, cell) {
        (_, Json::Null) => return Ok(None),
        (DataType::Boolean, Json::Bool(b)) => Value::Boolean(*b),
        (DataType::Int64, Json::Number(n)) => Value::Int64(n.as_i64().context("not an int64")?),
        (DataType::Decimal { scale, .. }, Json::String(text)) => Value::Decimal { unscaled: text.parse()?, scale },
        (DataType::Float64, Json::String(text)) => Value::Float64(text.parse()?),
        (DataType::Text, Json::String(text)) => Value::Text(text.clone()),
        (DataType::Date, Json::Number(n)) => Value::Date(i32::try_from(n.as_i64().context("not a day")?)?),
        (DataType::Timestamp { .. }, Json::Number(n)) => Value::Timestamp(n.as_i64().context("not an instant")?),
        (DataType::Binary, Json::Array(bytes)) => {
            let byte = |b: &Json| b.as_u64().and_then(|b| u8::try_from(b).ok()).context("not a byte");
            Value::Binary(bytes.iter().map(byte).collect::<anyhow::Result<_>>()?)
        }
        (data_type, cell) => bail!("{cell} is not a {data_type}"),
    };
    Ok(Some(value))
}
