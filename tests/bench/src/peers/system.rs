//! The other systems, and how each gets the data.

use super::Peer;
use super::driver::{Driver, Launch};
use super::install::{Kit, run, scripts};
use super::proxy::{Passed, Proxy};
use super::rdf::{Endpoint, fingerprint, store, triples};
use super::union::{Sqlite, union};
use crate::data::{BASE, Source};
use crate::stage::Mesh;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What the Java machine may take.
const HEAP: &str = "-Xmx4g";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// SQL over one file with all tables, in this process.
    Sqlite,
    /// SQL over one database with all tables, in a process.
    DuckDb,
    /// One store with all triples, in a process.
    Oxigraph,
    /// A virtual graph over the database of DuckDB.
    Ontop,
    /// A federation of SPARQL endpoints, one a source.
    Comunica,
    /// A federation of SPARQL endpoints, one a source.
    Fedx,
}

/// What a system is asked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Sparql,
    Sql,
}

/// A system that is ready to be asked.
pub(super) struct Ready {
    pub(super) peer: Box<dyn Peer>,
    /// The same once more, behind proxies that count, where it sends requests. Counting takes time, so it has a run of its own.
    pub(super) counted: Option<Counted>,
}

pub(super) struct Counted {
    pub(super) peer: Box<dyn Peer>,
    proxies: Vec<Proxy>,
}

impl Counted {
    /// What went to and came from all endpoints so far.
    pub(super) fn total(&self) -> Passed {
        self.proxies.iter().map(Proxy::passed).sum()
    }
}

impl System {
    pub(super) const ALL: [Self; 6] =
        [Self::Sqlite, Self::DuckDb, Self::Oxigraph, Self::Ontop, Self::Comunica, Self::Fedx];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::DuckDb => "DuckDB",
            Self::Oxigraph => "Oxigraph",
            Self::Ontop => "Ontop",
            Self::Comunica => "Comunica",
            Self::Fedx => "FedX",
        }
    }

    pub(super) fn language(self) -> Language {
        match self {
            Self::Sqlite | Self::DuckDb => Language::Sql,
            Self::Oxigraph | Self::Ontop | Self::Comunica | Self::Fedx => Language::Sparql,
        }
    }

    /// Installs the system where it is not, gives it the data where it has not, and starts it.
    pub(super) async fn start(self, ground: &mut Ground<'_>) -> Result<Ready> {
        match self {
            Self::Sqlite => Ok(Ready { peer: Box::new(Sqlite::open(&ground.union()?)), counted: None }),
            Self::DuckDb => ground.duckdb().await,
            Self::Oxigraph => ground.oxigraph().await,
            Self::Ontop => ground.ontop().await,
            Self::Comunica | Self::Fedx => ground.federation(self).await,
        }
    }
}

/// The data of a site, in the forms the systems want.
pub(super) struct Ground<'a> {
    mesh: &'a Mesh,
    kit: &'a Kit,
    /// Tells one site from another in the names of files.
    site: &'static str,
    /// Started when they are asked for.
    endpoints: Vec<Endpoint>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(mesh: &'a Mesh, kit: &'a Kit, site: &'static str) -> Self {
        Self { mesh, kit, site, endpoints: Vec::new() }
    }

    fn sources(&self) -> Vec<&'a Source> {
        self.mesh.members.iter().map(|member| &member.source).collect()
    }

    fn union(&self) -> Result<PathBuf> {
        union(&self.sources(), self.kit).context("all tables in one file")
    }

    fn launch(&self, name: &str, program: PathBuf, arguments: Vec<String>) -> Launch {
        let log = self.kit.log(&format!("{name}-{}", self.site));
        Launch { program, arguments, folder: self.kit.folder().to_owned(), log }
    }

    fn duckdb_file(&self) -> Result<PathBuf> {
        Ok(self.union()?.with_extension("duckdb"))
    }

    async fn duckdb(&self) -> Result<Ready> {
        let python = self.kit.python()?.join("python");
        let arguments = vec![script("duckdb_peer.py"), shown(&self.duckdb_file()?), shown(&self.union()?)];
        let peer = Driver::start(self.launch("duckdb", python, arguments)).await?;
        Ok(Ready { peer: Box::new(peer), counted: None })
    }

    async fn oxigraph(&self) -> Result<Ready> {
        let programs = self.kit.python()?;
        let files = self.triples().await?;
        let name = fingerprint(self.site, &self.sources());
        let union = store(&programs.join("oxigraph"), &name, &files, self.kit)?;
        let arguments = vec![script("oxigraph_peer.py"), shown(&union)];
        let peer = Driver::start(self.launch("oxigraph", programs.join("python"), arguments)).await?;
        Ok(Ready { peer: Box::new(peer), counted: None })
    }

    async fn ontop(&self) -> Result<Ready> {
        let class_path = self.kit.java("ontop.xml", "Ontop")?;
        let database = self.duckdb_file()?;
        let mut make = Command::new(self.kit.python()?.join("python"));
        make.args([script("duckdb_peer.py"), shown(&database), shown(&self.union()?), "--make".to_owned()]);
        run(make, &self.kit.log("duckdb-make"))?;
        let mapping = self.kit.folder().join(format!("ontop-{}.ttl", self.site));
        fs::write(&mapping, union_mapping(&self.sources()))?;
        let arguments = vec![shown(&database), shown(&mapping)];
        Ok(Ready { peer: Box::new(self.java("Ontop", class_path, arguments).await?), counted: None })
    }

    async fn federation(&mut self, system: System) -> Result<Ready> {
        self.start_endpoints().await?;
        let direct: Vec<String> = self.endpoints.iter().map(|endpoint| endpoint.url.clone()).collect();
        let mut proxies = Vec::new();
        for url in &direct {
            proxies.push(Proxy::before(url).await?);
        }
        let through = proxies.iter().map(|proxy| proxy.url.clone()).collect();
        let peer = self.federate(system, direct).await?;
        let counted = Some(Counted { peer: self.federate(system, through).await?, proxies });
        Ok(Ready { peer, counted })
    }

    async fn federate(&self, system: System, endpoints: Vec<String>) -> Result<Box<dyn Peer>> {
        if system == System::Fedx {
            let class_path = self.kit.java("fedx.xml", "Fedx")?;
            return Ok(Box::new(self.java("Fedx", class_path, endpoints).await?));
        }
        let mut arguments = vec![shown(&self.kit.node("comunica.mjs")?)];
        arguments.extend(endpoints);
        Ok(Box::new(Driver::start(self.launch("comunica", PathBuf::from("node"), arguments)).await?))
    }

    async fn java(&self, main: &str, class_path: String, arguments: Vec<String>) -> Result<Driver> {
        let mut all = vec![HEAP.to_owned(), "-cp".to_owned(), class_path, main.to_owned()];
        all.extend(arguments);
        Driver::start(self.launch(&main.to_lowercase(), PathBuf::from("java"), all)).await
    }

    /// The graph of each source in a file.
    async fn triples(&self) -> Result<Vec<PathBuf>> {
        let broker = self.mesh.broker().await?;
        let mut files = Vec::new();
        for source in self.sources() {
            files.push(triples(&broker, source, self.kit).await.with_context(|| source.name.clone())?);
        }
        Ok(files)
    }

    async fn start_endpoints(&mut self) -> Result<()> {
        if !self.endpoints.is_empty() {
            return Ok(());
        }
        let server = self.kit.python()?.join("oxigraph");
        let files = self.triples().await?;
        for (source, file) in self.sources().into_iter().zip(files) {
            let name = fingerprint(&source.name, &[source]);
            let store = store(&server, &name, &[file], self.kit)?;
            self.endpoints.push(Endpoint::start(&server, &source.name, &store, self.kit.folder()).await?);
        }
        Ok(())
    }
}

/// The mappings of all sources as one, over the tables of the union.
fn union_mapping(sources: &[&Source]) -> String {
    let mut text = format!("@base <{BASE}> .\n");
    for source in sources {
        let name = &source.name;
        let tables = source.mapping.replace("rr:tableName \"", &format!("rr:tableName \"{name}_"));
        text.push_str(&tables.replace("<#", &format!("<#{name}_")));
    }
    text
}

fn script(name: &str) -> String {
    shown(&scripts().join(name))
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}
