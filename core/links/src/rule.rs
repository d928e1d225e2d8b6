//! Link rules, as they are declared in a file.

mod fields;
mod read;
#[cfg(test)]
mod tests;

use oxrdf::NamedNode;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use weft_mapping::Normaliser;

/// The rules of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleFile {
    pub rules: Vec<LinkRule>,
}

/// Which entities are linked, and how that is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRule {
    pub name: String,
    pub predicate: NamedNode,
    pub left: Side,
    pub right: Side,
    /// Keys that must be equal.
    pub exact: Vec<String>,
    /// Keys that must be similar.
    pub fuzzy: Vec<Fuzzy>,
    /// Keys whose first so many characters must be equal, so that never all are compared with all; 0: the whole key.
    pub block: BTreeMap<String, usize>,
    /// Links with this score or more are confirmed.
    pub confirm: f64,
    /// Links with this score or more, and less than `confirm`, are proposed.
    pub propose: f64,
    /// The score of keys that are wholly equal.
    pub confidence: f64,
    /// Whether a link is confirmed also where one of its ends has several counterparts; else it is only proposed.
    pub confirm_ambiguous: bool,
    pub limits: RuleLimits,
}

/// Where the entities of one side come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// The source whose graph is asked; all without.
    pub source: Option<String>,
    pub keys: KeySource,
    /// How keys are brought to one spelling, by name. A normaliser with groups makes a key of each.
    pub normalise: BTreeMap<String, Normaliser>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum KeySource {
    /// The instances of a class, and a property for each key.
    Properties { class: Option<NamedNode>, properties: BTreeMap<String, NamedNode> },
    /// A SPARQL graph pattern that binds `?entity` and a variable for each key.
    Pattern { text: String, variables: Vec<String> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fuzzy {
    pub key: String,
    pub similarity: Similarity,
    pub weight: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Similarity {
    Levenshtein,
    DamerauLevenshtein,
    Jaro,
    JaroWinkler,
    SorensenDice,
}

/// What a rule may find. One that finds more is stopped, and nothing of it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLimits {
    /// Rows of keys of one side.
    pub most_entities: usize,
    /// Pairs that one block has, of which each is compared.
    pub most_candidates: usize,
    /// Links of one entity.
    pub most_counterparts: usize,
    /// Links of the rule.
    pub most_links: usize,
}

impl Default for RuleLimits {
    fn default() -> Self {
        Self { most_entities: 5_000_000, most_candidates: 10_000, most_counterparts: 20, most_links: 1_000_000 }
    }
}

/// What is wrong with a rule file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RuleError {
    pub file: PathBuf,
    /// Starts at 1.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

impl RuleFile {
    /// Reads a file of rules. `prefixes` are those its names may use; `sources` are those there are. All that is wrong is
    /// told.
    pub fn parse(
        file: &Path,
        text: &str,
        prefixes: &[(String, String)],
        sources: &[&str],
    ) -> Result<Self, Vec<RuleError>> {
        read::read(text, prefixes, sources).map_err(|wrong| {
            let error = |(line, message)| RuleError { file: file.to_owned(), line, message };
            wrong.into_iter().map(error).collect()
        })
    }

    pub fn rule(&self, name: &str) -> Option<&LinkRule> {
        self.rules.iter().find(|rule| rule.name == name)
    }
}

impl LinkRule {
    /// All that decides which links the rule finds. A rule whose text is another is another rule; limits decide nothing.
    pub fn text(&self) -> String {
        self.to_string()
    }
}

impl Side {
    /// The keys that entities of this side have once they are normalised.
    pub fn key_names(&self) -> Vec<&str> {
        let raw: Vec<&str> = match &self.keys {
            KeySource::Properties { properties, .. } => properties.keys().map(String::as_str).collect(),
            KeySource::Pattern { variables, .. } => variables.iter().map(String::as_str).collect(),
        };
        let groups = |name: &'_ &str| self.normalise.get(*name).filter(|normaliser| !normaliser.groups().is_empty());
        let mut names = Vec::new();
        for name in raw {
            match groups(&name) {
                Some(normaliser) => names.extend(normaliser.groups().iter().map(String::as_str)),
                None => names.push(name),
            }
        }
        names
    }

    /// The names of the keys as they are asked for.
    pub fn raw_names(&self) -> Vec<&str> {
        match &self.keys {
            KeySource::Properties { properties, .. } => properties.keys().map(String::as_str).collect(),
            KeySource::Pattern { variables, .. } => variables.iter().map(String::as_str).collect(),
        }
    }

    /// The query for the entities and their keys, in the order of [`Side::raw_names`]. `graph` is that of the source.
    pub fn query(&self, graph: Option<&NamedNode>) -> String {
        let pattern = match &self.keys {
            KeySource::Pattern { text, .. } => text.clone(),
            KeySource::Properties { class, properties } => {
                let class = class.iter().map(|class| format!("?entity a {class} ."));
                let keys = properties.iter().map(|(name, property)| format!("?entity {property} ?{name} ."));
                class.chain(keys).collect::<Vec<_>>().join("\n  ")
            }
        };
        let pattern = match graph {
            Some(graph) => format!("GRAPH {graph} {{\n  {pattern}\n}}"),
            None => pattern,
        };
        let variables: String = self.raw_names().iter().map(|name| format!(" ?{name}")).collect();
        format!("SELECT DISTINCT ?entity{variables} WHERE {{\n  {pattern}\n}}")
    }
}

impl Similarity {
    const ALL: [(&'static str, Self); 5] = [
        ("levenshtein", Self::Levenshtein),
        ("damerau-levenshtein", Self::DamerauLevenshtein),
        ("jaro", Self::Jaro),
        ("jaro-winkler", Self::JaroWinkler),
        ("sorensen-dice", Self::SorensenDice),
    ];

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, similarity)| similarity)
    }

    fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, similarity)| *similarity == self).map_or("", |(name, _)| name)
    }

    /// From 0 to 1, which is equality.
    pub fn between(self, a: &str, b: &str) -> f64 {
        match self {
            Self::Levenshtein => strsim::normalized_levenshtein(a, b),
            Self::DamerauLevenshtein => strsim::normalized_damerau_levenshtein(a, b),
            Self::Jaro => strsim::jaro(a, b),
            Self::JaroWinkler => strsim::jaro_winkler(a, b),
            Self::SorensenDice => strsim::sorensen_dice(a, b),
        }
    }
}

impl fmt::Display for LinkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "predicate {}", self.predicate)?;
        write!(f, "left {}right {}", self.left, self.right)?;
        writeln!(f, "exact {}", self.exact.join(", "))?;
        for fuzzy in &self.fuzzy {
            writeln!(f, "fuzzy {} {} {}", fuzzy.key, fuzzy.similarity.as_str(), fuzzy.weight)?;
        }
        for (key, length) in &self.block {
            writeln!(f, "block {key} {length}")?;
        }
        writeln!(f, "confirm {} propose {} confidence {}", self.confirm, self.propose, self.confidence)?;
        writeln!(f, "ambiguous {}", if self.confirm_ambiguous { "confirm" } else { "propose" })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "source {}", self.source.as_deref().unwrap_or("any"))?;
        match &self.keys {
            KeySource::Pattern { text, variables } => {
                writeln!(f, "  pattern {}\n  keys {}", text.trim(), variables.join(", "))?;
            }
            KeySource::Properties { class, properties } => {
                class.iter().try_for_each(|class| writeln!(f, "  class {class}"))?;
                properties.iter().try_for_each(|(name, property)| writeln!(f, "  key {name} {property}"))?;
            }
        }
        self.normalise.iter().try_for_each(|(name, normaliser)| writeln!(f, "  normalise {name} {normaliser}"))
    }
}
