//! `=`, `sameTerm`, the orderings and `IN`, between columns.
//!
//! Operators look at values and `sameTerm` at terms. Where the types tell, they are functions of native columns: terms of
//! kinds that share no value are unequal, and have no order. Elsewhere each pair of values is looked at.

use super::balanced;
use super::number::doubles;
use super::typed::{Typed, boolean_literal, where_bound};
use super::value::{compares, equals};
use crate::columns::{ColumnExpr, Kernel, TermReader};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, BooleanArray, Decimal128Array};
use arrow_schema::{DataType, Schema};
use datafusion_common::Result as StreamResult;
use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::{BinaryExpr, in_list};
use oxrdf::Term;
use spargebra::algebra::Expression;
use std::cmp::Ordering;
use std::sync::Arc;
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn of(expression: &Expression) -> Option<Self> {
        Some(match expression {
            Expression::Equal(..) => Self::Equal,
            Expression::Less(..) => Self::Less,
            Expression::LessOrEqual(..) => Self::LessOrEqual,
            Expression::Greater(..) => Self::Greater,
            Expression::GreaterOrEqual(..) => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn operator(self) -> Operator {
        match self {
            Self::Equal => Operator::Eq,
            Self::Less => Operator::Lt,
            Self::LessOrEqual => Operator::LtEq,
            Self::Greater => Operator::Gt,
            Self::GreaterOrEqual => Operator::GtEq,
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// What is known of an operand: terms of different kinds are never equal, with `Any` for what can be of several.
enum Operand<'a> {
    Number(&'a LiteralType, &'a ColumnExpr),
    Boolean(&'a ColumnExpr),
    String(&'a ColumnExpr),
    LangString(&'a str, &'a ColumnExpr),
    Date(&'a ColumnExpr),
    DateTime(bool, &'a ColumnExpr),
    Iri,
    Any,
}

impl<'a> Operand<'a> {
    fn of(typed: &'a Typed) -> Self {
        match (&typed.term_type, typed.columns.first()) {
            (TermType::Literal(literal), Some(column)) => match literal {
                LiteralType::Boolean => Self::Boolean(column),
                LiteralType::String => Self::String(column),
                LiteralType::Date => Self::Date(column),
                LiteralType::DateTime { zoned } => Self::DateTime(*zoned, column),
                LiteralType::Other(_) => Self::Any,
                number => Self::Number(number, column),
            },
            (TermType::LangString(tag), Some(column)) => Self::LangString(tag, column),
            (TermType::Iri { .. } | TermType::Constant(Term::NamedNode(_)), _) => Self::Iri,
            _ => Self::Any,
        }
    }
}

/// One Boolean column: null where the operator gives an error.
pub(super) fn compare(comparison: Comparison, a: &Typed, b: &Typed) -> Result<ColumnExpr, ContractError> {
    let (a, b) = (&aligned(a, b)?, &aligned(b, a)?);
    let is_equality = comparison == Comparison::Equal;
    use Operand as O;
    Ok(match (O::of(a), O::of(b)) {
        (O::Any, O::Iri | O::LangString(..)) | (O::Iri | O::LangString(..), O::Any) if is_equality => same_text(a, b)?,
        (O::Any, _) | (_, O::Any) => by_value(comparison, a, b),
        (O::Number(s, x), O::Number(t, y)) => numbers(comparison, (s, x), (t, y)),
        (O::Boolean(x), O::Boolean(y)) | (O::String(x), O::String(y)) | (O::Date(x), O::Date(y)) => {
            binary(comparison.operator(), x, y)
        }
        (O::LangString(s, x), O::LangString(t, y)) if s == t => binary(comparison.operator(), x, y),
        (O::DateTime(s, x), O::DateTime(t, y)) if s == t => binary(comparison.operator(), x, y),
        (O::DateTime(..), O::DateTime(..)) if !is_equality => by_value(comparison, a, b),
        (O::Iri, O::Iri) if is_equality => same_term(a, b)?,
        (O::Iri, O::Iri) => by_value(comparison, a, b),
        _ if is_equality => where_bound(false, a.columns.iter().chain(&b.columns).cloned().collect()),
        _ => boolean_literal(None),
    })
}

/// A constant as a column of the other operand's type where that has its value.
fn aligned(operand: &Typed, other: &Typed) -> Result<Typed, ContractError> {
    let scalar = other.as_literal().and_then(|(literal, _)| Some((operand.scalar(literal)?, literal)));
    match scalar {
        Some((scalar, literal)) => Ok(Typed::literal(literal.clone(), scalar)),
        None => operand.valued(),
    }
}

fn binary(operator: Operator, x: &ColumnExpr, y: &ColumnExpr) -> ColumnExpr {
    Arc::new(BinaryExpr::new(x.clone(), operator, y.clone()))
}

/// Row by row.
fn by_value(comparison: Comparison, a: &Typed, b: &Typed) -> ColumnExpr {
    let types = (a.term_type.clone(), b.term_type.clone());
    let split = a.columns.len();
    let name = format!("value_{comparison:?}<{}, {}>", a.term_type, b.term_type);
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let (x, y) = columns.split_at(split);
        let (x, y) = (TermReader::new(&types.0, x)?, TermReader::new(&types.1, y)?);
        let cell = |row| {
            let (Some(x), Some(y)) = (x.value(row)?, y.value(row)?) else { return Ok(None) };
            Ok(match comparison {
                Comparison::Equal => equals(&x, &y),
                _ => compares(&x, &y, |ordering| comparison.holds(ordering)),
            })
        };
        Ok(Arc::new((0..rows).map(cell).collect::<StreamResult<BooleanArray>>()?))
    };
    Kernel::new(name, a.columns.iter().chain(&b.columns).cloned().collect(), DataType::Boolean, apply).expr()
}

/// `sameTerm`: the words count.
pub(super) fn same_term(a: &Typed, b: &Typed) -> Result<ColumnExpr, ContractError> {
    let (a, b) = (&a.nativized()?, &b.nativized()?);
    Ok(match (&a.term_type, &b.term_type) {
        (TermType::Constant(x), TermType::Constant(y)) => boolean_literal(Some(x == y)),
        (TermType::Iri { .. }, TermType::Constant(_)) => iri_and_constant(a, b)?,
        (TermType::Constant(_), TermType::Iri { .. }) => iri_and_constant(b, a)?,
        (TermType::Iri { shape: s, .. }, TermType::Iri { shape: t, .. }) if s == t => {
            let wide = a.term_type.widen(&b.term_type);
            same_keys(&a.convert(&wide)?, &b.convert(&wide)?)
        }
        (s, t) if !s.may_equal(t) => where_bound(false, a.columns.iter().chain(&b.columns).cloned().collect()),
        (TermType::Literal(LiteralType::Double), TermType::Literal(LiteralType::Double)) => same_doubles(a, b),
        (TermType::Literal(s), TermType::Literal(t)) if s == t => same_keys(a, b),
        (TermType::LangString(s), TermType::LangString(t)) if s == t => same_keys(a, b),
        _ => same_text(a, b)?,
    })
}

fn same_text(a: &Typed, b: &Typed) -> Result<ColumnExpr, ContractError> {
    let (a, b) = (a.convert(&TermType::General)?, b.convert(&TermType::General)?);
    Ok(binary(Operator::Eq, &a.columns[0], &b.columns[0]))
}

/// Two zeros are one value and two terms; there is one NaN.
fn same_doubles(a: &Typed, b: &Typed) -> ColumnExpr {
    let apply = |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
        let (x, y) = (columns[0].as_primitive::<Float64Type>(), columns[1].as_primitive::<Float64Type>());
        let cells = x.iter().zip(y.iter()).map(|(x, y)| Some(x?.to_bits() == y?.to_bits()));
        Ok(Arc::new(cells.collect::<BooleanArray>()))
    };
    let columns = a.columns.iter().chain(&b.columns).cloned().collect();
    Kernel::new("same_doubles", columns, DataType::Boolean, apply).expr()
}

fn numbers(
    comparison: Comparison,
    (s, x): (&LiteralType, &ColumnExpr),
    (t, y): (&LiteralType, &ColumnExpr),
) -> ColumnExpr {
    if *s == LiteralType::Double || *t == LiteralType::Double {
        return double_comparison(comparison, (s, x), (t, y));
    }
    let is_decimal = |literal: &LiteralType| *literal == LiteralType::Decimal;
    match (is_decimal(s), is_decimal(t)) {
        (true, false) => binary(comparison.operator(), x, &integer_to_decimal(y.clone())),
        (false, true) => binary(comparison.operator(), &integer_to_decimal(x.clone()), y),
        _ => binary(comparison.operator(), x, y),
    }
}

fn integer_to_decimal(column: ColumnExpr) -> ColumnExpr {
    let apply = |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
        const ONE: i128 = 1_000_000_000_000_000_000;
        let integers = columns[0].as_primitive::<Int64Type>();
        let decimals: Decimal128Array = integers.unary::<_, Decimal128Type>(|n| i128::from(n) * ONE);
        Ok(Arc::new(decimals.with_data_type(LiteralType::Decimal.arrow())))
    };
    Kernel::new("integer_to_decimal", vec![column], LiteralType::Decimal.arrow(), apply).expr()
}

/// Numbers with a double among them are compared as doubles. No comparison with NaN holds.
fn double_comparison(
    comparison: Comparison,
    (s, x): (&LiteralType, &ColumnExpr),
    (t, y): (&LiteralType, &ColumnExpr),
) -> ColumnExpr {
    let compare = move |x: f64, y: f64| x.partial_cmp(&y).is_some_and(|ordering| comparison.holds(ordering));
    let (s, t) = (s.clone(), t.clone());
    let name = format!("double_{comparison:?}<{s:?}, {t:?}>");
    let apply = move |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
        let (x, y) = (doubles(&s, &columns[0])?, doubles(&t, &columns[1])?);
        let cells = x.iter().zip(y.iter()).map(|(x, y)| Some(compare(x?, y?)));
        Ok(Arc::new(cells.collect::<BooleanArray>()))
    };
    Kernel::new(name, vec![x.clone(), y.clone()], DataType::Boolean, apply).expr()
}

fn iri_and_constant(iri: &Typed, constant: &Typed) -> Result<ColumnExpr, ContractError> {
    match &constant.term_type {
        TermType::Constant(term) if iri.term_type.may_hold(term) => {
            Ok(same_keys(iri, &constant.convert(&iri.term_type)?))
        }
        _ => Ok(where_bound(false, iri.columns.clone())),
    }
}

/// Terms of one type are the same exactly when all their columns are equal.
fn same_keys(a: &Typed, b: &Typed) -> ColumnExpr {
    let keys = a.columns.iter().zip(&b.columns).map(|(x, y)| binary(Operator::Eq, x, y)).collect();
    balanced(Operator::And, keys)
}

/// `needle IN (list)`: a hashed list where all are constants of one native type, else a disjunction of equalities.
pub(super) fn membership(needle: &Typed, list: &[Typed], schema: &Schema) -> Result<ColumnExpr, ContractError> {
    if let Some(column) = hashed_list(needle, list, schema)? {
        return Ok(column);
    }
    let equalities = list.iter().map(|item| compare(Comparison::Equal, needle, item)).collect::<Result<_, _>>()?;
    Ok(balanced(Operator::Or, equalities))
}

fn hashed_list(needle: &Typed, list: &[Typed], schema: &Schema) -> Result<Option<ColumnExpr>, ContractError> {
    let [column] = needle.columns.as_slice() else {
        return Ok(None);
    };
    if list.is_empty() {
        return Ok(None);
    }
    let mut constants = Vec::with_capacity(list.len());
    for item in list {
        match (&needle.term_type, &item.term_type) {
            (TermType::Iri { .. }, TermType::Constant(term @ Term::NamedNode(_))) => {
                // An IRI the template cannot build equals none of its IRIs.
                if needle.term_type.may_hold(term) {
                    constants.extend(item.convert(&needle.term_type)?.columns);
                }
            }
            (TermType::Literal(literal), _) if is_hashable(literal) => match item.scalar(literal) {
                Some(scalar) => constants.push(scalar),
                None => return Ok(None),
            },
            _ => return Ok(None),
        }
    }
    if constants.is_empty() {
        return Ok(Some(where_bound(false, vec![column.clone()])));
    }
    let expr = in_list(column.clone(), constants, &false, schema);
    expr.map(Some).map_err(|error| crate::columns::internal(error.to_string()))
}

/// Whether equal values are equal columns.
fn is_hashable(literal: &LiteralType) -> bool {
    matches!(
        literal,
        LiteralType::Integer
            | LiteralType::DerivedInteger(_)
            | LiteralType::Decimal
            | LiteralType::String
            | LiteralType::Date
            | LiteralType::DateTime { .. }
    )
}
