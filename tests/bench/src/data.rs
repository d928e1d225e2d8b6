//! Generated data: SQLite files that are made once and kept.
//!
//! A file is what its script makes, so it is named after the script: another scale or another schema is another file,
//! and nothing stale is ever used.

mod plant;
mod vendor;

use anyhow::{Context, Result};
use rusqlite::Connection;
use serde::Serialize;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// What relative IRIs of mappings are resolved against.
pub(crate) const BASE: &str = "http://b/";

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Scale {
    /// Each has ten orders, each of those ten units.
    pub(crate) parts: u64,
    /// Of the bill of material.
    pub(crate) edges: u64,
    /// Rows of the sensor table.
    pub(crate) readings: u64,
    /// Of each vendor; twice as many offers and reviews.
    pub(crate) products: u64,
}

impl Scale {
    /// Thousands of parts and what belongs to them.
    pub(crate) fn thousands(thousands: u64, readings: u64) -> Self {
        Self { parts: 1_000 * thousands, edges: 100_000 * thousands, readings, products: 200 * thousands }
    }

    pub(crate) fn orders(self) -> u64 {
        10 * self.parts
    }

    pub(crate) fn units(self) -> u64 {
        100 * self.parts
    }
}

/// Sources that are asked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Site {
    /// `plm`, `erp`, `mes` and `historian`.
    Plant,
    /// So many vendors of one vocabulary: `vendor1`, `vendor2` ...
    Shop(u32),
}

/// A source as a file, and how its rows are RDF.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    /// R2RML in Turtle.
    pub(crate) mapping: String,
}

/// The generated data in its folder.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    folder: PathBuf,
    pub(crate) scale: Scale,
}

impl Data {
    pub(crate) fn new(folder: &Path, scale: Scale) -> Self {
        Self { folder: folder.join("data"), scale }
    }

    /// The sources of a site. Files that are missing are made first, which may take half a minute.
    pub(crate) fn sources(&self, site: Site) -> Result<Vec<Source>> {
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot create {}", self.folder.display()))?;
        let recipes = match site {
            Site::Plant => plant::recipes(self.scale),
            Site::Shop(vendors) => (1..=vendors).map(|number| vendor::recipe(number, self.scale.products)).collect(),
        };
        recipes.into_iter().map(|recipe| self.make(recipe)).collect()
    }

    fn make(&self, recipe: Recipe) -> Result<Source> {
        let mut hasher = DefaultHasher::new();
        recipe.script.hash(&mut hasher);
        let file = self.folder.join(format!("{}-{:016x}.sqlite", recipe.name, hasher.finish()));
        if !file.exists() {
            fill(&file, &recipe.script).with_context(|| format!("cannot make the data of {}", recipe.name))?;
        }
        let mapping = format!("{PREFIXES}{}", recipe.mapping);
        Ok(Source { name: recipe.name, file: file.canonicalize()?, mapping })
    }
}

const PREFIXES: &str = "@prefix rr: <http://www.w3.org/ns/r2rml#> .\n@prefix v: <http://b/v#> .\n";

/// How a source is made.
struct Recipe {
    name: String,
    /// SQL that makes and fills the tables.
    script: String,
    mapping: String,
}

/// Under another name until it is whole.
fn fill(file: &Path, script: &str) -> Result<()> {
    eprintln!("making {}", file.display());
    let unfinished = file.with_extension(format!("{}.part", std::process::id()));
    let database = Connection::open(&unfinished)?;
    database
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN")?;
    let filled = database.execute_batch(script).and_then(|()| database.execute_batch("COMMIT; ANALYZE"));
    drop(database);
    if let Err(error) = filled {
        fs::remove_file(&unfinished).ok();
        return Err(error.into());
    }
    Ok(fs::rename(&unfinished, file)?)
}

/// `n(i)` with 0, 1 ... up to `rows` values.
fn numbers(rows: u64) -> String {
    format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows})")
}

/// The triple map of a table: its subject template, and what is said of it.
fn triple_map(table: &str, subject: &str, properties: &[(&str, Object<'_>)]) -> String {
    let mut text = format!(
        "<#{table}> rr:logicalTable [ rr:tableName \"{table}\" ] ; rr:subjectMap [ rr:template \"{subject}\" ]"
    );
    for (predicate, object) in properties {
        let object = match object {
            Object::Column(column) => format!("rr:column \"{column}\""),
            Object::Template(template) => format!("rr:template \"{template}\""),
        };
        text.push_str(&format!(
            " ;\n  rr:predicateObjectMap [ rr:predicate v:{predicate} ; rr:objectMap [ {object} ] ]"
        ));
    }
    text.push_str(" .\n");
    text
}

enum Object<'a> {
    Column(&'a str),
    Template(&'a str),
}
