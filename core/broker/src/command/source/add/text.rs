//! What is written: TOML, to be read and edited by hand.

use super::certificates::{Certificates, Identities};
use super::refused;
use crate::failure::Failure;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What a connector serves.
pub(super) struct Database {
    /// Without password.
    pub(super) url: String,
    pub(super) password_variable: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) plaintext: bool,
    pub(super) schemas: Vec<String>,
    pub(super) tables: Vec<String>,
}

/// The beginning of a new configuration.
pub(super) fn broker_text(base: &str) -> Result<String, Failure> {
    let base = string(base)?;
    Ok(format!(
        "# The broker. deploy/weft.example.toml explains every key.\n\n[broker]\n\
         # The IRIs of your things begin with it: choose one of yours before you share them.\nbase = {base}\n"
    ))
}

/// The configuration with a prefix for the source's own terms; as it is, where the name is no prefix of SPARQL.
pub(super) fn with_prefix(text: &str, name: &str, namespace: &str) -> Result<String, Failure> {
    const SECTION: &str = "[prefixes]";
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(text.to_owned());
    }
    let line = format!("{name} = {}\n", string(namespace)?);
    let mut begun = 0;
    for found in text.split_inclusive('\n') {
        begun += found.len();
        if found.trim_end() == SECTION {
            return Ok(format!("{}{line}{}", &text[..begun], &text[begun..]));
        }
    }
    Ok(format!("{text}\n# Declared for every query.\n{SECTION}\n{line}"))
}

/// The section of a source, after that of the broker's identity where there is none yet.
pub(super) fn source_text(
    name: &str,
    listen: SocketAddr,
    identities: &Identities,
    certificates: Option<&Certificates>,
) -> Result<String, Failure> {
    let mut text = String::new();
    // Writing to a string cannot fail.
    if let Some(certificates) = certificates {
        _ = writeln!(text, "\n[identity]\n{}", files(certificates, "broker")?);
    }
    let key = string(name)?;
    let key = if key == format!("\"{name}\"") { name } else { &key };
    _ = writeln!(text, "\n[sources.{key}]\nmapping = {}\n", string(&format!("{name}.ttl"))?);
    _ = writeln!(text, "[sources.{key}.grpc]\nendpoint = \"https://{listen}\"");
    _ = writeln!(text, "identity = {}", string(&identities.connector)?);
    Ok(text)
}

pub(super) fn connector_text(
    name: &str,
    listen: SocketAddr,
    database: &Database,
    certificates: &Certificates,
    identities: &Identities,
) -> Result<String, Failure> {
    let mut text = format!(
        "# The connector of source {name}: weft-connector-sql {name}.toml\nlisten = \"{listen}\"\n\n[identity]\n{}\n",
        files(certificates, name)?
    );
    _ = writeln!(text, "# Who may call.\nallow = [{}]\n", string(&identities.broker)?);
    _ = writeln!(text, "[database]\nurl = {}", string(&database.url)?);
    if let Some(variable) = &database.password_variable {
        _ = writeln!(text, "password = {{ env = {} }}", string(variable)?);
    }
    if let Some(file) = &database.password_file {
        _ = writeln!(text, "password = {{ file = {} }}", path(file)?);
    }
    if database.plaintext {
        text.push_str("# The connection is not encrypted.\nplaintext = true\n");
    }
    if !database.schemas.is_empty() {
        _ = writeln!(text, "schemas = {}", list(&database.schemas)?);
    }
    if !database.tables.is_empty() {
        _ = writeln!(text, "tables = {}", list(&database.tables)?);
    }
    Ok(text)
}

fn files(certificates: &Certificates, name: &str) -> Result<String, Failure> {
    let (certificate, key, trust) = certificates.files(name);
    Ok(format!("certificate = {}\nkey = {}\ntrust = {}", path(&certificate)?, path(&key)?, path(&trust)?))
}

fn list(names: &[String]) -> Result<String, Failure> {
    let names = names.iter().map(|name| string(name)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[{}]", names.join(", ")))
}

fn path(path: &Path) -> Result<String, Failure> {
    string(path.to_str().ok_or_else(|| refused(format!("{} is not UTF-8", path.display())))?)
}

/// A basic string of TOML.
fn string(text: &str) -> Result<String, Failure> {
    if text.chars().any(char::is_control) {
        return Err(refused(format!("{text:?} has a control character")));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_prefix_goes_into_its_section() {
        let fresh = with_prefix("[broker]\nbase = \"b\"\n", "erp", "urn:n#").unwrap();
        assert_eq!(fresh, "[broker]\nbase = \"b\"\n\n# Declared for every query.\n[prefixes]\nerp = \"urn:n#\"\n");
        let second = with_prefix(&fresh, "mes-2", "urn:m#").unwrap();
        assert!(second.ends_with("[prefixes]\nmes-2 = \"urn:m#\"\nerp = \"urn:n#\"\n"), "{second}");
        assert_eq!(with_prefix("x", "2nd", "urn:n#").unwrap(), "x");
    }

    #[test]
    fn strings_are_toml() {
        for text in ["plant", "a\"b", "C:\\data\\x", "é#=[]", ""] {
            let document = format!("key = {}", string(text).unwrap());
            let table: toml::de::DeTable<'_> = toml::de::DeTable::parse(&document).unwrap().into_inner();
            assert_eq!(table["key"].get_ref().as_str(), Some(text), "{document}");
        }
        assert!(string("a\nb").is_err());
    }
}
