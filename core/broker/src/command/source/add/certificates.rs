//! The authority of a folder, and what it issued.

use super::refused;
use crate::config::Config;
use crate::failure::Failure;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use weft_identity::{CertificateRequest, CredentialFiles, Credentials, IssuedFiles, SpiffeId, create_authority, issue};
use weft_model::Code;

const VALIDITY: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const BROKER: &str = "broker";

/// SPIFFE ids.
pub(super) struct Identities {
    pub(super) broker: String,
    pub(super) connector: String,
}

/// A folder of certificates.
pub(super) struct Certificates {
    /// As configurations name it.
    named: PathBuf,
    /// As seen from here.
    folder: PathBuf,
    /// The files of the broker, where a configuration names them.
    broker: Option<CredentialFiles>,
}

impl Certificates {
    /// The folder `named` beside the configuration.
    pub(super) fn new(beside: &Path, named: &Path, config: Option<&Config>) -> Result<Self, Failure> {
        let found = Self {
            named: named.to_owned(),
            folder: beside.join(named),
            broker: config.and_then(Config::credential_files),
        };
        let Some(broker) = &found.broker else { return Ok(found) };
        let authority = found.folder.join("ca.pem");
        let read = |path: &Path| std::fs::read(path).ok();
        if read(&broker.trust).is_none() || read(&broker.trust) != read(&authority) {
            return Err(refused(format!(
                "the broker trusts {}, which is not the authority {}: name its folder by --certs",
                broker.trust.display(),
                authority.display()
            )));
        }
        Ok(found)
    }

    /// Certificate, key and trust of a name, as configurations name them.
    pub(super) fn files(&self, name: &str) -> (PathBuf, PathBuf, PathBuf) {
        let file = |file: String| self.named.join(file);
        (file(format!("{name}.pem")), file(format!("{name}.key")), file("ca.pem".to_owned()))
    }

    /// The identities as they would be in a new trust domain: what is to be refused can be before anything is made.
    pub(super) fn expected(&self, name: &str, trust_domain: &str) -> Result<Identities, Failure> {
        let id = |path: &str| {
            SpiffeId::new(trust_domain, path)
                .map(|id| id.as_str().to_owned())
                .map_err(|error| Failure::caused(Code::InvalidRequest, &error))
        };
        Ok(Identities { broker: id(BROKER)?, connector: id(&format!("connector/{name}"))? })
    }

    /// Makes what is missing, and says which files that are.
    pub(super) fn make(
        &self,
        name: &str,
        trust_domain: &str,
        listen: SocketAddr,
    ) -> Result<(Identities, Vec<PathBuf>), Failure> {
        let mut made = Vec::new();
        if !self.folder.join("ca.pem").exists() {
            add(&mut made, create_authority(&self.folder, trust_domain)?);
        }
        let broker = match &self.broker {
            Some(files) => files.clone(),
            None => self.issued(BROKER, BROKER, "localhost".to_owned(), &mut made)?,
        };
        let connector = self.issued(name, &format!("connector/{name}"), listen.ip().to_string(), &mut made)?;
        let id = |files: &CredentialFiles| Ok::<_, Failure>(Credentials::load(files)?.spiffe_id().as_str().to_owned());
        let identities = Identities { broker: id(&broker)?, connector: id(&connector)? };
        Ok((identities, made))
    }

    /// The files of a name. Those that are there are used; whether they can be is found when they are read.
    fn issued(
        &self,
        name: &str,
        path: &str,
        host: String,
        made: &mut Vec<PathBuf>,
    ) -> Result<CredentialFiles, Failure> {
        let file = |file: String| self.folder.join(file);
        let files = CredentialFiles {
            certificate: file(format!("{name}.pem")),
            key: file(format!("{name}.key")),
            trust: file("ca.pem".to_owned()),
        };
        if !files.certificate.exists() {
            let request = CertificateRequest {
                name: name.to_owned(),
                path: path.to_owned(),
                hosts: vec![host],
                validity: VALIDITY,
            };
            add(made, issue(&self.folder, &request)?);
        }
        Ok(files)
    }
}

fn add(made: &mut Vec<PathBuf>, files: IssuedFiles) {
    made.extend([files.certificate, files.key]);
}
