//! Repeated paths whose steps are in one source that can follow them itself.

use crate::catalogue::Catalogue;
use crate::push::{TextExactness as _, capabilities, described, rows_are_final, table_of};
use crate::{Binding, KeyPlace, KeySlot, Node, NodeKind, Scan, ScanOutput, SlotColumn};
use oxrdf::Variable;
use std::sync::Arc;
use weft_mapping::Build;
use weft_model::contract::{Binding as ColumnBinding, ColumnRef, Read, Relation, TypeKind};
use weft_model::term::TermType;

/// The scan that gives the pairs of the closure of `step` from the keys of its first end, where the source of the steps
/// can do that: both ends are IRIs of one template, made of columns that it compares as the terms are compared.
pub(crate) fn in_source(step: &Node, ends: &[Variable; 2], catalogue: &Catalogue, most: usize) -> Option<Node> {
    let scan = scan_below(step)?;
    // The keys of a recursion are where it starts: they bind no column of its steps.
    let must_be_bound = |read: &&Read| {
        let columns = table_of(scan, catalogue, &read.alias).into_iter().flat_map(|table| &table.columns);
        columns.into_iter().any(|column| column.binding == ColumnBinding::Required)
    };
    if !capabilities(scan, catalogue)?.recurse || scan.relation.reads().iter().any(must_be_bound) {
        return None;
    }
    let [from, to] = ends.each_ref().map(|end| scan.outputs.iter().find(|output| output.variable == *end));
    let (from, to) = (from?, to?);
    let is_iri = matches!(from.term.term_type, TermType::Iri { .. });
    if !is_iri || from.term.term_type != to.term.term_type || !are_rows_final(scan, ends) {
        return None;
    }
    let (from_columns, to_columns) = (columns(scan, from, catalogue)?, columns(scan, to, catalogue)?);
    let names = |columns: &[ColumnRef]| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let slot = KeySlot {
        place: KeyPlace::Start,
        columns: vec![SlotColumn {
            variable: ends[0].clone(),
            term_type: from.term.term_type.clone(),
            columns: names(&from_columns),
            labels: None,
            codes: None,
        }],
        block: block(scan, catalogue, most)?,
        parallel: usize::try_from(capabilities(scan, catalogue)?.max_concurrency).unwrap_or(usize::MAX),
    };
    let relation = Relation::Recurse {
        step: Box::new(without_keys(&scan.relation)),
        from: from_columns,
        to: to_columns,
        start: None,
    };
    let width = from.inputs.len();
    relation.fields().ok()?;
    let outputs = vec![
        ScanOutput { inputs: (0..width).collect(), required: true, ..from.clone() },
        ScanOutput { inputs: (width..2 * width).collect(), required: true, ..to.clone() },
    ];
    let binding = |output: &ScanOutput| Binding {
        variable: output.variable.clone(),
        term_type: output.term.term_type.clone(),
        optional: false,
    };
    let bindings = outputs.iter().map(binding).collect();
    // All pairs are many more than those from some starts: they are never read whole.
    let scan = Scan { relation, outputs, slot: Some(slot), unkeyed: None, ..scan.clone() };
    Some(Node::new(NodeKind::Scan(Arc::new(scan)), bindings, step.estimate))
}

fn scan_below(node: &Node) -> Option<&Scan> {
    match &node.kind {
        NodeKind::Project { input } => scan_below(input),
        NodeKind::Scan(scan) => Some(scan),
        _ => None,
    }
}

/// Whether the broker drops no step; a null at an end is no step for the source either.
fn are_rows_final(scan: &Scan, ends: &[Variable; 2]) -> bool {
    let others = scan.outputs.iter().filter(|output| !ends.contains(&output.variable)).cloned().collect();
    rows_are_final(&Scan { outputs: others, ..scan.clone() })
}

/// The columns of an end, if equal values are equal terms for the source.
fn columns(scan: &Scan, end: &ScanOutput, catalogue: &Catalogue) -> Option<Vec<ColumnRef>> {
    if end.term.build != Build::Columns {
        return None;
    }
    let arrows = end.term.term_type.columns();
    end.inputs
        .iter()
        .zip(&arrows)
        .map(|(input, arrow)| {
            let (reference, column) = described(scan, catalogue, *input)?;
            let is_native = crate::constant::is_native(column, arrow);
            let is_exact = column.text_comparison_is_exact() && column.data_type.kind() != TypeKind::Float64;
            (is_native && is_exact).then_some(reference)
        })
        .collect()
}

/// As many keys as every table of the step takes.
fn block(scan: &Scan, catalogue: &Catalogue, most: usize) -> Option<usize> {
    let graph = catalogue.position(&scan.source)?;
    let tables = scan.relation.reads().into_iter().map(|read| catalogue.table(graph, &read.table));
    let keys = tables.map(|table| table.map_or(0, |table| table.max_keys)).min()?;
    let block = usize::try_from(keys).unwrap_or(usize::MAX).min(most);
    (block > 0).then_some(block)
}

fn without_keys(relation: &Relation) -> Relation {
    let mut relation = relation.clone();
    let aliases: Vec<String> = relation.reads().iter().map(|read| read.alias.clone()).collect();
    for alias in aliases {
        if let Some(read) = relation.read_mut(&alias) {
            read.keys = None;
        }
    }
    relation
}
