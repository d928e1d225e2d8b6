//! Accesses that agree on a key of their table are one.
//!
//! Two accesses of a table that are joined on columns with a key among them, or hold such columns to the same constants,
//! give the same row: equal terms are equal values of those columns, and a key allows one row for them.

use crate::branch::{Access, Branch, Occurrence};
use crate::catalogue::Catalogue;
use crate::constant::is_native;
use weft_mapping::Build;
use weft_model::contract::{CompareOperator, Expression, Table, TypeKind};

/// Makes one access of those that are about the same row.
pub(crate) fn merge_rows(catalogue: &Catalogue, branch: &mut Branch) {
    while let Some((kept, other)) = same_row(catalogue, branch) {
        merge(branch, kept, other);
    }
}

fn same_row(catalogue: &Catalogue, branch: &Branch) -> Option<(usize, usize)> {
    for (second, other) in branch.accesses.iter().enumerate() {
        for (first, kept) in branch.accesses[..second].iter().enumerate() {
            if kept.graph != other.graph || kept.table != other.table {
                continue;
            }
            let Some(table) = catalogue.table(kept.graph, &kept.table) else { continue };
            let mut columns = equal_constants(kept, other);
            columns.extend(joined_columns(table, branch, first, second));
            if table.is_unique(&columns) {
                return Some((first, second));
            }
        }
    }
    None
}

/// Columns that the source holds to one value in both.
fn equal_constants<'b>(kept: &'b Access, other: &Access) -> Vec<&'b str> {
    let both = |column: &String| kept.constant_columns.contains(column) && other.constant_columns.contains(column);
    let of = |condition: &'b Expression| match condition {
        Expression::Compare { operator: CompareOperator::Equal, left, right } => match (&**left, &**right) {
            (Expression::Column(column), Expression::Literal(_)) if both(&column.name) => Some(column.name.as_str()),
            _ => None,
        },
        _ => None,
    };
    kept.conditions.iter().filter(|condition| other.conditions.contains(condition)).filter_map(of).collect()
}

/// Columns that a variable of both takes its terms from, one value for each term.
fn joined_columns<'b>(table: &Table, branch: &'b Branch, first: usize, second: usize) -> Vec<&'b str> {
    let of = |access: usize| branch.occurrences.iter().filter(move |o| o.access == Some(access) && !o.optional);
    let is_joined = |mine: &&Occurrence| {
        of(second).any(|theirs| theirs.variable == mine.variable && theirs.term == mine.term)
            && mine.term.build == Build::Columns
            && mine.term.columns.iter().zip(mine.term.term_type.columns()).all(|(name, arrow)| {
                table.column(name).is_some_and(|c| is_native(c, &arrow) && c.data_type.kind() != TypeKind::Float64)
            })
    };
    of(first).filter(is_joined).flat_map(|occurrence| occurrence.term.columns.iter().map(String::as_str)).collect()
}

fn merge(branch: &mut Branch, kept: usize, other: usize) {
    let access = branch.accesses.remove(other);
    let mine = &mut branch.accesses[kept];
    mine.conditions.extend(access.conditions.into_iter().filter(|c| !mine.conditions.contains(c)).collect::<Vec<_>>());
    mine.row_keys.extend(access.row_keys);
    mine.subjects.extend(access.subjects);
    mine.uses_other_columns |= access.uses_other_columns;
    mine.constant_columns.extend(access.constant_columns);
    mine.constants.extend(access.constants);
    let mut occurrences: Vec<Occurrence> = Vec::with_capacity(branch.occurrences.len());
    for mut occurrence in std::mem::take(&mut branch.occurrences) {
        occurrence.access = occurrence.access.map(|access| match access {
            access if access == other => kept,
            access if access > other => access - 1,
            access => access,
        });
        let is_known = |known: &Occurrence| {
            known.variable == occurrence.variable
                && known.access == occurrence.access
                && known.term == occurrence.term
                && known.optional == occurrence.optional
        };
        if !occurrences.iter().any(is_known) {
            occurrences.push(occurrence);
        }
    }
    branch.occurrences = occurrences;
}
