//! A certificate authority in a folder, for development and small meshes.

use super::peer::{PeerIdentityError, peer_identity};
use super::spiffe::{InvalidSpiffeId, SpiffeId, check_trust_domain};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

const AUTHORITY: &str = "ca";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an authority lasts, and the most a certificate can be asked for.
const AUTHORITY_VALIDITY: Duration = Duration::from_secs(10 * 365 * DAY.as_secs());
/// Clocks of peers may be behind ours by this much.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// A certificate to issue.
#[derive(Clone, Debug)]
pub struct CertificateRequest {
    /// Names the files: `NAME.pem`, `NAME.key`.
    pub name: String,
    /// The path of the SPIFFE id, such as `connector/erp`.
    pub path: String,
    /// DNS names and addresses, for clients that check them.
    pub hosts: Vec<String>,
    pub validity: Duration,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("{} exists already; it is not overwritten", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: {reason}", path.display())]
    NotAnAuthority { path: PathBuf, reason: &'static str },
    #[error("{0:?} does not name a file: use a-z, A-Z, 0-9, '-' and '_', and not \"ca\"")]
    Name(String),
    #[error("{0:?} is neither a host name nor an address")]
    Host(String),
    #[error("a certificate lasts between a minute and {} days", AUTHORITY_VALIDITY.as_secs() / DAY.as_secs())]
    Validity,
    #[error(transparent)]
    SpiffeId(#[from] InvalidSpiffeId),
    #[error("the certificate made is not one of a workload")]
    Identity(#[from] PeerIdentityError),
    #[error("cannot make the certificate")]
    Make(#[from] rcgen::Error),
}

/// Makes `ca.pem` and `ca.key` in `dir`, which is created when needed.
pub fn create_authority(dir: &Path, trust_domain: &str) -> Result<IssuedFiles, AuthorityError> {
    check_trust_domain(trust_domain)?;
    let files = files(dir, AUTHORITY);
    let mut params = CertificateParams::default();
    let now = SystemTime::now();
    set_validity(&mut params, now, now + AUTHORITY_VALIDITY);
    params.distinguished_name = common_name(&format!("weft authority {trust_domain}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.subject_alt_names = vec![SanType::URI(ia5(&format!("spiffe://{trust_domain}"))?)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    std::fs::create_dir_all(dir).map_err(|source| AuthorityError::Write { path: dir.to_owned(), source })?;
    write(&files, &certificate.pem(), &key.serialize_pem())?;
    Ok(files)
}

/// Makes `NAME.pem` and `NAME.key` in `dir`, signed by the authority there.
pub fn issue(dir: &Path, request: &CertificateRequest) -> Result<IssuedFiles, AuthorityError> {
    check_name(&request.name)?;
    if request.validity < Duration::from_secs(60) || request.validity > AUTHORITY_VALIDITY {
        return Err(AuthorityError::Validity);
    }
    let authority = Authority::open(dir)?;
    let id = SpiffeId::new(&authority.trust_domain, &request.path)?;
    let files = files(dir, &request.name);
    refuse_existing(&files)?;

    let mut params = CertificateParams::default();
    let now = SystemTime::now();
    // A certificate that outlived its authority would only seem valid.
    set_validity(&mut params, now, (now + request.validity).min(authority.expires_at));
    params.distinguished_name = common_name(&request.name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params.subject_alt_names = vec![SanType::URI(ia5(id.as_str())?)];
    for host in &request.hosts {
        params.subject_alt_names.push(host_name(host)?);
    }
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority.issuer)?;
    peer_identity(certificate.der())?;
    write(&files, &certificate.pem(), &key.serialize_pem())?;
    Ok(files)
}

struct Authority {
    trust_domain: String,
    expires_at: SystemTime,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn open(dir: &Path) -> Result<Self, AuthorityError> {
        let files = files(dir, AUTHORITY);
        let pem = read(&files.certificate)?;
        let wrong = |reason| AuthorityError::NotAnAuthority { path: files.certificate.clone(), reason };
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong("holds no certificate"))?;
        let (_, parsed) = parse_x509_certificate(&der).map_err(|_| wrong("the certificate cannot be parsed"))?;
        let expires_at = UNIX_EPOCH
            + Duration::from_secs(u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default());
        if expires_at <= SystemTime::now() {
            return Err(wrong("the authority has expired"));
        }
        let trust_domain = trust_domain(&parsed).ok_or_else(|| wrong("not an authority with a SPIFFE trust domain"))?;
        let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let name = name.ok_or_else(|| wrong("the authority has no common name"))?;
        let key = KeyPair::from_pem(&read(&files.key)?).map_err(|_| AuthorityError::NotAnAuthority {
            path: files.key.clone(),
            reason: "holds no private key that can be used",
        })?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            let reason = "the key does not belong to the authority's certificate";
            return Err(AuthorityError::NotAnAuthority { path: files.key, reason });
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // The issuer name in what we sign must be the authority's subject, byte for byte.
        let again = params.self_signed(&key)?;
        let (_, rebuilt) = parse_x509_certificate(again.der()).map_err(|_| wrong("the name cannot be rebuilt"))?;
        if rebuilt.subject().as_raw() != parsed.subject().as_raw() {
            return Err(wrong("the authority was not made by this program"));
        }
        Ok(Self { trust_domain, expires_at, issuer: Issuer::new(params, key) })
    }
}

/// A signing certificate names its trust domain by a SPIFFE id without path (X.509-SVID, section 3.2).
fn trust_domain(certificate: &x509_parser::certificate::X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    if !certificate.is_ca() {
        return None;
    }
    let uri = names.value.general_names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    })?;
    let domain = uri.strip_prefix("spiffe://")?;
    check_trust_domain(domain).ok()?;
    Some(domain.to_owned())
}

fn files(dir: &Path, name: &str) -> IssuedFiles {
    IssuedFiles { certificate: dir.join(format!("{name}.pem")), key: dir.join(format!("{name}.key")) }
}

fn check_name(name: &str) -> Result<(), AuthorityError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if name.is_empty() || name.len() > 64 || name == AUTHORITY || !name.bytes().all(allowed) {
        return Err(AuthorityError::Name(name.to_owned()));
    }
    Ok(())
}

fn host_name(host: &str) -> Result<SanType, AuthorityError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    match rustls_pki_types::ServerName::try_from(host) {
        Ok(rustls_pki_types::ServerName::DnsName(_)) => Ok(SanType::DnsName(ia5(host)?)),
        _ => Err(AuthorityError::Host(host.to_owned())),
    }
}

fn ia5(text: &str) -> Result<Ia5String, rcgen::Error> {
    Ia5String::try_from(text)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, DnValue::Utf8String(name.to_owned()));
    distinguished
}

fn set_validity(params: &mut CertificateParams, now: SystemTime, end: SystemTime) {
    let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(now).saturating_sub(CLOCK_SKEW);
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(end);
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    std::fs::read_to_string(path).map_err(|source| AuthorityError::Read { path: path.to_owned(), source })
}

fn refuse_existing(files: &IssuedFiles) -> Result<(), AuthorityError> {
    for path in [&files.certificate, &files.key] {
        if path.symlink_metadata().is_ok() {
            return Err(AuthorityError::Exists(path.clone()));
        }
    }
    Ok(())
}

/// Both files or none.
fn write(files: &IssuedFiles, certificate: &str, key: &str) -> Result<(), AuthorityError> {
    refuse_existing(files)?;
    write_new(&files.key, key, 0o600)?;
    write_new(&files.certificate, certificate, 0o644).inspect_err(|_| {
        // A key without its certificate would stand in the way of the next try.
        let _ = std::fs::remove_file(&files.key);
    })
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), AuthorityError> {
    let write = |mut file: File| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    set_mode(&mut options, mode);
    options.open(path).and_then(write).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => AuthorityError::Exists(path.to_owned()),
        _ => AuthorityError::Write { path: path.to_owned(), source },
    })
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: u32) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(mode);
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _mode: u32) {}
