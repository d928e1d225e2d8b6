//! The tables the index shows: all statements, and those of each predicate and each class.
//!
//! A triple map gives a triple for *every* row of its table. So a map whose predicate is constant needs a table that has
//! no other predicate: a view, which costs nothing but its name.

use crate::lookup::Pattern;
use crate::statements::{COLUMNS, Counts, Statements, Statistics};
use oxigraph::store::StorageError;
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, Term};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use weft_mapping::{Build, GraphMap, MappedTerm, TripleMap};
use weft_model::contract::{
    Binding, Capability, Column, DataType, FilterCapability, FilterOperation, Statistic, Table as DescribedTable,
    TextComparison, TypeKind,
};
use weft_model::term::{TermType, encode_iri};

/// With more predicates than this, all statements are one triple map, so that plans stay small.
const MOST_PREDICATES: usize = 256;

/// With more classes than this, all types are one triple map.
const MOST_CLASSES: usize = 128;

/// A table as it is scanned.
pub(crate) struct Table {
    pub(crate) described: DescribedTable,
    pub(crate) statements: Arc<Statements>,
    /// What the table is limited to.
    pub(crate) fixed: Pattern,
}

pub(crate) struct Tables {
    tables: Vec<Table>,
    by_name: HashMap<String, usize>,
    triple_maps: Vec<TripleMap>,
    max_keys: u32,
    measured_at: i64,
}

/// Which graphs statements are in.
#[derive(Clone, Copy)]
pub(crate) enum Placement<'a> {
    /// That of the column `graph`, and the default graph.
    InColumn,
    /// This one, and the default graph.
    Also(&'a str),
    /// This one.
    Only(&'a str),
}

/// The statements a group of tables shows.
struct Group<'a> {
    statements: Arc<Statements>,
    placement: Placement<'a>,
}

impl Tables {
    pub(crate) fn new(max_keys: u32) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let measured_at = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Self { tables: Vec::new(), by_name: HashMap::new(), triple_maps: Vec::new(), max_keys, measured_at }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Table> {
        self.by_name.get(name).map(|position| &self.tables[*position])
    }

    pub(crate) fn described(&self) -> Vec<DescribedTable> {
        self.tables.iter().map(|table| table.described.clone()).collect()
    }

    pub(crate) fn triple_maps(&self) -> Vec<TripleMap> {
        self.triple_maps.clone()
    }

    /// Adds a table with all of the statements and those it is divided into.
    pub(crate) fn add(
        &mut self,
        name: &str,
        statements: Arc<Statements>,
        statistics: &Statistics,
        placement: Placement<'_>,
    ) {
        let group = Group { statements, placement };
        self.table(&group, name.to_owned(), [None, None], &statistics.all);
        if statistics.predicates.len() > MOST_PREDICATES {
            self.map(&group, name.to_owned(), [None, None]);
            return;
        }
        for (predicate, counts) in &statistics.predicates {
            let by_class = !statistics.unnamed_classes && statistics.classes.len() <= MOST_CLASSES;
            if *predicate == rdf::TYPE && by_class {
                for (class, counts) in &statistics.classes {
                    let name = format!("{name} a {class}");
                    self.table(&group, name.clone(), [Some(predicate), Some(class)], counts);
                    self.map(&group, name, [Some(predicate), Some(class)]);
                }
                continue;
            }
            let name = format!("{name} {predicate}");
            self.table(&group, name.clone(), [Some(predicate), None], counts);
            self.map(&group, name, [Some(predicate), None]);
        }
    }

    fn table(&mut self, group: &Group<'_>, name: String, constants: [Option<&NamedNode>; 2], counts: &Counts) {
        let [predicate, object] = constants.map(|node| node.map(|node| encode_iri(node.as_str())));
        let fixed = [None, predicate, object, None];
        let statistic = |count| Some(Statistic { count, measured_at: self.measured_at });
        let free = (0..COLUMNS.len()).filter(|column| fixed[*column].is_none());
        let columns: Vec<Column> = free.map(|i| column(COLUMNS[i], statistic(counts.distinct[i]))).collect();
        let exact =
            |operation| FilterCapability { operation, data_type: Some(TypeKind::Text), level: Capability::Exact };
        let described = DescribedTable {
            name: name.clone(),
            keys: vec![columns.iter().map(|column| column.name.clone()).collect()],
            columns,
            foreign_keys: Vec::new(),
            rows: statistic(counts.rows),
            filters: vec![exact(FilterOperation::Equal), exact(FilterOperation::In)],
            max_keys: self.max_keys,
            sql: None,
        };
        self.by_name.insert(name, self.tables.len());
        self.tables.push(Table { described, statements: group.statements.clone(), fixed });
    }

    fn map(&mut self, group: &Group<'_>, table: String, constants: [Option<&NamedNode>; 2]) {
        let [predicate, object] = constants;
        self.triple_maps.push(TripleMap {
            table,
            subject: term("subject", None),
            predicate: term("predicate", predicate),
            object: term("object", object),
            graph: match group.placement {
                Placement::Also(graph) | Placement::Only(graph) => GraphMap::Constant(NamedNode::new_unchecked(graph)),
                Placement::InColumn => GraphMap::Term(MappedTerm {
                    term_type: TermType::General,
                    columns: vec!["graph".to_owned()],
                    build: Build::EncodedIri,
                }),
            },
            in_default_graph: !matches!(group.placement, Placement::Only(_)),
            join: None,
            requires: Vec::new(),
        });
    }
}

fn column(name: &str, distinct: Option<Statistic>) -> Column {
    Column {
        name: name.to_owned(),
        data_type: DataType::Text,
        nullable: false,
        native_type: String::new(),
        unit: None,
        text_comparison: TextComparison::CodePoint,
        binding: Binding::Optional,
        filterable: true,
        sortable: false,
        distinct,
    }
}

fn term(column: &str, constant: Option<&NamedNode>) -> MappedTerm {
    match constant {
        Some(node) => MappedTerm {
            term_type: TermType::Constant(Term::NamedNode(node.clone())),
            columns: Vec::new(),
            build: Build::Columns,
        },
        None => MappedTerm { term_type: TermType::General, columns: vec![column.to_owned()], build: Build::Encoded },
    }
}

impl Table {
    /// One row, in the order of the described columns.
    pub(crate) fn sample(&self) -> Option<Result<Vec<String>, StorageError>> {
        let cells = self.statements.matching(&self.fixed).next()?;
        let row = |cells: [String; 4]| {
            cells.into_iter().zip(&self.fixed).filter(|(_, fixed)| fixed.is_none()).map(|(cell, _)| cell).collect()
        };
        Some(cells.map(row))
    }
}
