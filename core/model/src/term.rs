//! How a SPARQL variable is laid out in columns.
//!
//! Where the mapping tells the type, a variable is one native column (or, for an IRI, the key columns its text is built
//! from); two terms of one type are the same RDF term exactly when their columns are equal. Where branches differ it is
//! one text column of [encoded](encode) terms, for which the same holds.

mod encoding;
mod iri;
mod layout;
mod lexical;

pub use encoding::{EncodedTerm, InvalidTerm, decode, encode, encode_iri, encode_literal};
pub use iri::{InvalidTemplate, IriShape, KeyKind, KeyValue, percent_encode};
pub use layout::{LiteralType, TermType};
pub use lexical::{double_text, float_text, integer_range, parse_double, parse_float, push_double};
