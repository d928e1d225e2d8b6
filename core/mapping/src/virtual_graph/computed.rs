//! Terms that the broker computes from values: normalised ones, codes, numbers in other units.

use super::resolve::{Resolver, constant};
use super::{Build, MappedTerm, Required, Requirement, TripleMap};
use crate::code_list::CodeList;
use crate::normalise::NormalisedValue;
use crate::r2rml::{Location, ObjectMap, TermKind, TermMap};
use crate::unit::Conversion;
use oxrdf::NamedNode;
use oxrdf::vocab::rdf;
use std::sync::Arc;
use weft_model::contract::{Column, DataType, Description, Table};
use weft_model::term::{LiteralType, TermType};

const QUDT: &str = "http://qudt.org/schema/qudt/";

/// The unit that a mapping says the numbers of a column are of.
pub(super) struct MeasuredColumn {
    table: String,
    column: String,
    unit: NamedNode,
    location: Location,
}

/// A column as its normaliser leaves it.
pub(super) fn normalised_column(column: &Column, value: Option<&NormalisedValue>) -> Column {
    match value {
        None => column.clone(),
        Some(_) => Column { data_type: DataType::Text, ..column.clone() },
    }
}

/// The term of normalised columns, with the columns it is normalised from.
pub(super) fn normalised(term: MappedTerm, values: &[Option<NormalisedValue>]) -> MappedTerm {
    let build = Build::Normalised { values: values.to_vec(), build: Box::new(term.build) };
    MappedTerm { build, ..term }
}

pub(super) fn coded(column: &Column, list: &Arc<CodeList>) -> MappedTerm {
    MappedTerm { term_type: TermType::General, columns: vec![column.name.clone()], build: Build::Coded(list.clone()) }
}

pub(super) fn converted(column: &Column, conversion: &Conversion) -> Result<MappedTerm, String> {
    let (DataType::Int64 | DataType::Decimal { .. } | DataType::Float64 | DataType::Text) = column.data_type else {
        let (name, data_type) = (&column.name, column.data_type);
        return Err(format!("column {name:?} of type {data_type} holds no numbers that could be converted"));
    };
    Ok(MappedTerm {
        term_type: TermType::Literal(LiteralType::Decimal),
        columns: vec![column.name.clone()],
        build: Build::Converted(conversion.clone()),
    })
}

/// What is wrong with a unit of a term that is no number.
pub(super) fn check_number(column: &Column, term: &MappedTerm) -> Result<(), String> {
    const NUMBERS: [&str; 4] = ["decimal", "integer", "double", "float"];
    let datatype = match &term.term_type {
        TermType::Literal(literal) => literal.datatype().into_owned(),
        _ => return Ok(()),
    };
    let name = datatype.as_str().strip_prefix("http://www.w3.org/2001/XMLSchema#");
    let derived = weft_model::term::integer_range(datatype.as_ref()).is_some();
    if derived || name.is_some_and(|name| NUMBERS.contains(&name)) {
        return Ok(());
    }
    let (name, data_type) = (&column.name, column.data_type);
    Err(format!(
        "column {name:?} of type {data_type} gives {datatype}, and weft:unit belongs to numbers: give rr:datatype"
    ))
}

impl<'a> Resolver<'a> {
    /// The triples of a number: one, or those of the node that has it with its unit. A row without number, or without the
    /// subject of the triple, has no such node.
    pub(super) fn with_quantity(&mut self, map: &ObjectMap, triple: TripleMap, table: &'a Table) -> Vec<TripleMap> {
        let ObjectMap::Term(TermMap::Column { kind, .. }) = map else { return vec![triple] };
        let TermKind::Measured { unit, conversion, node: Some(node), .. } = kind else { return vec![triple] };
        let Some(node) = self.term(node, table) else { return Vec::new() };
        let unit = conversion.as_ref().map_or(unit, |conversion| &conversion.to);
        let number = triple.object.clone();
        let all_but = |looked_at: &[&MappedTerm]| {
            let terms = [&triple.subject, &triple.predicate, &number].into_iter();
            let terms = terms.filter(|term| !term.columns.is_empty() && !looked_at.contains(term));
            terms.map(|term| Requirement { term: term.clone(), joined: false, is: Required::Bound }).collect()
        };
        let of_node = |predicate: NamedNode, object: MappedTerm| TripleMap {
            subject: node.clone(),
            predicate: constant(predicate),
            requires: all_but(&[&node, &object]),
            object,
            ..triple.clone()
        };
        let word = |name: &str| NamedNode::new_unchecked(format!("{QUDT}{name}"));
        vec![
            TripleMap {
                object: node.clone(),
                requires: all_but(&[&triple.subject, &triple.predicate, &node]),
                ..triple.clone()
            },
            of_node(rdf::TYPE.into_owned(), constant(word("QuantityValue"))),
            of_node(word("numericValue"), number.clone()),
            of_node(word("unit"), constant(unit.clone())),
        ]
    }

    /// Remembers the unit of a column, which has one only.
    pub(super) fn measure(&mut self, table: &Table, column: &Column, unit: &NamedNode, location: &Location) {
        let known = self.units.iter().find(|known| known.table == table.name && known.column == column.name);
        if let Some(other) = known.filter(|known| known.unit != *unit) {
            let message =
                format!("column {:?} is in {unit} here and in {} at {}", column.name, other.unit, other.location);
            self.error(location, message);
            return;
        }
        let (table, column) = (table.name.clone(), column.name.clone());
        self.units.push(MeasuredColumn { table, column, unit: unit.clone(), location: location.clone() });
    }
}

/// The description with the units that the mapping says.
pub(super) fn measured(description: Arc<Description>, units: Vec<MeasuredColumn>) -> Arc<Description> {
    if units.is_empty() {
        return description;
    }
    let mut description = Arc::unwrap_or_clone(description);
    for measured in units {
        let tables = description.tables.iter_mut().filter(|table| table.name == measured.table);
        let mut columns = tables.flat_map(|table| &mut table.columns).filter(|column| column.name == measured.column);
        if let Some(column) = columns.next() {
            column.unit = Some(measured.unit.into_string());
        }
    }
    Arc::new(description)
}
