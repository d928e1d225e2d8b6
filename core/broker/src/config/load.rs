//! From a file and the environment to a [`Config`].

use super::places::Places;
use super::{Config, ConfigError, ConfigErrors, check};
use config::{Environment, File, FileFormat};
use std::path::{Path, PathBuf};

const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Reads and checks the file. Opens no other file and no connection.
pub(crate) fn load(path: &Path) -> Result<Config, ConfigErrors> {
    load_text(path, &read(path).map_err(|message| one(path, None, message))?)
}

/// The same, of a text that may not be in the file yet.
pub(crate) fn load_text(path: &Path, text: &str) -> Result<Config, ConfigErrors> {
    parse(path, text, Environment::with_prefix("WEFT").prefix_separator("__").separator("__"))
}

pub(super) fn parse(path: &Path, text: &str, environment: Environment) -> Result<Config, ConfigErrors> {
    let places = Places::parse(text).map_err(|(line, message)| one(path, line, message))?;
    let built = config::Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(environment)
        .build()
        .and_then(config::Config::try_deserialize::<Config>);
    let mut config = built.map_err(|error| located(path, &places, error))?;
    config.folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let wrong = check::check(&config);
    if wrong.is_empty() {
        return Ok(config);
    }
    let errors = wrong.into_iter().map(|(key, message)| at_key(path, &places, &key, format!("{key}: {message}")));
    Err(ConfigErrors(errors.collect()))
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
        return Err(format!("has more than {MAX_FILE_BYTES} bytes"));
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn one(path: &Path, line: Option<usize>, message: String) -> ConfigErrors {
    ConfigErrors(vec![ConfigError { file: path.to_owned(), line, message }])
}

fn at_key(path: &Path, places: &Places<'_>, key: &str, message: String) -> ConfigError {
    let line = places.line(key);
    // Not in the file: either missing, so that the nearest section is the place, or laid over it.
    let variable = format!("WEFT__{}", key.replace('.', "__").to_uppercase());
    if line.is_none() && std::env::var_os(&variable).is_some() {
        return ConfigError {
            file: path.to_owned(),
            line,
            message: format!("{message} (environment variable {variable})"),
        };
    }
    let line = line.or_else(|| key.rsplit_once('.').and_then(|(section, _)| places.line(section)));
    ConfigError { file: path.to_owned(), line, message }
}

/// Turns an error of the `config` crate into one that says where, and what was meant.
fn located(path: &Path, places: &Places<'_>, error: config::ConfigError) -> ConfigErrors {
    let (key, message) = flatten(error);
    let Some(key) = key.map(|key| with_dots(&key)) else { return one(path, None, message) };
    ConfigErrors(vec![at_key(path, places, &key, format!("{key}: {message}"))])
}

/// The key an error is about and what it says.
fn flatten(error: config::ConfigError) -> (Option<String>, String) {
    use config::ConfigError as E;
    match error {
        E::At { error, key, .. } => {
            let (inner, message) = flatten(*error);
            let key = match (key, inner) {
                (Some(outer), Some(inner)) => Some(join(&outer, &inner)),
                (outer, inner) => outer.or(inner),
            };
            (key, message)
        }
        E::NotFound(key) => (Some(key), "this key is required".to_owned()),
        E::Type { unexpected, expected, key, .. } => {
            (key, format!("expected {expected}, found {}", kind_of(&unexpected.to_string())))
        }
        E::Message(message) => match UnknownKey::read(&message) {
            Some(unknown) => (Some(unknown.key.clone()), unknown.explain()),
            None => (None, message),
        },
        other => (None, other.to_string()),
    }
}

/// The crate leaves out the dot after an index: `list[0]key`.
fn with_dots(key: &str) -> String {
    key.replace(']', "].").replace("]..", "].").replace("].[", "][").trim_end_matches('.').to_owned()
}

fn join(outer: &str, inner: &str) -> String {
    if outer.is_empty() { inner.to_owned() } else { format!("{outer}.{inner}") }
}

/// The kind of value without the value: it may be a secret in the wrong place.
fn kind_of(unexpected: &str) -> &str {
    unexpected.split([' ', '`', '"']).next().unwrap_or("something else")
}

/// What serde says of a key it does not know.
struct UnknownKey {
    key: String,
    known: Vec<String>,
}

impl UnknownKey {
    /// Reads "unknown field `x`, expected one of `a`, `b`".
    fn read(message: &str) -> Option<Self> {
        let rest = message.strip_prefix("unknown field `")?;
        let (key, rest) = rest.split_once('`')?;
        let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some(Self { key: key.to_owned(), known })
    }

    fn explain(&self) -> String {
        let near = |known: &&String| strsim::jaro_winkler(known, &self.key) > 0.8;
        let best = self
            .known
            .iter()
            .filter(near)
            .max_by(|a, b| strsim::jaro_winkler(a, &self.key).total_cmp(&strsim::jaro_winkler(b, &self.key)));
        match best {
            Some(best) => format!("unknown key; did you mean {best}?"),
            None => format!("unknown key; known are {}", self.known.join(", ")),
        }
    }
}
