//! Which triple maps say no more than others.

use crate::virtual_graph::{Build, GraphMap, MappedTerm, Required, TripleMap};
use oxrdf::Term;
use std::collections::HashMap;
use weft_model::contract::{Column, DataType, Description, ForeignKey, Table, TextComparison};
use weft_model::term::TermType;

/// Triple maps of one source, compared by what its description promises.
pub(super) struct Subsumption<'a> {
    tables: HashMap<&'a str, &'a Table>,
}

/// Whether the terms are literals; `None` where some may be.
pub(super) fn literals(term: &MappedTerm) -> Option<bool> {
    match (&term.term_type, term.build.of_terms()) {
        (TermType::Constant(Term::Literal(_)) | TermType::Literal(_) | TermType::LangString(_), _) => Some(true),
        (TermType::Constant(_) | TermType::Iri { .. }, _) => Some(false),
        (TermType::General, Build::LiteralTemplate { .. }) => Some(true),
        (
            TermType::General,
            Build::IriColumn { .. }
            | Build::IriTemplate(_)
            | Build::BlankNode(_)
            | Build::EncodedIri
            | Build::Coded(_)
            | Build::EncodedTerm { literals: false, .. },
        ) => Some(false),
        (TermType::General, _) => None,
    }
}

impl<'a> Subsumption<'a> {
    pub(super) fn new(description: &'a Description) -> Self {
        Self { tables: description.tables.iter().map(|table| (table.name.as_str(), table)).collect() }
    }

    /// Leaves out requirements that every row meets which the triple map looks at.
    pub(super) fn simplify(&self, map: &mut TripleMap) {
        let mut kept = Vec::with_capacity(map.requires.len());
        for mut requirement in std::mem::take(&mut map.requires) {
            if requirement.is == Required::Resource && literals(&requirement.term) == Some(false) {
                requirement.is = Required::Bound;
            }
            let holds = requirement.is == Required::Bound && self.is_bound(map, &requirement.term, requirement.joined);
            if !holds && !kept.contains(&requirement) {
                kept.push(requirement);
            }
        }
        map.requires = kept;
    }

    /// Whether a term is there in every row that gives a triple.
    fn is_bound(&self, map: &TripleMap, term: &MappedTerm, joined: bool) -> bool {
        if matches!(term.term_type, TermType::Constant(_)) {
            return true;
        }
        let object_is_joined = map.join.is_some();
        let mut looked_at: Vec<&MappedTerm> = Vec::with_capacity(3);
        if !joined {
            looked_at.extend([&map.subject, &map.predicate]);
        }
        if joined == object_is_joined {
            looked_at.push(&map.object);
        }
        if looked_at.contains(&term) {
            return true;
        }
        let table = match (&map.join, joined) {
            (Some(join), true) => &join.table,
            _ => &map.table,
        };
        let Some(table) = self.tables.get(table.as_str()) else { return false };
        let compared = |name: &String| {
            map.join.iter().flat_map(|join| &join.on).any(|(own, other)| name == if joined { other } else { own })
        };
        let is_there = |name: &String| looked_at.iter().any(|term| term.columns.contains(name)) || compared(name);
        let columns: Option<Vec<&Column>> = term.columns.iter().map(|name| table.column(name)).collect();
        let Some(columns) = columns else { return false };
        let types: Vec<DataType> = columns.iter().map(|column| column.data_type).collect();
        term.is_total(&types) && columns.iter().all(|column| !column.nullable || is_there(&column.name))
    }

    /// Whether all triples of `other` are triples of `map`, too, in the same graph. They agree on graph, predicate, object
    /// and the type of the subject.
    pub(super) fn says(&self, map: &TripleMap, other: &TripleMap) -> bool {
        if other.in_default_graph && !map.in_default_graph
            || map.graph != other.graph
            || map.predicate != other.predicate
            || map.object != other.object
        {
            return false;
        }
        self.says_by_row(map, other) || self.says_by_reference(map, other)
    }

    /// Of the same row: the other one requires as much, or more.
    fn says_by_row(&self, map: &TripleMap, other: &TripleMap) -> bool {
        let same_rows = map.join == other.join || map.join.is_none() && is_constant(&map.object);
        same_rows
            && map.table == other.table
            && map.subject == other.subject
            && map.requires.iter().all(|requirement| other.requires.contains(requirement))
    }

    /// Of rows that the rows of the other refer to by a declared foreign key: every key that is not null is one of theirs.
    fn says_by_reference(&self, map: &TripleMap, other: &TripleMap) -> bool {
        let is_of_every_row = map.join.is_none() && map.requires.is_empty();
        if !is_of_every_row
            || !is_constant(&map.predicate)
            || !is_constant(&map.object)
            || matches!(map.graph, GraphMap::Term(_))
        {
            return false;
        }
        let same_term = map.subject.term_type == other.subject.term_type
            && map.subject.build == Build::Columns
            && other.subject.build == Build::Columns;
        let (Some(child), Some(parent)) = (self.tables.get(other.table.as_str()), self.tables.get(map.table.as_str()))
        else {
            return false;
        };
        let pairs: Vec<(&String, &String)> = other.subject.columns.iter().zip(&map.subject.columns).collect();
        same_term
            && child
                .foreign_keys
                .iter()
                .any(|key| key.referenced_table == map.table && refers(child, parent, key, &pairs))
    }
}

fn is_constant(term: &MappedTerm) -> bool {
    matches!(term.term_type, TermType::Constant(_))
}

/// Whether the key promises that the columns on the left, where none is null, are those on the right in some row.
fn refers(child: &Table, parent: &Table, key: &ForeignKey, pairs: &[(&String, &String)]) -> bool {
    let in_key =
        |pair: &(&String, &String)| key.columns.iter().zip(&key.referenced_columns).any(|known| known == *pair);
    // A null in any of its columns, and the key promises nothing.
    let never_null = |name: &String| {
        pairs.iter().any(|(own, _)| *own == name) || child.column(name).is_some_and(|column| !column.nullable)
    };
    !pairs.is_empty()
        && pairs.iter().all(in_key)
        && key.columns.iter().all(never_null)
        && pairs.iter().all(|(own, other)| match (child.column(own), parent.column(other)) {
            (Some(own), Some(other)) => are_written_alike(own, other),
            _ => false,
        })
}

/// Whether two values that the source takes for equal are written alike.
fn are_written_alike(child: &Column, parent: &Column) -> bool {
    match (child.data_type, parent.data_type) {
        (DataType::Text, DataType::Text) => {
            [child, parent].iter().all(|column| column.text_comparison == TextComparison::CodePoint)
        }
        (DataType::Float64, _) => false,
        (own, other) => own == other,
    }
}
