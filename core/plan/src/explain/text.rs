//! The words for operators and relations.

use crate::{
    Binding, Closure, JoinKind, JoinMethod, NarrowedColumn, Node, NodeKind, Reach, ScanOutput, Service, ServiceName,
    Start,
};
use oxrdf::Variable;
use spargebra::algebra::{AggregateExpression, OrderExpression};
use weft_mapping::Build;
use weft_model::contract::{
    Aggregate, ColumnRef, CompareOperator, Expression, JoinKind as RelationJoin, ProjectColumn, Read, Relation,
    TextOperator, Value,
};

pub(super) fn gives(bindings: &[Binding]) -> String {
    bindings.iter().map(binding).collect::<Vec<_>>().join(", ")
}

/// What a join tells a scan of the values it needs.
pub(super) fn narrowed_text(narrowed: &NarrowedColumn) -> String {
    let NarrowedColumn { variable, read, column: name, range, list, .. } = narrowed;
    let how = match (range, list) {
        (true, true) => "the values or their bounds",
        (true, false) => "the bounds",
        (false, _) => "the values",
    };
    format!("{} to {how} of {variable} that a join has read by then", column(&ColumnRef::new(read, name)))
}

/// What is computed from the values of the source, where a variable is not its columns as they are.
pub(super) fn computed<'s>(outputs: impl IntoIterator<Item = &'s ScanOutput>) -> Vec<String> {
    let mut found = Vec::new();
    for output in outputs {
        let Some(how) = computation(&output.term.columns, &output.term.build) else { continue };
        let text = format!("{} from {how}", output.variable);
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

fn computation(columns: &[String], build: &Build) -> Option<String> {
    let names = columns.join(", ");
    Some(match build {
        Build::Normalised { values, build } => {
            let normalised = columns.iter().zip(values).map(|(column, value)| match value {
                None => column.clone(),
                Some(value) => match value.name() {
                    None => format!("{column} by {}", value.normaliser()),
                    Some(group) => format!("{column} by {} as {group}", value.normaliser()),
                },
            });
            let from = normalised.collect::<Vec<_>>().join(", ");
            match computation(columns, build) {
                None => from,
                Some(_) => format!("{from}, a code"),
            }
        }
        Build::Coded(_) => format!("the codes of {names}"),
        Build::Converted(conversion) => format!("{names} in {} as {}", conversion.from, conversion.to),
        _ => return None,
    })
}

/// One way to read the rows of a scan.
pub(super) fn way(outputs: &[ScanOutput]) -> String {
    let binding = |output: &ScanOutput| Binding {
        variable: output.variable.clone(),
        term_type: output.term.term_type.clone(),
        optional: !output.required,
    };
    gives(&outputs.iter().map(binding).collect::<Vec<_>>())
}

fn binding(binding: &Binding) -> String {
    format!("{}{} {}", binding.variable, if binding.optional { "?" } else { "" }, binding.term_type)
}

/// What an operator does, on one line.
pub(super) fn title(node: &Node) -> String {
    match &node.kind {
        NodeKind::Scan(scan) => format!("Scan {}", scan.source),
        NodeKind::Unpivot(unpivot) => format!("Scan {}, each row in {} ways", unpivot.scan.source, unpivot.ways.len()),
        NodeKind::Unit => "Unit".to_owned(),
        NodeKind::Empty => "Empty".to_owned(),
        NodeKind::Values { rows } => format!("Values {} ({} rows)", variables(&names(node)), rows.len()),
        NodeKind::Join { left, right, kind, condition, method, goal, ordered } => {
            let title = join_title(left, right, kind, condition.as_ref(), *method);
            let goal = goal.map_or_else(String::new, |goal| format!(", {goal} rows wanted"));
            let order = if *ordered { ", in the order of the left rows" } else { "" };
            format!("{title}{goal}{order}")
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
        NodeKind::Closure(closure) => closure_title(closure),
        NodeKind::Service(service) => service_title(service),
        NodeKind::Shared { id, .. } => format!("Shared {id}"),
        NodeKind::Number { variable, .. } => format!("Number {variable}"),
        NodeKind::Alias { names, .. } => {
            let names: Vec<String> = names.iter().map(|(name, thing)| format!("{thing} := thing of {name}")).collect();
            format!("Alias {}", names.join(", "))
        }
    }
}

fn closure_title(closure: &Closure) -> String {
    let Closure { from, to, reach, start, block, in_source, .. } = closure;
    let reach = match reach {
        Reach::ZeroOrOne => "zero or one",
        Reach::ZeroOrMore => "zero or more",
        Reach::OneOrMore => "one or more",
    };
    let start = match start {
        Start::Steps => "every step".to_owned(),
        Start::Terms(terms) => terms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Start::Nodes(_) => "every node".to_owned(),
        Start::Keys { nodes: None, .. } => format!("keys of {from}"),
        Start::Keys { nodes: Some(_), .. } => format!("keys of {from} that are nodes"),
    };
    let how = match block {
        None => "steps read whole".to_owned(),
        Some(block) if *in_source => format!("the source follows them, from at most {block} terms at once"),
        Some(block) => format!("one request a level, at most {block} terms at once"),
    };
    format!("Closure {from} to {to}, {reach} steps from {start} ({how})")
}

fn service_title(service: &Service) -> String {
    let name = match &service.endpoint {
        ServiceName::Iri(iri) => iri.to_string(),
        ServiceName::Variable(variable) => variable.to_string(),
    };
    let silent = if service.silent { " silent" } else { "" };
    let keys = service.block.map_or_else(String::new, |block| format!(" (at most {block} solutions at once)"));
    format!("Service{silent} {name}{keys}")
}

fn join_title(
    left: &Node,
    right: &Node,
    kind: &JoinKind,
    condition: Option<&spargebra::algebra::Expression>,
    method: JoinMethod,
) -> String {
    let how = match method {
        JoinMethod::Hash => "Hash".to_owned(),
        JoinMethod::Bind { block, hash_from: None, .. } => format!("Bind (blocks of {block})"),
        JoinMethod::Bind { hash_from: Some(keys), at_once: true, .. } => {
            format!("Hash (both sides at once: {keys} keys or more were seen)")
        }
        JoinMethod::Bind { block, hash_from: Some(keys), .. } => {
            format!("Bind (blocks of {block}; hash from {keys} keys)")
        }
    };
    let kind = match kind {
        JoinKind::Inner => "join".to_owned(),
        JoinKind::Left => "left join".to_owned(),
        JoinKind::Semi => "join if there is a match".to_owned(),
        JoinKind::Anti => "join if there is no match".to_owned(),
        JoinKind::Minus => "minus".to_owned(),
        JoinKind::Mark(variable) => format!("join with {variable} for whether there is a match"),
    };
    let right = match &right.kind {
        NodeKind::Scan(scan) => scan.whole.as_deref().unwrap_or(right),
        _ => right,
    };
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
            let projected = |c: &ProjectColumn| match c.part {
                Some(part) => format!("{part} of {} as {}", column(&c.column), c.name),
                None => column(&c.column),
            };
            let columns: Vec<String> = columns.iter().map(projected).collect();
            format!("{} | project {}", relation(input), columns.join(", "))
        }
        Relation::Join { left, right, kind, on } => {
            let on: Vec<String> = on.iter().map(|(l, r)| format!("{} = {}", column(l), column(r))).collect();
            let kind = if *kind == RelationJoin::Left { "left join" } else { "join" };
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
        Relation::Recurse { step, from, to, start } => {
            let columns = |columns: &[ColumnRef]| columns.iter().map(column).collect::<Vec<_>>().join(", ");
            let start = if start.is_some() { " starting at keys" } else { "" };
            format!("{} | recurse from {} to {}{start}", relation(step), columns(from), columns(to))
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
