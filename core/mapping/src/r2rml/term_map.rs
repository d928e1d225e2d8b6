//! Subject, predicate, object and graph maps (R2RML sections 7 and 8).

use super::reader::{Reader, Value};
use super::{ObjectMap, SqlName, TermKind, TermMap, template, vocabulary};
use oxrdf::{Literal, NamedOrBlankNode, Term};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Subject,
    Object,
    /// The property that names a predicate or graph map.
    Iri(&'static str),
}

/// The properties that say where a term comes from; a term map has one of them.
const VALUES: [&str; 3] = ["constant", "column", "template"];

impl Reader<'_> {
    /// `line` is where the map begins.
    pub(super) fn subject_map(&mut self, node: &NamedOrBlankNode, line: u64) -> Option<TermMap> {
        self.term_map(node, line, Role::Subject)
    }

    pub(super) fn object_map(&mut self, node: &NamedOrBlankNode, line: u64) -> Option<ObjectMap> {
        let Some(parent) = self.single(node, "parentTriplesMap") else {
            if let Some(condition) = self.values(node, "joinCondition").first() {
                self.error(condition.line, "rr:joinCondition without rr:parentTriplesMap".to_owned());
                return None;
            }
            return self.term_map(node, line, Role::Object).map(ObjectMap::Term);
        };
        for property in VALUES.into_iter().chain(["termType", "datatype", "language"]) {
            if let Some(value) = self.values(node, property).first() {
                let message = "the object is the subject of the parent, so it has no other form";
                self.error(value.line, format!("rr:{property} together with rr:parentTriplesMap: {message}"));
            }
        }
        let conditions = self.values(node, "joinCondition");
        let conditions = conditions.iter().filter_map(|condition| self.join_condition(condition)).collect();
        let location = self.location(parent.line);
        Some(ObjectMap::Reference { parent: self.parent(&parent)?, conditions, location })
    }

    fn join_condition(&mut self, value: &Value) -> Option<(SqlName, SqlName)> {
        let node = self.node("rr:joinCondition", "a node with rr:child and rr:parent", value)?;
        let child = self.join_column(&node, "child", value.line);
        let parent = self.join_column(&node, "parent", value.line);
        Some((child?, parent?))
    }

    fn join_column(&mut self, node: &NamedOrBlankNode, property: &str, line: u64) -> Option<SqlName> {
        let Some(value) = self.single(node, property) else {
            self.missing(node, line, format!("the join condition has no rr:{property}"));
            return None;
        };
        let text = self.text(&format!("rr:{property}"), &value)?;
        self.checked(value.line, SqlName::column(&text))
    }

    /// A predicate or graph map.
    pub(super) fn iri_map(&mut self, property: &'static str, value: &Value) -> Option<TermMap> {
        let node = self.node(property, "a map; the shortcut without Map names a constant", value)?;
        self.term_map(&node, value.line, Role::Iri(property))
    }

    fn term_map(&mut self, node: &NamedOrBlankNode, line: u64, role: Role) -> Option<TermMap> {
        let given: Vec<(&str, Value)> =
            VALUES.into_iter().filter_map(|property| Some((property, self.single(node, property)?))).collect();
        if let [(first, a), (second, b), ..] = given.as_slice() {
            let message = format!("rr:{first} together with rr:{second}: a term map has one of them");
            self.error(a.line.max(b.line), message);
            return None;
        }
        let Some((property, value)) = given.into_iter().next() else {
            let message = match role {
                Role::Subject => "the subject map has none of rr:template, rr:column and rr:constant".to_owned(),
                Role::Object => {
                    "the object map has none of rr:template, rr:column, rr:constant and rr:parentTriplesMap".to_owned()
                }
                Role::Iri(map) => format!("{map} has none of rr:template, rr:column and rr:constant"),
            };
            self.missing(node, line, message);
            return None;
        };
        self.inverse_expression(node, property);
        if property == "constant" {
            return self.constant_term_map(node, &value, role);
        }
        let kind = self.kind(node, property, role);
        let text = self.text(&format!("rr:{property}"), &value)?;
        let location = self.location(value.line);
        if property == "column" {
            let column = self.checked(value.line, SqlName::column(&text))?;
            let (columns, kind) = self.extended(node, vec![column], kind?, value.line)?;
            return columns.into_iter().next().map(|column| TermMap::Column { column, kind, location });
        }
        let (shape, columns) = self.checked(value.line, template::parse(&text))?;
        let kind = kind?;
        if kind == TermKind::Iri {
            self.checked(value.line, template::check_iri(&shape, self.base))?;
        }
        let (columns, kind) = self.extended(node, columns, kind, value.line)?;
        Some(TermMap::Template { shape, columns, kind, location })
    }

    fn constant_term_map(&mut self, node: &NamedOrBlankNode, value: &Value, role: Role) -> Option<TermMap> {
        for property in ["datatype", "language"] {
            if let Some(found) = self.values(node, property).first() {
                let message = format!("rr:{property} together with rr:constant: write it on the constant itself");
                self.error(found.line, message);
            }
        }
        let term_type = self.term_type(node)?;
        let term = match role {
            Role::Subject => self.iri("rr:constant of a subject map", value)?.into(),
            Role::Object => self.constant("rr:constant", value)?,
            Role::Iri(map) => self.iri(&format!("rr:constant of {map}"), value)?.into(),
        };
        self.agree(term_type.as_ref(), if term.is_named_node() { "IRI" } else { "Literal" })?;
        Some(TermMap::Constant { term, location: self.location(value.line) })
    }

    /// R2RML section 7.7: what the columns are, said once more in SQL. The answer is the same without it.
    fn inverse_expression(&mut self, node: &NamedOrBlankNode, property: &str) {
        let Some(value) = self.single(node, "inverseExpression") else { return };
        if property == "constant" {
            self.error(value.line, "rr:inverseExpression together with rr:constant: there is no column".to_owned());
            return;
        }
        let Some(text) = self.text("rr:inverseExpression", &value) else { return };
        let parsed = template::parse(&text).map_err(|error| error.replace("rr:template", "rr:inverseExpression"));
        self.checked(value.line, parsed);
    }

    /// The `rr:termType`, where there is one; nothing at all when it is wrong.
    fn term_type(&mut self, node: &NamedOrBlankNode) -> Option<Option<(&'static str, u64)>> {
        let Some(value) = self.single(node, "termType") else { return Some(None) };
        let name = match &value.term {
            Term::NamedNode(iri) => vocabulary::check_term_type(iri.as_str()),
            other => {
                Err(format!("rr:termType {other} is not one of rr:IRI, rr:BlankNode, rr:Literal and weft:EncodedTerm"))
            }
        };
        self.checked(value.line, name).map(|name| Some((name, value.line)))
    }

    fn agree(&mut self, term_type: Option<&(&str, u64)>, actual: &str) -> Option<()> {
        match term_type {
            Some((name, line)) if *name != actual => {
                let shown = vocabulary::prefixed(name);
                self.error(*line, format!("rr:termType {shown} does not fit the constant, which is rr:{actual}"));
                None
            }
            _ => Some(()),
        }
    }

    /// R2RML sections 7.4 to 7.6.
    fn kind(&mut self, node: &NamedOrBlankNode, property: &str, role: Role) -> Option<TermKind> {
        let term_type = self.term_type(node);
        let datatype = self.single(node, "datatype");
        let language = self.single(node, "language");
        let suffix =
            datatype.as_ref().map(|v| ("datatype", v.line)).or(language.as_ref().map(|v| ("language", v.line)));
        let term_type = term_type?;
        let name = match (term_type, role) {
            (Some((name, _)), _) => name,
            (None, Role::Object) if property == "column" || suffix.is_some() => "Literal",
            _ => "IRI",
        };
        let line = term_type.map_or(0, |(_, line)| line);
        if let (Role::Iri(map), "Literal" | "BlankNode") = (role, name) {
            self.error(line, format!("rr:termType rr:{name}: {map} gives IRIs only"));
            return None;
        }
        match (name, suffix) {
            ("Literal", _) if role == Role::Subject => {
                self.error(line, "rr:termType rr:Literal: a subject is no literal".to_owned());
                None
            }
            ("Literal", _) => self.literal(datatype.as_ref(), language.as_ref()),
            (_, Some((property, line))) => {
                let shown = vocabulary::prefixed(name);
                self.error(line, format!("rr:{property} belongs to literals, and this term map gives {shown}"));
                None
            }
            (vocabulary::ENCODED_TERM, None) if property == "column" => Some(TermKind::Encoded),
            (vocabulary::ENCODED_TERM, None) => {
                self.error(
                    line,
                    "rr:termType weft:EncodedTerm needs rr:column: the column holds whole terms".to_owned(),
                );
                None
            }
            ("BlankNode", None) => Some(TermKind::BlankNode),
            (_, None) => Some(TermKind::Iri),
        }
    }

    fn literal(&mut self, datatype: Option<&Value>, language: Option<&Value>) -> Option<TermKind> {
        if let (Some(datatype), Some(language)) = (datatype, language) {
            let message = "rr:datatype together with rr:language: a literal has one of them";
            self.error(datatype.line.max(language.line), message.to_owned());
            return None;
        }
        let datatype = match datatype {
            None => None,
            Some(value) => {
                let iri = self.iri("rr:datatype", value)?;
                self.checked(value.line, vocabulary::check_datatype(iri.as_ref()))?;
                Some(iri)
            }
        };
        let language = match language {
            None => None,
            Some(value) => {
                let tag = self.text("rr:language", value)?;
                Some(self.checked(value.line, language_tag(&tag))?)
            }
        };
        Some(TermKind::Literal { datatype, language })
    }
}

/// A language tag in lower case, as RDF compares them.
fn language_tag(tag: &str) -> Result<String, String> {
    let invalid = |why: &str| format!("rr:language {tag:?} is not a language tag: {why}");
    let lower = tag.to_ascii_lowercase();
    Literal::new_language_tagged_literal("", lower.as_str()).map_err(|error| invalid(&error.to_string()))?;
    // BCP 47 reserves primary subtags of four letters and more; none was ever registered.
    if lower.split('-').next().is_some_and(|primary| primary.len() > 3) {
        return Err(invalid("it starts with a code of two or three letters, such as \"en\""));
    }
    Ok(lower)
}
