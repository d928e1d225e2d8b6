//! Which accesses of a branch are one request, and which conditions are left to the broker.

use super::{Decomposition, Group};
use crate::branch::{Branch, equal_conditions, term_expression};
use crate::catalogue::Catalogue;
use crate::constant::is_native;
use crate::pushdown::{self, not_null};
use crate::{Observed, PlanLimits, Rule, Rules};
use hashbrown::HashSet;
use oxrdf::{Term, Variable};
use spargebra::algebra::Expression as Sparql;
use std::sync::Arc;
use weft_mapping::{Build, InvalidValues, MappedTerm};
use weft_model::contract::{Capability, FilterOperation, JoinSupport, Table, TextComparison, TypeKind};
use weft_model::term::{LiteralType, TermType};

/// Splits a branch into groups.
pub(crate) fn decompose(catalogue: &Catalogue, limits: &PlanLimits, mut branch: Branch) -> Decomposition {
    let rules = limits.rules;
    let nothing = Observed::default();
    let observed = if rules.allows(Rule::ObservedStatistics) { &limits.observed } else { &nothing };
    let mut filters = fix_constants(catalogue, &mut branch);
    let mut not_pushed = Vec::new();
    for condition in std::mem::take(&mut branch.filters) {
        if !rules.allows(Rule::PushFilters) {
            filters.push(condition);
            continue;
        }
        let pushed = pushdown::push(catalogue, &mut branch, &condition);
        if !pushed.exact {
            not_pushed.extend(pushed.reason);
            filters.push(condition);
        }
    }
    let forced = demand_values(catalogue, &mut branch);
    let sets = connect(catalogue, rules, &branch);
    let constants: Vec<(Variable, Term)> = constants(&branch).collect();
    let equated = equate_within(catalogue, &mut branch, &sets);
    // What was equal by a variable that now has another name is no longer joined by the source.
    let sets = if equated.is_empty() { sets } else { connect(catalogue, rules, &branch) };
    filters.extend(equated);
    let is_impossible = branch.is_impossible;
    let branch = Arc::new(branch);
    let mut groups: Vec<Group> =
        sets.into_iter().map(|accesses| Group::new(catalogue, observed, branch.clone(), accesses, &forced)).collect();
    if let Some(first) = groups.first_mut() {
        first.constants = constants;
        first.not_pushed = not_pushed;
    }
    Decomposition { groups, filters, is_impossible }
}

fn constants(branch: &Branch) -> impl Iterator<Item = (Variable, Term)> {
    let mut seen = HashSet::new();
    branch.occurrences.iter().filter_map(move |occurrence| match &occurrence.term.term_type {
        TermType::Constant(term) if seen.insert(occurrence.variable.clone()) => {
            Some((occurrence.variable.clone(), term.clone()))
        }
        _ => None,
    })
}

/// Where a variable is a constant and also columns, the columns must equal the constant: a condition for the source, or
/// a filter on a hidden variable.
fn fix_constants(catalogue: &Catalogue, branch: &mut Branch) -> Vec<Sparql> {
    let mut filters = Vec::new();
    let constants: Vec<(Variable, Term)> = constants(branch).collect();
    let mut occurrences = std::mem::take(&mut branch.occurrences);
    for (number, occurrence) in occurrences.iter_mut().enumerate() {
        let (Some(position), Some((_, term))) =
            (occurrence.access, constants.iter().find(|(variable, _)| *variable == occurrence.variable))
        else {
            continue;
        };
        let access = &mut branch.accesses[position];
        let conditions = catalogue
            .table(access.graph, &access.table)
            .and_then(|table| equal_conditions(table, &occurrence.term, term))
            .unwrap_or_default();
        let exact = !conditions.is_empty() && conditions.iter().all(|(_, level)| *level == Capability::Exact);
        access.conditions.extend(conditions.into_iter().map(|(condition, _)| condition));
        occurrence.variable = Variable::new_unchecked(format!("_:k{number}"));
        if !exact {
            filters.push(Sparql::SameTerm(
                Box::new(Sparql::Variable(occurrence.variable.clone())),
                Box::new(term_expression(term)),
            ));
        }
    }
    branch.occurrences = occurrences;
    filters
}

/// A pattern matches no null: tells the source so where it can, and returns the variables the broker must look at.
fn demand_values(catalogue: &Catalogue, branch: &mut Branch) -> HashSet<Variable> {
    let mut forced = HashSet::new();
    for occurrence in branch.occurrences.iter().filter(|o| !o.optional) {
        let Some(position) = occurrence.access else { continue };
        let access = &mut branch.accesses[position];
        let Some(table) = catalogue.table(access.graph, &access.table) else { continue };
        if !is_always_there(catalogue.graph(access.graph).invalid_values, table, &occurrence.term) {
            forced.insert(occurrence.variable.clone());
        }
        for name in &occurrence.term.columns {
            let Some(column) = table.column(name).filter(|column| column.nullable) else { continue };
            if table.filter_capability(FilterOperation::IsNull, column) == Capability::Exact
                && table.connective_capability(FilterOperation::Not) == Capability::Exact
            {
                let condition = not_null(name);
                if !access.conditions.contains(&condition) {
                    access.conditions.push(condition);
                }
            } else {
                forced.insert(occurrence.variable.clone());
            }
        }
    }
    forced
}

/// Whether columns without null are a term in every row that comes: where values that are none leave rows out, only the
/// broker knows which.
fn is_always_there(invalid: InvalidValues, table: &Table, term: &MappedTerm) -> bool {
    let types: Option<Vec<_>> =
        term.columns.iter().map(|name| table.column(name).map(|column| column.data_type)).collect();
    types.is_some_and(|types| !term.may_be_absent(invalid, &types))
}

/// The accesses of each group, in join order.
fn connect(catalogue: &Catalogue, rules: Rules, branch: &Branch) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for position in 0..branch.accesses.len() {
        let graph = branch.accesses[position].graph;
        let support = catalogue.graph(graph).description.relational.join;
        let joins = |group: &Vec<usize>| match support {
            _ if !rules.allows(Rule::SourceJoin) => false,
            JoinSupport::None => false,
            JoinSupport::Any => !joined_on(catalogue, branch, group, position).is_empty(),
            JoinSupport::ForeignKeys => group.len() == 1 && along_foreign_key(catalogue, branch, group[0], position),
        };
        let same_source = |group: &Vec<usize>| branch.accesses[group[0]].graph == graph;
        let mut joined = vec![position];
        // An access can connect several groups into one.
        let (connected, others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| same_source(group) && joins(group));
        groups = others;
        let single = support == JoinSupport::ForeignKeys;
        for (number, mut group) in connected.into_iter().enumerate() {
            if single && number > 0 {
                groups.push(group);
            } else {
                group.extend(joined);
                joined = group;
            }
        }
        groups.push(joined);
    }
    groups.into_iter().map(|group| join_order(catalogue, branch, group)).collect()
}

/// Reorders a group so that each access is connected with one before it.
fn join_order(catalogue: &Catalogue, branch: &Branch, mut rest: Vec<usize>) -> Vec<usize> {
    rest.sort_unstable();
    let mut ordered = vec![rest.remove(0)];
    while rest.len() > 1 {
        let next =
            rest.iter().position(|position| !joined_on(catalogue, branch, &ordered, *position).is_empty()).unwrap_or(0);
        ordered.push(rest.remove(next));
    }
    ordered.append(&mut rest);
    ordered
}

/// Column pairs on which the source joins an access with those that are joined already: what is equal, or else the columns
/// that are one constant in both. Of these, one access gives at most one row, so that no more rows come than without.
pub(super) fn joined_on(
    catalogue: &Catalogue,
    branch: &Branch,
    joined: &[usize],
    position: usize,
) -> Vec<(ColumnAt, ColumnAt)> {
    let pairs = equalities(catalogue, branch, joined, position);
    if !pairs.is_empty() {
        return pairs;
    }
    let other = joined.iter().find_map(|other| Some((*other, same_constant(catalogue, branch, *other, position)?)));
    let Some((other, (theirs, mine))) = other else { return pairs };
    theirs.iter().zip(mine).map(|(left, right)| ((other, left.clone()), (position, right.clone()))).collect()
}

/// The columns of two accesses that are one constant.
fn same_constant<'b>(
    catalogue: &Catalogue,
    branch: &'b Branch,
    left: usize,
    right: usize,
) -> Option<(&'b [String], &'b [String])> {
    let is_one_row = |position: usize| {
        let columns: Vec<&str> = branch.accesses[position].constant_columns.iter().map(String::as_str).collect();
        table_of(catalogue, branch, position).is_some_and(|table| table.is_unique(&columns))
    };
    if !is_one_row(left) && !is_one_row(right) {
        return None;
    }
    let is_exact = |position: usize, term: &MappedTerm| {
        term.columns.iter().all(|column| branch.accesses[position].constant_columns.contains(column))
    };
    let of_left = branch.accesses[left].constants.iter().filter(|(_, term)| is_exact(left, term));
    for (constant, theirs) in of_left {
        let mine = branch.accesses[right].constants.iter().find(|(known, mine)| {
            known == constant && is_exact(right, mine) && same_columns(catalogue, branch, (left, theirs), (right, mine))
        });
        if let Some((_, mine)) = mine {
            return Some((&theirs.columns, &mine.columns));
        }
    }
    None
}

/// Column pairs on which an access equals accesses that are joined already.
pub(super) fn equalities(
    catalogue: &Catalogue,
    branch: &Branch,
    joined: &[usize],
    position: usize,
) -> Vec<(ColumnAt, ColumnAt)> {
    let mut pairs = Vec::new();
    if joined.is_empty() {
        return pairs;
    }
    for mine in branch.occurrences.iter().filter(|o| o.access == Some(position) && !o.optional) {
        for theirs in branch.occurrences_of(&mine.variable).filter(|o| !o.optional) {
            let Some(other) = theirs.access.filter(|other| joined.contains(other)) else { continue };
            if !same_columns(catalogue, branch, (other, &theirs.term), (position, &mine.term)) {
                continue;
            }
            for (left, right) in theirs.term.columns.iter().zip(&mine.term.columns) {
                let pair = ((other, left.clone()), (position, right.clone()));
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
    }
    pairs
}

pub(super) type ColumnAt = (usize, String);

/// Whether the source's equality of the columns is the equality of the terms.
fn same_columns(catalogue: &Catalogue, branch: &Branch, left: TermAt<'_>, right: TermAt<'_>) -> bool {
    if left.1.build != Build::Columns || right.1.build != Build::Columns || left.1.term_type != right.1.term_type {
        return false;
    }
    if left.1.term_type == TermType::Literal(LiteralType::Double) {
        return false;
    }
    [left, right].into_iter().all(|at| native_columns(catalogue, branch, at))
}

/// A term and the access it is of.
type TermAt<'a> = (usize, &'a MappedTerm);

fn native_columns(catalogue: &Catalogue, branch: &Branch, (position, term): TermAt<'_>) -> bool {
    let Some(table) = table_of(catalogue, branch, position) else { return false };
    term.columns.iter().zip(term.term_type.columns()).all(|(name, arrow)| {
        table.column(name).is_some_and(|column| {
            is_native(column, &arrow)
                && (column.data_type.kind() != TypeKind::Text || column.text_comparison == TextComparison::CodePoint)
        })
    })
}

pub(super) fn table_of<'a>(catalogue: &'a Catalogue, branch: &Branch, position: usize) -> Option<&'a Table> {
    let access = &branch.accesses[position];
    catalogue.table(access.graph, &access.table)
}

/// Whether the two accesses join exactly along a declared foreign key, in either direction.
fn along_foreign_key(catalogue: &Catalogue, branch: &Branch, a: usize, b: usize) -> bool {
    let pairs = equalities(catalogue, branch, &[a], b);
    let declared = |child: usize, parent: usize, columns: Vec<(&String, &String)>| {
        table_of(catalogue, branch, child).is_some_and(|table| {
            table.foreign_keys.iter().any(|key| {
                key.referenced_table == branch.accesses[parent].table
                    && key.columns.len() == columns.len()
                    && key.columns.iter().zip(&key.referenced_columns).all(|pair| columns.contains(&pair))
            })
        })
    };
    !pairs.is_empty()
        && (declared(a, b, pairs.iter().map(|(left, right)| (&left.1, &right.1)).collect())
            || declared(b, a, pairs.iter().map(|(left, right)| (&right.1, &left.1)).collect()))
}

/// A variable that occurs twice in a group where no join makes the two equal: the second one becomes a hidden variable
/// and a filter.
fn equate_within(catalogue: &Catalogue, branch: &mut Branch, groups: &[Vec<usize>]) -> Vec<Sparql> {
    let mut filters = Vec::new();
    let group_of = |access: usize| groups.iter().position(|group| group.contains(&access));
    for second in 1..branch.occurrences.len() {
        let Some(mine) = branch.occurrences[second].access else { continue };
        let first = (0..second).find(|first| {
            let other = &branch.occurrences[*first];
            other.variable == branch.occurrences[second].variable
                && other.access.is_some_and(|access| group_of(access) == group_of(mine))
        });
        let Some(first) = first else { continue };
        let (a, b) = (&branch.occurrences[first], &branch.occurrences[second]);
        if let Some(other) = a.access.filter(|other| *other != mine)
            && same_columns(catalogue, branch, (other, &a.term), (mine, &b.term))
        {
            continue;
        }
        if a.access == b.access && a.term == b.term {
            continue;
        }
        let hidden = Variable::new_unchecked(format!("_:e{second}"));
        filters.push(Sparql::SameTerm(
            Box::new(Sparql::Variable(a.variable.clone())),
            Box::new(Sparql::Variable(hidden.clone())),
        ));
        branch.occurrences[second].variable = hidden;
    }
    filters
}
