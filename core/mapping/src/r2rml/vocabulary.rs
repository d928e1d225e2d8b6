//! The names R2RML and XML Schema define.

use crate::suggestion::{did_you_mean, nearest};
use oxrdf::NamedNodeRef;
use oxrdf::vocab::rdf;

pub(super) const RR: &str = "http://www.w3.org/ns/r2rml#";
/// Weft's additions.
const WEFT: &str = "https://weft.dev/ns#";
pub(super) const IN_DEFAULT_GRAPH: &str = "inDefaultGraph";
pub(super) const ENCODED_TERM: &str = "EncodedTerm";
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// Properties that are understood, and what they belong to.
const PROPERTIES: [(&str, &str); 22] = [
    ("logicalTable", TRIPLES_MAP),
    ("subjectMap", TRIPLES_MAP),
    ("subject", TRIPLES_MAP),
    ("predicateObjectMap", TRIPLES_MAP),
    ("tableName", "a logical table"),
    ("class", "a subject map"),
    ("graph", "a subject map or predicate-object map"),
    ("graphMap", "a subject map or predicate-object map"),
    ("predicate", "a predicate-object map"),
    ("predicateMap", "a predicate-object map"),
    ("object", "a predicate-object map"),
    ("objectMap", "a predicate-object map"),
    ("template", TERM_MAP),
    ("column", TERM_MAP),
    ("constant", TERM_MAP),
    ("termType", TERM_MAP),
    ("datatype", "an object map"),
    ("language", "an object map"),
    ("parentTriplesMap", "an object map"),
    ("joinCondition", "an object map with rr:parentTriplesMap"),
    ("child", "a join condition"),
    ("parent", "a join condition"),
];
const TRIPLES_MAP: &str = "a triples map";
const TERM_MAP: &str = "a subject, predicate, object or graph map";

const UNSUPPORTED: [&str; 3] = ["sqlQuery", "sqlVersion", "inverseExpression"];

const CLASSES: [&str; 12] = [
    "TriplesMap",
    "LogicalTable",
    "BaseTableOrView",
    "R2RMLView",
    "TermMap",
    "SubjectMap",
    "PredicateMap",
    "ObjectMap",
    "GraphMap",
    "PredicateObjectMap",
    "RefObjectMap",
    "Join",
];

const TERM_TYPES: [&str; 3] = ["IRI", "BlankNode", "Literal"];

/// The simple types of XML Schema 1.1 part 2.
const XSD_TYPES: [&str; 49] = [
    "string",
    "boolean",
    "decimal",
    "float",
    "double",
    "duration",
    "dateTime",
    "time",
    "date",
    "gYearMonth",
    "gYear",
    "gMonthDay",
    "gDay",
    "gMonth",
    "hexBinary",
    "base64Binary",
    "anyURI",
    "QName",
    "NOTATION",
    "normalizedString",
    "token",
    "language",
    "NMTOKEN",
    "NMTOKENS",
    "Name",
    "NCName",
    "ID",
    "IDREF",
    "IDREFS",
    "ENTITY",
    "ENTITIES",
    "integer",
    "nonPositiveInteger",
    "negativeInteger",
    "long",
    "int",
    "short",
    "byte",
    "nonNegativeInteger",
    "unsignedLong",
    "unsignedInt",
    "unsignedShort",
    "unsignedByte",
    "positiveInteger",
    "yearMonthDuration",
    "dayTimeDuration",
    "dateTimeStamp",
    "anyAtomicType",
    "anySimpleType",
];

/// What is wrong with a property, if it is one of R2RML's namespace and not understood.
pub(super) fn check_property(property: &str) -> Result<(), String> {
    let Some(name) = property.strip_prefix(RR) else { return Ok(()) };
    if PROPERTIES.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    if UNSUPPORTED.contains(&name) {
        return Err(format!("not supported yet: rr:{name}"));
    }
    let known = PROPERTIES.iter().map(|(known, _)| *known).chain(UNSUPPORTED);
    Err(format!("R2RML has no property rr:{name}{}", suggest("rr:", name, known)))
}

pub(super) fn check_class(class: &str) -> Result<(), String> {
    let Some(name) = class.strip_prefix(RR) else { return Ok(()) };
    if CLASSES.contains(&name) {
        return Ok(());
    }
    Err(format!("R2RML has no class rr:{name}{}", suggest("rr:", name, CLASSES)))
}

/// The name of a property of R2RML or of Weft's additions to it, without its namespace.
pub(super) fn local_name(property: &str) -> Option<&str> {
    let addition = || property.strip_prefix(WEFT).filter(|name| *name == IN_DEFAULT_GRAPH);
    property.strip_prefix(RR).or_else(addition)
}

/// A property or term type with its prefix, for people.
pub(super) fn prefixed(name: &str) -> String {
    let is_addition = matches!(name, IN_DEFAULT_GRAPH | ENCODED_TERM);
    format!("{}:{name}", if is_addition { "weft" } else { "rr" })
}

/// Where a property belongs, for one that stands elsewhere.
pub(super) fn owner(property: &str) -> Option<&'static str> {
    let name = local_name(property)?;
    if name == IN_DEFAULT_GRAPH {
        return Some(TRIPLES_MAP);
    }
    PROPERTIES.iter().find(|(known, _)| *known == name).map(|(_, owner)| *owner)
}

/// `rr:IRI`, `rr:BlankNode`, `rr:Literal` or `weft:EncodedTerm` by its last part.
pub(super) fn check_term_type(term_type: &str) -> Result<&'static str, String> {
    if term_type.strip_prefix(WEFT) == Some(ENCODED_TERM) {
        return Ok(ENCODED_TERM);
    }
    let name = term_type.strip_prefix(RR).unwrap_or(term_type);
    if let Some(known) = TERM_TYPES.iter().find(|known| term_type.strip_prefix(RR) == Some(**known)) {
        return Ok(known);
    }
    let shown = if name == term_type { format!("<{name}>") } else { format!("rr:{name}") };
    let suggestion = suggest("rr:", name, TERM_TYPES);
    Err(format!("unknown rr:termType {shown}{suggestion} (it is rr:IRI, rr:BlankNode, rr:Literal or weft:EncodedTerm)"))
}

pub(super) fn check_graph(graph: &str) -> Result<(), String> {
    let Some(name) = graph.strip_prefix(RR) else { return Ok(()) };
    if name == "defaultGraph" {
        return Ok(());
    }
    Err(format!("R2RML has no graph rr:{name}{}", suggest("rr:", name, ["defaultGraph"])))
}

pub(super) fn check_datatype(datatype: NamedNodeRef<'_>) -> Result<(), String> {
    if datatype == rdf::LANG_STRING {
        return Err("rr:datatype rdf:langString needs a language: use rr:language instead".to_owned());
    }
    let Some(name) = datatype.as_str().strip_prefix(XSD) else { return Ok(()) };
    if XSD_TYPES.contains(&name) {
        return Ok(());
    }
    Err(format!("XML Schema has no datatype xsd:{name}{}", suggest("xsd:", name, XSD_TYPES)))
}

fn suggest<'a>(prefix: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(nearest(name, known).map(|known| format!("{prefix}{known}")))
}
