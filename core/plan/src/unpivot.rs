//! Patterns about one row that are matched by several columns of it, asked for once.
//!
//! A pattern with a variable predicate has a branch for each mapped column of a table. Their scans differ in the columns
//! they read, and in the nulls they leave out; the broker leaves those out anyway.

use crate::pushdown::not_null;
use crate::{KeySlot, Node, NodeKind, Scan, ScanOutput, Unpivot};
use std::collections::HashMap;
use std::sync::Arc;
use weft_model::contract::{Expression, Read, Relation};

/// The branches of a union, those about the rows of one read as one.
pub(crate) fn merge(nodes: Vec<Node>, union: impl Fn(Vec<Node>) -> Node) -> Vec<Node> {
    if nodes.len() < 2 {
        return nodes;
    }
    let mut groups: Vec<(Option<Rows>, Vec<Node>)> = Vec::with_capacity(nodes.len());
    let mut of_table: HashMap<(Arc<str>, String), Vec<usize>> = HashMap::with_capacity(nodes.len());
    for node in nodes {
        let Some(rows) = rows(&node) else {
            groups.push((None, vec![node]));
            continue;
        };
        let alike = of_table.entry((rows.source.clone(), rows.table.clone())).or_default();
        match alike.iter().find(|group| groups[**group].0.as_ref() == Some(&rows)) {
            Some(known) => groups[*known].1.push(node),
            None => {
                alike.push(groups.len());
                groups.push((Some(rows), vec![node]));
            }
        }
    }
    let merged = groups.into_iter().map(|(_, mut members)| match (members.pop(), members.is_empty()) {
        (Some(only), true) => vec![only],
        (Some(last), false) => {
            members.push(last);
            vec![unpivot(members, &union)]
        }
        (None, _) => Vec::new(),
    });
    merged.flatten().collect()
}

/// What scans must agree on to be one.
#[derive(PartialEq)]
struct Rows {
    source: Arc<str>,
    table: String,
    slot: Option<KeySlot>,
    conditions: Vec<Expression>,
}

fn scan_of(node: &Node) -> Option<(&Scan, &Read)> {
    match &node.kind {
        NodeKind::Project { input } => scan_of(input),
        NodeKind::Scan(scan) => match &scan.relation {
            Relation::Read(read) if read.keys.is_none() && read.limit.is_none() => Some((scan, read)),
            _ => None,
        },
        _ => None,
    }
}

fn rows(node: &Node) -> Option<Rows> {
    let (scan, read) = scan_of(node)?;
    let mut conditions = conditions(read);
    let mut needed: Vec<&str> = Vec::new();
    for output in scan.outputs.iter().filter(|output| output.required) {
        needed.extend(output.inputs.iter().filter_map(|input| read.columns.get(*input)).map(String::as_str));
    }
    conditions.retain(|condition| !needed.iter().any(|column| *condition == not_null(column)));
    Some(Rows { source: scan.source.clone(), table: read.table.clone(), slot: scan.slot.clone(), conditions })
}

fn conditions(read: &Read) -> Vec<Expression> {
    match &read.filter {
        None => Vec::new(),
        Some(Expression::And(parts)) => parts.clone(),
        Some(other) => vec![other.clone()],
    }
}

fn unpivot(members: Vec<Node>, union: impl Fn(Vec<Node>) -> Node) -> Node {
    let mut merged: Option<(Scan, Read)> = None;
    let mut ways = Vec::with_capacity(members.len());
    for (scan, read) in members.iter().filter_map(scan_of) {
        let (all, columns) = merged.get_or_insert_with(|| (scan.clone(), Read { filter: None, ..read.clone() }));
        for reason in &scan.not_pushed {
            if !all.not_pushed.contains(reason) {
                all.not_pushed.push(reason.clone());
            }
        }
        extend(columns, read);
        ways.push(scan.outputs.iter().map(|output| read_from(output, read, columns)).collect());
    }
    let conditions = members.first().and_then(rows).map_or_else(Vec::new, |rows| rows.conditions);
    let shape = union(members);
    let Some((scan, mut read)) = merged else { return shape };
    read.filter = match conditions.len() {
        0 => None,
        1 => conditions.into_iter().next(),
        _ => Some(Expression::And(conditions)),
    };
    let scan = Scan { relation: Relation::Read(read), outputs: Vec::new(), ..scan };
    Node { kind: NodeKind::Unpivot(Box::new(Unpivot { scan: Arc::new(scan), ways })), ..shape }
}

fn extend(all: &mut Read, read: &Read) {
    all.columns.extend(read.columns.iter().filter(|name| !all.columns.contains(name)).cloned().collect::<Vec<_>>());
    let new = read.schema.iter().filter(|field| all.field(&field.name).is_none()).cloned().collect::<Vec<_>>();
    all.schema.extend(new);
}

/// The output of a scan of `read` as one of a scan of `all`.
fn read_from(output: &ScanOutput, read: &Read, all: &Read) -> ScanOutput {
    let position = |input: &usize| {
        let name = read.columns.get(*input)?;
        all.columns.iter().position(|column| column == name)
    };
    ScanOutput { inputs: output.inputs.iter().filter_map(position).collect(), ..output.clone() }
}
