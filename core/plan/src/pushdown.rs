//! SPARQL conditions in the terms of one table.
//!
//! A condition moves into a read only where the source's comparison and SPARQL's agree on every value, as the source
//! declares: `exact` conditions leave the plan, `superset` ones are checked again, the rest stays. Both sides have three
//! truth values with the same tables (SPARQL section 17.2, SQL), so connectives translate one to one.

use crate::branch::{Access, Branch, Occurrence, compare, equal_conditions};
use crate::catalogue::Catalogue;
use crate::constant::{comparable, is_native};
use oxrdf::{Literal, NamedNode, Variable};
use spargebra::algebra::{Expression as Sparql, Function};
use weft_mapping::{Build, InvalidValues};
use weft_model::contract::{
    Capability, Column, ColumnRef, CompareOperator, Expression, FilterOperation, Table, TextOperator, Value,
};
use weft_model::term::{KeyValue, LiteralType, TermType};

/// What became of a condition.
pub(crate) struct Pushed {
    /// Whether some source evaluates it exactly, so that nothing is left to do.
    pub(crate) exact: bool,
    /// Why it is left to the broker.
    pub(crate) reason: Option<String>,
}

/// Adds the condition to every access that can check it.
pub(crate) fn push(catalogue: &Catalogue, branch: &mut Branch, condition: &Sparql) -> Pushed {
    let mut exact = false;
    let mut reason = None;
    for position in 0..branch.accesses.len() {
        let access = &branch.accesses[position];
        let Some(table) = catalogue.table(access.graph, &access.table) else { continue };
        let invalid_values = catalogue.graph(access.graph).invalid_values;
        let translator = Translator { branch, position, table, invalid_values };
        match translator.condition(condition) {
            Ok((expression, level)) => {
                exact |= level == Capability::Exact;
                if level < Capability::Exact {
                    reason = Some(format!("{} answers {condition} only as a superset", access.table));
                }
                branch.is_impossible |= is_never(&expression);
                add(&mut branch.accesses[position], expression);
            }
            Err(None) => {}
            Err(Some(why)) => reason = Some(why),
        }
    }
    let reason =
        if exact { None } else { Some(reason.unwrap_or_else(|| format!("{condition} is not about one table"))) };
    Pushed { exact, reason }
}

/// Whether it is one of no values.
fn is_never(expression: &Expression) -> bool {
    match expression {
        Expression::In { values, .. } => values.is_empty(),
        Expression::And(parts) => parts.iter().any(is_never),
        Expression::Or(parts) => parts.iter().all(is_never),
        _ => false,
    }
}

fn add(access: &mut Access, expression: Expression) {
    if !access.conditions.contains(&expression) {
        access.conditions.push(expression);
    }
}

/// Translates conditions on the variables of one access. An error without text means: not about this table.
struct Translator<'a> {
    branch: &'a Branch,
    position: usize,
    table: &'a Table,
    invalid_values: InvalidValues,
}

type Translated = Result<(Expression, Capability), Option<String>>;

/// A variable that is one native column.
struct ColumnTerm<'a> {
    column: &'a Column,
    literal: LiteralType,
}

impl<'a> Translator<'a> {
    fn condition(&self, condition: &Sparql) -> Translated {
        match condition {
            Sparql::And(a, b) => self.connective(a, b, None),
            Sparql::Or(a, b) => self.connective(a, b, Some(FilterOperation::Or)),
            Sparql::Not(inner) => self.not(inner),
            Sparql::Bound(variable) => self.bound(variable),
            Sparql::Equal(a, b) => self.comparison(CompareOperator::Equal, a, b),
            Sparql::SameTerm(a, b) => self.same_term(a, b),
            Sparql::Less(a, b) => self.comparison(CompareOperator::Less, a, b),
            Sparql::LessOrEqual(a, b) => self.comparison(CompareOperator::LessOrEqual, a, b),
            Sparql::Greater(a, b) => self.comparison(CompareOperator::Greater, a, b),
            Sparql::GreaterOrEqual(a, b) => self.comparison(CompareOperator::GreaterOrEqual, a, b),
            Sparql::In(input, list) => self.in_list(input, list),
            Sparql::FunctionCall(function, arguments) => self.function(function, arguments),
            other => Err(Some(format!("{other} has no counterpart in the contract"))),
        }
    }

    fn connective(&self, a: &Sparql, b: &Sparql, operation: Option<FilterOperation>) -> Translated {
        let (left, left_level) = self.condition(a)?;
        let (right, right_level) = self.condition(b)?;
        let mut level = left_level.min(right_level);
        if let Some(operation) = operation {
            let own = self.table.connective_capability(operation);
            if own == Capability::None {
                return Err(Some(format!("{} has no OR", self.table.name)));
            }
            level = level.min(own);
        }
        let make = if operation.is_some() { Expression::Or } else { Expression::And };
        Ok((make(vec![left, right]), level))
    }

    fn not(&self, inner: &Sparql) -> Translated {
        if let Sparql::Equal(a, b) = inner {
            return self.comparison(CompareOperator::NotEqual, a, b);
        }
        let (expression, level) = self.condition(inner)?;
        // The complement of a superset is a subset.
        if level != Capability::Exact || self.table.connective_capability(FilterOperation::Not) != Capability::Exact {
            return Err(Some(format!("{} cannot negate {inner} exactly", self.table.name)));
        }
        Ok((Expression::Not(Box::new(expression)), Capability::Exact))
    }

    fn bound(&self, variable: &Variable) -> Translated {
        let occurrence = self.occurrence(variable)?;
        if !occurrence.term.build.is_invertible() {
            return Err(Some(format!("{variable} is not a column")));
        }
        if self.table.connective_capability(FilterOperation::Not) != Capability::Exact {
            return Err(Some(format!("{} cannot ask for what is not null", self.table.name)));
        }
        let mut tests = Vec::new();
        for name in &occurrence.term.columns {
            let column = self.column(name)?;
            self.level(FilterOperation::IsNull, column, Some(Capability::Exact))?;
            tests.push(not_null(name));
        }
        Ok((Expression::And(tests), Capability::Exact))
    }

    fn comparison(&self, operator: CompareOperator, a: &Sparql, b: &Sparql) -> Translated {
        match (a, b) {
            (Sparql::Variable(v), Sparql::Literal(literal)) => self.compare_literal(operator, v, literal),
            (Sparql::Literal(literal), Sparql::Variable(v)) => self.compare_literal(mirrored(operator), v, literal),
            (Sparql::Variable(v), Sparql::NamedNode(node)) | (Sparql::NamedNode(node), Sparql::Variable(v)) => {
                self.compare_iri(operator, v, node)
            }
            (Sparql::Variable(v), Sparql::Variable(w)) => self.compare_columns(operator, v, w),
            _ => Err(Some("only a variable and a constant, or two variables, are compared by sources".to_owned())),
        }
    }

    fn compare_literal(&self, operator: CompareOperator, variable: &Variable, literal: &Literal) -> Translated {
        let ColumnTerm { column, literal: literal_type } = self.literal_column(variable)?;
        if literal_type == LiteralType::Boolean && operation(operator) == FilterOperation::Range {
            return Err(Some("the order of booleans is decided by the broker".to_owned()));
        }
        let value = comparable(literal, &literal_type)
            .ok_or_else(|| Some(format!("{literal} does not compare natively with {}", column.name)))?;
        let level = self.level(operation(operator), column, None)?;
        Ok((compare(&column.name, operator, value), level))
    }

    fn compare_iri(&self, operator: CompareOperator, variable: &Variable, node: &NamedNode) -> Translated {
        if operator == CompareOperator::Equal
            && let Some(condition) = self.code(variable, node)
        {
            return Ok(condition);
        }
        let values = self.keys(variable, node)?.ok_or_else(|| Some(format!("{variable} is never {node}")))?;
        let occurrence = self.occurrence(variable)?;
        if operator != CompareOperator::Equal && !(operator == CompareOperator::NotEqual && values.len() == 1) {
            return Err(Some(format!("{variable} is compared as an IRI")));
        }
        let mut level = Capability::Exact;
        let mut tests = Vec::new();
        for (name, value) in occurrence.term.columns.iter().zip(values) {
            level = level.min(self.level(operation(operator), self.column(name)?, None)?);
            tests.push(compare(name, operator, value));
        }
        Ok((Expression::And(tests), level))
    }

    /// A column of codes holds one of those that stand for the IRI. Whether the others have a term at all is for the broker
    /// to know, so this is never said to be all of the condition.
    fn code(&self, variable: &Variable, node: &NamedNode) -> Option<(Expression, Capability)> {
        let is_here = |o: &&Occurrence| o.variable == *variable && o.access == Some(self.position);
        let occurrence = self.branch.occurrences.iter().find(is_here)?;
        occurrence.term.build.codes()?;
        let (condition, level) = equal_conditions(self.table, &occurrence.term, &node.clone().into())?.pop()?;
        Some((condition, level.min(Capability::Superset)))
    }

    fn compare_columns(&self, operator: CompareOperator, left: &Variable, right: &Variable) -> Translated {
        let (left, right) = (self.literal_column(left)?, self.literal_column(right)?);
        let comparable = left.literal == right.literal && left.column.data_type == right.column.data_type;
        if !comparable || matches!(left.literal, LiteralType::Double | LiteralType::Boolean) {
            return Err(Some("columns of different types are compared by the broker".to_owned()));
        }
        let mut level = self.level(FilterOperation::CompareColumns, left.column, None)?;
        level = level.min(self.level(FilterOperation::CompareColumns, right.column, None)?);
        let column = |c: &Column| Box::new(Expression::Column(ColumnRef::bare(&c.name)));
        Ok((Expression::Compare { operator, left: column(left.column), right: column(right.column) }, level))
    }

    fn same_term(&self, a: &Sparql, b: &Sparql) -> Translated {
        match (a, b) {
            (Sparql::Variable(v), Sparql::NamedNode(node)) | (Sparql::NamedNode(node), Sparql::Variable(v)) => {
                self.compare_iri(CompareOperator::Equal, v, node)
            }
            _ => Err(Some("sameTerm is decided by the broker".to_owned())),
        }
    }

    fn in_list(&self, input: &Sparql, list: &[Sparql]) -> Translated {
        let Sparql::Variable(variable) = input else {
            return Err(Some("IN over an expression is decided by the broker".to_owned()));
        };
        let occurrence = self.occurrence(variable)?;
        if occurrence.term.build != Build::Columns {
            return Err(Some(format!("{variable} is not a column")));
        }
        let [name] = occurrence.term.columns.as_slice() else {
            return Err(Some(format!("{variable} has several key columns")));
        };
        let column = self.column(name)?;
        let level = self.level(FilterOperation::In, column, None)?;
        let mut values = Vec::with_capacity(list.len());
        for item in list {
            match item {
                // An IRI that no row can have makes no row match.
                Sparql::NamedNode(node) => values.extend(self.keys(variable, node)?.unwrap_or_default()),
                Sparql::Literal(literal) => {
                    let literal_type = self.literal_column(variable)?.literal;
                    values.push(
                        comparable(literal, &literal_type).ok_or_else(|| Some(format!("{literal} is not native")))?,
                    );
                }
                other => return Err(Some(format!("{other} is not a constant"))),
            }
        }
        if matches!(occurrence.term.term_type, TermType::Iri { .. })
            && list.iter().any(|i| !matches!(i, Sparql::NamedNode(_)))
        {
            return Err(Some("IRIs and literals mixed in one list".to_owned()));
        }
        if let ([only], Ok(level)) = (values.as_slice(), self.level(FilterOperation::Equal, column, None)) {
            return Ok((compare(name, CompareOperator::Equal, only.clone()), level));
        }
        Ok((Expression::In { input: Box::new(Expression::Column(ColumnRef::bare(name))), values }, level))
    }

    fn function(&self, function: &Function, arguments: &[Sparql]) -> Translated {
        let (operator, operation) = match function {
            Function::StrStarts => (TextOperator::StartsWith, FilterOperation::StartsWith),
            Function::StrEnds => (TextOperator::EndsWith, FilterOperation::EndsWith),
            Function::Contains => (TextOperator::Contains, FilterOperation::Contains),
            other => return Err(Some(format!("{other} is evaluated by the broker"))),
        };
        let [input, Sparql::Literal(pattern)] = arguments else {
            return Err(Some(format!("{function} of an expression is evaluated by the broker")));
        };
        let input = match input {
            Sparql::FunctionCall(Function::Str, inner) => inner.first().unwrap_or(input),
            other => other,
        };
        let Sparql::Variable(variable) = input else {
            return Err(Some(format!("{function} of an expression is evaluated by the broker")));
        };
        let ColumnTerm { column, literal } = self.literal_column(variable)?;
        if literal != LiteralType::String || pattern.datatype() != oxrdf::vocab::xsd::STRING {
            return Err(Some(format!("{variable} is not a plain string")));
        }
        let level = self.level(operation, column, None)?;
        let input = Box::new(Expression::Column(ColumnRef::bare(&column.name)));
        Ok((Expression::Text { operator, input, pattern: pattern.value().to_owned() }, level))
    }

    fn occurrence(&self, variable: &Variable) -> Result<&'a Occurrence, Option<String>> {
        let is_here = |o: &&Occurrence| o.variable == *variable && o.access == Some(self.position);
        let occurrence = self.branch.occurrences.iter().find(is_here).ok_or(None)?;
        if matches!(occurrence.term.build, Build::Normalised { .. } | Build::Converted(_)) {
            let columns = occurrence.term.columns.join(", ");
            return Err(Some(format!("{variable} is computed by the broker from {columns}")));
        }
        let columns = occurrence.term.columns.iter().map(|name| self.column(name).map(|column| column.data_type));
        if occurrence.term.may_be_absent(self.invalid_values, &columns.collect::<Result<Vec<_>, _>>()?) {
            return Err(Some(format!("the source does not know which values of {variable} are left out")));
        }
        Ok(occurrence)
    }

    fn column(&self, name: &str) -> Result<&'a Column, Option<String>> {
        self.table.column(name).ok_or(None)
    }

    /// The one native column a variable is.
    fn literal_column(&self, variable: &Variable) -> Result<ColumnTerm<'a>, Option<String>> {
        let occurrence = self.occurrence(variable)?;
        let (TermType::Literal(literal), [name], Build::Columns) =
            (&occurrence.term.term_type, occurrence.term.columns.as_slice(), &occurrence.term.build)
        else {
            return Err(Some(format!("{variable} is not a native column")));
        };
        let column = self.column(name)?;
        if !is_native(column, &literal.arrow()) {
            return Err(Some(format!("{variable} is converted from {}", column.data_type)));
        }
        Ok(ColumnTerm { column, literal: literal.clone() })
    }

    /// The keys a variable has where it is this IRI; none when it never is.
    fn keys(&self, variable: &Variable, node: &NamedNode) -> Result<Option<Vec<Value>>, Option<String>> {
        let occurrence = self.occurrence(variable)?;
        let (TermType::Iri { shape, keys }, Build::Columns) = (&occurrence.term.term_type, &occurrence.term.build)
        else {
            return Err(Some(format!("{variable} has no IRI template")));
        };
        for (name, kind) in occurrence.term.columns.iter().zip(keys) {
            if !is_native(self.column(name)?, &kind.arrow()) {
                return Err(Some(format!("{variable} is converted from another type")));
            }
        }
        let native = |key| match key {
            KeyValue::Int64(n) => Value::Int64(n),
            KeyValue::Text(text) => Value::Text(text),
        };
        Ok(shape.invert(node.as_str(), keys).map(|keys| keys.into_iter().map(native).collect()))
    }

    fn level(
        &self,
        operation: FilterOperation,
        column: &Column,
        wanted: Option<Capability>,
    ) -> Result<Capability, Option<String>> {
        let level = self.table.filter_capability(operation, column);
        if level == Capability::None || wanted.is_some_and(|wanted| level < wanted) {
            return Err(Some(format!("{} does not filter {} by {operation:?}", self.table.name, column.name)));
        }
        Ok(level)
    }
}

pub(crate) fn not_null(column: &str) -> Expression {
    Expression::Not(Box::new(Expression::IsNull(Box::new(Expression::Column(ColumnRef::bare(column))))))
}

fn operation(operator: CompareOperator) -> FilterOperation {
    match operator {
        CompareOperator::Equal => FilterOperation::Equal,
        CompareOperator::NotEqual => FilterOperation::NotEqual,
        _ => FilterOperation::Range,
    }
}

fn mirrored(operator: CompareOperator) -> CompareOperator {
    match operator {
        CompareOperator::Less => CompareOperator::Greater,
        CompareOperator::LessOrEqual => CompareOperator::GreaterOrEqual,
        CompareOperator::Greater => CompareOperator::Less,
        CompareOperator::GreaterOrEqual => CompareOperator::LessOrEqual,
        same => same,
    }
}
