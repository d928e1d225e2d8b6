//! The document, to be read and edited by hand.

use super::name::Prefixes;
use super::score::{Choice, TAKEN};
use super::{ChosenEntity, ChosenLink, ChosenProperty, SuggestRequest};
use weft_model::contract::{Description, ForeignKey, Table, UnquotedNames};

/// Writes Turtle.
pub(super) struct Writer<'a> {
    prefixes: Prefixes,
    request: &'a SuggestRequest<'a>,
    identifiers: Identifiers,
    body: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(prefixes: Prefixes, request: &'a SuggestRequest<'a>) -> Self {
        Self { prefixes, request, identifiers: Identifiers::new(request.description), body: String::new() }
    }

    pub(super) fn entity(&mut self, entity: &ChosenEntity<'_>) {
        let table = entity.shape.table;
        let key = match entity.shape.key {
            Some(key) => format!("key {}", shown_list(key)),
            None => "no key".to_owned(),
        };
        self.line(&format!("\n# {}: {key}", shown(&table.name)));
        for remark in &entity.remarks {
            self.line(&format!("# {remark}"));
        }
        self.head(table);
        let class = self.prefixes.short(entity.class.as_str());
        self.near(&entity.choice);
        self.line("  rr:subjectMap [");
        self.line(&format!("    rr:template {} ;", entity.subject));
        if entity.shape.key.is_none() {
            self.line("    rr:termType rr:BlankNode ;");
        }
        self.line(&format!("    rr:class {class}"));
        self.open("  ]", entity.properties.is_empty());
        for (i, property) in entity.properties.iter().enumerate() {
            self.property(property, i + 1 == entity.properties.len());
        }
    }

    pub(super) fn link(&mut self, link: &ChosenLink<'_>) {
        let shape = link.shape;
        let (from, to) = (shown(&shape.from.referenced_table), shown(&shape.to.referenced_table));
        self.line(&format!("\n# {}: references from {from} to {to} and nothing else", shown(&shape.table.name)));
        self.head(shape.table);
        self.line(&format!("  rr:subjectMap [ rr:template {} ] ;", link.subject));
        self.property(&link.property, true);
    }

    fn head(&mut self, table: &Table) {
        self.line(&node(&table.name));
        self.line(&format!("  rr:logicalTable [ rr:tableName {} ] ;", literal(&self.identifiers.table(&table.name))));
    }

    fn property(&mut self, property: &ChosenProperty<'_>, is_last: bool) {
        let predicate = self.prefixes.short(property.iri.as_str());
        self.near(&property.choice);
        if let Some(unit) = property.column.and_then(|column| column.unit.as_deref()) {
            self.line(&format!("  # in {}", one_line(unit)));
        }
        let map = match property.column {
            Some(column) => format!("[ rr:column {} ]", literal(&self.identifiers.column(&column.name))),
            None => property.reference.map(|key| self.identifiers.reference(key)).unwrap_or_default(),
        };
        let line = format!("  rr:predicateObjectMap [ rr:predicate {predicate} ; rr:objectMap {map} ]");
        if line.len() <= 120 {
            self.open(&line, is_last);
        } else {
            self.line(&format!("  rr:predicateObjectMap [ rr:predicate {predicate} ;"));
            self.open(&format!("    rr:objectMap {map} ]"), is_last);
        }
    }

    /// What the ontology has for this: the score of the term below, and what else was near.
    fn near(&mut self, choice: &Choice) {
        let mut parts = Vec::new();
        if let Some(taken) = &choice.taken {
            parts.push(format!("{} fits with {:.2}", self.prefixes.short(taken.iri.as_str()), taken.score));
        }
        if !choice.others.is_empty() {
            let others = choice.others.iter();
            let others: Vec<String> =
                others.map(|other| format!("{} {:.2}", self.prefixes.short(other.iri.as_str()), other.score)).collect();
            parts.push(format!("near: {}", others.join(", ")));
        }
        if !parts.is_empty() {
            self.line(&format!("  # {}", parts.join("; ")));
        }
    }

    fn open(&mut self, text: &str, is_last: bool) {
        self.line(&format!("{text} {}", if is_last { '.' } else { ';' }));
    }

    fn line(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    pub(super) fn finish(self, tables: usize) -> String {
        let SuggestRequest { source, description, ontology, .. } = self.request;
        let tables = if tables == 1 { "1 table".to_owned() } else { format!("{tables} tables") };
        let mut text = format!(
            "# How {tables} of source {source} become RDF (R2RML). Suggested by `weft mapping suggest {source}` from what\n\
             # {} says of them; from here on it is yours to edit. `weft mapping preview {source}` shows what a few rows\n\
             # become, `weft check` finds mistakes, `weft mapping diff` shows what a change does.\n",
            one_line(&description.name)
        );
        if !ontology.is_empty() {
            text.push_str(&format!(
                "#\n# Above what the ontology has a term for stands how well the term fits by name and type (1.00 is best), and which\n\
                 # others are near. Where none reaches {TAKEN:.2}, the term is one of the source's own.\n"
            ));
        }
        format!("{text}\n{}{}", self.prefixes.declarations(), self.body)
    }
}

/// The triples map of a table.
fn node(table: &str) -> String {
    format!("<#{}>", super::name::encoded(table))
}

fn in_braces(identifier: &str) -> String {
    let mut out = String::new();
    for c in identifier.chars() {
        if matches!(c, '\\' | '{' | '}') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// How names are written as SQL identifiers: without quotes where the source reads them as they are.
#[derive(Clone, Copy)]
pub(super) struct Identifiers {
    /// Whether some table of the source is in a database that reads unquoted names in lower case.
    lower_case: bool,
}

impl Identifiers {
    pub(super) fn new(description: &Description) -> Self {
        let folds = |table: &Table| table.sql.as_ref().is_some_and(|sql| sql.unquoted == UnquotedNames::LowerCase);
        Self { lower_case: description.tables.iter().any(folds) }
    }

    fn table(self, name: &str) -> String {
        if name.split('.').all(|part| self.is_plain(part)) {
            return name.to_owned();
        }
        // The dots of a database's own names are between parts.
        let parts: Vec<&str> = name.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return quoted(name);
        }
        parts
            .into_iter()
            .map(|part| if self.is_plain(part) { part.to_owned() } else { quoted(part) })
            .collect::<Vec<_>>()
            .join(".")
    }

    fn column(self, name: &str) -> String {
        if self.is_plain(name) { name.to_owned() } else { quoted(name) }
    }

    fn is_plain(self, name: &str) -> bool {
        let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_word && !(self.lower_case && name.contains(|c: char| c.is_ascii_uppercase()))
    }

    /// The template of a subject.
    pub(super) fn template<'a>(self, prefix: &str, columns: impl Iterator<Item = &'a str>) -> String {
        let placeholders: Vec<String> =
            columns.map(|column| format!("{{{}}}", in_braces(&self.column(column)))).collect();
        literal(&format!("{prefix}{}", placeholders.join("/")))
    }

    /// A reference by the parent's triples map.
    fn reference(self, key: &ForeignKey) -> String {
        let pairs = key.columns.iter().zip(&key.referenced_columns);
        let conditions: Vec<String> = pairs
            .map(|(child, parent)| {
                let (child, parent) = (literal(&self.column(child)), literal(&self.column(parent)));
                format!("[ rr:child {child} ; rr:parent {parent} ]")
            })
            .collect();
        format!("[ rr:parentTriplesMap {} ; rr:joinCondition {} ]", node(&key.referenced_table), conditions.join(", "))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string of Turtle.
fn literal(text: &str) -> String {
    oxrdf::Literal::from(text).to_string()
}

/// A name in a comment, which a line break would end.
pub(super) fn shown(name: &str) -> String {
    one_line(name)
}

pub(super) fn shown_list(names: &[String]) -> String {
    names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}
