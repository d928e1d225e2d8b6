//! Conditions.

use super::block::Output;
use super::literal::{Bound, bound, compare_literals};
use super::relation::{checked, find, keyword, number};
use super::{Dialect, Lowering, Parameter};
use crate::catalogue::{COLLATION_DEFAULT, Storage};
use crate::error::{Result, invalid_request};
use sea_query::extension::sqlite::SqliteBinOper;
use sea_query::{BinOper, Expr, ExprTrait, Func};
use weft_model::contract::{CompareOperator, DataType, Expression, TextOperator, TypeKind, Value};

/// SQLite refuses longer patterns.
const GLOB_BYTES: usize = 20_000;

/// One side of a comparison.
enum Operand<'a> {
    Output(&'a Output),
    Literal(&'a Value),
    Condition(Expr),
}

impl Lowering<'_> {
    /// Adds `predicate` to the conditions, and before it the checks it relies on.
    pub(super) fn predicate(
        &mut self,
        scope: &[Output],
        predicate: &Expression,
        conditions: &mut Vec<Expr>,
    ) -> Result<()> {
        let mut doubtful = Vec::new();
        collect_doubtful(scope, predicate, false, &mut doubtful)?;
        let mut checked = Vec::new();
        for output in doubtful {
            if !checked.contains(&&output.reference) {
                checked.push(&output.reference);
                conditions.extend(self.check(output));
            }
        }
        match predicate {
            Expression::And(terms) => {
                for term in terms {
                    conditions.push(self.condition(scope, term)?);
                }
            }
            other => conditions.push(self.condition(scope, other)?),
        }
        Ok(())
    }

    /// A condition that fails the statement on a value that is not of the declared type.
    ///
    /// SQLite stores anything anywhere and orders it by storage class, so `qty > 5` is true of the text `n/a`.
    pub(super) fn check(&self, output: &Output) -> Option<Expr> {
        let label = output.label.filter(|_| self.dialect == Dialect::Sqlite && output.unchecked)?;
        let function = match output.data_type.kind() {
            TypeKind::Boolean => "weft_is_boolean",
            TypeKind::Int64 => "weft_is_int64",
            TypeKind::Decimal => "weft_is_decimal",
            TypeKind::Float64 => "weft_is_float64",
            TypeKind::Text => "weft_is_text",
            TypeKind::Date => "weft_is_date",
            TypeKind::Binary => "weft_is_binary",
            // Converted by a function that checks already.
            TypeKind::Timestamp => return None,
        };
        let stored = output.stored.as_ref().map_or(&output.value, |(stored, _)| stored);
        Some(checked(function, stored.clone(), label))
    }

    fn condition(&mut self, scope: &[Output], expression: &Expression) -> Result<Expr> {
        match expression {
            Expression::Column(column) => {
                let output = find(scope, column)?;
                match output.data_type {
                    DataType::Boolean => Ok(output.value.clone()),
                    t => Err(invalid_request(format!("column {:?} of type {t} is not a condition", column.name))),
                }
            }
            Expression::Literal(Value::Boolean(value)) => Ok(constant(*value)),
            Expression::Literal(other) => {
                Err(invalid_request(format!("a literal of kind {:?} is not a condition", other.kind())))
            }
            Expression::Compare { operator, left, right } => {
                let (left, right) = (self.operand(scope, left)?, self.operand(scope, right)?);
                self.compare(*operator, left, right)
            }
            Expression::And(terms) => self.connect(scope, terms, BinOper::And),
            Expression::Or(terms) => self.connect(scope, terms, BinOper::Or),
            Expression::Not(input) => Ok(self.condition(scope, input)?.not()),
            Expression::IsNull(input) => Ok(match self.operand(scope, input)? {
                Operand::Output(output) => output.value.clone().is_null(),
                Operand::Literal(_) => constant(false),
                Operand::Condition(condition) => condition.is_null(),
            }),
            Expression::In { input, values } => {
                let operand = self.operand(scope, input)?;
                self.in_values(operand, values)
            }
            Expression::Text { operator, input, pattern } => match self.operand(scope, input)? {
                Operand::Output(output) => self.text(*operator, output, pattern),
                Operand::Literal(Value::Text(text)) => Ok(constant(match operator {
                    TextOperator::StartsWith => text.starts_with(pattern),
                    TextOperator::EndsWith => text.ends_with(pattern),
                    TextOperator::Contains => text.contains(pattern),
                })),
                _ => Err(invalid_request(format!("{operator:?} needs a text"))),
            },
        }
    }

    fn operand<'a>(&mut self, scope: &'a [Output], expression: &'a Expression) -> Result<Operand<'a>> {
        match expression {
            Expression::Column(column) => Ok(Operand::Output(find(scope, column)?)),
            Expression::Literal(value) => Ok(Operand::Literal(value)),
            other => Ok(Operand::Condition(self.condition(scope, other)?)),
        }
    }

    /// A balanced tree: SQLite limits the depth of an expression to 1,000, also of a chain.
    fn connect(&mut self, scope: &[Output], terms: &[Expression], connective: BinOper) -> Result<Expr> {
        let mut level = Vec::with_capacity(terms.len());
        for term in terms {
            level.push(self.condition(scope, term)?);
        }
        while level.len() > 1 {
            let mut terms = level.into_iter();
            let mut next = Vec::with_capacity(terms.len().div_ceil(2));
            while let Some(left) = terms.next() {
                next.push(match terms.next() {
                    Some(right) => left.binary(connective, right),
                    None => left,
                });
            }
            level = next;
        }
        Ok(level.pop().unwrap_or_else(|| constant(connective == BinOper::And)))
    }

    fn compare(&mut self, operator: CompareOperator, left: Operand<'_>, right: Operand<'_>) -> Result<Expr> {
        match (left, right) {
            (Operand::Literal(left), Operand::Literal(right)) => {
                let holds = compare_literals(operator, left, right);
                holds.map(constant).ok_or_else(|| {
                    let (left, right) = (left.kind(), right.kind());
                    invalid_request(format!("literals of kinds {left:?} and {right:?} cannot be compared"))
                })
            }
            (Operand::Output(output), Operand::Literal(literal)) => {
                let bound = bound(self.dialect, output, operator, literal)?;
                Ok(self.bounded(output, bound))
            }
            (Operand::Literal(literal), Operand::Output(output)) => {
                let bound = bound(self.dialect, output, flip(operator), literal)?;
                Ok(self.bounded(output, bound))
            }
            (Operand::Output(left), Operand::Output(right)) => self.compare_columns(operator, left, right),
            (left, right) => {
                let (left, right) = (truth(left)?, truth(right)?);
                Ok(left.binary(sql_operator(operator), right))
            }
        }
    }

    fn bounded(&mut self, output: &Output, bound: Bound) -> Expr {
        let value = output.value.clone();
        let (operator, parameter, stored) = match bound {
            // Null where the value is.
            Bound::Always => return value.clone().binary(BinOper::Equal, value),
            Bound::Never => return value.clone().binary(BinOper::NotEqual, value),
            Bound::Value(operator, parameter) => (operator, parameter, None),
            Bound::Stored(operator, parameter) => (operator, parameter, output.stored.as_ref()),
        };
        let ordered = !matches!(operator, CompareOperator::Equal | CompareOperator::NotEqual);
        let left = match stored {
            Some((stored, _)) => stored.clone(),
            None if ordered => self.ordered(output),
            None => value.clone(),
        };
        let right = self.bind(parameter);
        let comparison = left.binary(sql_operator(operator), right);
        let upward = matches!(operator, CompareOperator::Greater | CompareOperator::GreaterOrEqual);
        match (self.dialect, output.data_type) {
            // PostgreSQL takes NaN for the greatest number.
            (Dialect::Postgres, DataType::Float64) if upward => comparison.and(value.ne(nan())),
            _ => comparison,
        }
    }

    /// Equality of a column of each side of a join.
    pub(super) fn equality(&mut self, left: &Output, right: &Output) -> Result<Expr> {
        self.compare_columns(CompareOperator::Equal, left, right)
    }

    fn compare_columns(&mut self, operator: CompareOperator, left: &Output, right: &Output) -> Result<Expr> {
        if !comparable(left.data_type, right.data_type) {
            return Err(invalid_request(format!(
                "columns {:?} of type {} and {:?} of type {} cannot be compared",
                left.reference.name, left.data_type, right.reference.name, right.data_type
            )));
        }
        let equality = matches!(operator, CompareOperator::Equal | CompareOperator::NotEqual);
        if !equality && left.data_type == DataType::Binary {
            return Err(invalid_request("columns of type binary have no order"));
        }
        let comparison = match self.same_stored(left, right) {
            Some((l, r)) if equality => l.binary(sql_operator(operator), r),
            _ => {
                let conflict = left.collation != right.collation
                    && left.collation != COLLATION_DEFAULT
                    && right.collation != COLLATION_DEFAULT
                    && left.data_type == DataType::Text;
                let l = if equality && !conflict { left.value.clone() } else { self.ordered(left) };
                let r = if conflict { self.ordered(right) } else { right.value.clone() };
                l.binary(sql_operator(operator), r)
            }
        };
        match (self.dialect, left.data_type) {
            (Dialect::Postgres, DataType::Float64) => Ok(not_a_number(operator, comparison, left, right)),
            _ => Ok(comparison),
        }
    }

    /// Two stored columns that are equal exactly when their values are, and may have indexes.
    fn same_stored(&self, left: &Output, right: &Output) -> Option<(Expr, Expr)> {
        match (left.stored.as_ref()?, right.stored.as_ref()?) {
            ((l, Storage::Uuid), (r, Storage::Uuid)) => Some((l.clone(), r.clone())),
            _ => None,
        }
    }

    fn in_values(&mut self, operand: Operand<'_>, values: &[Value]) -> Result<Expr> {
        match operand {
            Operand::Output(output) => {
                let mut rows = Vec::with_capacity(values.len());
                for value in values {
                    rows.push(vec![bound(self.dialect, output, CompareOperator::Equal, value)?]);
                }
                Ok(if values.is_empty() { constant(false) } else { self.member(&[output], rows) })
            }
            Operand::Literal(literal) => {
                let mut found = false;
                for value in values {
                    found |= compare_literals(CompareOperator::Equal, literal, value).ok_or_else(|| {
                        invalid_request("a list of values of another kind than the literal before it")
                    })?;
                }
                Ok(constant(found))
            }
            Operand::Condition(_) => Err(invalid_request("only columns and literals can be looked up in a list")),
        }
    }

    fn text(&mut self, operator: TextOperator, output: &Output, pattern: &str) -> Result<Expr> {
        if output.data_type != DataType::Text {
            let (name, t) = (&output.reference.name, output.data_type);
            return Err(invalid_request(format!("{operator:?} needs a text, column {name:?} is of type {t}")));
        }
        Ok(match self.dialect {
            Dialect::Sqlite => self.sqlite_text(operator, output.value.clone(), pattern),
            Dialect::Postgres if pattern.contains('\0') => self.bounded(output, Bound::Never),
            Dialect::Postgres => {
                let escaped = escape_like(pattern);
                let pattern = match operator {
                    TextOperator::StartsWith => format!("{escaped}%"),
                    TextOperator::EndsWith => format!("%{escaped}"),
                    TextOperator::Contains => format!("%{escaped}%"),
                };
                let pattern = self.bind(Parameter::Text(pattern));
                output.value.clone().binary(BinOper::Like, pattern)
            }
        })
    }

    /// SQLite's LIKE ignores the case of ASCII letters, so it is not used.
    fn sqlite_text(&mut self, operator: TextOperator, value: Expr, pattern: &str) -> Expr {
        let text = Parameter::Text(pattern.to_owned());
        match operator {
            TextOperator::StartsWith if pattern.len() <= GLOB_BYTES && !pattern.contains('\0') => {
                let glob = self.bind(Parameter::Text(format!("{}*", escape_glob(pattern))));
                value.binary(SqliteBinOper::Glob, glob)
            }
            TextOperator::StartsWith => {
                let pattern = self.bind(text);
                Expr::from(Func::cust("INSTR").arg(value).arg(pattern)).binary(BinOper::Equal, number(1))
            }
            TextOperator::EndsWith if !pattern.is_empty() => {
                // By bytes: a suffix of characters is a suffix of UTF-8 bytes, and NUL is a byte like any other.
                let bytes = self.bind(Parameter::Binary(pattern.as_bytes().to_vec()));
                let from = number(-i64::try_from(pattern.len()).unwrap_or(i64::MAX));
                let end = Func::cust("SUBSTR").arg(value.clone().cast_as("BLOB")).arg(from);
                // SUBSTR of an empty BLOB is NULL, which a NOT around it would not turn into true.
                let nothing = self.bind(Parameter::Text(String::new()));
                value.binary(BinOper::NotEqual, nothing).and(Expr::from(end).binary(BinOper::Equal, bytes))
            }
            TextOperator::EndsWith | TextOperator::Contains => {
                let pattern = self.bind(text);
                Expr::from(Func::cust("INSTR").arg(value).arg(pattern)).binary(BinOper::GreaterThan, number(0))
            }
        }
    }
}

/// The columns whose stored values decide the truth of `expression` even when they are of a wrong type. An equality
/// that must hold is not among them: nothing of a wrong type is equal.
fn collect_doubtful<'a>(
    scope: &'a [Output],
    expression: &Expression,
    negated: bool,
    doubtful: &mut Vec<&'a Output>,
) -> Result<()> {
    match expression {
        Expression::Column(column) => doubtful.push(find(scope, column)?),
        Expression::Literal(_) => {}
        Expression::Compare { operator, left, right } => {
            let columns = [left, right].iter().filter(|side| !matches!(side.as_ref(), Expression::Literal(_))).count();
            if negated || columns > 1 || *operator != CompareOperator::Equal {
                collect_doubtful(scope, left, true, doubtful)?;
                collect_doubtful(scope, right, true, doubtful)?;
            }
        }
        Expression::And(terms) | Expression::Or(terms) => {
            for term in terms {
                collect_doubtful(scope, term, negated, doubtful)?;
            }
        }
        Expression::Not(input) => collect_doubtful(scope, input, true, doubtful)?,
        Expression::In { input, .. } if negated => collect_doubtful(scope, input, true, doubtful)?,
        Expression::Text { input, .. } => collect_doubtful(scope, input, true, doubtful)?,
        Expression::In { .. } | Expression::IsNull(_) => {}
    }
    Ok(())
}

/// Corrects PostgreSQL's comparison of two columns for NaN, which there equals itself and is the greatest number.
fn not_a_number(operator: CompareOperator, comparison: Expr, left: &Output, right: &Output) -> Expr {
    let (l, r) = (left.value.clone(), right.value.clone());
    match operator {
        CompareOperator::NotEqual => comparison.or(l.eq(nan()).and(r.eq(nan()))),
        CompareOperator::Less | CompareOperator::LessOrEqual => comparison.and(r.ne(nan())),
        CompareOperator::Greater | CompareOperator::GreaterOrEqual => comparison.and(l.ne(nan())),
        CompareOperator::Equal => comparison.and(l.ne(nan())),
    }
}

fn nan() -> Expr {
    keyword("'NaN'::float8")
}

fn comparable(left: DataType, right: DataType) -> bool {
    let exact = |t: DataType| matches!(t.kind(), TypeKind::Int64 | TypeKind::Decimal);
    match (left, right) {
        (DataType::Timestamp { zoned: left }, DataType::Timestamp { zoned: right }) => left == right,
        _ => left.kind() == right.kind() || (exact(left) && exact(right)),
    }
}

fn truth(operand: Operand<'_>) -> Result<Expr> {
    match operand {
        Operand::Condition(condition) => Ok(condition),
        Operand::Literal(Value::Boolean(value)) => Ok(constant(*value)),
        Operand::Output(output) if output.data_type == DataType::Boolean => Ok(output.value.clone()),
        _ => Err(invalid_request("a condition can be compared with truth values only")),
    }
}

pub(super) fn constant(value: bool) -> Expr {
    keyword(if value { "TRUE" } else { "FALSE" })
}

fn flip(operator: CompareOperator) -> CompareOperator {
    match operator {
        CompareOperator::Less => CompareOperator::Greater,
        CompareOperator::LessOrEqual => CompareOperator::GreaterOrEqual,
        CompareOperator::Greater => CompareOperator::Less,
        CompareOperator::GreaterOrEqual => CompareOperator::LessOrEqual,
        same => same,
    }
}

fn sql_operator(operator: CompareOperator) -> BinOper {
    match operator {
        CompareOperator::Equal => BinOper::Equal,
        CompareOperator::NotEqual => BinOper::NotEqual,
        CompareOperator::Less => BinOper::SmallerThan,
        CompareOperator::LessOrEqual => BinOper::SmallerThanOrEqual,
        CompareOperator::Greater => BinOper::GreaterThan,
        CompareOperator::GreaterOrEqual => BinOper::GreaterThanOrEqual,
    }
}

fn escape_like(pattern: &str) -> String {
    pattern.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn escape_glob(pattern: &str) -> String {
    pattern.chars().fold(String::with_capacity(pattern.len() + 8), |mut glob, c| {
        match c {
            '*' | '?' | '[' => glob.extend(['[', c, ']']),
            _ => glob.push(c),
        }
        glob
    })
}
