//! `weft source add`: certificates, the connector's configuration and the source's section, for a database that is there.
//!
//! No connection is opened, and nothing that is there already is changed but the configuration of the broker, to which is
//! added.

mod certificates;
mod text;

use crate::cli::SourceAdd;
use crate::config::{Config, Transport, load, load_text};
use crate::failure::Failure;
use crate::mesh::write_whole;
use certificates::{Certificates, Identities};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use text::{Database, broker_text, connector_text, source_text, with_prefix};
use url::Url;
use weft_mapping::source_namespace;
use weft_model::Code;

/// Where the first connector listens, and how many ports after it are tried.
const FIRST_PORT: u16 = 7101;
const PORTS: u16 = 200;

/// What certificates and configurations of others are called.
const RESERVED: [&str; 3] = ["broker", "ca", "weft"];

/// Of a configuration that is made, for someone to change.
const DEFAULT_BASE: &str = "https://example.org/";

/// What is added, before anything is written.
struct Addition<'a> {
    command: &'a SourceAdd,
    /// Where the configuration of the broker is.
    folder: PathBuf,
    /// The configuration as it is; nothing where there is none yet.
    config: Option<(Config, String)>,
    database: Database,
    listen: SocketAddr,
}

pub(super) fn run(command: &SourceAdd) -> Result<(), Failure> {
    let addition = Addition::new(command)?;
    let name = &command.name;
    let connector = addition.folder.join(format!("{name}.toml"));
    if RESERVED.contains(&name.as_str()) || connector == command.config.config {
        return Err(refused(format!("files of that name are not the connector's: choose another name than {name}")));
    }
    if connector.exists() {
        return Err(refused(format!("{} is there already", connector.display())));
    }
    let certificates =
        Certificates::new(&addition.folder, &command.certs, addition.config.as_ref().map(|(config, _)| config))?;
    // What would not be a configuration is known before there are files of it.
    addition.checked(&certificates.expected(name, &command.trust_domain)?, &certificates)?;
    let (identities, made) = certificates.make(name, &command.trust_domain, addition.listen)?;
    let broker = addition.checked(&identities, &certificates)?;
    let serving = connector_text(name, addition.listen, &addition.database, &certificates, &identities)?;
    write_whole(&connector, serving.as_bytes())?;
    write_whole(&command.config.config, broker.as_bytes())?;
    tell(command, &made, &connector);
    Ok(())
}

impl<'a> Addition<'a> {
    fn new(command: &'a SourceAdd) -> Result<Self, Failure> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if command.name.is_empty() || command.name.len() > 64 || !command.name.chars().all(is_plain) {
            return Err(refused(format!("{:?}: the name of a source has a-z, 0-9, - and _, at most 64", command.name)));
        }
        let path = &command.config.config;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let config = match path.exists() {
            false => None,
            true => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::new(Code::InvalidConfig, format!("cannot read {}: {error}", path.display()))
                })?;
                Some((load(path)?, text))
            }
        };
        if let Some((config, _)) = &config {
            if config.sources.contains_key(&command.name) {
                return Err(refused(format!("{} has a source {} already", path.display(), command.name)));
            }
            if let Some(base) = command.base.as_ref().filter(|base| **base != config.broker.base) {
                let message = format!("{} has the base {}, not {base}", path.display(), config.broker.base);
                return Err(refused(message));
            }
        }
        let database = database(command, &folder)?;
        let listen = match command.listen {
            Some(listen) => listen,
            None => free_address(config.as_ref().map(|(config, _)| config))?,
        };
        Ok(Self { command, folder, config, database, listen })
    }

    /// The new configuration of the broker.
    fn checked(&self, identities: &Identities, certificates: &Certificates) -> Result<String, Failure> {
        let SourceAdd { name, config: path, base, .. } = self.command;
        let mut text = match &self.config {
            Some((_, text)) => text.clone(),
            None => broker_text(base.as_deref().unwrap_or(DEFAULT_BASE))?,
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let known = self.config.as_ref().map(|(config, _)| config);
        let base = known.map_or_else(|| base.as_deref().unwrap_or(DEFAULT_BASE), |config| &config.broker.base);
        if !known.is_some_and(|config| config.prefixes.contains_key(name))
            && let Some(namespace) = source_namespace(base, name)
        {
            text = with_prefix(&text, name, &namespace)?;
        }
        let has_identity = self.config.as_ref().is_some_and(|(config, _)| config.identity.is_some());
        text.push_str(&source_text(name, self.listen, identities, (!has_identity).then_some(certificates))?);
        load_text(&path.config, &text)?;
        Ok(text)
    }
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Code::InvalidRequest, message)
}

/// The database of the command line, with paths as the connector's configuration needs them.
fn database(command: &SourceAdd, folder: &Path) -> Result<Database, Failure> {
    let of_postgres = command.password_env.is_some()
        || command.password_file.is_some()
        || command.plaintext
        || !command.schemas.is_empty();
    if command.sqlite.is_some() && of_postgres {
        return Err(refused("passwords, schemas and --plaintext belong to --postgres"));
    }
    let url = match (&command.postgres, &command.sqlite) {
        (Some(url), None) => postgres(url)?,
        (None, Some(file)) => format!("sqlite:{}", seen_from(folder, file)?.display()),
        _ => return Err(refused("a source is either --postgres or --sqlite")),
    };
    let password_file = command.password_file.as_ref().map(|file| seen_from(folder, file)).transpose()?;
    Ok(Database {
        url,
        password_variable: command.password_env.clone(),
        password_file,
        plaintext: command.plaintext,
        schemas: command.schemas.clone(),
        tables: command.tables.clone(),
    })
}

fn postgres(text: &str) -> Result<String, Failure> {
    // Not even the error shows the text: a password may be in it.
    let url = Url::parse(text).map_err(|error| refused(format!("--postgres is not a URL: {error}")))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(refused("--postgres begins with postgres://"));
    }
    if url.password().is_some() || url.query().is_some() {
        let message = "a password or parameters do not belong into the URL: name where the password is by --password-env or --password-file";
        return Err(refused(message));
    }
    if url.host_str().is_none_or(str::is_empty) || url.path().len() < 2 || url.username().is_empty() {
        return Err(refused("--postgres is postgres://USER@HOST:PORT/DATABASE"));
    }
    Ok(text.to_owned())
}

/// A file of the command line, as seen from the folder of the configuration.
fn seen_from(folder: &Path, file: &Path) -> Result<PathBuf, Failure> {
    if !file.is_file() {
        return Err(Failure::new(Code::NotFound, format!("there is no file {}", file.display())));
    }
    if folder.as_os_str().is_empty() || file.is_absolute() {
        return Ok(file.to_owned());
    }
    std::path::absolute(file).map_err(|error| refused(format!("{}: {error}", file.display())))
}

/// An address that no source has and nobody listens at now.
fn free_address(config: Option<&Config>) -> Result<SocketAddr, Failure> {
    let sources = config.into_iter().flat_map(|config| config.sources.values());
    let used: BTreeSet<u16> = sources
        .filter_map(|source| match source.transport() {
            Some(Transport::Grpc(grpc)) => Url::parse(&grpc.endpoint).ok()?.port(),
            _ => None,
        })
        .collect();
    (FIRST_PORT..FIRST_PORT + PORTS)
        .filter(|port| !used.contains(port))
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .ok_or_else(|| refused("no port is free for the connector: choose an address by --listen"))
}

fn tell(command: &SourceAdd, made: &[PathBuf], connector: &Path) {
    let config = command.config.config.display();
    for file in made {
        println!("made     {}", file.display());
    }
    println!("made     {}", connector.display());
    println!("changed  {config}");
    let with =
        if command.config.config == Path::new("weft.toml") { String::new() } else { format!(" --config {config}") };
    let mapping = connector.with_extension("ttl");
    let name = &command.name;
    println!("\nnext:");
    println!("  weft-connector-sql {} &", connector.display());
    println!("  weft mapping suggest {name} --out {}{with}", mapping.display());
    println!("  weft check{with}");
    println!("  weft query{with} 'SELECT ?class (COUNT(*) AS ?things) {{ ?thing a ?class }} GROUP BY ?class'");
}
