//! Calendar parts of dates and times, computed by the source.

use super::Pushing;
use super::columns::{capabilities, native_literal};
use crate::{Node, NodeKind, Rule, Scan, ScanOutput};
use oxrdf::Variable;
use spargebra::algebra::{Expression, Function};
use weft_mapping::{Build, MappedTerm};
use weft_model::contract::{ColumnRef, Field, ProjectColumn, Relation, TimePart};
use weft_model::term::{LiteralType, TermType};

/// A scan with what is computed from its rows above it: nothing, or parts of dates and times that the source computes as
/// SPARQL does. `None` for everything else.
pub(crate) fn with_parts(node: &Node, pushing: Pushing<'_>) -> Option<Scan> {
    match &node.kind {
        NodeKind::Scan(scan) => Some((**scan).clone()),
        NodeKind::Project { input } => with_parts(input, pushing),
        NodeKind::Extend { input, variable, expression } if pushing.allows(Rule::PushTimeParts) => {
            add(with_parts(input, pushing)?, pushing, variable, expression)
        }
        _ => None,
    }
}

/// The scan with one more variable. The function gives a number for each value of a native date or time, an instant having
/// the parts of its UTC form on both sides; where the argument is unbound the column is null and the function an error,
/// which leaves the variable unbound.
fn add(scan: Scan, pushing: Pushing<'_>, variable: &Variable, expression: &Expression) -> Option<Scan> {
    let Expression::FunctionCall(function, arguments) = expression else { return None };
    let (part, [Expression::Variable(argument)]) = (part_of(function)?, arguments.as_slice()) else { return None };
    if scan.outputs.iter().any(|output| output.variable == *variable) {
        return None;
    }
    let capabilities = capabilities(&scan, pushing.catalogue)?;
    let native = native_literal(&scan, pushing.catalogue, argument)?;
    let is_time = matches!(native.literal, LiteralType::DateTime { .. } | LiteralType::Date);
    let can = capabilities.project && capabilities.time_parts.contains(&part);
    if !can || !is_time || !part.is_part_of(native.column.data_type) {
        return None;
    }
    let required = scan.outputs.iter().any(|output| output.variable == *argument && output.required);
    let fields = scan.relation.fields().ok()?;
    let name = format!("{part}_{}", fields.len());
    let relation = with_column(&scan.relation, &fields, native.reference, &name, part)?;
    relation.fields().ok()?;
    let term_type = TermType::Literal(LiteralType::Integer);
    let term = MappedTerm { term_type, columns: vec![name], build: Build::Columns }.into();
    let mut outputs = scan.outputs.clone();
    outputs.push(ScanOutput { variable: variable.clone(), term, inputs: vec![fields.len()], required });
    Some(Scan { relation, outputs, ..scan })
}

/// The relation with one more column.
fn with_column(
    relation: &Relation,
    fields: &[(ColumnRef, Field)],
    of: ColumnRef,
    name: &str,
    part: TimePart,
) -> Option<Relation> {
    let (input, mut columns, of) = match relation {
        Relation::Project { input, columns } => {
            let of = columns.iter().find(|column| column.name == of.name && column.part.is_none())?.column.clone();
            (input.clone(), columns.clone(), of)
        }
        other => {
            let kept = fields.iter().map(|(column, _)| ProjectColumn::of(projected_name(column), column.clone()));
            (Box::new(other.clone()), kept.collect(), of)
        }
    };
    columns.push(ProjectColumn { name: name.to_owned(), column: of, part: Some(part) });
    Some(Relation::Project { input, columns })
}

fn projected_name(column: &ColumnRef) -> String {
    if column.relation.is_empty() { column.name.clone() } else { format!("{}_{}", column.relation, column.name) }
}

fn part_of(function: &Function) -> Option<TimePart> {
    Some(match function {
        Function::Year => TimePart::Year,
        Function::Month => TimePart::Month,
        Function::Day => TimePart::Day,
        Function::Hours => TimePart::Hours,
        Function::Minutes => TimePart::Minutes,
        _ => return None,
    })
}
