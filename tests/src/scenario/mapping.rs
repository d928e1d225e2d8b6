//! Writes an R2RML document for drafted tables.

use super::computed;
use super::generate::{CONCEPTS, Draft, Kind, Reference};
use super::pools::pick;
use super::{BASE, MappingDocument, TriplesMapText};
use rand::Rng;
use rand::rngs::StdRng;
use weft_model::contract::{Column, DataType, TypeKind};

const PROLOGUE: &str = "@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <http://example.com/vocab#> .
@prefix weft: <https://weft.dev/ns#> .
@base <http://example.com/map/> .
";

/// Predicates and the type each is mostly used for.
const PREDICATES: &[(&str, TypeKind)] = &[
    ("name", TypeKind::Text),
    ("label", TypeKind::Text),
    ("count", TypeKind::Int64),
    ("level", TypeKind::Int64),
    ("mass", TypeKind::Decimal),
    ("heat", TypeKind::Float64),
    ("ok", TypeKind::Boolean),
    ("made", TypeKind::Date),
    ("seen", TypeKind::Timestamp),
    ("raw", TypeKind::Binary),
];

/// Predicates between things.
const RELATIONS: &[&str] = &["partOf", "uses", "near"];

const GRAPHS: &[&str] = &["urn:graph:shared", "urn:graph:other", "urn:weft:source:s0"];

struct Writer<'a> {
    drafts: &'a [Draft],
    source: &'a str,
    /// Whether terms are also computed from values.
    computes: bool,
}

pub(super) fn document(rng: &mut StdRng, source: &str, drafts: &[Draft], kind: Kind) -> MappingDocument {
    let writer = Writer { drafts, source, computes: rng.random_bool(0.3) };
    let mut maps = Vec::new();
    for number in 0..drafts.len() {
        maps.push(writer.main_map(rng, number));
        if rng.random_bool(0.25) {
            maps.extend(writer.second_map(rng, number));
        }
    }
    if kind == Kind::Apart {
        maps.iter_mut().enumerate().for_each(|(number, map)| set_apart(map, &format!("{source}m{number}")));
    }
    MappingDocument { prologue: PROLOGUE.to_owned(), maps }
}

/// Gives the predicates of a triples map names of their own.
fn set_apart(map: &mut TriplesMapText, suffix: &str) {
    for (number, part) in map.predicate_objects.iter_mut().enumerate() {
        let names = PREDICATES.iter().map(|(name, _)| *name).chain(RELATIONS.iter().copied());
        for name in names {
            *part =
                part.replace(&format!("rr:predicate ex:{name} "), &format!("rr:predicate ex:{name}{number}-{suffix} "));
        }
    }
}

impl Writer<'_> {
    fn name(&self, table: usize) -> String {
        format!("<#{}-{table}>", self.source)
    }

    fn main_map(&self, rng: &mut StdRng, table: usize) -> TriplesMapText {
        let draft = &self.drafts[table];
        let template = self.template(rng, draft.concept, &names(draft, &draft.key));
        let subject = match rng.random_range(0..100) {
            0..3 => format!("rr:constant <{BASE}part/1>"),
            3..8 => format!("{template} ; rr:termType rr:BlankNode"),
            _ => template,
        };
        let mut classes = Vec::new();
        if rng.random_bool(0.7) {
            classes.push(CONCEPTS[draft.concept].class);
        }
        if rng.random_bool(0.3) {
            classes.push("Thing");
        }
        let head = head(rng, &self.name(table), draft, &subject, &classes);
        let mut parts = Vec::new();
        for column in 0..draft.columns.len() {
            parts.extend(self.value(rng, draft, column));
        }
        for reference in &draft.references {
            parts.extend(self.reference(rng, table, reference));
        }
        parts.extend(self.further(rng, table));
        TriplesMapText { head, predicate_objects: parts }
    }

    /// What a column says of the subject; sometimes nothing, sometimes twice.
    fn value(&self, rng: &mut StdRng, draft: &Draft, column: usize) -> Vec<String> {
        let is_key = draft.key.contains(&column);
        if draft.references.iter().any(|r| r.columns.contains(&column)) || (is_key && rng.random_bool(0.6)) {
            return Vec::new();
        }
        let times = pick(rng, &[1, 1, 1, 1, 2, 0]);
        let kind = draft.columns[column].data_type.kind();
        let part = |rng: &mut StdRng| {
            let predicate = if draft.iris.contains(&column) { relation(rng) } else { predicate(rng, kind) };
            let object = self.object(rng, draft, column);
            predicate_object(rng, &predicate, &object)
        };
        (0..times).map(|_| part(rng)).collect()
    }

    /// The template of a thing, of keys as they are or normalised.
    fn template(&self, rng: &mut StdRng, concept: usize, columns: &[String]) -> String {
        if self.computes && rng.random_bool(0.4) {
            return computed::template(rng, columns, |placeholders| template(concept, placeholders));
        }
        format!("rr:template {}", quoted(&template(concept, columns)))
    }

    fn object(&self, rng: &mut StdRng, draft: &Draft, column: usize) -> String {
        let Column { name, data_type, .. } = &draft.columns[column];
        if self.computes
            && !draft.iris.contains(&column)
            && rng.random_bool(0.3)
            && let Some(object) = computed::object(rng, name, *data_type)
        {
            return object;
        }
        let literal = literal(rng, draft, column);
        let is_plain = *data_type == DataType::Text && !literal.contains("termType");
        if self.computes && is_plain && rng.random_bool(0.2) {
            return format!("{literal}{}", computed::normaliser(rng));
        }
        literal
    }

    fn reference(&self, rng: &mut StdRng, table: usize, reference: &Reference) -> Vec<String> {
        let draft = &self.drafts[table];
        let columns = names(draft, &reference.columns);
        let mut parts = Vec::new();
        if rng.random_bool(0.75) {
            let object = self.template(rng, reference.concept, &columns);
            let predicate = relation(rng);
            parts.push(predicate_object(rng, &predicate, &object));
        }
        // A join with a table of the same kind of thing, whether it is declared as a foreign key or not.
        let like = |other: &&usize| {
            let other = &self.drafts[**other];
            let types = |draft: &Draft, columns: &[usize]| -> Vec<DataType> {
                columns.iter().map(|i| draft.columns[*i].data_type).collect()
            };
            other.concept == reference.concept && types(other, &other.key) == types(draft, &reference.columns)
        };
        let numbers: Vec<usize> = (0..self.drafts.len()).collect();
        let parents: Vec<usize> = numbers.iter().filter(like).copied().collect();
        if !parents.is_empty() && rng.random_bool(0.7) {
            let parent = pick(rng, &parents);
            let pairs = columns.iter().zip(names(&self.drafts[parent], &self.drafts[parent].key));
            let conditions: Vec<(String, String)> = pairs.map(|(c, p)| (c.clone(), p)).collect();
            let predicate = relation(rng);
            parts.push(predicate_object(rng, &predicate, &self.parent(parent, &conditions)));
        }
        parts
    }

    fn parent(&self, parent: usize, conditions: &[(String, String)]) -> String {
        let mut text = format!("rr:parentTriplesMap {}", self.name(parent));
        for (child, parent) in conditions {
            let (child, parent) = (quoted(child), quoted(parent));
            text.push_str(&format!(" ; rr:joinCondition [ rr:child {child} ; rr:parent {parent} ]"));
        }
        text
    }

    /// Constants, literal templates, the subject as object, and joins on columns that are no keys.
    fn further(&self, rng: &mut StdRng, table: usize) -> Vec<String> {
        let draft = &self.drafts[table];
        let mut parts = Vec::new();
        if rng.random_bool(0.15) {
            let constants = [
                "ex:Red",
                "<http://example.com/part/1>",
                "\"bolt\"",
                "5",
                "\"bolt\"@en",
                "true",
                "2.5",
                "\"1.0E0\"^^xsd:double",
            ];
            let object = format!("rr:constant {}", pick(rng, &constants));
            let predicate = pick(rng, &["ex:name", "ex:level", "ex:uses", "ex:near"]);
            parts.push(predicate_object(rng, predicate, &object));
        }
        if rng.random_bool(0.12) {
            let a = &draft.columns[rng.random_range(0..draft.columns.len())];
            let b = &draft.columns[rng.random_range(0..draft.columns.len())];
            if a.data_type != DataType::Binary && b.data_type != DataType::Binary {
                let text = format!("{{{}}}{}{{{}}}", a.name, pick(rng, &[" of ", "", "/"]), b.name);
                let extra = pick(rng, &["", "", " ; rr:language \"en\""]);
                let object = format!("rr:template {} ; rr:termType rr:Literal{extra}", quoted(&text));
                parts.push(predicate_object(rng, "ex:label", &object));
            }
        }
        if rng.random_bool(0.06) {
            parts.push(predicate_object(rng, "ex:near", &self.parent(table, &[])));
        }
        if rng.random_bool(0.15) {
            parts.extend(self.join_on_values(rng, table));
        }
        parts
    }

    fn join_on_values(&self, rng: &mut StdRng, table: usize) -> Option<String> {
        let draft = &self.drafts[table];
        let parent = rng.random_range(0..self.drafts.len());
        let child_column = &draft.columns[rng.random_range(0..draft.columns.len())];
        let same = |column: &&Column| column.data_type == child_column.data_type;
        let column = self.drafts[parent].columns.iter().find(same)?;
        if matches!(column.data_type, DataType::Float64 | DataType::Binary) {
            return None;
        }
        let conditions = [(child_column.name.clone(), column.name.clone())];
        Some(predicate_object(rng, "ex:near", &self.parent(parent, &conditions)))
    }

    /// The rows of a table seen as statements about what they refer to.
    fn second_map(&self, rng: &mut StdRng, table: usize) -> Option<TriplesMapText> {
        let draft = &self.drafts[table];
        let reference = draft.references.first()?;
        let subject = self.template(rng, reference.concept, &names(draft, &reference.columns));
        let classes: &[&str] = if rng.random_bool(0.5) { &[CONCEPTS[reference.concept].class] } else { &[] };
        let name = format!("<#{}-{table}-of>", self.source);
        let head = head(rng, &name, draft, &subject, classes);
        let own = self.template(rng, draft.concept, &names(draft, &draft.key));
        let predicate = relation(rng);
        let parts = vec![predicate_object(rng, &predicate, &own)];
        Some(TriplesMapText { head, predicate_objects: parts })
    }
}

fn head(rng: &mut StdRng, name: &str, draft: &Draft, subject: &str, classes: &[&str]) -> String {
    let mut text =
        format!("{name} rr:logicalTable [ rr:tableName {} ] ;\n    rr:subjectMap [ {subject}", quoted(&draft.name));
    for class in classes {
        text.push_str(&format!(" ; rr:class ex:{class}"));
    }
    if rng.random_bool(0.15) {
        text.push_str(&format!(" ; rr:graph <{}>", pick(rng, GRAPHS)));
    }
    if rng.random_bool(0.04) {
        text.push_str(&graph_map(rng, draft));
    }
    text.push_str(" ]");
    text
}

/// Graphs that rows name, and some rows do not.
fn graph_map(rng: &mut StdRng, draft: &Draft) -> String {
    let column = &draft.columns[rng.random_range(0..draft.columns.len())];
    let prefix = pick(rng, &["http://example.com/graph/", "urn:graph:"]);
    format!(" ; rr:graphMap [ rr:template {} ]", quoted(&format!("{prefix}{{{}}}", column.name)))
}

fn predicate_object(rng: &mut StdRng, predicate: &str, object: &str) -> String {
    let graph = if rng.random_bool(0.08) { format!(" ; rr:graph <{}>", pick(rng, GRAPHS)) } else { String::new() };
    format!("rr:predicateObjectMap [ rr:predicate {predicate} ; rr:objectMap [ {object} ]{graph} ]")
}

fn predicate(rng: &mut StdRng, kind: TypeKind) -> String {
    let usual: Vec<&str> = PREDICATES.iter().filter(|(_, k)| *k == kind).map(|(name, _)| *name).collect();
    let name = if rng.random_bool(0.85) { pick(rng, &usual) } else { pick(rng, PREDICATES).0 };
    format!("ex:{name}")
}

fn relation(rng: &mut StdRng) -> String {
    format!("ex:{}", pick(rng, RELATIONS))
}

/// The object map of a column that holds a value.
fn literal(rng: &mut StdRng, draft: &Draft, column: usize) -> String {
    let data_type = draft.columns[column].data_type;
    let name = quoted(&draft.columns[column].name);
    let extra = if draft.iris.contains(&column) {
        " ; rr:termType rr:IRI"
    } else if rng.random_bool(0.02) {
        " ; rr:termType rr:BlankNode"
    } else {
        match data_type {
            DataType::Text => pick(
                rng,
                &[
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    " ; rr:language \"en\"",
                    " ; rr:language \"en-GB\"",
                    " ; rr:datatype ex:code",
                    " ; rr:datatype xsd:string",
                    " ; rr:datatype xsd:anyURI",
                ],
            ),
            DataType::Int64 => pick(
                rng,
                &[
                    "",
                    "",
                    "",
                    "",
                    "",
                    " ; rr:datatype xsd:integer",
                    " ; rr:datatype xsd:decimal",
                    " ; rr:datatype xsd:string",
                ],
            ),
            DataType::Binary => "",
            DataType::Float64 => pick(rng, &["", "", " ; rr:datatype xsd:double", " ; rr:datatype xsd:string"]),
            _ => pick(rng, &["", "", "", "", "", " ; rr:datatype xsd:string", " ; rr:datatype ex:code"]),
        }
    };
    format!("rr:column {name}{extra}")
}

fn names(draft: &Draft, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|i| draft.columns[*i].name.clone()).collect()
}

fn template(concept: usize, columns: &[String]) -> String {
    let parts = CONCEPTS[concept].parts;
    let mut text = format!("{BASE}{}", parts[0]);
    for (column, part) in columns.iter().zip(&parts[1..]) {
        text.push_str(&format!("{{{column}}}{part}"));
    }
    text
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
