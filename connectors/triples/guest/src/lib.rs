//! RDF documents as two tables of encoded terms, in the sandbox: documents at allowed URLs, or in the configuration.
//!
//! Every call has a fresh instance, which reads the documents again: this is for small ones. The gRPC connector keeps
//! its documents in memory.

mod config;
mod describe;
mod documents;
mod entropy;
mod request;
mod scan;

use weft_guest::contract::{CheckReport, Description};
use weft_guest::{Connector, Result, ScanRequest};

struct Triples;

weft_guest::export!(Triples);

impl Connector for Triples {
    type Config = config::Config;
    type Scan = scan::TripleScan;

    fn describe(config: config::Config) -> Result<Description> {
        Ok(describe::describe(&documents::load(&config)?, &config))
    }

    fn check(config: config::Config, tables: Vec<String>) -> Result<CheckReport> {
        Ok(describe::check(&documents::load(&config)?, &config, &tables))
    }

    fn open(config: config::Config, request: ScanRequest) -> Result<scan::TripleScan> {
        scan::TripleScan::open(&config, request)
    }
}
