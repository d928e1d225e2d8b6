//! DISTINCT into scans.

use super::columns::{TextExactness as _, capabilities, described, rows_are_final};
use crate::catalogue::Catalogue;
use crate::{Node, NodeKind, Scan};
use std::sync::Arc;
use weft_model::contract::{Relation, TypeKind};

/// Duplicates that would be dropped above need not be sent.
pub(super) fn push(node: &mut Node, catalogue: &Catalogue) {
    match &mut node.kind {
        NodeKind::Project { input } | NodeKind::Distinct { input } => push(input, catalogue),
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| push(input, catalogue)),
        NodeKind::Scan(scan) if can_leave_out_duplicates(scan, catalogue) => {
            let input = Box::new(scan.relation.clone());
            Arc::make_mut(scan).relation = Relation::Distinct { input };
        }
        _ => {}
    }
}

/// Whether equal rows of the source are equal rows of terms, and the broker drops none.
fn can_leave_out_duplicates(scan: &Scan, catalogue: &Catalogue) -> bool {
    let capable = capabilities(scan, catalogue).is_some_and(|c| c.distinct);
    let Ok(fields) = scan.relation.fields() else { return false };
    let comparable = (0..fields.len()).all(|i| {
        let used = scan.outputs.iter().any(|output| output.inputs.contains(&i));
        used && described(scan, catalogue, i).is_some_and(|(_, column)| {
            // The two zeros of a double are one value and two terms.
            column.text_comparison_is_exact() && column.data_type.kind() != TypeKind::Float64
        })
    });
    capable && comparable && !matches!(scan.relation, Relation::Distinct { .. }) && rows_are_final(scan)
}
