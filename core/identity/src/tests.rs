#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn request(name: &str, path: &str) -> CertificateRequest {
    CertificateRequest {
        name: name.into(),
        path: path.into(),
        hosts: vec!["localhost".into(), "127.0.0.1".into()],
        validity: 30 * DAY,
    }
}

fn files(dir: &Path, name: &str) -> CredentialFiles {
    CredentialFiles {
        certificate: dir.join(format!("{name}.pem")),
        key: dir.join(format!("{name}.key")),
        trust: dir.join("ca.pem"),
    }
}

/// An authority with a broker and a connector.
fn mesh() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    create_authority(dir.path(), "weft.dev").unwrap();
    issue(dir.path(), &request("broker", "broker")).unwrap();
    issue(dir.path(), &request("erp", "connector/erp")).unwrap();
    dir
}

fn live(dir: &Path, name: &str) -> Arc<LiveCredentials> {
    Arc::new(LiveCredentials::load(files(dir, name)).unwrap())
}

fn id(text: &str) -> SpiffeId {
    text.parse().unwrap()
}

#[test]
fn issued_files_load_and_name_one_identity() {
    let dir = mesh();
    let credentials = Credentials::load(&files(dir.path(), "erp")).unwrap();
    assert_eq!(credentials.spiffe_id().as_str(), "spiffe://weft.dev/connector/erp");
    let left = credentials.expires_at().duration_since(std::time::SystemTime::now()).unwrap();
    assert!(left > 29 * DAY && left <= 30 * DAY);
    #[cfg(unix)]
    for name in ["ca.key", "erp.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn nothing_is_overwritten() {
    let dir = mesh();
    let before = std::fs::read(dir.path().join("erp.key")).unwrap();
    assert!(matches!(create_authority(dir.path(), "weft.dev"), Err(AuthorityError::Exists(_))));
    assert!(matches!(issue(dir.path(), &request("erp", "connector/erp")), Err(AuthorityError::Exists(_))));
    std::fs::remove_file(dir.path().join("erp.pem")).unwrap();
    assert!(matches!(issue(dir.path(), &request("erp", "connector/erp")), Err(AuthorityError::Exists(_))));
    assert_eq!(std::fs::read(dir.path().join("erp.key")).unwrap(), before);
}

#[test]
fn bad_requests_are_named() {
    let dir = mesh();
    let issue = |change: fn(&mut CertificateRequest)| {
        let mut request = request("new", "connector/new");
        change(&mut request);
        issue(dir.path(), &request).unwrap_err()
    };
    assert!(matches!(issue(|r| r.name = "ca".into()), AuthorityError::Name(_)));
    assert!(matches!(issue(|r| r.name = "../x".into()), AuthorityError::Name(_)));
    assert!(matches!(issue(|r| r.path = "a//b".into()), AuthorityError::SpiffeId(_)));
    assert!(matches!(issue(|r| r.path = String::new()), AuthorityError::SpiffeId(_)));
    assert!(matches!(issue(|r| r.hosts = vec!["not a host".into()]), AuthorityError::Host(_)));
    assert!(matches!(issue(|r| r.validity = Duration::ZERO), AuthorityError::Validity));
    assert!(matches!(create_authority(dir.path(), "Weft Dev"), Err(AuthorityError::SpiffeId(_))));
    let empty = tempfile::tempdir().unwrap();
    let error = super::issue(empty.path(), &request("new", "a")).unwrap_err();
    assert!(error.to_string().contains("ca.pem"), "{error}");
    std::fs::copy(dir.path().join("erp.key"), dir.path().join("ca.key")).unwrap();
    assert!(issue(|_| ()).to_string().contains("does not belong"));
}

#[test]
fn unusable_files_are_named_with_the_reason_and_without_secrets() {
    let dir = mesh();
    let good = files(dir.path(), "erp");
    let written = |text: &str| {
        let path = dir.path().join("bad.pem");
        std::fs::write(&path, text).unwrap();
        path
    };
    let load = |files: CredentialFiles| Credentials::load(&files).unwrap_err().to_string();
    let missing = load(CredentialFiles { certificate: dir.path().join("none.pem"), ..good.clone() });
    assert!(missing.contains("none.pem"), "{missing}");
    let empty = load(CredentialFiles { trust: written("nothing here"), ..good.clone() });
    assert!(empty.contains("bad.pem") && empty.contains("no certificate"), "{empty}");
    let no_key = load(CredentialFiles { key: good.certificate.clone(), ..good.clone() });
    assert!(no_key.contains("no private key"), "{no_key}");
    let secret = "c2VjcmV0c2VjcmV0";
    let damaged = written(&format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n"));
    let damaged = load(CredentialFiles { key: damaged, ..good.clone() });
    assert!(damaged.contains("bad.pem") && !damaged.contains(secret), "{damaged}");
    let other = load(CredentialFiles { key: dir.path().join("broker.key"), ..good.clone() });
    assert!(other.contains("broker.key") && other.contains("erp.pem"), "{other}");
    let authority = CredentialFiles { certificate: good.trust.clone(), key: dir.path().join("ca.key"), ..good.clone() };
    assert!(matches!(Credentials::load(&authority), Err(CredentialError::Identity { .. })));
    let shown = format!("{:?}", Credentials::load(&good).unwrap());
    assert_eq!(shown.matches("spiffe://").count(), 1);
    assert!(!shown.to_lowercase().contains("key"), "{shown}");
}

#[test]
fn exactly_one_spiffe_uri_is_an_identity() {
    use rcgen::{CertificateParams, KeyPair, SanType};
    let certificate = |uris: &[&str]| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.subject_alt_names.extend(uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    };
    assert_eq!(peer_identity(&certificate(&["spiffe://a/b"])), Ok(id("spiffe://a/b")));
    assert_eq!(peer_identity(&certificate(&[])), Err(PeerIdentityError::NoUri));
    assert_eq!(peer_identity(&certificate(&["spiffe://a/b", "spiffe://a/c"])), Err(PeerIdentityError::SeveralUris));
    assert!(matches!(peer_identity(&certificate(&["https://a/b"])), Err(PeerIdentityError::NotSpiffe(_))));
    assert!(matches!(peer_identity(&certificate(&["spiffe://a"])), Err(PeerIdentityError::NotSpiffe(_))));
    let mut cut = certificate(&["spiffe://a/b"]).to_vec();
    cut.truncate(cut.len() / 2);
    assert!(matches!(peer_identity(&cut.into()), Err(PeerIdentityError::Malformed(_))));
}

struct Outcome {
    server: Result<SpiffeId, HandshakeError>,
    client: Result<(), PeerRefusal>,
}

/// Shakes hands on loopback; the client then waits for one byte, which is where a refusal of it arrives.
async fn shake(server: Arc<LiveCredentials>, allow: &[&str], client: Arc<LiveCredentials>, expected: &str) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let allow = allow.iter().map(|text| id(text)).collect();
    let acceptor = TlsAcceptor::new(server, allow, Duration::from_secs(5));
    let connector = TlsConnector::new(client, id(expected), Duration::from_secs(5));
    let serving = async {
        let (mut stream, peer) = acceptor.accept(listener.accept().await.unwrap().0).await?;
        stream.write_all(b"x").await.map_err(HandshakeError::Failed)?;
        Ok(peer)
    };
    let calling = async {
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut stream =
            connector.connect(tcp, "localhost").await.map_err(|e| PeerRefusal::find(&e).expect("a refusal"))?;
        stream.read_u8().await.map(drop).map_err(|e| PeerRefusal::find(&e).expect("a refusal"))
    };
    let (server, client) = tokio::join!(serving, calling);
    Outcome { server, client }
}

#[tokio::test]
async fn both_sides_prove_who_they_are() {
    let dir = mesh();
    let (erp, broker) = (live(dir.path(), "erp"), live(dir.path(), "broker"));
    let outcome =
        shake(erp.clone(), &["spiffe://weft.dev/broker"], broker.clone(), "spiffe://weft.dev/connector/erp").await;
    assert_eq!(outcome.server.unwrap(), id("spiffe://weft.dev/broker"));
    assert_eq!(outcome.client, Ok(()));

    let outcome =
        shake(erp.clone(), &["spiffe://weft.dev/other"], broker.clone(), "spiffe://weft.dev/connector/erp").await;
    assert!(outcome.server.is_err());
    assert_eq!(outcome.client, Err(PeerRefusal::NotAllowed));

    let outcome = shake(erp.clone(), &["spiffe://weft.dev/broker"], broker, "spiffe://weft.dev/connector/mes").await;
    let Err(PeerRefusal::Ours(reason)) = outcome.client else { unreachable!("the client refuses") };
    assert!(reason.contains("connector/mes") && reason.contains("connector/erp"), "{reason}");
    assert!(outcome.server.is_err());

    let stranger = mesh();
    let outcome = shake(
        erp.clone(),
        &["spiffe://weft.dev/broker"],
        live(stranger.path(), "broker"),
        "spiffe://weft.dev/connector/erp",
    )
    .await;
    assert!(matches!(outcome.client, Err(PeerRefusal::Ours(reason)) if reason.contains("trust bundle")));

    // The stranger trusts us, but we do not trust its authority.
    std::fs::copy(dir.path().join("ca.pem"), stranger.path().join("ca.pem")).unwrap();
    let outcome =
        shake(erp, &["spiffe://weft.dev/broker"], live(stranger.path(), "broker"), "spiffe://weft.dev/connector/erp")
            .await;
    assert!(outcome.server.is_err());
    assert!(matches!(outcome.client, Err(PeerRefusal::Theirs(reason)) if reason.contains("does not trust")));
}

#[tokio::test]
async fn a_silent_client_is_dropped() {
    let dir = mesh();
    let acceptor = TlsAcceptor::new(live(dir.path(), "erp"), vec![], Duration::from_millis(50));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let refused = acceptor.accept(listener.accept().await.unwrap().0).await;
    assert!(matches!(refused, Err(HandshakeError::Timeout(_))));
}

#[tokio::test]
async fn credentials_follow_their_files_and_survive_bad_ones() {
    let dir = mesh();
    let live = live(dir.path(), "erp");
    let first = live.current();
    let follower = tokio::spawn(live.clone().follow(Duration::from_millis(10)));
    std::fs::write(dir.path().join("erp.pem"), "broken").unwrap();
    assert!(live.reload().is_err());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(Arc::ptr_eq(&first, &live.current()));

    issue(dir.path(), &request("erp2", "connector/erp2")).unwrap();
    std::fs::rename(dir.path().join("erp2.key"), dir.path().join("erp.key")).unwrap();
    std::fs::rename(dir.path().join("erp2.pem"), dir.path().join("erp.pem")).unwrap();
    let renewed = async {
        while live.current().spiffe_id().path() != "/connector/erp2" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), renewed).await.unwrap();
    assert!(!live.reload().unwrap(), "nothing changed since");
    follower.abort();
}
