//! Sources: how they are reached, and their mappings against what was recorded of their tables.

use super::Findings;
use crate::command::mapping::ontology_terms;
use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::mesh::{Reasoning, Transports, open_with, read_description, read_mapping};
use oxrdf::NamedNode;
use std::sync::Arc;
use weft_mapping::{Mapping, OntologyTerms, VirtualGraph, review};
use weft_model::Code;
use weft_model::contract::Description;

/// What mappings are held against, as far as it can be read: what is wrong with an ontology is told of the ontology.
struct Checker<'a> {
    config: &'a Config,
    reasoning: Option<Reasoning<'a>>,
    terms: OntologyTerms,
}

pub(super) async fn check_sources(config: &Config, findings: &mut Findings) {
    // Without an identity there is no connection; that is told of the identity.
    let transports = Transports::new(config).ok();
    let checker =
        Checker { config, reasoning: Reasoning::read(config).ok(), terms: ontology_terms(config).unwrap_or_default() };
    for (name, source) in &config.sources {
        let connected = match &transports {
            Some(transports) => open_with(config, transports, name, None).await.map(drop),
            None => {
                findings.note(&format!("source {name}: its connection was not checked"));
                Ok(())
            }
        };
        if let Err(failure) = connected {
            findings.wrong(&failure);
        }
        if let Err(failure) = checker.check(name, source, findings) {
            let lines = failure.message.lines().map(|line| format!("source {name}: {line}"));
            findings.wrong(&Failure::new(failure.code, lines.collect::<Vec<_>>().join("\n")));
        }
    }
}

impl Checker<'_> {
    fn check(&self, name: &str, source: &Source, findings: &mut Findings) -> Result<(), Failure> {
        if let Some(path) = source.mapping.as_ref().map(|path| self.config.path(path)).filter(|path| !path.exists()) {
            let message = format!(
                "there is no {0}: `weft mapping suggest {name} --out {0}` writes a first mapping",
                path.display()
            );
            return Err(Failure::new(Code::InvalidMapping, message));
        }
        let mapping = read_mapping(self.config, source)?;
        let Some(description) = read_description(&self.config.description_file(name))? else {
            findings.fine(&format!("source {name}"));
            findings.note(&format!(
                "source {name}: its mapping was not checked against its tables; `weft source inspect {name} --record` records them"
            ));
            return Ok(());
        };
        let mapping = match mapping {
            Some(mapping) => mapping,
            None => self.own_mapping(&description)?,
        };
        let description = Arc::new(description);
        self.check_mapping(name, source, &mapping, &description, findings)
    }

    /// The mapping that the connector offers.
    fn own_mapping(&self, description: &Description) -> Result<Mapping, Failure> {
        let Some(text) = &description.default_mapping else {
            let message = "it has no mapping, and its connector offers none: set mapping";
            return Err(Failure::new(Code::InvalidMapping, message));
        };
        Ok(Mapping::parse("the connector's own mapping", text, &self.config.broker.base)?)
    }

    /// The mapping against the tables, as they were when last recorded.
    fn check_mapping(
        &self,
        name: &str,
        source: &Source,
        mapping: &Mapping,
        description: &Arc<Description>,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let graph = NamedNode::new(source.graph_iri(name)).map_err(|e| Failure::caused(Code::InvalidConfig, &e))?;
        let graph = VirtualGraph::new(name, graph, mapping, description.clone(), &self.config.broker.base)?;
        let count = graph.triples.len();
        findings.fine(&format!("source {name}: {count} triple maps fit its recorded tables"));
        let found = review(mapping, description, &self.terms);
        found.remarks.iter().for_each(|remark| findings.warning(&remark.to_string()));
        if !found.coverage.is_whole() {
            findings.note(&format!("source {name}: {}", found.coverage));
        }
        let Some(reasoning) = &self.reasoning else { return Ok(()) };
        let more = reasoning.saturate(graph)?.triples.len().saturating_sub(count);
        if more > 0 {
            findings.fine(&format!("source {name}: {more} more triple maps follow from the ontology"));
        }
        Ok(())
    }
}
