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
use weft_server::{Answer, Client, Encoder, QueryCall, QueryEndpoint, ResultFormat, Solutions};

/// Bytes of an answer that are kept to be shown as a table.
const TABLE_BYTES: usize = 256 << 20;

pub(crate) async fn run(query: Query) -> Result<(), Failure> {
    let _telemetry = quiet_logs()?;
    let text = read_text(&query.text)?;
    let report = match &query.asked.endpoint {
        Some(endpoint) => {
            let client = Client::new(endpoint, query.asked.timeout)?;
            ask_broker(&client, &text, &query).await?
        }
        None => {
            let (engine, config) = local_engine(query.asked.config.as_ref()).await?;
            let call = QueryCall { text, timeout: query.asked.timeout, ..QueryCall::default() };
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
    let format = query.format.results().unwrap_or(ResultFormat::Json);
    let mut answer = client.query(text, format).await?;
    if query.format != QueryFormat::Table {
        while let Some(piece) = answer.body.next().await {
            write(&piece?)?;
        }
        end_line(format)?;
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
                None => println_checked(&value.to_string())?,
                Some(format) => {
                    write(&Encoder::boolean(value, format)?)?;
                    end_line(format)?;
                }
            }
            Ok(report)
        }
        Answer::Solutions(solutions) => {
            let report = solutions.report.clone();
            match query.format.results() {
                None => write_table(solutions, query.rows, &config.prefix_list()).await?,
                Some(format) => {
                    let mut encoder = Encoder::new(solutions, format)?;
                    while let Some(piece) = encoder.next().await? {
                        write(&piece)?;
                    }
                    end_line(format)?;
                }
            }
            Ok(report())
        }
    }
}

async fn write_table(mut solutions: Solutions, rows: usize, prefixes: &[(String, String)]) -> Result<(), Failure> {
    let mut table = AnswerTable::new(&solutions.variables, prefixes, rows);
    while let Some(batch) = solutions.rows.next().await {
        for row in batch? {
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

/// JSON and XML documents end without a newline, which a terminal wants.
fn end_line(format: ResultFormat) -> Result<(), Failure> {
    match format {
        ResultFormat::Json | ResultFormat::Xml => write(b"\n"),
        ResultFormat::Csv | ResultFormat::Tsv => io::stdout().flush().map_err(|error| unwritable(&error)),
    }
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    io::stdout().lock().write_all(bytes).map_err(|error| unwritable(&error))
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::new(Code::Cancelled, format!("the answer cannot be written: {error}"))
}
