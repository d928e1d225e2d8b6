//! Where secrets come from.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use std::path::{Path, PathBuf};
use weft_wasm::Secret;

const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// `{ env = "NAME" }` or `{ file = "path" }`. Holds no secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    Env(String),
    File(PathBuf),
}

impl SecretSource {
    /// Reads the secret; a newline at its end is not part of it. Errors never show what was read.
    pub(crate) fn read(&self, folder: &Path) -> Result<Secret, String> {
        self.read_with(folder, |text| Secret::new(text))
    }

    /// What is made of the secret.
    pub(crate) fn read_with<T>(&self, folder: &Path, make: impl FnOnce(&str) -> T) -> Result<T, String> {
        let text = match self {
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("environment variable {name} is not set, or not text"))?
            }
            Self::File(path) => read_file(&folder.join(path))?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err("the secret is empty".to_owned()) } else { Ok(make(text)) }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_SECRET_BYTES {
        return Err(format!("{} has more than {MAX_SECRET_BYTES} bytes", path.display()));
    }
    std::fs::read_to_string(path).map_err(failed)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    env: Option<String>,
    file: Option<PathBuf>,
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// Takes a table only. Anything else may be the secret itself, which an error must not repeat.
struct SecretVisitor;

const EXPECTED: &str = "a secret is never in the config: write { env = \"NAME\" } or { file = \"path\" }";

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" } or { file = \"path\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretSource, A::Error> {
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        match (fields.env, fields.file) {
            (Some(name), None) => Ok(SecretSource::Env(name)),
            (None, Some(path)) => Ok(SecretSource::File(path)),
            _ => Err(Error::custom(EXPECTED)),
        }
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(Error::custom(EXPECTED))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(Error::custom(EXPECTED))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretSource, E> {
        Err(Error::custom(EXPECTED))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretSource, E> {
        Err(Error::custom(EXPECTED))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretSource, E> {
        Err(Error::custom(EXPECTED))
    }
}
