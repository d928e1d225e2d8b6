//! Recorded descriptions, for checks without network.

use super::read_bytes;
use crate::failure::Failure;
use std::path::Path;
use weft_model::Code;
use weft_model::contract::Description;

const MAX_BYTES: usize = 64 << 20;

/// Nothing when none is recorded.
pub(crate) fn read_description(path: &Path) -> Result<Option<Description>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read_bytes(path, MAX_BYTES)?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let message = format!("{} is not a recorded description: {error}", path.display());
        Failure::new(Code::InvalidConfig, message)
    })
}

pub(crate) fn write_description(path: &Path, description: &Description) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(description).map_err(|error| Failure::caused(Code::Internal, &error))?;
    write_whole(path, &text)
}

/// Replaces the file as a whole: a reader never sees half of it. Folders that are missing are made.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::new(Code::InvalidConfig, format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let extension = path.extension().map(|e| format!("{}.", e.to_string_lossy())).unwrap_or_default();
    let temporary = path.with_extension(format!("{extension}{}", std::process::id()));
    std::fs::write(&temporary, bytes).map_err(failed)?;
    std::fs::rename(&temporary, path).map_err(failed)
}
