//! The plan as JSON.
//!
//! Members are added, and not changed or taken away:
//!
//! - `algebra`: the query; `rulesOff`: names of rules the plan was made without.
//! - `sources`: how many are `configured`; the names of those `asked`, of those `leftOut` whole and of `services`; how many
//!   `others` have no matching predicate, or are left out as well where `isCut`: then `leftOut` below has not all of them.
//! - `plan`: an operator: `id`, `operator` (its title in the text), `estimate` in rows, `bindings` (`variable`, `type`,
//!   `optional`), `notPushed` (why no source does it), `inputs`. Where it asks something: `scan` or `service`; a scan has
//!   the `basis` of its estimate (`guessed`, `declared` or `observed`). A join has `join`. A scan may have `computes`: what
//!   is made of values of the source by normalisers, code lists and conversions.
//! - `thread`: in the thread view only, why places of things need an alias step and others need none.
//! - `leftOut`: an object each with `pattern`, `source`, `table` and `reason`.
//!
//! After a run also:
//!
//! - `run`: `rows` of the answer, `elapsedMs`, `planningMs`, `peakMemoryBytes`, `failure` (null where there was none).
//! - in each operator that ran `actual`: `runs`, `rows`, `busyMs`, `firstRowMs`, `lastRowMs`, `complete`, `notes`, `factor`
//!   (rows for each row expected, where that is more than ten or less than a tenth), and `requests` for what was asked:
//!   `calls`, `requests`, `rows`, `bytes`, `keys`, `blocks`, `unfinished`, `firstRowsMs`, `elapsedMs`, `statements` (the first
//!   of them).

use super::analysis::{Miss, OperatorRun, RequestRun, millis};
use super::reason::Reasons;
use super::sources::Sources;
use super::text::{computed, narrowed_text, relation, title, way};
use super::{Analysis, Explained, basis, rules_off};
use crate::{JoinMethod, Node, NodeKind, Plan, Scan, Service, ServiceName};
use serde_json::{Value, json};

/// What is known of a plan, for programs: the same as in the text, and all of what is left out.
pub fn explain_json(explained: &Explained<'_>) -> Value {
    let Explained { plan, catalogue, statements, analysis } = *explained;
    let reasons = Reasons { catalogue, rules: plan.rules };
    let mut writer = Writer { statements, request: 0, reasons, analysis };
    let mut object = json!({
        "algebra": plan.algebra,
        "rulesOff": rules_off(plan.rules).collect::<Vec<_>>(),
        "sources": sources(&Sources::new(plan, catalogue)),
        "plan": writer.node(&plan.root),
        "leftOut": left_out(plan),
    });
    if let Some(notes) = &plan.thread {
        object["thread"] = json!(notes);
    }
    if let Some(analysis) = analysis {
        object["run"] = run_object(analysis);
    }
    // Names are plain words, so the text stays JSON.
    super::stable_names(&object.to_string()).parse().unwrap_or(Value::Null)
}

fn sources(sources: &Sources<'_>) -> Value {
    json!({
        "configured": sources.configured,
        "asked": sources.asked,
        "leftOut": sources.left_out,
        "services": sources.services,
        "others": sources.others(),
        "isCut": sources.is_cut,
    })
}

fn left_out(plan: &Plan) -> Vec<Value> {
    let entry =
        |p: &crate::Pruned| json!({"pattern": p.pattern, "source": &*p.source, "table": p.table, "reason": p.reason});
    plan.pruned.iter().map(entry).collect()
}

fn run_object(analysis: &Analysis) -> Value {
    json!({
        "rows": analysis.rows,
        "elapsedMs": millis(analysis.elapsed),
        "planningMs": millis(analysis.planning),
        "peakMemoryBytes": analysis.peak_memory,
        "failure": analysis.failure,
    })
}

struct Writer<'a> {
    statements: &'a [Vec<String>],
    request: usize,
    reasons: Reasons<'a>,
    analysis: Option<&'a Analysis>,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) -> Value {
        let binding = |b: &crate::Binding| json!({"variable": b.variable.as_str(), "type": b.term_type.to_string(), "optional": b.optional});
        let bindings: Vec<Value> = node.bindings.iter().map(binding).collect();
        let estimate = node.estimate.round();
        let mut object = json!({"id": node.id, "operator": title(node), "estimate": estimate, "bindings": bindings});
        if let Some(basis) = basis(node) {
            object["basis"] = basis.into();
        }
        self.kind(&mut object, node);
        if let Some(reason) = self.reasons.of(node) {
            object["notPushed"] = reason.into();
        }
        if let Some(run) = self.analysis.and_then(|analysis| analysis.operators.get(&node.id)) {
            object["actual"] = actual(run, node.estimate);
        }
        let inputs: Vec<Value> = node.kind.children().into_iter().map(|child| self.node(child)).collect();
        if !inputs.is_empty() {
            object["inputs"] = Value::Array(inputs);
        }
        object
    }

    fn kind(&mut self, object: &mut Value, node: &Node) {
        match &node.kind {
            NodeKind::Scan(scan) => {
                object["scan"] = scan_object(scan, self.statements());
                set_computed(object, computed(&scan.outputs));
            }
            NodeKind::Unpivot(unpivot) => {
                object["scan"] = scan_object(&unpivot.scan, self.statements());
                object["ways"] = unpivot.ways.iter().map(|outputs| way(outputs)).collect();
                set_computed(object, computed(unpivot.ways.iter().flatten()));
            }
            NodeKind::Join { method, goal, ordered, .. } => {
                object["join"] = match method {
                    JoinMethod::Hash => json!({"method": "hash", "goal": goal, "ordered": ordered}),
                    JoinMethod::Bind { block, hash_from, at_once } => json!({
                        "method": "bind", "block": block, "hashFrom": hash_from, "atOnce": at_once,
                        "goal": goal, "ordered": ordered,
                    }),
                };
            }
            NodeKind::Service(service) => object["service"] = service_object(service, self.statements()),
            _ => {}
        }
    }

    fn statements(&mut self) -> Option<&Vec<String>> {
        self.request += 1;
        self.statements.get(self.request - 1)
    }
}

fn actual(run: &OperatorRun, estimate: f64) -> Value {
    let factor = run.miss(estimate).map(|miss| match miss {
        Miss::More(factor) => factor.round(),
        Miss::Fewer(factor) => 1.0 / factor.round(),
    });
    json!({
        "runs": run.runs,
        "rows": run.rows,
        "busyMs": millis(run.busy),
        "firstRowMs": run.first_row.map(millis),
        "lastRowMs": run.last_row.map(millis),
        "complete": run.complete,
        "notes": run.notes,
        "factor": factor,
        "requests": run.requests.as_ref().map(requests_object),
    })
}

fn requests_object(requests: &RequestRun) -> Value {
    json!({
        "calls": requests.calls,
        "requests": requests.requests,
        "rows": requests.rows,
        "bytes": requests.bytes,
        "keys": requests.keys,
        "blocks": requests.blocks,
        "unfinished": requests.unfinished,
        "firstRowsMs": requests.first_rows.map(millis),
        "elapsedMs": millis(requests.elapsed),
        "statements": requests.statements,
    })
}

fn service_object(service: &Service, statements: Option<&Vec<String>>) -> Value {
    let name = match &service.endpoint {
        ServiceName::Iri(iri) => iri.as_str().to_owned(),
        ServiceName::Variable(variable) => variable.to_string(),
    };
    json!({"endpoint": name, "silent": service.silent, "block": service.block, "sends": statements})
}

fn set_computed(object: &mut Value, computed: Vec<String>) {
    if !computed.is_empty() {
        object["scan"]["computes"] = computed.into();
    }
}

fn scan_object(scan: &Scan, statements: Option<&Vec<String>>) -> Value {
    let keys: Vec<Value> = scan
        .slot
        .iter()
        .flat_map(|slot| &slot.columns)
        .map(|c| json!({"variable": c.variable.as_str(), "columns": c.columns}))
        .collect();
    let narrowed: Vec<Value> = scan.narrowed.iter().map(|n| json!({"join": n.join, "how": narrowed_text(n)})).collect();
    json!({
        "source": &*scan.source,
        "asks": relation(&scan.relation),
        "keys": keys,
        "block": scan.slot.as_ref().map(|slot| slot.block),
        "keysReadBack": scan.slot.as_ref().map(|_| scan.whole.is_none()),
        "first": scan.first.as_ref().map(|first| first.count),
        "narrowed": narrowed,
        "sends": statements,
        "notPushed": scan.not_pushed,
    })
}
