//! `weft check`: what can be known without network.

mod sources;

use super::ask::quiet_logs;
use crate::cli::Check;
use crate::config::{Config, load};
use crate::failure::Failure;
use crate::links::{read_rules, read_shapes};
use crate::mesh::{Reasoning, open_service, question_files, read_question};
use sources::check_sources;
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

    /// What is allowed and probably not meant.
    fn warning(&self, what: &str) {
        println!("warning  {what}");
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
    check_questions(&config, &mut findings);
    check_links(&config, &mut findings);
    check_link_files(&config, &mut findings);
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
    // What is wrong with a file is told already.
    if let Ok(reasoning) = Reasoning::read(config) {
        reasoning.notes().iter().for_each(|note| findings.note(&format!("ontology: {note}")));
    }
}

fn check_questions(config: &Config, findings: &mut Findings) {
    let files = match question_files(config) {
        Ok(files) => files,
        Err(failure) => return findings.wrong(&failure),
    };
    for path in files {
        match read_question(config, &path) {
            Ok(_) => findings.fine(&format!("question {}", path.display())),
            Err(failure) => findings.wrong(&failure),
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
    match LinkStore::open(&path).and_then(|store| store.counts()) {
        Ok(counts) => {
            let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
            let counts = if counts.is_empty() { "no links".to_owned() } else { counts.join(", ") };
            findings.fine(&format!("link store {}, {counts}", path.display()));
        }
        Err(error) => findings.wrong(&Failure::from(error)),
    }
}

fn check_link_files(config: &Config, findings: &mut Findings) {
    match read_rules(config) {
        Ok(rules) if config.link_rules().is_some() => findings.fine(&format!("{} link rules", rules.rules.len())),
        Ok(_) => {}
        Err(failure) => findings.wrong(&failure),
    }
    match read_shapes(config) {
        Ok(shapes) if !shapes.is_empty() => findings.fine(&format!("{} shapes of links", shapes.len())),
        Ok(_) => {}
        Err(failure) => findings.wrong(&failure),
    }
    if let Err(message) = config.server.link_tokens(&config.folder) {
        findings.wrong(&Failure::new(Code::InvalidConfig, message));
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
