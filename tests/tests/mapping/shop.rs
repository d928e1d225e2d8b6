//! A shop in SQLite behind its connector, with the mapping that is suggested for it.

use crate::programs::{Process, connector, weft};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use weft_tests::ports::free_address;

pub(crate) const SCHEMA: &str = "
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, homepage TEXT);
CREATE TABLE orders (
  no TEXT NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), placed DATE, total NUMERIC(10, 2)
);
CREATE TABLE line (
  order_no TEXT NOT NULL COLLATE NOCASE REFERENCES orders (no), pos INTEGER NOT NULL, item TEXT NOT NULL,
  PRIMARY KEY (order_no, pos)
) WITHOUT ROWID;
INSERT INTO customer VALUES (1, 'Ada', 'https://ada.example/'), (2, 'Bo', 'no <iri>'), (3, 'Cy', NULL);
INSERT INTO orders VALUES ('A/1', 3, '2026-01-02', 12.5), ('B 2', 2, NULL, NULL), ('C3', 1, '2026-02-03', 1);
INSERT INTO line VALUES ('C3', 1, 'washer'), ('C3', 2, 'nut'), ('A/1', 1, 'bolt');
";

pub(crate) struct Shop {
    folder: tempfile::TempDir,
    _connector: Process,
}

impl Shop {
    pub(crate) fn start() -> Self {
        Self::start_with(SCHEMA)
    }

    pub(crate) fn start_with(schema: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = free_address();
        Connection::open(folder.path().join("shop.sqlite")).unwrap().execute_batch(schema).unwrap();
        let address = listen.to_string();
        let add =
            ["source", "add", "shop", "--sqlite", "shop.sqlite", "--base", "https://e.example/", "--listen", &address];
        weft(folder.path(), &add).fine();
        let connector = connector(folder.path(), "shop.toml", listen);
        weft(folder.path(), &["mapping", "suggest", "shop", "--out", "shop.ttl"]).fine();
        Self { folder, _connector: connector }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn mapping(&self) -> String {
        std::fs::read_to_string(self.folder().join("shop.ttl")).unwrap()
    }

    /// Writes the mapping with each of these replaced, which must be in it.
    pub(crate) fn with(&self, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        let mut text = self.mapping();
        for (old, new) in changes {
            assert!(text.contains(old), "{old} is not in\n{text}");
            text = text.replace(old, new);
        }
        let path = self.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}
