//! The sections `[services."IRI"]`.

use super::source::SourceLimits;
use super::{SecretSource, value};
use serde::Deserialize;
use std::path::PathBuf;
use weft_sparql::{EndpointLimits, RequestForm};

/// An endpoint that SERVICE may ask. Its name is the IRI by which queries call it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// Where it is asked; at its IRI by default.
    url: Option<String>,
    /// Whether plain `http` may leave this machine.
    #[serde(default)]
    pub(crate) insecure: bool,
    #[serde(default)]
    request: Request,
    #[serde(default)]
    pub(crate) credentials: Vec<ServiceCredential>,
    /// A PEM file of authorities to trust besides those of the system.
    pub(crate) trust: Option<PathBuf>,
    /// Solutions of the left that one query carries.
    #[serde(default = "Service::default_shipped_solutions")]
    shipped_solutions: usize,
    #[serde(default = "Service::default_max_query_bytes", deserialize_with = "value::size")]
    max_query_bytes: usize,
    #[serde(default = "Service::default_max_response_bytes", deserialize_with = "value::size")]
    max_response_bytes: u64,
    #[serde(default)]
    pub(crate) limits: SourceLimits,
}

/// A header that is sent with every request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceCredential {
    pub(crate) header: String,
    pub(crate) value: SecretSource,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Request {
    #[default]
    Form,
    Direct,
}

impl Service {
    fn default_shipped_solutions() -> usize {
        EndpointLimits::default().shipped_solutions
    }

    fn default_max_query_bytes() -> usize {
        EndpointLimits::default().query_bytes
    }

    fn default_max_response_bytes() -> u64 {
        EndpointLimits::default().response_bytes
    }

    pub(crate) fn url<'a>(&'a self, iri: &'a str) -> &'a str {
        self.url.as_deref().unwrap_or(iri)
    }

    pub(crate) fn request(&self) -> RequestForm {
        match self.request {
            Request::Form => RequestForm::Form,
            Request::Direct => RequestForm::Direct,
        }
    }

    pub(crate) fn endpoint_limits(&self) -> EndpointLimits {
        EndpointLimits {
            shipped_solutions: self.shipped_solutions,
            query_bytes: self.max_query_bytes,
            response_bytes: self.max_response_bytes,
        }
    }
}
