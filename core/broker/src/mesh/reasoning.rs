//! What follows from the ontology, for the sources and the index.

use crate::config::Config;
use crate::failure::Failure;
use weft_index::read_ontology;
use weft_mapping::{Ontology, VirtualGraph};
use weft_model::Code;

/// The rules of the ontology files, and where they are followed.
pub(crate) struct Reasoning<'a> {
    config: &'a Config,
    ontology: Ontology,
}

impl<'a> Reasoning<'a> {
    /// Reads the ontology files, unless nothing is to follow from them anywhere.
    pub(crate) fn read(config: &'a Config) -> Result<Self, Failure> {
        let mut statements = Vec::new();
        if config.reasons_anywhere() {
            let limit = config.limits.index().ontology_bytes;
            for (scope, path) in config.ontology().iter().enumerate() {
                statements.extend(read_ontology(path, &config.broker.base, scope, limit)?);
            }
        }
        Ok(Self { config, ontology: Ontology::read(&statements) })
    }

    /// What the ontology says that is not followed.
    pub(crate) fn notes(&self) -> &[String] {
        self.ontology.notes()
    }

    /// The virtual graph of a source with what follows from it.
    pub(crate) fn saturate(&self, graph: VirtualGraph) -> Result<VirtualGraph, Failure> {
        if !self.config.reasons_in(&graph.source) {
            return Ok(graph);
        }
        let limit = self.config.limits.ontology().triple_maps;
        self.ontology.saturate(graph, limit).map_err(|error| Failure::caused(Code::InvalidMapping, &error))
    }

    /// The rules that the statements of the index are closed under.
    pub(crate) fn of_index(&self) -> Option<&Ontology> {
        self.config.reasons_by_default().then_some(&self.ontology)
    }
}
