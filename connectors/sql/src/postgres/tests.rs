#![allow(clippy::unwrap_used)]

use super::*;
use crate::view::Views;
use crate::{PasswordSource, SqlConfig, SqlConnector};

fn error(change: impl FnOnce(&mut SqlConfig)) -> String {
    let mut config = SqlConfig::new("postgres://reader@127.0.0.1:1/erp");
    change(&mut config);
    SqlConnector::open(config).unwrap_err().to_string()
}

#[test]
fn secrets_are_refused_where_they_could_be_seen() {
    let shown = error(|c| c.database.url = "postgres://reader:hunter2@127.0.0.1/erp".into());
    assert!(shown.contains("must not contain a password") && !shown.contains("hunter2"), "{shown}");
    let shown = error(|c| c.database.url = "postgres://reader:hunter2@127.0.0.1:port/erp".into());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_password_is_never_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hunter2\nsecond line\n").unwrap();
    let mut config = SqlConfig::new("postgres://reader@127.0.0.1:1/erp");
    config.database.password = Some(PasswordSource::File(file.path().to_owned()));
    let postgres = Postgres::new(&config.database, Views::default(), config.limits).unwrap();
    assert_eq!(postgres.shared.config.get_password(), Some(b"hunter2".as_slice()));
    assert!(!format!("{postgres:?} {config:?}").contains("hunter2"));
}

#[test]
fn what_is_wrong_with_a_url_is_named() {
    assert!(error(|c| c.database.url = "postgres://127.0.0.1/erp".into()).contains("no user"));
    assert!(error(|c| c.database.url = "postgres://db.example.org:x/".into()).contains("database.url"));
    let remote = error(|c| c.database.url = "postgres://reader@db.example.org/erp".into());
    assert!(remote.contains("db.example.org:5432/erp") && remote.contains("plaintext"), "{remote}");
    assert!(error(|c| c.limits.rows = 0).contains("limits.rows"));
    let mut config = SqlConfig::new("postgres://reader@db.example.org/erp");
    config.database.plaintext = true;
    assert!(SqlConnector::open(config).is_ok());
}
