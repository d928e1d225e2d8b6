//! `=`, `sameTerm`, the orderings and `IN`, between columns of known types.
//!
//! The tables are those of SPARQL 17.3 as spareval implements them: terms of kinds that share no value are unequal, and
//! have no order; an order between terms that are not comparable is an error.

use super::balanced;
use super::number::doubles;
use super::typed::{Typed, boolean_literal, where_bound};
use crate::columns::{ColumnExpr, Kernel};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Decimal128Array};
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
    SameTerm,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn of(expression: &Expression) -> Option<Self> {
        Some(match expression {
            Expression::Equal(..) => Self::Equal,
            Expression::SameTerm(..) => Self::SameTerm,
            Expression::Less(..) => Self::Less,
            Expression::LessOrEqual(..) => Self::LessOrEqual,
            Expression::Greater(..) => Self::Greater,
            Expression::GreaterOrEqual(..) => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::SameTerm)
    }

    fn operator(self) -> Operator {
        match self {
            Self::Equal | Self::SameTerm => Operator::Eq,
            Self::Less => Operator::Lt,
            Self::LessOrEqual => Operator::LtEq,
            Self::Greater => Operator::Gt,
            Self::GreaterOrEqual => Operator::GtEq,
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal | Self::SameTerm => ordering.is_eq(),
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
    Unknown,
}

impl<'a> Operand<'a> {
    fn of(typed: &'a Typed) -> Self {
        match (&typed.term_type, typed.columns.first()) {
            (TermType::Literal(literal), Some(column)) => match literal {
                LiteralType::Integer | LiteralType::Decimal | LiteralType::Double => Self::Number(literal, column),
                LiteralType::Boolean => Self::Boolean(column),
                LiteralType::String => Self::String(column),
                LiteralType::Date => Self::Date(column),
                LiteralType::DateTime { zoned } => Self::DateTime(*zoned, column),
                LiteralType::Other(_) => Self::Unknown,
            },
            (TermType::LangString(tag), Some(column)) => Self::LangString(tag, column),
            (TermType::Iri { .. } | TermType::Constant(Term::NamedNode(_)), _) => Self::Iri,
            (TermType::General, _) => Self::Any,
            _ => Self::Unknown,
        }
    }
}

/// One Boolean column, or `None` when spareval has to look at the values.
pub(super) fn compare(comparison: Comparison, a: &Typed, b: &Typed) -> Result<Option<ColumnExpr>, ContractError> {
    let (a, b) = (&a.nativized()?, &b.nativized()?);
    use Operand as O;
    Ok(match (O::of(a), O::of(b)) {
        (O::Unknown, _) | (_, O::Unknown) => None,
        (O::Any, O::Any) if comparison == Comparison::SameTerm => Some(same_text(a, b)?),
        (O::Any, O::Iri | O::LangString(..)) | (O::Iri | O::LangString(..), O::Any) if comparison.is_equality() => {
            Some(same_text(a, b)?)
        }
        (O::Any, _) | (_, O::Any) => {
            if comparison == Comparison::SameTerm {
                Some(same_text(a, b)?)
            } else {
                None
            }
        }
        (O::Number(s, x), O::Number(t, y)) => numbers(comparison, (s, x), (t, y)),
        (O::Boolean(x), O::Boolean(y)) if comparison.is_equality() => Some(binary(comparison, x, y)),
        (O::Boolean(x), O::Boolean(y)) => Some(equal_or_error(comparison, x, y)),
        (O::String(x), O::String(y)) | (O::Date(x), O::Date(y)) => Some(binary(comparison, x, y)),
        (O::LangString(s, x), O::LangString(t, y)) if s == t => Some(binary(comparison, x, y)),
        (O::DateTime(s, x), O::DateTime(t, y)) if s == t => Some(binary(comparison, x, y)),
        (O::DateTime(..), O::DateTime(..)) if !comparison.is_equality() => None,
        (O::Iri, O::Iri) => iris(comparison, a, b)?,
        _ => Some(unequal(comparison, a, b)),
    })
}

fn binary(comparison: Comparison, x: &ColumnExpr, y: &ColumnExpr) -> ColumnExpr {
    Arc::new(BinaryExpr::new(x.clone(), comparison.operator(), y.clone()))
}

/// Terms of kinds that share no value.
fn unequal(comparison: Comparison, a: &Typed, b: &Typed) -> ColumnExpr {
    if !comparison.is_equality() {
        return boolean_literal(None);
    }
    where_bound(false, a.columns.iter().chain(&b.columns).cloned().collect())
}

fn same_text(a: &Typed, b: &Typed) -> Result<ColumnExpr, ContractError> {
    let (a, b) = (a.convert(&TermType::General)?, b.convert(&TermType::General)?);
    Ok(binary(Comparison::SameTerm, &a.columns[0], &b.columns[0]))
}

/// Booleans are comparable with `<` and its kin only when they are equal.
fn equal_or_error(comparison: Comparison, x: &ColumnExpr, y: &ColumnExpr) -> ColumnExpr {
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let (x, y) = (columns[0].as_boolean(), columns[1].as_boolean());
        let cell = |row| {
            let is_equal = x.is_valid(row) && y.is_valid(row) && x.value(row) == y.value(row);
            is_equal.then(|| comparison.holds(Ordering::Equal))
        };
        Ok(Arc::new((0..rows).map(cell).collect::<BooleanArray>()))
    };
    let name = format!("boolean_{comparison:?}");
    Kernel::new(name, vec![x.clone(), y.clone()], DataType::Boolean, apply).expr()
}

fn numbers(
    comparison: Comparison,
    (s, x): (&LiteralType, &ColumnExpr),
    (t, y): (&LiteralType, &ColumnExpr),
) -> Option<ColumnExpr> {
    let is_same = s == t;
    if comparison == Comparison::SameTerm && !is_same {
        return Some(where_bound(false, vec![x.clone(), y.clone()]));
    }
    if *s == LiteralType::Double || *t == LiteralType::Double {
        return Some(double_comparison(comparison, (s, x), (t, y)));
    }
    let as_decimal = |literal: &LiteralType, column: &ColumnExpr| match literal {
        LiteralType::Integer if !is_same => integer_to_decimal(column.clone()),
        _ => column.clone(),
    };
    Some(binary(comparison, &as_decimal(s, x), &as_decimal(t, y)))
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

/// Numbers with a double among them are compared as doubles. NaN equals nothing, but where both are doubles an order is
/// asked of identical terms first, so that `NaN <= NaN` holds.
fn double_comparison(
    comparison: Comparison,
    (s, x): (&LiteralType, &ColumnExpr),
    (t, y): (&LiteralType, &ColumnExpr),
) -> ColumnExpr {
    let both_doubles = s == t;
    let compare = move |x: f64, y: f64| match comparison {
        Comparison::Equal => Some(x == y),
        Comparison::SameTerm => Some(x.to_bits() == y.to_bits()),
        _ if both_doubles && x.to_bits() == y.to_bits() => Some(comparison.holds(Ordering::Equal)),
        _ => x.partial_cmp(&y).map(|ordering| comparison.holds(ordering)),
    };
    let (s, t) = (s.clone(), t.clone());
    let name = format!("double_{comparison:?}<{s:?}, {t:?}>");
    let apply = move |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
        let (x, y) = (doubles(&s, &columns[0])?, doubles(&t, &columns[1])?);
        let cells = x.iter().zip(y.iter()).map(|(x, y)| compare(x?, y?));
        Ok(Arc::new(cells.collect::<BooleanArray>()))
    };
    Kernel::new(name, vec![x.clone(), y.clone()], DataType::Boolean, apply).expr()
}

fn iris(comparison: Comparison, a: &Typed, b: &Typed) -> Result<Option<ColumnExpr>, ContractError> {
    if !comparison.is_equality() {
        return Ok(None);
    }
    Ok(Some(match (&a.term_type, &b.term_type) {
        (TermType::Constant(x), TermType::Constant(y)) => boolean_literal(Some(x == y)),
        (TermType::Iri { .. }, TermType::Constant(_)) => iri_and_constant(a, b)?,
        (TermType::Constant(_), TermType::Iri { .. }) => iri_and_constant(b, a)?,
        (TermType::Iri { shape: s, .. }, TermType::Iri { shape: t, .. }) if s == t => {
            let wide = a.term_type.widen(&b.term_type);
            same_keys(&a.convert(&wide)?, &b.convert(&wide)?)
        }
        (s, t) if !s.may_equal(t) => unequal(comparison, a, b),
        _ => same_text(a, b)?,
    }))
}

fn iri_and_constant(iri: &Typed, constant: &Typed) -> Result<ColumnExpr, ContractError> {
    match &constant.term_type {
        TermType::Constant(term) if iri.term_type.may_hold(term) => {
            Ok(same_keys(iri, &constant.convert(&iri.term_type)?))
        }
        _ => Ok(unequal(Comparison::Equal, iri, constant)),
    }
}

/// Injective templates: the IRIs are equal exactly when all keys are.
fn same_keys(a: &Typed, b: &Typed) -> ColumnExpr {
    let keys = a.columns.iter().zip(&b.columns).map(|(x, y)| binary(Comparison::Equal, x, y)).collect();
    balanced(Operator::And, keys)
}

/// `needle IN (list)`: a hashed list where all are constants of one native type, else a disjunction of equalities.
pub(super) fn membership(needle: &Typed, list: &[Typed], schema: &Schema) -> Result<Option<ColumnExpr>, ContractError> {
    if let Some(column) = hashed_list(needle, list, schema)? {
        return Ok(Some(column));
    }
    let mut equalities = Vec::with_capacity(list.len());
    for item in list {
        match compare(Comparison::Equal, needle, item)? {
            Some(column) => equalities.push(column),
            None => return Ok(None),
        }
    }
    Ok(Some(balanced(Operator::Or, equalities)))
}

fn hashed_list(needle: &Typed, list: &[Typed], schema: &Schema) -> Result<Option<ColumnExpr>, ContractError> {
    let is_hashable = match &needle.term_type {
        TermType::Iri { keys, .. } => keys.len() == 1,
        TermType::Literal(
            LiteralType::Integer
            | LiteralType::Decimal
            | LiteralType::String
            | LiteralType::Date
            | LiteralType::DateTime { .. },
        ) => true,
        _ => false,
    };
    let [column] = needle.columns.as_slice() else {
        return Ok(None);
    };
    if !is_hashable {
        return Ok(None);
    }
    let mut constants = Vec::with_capacity(list.len());
    for item in list {
        let TermType::Constant(term) = &item.term_type else {
            return Ok(None);
        };
        let is_iri = matches!(needle.term_type, TermType::Iri { .. });
        if is_iri && matches!(term, Term::NamedNode(_)) && !needle.term_type.may_hold(term) {
            continue; // An IRI the template cannot build equals none of its IRIs.
        }
        match item.convert(&needle.term_type) {
            Ok(item) => constants.extend(item.columns),
            Err(_) => return Ok(None),
        }
    }
    if constants.is_empty() {
        return Ok(Some(where_bound(false, vec![column.clone()])));
    }
    let expr = in_list(column.clone(), constants, &false, schema);
    expr.map(Some).map_err(|error| crate::columns::internal(error.to_string()))
}
