//! The traits an author implements, and the component around them.

use crate::bindings::exports::weft::connector::guest as exports;
use crate::bindings::weft::connector::types as w;
use crate::contract::{Batch, CheckReport, Description, End};
use crate::error::{Code, Error, Result};
use crate::relation::ScanRequest;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

/// The three verbs. Every call runs in a fresh instance: nothing is remembered between them.
pub trait Connector: 'static {
    /// What the source's configuration holds. Refuse unknown keys: `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned;
    type Scan: Scan;

    fn describe(config: Self::Config) -> Result<Description>;

    /// Checks these tables, or all of them when none is named.
    fn check(config: Self::Config, tables: Vec<String>) -> Result<CheckReport>;

    fn open(config: Self::Config, request: ScanRequest) -> Result<Self::Scan>;
}

/// A running scan.
pub trait Scan: 'static {
    /// The next batch, or the end. Called when the reader wants more, and never again after an end or an error.
    fn next(&mut self) -> Result<Item>;
}

pub enum Item {
    Batch(Batch),
    End(End),
}

/// Exports a [`Connector`]; see [`crate::export!`].
pub struct Component<C>(PhantomData<C>);

/// A scan behind the resource the contract asks for.
pub struct ScanState<C: Connector>(RefCell<C::Scan>);

impl<C: Connector> exports::Guest for Component<C> {
    type Scan = ScanState<C>;

    fn describe(config: String) -> std::result::Result<Description, w::Error> {
        report_panics();
        parse(&config).and_then(C::describe).map_err(|error| error.0)
    }

    fn check(config: String, tables: Vec<String>) -> std::result::Result<CheckReport, w::Error> {
        report_panics();
        parse(&config).and_then(|config| C::check(config, tables)).map_err(|error| error.0)
    }
}

impl<C: Connector> exports::GuestScan for ScanState<C> {
    fn open(config: String, request: w::ScanRequest) -> std::result::Result<exports::Scan, w::Error> {
        report_panics();
        let open = || C::open(parse(&config)?, ScanRequest::read(request)?);
        open().map(|scan| exports::Scan::new(Self(RefCell::new(scan)))).map_err(|error| error.0)
    }

    fn next(&self) -> std::result::Result<exports::ScanItem, w::Error> {
        match self.0.borrow_mut().next() {
            Ok(Item::Batch(batch)) => Ok(exports::ScanItem::Batch(batch)),
            Ok(Item::End(end)) => Ok(exports::ScanItem::End(end)),
            Err(error) => Err(error.0),
        }
    }
}

fn parse<T: DeserializeOwned>(config: &str) -> Result<T> {
    serde_json::from_str(config).map_err(|error| {
        // The position is one in the JSON the host made, not in a file anyone wrote.
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or(&text);
        Error::new(Code::InvalidConfig, format!("the configuration of the connector: {reason}"))
    })
}

/// Logs panics. A panic ends the instance, and its message would be lost with it. [`Component`] calls this itself.
pub fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| crate::log::write(crate::log::Level::Error, &info.to_string())));
    });
}
