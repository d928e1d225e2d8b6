//! Branches: conjunctions of table accesses, and unions of them.
//!
//! A graph is a set: a basic graph pattern has each solution over *all* its variables once. [`BranchSet::is_set`] tells
//! where the branches give that by themselves; elsewhere the plan has a `Distinct`.

mod contained;
mod set;

pub(crate) use set::BranchSet;

use crate::catalogue::Catalogue;
use crate::constant::{is_native, key_values};
use crate::namespace::Namespace;
use crate::pattern::PatternTerm;
use hashbrown::HashSet;
use oxrdf::{Term, Variable};
use spargebra::algebra::Expression as Sparql;
use std::sync::Arc;
use weft_mapping::{CodeList, MappedTerm};
use weft_model::contract::{Capability, ColumnRef, CompareOperator, Expression, FilterOperation, Table, Value};
use weft_model::term::TermType;

/// A conjunction of table accesses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Branch {
    pub(crate) accesses: Vec<Access>,
    pub(crate) occurrences: Vec<Occurrence>,
    /// Conditions on the whole branch.
    pub(crate) filters: Vec<Sparql>,
    /// Hidden variables a filter holds to one constant.
    pub(crate) fixed: Vec<Variable>,
    /// Whether a condition leaves nothing.
    pub(crate) is_impossible: bool,
}

/// One row variable over a table.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) graph: usize,
    pub(crate) table: String,
    /// What the source is asked to check, exact or as a superset.
    pub(crate) conditions: Vec<Expression>,
    /// Subjects that are a key of the table: a further pattern about one of them is about the same row.
    pub(crate) row_keys: Vec<(PatternTerm, Arc<MappedTerm>)>,
    /// Other subjects: a further pattern about one of them may be about the same row as long as at most one of all uses a
    /// column the subject does not determine.
    pub(crate) subjects: Vec<(PatternTerm, Arc<MappedTerm>)>,
    pub(crate) uses_other_columns: bool,
    /// Columns bound to a constant.
    pub(crate) constant_columns: Vec<String>,
    /// Constants whose columns are taken care of.
    pub(crate) constants: Vec<(Term, Arc<MappedTerm>)>,
}

/// A variable as some columns of an access.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence {
    pub(crate) variable: Variable,
    /// `None` for a constant.
    pub(crate) access: Option<usize>,
    pub(crate) term: Arc<MappedTerm>,
    pub(crate) namespace: Namespace,
    /// Null columns leave the variable unbound instead of dropping the row.
    pub(crate) optional: bool,
}

/// Whether two terms are the same; mostly they are one.
pub(crate) fn is_same(a: &Arc<MappedTerm>, b: &Arc<MappedTerm>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

impl Access {
    /// Asks the source for rows whose columns are the constant; tells how far that can be relied on.
    pub(crate) fn equal_constant(&mut self, table: &Table, mapped: &MappedTerm, constant: &Term) -> Capability {
        let Some(conditions) = equal_conditions(table, mapped, constant) else {
            return Capability::None;
        };
        let level = conditions.iter().map(|(_, level)| *level).min().unwrap_or(Capability::None);
        for (condition, _) in conditions {
            if !self.conditions.contains(&condition) {
                self.conditions.push(condition);
            }
        }
        if level == Capability::Exact {
            self.constant_columns.extend(mapped.columns.iter().cloned());
        }
        level
    }
}

/// One condition a column, with the source's capability; `None` if any column cannot be compared at all.
pub(crate) fn equal_conditions(
    table: &Table,
    mapped: &MappedTerm,
    constant: &Term,
) -> Option<Vec<(Expression, Capability)>> {
    if let Some(list) = mapped.build.codes() {
        return equal_code(table, mapped, list, constant).map(|condition| vec![condition]);
    }
    if !mapped.build.is_invertible() {
        return None;
    }
    let values = key_values(constant, &mapped.term_type)?;
    let arrows = mapped.term_type.columns();
    let mut conditions = Vec::new();
    for ((name, value), arrow) in mapped.columns.iter().zip(values).zip(arrows) {
        let column = table.column(name).filter(|column| is_native(column, &arrow))?;
        let level = table.filter_capability(FilterOperation::Equal, column);
        if level == Capability::None {
            return None;
        }
        conditions.push((compare(name, CompareOperator::Equal, value), level));
    }
    Some(conditions)
}

/// The condition on a column of codes: one of those that stand for the constant. Several are not one value, so that is said
/// to be a superset.
fn equal_code(
    table: &Table,
    mapped: &MappedTerm,
    list: &CodeList,
    constant: &Term,
) -> Option<(Expression, Capability)> {
    let Term::NamedNode(iri) = constant else { return None };
    let column = table.column(mapped.columns.first()?)?;
    let mut values = list.values_of(iri, column.data_type).filter(|values| !values.is_empty())?;
    let operation = if values.len() == 1 { FilterOperation::Equal } else { FilterOperation::In };
    let level = table.filter_capability(operation, column);
    if level == Capability::None {
        return None;
    }
    if operation == FilterOperation::Equal {
        return Some((compare(&column.name, CompareOperator::Equal, values.pop()?), level));
    }
    let input = Box::new(Expression::Column(ColumnRef::bare(&column.name)));
    Some((Expression::In { input, values }, level.min(Capability::Superset)))
}

pub(crate) fn compare(column: &str, operator: CompareOperator, value: Value) -> Expression {
    Expression::Compare {
        operator,
        left: Box::new(Expression::Column(ColumnRef::bare(column))),
        right: Box::new(Expression::Literal(value)),
    }
}

pub(crate) fn term_expression(term: &Term) -> Sparql {
    match term {
        Term::NamedNode(node) => Sparql::NamedNode(node.clone()),
        Term::Literal(literal) => Sparql::Literal(literal.clone()),
        // A blank node is never a constant of a query.
        other => Sparql::Literal(oxrdf::Literal::new_simple_literal(other.to_string())),
    }
}

impl Branch {
    /// Adds an occurrence of a variable, unless its terms can never equal those of another occurrence.
    pub(crate) fn bind(
        &mut self,
        variable: &Variable,
        access: usize,
        mapped: &Arc<MappedTerm>,
        namespace: Namespace,
    ) -> Result<(), String> {
        let access = (!matches!(mapped.term_type, TermType::Constant(_))).then_some(access);
        for other in self.occurrences.iter().filter(|o| o.variable == *variable) {
            if !other.term.term_type.may_equal(&mapped.term_type) {
                return Err(format!("{variable} cannot be both {} and {}", other.term.term_type, mapped.term_type));
            }
            if other.access == access && is_same(&other.term, mapped) {
                return Ok(());
            }
        }
        let (variable, term) = (variable.clone(), mapped.clone());
        self.occurrences.push(Occurrence { variable, access, term, namespace, optional: false });
        Ok(())
    }

    /// The conjunction of two branches, or `None` when it has no solution.
    pub(crate) fn and(&self, other: &Self) -> Option<Self> {
        let mut joined = self.clone();
        let mut renumbered = Vec::with_capacity(other.accesses.len());
        for access in &other.accesses {
            renumbered.push(joined.merge_access(access));
        }
        for occurrence in &other.occurrences {
            let conflicts = joined.occurrences.iter().any(|mine| {
                mine.variable == occurrence.variable && !mine.term.term_type.may_equal(&occurrence.term.term_type)
            });
            if conflicts {
                return None;
            }
            let access = occurrence.access.map(|access| renumbered[access]);
            let known = joined.occurrences.iter().any(|mine| {
                mine.variable == occurrence.variable
                    && mine.access == access
                    && mine.term == occurrence.term
                    && mine.optional == occurrence.optional
            });
            if !known {
                joined.occurrences.push(Occurrence { access, ..occurrence.clone() });
            }
        }
        joined.filters.extend(other.filters.iter().cloned());
        joined.fixed.extend(other.fixed.iter().cloned());
        joined.is_impossible |= other.is_impossible;
        Some(joined)
    }

    /// The position of an access for the same row, or of a copy of this one.
    fn merge_access(&mut self, access: &Access) -> usize {
        let same_row = self.accesses.iter().position(|mine| {
            mine.graph == access.graph
                && mine.table == access.table
                && mine.row_keys.iter().any(|key| access.row_keys.contains(key))
        });
        let Some(position) = same_row else {
            self.accesses.push(access.clone());
            return self.accesses.len() - 1;
        };
        let mine = &mut self.accesses[position];
        mine.conditions
            .extend(access.conditions.iter().filter(|c| !mine.conditions.contains(c)).cloned().collect::<Vec<_>>());
        mine.constant_columns.extend(access.constant_columns.iter().cloned());
        mine.constants.extend(access.constants.iter().cloned());
        position
    }

    /// Adds what an OPTIONAL asks for as nullable columns of rows that are there already.
    ///
    /// `optional` must be one pattern about the same row that binds one new variable; `None` when it is anything else.
    pub(crate) fn with_optional(&self, optional: &Self) -> Option<Self> {
        let [access] = optional.accesses.as_slice() else { return None };
        if !optional.filters.is_empty() || !access.conditions.is_empty() {
            return None;
        }
        let position = self.accesses.iter().position(|mine| {
            mine.graph == access.graph
                && mine.table == access.table
                && mine.row_keys.iter().any(|key| access.row_keys.contains(key))
        })?;
        let mut branch = self.clone();
        let mut added = 0;
        for occurrence in &optional.occurrences {
            if self.occurrences.iter().any(|mine| mine.variable == occurrence.variable) {
                let same = self.occurrences.iter().any(|mine| {
                    mine.variable == occurrence.variable
                        && mine.access == Some(position)
                        && mine.term == occurrence.term
                        && !mine.optional
                });
                if !same {
                    return None;
                }
                continue;
            }
            occurrence.access?;
            branch.occurrences.push(Occurrence { access: Some(position), optional: true, ..occurrence.clone() });
            added += 1;
        }
        (added == 1).then_some(branch)
    }

    pub(crate) fn occurrences_of<'a>(&'a self, variable: &'a Variable) -> impl Iterator<Item = &'a Occurrence> {
        self.occurrences.iter().filter(move |o| o.variable == *variable)
    }

    /// Whether the terms of `variables` determine the row of every access, so that no solution comes twice.
    fn determines_rows(&self, catalogue: &Catalogue, variables: &[Variable]) -> bool {
        let mut known: HashSet<&Variable> = variables.iter().collect();
        let mut determined = vec![false; self.accesses.len()];
        loop {
            let before = determined.iter().filter(|d| **d).count();
            for (i, access) in self.accesses.iter().enumerate() {
                if determined[i] || !self.is_row_known(catalogue, i, access, &known) {
                    continue;
                }
                determined[i] = true;
                known.extend(self.occurrences.iter().filter(|o| o.access == Some(i)).map(|o| &o.variable));
            }
            let after = determined.iter().filter(|d| **d).count();
            if after == determined.len() {
                return true;
            }
            if after == before {
                return false;
            }
        }
    }

    fn is_row_known(
        &self,
        catalogue: &Catalogue,
        position: usize,
        access: &Access,
        known: &HashSet<&Variable>,
    ) -> bool {
        let mut columns: Vec<&str> = access.constant_columns.iter().map(String::as_str).collect();
        for occurrence in self.occurrences.iter().filter(|o| o.access == Some(position)) {
            let invertible = occurrence.term.build.is_invertible();
            if invertible && (known.contains(&occurrence.variable) || self.fixed.contains(&occurrence.variable)) {
                columns.extend(occurrence.term.columns.iter().map(String::as_str));
            }
        }
        catalogue.table(access.graph, &access.table).is_some_and(|table| table.is_unique(&columns))
    }

    /// The narrowest namespace the variable is known to be in, in every solution.
    pub(crate) fn namespace(&self, variable: &Variable) -> Namespace {
        let known = self.occurrences_of(variable).filter(|o| !o.optional).map(|o| o.namespace);
        known.max().unwrap_or(Namespace::Any)
    }

    /// What the branch asks, each request once, as far as that is known before it is planned.
    pub(crate) fn requests(&self, catalogue: &Catalogue) -> Vec<u64> {
        let mut requests: Vec<u64> =
            self.accesses.iter().map(|access| catalogue.request(access.graph, &access.table)).collect();
        requests.sort_unstable();
        requests.dedup();
        requests
    }

    /// Whether no solution of one can be a solution of the other.
    fn is_disjoint(&self, other: &Self) -> bool {
        self.occurrences.iter().any(|mine| {
            !mine.optional
                && other
                    .occurrences_of(&mine.variable)
                    .any(|theirs| !theirs.optional && !mine.term.term_type.may_equal(&theirs.term.term_type))
        })
    }
}
