//! The plan as indented text.

use super::analysis::{Miss, OperatorRun, RequestRun, bytes, millis};
use super::reason::Reasons;
use super::sources::{Sources, left_out};
use super::text::{computed, gives, narrowed_text, relation, title, way};
use super::{Analysis, Explained, basis, rules_off};
use crate::{FirstRows, Node, NodeKind, Scan};
use std::fmt::Write as _;

/// What is known of a plan, for people.
pub fn explain_text(explained: &Explained<'_>) -> String {
    let Explained { plan, catalogue, statements, analysis } = explained;
    let reasons = Reasons { catalogue, rules: plan.rules };
    let mut writer = Writer { out: String::new(), statements, request: 0, reasons, analysis: *analysis };
    writer.line(0, &format!("algebra: {}", plan.algebra));
    writer.line(0, "sources:");
    for line in Sources::new(plan, catalogue).lines() {
        writer.line(1, &line);
    }
    let off: Vec<&str> = rules_off(plan.rules).collect();
    if !off.is_empty() {
        writer.line(0, &format!("rules off: {}", off.join(", ")));
    }
    if let Some(notes) = &plan.thread {
        writer.line(0, "thread view:");
        if notes.is_empty() {
            writer.line(1, "nothing has several names");
        }
        notes.iter().for_each(|note| writer.line(1, note));
    }
    writer.line(0, "plan:");
    writer.node(1, &plan.root);
    if !plan.pruned.is_empty() {
        writer.line(0, "left out:");
    }
    for group in left_out(&plan.pruned) {
        writer.line(1, group.pattern);
        group.lines().iter().for_each(|line| writer.line(2, line));
    }
    if let Some(analysis) = analysis {
        writer.run(analysis);
    }
    super::stable_names(&writer.out)
}

struct Writer<'a> {
    out: String,
    statements: &'a [Vec<String>],
    request: usize,
    reasons: Reasons<'a>,
    analysis: Option<&'a Analysis>,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{:width$}{text}", "", width = depth * 2);
    }

    fn node(&mut self, depth: usize, node: &Node) {
        self.line(depth, &format!("{} [{}]", title(node), expected(node)));
        self.actual(depth + 1, node);
        match &node.kind {
            NodeKind::Scan(scan) => {
                self.scan(depth + 1, scan, &[gives(&node.bindings)], &computed(&scan.outputs));
            }
            NodeKind::Unpivot(unpivot) => {
                let ways: Vec<String> = unpivot.ways.iter().map(|outputs| way(outputs)).collect();
                self.scan(depth + 1, &unpivot.scan, &ways, &computed(unpivot.ways.iter().flatten()));
            }
            NodeKind::Service(_) => self.sends(depth + 1),
            _ => {}
        }
        if let Some(reason) = self.reasons.of(node) {
            self.line(depth + 1, &format!("not pushed: {reason}"));
        }
        node.kind.children().into_iter().for_each(|child| self.node(depth + 1, child));
    }

    fn scan(&mut self, depth: usize, scan: &Scan, ways: &[String], computed: &[String]) {
        self.line(depth, &format!("asks: {}", relation(&scan.relation)));
        if let Some(slot) = &scan.slot {
            let columns: Vec<String> =
                slot.columns.iter().map(|c| format!("{} in keys of {}", c.columns.join(", "), c.variable)).collect();
            let unread = if scan.whole.is_some() { "; not read back" } else { "" };
            self.line(depth, &format!("with: {} (at most {} at once{unread})", columns.join(", "), slot.block));
        }
        if let Some(FirstRows { count, .. }) = &scan.first {
            self.line(depth, &format!("first: {count} rows, and the others only if these are not enough"));
        }
        for narrowed in &scan.narrowed {
            self.line(depth, &format!("narrowed: {}", narrowed_text(narrowed)));
        }
        for way in ways {
            self.line(depth, &format!("gives: {way}"));
        }
        for text in computed {
            self.line(depth, &format!("computes: {text}"));
        }
        self.sends(depth);
        for reason in &scan.not_pushed {
            self.line(depth, &format!("not pushed: {reason}"));
        }
    }

    fn sends(&mut self, depth: usize) {
        for statement in self.statements.get(self.request).into_iter().flatten() {
            self.line(depth, &format!("sends: {statement}"));
        }
        self.request += 1;
    }

    fn actual(&mut self, depth: usize, node: &Node) {
        let Some(analysis) = self.analysis else { return };
        let Some(run) = analysis.operators.get(&node.id) else {
            return self.line(depth, "ran: never");
        };
        self.line(depth, &format!("ran: {}", ran(run, node.estimate)));
        for note in &run.notes {
            self.line(depth, &format!("changed: {note}"));
        }
        let Some(requests) = &run.requests else { return };
        self.line(depth, &format!("asked: {}", asked(requests)));
        for statement in &requests.statements {
            self.line(depth, &format!("sent: {statement}"));
        }
        let more = requests.requests.saturating_sub(requests.statements.len() as u64);
        if more > 0 {
            self.line(depth, &format!("sent: {more} more"));
        }
    }

    fn run(&mut self, analysis: &Analysis) {
        self.line(0, "run:");
        let times = format!(
            "{} rows in {} ms, {} ms of them for the plan",
            analysis.rows,
            millis(analysis.elapsed),
            millis(analysis.planning)
        );
        self.line(1, &times);
        self.line(1, &format!("at most {} held at once", bytes(analysis.peak_memory as u64)));
        if let Some(failure) = &analysis.failure {
            // Of an error in several lines, each is as far in.
            for (number, line) in failure.lines().enumerate() {
                self.line(1, &format!("{}{line}", if number == 0 { "failed: " } else { "" }));
            }
        }
    }
}

fn expected(node: &Node) -> String {
    let rows = format!("~{} rows", node.estimate.round());
    basis(node).map_or_else(|| rows.clone(), |basis| format!("{rows}, {basis}"))
}

fn ran(run: &OperatorRun, estimate: f64) -> String {
    let mut text = format!("{} rows", run.rows);
    match run.miss(estimate) {
        Some(Miss::More(factor)) => {
            let _ = write!(text, " (! {}x as many as expected)", factor.round());
        }
        Some(Miss::Fewer(factor)) => {
            let _ = write!(text, " (! {}x fewer than expected)", factor.round());
        }
        None => {}
    }
    let _ = write!(text, " in {} ms of its own", millis(run.busy));
    if let Some(first) = run.first_row {
        let _ = write!(text, ", the first after {} ms", millis(first));
    }
    if let Some(last) = run.last_row {
        let _ = write!(text, ", the last after {} ms", millis(last));
    }
    if run.runs > 1 {
        let _ = write!(text, ", {} times", run.runs);
    }
    if !run.complete {
        text.push_str(", not to its end");
    }
    text
}

fn asked(requests: &RequestRun) -> String {
    let RequestRun { calls, blocks, keys, unfinished, rows, elapsed, .. } = requests;
    let mut text = format!(
        "{calls} calls, {} requests, {rows} rows, {} in {} ms",
        requests.requests,
        bytes(requests.bytes),
        millis(*elapsed)
    );
    if *blocks > 0 {
        let _ = write!(text, ", {keys} keys in {blocks} blocks");
    }
    if let Some(first) = requests.first_rows {
        let _ = write!(text, ", first rows {} ms after the call", millis(first));
    }
    if *unfinished > 0 {
        let _ = write!(text, ", {unfinished} calls not to their end");
    }
    text
}
