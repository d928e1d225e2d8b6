//! `weft cert`.

use crate::cli::{Cert, CertAuthority, CertIssue};
use crate::failure::Failure;
use weft_identity::{CertificateRequest, IssuedFiles, create_authority, issue};

pub(crate) fn run(cert: Cert) -> Result<(), Failure> {
    let files = match cert {
        Cert::Authority(CertAuthority { dir, trust_domain }) => create_authority(&dir, &trust_domain)?,
        Cert::Issue(CertIssue { dir, name, id, hosts, validity }) => {
            issue(&dir, &CertificateRequest { name, path: id, hosts, validity })?
        }
    };
    let IssuedFiles { certificate, key } = files;
    println!("{}\n{}", certificate.display(), key.display());
    Ok(())
}
