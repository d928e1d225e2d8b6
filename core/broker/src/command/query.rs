//! `weft query`.

use super::ask::{local_engine, quiet_logs, read_text};
use crate::cli::Query;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{AnswerTable, QueryFormat, report_table};
use futures::StreamExt;
use serde_json::Value;
use sparesults::{QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput};
use std::io::{self, Write};
use weft_model::Code;
use weft_server::{Answer, Client, Encoder, QueryCall, QueryEndpoint, Solutions};

/// Bytes of an answer that are kept to be shown as a table.
const TABLE_BYTES: usize = 256 << 20;

pub(crate) async fn run(query: Query) -> Result<(), Failure> {
    let _telemetry = quiet_logs()?;
    let text = read_text(&query.text)?;
    let report = match &query.asked.endpoint {
        Some(endpoint) => {
            let client = Client::new(endpoint, query.asked.timeout)?.seeing(query.seen.asked());
            ask_broker(&client, &text, &query).await?
        }
        None => {
            let (engine, config) = local_engine(query.asked.config.as_ref()).await?;
            let base_iri = Some(config.broker.base.clone());
            let call = QueryCall {
                text,
                base_iri,
                timeout: query.asked.timeout,
                view: query.seen.asked(),
                ..QueryCall::default()
            };
            Some(write_answer(QueryEndpoint::query(&engine, call).await?, &query, &config).await?)
        }
    };
    if query.report {
        match report {
            Some(report) => eprintln!("{}", report_table(&report)),
            None => eprintln!("the broker sends no report with an answer this large"),
        }
    }
    Ok(())
}

/// The report, where the broker sent one.
async fn ask_broker(client: &Client, text: &str, query: &Query) -> Result<Option<Value>, Failure> {
    let mut answer = client.query(text, query.format.wanted()).await?;
    if query.format != QueryFormat::Table || answer.is_graph {
        let mut last = None;
        while let Some(piece) = answer.body.next().await {
            let piece = piece?;
            last = piece.last().copied().or(last);
            write(&piece)?;
        }
        end_line(last)?;
        return Ok(answer.report);
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.body.next().await {
        body.extend_from_slice(&piece?);
        if body.len() > TABLE_BYTES {
            let message = "the answer is too large for a table: choose another --format";
            return Err(Failure::new(Code::LimitExceeded, message));
        }
    }
    print_parsed(&body, query.rows)?;
    Ok(answer.report)
}

fn print_parsed(body: &[u8], rows: usize) -> Result<(), Failure> {
    let broken = |error: &dyn std::error::Error| Failure::caused(Code::InvalidData, error).about("the broker's answer");
    let parser = QueryResultsParser::from_format(QueryResultsFormat::Json);
    match parser.for_slice(body).map_err(|error| broken(&error))? {
        SliceQueryResultsParserOutput::Boolean(value) => println_checked(&value.to_string()),
        SliceQueryResultsParserOutput::Solutions(solutions) => {
            let mut table = AnswerTable::new(solutions.variables(), &[], rows);
            for solution in solutions {
                let solution = solution.map_err(|error| broken(&error))?;
                table.add(solution.values());
            }
            print_table(table)
        }
    }
}

/// Writes the answer of an engine in this process, and returns its report.
async fn write_answer(answer: Answer, query: &Query, config: &Config) -> Result<Value, Failure> {
    match answer {
        Answer::Boolean { value, report } => {
            match query.format.results() {
                Some(format) => {
                    let text = Encoder::boolean(value, format)?;
                    write(&text)?;
                    end_line(text.last().copied())?;
                }
                None if query.format == QueryFormat::Table => println_checked(&value.to_string())?,
                None => return Err(not_written("SELECT and ASK", "table, json, xml, csv, tsv")),
            }
            Ok(report)
        }
        Answer::Solutions(solutions) => {
            let report = solutions.report.clone();
            match query.format.results() {
                Some(format) => write_pieces(Encoder::solutions(solutions, format)?).await?,
                None if query.format == QueryFormat::Table => {
                    write_table(solutions, query.rows, &config.prefix_list()).await?;
                }
                None => return Err(not_written("SELECT and ASK", "table, json, xml, csv, tsv")),
            }
            Ok(report())
        }
        Answer::Graph(graph) => {
            let report = graph.report.clone();
            let Some(format) = query.format.graph() else {
                return Err(not_written("CONSTRUCT and DESCRIBE", "turtle, ntriples, jsonld, rdfxml"));
            };
            write_pieces(Encoder::graph(graph, format)).await?;
            Ok(report())
        }
    }
}

fn not_written(what: &str, formats: &str) -> Failure {
    Failure::new(Code::NotAcceptable, format!("answers of {what} are written as {formats}: see --format"))
}

async fn write_pieces(mut encoder: Encoder) -> Result<(), Failure> {
    let mut last = None;
    while let Some(piece) = encoder.next().await? {
        last = piece.last().copied().or(last);
        write(&piece)?;
    }
    end_line(last)
}

async fn write_table(mut solutions: Solutions, rows: usize, prefixes: &[(String, String)]) -> Result<(), Failure> {
    let mut table = AnswerTable::new(&solutions.variables, prefixes, rows);
    while let Some(batch) = solutions.rows.next().await {
        for row in batch?.rows() {
            table.add(&row);
        }
    }
    print_table(table)
}

/// Rows that a table does not show are told of, so that the part does not pass for the whole.
fn print_table(table: AnswerTable) -> Result<(), Failure> {
    let (shown, total) = (table.shown(), table.total());
    println_checked(&table.into_text())?;
    if shown < total {
        eprintln!("{shown} of {total} rows are shown: see --rows and --format");
    } else {
        eprintln!("{total} {}", if total == 1 { "row" } else { "rows" });
    }
    Ok(())
}

fn println_checked(text: &str) -> Result<(), Failure> {
    write(text.as_bytes())?;
    write(b"\n")
}

/// Some documents end without a newline, which a terminal wants.
fn end_line(last: Option<u8>) -> Result<(), Failure> {
    match last {
        Some(b'\n') | None => io::stdout().flush().map_err(|error| unwritable(&error)),
        Some(_) => write(b"\n"),
    }
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    io::stdout().lock().write_all(bytes).map_err(|error| unwritable(&error))
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::new(Code::Cancelled, format!("the answer cannot be written: {error}"))
}
