//! `weft source`.

mod add;

use super::ask::quiet_logs;
use crate::cli::{Source, SourceCheck, SourceInspect, SourceList};
use crate::config::{Config, Transport, load};
use crate::failure::Failure;
use crate::mesh::{MeshSource, Transports, open_with, write_description};
use crate::output::plain_table;
use weft_model::Code;
use weft_model::contract::{
    Binding, Capability, CheckOutcome, Column, Description, FilterCapability, JoinSupport, Table, Value,
};

pub(crate) async fn run(source: Source) -> Result<(), Failure> {
    let _telemetry = quiet_logs()?;
    match source {
        Source::Add(add) => add::run(&add),
        Source::List(list) => run_list(&list),
        Source::Inspect(inspect) => run_inspect(&inspect).await,
        Source::Check(check) => run_check(&check).await,
    }
}

fn run_list(list: &SourceList) -> Result<(), Failure> {
    let config = load(&list.config.config)?;
    let mut table = plain_table(&["source", "transport", "where", "graph", "mapping", "optional"]);
    for (name, source) in &config.sources {
        let (transport, place) = match source.transport() {
            Some(Transport::Grpc(grpc)) => ("grpc", grpc.endpoint.clone()),
            Some(Transport::Wasm(wasm)) => ("wasm", wasm.component.display().to_string()),
            None => ("none", String::new()),
        };
        let mapping =
            source.mapping.as_ref().map_or_else(|| "the connector's".into(), |path| path.display().to_string());
        let optional = if source.optional { "yes" } else { "no" };
        table.add_row([name, transport, &place, &source.graph_iri(name), &mapping, optional]);
    }
    println!("{table}");
    if config.services.is_empty() {
        return Ok(());
    }
    let mut table = plain_table(&["service", "asked at"]);
    for (iri, service) in &config.services {
        table.add_row([iri, without_query(service.url(iri))]);
    }
    println!("\n{table}");
    Ok(())
}

/// The query of a URL may be nobody else's business.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

async fn run_inspect(inspect: &SourceInspect) -> Result<(), Failure> {
    let config = load(&inspect.config.config)?;
    let transports = Transports::new(&config)?;
    // What a source has does not depend on its mapping, which may not be written yet.
    let source = open_with(&config, &transports, &inspect.name, None).await?;
    let description = source.plain.describe(&source.context()).await?;
    if inspect.json {
        let text = serde_json::to_string_pretty(&description).map_err(|e| Failure::caused(Code::Internal, &e))?;
        println!("{text}");
    } else {
        print_description(&inspect.name, &description);
    }
    if inspect.record {
        let path = config.description_file(&inspect.name);
        write_description(&path, &description)?;
        eprintln!("recorded in {}", path.display());
    }
    Ok(())
}

fn print_description(name: &str, description: &Description) {
    let relational = &description.relational;
    let joins = match relational.join {
        JoinSupport::None => "none",
        JoinSupport::ForeignKeys => "along foreign keys",
        JoinSupport::Any => "any",
    };
    println!("{name}: {} {}", description.name, description.version);
    println!("contract {} to {}", description.contract.min, description.contract.max);
    println!("joins: {joins}; sort: {}; limit: {}", level(relational.sort), level(relational.limit));
    let aggregates: Vec<String> = relational.aggregates.iter().map(|a| format!("{a:?}").to_lowercase()).collect();
    println!("aggregates: {}", if aggregates.is_empty() { "none".into() } else { aggregates.join(", ") });
    for table in &description.tables {
        print_described_table(table);
    }
}

fn print_described_table(table: &Table) {
    let rows = table.rows.map_or_else(String::new, |rows| format!(", {} rows", rows.count));
    println!("\n{}{rows}", table.name);
    let mut columns = plain_table(&["column", "type", "native type", "null", "key", "binding", "filter", "unit"]);
    for column in &table.columns {
        columns.add_row(column_cells(table, column));
    }
    println!("{columns}");
    for key in &table.foreign_keys {
        let (from, to) = (key.columns.join(", "), key.referenced_columns.join(", "));
        println!("{} ({from}) references {} ({to})", key.name, key.referenced_table);
    }
    let filters: Vec<String> = table.filters.iter().map(filter_text).collect();
    println!("filters: {}", if filters.is_empty() { "none".into() } else { filters.join(", ") });
    println!("keys in one request: {}", table.max_keys);
}

fn column_cells(table: &Table, column: &Column) -> [String; 8] {
    let key = table.keys.iter().position(|key| key.contains(&column.name));
    [
        column.name.clone(),
        column.data_type.to_string(),
        column.native_type.clone(),
        if column.nullable { "yes" } else { "no" }.to_owned(),
        key.map_or_else(String::new, |position| if position == 0 { "primary".into() } else { "unique".into() }),
        match column.binding {
            Binding::None => "none",
            Binding::Optional => "optional",
            Binding::Required => "required",
        }
        .to_owned(),
        if column.filterable { "yes" } else { "no" }.to_owned(),
        column.unit.clone().unwrap_or_default(),
    ]
}

fn filter_text(filter: &FilterCapability) -> String {
    let types = filter.data_type.map_or_else(String::new, |kind| format!(" on {}", format!("{kind:?}").to_lowercase()));
    format!("{}{types} {}", format!("{:?}", filter.operation).to_lowercase(), level(filter.level))
}

fn level(capability: Capability) -> &'static str {
    match capability {
        Capability::None => "no",
        Capability::Superset => "superset",
        Capability::Exact => "exact",
    }
}

async fn run_check(check: &SourceCheck) -> Result<(), Failure> {
    let config: Config = load(&check.config.config)?;
    let transports = Transports::new(&config)?;
    let names: Vec<&String> = match &check.name {
        Some(name) => vec![name],
        None => config.sources.keys().collect(),
    };
    let mut sources = Vec::with_capacity(names.len());
    for name in names {
        sources.push(open_with(&config, &transports, name, None).await?);
    }
    let mut table = plain_table(&["source", "table", "outcome", "detail"]);
    let mut worst = None;
    for source in &sources {
        if let Some(code) = check_source(source, &check.tables, &mut table).await {
            worst.get_or_insert(code);
        }
    }
    println!("{table}");
    match worst {
        None => Ok(()),
        Some(code) => Err(Failure::new(code, "not everything can be read")),
    }
}

/// Adds a line for each table. Gives the code of the first that cannot be read.
async fn check_source(source: &MeshSource, tables: &[String], out: &mut comfy_table::Table) -> Option<Code> {
    let name = source.name.to_string();
    let checked = match source.plain.check(&source.context(), tables).await {
        Ok(checked) => checked,
        Err(error) => {
            let code = error.error.code;
            out.add_row([name, "-".into(), code.to_string(), Failure::from(error).message]);
            return Some(code);
        }
    };
    let mut worst = None;
    for (table, outcome) in checked.tables {
        let (text, detail, code) = match outcome {
            CheckOutcome::Row(cells) => ("readable", sample(&cells), None),
            CheckOutcome::Empty => ("readable, no rows", String::new(), None),
            CheckOutcome::Denied(reason) => ("no permission", reason, Some(Code::PermissionDenied)),
            CheckOutcome::Failed(reason) => ("failed", reason, Some(Code::SourceFailed)),
        };
        worst = worst.or(code);
        out.add_row([name.clone(), table, text.to_owned(), detail]);
    }
    worst
}

/// A sample row, cut to a line.
fn sample(cells: &[Option<Value>]) -> String {
    const WIDTH: usize = 60;
    let texts: Vec<String> = cells.iter().map(|cell| cell.as_ref().map_or_else(|| "null".into(), cell_text)).collect();
    let line: String = texts.join(", ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= WIDTH { line } else { line.chars().take(WIDTH - 3).chain("...".chars()).collect() }
}

fn cell_text(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        Value::Float64(value) => value.to_string(),
        Value::Text(text) => text.clone(),
        Value::Decimal { unscaled, scale } => decimal_text(*unscaled, usize::from(*scale)),
        Value::Date(days) => format!("day {days}"),
        Value::Timestamp(micros) => format!("{micros} us"),
        Value::Binary(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn decimal_text(unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_fit_a_line() {
        let cells = [Some(Value::Decimal { unscaled: -5, scale: 2 }), None, Some(Value::Text("x\n".repeat(50)))];
        let text = sample(&cells);
        assert!(text.starts_with("-0.05, null, x x") && text.ends_with("...") && text.len() == 60, "{text}");
        assert_eq!(decimal_text(1234, 0), "1234");
        assert_eq!(decimal_text(1234, 2), "12.34");
    }
}
