//! Random meshes: sources with tables, rows, capabilities and R2RML mappings that overlap in every way that matters.

mod capabilities;
mod computed;
mod files;
mod generate;
mod mapping;
mod ontology;
mod pools;
mod things;
mod tuning;

pub use capabilities::offer_everything;
pub(crate) use computed::CHAINS;
pub use files::{load_scenario, save_scenario};
pub use generate::{describe, generate, plain_column, plain_table};
pub use things::draw_things;
pub use tuning::Tuning;

use crate::memory::Row;
use oxrdf::Triple;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use weft_model::contract::Description;

/// The base IRI of every mapping and the start of every template.
pub const BASE: &str = "http://example.com/";

/// Some sources and what they hold, and how the engine is told to go about it.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub sources: Vec<Source>,
    pub tuning: Tuning,
    /// Axioms in Turtle, each in one line; see [`Scenario::ontology`].
    pub axioms: Vec<String>,
    /// Names of one thing, each; where there are any, queries are asked in the thread view.
    pub things: Vec<Vec<String>>,
}

impl Scenario {
    /// What is said of the words of the mappings, as statements.
    pub fn ontology(&self) -> anyhow::Result<Vec<Triple>> {
        crate::closure::statements(&ontology::document(&self.axioms))
    }
}

#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    /// The IRI of its named graph.
    pub graph: String,
    pub mapping: MappingDocument,
    /// What the source declares; other transports than memory keep the tables and declare what they can themselves.
    pub description: Description,
    /// The rows of each table of the description.
    pub rows: Vec<Vec<Row>>,
    pub transport: Transport,
}

/// How the broker reaches a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Memory,
    Sqlite,
    Wasm,
}

/// An R2RML document in pieces, so that pieces can be left out.
#[derive(Clone, Debug, Default)]
pub struct MappingDocument {
    pub prologue: String,
    pub maps: Vec<TriplesMapText>,
}

#[derive(Clone, Debug)]
pub struct TriplesMapText {
    /// From the name of the triples map to its subject map, without a final stop.
    pub head: String,
    /// `rr:predicateObjectMap [...]`, each.
    pub predicate_objects: Vec<String>,
}

impl MappingDocument {
    pub fn to_turtle(&self) -> String {
        let mut text = self.prologue.clone();
        for map in &self.maps {
            text.push('\n');
            text.push_str(&map.head);
            for part in &map.predicate_objects {
                let _ = write!(text, " ;\n    {part}");
            }
            text.push_str(" .\n");
        }
        text
    }
}
