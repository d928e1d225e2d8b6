//! The plan as JSON.

use super::text::{relation, title};
use crate::{Node, NodeKind, Plan, Scan};
use serde_json::{Value, json};

/// The plan as a JSON object with the same content as the text; `statements` as there.
pub fn explain_json(plan: &Plan, statements: &[Vec<String>]) -> Value {
    let mut scans = 0;
    let root = node(&plan.root, statements, &mut scans);
    let pruned: Vec<Value> = plan
        .pruned
        .iter()
        .map(|p| json!({"pattern": p.pattern, "source": &*p.source, "table": p.table, "reason": p.reason}))
        .collect();
    let object = json!({"algebra": plan.algebra, "plan": root, "leftOut": pruned}).to_string();
    // Names are plain words, so the text stays JSON.
    super::stable_names(&object).parse().unwrap_or(Value::Null)
}

fn node(plan: &Node, statements: &[Vec<String>], scans: &mut usize) -> Value {
    let bindings: Vec<Value> = plan
        .bindings
        .iter()
        .map(|b| json!({"variable": b.variable.as_str(), "type": b.term_type.to_string(), "optional": b.optional}))
        .collect();
    let mut object = json!({"operator": title(plan), "estimate": plan.estimate.round(), "bindings": bindings});
    if let NodeKind::Scan(scan) = &plan.kind {
        object["scan"] = scan_object(scan, statements.get(*scans));
        *scans += 1;
    }
    let inputs: Vec<Value> = plan.kind.children().into_iter().map(|child| node(child, statements, scans)).collect();
    if !inputs.is_empty() {
        object["inputs"] = Value::Array(inputs);
    }
    object
}

fn scan_object(scan: &Scan, statements: Option<&Vec<String>>) -> Value {
    let keys: Vec<Value> = scan
        .slot
        .iter()
        .flat_map(|slot| &slot.columns)
        .map(|c| json!({"variable": c.variable.as_str(), "columns": c.columns}))
        .collect();
    json!({
        "source": &*scan.source,
        "asks": relation(&scan.relation),
        "keys": keys,
        "block": scan.slot.as_ref().map(|slot| slot.block),
        "sends": statements,
        "notPushed": scan.not_pushed,
    })
}
