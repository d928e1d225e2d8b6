//! `weft mapping suggest`.

use crate::cli::MappingSuggest;
use crate::config::{Config, load};
use crate::failure::Failure;
use crate::mesh::{Transports, describe, open_with, read_description, write_description, write_whole};
use oxrdf::NamedNode;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::time::Instant;
use weft_index::read_ontology;
use weft_mapping::{Mapping, OntologyTerms, SuggestRequest, Suggestion, VirtualGraph, suggest};
use weft_model::Code;
use weft_model::contract::Description;

pub(super) async fn run(command: &MappingSuggest) -> Result<ExitCode, Failure> {
    let config = load(&command.config.config)?;
    if let Some(out) = command.out.as_ref().filter(|out| !command.force && out.exists()) {
        let message = format!("{} is there already: --force replaces it", out.display());
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let description = description(command, &config).await?;
    let ontology = ontology_terms(&config)?;
    let request = SuggestRequest {
        source: &command.source,
        base: &config.broker.base,
        prefixes: &config.prefix_list(),
        description: &description,
        ontology: &ontology,
    };
    let suggestion = suggest(&request).map_err(|error| Failure::caused(Code::InvalidConfig, &error))?;
    verify(&config, &command.source, &suggestion, &description)?;
    match &command.out {
        Some(out) => {
            write_whole(out, suggestion.text.as_bytes())?;
            if !command.recorded {
                write_description(&config.description_file(&command.source), &description)?;
            }
        }
        None => super::write(&suggestion.text)?,
    }
    tell(command, &config, &suggestion);
    Ok(ExitCode::SUCCESS)
}

async fn description(command: &MappingSuggest, config: &Config) -> Result<Arc<Description>, Failure> {
    let name = &command.source;
    if command.recorded {
        let recorded = read_description(&config.description_file(name))?;
        return recorded.map(Arc::new).ok_or_else(|| {
            let message =
                format!("nothing is recorded of source {name}: `weft source inspect {name} --record` does it");
            Failure::new(Code::NotFound, message)
        });
    }
    let source = open_with(config, &Transports::new(config)?, name, None).await?;
    describe(&source, Instant::now() + source.timeout).await
}

/// The classes and properties of all ontologies of the configuration.
pub(crate) fn ontology_terms(config: &Config) -> Result<OntologyTerms, Failure> {
    let limit = config.limits.index().ontology_bytes;
    let mut statements = Vec::new();
    for (scope, path) in config.ontology().iter().enumerate() {
        statements.extend(read_ontology(path, &config.broker.base, scope, limit)?);
    }
    Ok(OntologyTerms::new(&statements))
}

/// A suggestion that did not fit its source would be a defect of ours, and no start for anybody.
fn verify(config: &Config, name: &str, suggestion: &Suggestion, description: &Arc<Description>) -> Result<(), Failure> {
    let base = &config.broker.base;
    let graph = NamedNode::new_unchecked(format!("urn:weft:source:{name}"));
    let checked = Mapping::parse("the suggestion", &suggestion.text, base)
        .and_then(|mapping| VirtualGraph::new(name, graph, &mapping, description.clone(), base));
    let failed = |errors| Failure { code: Code::Internal, ..Failure::from(errors) };
    checked.map(drop).map_err(failed)
}

fn tell(command: &MappingSuggest, config: &Config, suggestion: &Suggestion) {
    let Suggestion { tables, ontology_terms, own_terms, remarks, .. } = suggestion;
    eprintln!("{tables} tables; {ontology_terms} terms are of the ontology, {own_terms} of the source's own namespace");
    remarks.iter().for_each(|remark| eprintln!("note: {remark}"));
    let Some(out) = &command.out else { return };
    eprintln!("written to {}", out.display());
    let name = &command.source;
    let used = config.sources.get(name).and_then(|source| source.mapping.as_ref());
    let is_used = used.is_some_and(|used| same_file(&config.path(used), out));
    if !is_used {
        eprintln!("to use it, write under [sources.{name}]: mapping = {:?}", out.display().to_string());
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
