//! `weft check`: what can be known without network.

use super::ask::quiet_logs;
use crate::cli::Check;
use crate::config::{Config, Source, load};
use crate::failure::Failure;
use crate::mesh::{Described, MeshSource, Transports, open_service, read_description};
use std::sync::Arc;
use std::time::SystemTime;
use weft_identity::Credentials;
use weft_index::{LinkStore, read_ontology};
use weft_model::Code;

/// What was found, as it is found. Findings go to stdout.
#[derive(Default)]
struct Findings {
    /// The code of the first error, which decides the exit status.
    first: Option<Code>,
    errors: usize,
}

impl Findings {
    fn fine(&self, what: &str) {
        println!("ok       {what}");
    }

    fn note(&self, what: &str) {
        println!("note     {what}");
    }

    fn wrong(&mut self, failure: &Failure) {
        self.first.get_or_insert(failure.code);
        for line in failure.message.lines() {
            self.errors += 1;
            println!("error    {line}");
        }
    }
}

pub(crate) async fn run(check: Check) -> Result<(), Failure> {
    let _telemetry = quiet_logs()?;
    let config = load(&check.config.config)?;
    let mut findings = Findings::default();
    findings.fine(&format!("configuration {}", check.config.config.display()));
    check_identity(&config, &mut findings);
    check_ontology(&config, &mut findings);
    check_links(&config, &mut findings);
    check_sources(&config, &mut findings).await;
    check_services(&config, &mut findings);
    match findings.first {
        None => Ok(()),
        Some(code) => {
            let number =
                if findings.errors == 1 { "1 error".to_owned() } else { format!("{} errors", findings.errors) };
            Err(Failure::new(code, format!("{number} in {}", check.config.config.display())))
        }
    }
}

fn check_identity(config: &Config, findings: &mut Findings) {
    let Some(files) = config.credential_files() else { return };
    match Credentials::load(&files) {
        Ok(credentials) => {
            let left = credentials.expires_at().duration_since(SystemTime::now()).unwrap_or_default();
            let days = left.as_secs() / 86_400;
            findings.fine(&format!("identity {}, valid for {days} days", credentials.spiffe_id().as_str()));
        }
        Err(error) => findings.wrong(&Failure::from(error).about("identity")),
    }
}

fn check_ontology(config: &Config, findings: &mut Findings) {
    let limit = config.limits.index().ontology_bytes;
    for (scope, path) in config.ontology().iter().enumerate() {
        match read_ontology(path, &config.broker.base, scope, limit) {
            Ok(triples) => findings.fine(&format!("ontology {}, {} statements", path.display(), triples.len())),
            Err(error) => findings.wrong(&Failure::from(error)),
        }
    }
}

/// A store that is not there yet is made when the broker starts.
fn check_links(config: &Config, findings: &mut Findings) {
    let Some(path) = config.link_store() else { return };
    if !path.exists() {
        findings.note(&format!("link store {}: will be made", path.display()));
        return;
    }
    match LinkStore::open(&path) {
        Ok(_) => findings.fine(&format!("link store {}", path.display())),
        Err(error) => findings.wrong(&Failure::from(error)),
    }
}

fn check_services(config: &Config, findings: &mut Findings) {
    for (iri, service) in &config.services {
        match open_service(config, iri, service) {
            Ok(_) => findings.fine(&format!("service <{iri}>")),
            Err(failure) => findings.wrong(&failure),
        }
    }
}

async fn check_sources(config: &Config, findings: &mut Findings) {
    let transports = match Transports::new(config) {
        Ok(transports) => transports,
        // The reason is among the findings of the identity; sources are checked as far as they can be.
        Err(_) => {
            for (name, source) in &config.sources {
                check_mapping_alone(config, name, source, findings);
            }
            return;
        }
    };
    for (name, source) in &config.sources {
        match MeshSource::open(config, name, source, &transports).await {
            Ok(opened) => check_mapping(config, opened, findings),
            Err(failure) => findings.wrong(&failure),
        }
    }
}

fn check_mapping_alone(config: &Config, name: &str, source: &Source, findings: &mut Findings) {
    match crate::mesh::read_mapping(config, source) {
        Ok(_) => findings.note(&format!("source {name}: its connection was not checked")),
        Err(failure) => findings.wrong(&failure.about(format_args!("source {name}"))),
    }
}

/// The mapping against the tables, as they were when last recorded.
fn check_mapping(config: &Config, source: MeshSource, findings: &mut Findings) {
    let name = source.name.clone();
    match read_description(&config.description_file(&name)) {
        Ok(Some(description)) => {
            let described = Described { source, description: Arc::new(description) };
            match described.virtual_graph(&config.broker.base) {
                Ok(graph) => {
                    let count = graph.triples.len();
                    findings.fine(&format!("source {name}: {count} triple maps fit its recorded tables"));
                }
                Err(failure) => findings.wrong(&failure),
            }
        }
        Ok(None) => {
            findings.fine(&format!("source {name}"));
            findings.note(&format!(
                "source {name}: its mapping was not checked against its tables; `weft source inspect {name} --record` records them"
            ));
        }
        Err(failure) => findings.wrong(&failure.about(format_args!("source {name}"))),
    }
}
