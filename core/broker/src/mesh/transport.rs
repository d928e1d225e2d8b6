//! From a transport section to a connector.

use super::{TRUST_BYTES, read_bytes};
use crate::config::{Config, GrpcSource, HttpSection, Source, Transport, WasmSource};
use crate::failure::Failure;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};
use weft_connector::Connector;
use weft_grpc::{ClientLimits, ClientOptions, GrpcConnector};
use weft_identity::{LiveCredentials, SpiffeId};
use weft_model::Code;
use weft_wasm::{
    Credential, Grants, HttpGrant, InstalledComponent, Sandbox, SandboxError, SandboxLimits, WasmConnector,
};

/// What connectors share: the broker's credentials, the sandbox, and components that several sources use.
#[derive(Default)]
pub(crate) struct Transports {
    credentials: Option<Arc<LiveCredentials>>,
    sandbox: OnceCell<Sandbox>,
    components: Mutex<Vec<(PathBuf, InstalledComponent)>>,
}

impl Transports {
    /// Reads the certificates, where the configuration has any.
    pub(crate) fn new(config: &Config) -> Result<Self, Failure> {
        let credentials = config.credential_files().map(LiveCredentials::load).transpose()?;
        Ok(Self { credentials: credentials.map(Arc::new), ..Self::default() })
    }

    pub(crate) fn credentials(&self) -> Option<&Arc<LiveCredentials>> {
        self.credentials.as_ref()
    }

    pub(super) async fn connect(
        &self,
        config: &Config,
        name: &str,
        source: &Source,
    ) -> Result<Arc<dyn Connector>, Failure> {
        match source.transport() {
            Some(Transport::Grpc(grpc)) => self.grpc(grpc),
            Some(Transport::Wasm(wasm)) => self.wasm(config, name, wasm).await,
            None => Err(Failure::new(Code::InvalidConfig, "a source has either a grpc or a wasm section")),
        }
    }

    fn grpc(&self, grpc: &GrpcSource) -> Result<Arc<dyn Connector>, Failure> {
        let Some(credentials) = self.credentials.clone() else {
            return Err(Failure::new(Code::InvalidConfig, "connectors over gRPC need the section identity"));
        };
        let server: SpiffeId = grpc
            .identity
            .parse()
            .map_err(|error| Failure::caused(Code::InvalidConfig, &error).about("grpc.identity"))?;
        let options =
            ClientOptions { endpoint: grpc.endpoint.clone(), server, credentials, limits: ClientLimits::default() };
        let connector = GrpcConnector::new(options)
            .map_err(|error| Failure::caused(Code::InvalidConfig, &error).about("grpc.endpoint"))?;
        Ok(Arc::new(connector))
    }

    async fn wasm(&self, config: &Config, name: &str, wasm: &WasmSource) -> Result<Arc<dyn Connector>, Failure> {
        let component = self.component(config, wasm).await?;
        let http = wasm.http.as_ref().map(|http| grant(config, name, http)).transpose()?;
        let guest_config = wasm.config.to_string();
        let connector = WasmConnector::new(name, component, guest_config, &Grants { http }, wasm.guest_limits())?;
        Ok(Arc::new(connector))
    }

    /// Compiles a component once, however many sources use it.
    async fn component(&self, config: &Config, wasm: &WasmSource) -> Result<InstalledComponent, Failure> {
        let path = config.path(&wasm.component);
        let mut components = self.components.lock().await;
        if let Some((_, component)) = components.iter().find(|(known, _)| *known == path) {
            return Ok(component.clone());
        }
        let sandbox = self.sandbox.get_or_try_init(|| async { sandbox(config) }).await?;
        let bytes = read_bytes(&path, sandbox.limits().component_bytes)?;
        let component = sandbox.install(&path.display().to_string(), bytes).await?;
        components.push((path, component.clone()));
        Ok(component)
    }
}

fn sandbox(config: &Config) -> Result<Sandbox, SandboxError> {
    let section = &config.sandbox;
    Sandbox::new(SandboxLimits {
        threads: section.threads,
        guests: section.guests,
        guest_memory: section.guest_memory,
        component_bytes: section.component_bytes,
        compile_time: section.compile_time,
        ..SandboxLimits::default()
    })
}

fn grant(config: &Config, name: &str, http: &HttpSection) -> Result<HttpGrant, Failure> {
    let mut credentials = Vec::with_capacity(http.credentials.len());
    for section in &http.credentials {
        let value = section.value.read(&config.folder).map_err(|message| {
            let key = format!("sources.{name}.wasm.http.credentials, header {}", section.header);
            Failure::new(Code::InvalidConfig, format!("{key}: {message}"))
        })?;
        credentials.push(Credential { prefix: section.prefix.clone(), header: section.header.clone(), value });
    }
    let trust = http.trust.as_ref().map(|path| super::read_text(&config.path(path), TRUST_BYTES)).transpose()?;
    Ok(HttpGrant {
        allow: http.allow.clone(),
        allow_private: http.allow_private,
        credentials,
        trust,
        max_response_bytes: http.max_response_bytes,
        max_request_bytes: http.max_request_bytes,
        max_url_bytes: http.max_url_bytes,
        max_requests: http.max_requests,
        timeout: http.timeout,
    })
}
