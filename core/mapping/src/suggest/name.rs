//! The source's own names: namespaces, classes, properties, templates, and how IRIs are written short.

use super::shape::{Entity, table_words};
use super::words::{Words, split};
use oxrdf::NamedNode;
use std::collections::{BTreeMap, BTreeSet};

/// Vocabularies whose prefix everybody knows.
const KNOWN_PREFIXES: [(&str, &str); 15] = [
    ("dcat", "http://www.w3.org/ns/dcat#"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("org", "http://www.w3.org/ns/org#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("qudt", "http://qudt.org/schema/qudt/"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("schema", "https://schema.org/"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("sosa", "http://www.w3.org/ns/sosa/"),
    ("ssn", "http://www.w3.org/ns/ssn/"),
    ("unit", "http://qudt.org/vocab/unit/"),
    ("weft", "https://weft.dev/ns#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// Where the IRIs of a source begin: those of things, and those of its own classes and properties.
pub(super) struct Namespaces {
    pub(super) things: String,
    pub(super) terms: String,
}

impl Namespaces {
    /// `base/SOURCE/` and `base/SOURCE#`.
    pub(super) fn new(base: &str, source: &str) -> Option<Self> {
        let source = encoded(source);
        // A base without authority has no folders to begin in.
        let start = match base.contains("://") {
            true => oxiri::Iri::parse(base).ok()?.resolve(&format!("./{source}")).ok()?.into_inner(),
            false => format!("{base}{source}"),
        };
        NamedNode::new(start.as_str()).ok()?;
        Some(Self { things: format!("{start}/"), terms: format!("{start}#") })
    }
}

/// What a name is in an IRI: all but unreserved characters of ASCII are percent-encoded.
pub(super) fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `workOrder`.
pub(super) fn lower_camel(words: &[String]) -> String {
    let mut words = words.iter();
    let first = words.next().cloned().unwrap_or_default();
    words.fold(first, |name, word| name + &capitalised(word))
}

/// `WorkOrder`.
pub(super) fn upper_camel(words: &[String]) -> String {
    words.iter().map(|word| capitalised(word)).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The path of each table behind the namespace: its name without schema, where no other table has the same.
pub(super) fn paths<'a>(tables: impl Iterator<Item = &'a str> + Clone) -> BTreeMap<&'a str, String> {
    let last = |table: &'a str| table.rsplit('.').next().filter(|part| !part.is_empty()).unwrap_or(table);
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    tables.clone().for_each(|table| *count.entry(last(table)).or_default() += 1);
    tables.map(|table| (table, encoded(if count[last(table)] == 1 { last(table) } else { table }))).collect()
}

/// Names of a source's own classes, each once.
pub(super) fn class_names<'a>(entities: &[&Entity<'a>]) -> BTreeMap<&'a str, String> {
    let short = |entity: &Entity<'a>| upper_camel(&table_words(&entity.table.name));
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    entities.iter().for_each(|entity| *count.entry(short(entity)).or_default() += 1);
    let mut names = Names::default();
    let mut found = BTreeMap::new();
    for entity in entities {
        let short = short(entity);
        let wanted = if count[&short] == 1 { short } else { upper_camel(&split(&entity.table.name)) };
        found.insert(
            entity.table.name.as_str(),
            names.unique(if wanted.is_empty() { "Table".to_owned() } else { wanted }),
        );
    }
    found
}

/// Names that are given.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// The name, with a number where it is given already.
    pub(super) fn unique(&mut self, name: String) -> String {
        let mut free = name.clone();
        let mut number = 2;
        while !self.0.insert(free.clone()) {
            free = format!("{name}{number}");
            number += 1;
        }
        free
    }
}

/// The name of a property by its words.
pub(super) fn property_name(words: &Words) -> String {
    if words.is_empty() { "column".to_owned() } else { lower_camel(words) }
}

/// Prefixes of a document, those that it uses.
pub(super) struct Prefixes {
    known: Vec<(String, String)>,
    used: BTreeMap<String, String>,
}

impl Prefixes {
    /// The source's own first, then those of the configuration, then what everybody knows.
    pub(super) fn new(source: &str, terms: &str, configured: &[(String, String)]) -> Self {
        let mut used = BTreeMap::from([("rr".to_owned(), "http://www.w3.org/ns/r2rml#".to_owned())]);
        let mut known: Vec<(String, String)> =
            configured.iter().filter(|(prefix, _)| is_prefix(prefix)).cloned().collect();
        let own = known.iter().find(|(_, namespace)| namespace == terms).map(|(prefix, _)| prefix.clone());
        let own =
            own.unwrap_or_else(|| free(&as_prefix(source), |prefix| known.iter().any(|(known, _)| known == prefix)));
        known.push((own.clone(), terms.to_owned()));
        used.insert(own, terms.to_owned());
        let others = KNOWN_PREFIXES.map(|(prefix, namespace)| (prefix.to_owned(), namespace.to_owned()));
        for (prefix, namespace) in others {
            if !known.iter().any(|(known, _)| *known == prefix) {
                known.push((prefix, namespace));
            }
        }
        // The longest namespace says most.
        known.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        Self { known, used }
    }

    /// An IRI as Turtle writes it.
    pub(super) fn short(&mut self, iri: &str) -> String {
        for (prefix, namespace) in &self.known {
            if let Some(local) = iri.strip_prefix(namespace.as_str()).filter(|local| is_local(local)) {
                if self.used.get(prefix).is_some_and(|known| known != namespace) {
                    continue;
                }
                self.used.insert(prefix.clone(), namespace.clone());
                return format!("{prefix}:{local}");
            }
        }
        self.invented(iri).unwrap_or_else(|| format!("<{iri}>"))
    }

    /// A prefix after the last word of the namespace.
    fn invented(&mut self, iri: &str) -> Option<String> {
        let at = iri.rfind(['#', '/'])? + 1;
        let (namespace, local) = iri.split_at(at);
        let word = split(namespace).into_iter().rfind(|word| word.chars().all(|c| c.is_ascii_alphabetic()))?;
        if !is_local(local) {
            return None;
        }
        let prefix =
            free(&word, |prefix| self.used.contains_key(prefix) || self.known.iter().any(|(known, _)| known == prefix));
        self.known.push((prefix.clone(), namespace.to_owned()));
        self.used.insert(prefix.clone(), namespace.to_owned());
        Some(format!("{prefix}:{local}"))
    }

    pub(super) fn declarations(&self) -> String {
        self.used.iter().map(|(prefix, namespace)| format!("@prefix {prefix}: <{namespace}> .\n")).collect()
    }
}

fn free(prefix: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{prefix}{number}"));
    let is_reserved = |prefix: &str| prefix == "rr" || is_taken(prefix);
    std::iter::once(prefix.to_owned()).chain(numbered).find(|prefix| !is_reserved(prefix)).unwrap_or_default()
}

/// The letters, digits and signs of a name that a prefix may have.
fn as_prefix(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain } else { format!("s{plain}") }
}

fn is_prefix(prefix: &str) -> bool {
    prefix == as_prefix(prefix) && prefix != "rr"
}

/// What needs no escape in Turtle.
fn is_local(local: &str) -> bool {
    !local.is_empty()
        && !local.starts_with('-')
        && local.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
