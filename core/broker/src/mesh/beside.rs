//! Files that a mapping names: they are in its folder or below it.

use super::read_text;
use std::path::{Component, Path};

/// The text of a file beside a mapping, or why there is none.
pub(super) fn read_beside(mapping: &Path, name: &str, limit: usize) -> Result<String, String> {
    let name = Path::new(name);
    let is_below = name.components().all(|part| matches!(part, Component::Normal(_)));
    if name.as_os_str().is_empty() || !is_below {
        return Err("only files in the folder of the mapping, or below it, are read".to_owned());
    }
    let folder = mapping.parent().unwrap_or_else(|| Path::new(""));
    read_text(&folder.join(name), limit).map_err(|failure| failure.message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lists")).unwrap();
        std::fs::write(folder.path().join("lists/states.csv"), "code,iri\n").unwrap();
        let mapping = folder.path().join("erp.ttl");
        let read = |name: &str| read_beside(&mapping, name, 100);
        assert_eq!(read("lists/states.csv").unwrap(), "code,iri\n");
        assert_eq!(read("./lists/states.csv").unwrap_err(), read("").unwrap_err());
        for outside in ["../lists/states.csv", "lists/../../x", "/etc/hostname", ".."] {
            assert!(read(outside).unwrap_err().contains("in the folder of the mapping"), "{outside}");
        }
        assert!(read("lists/none.csv").unwrap_err().contains("cannot read"));
        assert!(read_beside(&mapping, "lists/states.csv", 3).unwrap_err().contains("3 are allowed"));
    }
}
