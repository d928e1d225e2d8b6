//! The plan as JSON.

use super::text::{relation, title, way};
use crate::{Node, NodeKind, Plan, Scan, Service, ServiceName};
use serde_json::{Value, json};

/// The plan as a JSON object with the same content as the text; `statements` as there.
pub fn explain_json(plan: &Plan, statements: &[Vec<String>]) -> Value {
    let mut requests = 0;
    let root = node(&plan.root, statements, &mut requests);
    let pruned: Vec<Value> = plan
        .pruned
        .iter()
        .map(|p| json!({"pattern": p.pattern, "source": &*p.source, "table": p.table, "reason": p.reason}))
        .collect();
    let object = json!({"algebra": plan.algebra, "plan": root, "leftOut": pruned}).to_string();
    // Names are plain words, so the text stays JSON.
    super::stable_names(&object).parse().unwrap_or(Value::Null)
}

fn node(plan: &Node, statements: &[Vec<String>], requests: &mut usize) -> Value {
    let bindings: Vec<Value> = plan
        .bindings
        .iter()
        .map(|b| json!({"variable": b.variable.as_str(), "type": b.term_type.to_string(), "optional": b.optional}))
        .collect();
    let mut object = json!({"operator": title(plan), "estimate": plan.estimate.round(), "bindings": bindings});
    match &plan.kind {
        NodeKind::Scan(scan) => {
            object["scan"] = scan_object(scan, statements.get(*requests));
            *requests += 1;
        }
        NodeKind::Unpivot(unpivot) => {
            object["scan"] = scan_object(&unpivot.scan, statements.get(*requests));
            object["ways"] = unpivot.ways.iter().map(|outputs| way(outputs)).collect();
            *requests += 1;
        }
        NodeKind::Service(service) => {
            object["service"] = service_object(service, statements.get(*requests));
            *requests += 1;
        }
        _ => {}
    }
    let inputs: Vec<Value> = plan.kind.children().into_iter().map(|child| node(child, statements, requests)).collect();
    if !inputs.is_empty() {
        object["inputs"] = Value::Array(inputs);
    }
    object
}

fn service_object(service: &Service, statements: Option<&Vec<String>>) -> Value {
    let name = match &service.endpoint {
        ServiceName::Iri(iri) => iri.as_str().to_owned(),
        ServiceName::Variable(variable) => variable.to_string(),
    };
    json!({"endpoint": name, "silent": service.silent, "block": service.block, "sends": statements})
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
