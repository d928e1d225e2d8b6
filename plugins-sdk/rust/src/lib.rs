//! Writes Weft connectors as WebAssembly components, in Rust.
//!
//! Implement [`Connector`] and [`Scan`], and [`export!`] the type. The rest is here for convenience: trees instead of node
//! lists ([`Relation`], [`Expression`] with its three-valued evaluation), rows instead of typed columns
//! ([`BatchBuilder`]), [`time`], and the capabilities of the host ([`http`], [`log`], [`clock`]).
//!
//! The crate knows no query language and no RDF, and works only inside a component.

mod batch;
mod connector;
mod error;
mod evaluate;
mod relation;
pub mod time;
mod value;

/// What the component toolchain generates from the WIT contract.
#[allow(missing_docs, clippy::all)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit/since-v1",
        world: "connector",
        pub_export_macro: true,
        default_bindings_module: "weft_guest::bindings",
    });
}

/// Requests to the URLs the configuration of the source allows.
pub mod http {
    pub use crate::bindings::weft::connector::http::{
        Header, HttpError, HttpErrorKind, Method, Request, Response, send,
    };
}

/// Lines in the broker's log.
pub mod log {
    pub use crate::bindings::weft::connector::log::{Level, write};
}

/// The time, and how much of it is left.
pub mod clock {
    pub use crate::bindings::weft::connector::clock::{now, remaining};
}

/// Descriptions and checks, as the contract has them.
pub mod contract {
    pub use crate::bindings::weft::connector::types::{
        AggregateFunction, Batch, Binding, Capability, CheckOutcome, CheckReport, Column, ContractRange, DataType,
        DecimalType, Description, End, FilterCapability, FilterOperation, ForeignKey, JoinSupport, Outcome,
        RelationalCapabilities, SqlTable, Statistic, Table, TableCheck, TextComparison, TypeKind, UnquotedNames,
    };
}

pub use batch::{BatchBuilder, WrongType};
pub use connector::{Component, Connector, Item, Scan, ScanState, report_panics};
pub use error::{Code, Error, Result};
pub use relation::{
    Aggregate, ColumnRef, CompareOperator, Expression, Field, JoinKind, KeyBlock, ProjectColumn, Read, Relation,
    ScanRequest, SortKey, TextOperator, TimePart,
};
pub use value::{Value, cell, compare, data_type_kind, decimal_type};

/// Makes a type that implements [`Connector`] the component's exports.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {
        type WeftComponent = $crate::Component<$connector>;
        $crate::bindings::export!(WeftComponent with_types_in $crate::bindings);
    };
}
