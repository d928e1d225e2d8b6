//! One triple pattern matched by one triple map: which row it is about, and what its terms say of columns.

use super::{Hidden, Unfolder};
use crate::Rule;
use crate::branch::{Access, Branch, is_same, term_expression};
use crate::catalogue::{Place, TripleId};
use crate::constant::mismatch;
use crate::namespace::Namespace;
use crate::pattern::{PatternTerm, QuadPattern};
use oxrdf::{NamedNode, Term};
use spargebra::algebra::{Expression as Sparql, Function};
use std::sync::Arc;
use weft_mapping::{Build, GraphMap, MappedTerm, Required, Requirement};
use weft_model::contract::{Capability, DataType};
use weft_model::term::{LiteralType, TermType};

/// A row a pattern is about.
struct Row<'a> {
    table: &'a str,
    subject: &'a Arc<MappedTerm>,
    graph: usize,
    /// Whether the pattern looks at columns that the subject does not determine.
    other_columns: bool,
}

/// Whether rows with one subject agree on this term.
fn determines(subject: &MappedTerm, term: &MappedTerm) -> bool {
    term.columns.iter().all(|column| subject.columns.contains(column))
}

impl Unfolder<'_> {
    /// Holds a graph that the row names to those of the dataset.
    fn place_in_dataset(
        &self,
        branch: &mut Branch,
        access: usize,
        (map, graph): (&GraphMap, &Arc<MappedTerm>),
        pattern: &QuadPattern,
        hidden: &mut Hidden,
    ) -> Result<(), String> {
        let (Some(graphs), GraphMap::Term(_)) = (self.graphs_for(pattern), map) else { return Ok(()) };
        let possible = graphs.iter().filter(|node| graph.term_type.may_hold(&Term::NamedNode((*node).clone())));
        let possible: Vec<&NamedNode> = possible.collect();
        if let [only] = possible.as_slice() {
            return self.place_constant(branch, access, graph, &(*only).clone().into(), hidden);
        }
        let hidden = hidden.variable("graph");
        branch.bind(&hidden, access, graph, Namespace::Any)?;
        let list = possible.into_iter().map(|node| Sparql::NamedNode(node.clone())).collect();
        branch.filters.push(Sparql::In(Box::new(Sparql::Variable(hidden)), list));
        Ok(())
    }

    /// The branch with one more pattern matched by this triple map, or why that has no solution.
    pub(super) fn add(
        &self,
        mut branch: Branch,
        pattern: &QuadPattern,
        id: TripleId,
        hidden: &mut Hidden,
    ) -> Result<Branch, String> {
        let catalogue = self.catalogue;
        let triple = catalogue.triple(id);
        let places = catalogue.places(id);
        let namespace = |place: Place| places[place as usize];
        let [subject, predicate, object, in_graph] = catalogue.terms(id);
        let required = |joined: bool, row: &MappedTerm| {
            triple
                .requires
                .iter()
                .any(|requirement| requirement.joined == joined && !determines(row, &requirement.term))
        };
        let other_columns = triple.join.is_some()
            || [&triple.predicate, &triple.object].iter().any(|term| !determines(&triple.subject, term))
            || matches!(&triple.graph, GraphMap::Term(graph) if !determines(&triple.subject, graph))
            || required(false, &triple.subject);
        let row = Row { table: &triple.table, subject, graph: id.graph, other_columns };
        let access = self.access(&mut branch, &pattern.subject, &row);
        self.place(&mut branch, access, subject, &pattern.subject, namespace(Place::Subject), hidden)?;
        self.place(&mut branch, access, predicate, &pattern.predicate, namespace(Place::Predicate), hidden)?;
        if let Some(graph) = &pattern.graph {
            self.place(&mut branch, access, in_graph, graph, namespace(Place::Graph), hidden)?;
        }
        self.place_in_dataset(&mut branch, access, (&triple.graph, in_graph), pattern, hidden)?;
        let object_access = match &triple.join {
            None => access,
            Some(join) => {
                let other_columns = join.on.iter().any(|(_, parent)| !triple.object.columns.contains(parent))
                    || required(true, &triple.object);
                let row = Row { table: &join.table, subject: object, graph: id.graph, other_columns };
                let parent = self.access(&mut branch, &pattern.object, &row);
                for (child_column, parent_column) in &join.on {
                    self.equate(&mut branch, (access, child_column), (parent, parent_column), hidden)?;
                }
                parent
            }
        };
        self.place(&mut branch, object_access, object, &pattern.object, namespace(Place::Object), hidden)?;
        for requirement in &triple.requires {
            self.require(&mut branch, if requirement.joined { object_access } else { access }, requirement, hidden)?;
        }
        Ok(branch)
    }

    /// Keeps the rows that a triple map needs beyond its own terms: a hidden variable drops the others.
    fn require(
        &self,
        branch: &mut Branch,
        access: usize,
        requirement: &Requirement,
        hidden: &mut Hidden,
    ) -> Result<(), String> {
        let term = &Arc::new(requirement.term.clone());
        if let Required::Iri(node) = &requirement.is {
            return self.place_constant(branch, access, term, &node.clone().into(), hidden);
        }
        if matches!(term.term_type, TermType::Constant(_)) {
            return Ok(());
        }
        let hidden = hidden.variable("r");
        branch.bind(&hidden, access, term, Namespace::Any)?;
        let unwanted = match &requirement.is {
            Required::Bound | Required::Iri(_) => return Ok(()),
            Required::OtherThan(node) => {
                Sparql::SameTerm(Box::new(Sparql::Variable(hidden)), Box::new(Sparql::NamedNode(node.clone())))
            }
            Required::Resource => Sparql::FunctionCall(Function::IsLiteral, vec![Sparql::Variable(hidden)]),
        };
        branch.filters.push(Sparql::Not(Box::new(unwanted)));
        Ok(())
    }

    /// The access for a row whose subject is `term`: one that is there, when that can be the same row.
    fn access(&self, branch: &mut Branch, term: &PatternTerm, row: &Row<'_>) -> usize {
        let is_wanted =
            |(known, subject): &(PatternTerm, Arc<MappedTerm>)| known == term && is_same(subject, row.subject);
        let known = branch.accesses.iter().position(|access| {
            let same_row = || {
                access.row_keys.iter().any(is_wanted)
                    || access.subjects.iter().any(is_wanted) && !(access.uses_other_columns && row.other_columns)
            };
            access.graph == row.graph && access.table == row.table && same_row()
        });
        if let Some(known) = known {
            branch.accesses[known].uses_other_columns |= row.other_columns;
            return known;
        }
        let columns: Vec<&str> = row.subject.columns.iter().map(String::as_str).collect();
        let simple = row.subject.build == Build::Columns;
        let unique =
            simple && self.catalogue.table(row.graph, row.table).is_some_and(|table| table.is_unique(&columns));
        let merges = simple && self.limits.rules.allows(Rule::Star);
        let wanted = (term.clone(), row.subject.clone());
        let (row_keys, subjects) = match (merges, unique) {
            (true, true) => (vec![wanted], Vec::new()),
            (true, false) => (Vec::new(), vec![wanted]),
            (false, _) => (Vec::new(), Vec::new()),
        };
        branch.accesses.push(Access {
            graph: row.graph,
            table: row.table.to_owned(),
            conditions: Vec::new(),
            row_keys,
            subjects,
            uses_other_columns: row.other_columns,
            constant_columns: Vec::new(),
            constants: Vec::new(),
        });
        branch.accesses.len() - 1
    }

    /// Matches one position of the pattern with one term map.
    fn place(
        &self,
        branch: &mut Branch,
        access: usize,
        mapped: &Arc<MappedTerm>,
        term: &PatternTerm,
        namespace: Namespace,
        hidden: &mut Hidden,
    ) -> Result<(), String> {
        match term {
            PatternTerm::Variable(variable) => branch.bind(variable, access, mapped, namespace),
            PatternTerm::Constant(constant) => self.place_constant(branch, access, mapped, constant, hidden),
        }
    }

    fn place_constant(
        &self,
        branch: &mut Branch,
        access: usize,
        mapped: &Arc<MappedTerm>,
        constant: &Term,
        hidden: &mut Hidden,
    ) -> Result<(), String> {
        if !mapped.term_type.may_hold(constant) {
            return Err(mismatch(constant, &mapped.term_type));
        }
        if let Some(reason) = without_code(mapped, constant) {
            return Err(reason);
        }
        if matches!(mapped.term_type, TermType::Constant(_)) {
            return Ok(());
        }
        let placed = (constant.clone(), mapped.clone());
        if branch.accesses[access].constants.contains(&placed) {
            return Ok(());
        }
        branch.accesses[access].constants.push(placed);
        let level = match self.catalogue.table(branch.accesses[access].graph, &branch.accesses[access].table) {
            Some(table) => branch.accesses[access].equal_constant(table, mapped, constant),
            None => Capability::None,
        };
        if level == Capability::Exact {
            return Ok(());
        }
        let hidden = hidden.variable("c");
        branch.bind(&hidden, access, mapped, Namespace::Any)?;
        branch.fixed.push(hidden.clone());
        branch.filters.push(Sparql::SameTerm(Box::new(Sparql::Variable(hidden)), Box::new(term_expression(constant))));
        Ok(())
    }

    /// Joins two columns of one source through a hidden variable.
    fn equate(
        &self,
        branch: &mut Branch,
        left: (usize, &str),
        right: (usize, &str),
        hidden: &mut Hidden,
    ) -> Result<(), String> {
        let hidden = hidden.variable("j");
        for (access, column) in [left, right] {
            let Access { graph, table, .. } = &branch.accesses[access];
            let mapped = self
                .catalogue
                .table(*graph, table)
                .and_then(|table| table.column(column))
                .map(|column| Arc::new(natural_term(&column.name, column.data_type)))
                .ok_or_else(|| format!("column {column} is not described"))?;
            branch.bind(&hidden, access, &mapped, Namespace::Any)?;
        }
        Ok(())
    }
}

/// Why a constant is no term of a column of codes, if it is none.
pub(super) fn without_code(mapped: &MappedTerm, constant: &Term) -> Option<String> {
    let Build::Coded(list) = mapped.build.of_terms() else { return None };
    let stands = matches!(constant, Term::NamedNode(iri) if !list.codes_of(iri).is_empty());
    (!stands).then(|| format!("no code of {} stands for {constant}", mapped.columns.join(", ")))
}

/// A raw column as a term: only ever compared with another raw column.
fn natural_term(column: &str, data_type: DataType) -> MappedTerm {
    let literal = match data_type {
        DataType::Boolean => LiteralType::Boolean,
        DataType::Int64 => LiteralType::Integer,
        DataType::Decimal { .. } => LiteralType::Decimal,
        DataType::Float64 => LiteralType::Double,
        DataType::Text => LiteralType::String,
        DataType::Date => LiteralType::Date,
        DataType::Timestamp { zoned } => LiteralType::DateTime { zoned },
        DataType::Binary => LiteralType::Other(oxrdf::vocab::xsd::HEX_BINARY.into_owned()),
    };
    MappedTerm { term_type: TermType::Literal(literal), columns: vec![column.to_owned()], build: Build::Columns }
}
