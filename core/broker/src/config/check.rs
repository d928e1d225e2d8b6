//! What must hold between the values of a configuration.

use super::{Config, GrpcSource, Source, Transport};
use oxrdf::NamedNode;
use url::Url;
use weft_identity::SpiffeId;
use weft_index::Index;
use weft_sparql::check_url;

/// The key and what is wrong with it.
type Wrong = (String, String);

/// DataFusion does not run in less.
const MIN_MEMORY: usize = 64 << 20;

pub(super) fn check(config: &Config) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut iri = |key: String, text: &str| {
        if let Err(error) = NamedNode::new(text) {
            wrong.push((key, format!("{text:?} is not an absolute IRI: {error}")));
        }
    };
    iri("broker.base".to_owned(), &config.broker.base);
    for (prefix, namespace) in &config.prefixes {
        iri(format!("prefixes.{prefix}"), namespace);
    }
    for (name, source) in &config.sources {
        iri(format!("sources.{name}.graph"), &source.graph_iri(name));
    }
    if config.limits.memory < MIN_MEMORY {
        wrong.push(("limits.memory".to_owned(), "a query needs 64MiB or more".to_owned()));
    }
    config.server.check(&mut wrong);
    if let Some(otlp) = &config.telemetry.otlp
        && let Err(message) = origin(otlp, &["http", "https"])
    {
        wrong.push(("telemetry.otlp".to_owned(), message));
    }
    for (name, source) in &config.sources {
        check_source(config, name, source, &mut wrong);
    }
    check_graphs(config, &mut wrong);
    check_services(config, &mut wrong);
    for (name, view) in &config.views {
        view.check(name, config.links.is_some(), &mut wrong);
    }
    wrong
}

fn check_source(config: &Config, name: &str, source: &Source, wrong: &mut Vec<Wrong>) {
    let key = format!("sources.{name}");
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    if !plain || name.len() > 64 {
        wrong.push((key.clone(), "the name of a source has a-z, 0-9, - and _, at most 64".to_owned()));
    }
    if name == Index::SOURCE {
        wrong.push((key.clone(), "this name belongs to the index of the broker".to_owned()));
    }
    match source.transport() {
        None => wrong.push((key, "a source has either a grpc or a wasm section".to_owned())),
        Some(Transport::Wasm(_)) => {}
        Some(Transport::Grpc(grpc)) => check_grpc(config, &key, grpc, wrong),
    }
}

fn check_grpc(config: &Config, key: &str, grpc: &GrpcSource, wrong: &mut Vec<Wrong>) {
    if let Err(message) = origin(&grpc.endpoint, &["https"]) {
        wrong.push((format!("{key}.grpc.endpoint"), message));
    }
    if let Err(error) = grpc.identity.parse::<SpiffeId>() {
        wrong.push((format!("{key}.grpc.identity"), format!("{:?}: {error}", grpc.identity)));
    }
    if config.identity.is_none() {
        let message = "connectors over gRPC want to know the broker: a section identity is required";
        wrong.push((format!("{key}.grpc"), message.to_owned()));
    }
}

/// Two sources in one graph could not be told apart by a query.
fn check_graphs(config: &Config, wrong: &mut Vec<Wrong>) {
    let graphs: Vec<(&String, String)> =
        config.sources.iter().map(|(name, source)| (name, source.graph_iri(name))).collect();
    for (i, (name, graph)) in graphs.iter().enumerate() {
        if let Some((other, _)) = graphs[..i].iter().find(|(_, known)| known == graph) {
            wrong.push((format!("sources.{name}.graph"), format!("source {other} has the same graph")));
        }
    }
}

fn check_services(config: &Config, wrong: &mut Vec<Wrong>) {
    for (iri, service) in &config.services {
        if let Err(error) = NamedNode::new(iri) {
            wrong.push((format!("services.{iri}"), format!("{iri:?} is not an absolute IRI: {error}")));
        } else if let Err(error) = check_url(service.url(iri), service.insecure) {
            wrong.push((format!("services.{iri}"), error.to_string()));
        }
    }
}

fn origin(text: &str, schemes: &[&str]) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL: {error}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("{text:?} does not begin with {}://", schemes.join(":// or ")));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("{text:?} names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password does not belong here".to_owned());
    }
    Ok(())
}
