//! Algebra as SPARQL text.
//!
//! Every operator stands in braces or brackets of its own wherever its neighbours could change what it means: a FILTER
//! applies to its whole group, and `*` binds before `+`. Terms, variables and paths are printed by the crates they come
//! from, which escape them.

use oxrdf::{Literal, Variable};
use spargebra::algebra::{
    AggregateExpression, AggregateFunction, Expression, GraphPattern, OrderExpression, PropertyPathExpression,
};
use spargebra::term::{GroundTerm, NamedNodePattern, TermPattern};
use std::fmt::{Display, Write as _};

/// A query for these variables of a pattern; for [`row_variable`] where there are none.
pub(super) fn select(variables: &[Variable], pattern: &GraphPattern) -> String {
    let mut text = Text::default();
    text.add("SELECT");
    variables.iter().for_each(|variable| text.variable(variable));
    if variables.is_empty() {
        text.add(format_args!("( 1 AS {} )", row_variable(pattern)));
    }
    text.add("WHERE");
    text.group(pattern);
    text.0.truncate(text.0.trim_end().len());
    text.0
}

/// The name of a variable in the text. Variables that a plan has made have signs in their names that SPARQL does not allow;
/// they are escaped, and so is what looks like an escape.
pub(super) fn name(variable: &Variable) -> String {
    let name = variable.as_str();
    let is_plain = Variable::new(name).is_ok() && !["_0_", "_1_", "_x"].iter().any(|escape| name.contains(escape));
    if is_plain {
        return name.to_owned();
    }
    let mut escaped = String::new();
    for c in name.chars() {
        match c {
            '.' => escaped.push_str("_0_"),
            '_' => escaped.push_str("_1_"),
            c if c.is_ascii_alphanumeric() => escaped.push(c),
            // Writing to a String cannot fail.
            c => drop(write!(escaped, "_x{:x}_", u32::from(c))),
        }
    }
    escaped
}

/// A variable that does not occur in the pattern.
pub(super) fn row_variable(pattern: &GraphPattern) -> Variable {
    let mut text = Text::default();
    text.group(pattern);
    unused_variable(&text.0)
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn add(&mut self, text: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{text} ");
    }

    fn variable(&mut self, variable: &Variable) {
        self.add(format_args!("?{}", name(variable)));
    }

    fn term(&mut self, term: &TermPattern) {
        match term {
            TermPattern::Variable(variable) => self.variable(variable),
            other => self.add(other),
        }
    }

    fn predicate(&mut self, predicate: &NamedNodePattern) {
        match predicate {
            NamedNodePattern::Variable(variable) => self.variable(variable),
            NamedNodePattern::NamedNode(node) => self.add(node),
        }
    }

    fn group(&mut self, pattern: &GraphPattern) {
        self.add("{");
        self.body(pattern);
        self.add("}");
    }

    /// As one element among others: what is written before and after it is joined with it.
    fn element(&mut self, pattern: &GraphPattern) {
        if is_joinable(pattern) { self.body(pattern) } else { self.group(pattern) }
    }

    /// As what OPTIONAL, MINUS, BIND and FILTER are applied to.
    fn applied_to(&mut self, pattern: &GraphPattern) {
        if is_joinable(pattern) || is_applied(pattern) { self.body(pattern) } else { self.group(pattern) }
    }

    /// The inside of a group that holds this pattern and nothing else.
    fn body(&mut self, pattern: &GraphPattern) {
        match pattern {
            GraphPattern::Bgp { patterns } => {
                for triple in patterns {
                    self.triple(&triple.subject, &triple.predicate, &triple.object);
                }
            }
            GraphPattern::Path { subject, path, object } => self.path(subject, path, object),
            GraphPattern::Join { left, right } => {
                self.element(left);
                self.element(right);
            }
            GraphPattern::Union { left, right } => {
                self.group(left);
                self.add("UNION");
                self.group(right);
            }
            GraphPattern::LeftJoin { left, right, expression } => self.optional(left, right, expression.as_ref()),
            GraphPattern::Minus { left, right } => self.modified(left, "MINUS", right),
            GraphPattern::Lateral { left, right } => self.modified(left, "LATERAL", right),
            GraphPattern::Filter { expr, inner } => {
                // Two filters of one group are one.
                if let GraphPattern::Filter { .. } = **inner {
                    self.body(inner)
                } else {
                    self.applied_to(inner)
                }
                self.filter(expr);
            }
            GraphPattern::Extend { inner, variable, expression } => {
                self.applied_to(inner);
                self.add("BIND (");
                self.expression(expression);
                self.named_as(variable);
            }
            GraphPattern::Graph { name, inner } => self.elsewhere("GRAPH", name, inner),
            GraphPattern::Service { name, inner, silent } => {
                self.elsewhere(if *silent { "SERVICE SILENT" } else { "SERVICE" }, name, inner);
            }
            GraphPattern::Values { variables, bindings } => self.values(variables, bindings),
            GraphPattern::Group { inner, variables, aggregates } => self.aggregated(inner, variables, aggregates),
            GraphPattern::OrderBy { .. }
            | GraphPattern::Project { .. }
            | GraphPattern::Distinct { .. }
            | GraphPattern::Reduced { .. }
            | GraphPattern::Slice { .. } => self.select(pattern),
        }
    }

    fn triple(&mut self, subject: &TermPattern, predicate: &NamedNodePattern, object: &TermPattern) {
        self.term(subject);
        self.predicate(predicate);
        self.term(object);
        self.add(".");
    }

    fn path(&mut self, subject: &TermPattern, path: &PropertyPathExpression, object: &TermPattern) {
        self.term(subject);
        self.add(path);
        self.term(object);
        self.add(".");
    }

    fn modified(&mut self, left: &GraphPattern, keyword: &str, right: &GraphPattern) {
        self.applied_to(left);
        self.add(keyword);
        self.group(right);
    }

    fn optional(&mut self, left: &GraphPattern, right: &GraphPattern, condition: Option<&Expression>) {
        self.applied_to(left);
        self.add("OPTIONAL {");
        // A filter of its own sees the right side only, the condition sees both.
        if let GraphPattern::Filter { .. } = right {
            self.group(right)
        } else {
            self.body(right)
        }
        if let Some(condition) = condition {
            self.filter(condition);
        }
        self.add("}");
    }

    fn filter(&mut self, expression: &Expression) {
        self.add("FILTER (");
        self.expression(expression);
        self.add(")");
    }

    fn elsewhere(&mut self, keyword: &str, name: &NamedNodePattern, inner: &GraphPattern) {
        self.add(keyword);
        self.predicate(name);
        self.group(inner);
    }

    fn named_as(&mut self, variable: &Variable) {
        self.add("AS");
        self.variable(variable);
        self.add(")");
    }

    fn values(&mut self, variables: &[Variable], rows: &[Vec<Option<GroundTerm>>]) {
        self.add("VALUES (");
        variables.iter().for_each(|variable| self.variable(variable));
        self.add(") {");
        for row in rows {
            self.add("(");
            for term in row {
                match term {
                    Some(term) => self.add(term),
                    None => self.add("UNDEF"),
                }
            }
            self.add(")");
        }
        self.add("}");
    }

    fn aggregated(&mut self, inner: &GraphPattern, keys: &[Variable], aggregates: &[(Variable, AggregateExpression)]) {
        self.add("{ SELECT");
        keys.iter().for_each(|key| self.variable(key));
        for (variable, aggregate) in aggregates {
            self.add("(");
            self.aggregate(aggregate);
            self.named_as(variable);
        }
        if keys.is_empty() && aggregates.is_empty() {
            // One group without a name: SELECT needs some column.
            self.add(format_args!("( COUNT(*) AS {} )", unused_variable(&self.0)));
        }
        self.add("WHERE");
        self.group(inner);
        if !keys.is_empty() {
            self.add("GROUP BY");
            keys.iter().for_each(|key| self.variable(key));
        }
        self.add("}");
    }

    /// A sub-query (SPARQL section 18.2.4.4: slice, distinct, projection and order, from the outside in).
    fn select(&mut self, pattern: &GraphPattern) {
        let (slice, pattern) = match pattern {
            GraphPattern::Slice { inner, start, length } => (Some((*start, *length)), &**inner),
            other => (None, other),
        };
        let (unique, pattern) = match pattern {
            GraphPattern::Distinct { inner } => ("DISTINCT", &**inner),
            GraphPattern::Reduced { inner } => ("REDUCED", &**inner),
            other => ("", other),
        };
        let (variables, pattern) = match pattern {
            GraphPattern::Project { inner, variables } => (variables.as_slice(), &**inner),
            other => (&[][..], other),
        };
        let (order, pattern) = match pattern {
            GraphPattern::OrderBy { inner, expression } => (expression.as_slice(), &**inner),
            other => (&[][..], other),
        };
        self.add("{ SELECT");
        if !unique.is_empty() {
            self.add(unique);
        }
        if variables.is_empty() {
            self.add("*");
        }
        variables.iter().for_each(|variable| self.variable(variable));
        self.add("WHERE");
        self.group(pattern);
        if !order.is_empty() {
            self.add("ORDER BY");
            order.iter().for_each(|key| self.order(key));
        }
        if let Some((start, length)) = slice {
            if let Some(length) = length {
                self.add(format_args!("LIMIT {length}"));
            }
            self.add(format_args!("OFFSET {start}"));
        }
        self.add("}");
    }

    fn order(&mut self, key: &OrderExpression) {
        let (keyword, expression) = match key {
            OrderExpression::Asc(expression) => ("ASC (", expression),
            OrderExpression::Desc(expression) => ("DESC (", expression),
        };
        self.add(keyword);
        self.expression(expression);
        self.add(")");
    }

    fn aggregate(&mut self, aggregate: &AggregateExpression) {
        let AggregateExpression::FunctionCall { name, expr, distinct } = aggregate else {
            let distinct = matches!(aggregate, AggregateExpression::CountSolutions { distinct: true });
            return self.add(if distinct { "COUNT( DISTINCT * )" } else { "COUNT( * )" });
        };
        self.add(format_args!("{}(", aggregate_name(name)));
        if *distinct {
            self.add("DISTINCT");
        }
        self.expression(expr);
        if let AggregateFunction::GroupConcat { separator: Some(separator) } = name {
            self.add(format_args!("; SEPARATOR = {}", Literal::new_simple_literal(separator)));
        }
        self.add(")");
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::NamedNode(node) => self.add(node),
            Expression::Literal(literal) => self.add(literal),
            Expression::Variable(variable) => self.variable(variable),
            Expression::Or(a, b) => self.infix(a, "||", b),
            Expression::And(a, b) => self.infix(a, "&&", b),
            Expression::Equal(a, b) => self.infix(a, "=", b),
            Expression::Greater(a, b) => self.infix(a, ">", b),
            Expression::GreaterOrEqual(a, b) => self.infix(a, ">=", b),
            Expression::Less(a, b) => self.infix(a, "<", b),
            Expression::LessOrEqual(a, b) => self.infix(a, "<=", b),
            Expression::Add(a, b) => self.infix(a, "+", b),
            Expression::Subtract(a, b) => self.infix(a, "-", b),
            Expression::Multiply(a, b) => self.infix(a, "*", b),
            Expression::Divide(a, b) => self.infix(a, "/", b),
            Expression::UnaryPlus(inner) => self.prefix("+", inner),
            Expression::UnaryMinus(inner) => self.prefix("-", inner),
            Expression::Not(inner) => self.prefix("!", inner),
            Expression::SameTerm(a, b) => self.call("sameTerm", [&**a, &**b]),
            Expression::In(input, list) => {
                self.add("(");
                self.expression(input);
                self.call("IN ", list);
                self.add(")");
            }
            Expression::FunctionCall(function, arguments) => self.call(function, arguments),
            Expression::Bound(variable) => {
                self.add("BOUND(");
                self.variable(variable);
                self.add(")");
            }
            Expression::Exists(pattern) => {
                self.add("EXISTS");
                self.group(pattern);
            }
            Expression::If(condition, yes, no) => self.call("IF", [&**condition, &**yes, &**no]),
            Expression::Coalesce(arguments) => self.call("COALESCE", arguments),
        }
    }

    fn infix(&mut self, left: &Expression, operator: &str, right: &Expression) {
        self.add("(");
        self.expression(left);
        self.add(operator);
        self.expression(right);
        self.add(")");
    }

    fn prefix(&mut self, operator: &str, inner: &Expression) {
        self.add(format_args!("( {operator}"));
        self.expression(inner);
        self.add(")");
    }

    fn call<'a>(&mut self, function: impl Display, arguments: impl IntoIterator<Item = &'a Expression>) {
        self.add(format_args!("{function}("));
        for (i, argument) in arguments.into_iter().enumerate() {
            if i > 0 {
                self.add(",");
            }
            self.expression(argument);
        }
        self.add(")");
    }
}

fn aggregate_name(function: &AggregateFunction) -> String {
    match function {
        AggregateFunction::GroupConcat { .. } => "GROUP_CONCAT".to_owned(),
        other => other.to_string(),
    }
}

/// Whether the elements of the pattern can stand among others that are joined with them. Triples must where they can: a
/// blank node is one only within neighbouring triples.
fn is_joinable(pattern: &GraphPattern) -> bool {
    match pattern {
        GraphPattern::Bgp { .. }
        | GraphPattern::Path { .. }
        | GraphPattern::Union { .. }
        | GraphPattern::Graph { .. }
        | GraphPattern::Service { .. }
        | GraphPattern::Values { .. }
        | GraphPattern::Join { .. } => true,
        GraphPattern::LeftJoin { .. }
        | GraphPattern::Minus { .. }
        | GraphPattern::Lateral { .. }
        | GraphPattern::Filter { .. }
        | GraphPattern::Extend { .. }
        | GraphPattern::OrderBy { .. }
        | GraphPattern::Project { .. }
        | GraphPattern::Distinct { .. }
        | GraphPattern::Reduced { .. }
        | GraphPattern::Slice { .. }
        | GraphPattern::Group { .. } => false,
    }
}

/// Whether the pattern is applied to all that stands before it in its group.
fn is_applied(pattern: &GraphPattern) -> bool {
    matches!(
        pattern,
        GraphPattern::LeftJoin { .. }
            | GraphPattern::Minus { .. }
            | GraphPattern::Lateral { .. }
            | GraphPattern::Extend { .. }
    )
}

/// A variable that does not occur in a text.
fn unused_variable(text: &str) -> Variable {
    let mut name = "weft".to_owned();
    while text.contains(&name) {
        name.push('_');
    }
    Variable::new_unchecked(name)
}
