//! The documents on disk, read when they have changed.

use crate::config::{FileConfig, TriplesConfig};
use crate::error::OpenError;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use url::Url;
use weft_triples::{Dataset, Document, Format, LoadLimits, Loader};

/// What the files said when they were last read.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) dataset: Arc<Dataset>,
    /// Microseconds since 1970.
    pub(crate) read_at: i64,
    stamps: Vec<Stamp>,
}

/// A file is taken for unchanged while these stay.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    name: String,
    format: Format,
    base: String,
    graph: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Files {
    sources: Vec<Source>,
    limits: LoadLimits,
    current: Mutex<Revision>,
}

impl Files {
    pub(crate) fn open(config: &TriplesConfig) -> Result<Self, OpenError> {
        let sources = config.files.iter().map(source).collect::<Result<Vec<_>, _>>()?;
        if sources.is_empty() {
            return Err(OpenError::NoFiles);
        }
        let limits = config.limits.load();
        let current = Mutex::new(read(&sources, limits, stamps(&sources)?)?);
        Ok(Self { sources, limits, current })
    }

    /// What the files say now. Blocks while they are read.
    pub(crate) fn revision(&self) -> Result<Revision, OpenError> {
        // Nothing that could panic halfway runs under the lock.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.sources)?;
        if current.stamps != stamps {
            *current = read(&self.sources, self.limits, stamps)?;
        }
        Ok(current.clone())
    }

    /// The paths, for people.
    pub(crate) fn names(&self) -> String {
        self.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn source(file: &FileConfig) -> Result<Source, OpenError> {
    let name = file.path.display().to_string();
    let format = match &file.format {
        Some(format) => Format::parse(format),
        None => Format::of_path(&name),
    };
    let format = format.map_err(|cause| OpenError::Format { path: name.clone(), cause })?;
    let base = match &file.base {
        Some(base) => base.clone(),
        None => {
            let path = std::path::absolute(&file.path).ok();
            let url = path.and_then(|path| Url::from_file_path(path).ok());
            url.ok_or_else(|| OpenError::NoBase { path: name.clone() })?.into()
        }
    };
    Ok(Source { path: file.path.clone(), name, format, base, graph: file.graph.clone() })
}

fn stamps(sources: &[Source]) -> Result<Vec<Stamp>, OpenError> {
    let stamp = |source: &Source| {
        let failed = |cause| OpenError::Read { path: source.name.clone(), cause };
        let metadata = std::fs::metadata(&source.path).map_err(failed)?;
        Ok(Stamp { bytes: metadata.len(), modified: metadata.modified().ok() })
    };
    sources.iter().map(stamp).collect()
}

/// `stamps` are from before: a file that changes while it is read is read again by the next call.
fn read(sources: &[Source], limits: LoadLimits, stamps: Vec<Stamp>) -> Result<Revision, OpenError> {
    let mut loader = Loader::new(limits);
    for (source, stamp) in sources.iter().zip(&stamps) {
        // What is too large is not read into memory first.
        let most = u64::try_from(limits.document_bytes).unwrap_or(u64::MAX);
        let content = if stamp.bytes > most {
            let message = format!("the document has {} bytes, {most} are allowed", stamp.bytes);
            let document = source.name.clone();
            return Err(weft_triples::LoadError::Limit { document, message }.into());
        } else {
            std::fs::read(&source.path).map_err(|cause| OpenError::Read { path: source.name.clone(), cause })?
        };
        loader.add(&Document {
            name: &source.name,
            content: &content,
            format: source.format,
            base: Some(&source.base),
            graph: source.graph.as_deref(),
        })?;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let read_at = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Ok(Revision { dataset: Arc::new(loader.finish()), read_at, stamps })
}
