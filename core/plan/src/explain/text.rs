//! The plan as indented text.

use crate::{Binding, JoinMethod, Node, NodeKind, Plan, Scan};
use oxrdf::Variable;
use spargebra::algebra::{AggregateExpression, OrderExpression};
use std::fmt::Write as _;
use weft_model::contract::{
    Aggregate, ColumnRef, CompareOperator, Expression, JoinKind, Read, Relation, TextOperator, Value,
};

/// Writes the plan; `statements` are what each scan sends to its system, in the order of [`Node::scans`], where known.
pub fn explain_text(plan: &Plan, statements: &[Vec<String>]) -> String {
    let mut writer = Writer { out: String::new(), statements, scan: 0 };
    writer.line(0, &format!("algebra: {}", plan.algebra));
    writer.line(0, "plan:");
    writer.node(1, &plan.root);
    if !plan.pruned.is_empty() {
        writer.line(0, "left out:");
    }
    for pruned in &plan.pruned {
        let text = format!("{}: source {}, table {}: {}", pruned.pattern, pruned.source, pruned.table, pruned.reason);
        writer.line(1, &text);
    }
    super::stable_names(&writer.out)
}

struct Writer<'a> {
    out: String,
    statements: &'a [Vec<String>],
    scan: usize,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{:width$}{text}", "", width = depth * 2);
    }

    fn node(&mut self, depth: usize, node: &Node) {
        let title = format!("{} [~{} rows]", title(node), node.estimate.round());
        self.line(depth, &title);
        if let NodeKind::Scan(scan) = &node.kind {
            self.scan(depth + 1, scan, node);
        }
        node.kind.children().into_iter().for_each(|child| self.node(depth + 1, child));
    }

    fn scan(&mut self, depth: usize, scan: &Scan, node: &Node) {
        self.line(depth, &format!("asks: {}", relation(&scan.relation)));
        if let Some(slot) = &scan.slot {
            let columns: Vec<String> =
                slot.columns.iter().map(|c| format!("{} in keys of {}", c.columns.join(", "), c.variable)).collect();
            self.line(depth, &format!("with: {} (at most {} at once)", columns.join(", "), slot.block));
        }
        self.line(depth, &format!("gives: {}", node.bindings.iter().map(binding).collect::<Vec<_>>().join(", ")));
        for statement in self.statements.get(self.scan).into_iter().flatten() {
            self.line(depth, &format!("sends: {statement}"));
        }
        for reason in &scan.not_pushed {
            self.line(depth, &format!("not pushed: {reason}"));
        }
        self.scan += 1;
    }
}

fn binding(binding: &Binding) -> String {
    format!("{}{} {}", binding.variable, if binding.optional { "?" } else { "" }, binding.term_type)
}

/// What an operator does, on one line.
pub(super) fn title(node: &Node) -> String {
    match &node.kind {
        NodeKind::Scan(scan) => format!("Scan {}", scan.source),
        NodeKind::Unit => "Unit".to_owned(),
        NodeKind::Empty => "Empty".to_owned(),
        NodeKind::Values { rows } => format!("Values {} ({} rows)", variables(&names(node)), rows.len()),
        NodeKind::Join { left, right, kind, condition, method } => {
            join_title(left, right, *kind, condition.as_ref(), *method)
        }
        NodeKind::Union(_) => "Union".to_owned(),
        NodeKind::Filter { expression, .. } => format!("Filter {expression}"),
        NodeKind::Extend { variable, expression, .. } => format!("Extend {variable} := {expression}"),
        NodeKind::Project { .. } => format!("Project {}", variables(&names(node))),
        NodeKind::Distinct { .. } => "Distinct".to_owned(),
        NodeKind::Sort { keys, fetch, .. } => {
            let first = fetch.map_or_else(String::new, |n| format!(" (first {n})"));
            format!("Sort {}{first}", keys.iter().map(order).collect::<Vec<_>>().join(", "))
        }
        NodeKind::Slice { offset, count, .. } => {
            format!("Slice offset {offset} count {}", count.map_or_else(|| "all".to_owned(), |n| n.to_string()))
        }
        NodeKind::Group { keys, aggregates, .. } => {
            let aggregates: Vec<String> = aggregates.iter().map(|(v, a)| format!("{v} := {}", aggregate(a))).collect();
            format!("Group by {}: {}", variables(keys), aggregates.join(", "))
        }
    }
}

fn join_title(
    left: &Node,
    right: &Node,
    kind: JoinKind,
    condition: Option<&spargebra::algebra::Expression>,
    method: JoinMethod,
) -> String {
    let how = match method {
        JoinMethod::Hash => "Hash".to_owned(),
        JoinMethod::Bind { block } => format!("Bind (blocks of {block})"),
    };
    let kind = if kind == JoinKind::Left { "left join" } else { "join" };
    let shared: Vec<Variable> =
        left.bindings.iter().filter(|b| right.binding(&b.variable).is_some()).map(|b| b.variable.clone()).collect();
    let condition = condition.map_or_else(String::new, |c| format!(" if {c}"));
    format!("{how} {kind} on {}{condition}", variables(&shared))
}

fn names(node: &Node) -> Vec<Variable> {
    node.bindings.iter().map(|b| b.variable.clone()).collect()
}

fn variables(variables: &[Variable]) -> String {
    if variables.is_empty() {
        return "nothing".to_owned();
    }
    variables.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn order(key: &OrderExpression) -> String {
    match key {
        OrderExpression::Asc(e) => format!("{e} ascending"),
        OrderExpression::Desc(e) => format!("{e} descending"),
    }
}

fn aggregate(aggregate: &AggregateExpression) -> String {
    match aggregate {
        AggregateExpression::CountSolutions { distinct: false } => "COUNT(*)".to_owned(),
        AggregateExpression::CountSolutions { distinct: true } => "COUNT(DISTINCT *)".to_owned(),
        other => other.to_string(),
    }
}

/// A relation on one line, inside out like SQL: what is read, then what is done with it.
pub(super) fn relation(relation_: &Relation) -> String {
    match relation_ {
        Relation::Read(read) => read_text(read),
        Relation::Filter { input, predicate } => format!("{} where {}", relation(input), expression(predicate)),
        Relation::Project { input, columns } => {
            let columns: Vec<String> = columns.iter().map(|c| column(&c.column)).collect();
            format!("{} | project {}", relation(input), columns.join(", "))
        }
        Relation::Join { left, right, kind, on } => {
            let on: Vec<String> = on.iter().map(|(l, r)| format!("{} = {}", column(l), column(r))).collect();
            let kind = if *kind == JoinKind::Left { "left join" } else { "join" };
            format!("{} {kind} {} on {}", relation(left), relation(right), on.join(" and "))
        }
        Relation::Aggregate { input, group, aggregates } => {
            let group: Vec<String> = group.iter().map(column).collect();
            let aggregates: Vec<String> = aggregates.iter().map(aggregate_text).collect();
            format!("{} | aggregate {} by {}", relation(input), aggregates.join(", "), group.join(", "))
        }
        Relation::Distinct { input } => format!("{} | distinct", relation(input)),
        Relation::Sort { input, keys } => {
            let keys: Vec<String> = keys
                .iter()
                .map(|key| format!("{}{}", column(&key.column), if key.descending { " descending" } else { "" }))
                .collect();
            format!("{} | sort {}", relation(input), keys.join(", "))
        }
        Relation::Limit { input, offset, count } => {
            let count = count.map_or_else(|| "all".to_owned(), |n| n.to_string());
            let offset = if *offset > 0 { format!(" offset {offset}") } else { String::new() };
            format!("{} | limit {count}{offset}", relation(input))
        }
    }
}

fn read_text(read: &Read) -> String {
    let alias = if read.alias.is_empty() { String::new() } else { format!(" as {}", read.alias) };
    let filter = read.filter.as_ref().map_or_else(String::new, |f| format!(" where {}", expression(f)));
    let limit = read.limit.map_or_else(String::new, |n| format!(" limit {n}"));
    format!("{}{alias}({}){filter}{limit}", read.table, read.columns.join(", "))
}

fn aggregate_text(aggregate: &Aggregate) -> String {
    let argument = aggregate.argument.as_ref().map_or_else(|| "*".to_owned(), column);
    let distinct = if aggregate.distinct { "distinct " } else { "" };
    format!("{:?}({distinct}{argument})", aggregate.function).to_lowercase()
}

fn column(column: &ColumnRef) -> String {
    if column.relation.is_empty() { column.name.clone() } else { format!("{}.{}", column.relation, column.name) }
}

fn expression(expression_: &Expression) -> String {
    let all =
        |parts: &[Expression], sign: &str| format!("({})", parts.iter().map(expression).collect::<Vec<_>>().join(sign));
    match expression_ {
        Expression::Column(c) => column(c),
        Expression::Literal(v) => value(v),
        Expression::Compare { operator, left, right } => {
            let sign = match operator {
                CompareOperator::Equal => "=",
                CompareOperator::NotEqual => "!=",
                CompareOperator::Less => "<",
                CompareOperator::LessOrEqual => "<=",
                CompareOperator::Greater => ">",
                CompareOperator::GreaterOrEqual => ">=",
            };
            format!("{} {sign} {}", expression(left), expression(right))
        }
        Expression::And(parts) => all(parts, " and "),
        Expression::Or(parts) => all(parts, " or "),
        Expression::Not(inner) => match &**inner {
            Expression::IsNull(input) => format!("{} is not null", expression(input)),
            inner => format!("not {}", expression(inner)),
        },
        Expression::IsNull(input) => format!("{} is null", expression(input)),
        Expression::In { input, values } => {
            format!("{} in ({})", expression(input), values.iter().map(value).collect::<Vec<_>>().join(", "))
        }
        Expression::Text { operator, input, pattern } => {
            let operator = match operator {
                TextOperator::StartsWith => "starts with",
                TextOperator::EndsWith => "ends with",
                TextOperator::Contains => "contains",
            };
            format!("{} {operator} {pattern:?}", expression(input))
        }
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Boolean(b) => b.to_string(),
        Value::Int64(n) => n.to_string(),
        Value::Decimal { unscaled, scale } => format!("{unscaled}e-{scale}"),
        Value::Float64(d) => format!("{d:e}"),
        Value::Text(text) => format!("{text:?}"),
        Value::Date(days) => format!("date {days}"),
        Value::Timestamp(micros) => format!("timestamp {micros}"),
        Value::Binary(bytes) => format!("{} bytes", bytes.len()),
    }
}
