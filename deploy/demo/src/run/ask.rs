//! Asks the broker over the SPARQL Protocol.

use anyhow::{Context, Result, bail};
use oxrdf::Term;
use reqwest::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;
use sparesults::{QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput};
use std::time::{Duration, Instant};

const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) port: u16,
    client: Client,
}

/// The answer as terms: variables, and rows in the order they came.
pub(super) struct Table {
    pub(super) variables: Vec<String>,
    pub(super) rows: Vec<Vec<Option<Term>>>,
}

pub(super) struct Reply {
    pub(super) answer: Table,
    /// What the broker says it did, when it said so.
    pub(super) report: Option<Value>,
    /// From the question to the last byte of the answer.
    pub(super) elapsed: Duration,
}

impl Endpoint {
    pub(super) fn new(port: u16) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(QUERY_TIMEOUT).build().context("no HTTP client")?;
        Ok(Self { url: format!("http://127.0.0.1:{port}/sparql"), port, client })
    }

    pub(super) async fn ask(&self, query: &str) -> Result<Reply> {
        let begun = Instant::now();
        let (report, body) = self.send(query).await?;
        let elapsed = begun.elapsed();
        Ok(Reply { answer: table(&body)?, report, elapsed })
    }

    async fn send(&self, query: &str) -> Result<(Option<Value>, Vec<u8>)> {
        let request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/sparql-query")
            .header(ACCEPT, "application/sparql-results+json")
            .body(query.to_owned());
        let response = request.send().await.with_context(|| format!("cannot reach {}", self.url))?;
        let status = response.status();
        let report =
            response.headers().get("weft-report").and_then(|text| serde_json::from_slice(text.as_bytes()).ok());
        let body = response.bytes().await.context("the answer was cut")?;
        if !status.is_success() {
            bail!("{status}: {}", String::from_utf8_lossy(&body));
        }
        Ok((report, body.to_vec()))
    }
}

fn table(body: &[u8]) -> Result<Table> {
    let parsed = QueryResultsParser::from_format(QueryResultsFormat::Json).for_slice(body)?;
    let SliceQueryResultsParserOutput::Solutions(solutions) = parsed else { bail!("the answer is not a table") };
    let variables = solutions.variables().iter().map(|variable| variable.as_str().to_owned()).collect();
    let rows = solutions.map(|row| row.map(|row| row.values().to_vec())).collect::<Result<_, _>>()?;
    Ok(Table { variables, rows })
}
