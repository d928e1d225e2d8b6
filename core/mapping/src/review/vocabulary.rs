//! Classes and properties against what the ontology declares.

use super::Reviewer;
use crate::r2rml::{ObjectMap, TermKind, TermMap, TriplesMap};
use crate::suggest::{OntologyTerm, TermClass, is_datatype, local_name};
use crate::suggestion::nearest;
use crate::virtual_graph::{column as column_of, natural};
use oxrdf::vocab::{rdf, rdfs, xsd};
use oxrdf::{NamedNode, Term};
use weft_model::contract::Table;
use weft_model::term::integer_range;

/// What the object of a map is.
enum Object {
    Thing,
    Literal(NamedNode),
}

impl<'a> Reviewer<'a> {
    pub(super) fn classes(&mut self, map: &'a TriplesMap) {
        for class in &map.classes {
            match self.ontology.get(class.as_str()) {
                Some(term) if term.class != TermClass::Class => {
                    let message = format!("the ontology declares {class} as a property, and here it is a class");
                    self.remark(&map.location, message);
                }
                Some(_) => {}
                None => self.unknown(class, "class", &map.location.clone(), |term| term.class == TermClass::Class),
            }
        }
    }

    pub(super) fn predicate(&mut self, predicate: &'a TermMap, object: &ObjectMap, table: &Table) {
        let TermMap::Constant { term: Term::NamedNode(iri), location } = predicate else { return };
        match self.ontology.get(iri.as_str()) {
            Some(term) if term.class == TermClass::Class => {
                self.remark(location, format!("the ontology declares {iri} as a class, and here it is a property"));
            }
            Some(term) => {
                if let Some(message) = object_of(object, table).and_then(|object| misfit(term, &object)) {
                    self.remark(location, message);
                }
            }
            None => self.unknown(iri, "property", location, |term| term.class != TermClass::Class),
        }
    }

    /// A term that is not declared, in a namespace where one is that is called nearly so.
    fn unknown(
        &mut self,
        iri: &NamedNode,
        what: &str,
        location: &crate::Location,
        fits: impl Fn(&OntologyTerm) -> bool,
    ) {
        let name = local_name(iri.as_str());
        let Some(namespace) = iri.as_str().strip_suffix(name) else { return };
        let known = self.ontology.terms.iter().filter(|term| fits(term));
        let names = known.filter_map(|term| term.iri.as_str().strip_prefix(namespace));
        if let Some(near) = nearest(name, names) {
            self.remark(location, format!("the ontology has no {what} {iri}, did you mean <{namespace}{near}>?"));
        }
    }
}

fn object_of(object: &ObjectMap, table: &Table) -> Option<Object> {
    let term = match object {
        ObjectMap::Reference { .. } => return Some(Object::Thing),
        ObjectMap::Term(term) => term,
    };
    let (kind, column) = match term {
        TermMap::Constant { term: Term::Literal(literal), .. } => {
            return Some(Object::Literal(literal.datatype().into_owned()));
        }
        TermMap::Constant { .. } => return Some(Object::Thing),
        TermMap::Column { kind, column, .. } => (kind, Some(column_of(table, column)?)),
        TermMap::Template { kind, .. } => (kind, None),
    };
    match (kind.of_terms(), column) {
        (TermKind::Iri | TermKind::BlankNode | TermKind::Coded(_) | TermKind::Measured { node: Some(_), .. }, _) => {
            Some(Object::Thing)
        }
        (TermKind::Encoded, _) => None,
        (TermKind::Literal { language: Some(_), .. }, _) => Some(Object::Literal(rdf::LANG_STRING.into_owned())),
        (TermKind::Measured { conversion: Some(_), .. }, _) => Some(Object::Literal(xsd::DECIMAL.into_owned())),
        (
            TermKind::Literal { datatype: Some(datatype), .. } | TermKind::Measured { datatype: Some(datatype), .. },
            _,
        ) => Some(Object::Literal(datatype.clone())),
        (_, Some(column)) => Some(Object::Literal(natural(column.data_type).datatype().into_owned())),
        (_, None) => Some(Object::Literal(xsd::STRING.into_owned())),
    }
}

fn misfit(term: &OntologyTerm, object: &Object) -> Option<String> {
    let iri = &term.iri;
    let of_literals = term.class == TermClass::DatatypeProperty || term.ranges.iter().any(is_datatype);
    let datatype = match object {
        Object::Thing if of_literals => {
            return Some(format!(
                "the ontology has literals as values of {iri}, and here they are IRIs or blank nodes"
            ));
        }
        Object::Thing => return None,
        Object::Literal(_) if term.class == TermClass::ObjectProperty => {
            return Some(format!("the ontology has things as values of {iri}, and here they are literals"));
        }
        Object::Literal(datatype) => datatype,
    };
    let range = term.ranges.iter().find(|range| is_datatype(range) && !holds(range, datatype))?;
    Some(format!("the values of {iri} are {range} in the ontology, and here they are {datatype}"))
}

/// Whether all literals of the datatype are values of the range, as far as is known.
fn holds(range: &NamedNode, datatype: &NamedNode) -> bool {
    let is_integer = *datatype == xsd::INTEGER || integer_range(datatype.as_ref()).is_some();
    let of_integers = *range == xsd::DECIMAL || *range == xsd::INTEGER;
    range == datatype
        || *range == rdfs::LITERAL
        || is_integer && of_integers
        // A column of numbers may well keep to a smaller range.
        || is_integer && integer_range(range.as_ref()).is_some()
        || *range == xsd::DATE_TIME && *datatype == xsd::DATE_TIME_STAMP
}
