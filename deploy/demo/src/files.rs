//! The files beside the data: mappings, questions, ontology and the configuration of every process.

use crate::questions::QUESTIONS;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The systems behind SQL connectors.
pub(crate) const SQL_SOURCES: [&str; 4] = ["erp", "mes", "historian", "quality"];

const BROKER: &str = include_str!("../config/weft.toml");
const CONNECTOR: &str = include_str!("../config/connector.toml");
const ONTOLOGY: &str = include_str!("../../../ontology/weft.ttl");
const ALIGNMENTS: &str = include_str!("../../../ontology/alignments.ttl");
const MAPPINGS: [(&str, &str); 5] = [
    ("plm", include_str!("../mappings/plm.ttl")),
    ("erp", include_str!("../mappings/erp.ttl")),
    ("mes", include_str!("../mappings/mes.ttl")),
    ("historian", include_str!("../mappings/historian.ttl")),
    ("quality", include_str!("../mappings/quality.ttl")),
];

/// The ports on 127.0.0.1 that the processes talk over. A process that is told 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub weft: u16,
    pub plm: u16,
    /// Of the SQL connectors, in the order of their names in the configuration: erp, mes, historian, quality.
    pub sql: [u16; 4],
}

impl Default for Ports {
    fn default() -> Self {
        Self { weft: 7878, plm: 7300, sql: [7101, 7102, 7103, 7104] }
    }
}

/// Writes mappings, questions, ontology and configurations below `directory`. `guest` is the OData component.
pub fn write_configuration(directory: &Path, ports: &Ports, guest: &Path) -> Result<()> {
    for (name, text) in MAPPINGS {
        write(directory, &format!("mappings/{name}.ttl"), text)?;
    }
    for question in QUESTIONS {
        write(directory, &format!("questions/{}.rq", question.name), question.text)?;
    }
    write(directory, "ontology.ttl", ONTOLOGY)?;
    write(directory, "alignments.ttl", ALIGNMENTS)?;
    for (name, port) in SQL_SOURCES.into_iter().zip(ports.sql) {
        let connector = CONNECTOR.replace("@NAME@", name).replace("@PORT@", &port.to_string());
        write(directory, &format!("connectors/{name}.toml"), &connector)?;
    }
    write_broker(directory, ports, guest)
}

/// Writes the configuration of the broker alone: where its sources listen is known once they do.
pub(crate) fn write_broker(directory: &Path, ports: &Ports, guest: &Path) -> Result<()> {
    let mut broker = BROKER
        .replace("@WEFT_PORT@", &ports.weft.to_string())
        .replace("@PLM_PORT@", &ports.plm.to_string())
        .replace("@GUEST@", &quoted(guest));
    for (name, port) in SQL_SOURCES.into_iter().zip(ports.sql) {
        broker = broker.replace(&format!("@{}_PORT@", name.to_uppercase()), &port.to_string());
    }
    write(directory, "weft.toml", &broker)
}

/// A TOML basic string: its escapes are a superset of those of JSON.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy()).to_string()
}

fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    let parent = path.parent().unwrap_or(directory);
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left() {
        let directory = tempfile::tempdir().unwrap();
        write_configuration(directory.path(), &Ports::default(), Path::new("/a \"b\"/odata.wasm")).unwrap();
        for name in ["weft.toml", "connectors/erp.toml", "connectors/quality.toml"] {
            let text = fs::read_to_string(directory.path().join(name)).unwrap();
            assert!(!text.contains('@'), "{name}: {text}");
        }
        let broker = fs::read_to_string(directory.path().join("weft.toml")).unwrap();
        assert!(broker.contains(r#"component = "/a \"b\"/odata.wasm""#), "{broker}");
    }

    #[test]
    fn mappings_and_ontology_are_turtle() {
        for (name, text) in MAPPINGS.into_iter().chain([("ontology", ONTOLOGY)]) {
            let parser = oxttl::TurtleParser::new().with_base_iri("https://demo.weft.dev/").unwrap();
            let triples: Result<Vec<_>, _> = parser.for_slice(text).collect();
            assert!(triples.as_ref().is_ok_and(|triples| triples.len() > 25), "{name}: {triples:?}");
        }
    }
}
