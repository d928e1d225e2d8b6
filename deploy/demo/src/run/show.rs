//! What the demonstration prints.

use super::RunOptions;
use super::ask::{Endpoint, Reply};
use super::check::text;
use crate::files::{Ports, SQL_SOURCES};
use crate::questions::Question;
use comfy_table::{Table, presets};
use serde_json::Value;

/// One line that says who plays.
pub(super) fn cast(ports: &Ports) -> String {
    let sql: Vec<String> = SQL_SOURCES.iter().zip(ports.sql).map(|(name, port)| format!("{name} {port}")).collect();
    format!(
        "weft {}, plm (OData, sandboxed component) {}, {} (gRPC with mutual TLS)",
        ports.weft,
        ports.plm,
        sql.join(", ")
    )
}

pub(super) fn question(number: usize, question: &Question) {
    println!("\n{number}. {}\n", question.words());
    for line in question.short().lines() {
        println!("   {line}");
    }
    println!();
}

pub(super) fn reply(reply: &Reply) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(&reply.answer.variables);
    for row in &reply.answer.rows {
        table.add_row(row.iter().map(|term| term.as_ref().map(text).unwrap_or_default()));
    }
    println!("{table}");
    let rows = reply.answer.rows.len();
    let elapsed = reply.elapsed.as_secs_f64() * 1000.0;
    let sources = reply.report.as_ref().map_or_else(|| "sources not reported".to_owned(), sources);
    println!("   {rows} rows in {elapsed:.0} ms; {sources}");
}

/// `erp 2 requests 14 rows, mes ...` of the broker's own report.
fn sources(report: &Value) -> String {
    let sources = report["sources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let number = |source: &Value, name: &str| source[name].as_u64().unwrap_or_default();
    let each: Vec<String> = sources
        .iter()
        .map(|source| {
            let name = source["name"].as_str().unwrap_or("?");
            format!("{name} {} requests {} rows", number(source, "requests"), number(source, "rows"))
        })
        .collect();
    let requests: u64 = sources.iter().map(|source| number(source, "requests")).sum();
    format!("{requests} requests to {} sources: {}", sources.len(), each.join(", "))
}

pub(super) fn invitation(options: &RunOptions, endpoint: &Endpoint) {
    let directory = options.directory.display();
    let weft = options.binaries.join("weft");
    let (weft, url) = (weft.display(), &endpoint.url);
    println!("\nThe endpoint stays up at {url} until Ctrl-C. Try:\n");
    println!("  curl -s -H 'Accept: text/csv' --data-urlencode query@{directory}/questions/recall.rq {url}");
    println!("  {weft} query --endpoint {url} --report --file {directory}/questions/vibration.rq");
    println!("  {weft} explain --config {directory}/weft.toml --file {directory}/questions/recall.rq");
}
