//! OData v4 services as tables: entity sets are tables, structural properties columns, navigation properties with
//! referential constraints foreign keys.
//!
//! What a service can evaluate is learned from its `$metadata`. Filters are translated to the widest condition the service
//! is sure to evaluate, and every row is checked again here by the contract's rules; so what is declared exact is exact,
//! whatever the service's collation is.

// Elsewhere than in a component only the tests run, and nothing calls the connector.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod check;
mod client;
mod config;
mod decode;
mod describe;
mod filter;
mod literal;
mod metadata;
mod native;
mod plan;
mod restrictions;
mod rows;
mod scan;
mod url;

use weft_guest::contract::{CheckReport, Description};
use weft_guest::{Connector, Result, ScanRequest};

struct OData;

#[cfg(target_arch = "wasm32")]
weft_guest::export!(OData);

impl Connector for OData {
    type Config = config::Config;
    type Scan = scan::ODataScan;

    fn describe(config: config::Config) -> Result<Description> {
        describe::describe(&config.checked()?)
    }

    fn check(config: config::Config, tables: Vec<String>) -> Result<CheckReport> {
        check::check(&config.checked()?, &tables)
    }

    fn open(config: config::Config, request: ScanRequest) -> Result<scan::ODataScan> {
        scan::ODataScan::open(config.checked()?, request)
    }
}
