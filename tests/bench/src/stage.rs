//! Connector processes over generated files, and the engine in this process that asks them over mutual TLS.

mod broker;
mod counted;
mod postgres;
mod process;

pub(crate) use broker::Broker;
pub(crate) use counted::Traffic;
pub(crate) use postgres::Postgres;
use process::proportional_memory;
pub(crate) use process::{Process, forget_peak, memory, program};

use crate::data::{BASE, Data, Site, Source};
use anyhow::{Context, Result, anyhow};
use counted::{Counted, Counts};
use oxrdf::NamedNode;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use weft_connector::{CallContext, Connector, GuardLimits, Guarded};
use weft_exec::{Engine, EngineLimits};
use weft_grpc::{ClientLimits, ClientOptions, GrpcConnector};
use weft_identity::{CertificateRequest, CredentialFiles, LiveCredentials, create_authority, issue};
use weft_index::{Index, IndexInputs, IndexLimits};
use weft_mapping::{Mapping, MappingError, VirtualGraph};
use weft_model::contract::{Description, Table};
use weft_plan::Catalogue;

const TRUST_DOMAIN: &str = "weft.bench";

/// Longer than any question should take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// The sources of a site as processes, and an engine over them.
pub(crate) struct Mesh {
    pub(crate) engine: Engine,
    pub(crate) members: Vec<Member>,
    by_name: HashMap<Arc<str>, usize>,
    /// Goes before every table name, where the sources have schemas.
    schema: &'static str,
    folder: tempfile::TempDir,
}

/// A source and its process.
pub(crate) struct Member {
    pub(crate) name: Arc<str>,
    pub(crate) source: Source,
    pub(crate) guarded: Guarded,
    pub(crate) description: Arc<Description>,
    counts: Arc<Counts>,
    endpoint: String,
    process: Process,
}

/// Where the rows of a source are.
pub(crate) enum Store<'a> {
    Sqlite,
    Postgres(&'a Postgres),
}

impl Mesh {
    pub(crate) async fn start(data: &Data, site: Site, store: Store<'_>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        create_authority(folder.path(), TRUST_DOMAIN)?;
        certificate(folder.path(), "broker", "broker")?;
        let credentials = Arc::new(LiveCredentials::load(credential_files(folder.path(), "broker"))?);
        let mut started = Vec::new();
        let mut schema = "";
        for mut source in data.sources(site)? {
            let url = match &store {
                Store::Sqlite => format!("sqlite:{}", source.file.display()),
                Store::Postgres(server) => {
                    schema = "public.";
                    source.mapping = source.mapping.replace("rr:tableName \"", "rr:tableName \"public.");
                    server.copy(&source.name, &source.file).await?
                }
            };
            let process = start_connector(folder.path(), &source.name, &url)?;
            started.push((source, process));
        }
        let mut members = Vec::new();
        for (source, mut process) in started {
            let endpoint = format!("https://{}", process.word_after("address=").await?);
            members.push(Member::connect(source, process, endpoint, credentials.clone()).await?);
        }
        let engine = engine(&members)?;
        let by_name = members.iter().enumerate().map(|(place, member)| (member.name.clone(), place)).collect();
        Ok(Self { engine, members, by_name, schema, folder })
    }

    pub(crate) fn member(&self, name: &str) -> Result<&Member> {
        let place = self.by_name.get(name).with_context(|| format!("no source is called {name}"))?;
        Ok(&self.members[*place])
    }

    /// A table as the source describes it.
    pub(crate) fn table(&self, source: &str, name: &str) -> Result<&Table> {
        let full = format!("{}{name}", self.schema);
        let tables = &self.member(source)?.description.tables;
        tables.iter().find(|table| table.name == full).with_context(|| format!("{source} has no table {full}"))
    }

    /// What went to and came from all sources so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.members.iter().map(|member| member.counts.read()).sum()
    }

    /// Whether the rows are in the files themselves.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.schema.is_empty()
    }

    /// Memory of all connector processes; the program they share counts once.
    pub(crate) fn connector_memory(&self) -> Result<u64> {
        self.members.iter().map(|member| proportional_memory(member.process.id())).sum()
    }

    /// The real broker over the same connectors.
    pub(crate) async fn broker(&self) -> Result<Broker> {
        Broker::start(self, self.folder.path()).await
    }
}

impl Member {
    async fn connect(
        source: Source,
        process: Process,
        endpoint: String,
        credentials: Arc<LiveCredentials>,
    ) -> Result<Self> {
        let server = identity(&source.name).parse()?;
        let options =
            ClientOptions { endpoint: endpoint.clone(), server, credentials, limits: ClientLimits::default() };
        let counts = Arc::<Counts>::default();
        let counted = Counted { inner: GrpcConnector::new(options)?, counts: counts.clone() };
        let name: Arc<str> = source.name.as_str().into();
        let connector: Arc<dyn Connector> = Arc::new(counted);
        let limits = GuardLimits { timeout: TIMEOUT, ..GuardLimits::default() };
        let guarded = Guarded::new(name.clone(), connector, limits);
        let description = Arc::new(guarded.describe(&call()).await?);
        Ok(Self { name, source, guarded, description, counts, endpoint, process })
    }
}

/// What a source gives as RDF.
pub(crate) fn virtual_graph(name: &str, mapping: &str, description: Arc<Description>) -> Result<VirtualGraph> {
    let wrong = |errors: Vec<MappingError>| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow!("the mapping of {name}: {}", errors.join("; "))
    };
    let mapping = Mapping::parse(name, mapping, BASE).map_err(wrong)?;
    let graph = NamedNode::new(format!("urn:weft:source:{name}"))?;
    VirtualGraph::new(name, graph, &mapping, description, BASE).map_err(wrong)
}

/// A call that has as much time as a question.
pub(crate) fn call() -> CallContext {
    CallContext { deadline: tokio::time::Instant::now() + TIMEOUT, traceparent: None }
}

/// As the broker does it, with its index.
fn engine(members: &[Member]) -> Result<Engine> {
    let graph = |member: &Member| virtual_graph(&member.name, &member.source.mapping, member.description.clone());
    let mut graphs = members.iter().map(graph).collect::<Result<Vec<_>>>()?;
    let inputs =
        IndexInputs { ontology: &[], base: BASE, rules: None, publication: None, links: None, sources: &graphs };
    let index = Index::build(&inputs, &IndexLimits::default())?;
    graphs.push(index.virtual_graph());
    let mut sources: HashMap<Arc<str>, Guarded> =
        members.iter().map(|member| (member.name.clone(), member.guarded.clone())).collect();
    let name: Arc<str> = Index::SOURCE.into();
    sources.insert(name.clone(), Guarded::new(name, Arc::new(index), GuardLimits::default()));
    let limits = EngineLimits { timeout: TIMEOUT, ..EngineLimits::default() };
    Ok(Engine::new(Catalogue::new(graphs, prefixes()), sources, limits))
}

/// Declared for every query.
pub(crate) fn prefixes() -> Vec<(String, String)> {
    let prefix = |name: &str, namespace: &str| (name.to_owned(), namespace.to_owned());
    vec![prefix("v", "http://b/v#"), prefix("xsd", "http://www.w3.org/2001/XMLSchema#")]
}

fn start_connector(folder: &Path, name: &str, url: &str) -> Result<Process> {
    certificate(folder, name, &format!("connector/{name}"))?;
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[identity]\ncertificate = \"{name}.pem\"\nkey = \"{name}.key\"\ntrust = \"ca.pem\"\n\
         allow = [\"spiffe://{TRUST_DOMAIN}/broker\"]\n[database]\nurl = \"{url}\"\n"
    );
    let file = format!("{name}.toml");
    fs::write(folder.join(&file), config)?;
    Process::start(name, &program("weft-connector-sql")?, &[&file], folder)
}

fn identity(source: &str) -> String {
    format!("spiffe://{TRUST_DOMAIN}/connector/{source}")
}

fn certificate(folder: &Path, name: &str, path: &str) -> Result<()> {
    let request = CertificateRequest {
        name: name.to_owned(),
        path: path.to_owned(),
        hosts: vec!["127.0.0.1".to_owned()],
        validity: Duration::from_secs(24 * 60 * 60),
    };
    issue(folder, &request).with_context(|| format!("no certificate for {name}"))?;
    Ok(())
}

fn credential_files(folder: &Path, name: &str) -> CredentialFiles {
    let file = |extension: &str| -> PathBuf { folder.join(format!("{name}.{extension}")) };
    CredentialFiles { certificate: file("pem"), key: file("key"), trust: folder.join("ca.pem") }
}
