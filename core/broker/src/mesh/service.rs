//! From the services of a configuration to endpoints behind their guards.

use super::{TRUST_BYTES, read_text};
use crate::config::{Config, Service};
use crate::failure::Failure;
use std::sync::Arc;
use weft_connector::GuardedEndpoint;
use weft_model::Code;
use weft_sparql::{Credential, EndpointOptions, HttpEndpoint, InvalidEndpoint};

/// The endpoints that SERVICE may ask. Reads files; opens no connection.
pub(crate) fn open_services(config: &Config) -> Result<Vec<GuardedEndpoint>, Failure> {
    config.services.iter().map(|(iri, service)| open_service(config, iri, service)).collect()
}

/// One of them.
pub(crate) fn open_service(config: &Config, iri: &str, service: &Service) -> Result<GuardedEndpoint, Failure> {
    let endpoint = endpoint(config, iri, service).map_err(|failure| failure.about(format_args!("service <{iri}>")))?;
    Ok(GuardedEndpoint::new(iri.into(), Arc::new(endpoint), service.limits.guard()))
}

fn endpoint(config: &Config, iri: &str, service: &Service) -> Result<HttpEndpoint, Failure> {
    let invalid = |error: InvalidEndpoint| Failure::caused(Code::InvalidConfig, &error);
    let mut credentials = Vec::with_capacity(service.credentials.len());
    for section in &service.credentials {
        let credential = section.value.read_with(&config.folder, |value| Credential::new(&section.header, value));
        let credential = credential.map_err(|message| {
            Failure::new(Code::InvalidConfig, format!("credentials, header {}: {message}", section.header))
        })?;
        credentials.push(credential.map_err(invalid)?);
    }
    let trust = service.trust.as_ref().map(|path| read_text(&config.path(path), TRUST_BYTES)).transpose()?;
    HttpEndpoint::new(EndpointOptions {
        url: service.url(iri).to_owned(),
        insecure: service.insecure,
        request: service.request(),
        credentials,
        trust,
        limits: service.endpoint_limits(),
    })
    .map_err(invalid)
}
