//! Keys that are sent and not read back.
//!
//! A bind join sends keys and joins the rows that come with the rows the keys are of, so it reads the key with each row.
//! Where each key is that of one left row, and nothing above looks at the left rows, the rows that come are the join
//! already: the source gives those whose key was sent, and no others. Then the key need not come back. Read whole, without
//! keys, the right side is joined as ever.

use crate::catalogue::Catalogue;
use crate::expression::variables_of;
use crate::{Binding, JoinKind, JoinMethod, KeyPlace, KeySlot, Node, NodeKind, Scan, ScanOutput};
use hashbrown::HashSet;
use oxrdf::Variable;
use spargebra::algebra::Expression;
use std::sync::Arc;
use weft_model::contract::{Relation, TypeKind};

/// Leaves such keys out below projections: nothing else tells what is looked at.
pub(crate) fn mark(node: &mut Node, catalogue: &Catalogue) {
    if let NodeKind::Project { input } = &mut node.kind {
        let shown = node.bindings.iter().map(|binding| binding.variable.clone()).collect();
        below(input, &shown, catalogue);
    } else {
        node.kind.children_mut().into_iter().for_each(|child| mark(child, catalogue));
    }
}

/// The same for rows of which these variables are looked at.
fn below(node: &mut Node, needed: &HashSet<Variable>, catalogue: &Catalogue) {
    match &mut node.kind {
        NodeKind::Filter { input, expression } => below(input, &with(needed, expression), catalogue),
        NodeKind::Extend { input, expression, .. } => below(input, &with(needed, expression), catalogue),
        NodeKind::Join { .. } => below_join(node, needed, catalogue),
        _ => return mark(node, catalogue),
    }
    let own = match &node.kind {
        NodeKind::Extend { variable, .. } | NodeKind::Join { kind: JoinKind::Mark(variable), .. } => Some(variable),
        _ => None,
    };
    // Where keys are not read back, the rows of a join are those of its right side.
    let below = match &node.kind {
        NodeKind::Join { right, .. } if is_unread(right) => vec![&**right],
        kind => kind.children(),
    };
    let known: HashSet<Variable> = below.into_iter().flat_map(names).chain(own).cloned().collect();
    node.bindings.retain(|binding| known.contains(&binding.variable));
}

fn is_unread(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Scan(scan) if scan.whole.is_some())
}

fn below_join(node: &mut Node, needed: &HashSet<Variable>, catalogue: &Catalogue) {
    let NodeKind::Join { left, right, kind, condition, method, ordered, .. } = &mut node.kind else { return };
    let is_plain = *kind == JoinKind::Inner && condition.is_none() && !*ordered;
    let sees_left = names(left).any(|variable| needed.contains(variable));
    let mut inner = needed.clone();
    inner.extend(names(left).filter(|variable| right.binding(variable).is_some()).cloned());
    inner.extend(condition.iter().flat_map(variables_of));
    if is_plain && !sees_left && matches!(method, JoinMethod::Bind { .. }) {
        leave_out_keys(left, Arc::make_mut(right), catalogue);
    }
    below(left, &inner, catalogue);
    below(Arc::make_mut(right), &inner, catalogue);
}

fn with(needed: &HashSet<Variable>, expression: &Expression) -> HashSet<Variable> {
    needed.union(&variables_of(expression).into_iter().collect()).cloned().collect()
}

fn names(node: &Node) -> impl Iterator<Item = &Variable> {
    node.bindings.iter().map(|binding| &binding.variable)
}

/// The right side without its keys, where each is that of one left row.
fn leave_out_keys(left: &Node, right: &mut Node, catalogue: &Catalogue) {
    let NodeKind::Scan(scan) = &right.kind else { return };
    let Some(slot) = scan.slot.as_ref().filter(|slot| is_exact(scan, slot, catalogue)) else { return };
    let keys: Vec<&Variable> = slot.columns.iter().map(|column| &column.variable).collect();
    let is_key = |binding: &Binding| {
        let other = right.binding(&binding.variable);
        other.is_none_or(|other| keys.contains(&&binding.variable) && !binding.optional && !other.optional)
    };
    if !left.bindings.iter().all(is_key) || !is_unique(left, &keys, catalogue) {
        return;
    }
    let Some(keyed) = without(scan, &keys) else { return };
    let bindings = right.bindings.iter().filter(|binding| !keys.contains(&&binding.variable)).cloned().collect();
    let whole = right.clone();
    let keyed = Scan { whole: Some(Box::new(whole)), ..keyed };
    *right = Node { kind: NodeKind::Scan(Arc::new(keyed)), bindings, ..right.clone() };
}

/// Whether two keys are the same for the source just where they are the same term: so it is with whole numbers. Texts
/// have collations, and codes and labels are terms of the broker's making.
fn is_exact(scan: &Scan, slot: &KeySlot, catalogue: &Catalogue) -> bool {
    let Relation::Read(read) = &scan.relation else { return false };
    let table = catalogue.position(&scan.source).and_then(|graph| catalogue.table(graph, &read.table));
    let is_number = |name: &String| {
        let column = table.and_then(|table| table.column(name));
        column.is_some_and(|column| column.data_type.kind() == TypeKind::Int64)
    };
    slot.place == KeyPlace::Read(read.alias.clone())
        && scan.first.is_none()
        && slot
            .columns
            .iter()
            .all(|column| column.codes.is_none() && column.labels.is_none() && column.columns.iter().all(is_number))
}

/// The scan without these variables; `None` where no column less would come.
fn without(scan: &Scan, keys: &[&Variable]) -> Option<Scan> {
    let Relation::Read(read) = &scan.relation else { return None };
    let mut outputs: Vec<ScanOutput> =
        scan.outputs.iter().filter(|output| !keys.contains(&&output.variable)).cloned().collect();
    let is_used = |position: &usize| outputs.iter().any(|output| output.inputs.contains(position));
    let used: Vec<usize> = (0..read.columns.len()).filter(is_used).collect();
    // Rows must be countable even where only their existence matters.
    if used.is_empty() || used.len() == read.columns.len() {
        return None;
    }
    for input in outputs.iter_mut().flat_map(|output| &mut output.inputs) {
        *input = used.iter().position(|position| position == input)?;
    }
    let mut read = read.clone();
    read.columns = used.iter().map(|position| read.columns[*position].clone()).collect();
    Some(Scan { relation: Relation::Read(read), outputs, ..scan.clone() })
}

/// Whether no two rows have the same terms for these variables, and none is without one.
fn is_unique(node: &Node, variables: &[&Variable], catalogue: &Catalogue) -> bool {
    match &node.kind {
        NodeKind::Scan(scan) => is_unique_scan(scan, variables, catalogue),
        NodeKind::Filter { input, .. } | NodeKind::Project { input } => is_unique(input, variables, catalogue),
        NodeKind::Join { left, kind: JoinKind::Semi | JoinKind::Anti | JoinKind::Minus, .. } => {
            is_unique(left, variables, catalogue)
        }
        // Each row of one side has at most one of the other.
        NodeKind::Join { left, right, kind: JoinKind::Inner, .. } => {
            let shared: Vec<&Variable> = names(left).filter(|variable| right.binding(variable).is_some()).collect();
            is_unique(right, variables, catalogue) && is_unique(left, &shared, catalogue)
                || is_unique(left, variables, catalogue) && is_unique(right, &shared, catalogue)
        }
        _ => false,
    }
}

fn is_unique_scan(scan: &Scan, variables: &[&Variable], catalogue: &Catalogue) -> bool {
    let Relation::Read(read) = &scan.relation else { return false };
    let table = catalogue.position(&scan.source).and_then(|graph| catalogue.table(graph, &read.table));
    let told = scan
        .outputs
        .iter()
        .filter(|output| variables.contains(&&output.variable) && output.required && output.term.build.is_invertible());
    let columns: Vec<&str> = told.flat_map(|output| &output.term.columns).map(String::as_str).collect();
    table.is_some_and(|table| table.is_unique(&columns))
}
