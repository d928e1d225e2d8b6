//! The connectors that serve the data of a test: three over gRPC with mutual TLS, or one in the sandbox.

use super::split::Data;
use crate::guests::install_guest;
use crate::http_server::{HttpServer, Reply};
use crate::mesh::{call, one_try};
use anyhow::anyhow;
use async_trait::async_trait;
use oxrdf::NamedNode;
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weft_connector::{CallContext, Connector, Guarded, ScanStream};
use weft_connector_triples::{FileConfig, TriplesConfig, TriplesConnector};
use weft_exec::{Engine, EngineLimits};
use weft_grpc::{ClientLimits, ClientOptions, GrpcConnector, ServeLimits, ServeOptions, Server};
use weft_identity::{CertificateRequest, CredentialFiles, LiveCredentials, SpiffeId, create_authority, issue};
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::contract::{Check, ContractError, Description, ScanRequest};
use weft_model::{Code, Fault};
use weft_plan::Catalogue;
use weft_wasm::{Grants, GuestLimits, HttpGrant, InstalledComponent, Sandbox, SandboxLimits, WasmConnector};

const BASE: &str = "https://weft.test/";

/// Named graphs are not in the default graph of the suites.
const MAPPING: &str = r#"
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix weft: <https://weft.dev/ns#> .

<#Triples> rr:logicalTable [ rr:tableName "triples" ] ;
  rr:subjectMap [ rr:column "s" ; rr:termType weft:EncodedTerm ] ;
  rr:predicateObjectMap [
    rr:predicateMap [ rr:column "p" ; rr:termType weft:EncodedTerm ] ;
    rr:objectMap [ rr:column "o" ; rr:termType weft:EncodedTerm ] ] .

<#Quads> rr:logicalTable [ rr:tableName "quads" ] ; weft:inDefaultGraph false ;
  rr:subjectMap [ rr:column "s" ; rr:termType weft:EncodedTerm ;
    rr:graphMap [ rr:column "g" ; rr:termType weft:EncodedTerm ] ] ;
  rr:predicateObjectMap [
    rr:predicateMap [ rr:column "p" ; rr:termType weft:EncodedTerm ] ;
    rr:objectMap [ rr:column "o" ; rr:termType weft:EncodedTerm ] ] .
"#;

/// How the data is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Split over three gRPC connectors.
    Grpc,
    /// All of it behind one WebAssembly component.
    Wasm,
}

/// Serves one test after the other.
pub struct Stage {
    folder: tempfile::TempDir,
    sources: Sources,
    mapping: Mapping,
}

enum Sources {
    Grpc(Vec<Remote>),
    Wasm { component: InstalledComponent, document: Arc<Mutex<String>>, server: HttpServer },
}

/// A gRPC server whose connector changes from test to test, and the client.
struct Remote {
    name: String,
    switch: Arc<Switch>,
    client: Arc<dyn Connector>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// The connector that is there now.
#[derive(Debug, Default)]
struct Switch(RwLock<Option<Arc<TriplesConnector>>>);

impl Switch {
    fn now(&self) -> Result<Arc<TriplesConnector>, ContractError> {
        let now = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        now.ok_or_else(|| ContractError::new(Code::Internal, Fault::Connector, "no test has begun"))
    }

    fn set(&self, connector: TriplesConnector) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(connector));
    }
}

#[async_trait]
impl Connector for Switch {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError> {
        self.now()?.describe(context).await
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        self.now()?.check(context, tables).await
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        self.now()?.scan(context, request).await
    }
}

impl Stage {
    pub async fn open(transport: Transport) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mapping = Mapping::parse("mapping.ttl", MAPPING, BASE).map_err(|errors| anyhow!("{errors:?}"))?;
        let sources = match transport {
            Transport::Grpc => Sources::Grpc(remotes(&folder).await?),
            Transport::Wasm => {
                let sandbox = Sandbox::new(SandboxLimits::default())?;
                let component = install_guest(&sandbox, "triples").await?;
                let document: Arc<Mutex<String>> = Arc::default();
                let shown = document.clone();
                let body = move || shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let server = HttpServer::start(move |_| Reply::new(200, "application/n-quads", body())).await?;
                Sources::Wasm { component, document, server }
            }
        };
        Ok(Self { folder, sources, mapping })
    }

    /// An engine over the data, and the graphs of its sources: the default graph is what is in these.
    pub async fn engine(&self, data: &Data) -> anyhow::Result<(Engine, Vec<String>)> {
        let mut graphs = Vec::new();
        let mut guarded = HashMap::new();
        for (name, connector) in self.connectors(data)? {
            let name: Arc<str> = name.into();
            let source = Guarded::new(name.clone(), connector, one_try());
            let description = source.describe(&call()).await?;
            let graph = NamedNode::new(format!("{BASE}source/{name}"))?;
            let virtual_graph = VirtualGraph::new(&name, graph, &self.mapping, Arc::new(description), BASE);
            graphs.push(virtual_graph.map_err(|errors| anyhow!("{errors:?}"))?);
            guarded.insert(name, source);
        }
        let own = graphs.iter().map(|graph| graph.graph.as_str().to_owned()).collect();
        let engine = Engine::new(Catalogue::new(graphs, Vec::new()), guarded, EngineLimits::default());
        Ok((engine, own))
    }

    fn connectors(&self, data: &Data) -> anyhow::Result<Vec<(String, Arc<dyn Connector>)>> {
        match &self.sources {
            Sources::Grpc(remotes) => {
                for (remote, document) in remotes.iter().zip(data.split(remotes.len())) {
                    let path = self.folder.path().join(format!("{}.nq", remote.name));
                    std::fs::write(&path, document)?;
                    let file = FileConfig { path, ..FileConfig::default() };
                    let config = TriplesConfig { files: vec![file], ..TriplesConfig::default() };
                    remote.switch.set(TriplesConnector::open(&config)?);
                }
                Ok(remotes.iter().map(|remote| (remote.name.clone(), remote.client.clone())).collect())
            }
            Sources::Wasm { component, document, server } => {
                *document.lock().unwrap_or_else(PoisonError::into_inner) = data.split(1).concat();
                let url = format!("http://{}/", server.address());
                let config = json!({ "documents": [{ "url": format!("{url}data") }] }).to_string();
                let http = HttpGrant { allow: vec![url], allow_private: true, ..HttpGrant::default() };
                let (grants, limits) = (Grants { http: Some(http) }, GuestLimits::default());
                let connector = WasmConnector::new("sandboxed", component.clone(), config, &grants, limits)?;
                Ok(vec![("sandboxed".to_owned(), Arc::new(connector))])
            }
        }
    }

    /// Stops the servers, if there are any.
    pub async fn close(self) -> anyhow::Result<()> {
        if let Sources::Grpc(remotes) = self.sources {
            for mut remote in remotes {
                drop(remote.client);
                drop(remote.stop.take());
                remote.task.await?;
            }
        }
        Ok(())
    }
}

async fn remotes(folder: &tempfile::TempDir) -> anyhow::Result<Vec<Remote>> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let pki = folder.path().join("pki");
    create_authority(&pki, "weft.test")?;
    let broker = credentials(&pki, "broker", "broker")?;
    let mut remotes = Vec::new();
    for name in ["first", "second", "third"] {
        let path = format!("connector/{name}");
        let own = credentials(&pki, name, &path)?;
        let switch = Arc::new(Switch::default());
        let options = ServeOptions {
            listen: "127.0.0.1:0".parse()?,
            credentials: own,
            allow: vec!["spiffe://weft.test/broker".parse::<SpiffeId>()?],
            limits: ServeLimits { drain: Duration::from_secs(2), ..ServeLimits::default() },
        };
        let server = Server::bind(options).await?;
        let endpoint = format!("https://localhost:{}", server.local_addr().port());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(switch.clone(), async move { drop(stopped.await) }));
        let client = GrpcConnector::new(ClientOptions {
            endpoint,
            server: format!("spiffe://weft.test/{path}").parse()?,
            credentials: broker.clone(),
            limits: ClientLimits::default(),
        })?;
        remotes.push(Remote { name: name.to_owned(), switch, client: Arc::new(client), stop: Some(stop), task });
    }
    Ok(remotes)
}

fn credentials(pki: &Path, name: &str, path: &str) -> anyhow::Result<Arc<LiveCredentials>> {
    let request = CertificateRequest {
        name: name.into(),
        path: path.into(),
        hosts: vec!["localhost".into()],
        validity: Duration::from_secs(3600),
    };
    issue(pki, &request)?;
    let files = CredentialFiles {
        certificate: pki.join(format!("{name}.pem")),
        key: pki.join(format!("{name}.key")),
        trust: pki.join("ca.pem"),
    };
    Ok(Arc::new(LiveCredentials::load(files)?))
}

/// An engine over data in one connector of this process, for an endpoint that is asked by SERVICE.
pub(super) async fn local_engine(data: &Data) -> anyhow::Result<Engine> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("endpoint.nq");
    std::fs::write(&path, data.split(1).concat())?;
    let files = vec![FileConfig { path, ..FileConfig::default() }];
    let connector = TriplesConnector::open(&TriplesConfig { files, ..TriplesConfig::default() })?;
    let mapping = Mapping::parse("mapping.ttl", MAPPING, BASE).map_err(|errors| anyhow!("{errors:?}"))?;
    let name: Arc<str> = "endpoint".into();
    let source = Guarded::new(name.clone(), Arc::new(Kept { connector, _folder: folder }), one_try());
    let description = source.describe(&call()).await?;
    let graph = NamedNode::new(format!("{BASE}source/{name}"))?;
    let virtual_graph = VirtualGraph::new(&name, graph, &mapping, Arc::new(description), BASE);
    let graphs = vec![virtual_graph.map_err(|errors| anyhow!("{errors:?}"))?];
    Ok(Engine::new(Catalogue::new(graphs, Vec::new()), HashMap::from([(name, source)]), EngineLimits::default()))
}

/// A connector whose file lives as long as itself.
#[derive(Debug)]
struct Kept {
    connector: TriplesConnector,
    _folder: tempfile::TempDir,
}

#[async_trait]
impl Connector for Kept {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError> {
        self.connector.describe(context).await
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        self.connector.check(context, tables).await
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        self.connector.scan(context, request).await
    }
}
