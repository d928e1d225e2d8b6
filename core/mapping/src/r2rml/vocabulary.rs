//! The names R2RML and XML Schema define.

use crate::suggestion::{did_you_mean, nearest};
use oxrdf::NamedNodeRef;
use oxrdf::vocab::rdf;

pub(super) const RR: &str = "http://www.w3.org/ns/r2rml#";
/// Weft's additions.
const WEFT: &str = "https://weft.dev/ns#";
pub(super) const IN_DEFAULT_GRAPH: &str = "inDefaultGraph";
pub(super) const ENCODED_TERM: &str = "EncodedTerm";
/// Weft's properties, and what they belong to.
const ADDITIONS: [(&str, &str); 12] = [
    (IN_DEFAULT_GRAPH, TRIPLES_MAP),
    ("normalise", VALUED_MAP),
    ("steps", "a node of weft:normalise"),
    ("codeList", "a term map with rr:column"),
    ("entry", CODE_LIST),
    ("code", "an entry of a code list"),
    ("concept", "an entry of a code list"),
    ("codeFile", CODE_LIST),
    ("unknownCode", CODE_LIST),
    ("unit", "an object map with rr:column"),
    ("convertTo", "an object map with rr:column"),
    ("quantity", "an object map with rr:column"),
];
const VALUED_MAP: &str = "a term map with rr:column or rr:template";
const CODE_LIST: &str = "a code list";
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// The properties of R2RML, and what they belong to.
const PROPERTIES: [(&str, &str); 25] = [
    ("logicalTable", TRIPLES_MAP),
    ("subjectMap", TRIPLES_MAP),
    ("subject", TRIPLES_MAP),
    ("predicateObjectMap", TRIPLES_MAP),
    ("tableName", "a logical table"),
    ("sqlQuery", "a logical table"),
    ("sqlVersion", "a logical table"),
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
    ("inverseExpression", TERM_MAP),
    ("parentTriplesMap", "an object map"),
    ("joinCondition", "an object map with rr:parentTriplesMap"),
    ("child", "a join condition"),
    ("parent", "a join condition"),
];
const TRIPLES_MAP: &str = "a triples map";
const TERM_MAP: &str = "a subject, predicate, object or graph map";

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
    if let Some(name) = property.strip_prefix(WEFT) {
        return check_addition(name);
    }
    let Some(name) = property.strip_prefix(RR) else { return Ok(()) };
    if PROPERTIES.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    let known = PROPERTIES.iter().map(|(known, _)| *known);
    Err(format!("R2RML has no property rr:{name}{}", suggest("rr:", name, known)))
}

/// Words of Weft's vocabulary may be used in other statements of the document; one that is nearly an addition is meant to
/// be it.
fn check_addition(name: &str) -> Result<(), String> {
    let known = ADDITIONS.iter().map(|(known, _)| *known);
    match nearest(name, known) {
        Some(near) if near != name => Err(format!("unknown weft:{name}, did you mean weft:{near}?")),
        _ => Ok(()),
    }
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
    let addition = || property.strip_prefix(WEFT).filter(|name| is_addition(name));
    property.strip_prefix(RR).or_else(addition)
}

fn is_addition(name: &str) -> bool {
    ADDITIONS.iter().any(|(known, _)| *known == name)
}

/// A property or term type with its prefix, for people.
pub(super) fn prefixed(name: &str) -> String {
    format!("{}:{name}", if name == ENCODED_TERM || is_addition(name) { "weft" } else { "rr" })
}

/// Where a property belongs, for one that stands elsewhere.
pub(super) fn owner(property: &str) -> Option<&'static str> {
    let name = local_name(property)?;
    PROPERTIES.iter().chain(&ADDITIONS).find(|(known, _)| *known == name).map(|(_, owner)| *owner)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn every_addition_is_explained() {
        let read = |file: &str| {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ontology").join(file);
            std::fs::read_to_string(path).unwrap()
        };
        let mut said: HashMap<String, Vec<String>> = HashMap::new();
        for text in ["weft.ttl", "mapping-extensions.ttl"].map(read) {
            for triple in oxttl::TurtleParser::new().for_slice(&text) {
                let triple = triple.unwrap();
                said.entry(triple.subject.to_string()).or_default().push(triple.predicate.as_str().to_owned());
            }
        }
        for name in ADDITIONS.iter().map(|(name, _)| *name).chain([ENCODED_TERM, "CodeList"]) {
            let said = said.get(&format!("<{WEFT}{name}>")).map_or(&[][..], Vec::as_slice);
            let has = |word: &str| said.iter().any(|predicate| predicate.ends_with(word));
            assert!(has("#label") && has("#comment"), "weft:{name}");
        }
    }

    #[test]
    fn near_misses_of_additions_are_errors_and_other_words_are_not() {
        let weft = |name: &str| check_property(&format!("{WEFT}{name}"));
        assert_eq!(weft("normalise"), Ok(()));
        assert_eq!(weft("normalize").unwrap_err(), "unknown weft:normalize, did you mean weft:normalise?");
        assert_eq!(weft("sameThingAs"), Ok(()));
        assert_eq!(prefixed("codeList"), "weft:codeList");
        assert_eq!(prefixed("column"), "rr:column");
    }
}
