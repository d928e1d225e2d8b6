//! A compiled expression: its type and its columns.

use super::value::truth;
use crate::columns::{ColumnExpr, Kernel, TermReader, native_type, null_columns, value_scalar, value_type};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion_common::{Result as StreamResult, ScalarValue};
use datafusion_physical_expr::expressions::Literal as ScalarLiteral;
use oxrdf::Term;
use spareval::ExpressionTerm;
use std::sync::Arc;
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType};
use weft_plan::value_of;

/// The columns of an expression, those of a variable of the type.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) term_type: TermType,
    pub(super) columns: Vec<ColumnExpr>,
}

impl Typed {
    pub(super) fn constant(term: Term) -> Self {
        Self { term_type: TermType::Constant(term), columns: Vec::new() }
    }

    pub(super) fn unbound() -> Result<Self, ContractError> {
        Ok(Self { columns: null_columns(&TermType::General)?, term_type: TermType::General })
    }

    pub(super) fn literal(literal: LiteralType, column: ColumnExpr) -> Self {
        Self { term_type: TermType::Literal(literal), columns: vec![column] }
    }

    pub(super) fn boolean(column: ColumnExpr) -> Self {
        Self::literal(LiteralType::Boolean, column)
    }

    pub(super) fn general(column: ColumnExpr) -> Self {
        Self { term_type: TermType::General, columns: vec![column] }
    }

    /// A plain string, or a string of a language.
    pub(super) fn string(language: Option<String>, column: ColumnExpr) -> Self {
        match language {
            None => Self::literal(LiteralType::String, column),
            Some(tag) => Self { term_type: TermType::LangString(tag), columns: vec![column] },
        }
    }

    /// A constant literal as a native column of the very term where there is one, anything else as it is.
    pub(super) fn nativized(&self) -> Result<Self, ContractError> {
        let TermType::Constant(Term::Literal(literal)) = &self.term_type else {
            return Ok(self.clone());
        };
        let term_type = match literal.language() {
            Some(tag) => TermType::LangString(tag.to_owned()),
            None => match native_type(literal) {
                Some(native) => TermType::Literal(native),
                None => return Ok(self.clone()),
            },
        };
        self.convert(&term_type)
    }

    /// A constant literal as a native column of its value, for operators that do not look at words.
    pub(super) fn valued(&self) -> Result<Self, ContractError> {
        let TermType::Constant(term @ Term::Literal(literal)) = &self.term_type else {
            return Ok(self.clone());
        };
        if literal.language().is_some() {
            return self.nativized();
        }
        let value = value_of(term);
        let native = value_type(&value).and_then(|native| Some((value_scalar(&native, &value)?, native)));
        Ok(match native {
            Some((scalar, native)) => Self::literal(native, Arc::new(ScalarLiteral::new(scalar))),
            None => self.clone(),
        })
    }

    /// The value of this constant as a column of a native type, if it has one that equals it.
    pub(super) fn scalar(&self, literal: &LiteralType) -> Option<ColumnExpr> {
        let TermType::Constant(term) = &self.term_type else {
            return None;
        };
        Some(Arc::new(ScalarLiteral::new(value_scalar(literal, &value_of(term))?)))
    }

    pub(super) fn convert(&self, to: &TermType) -> Result<Self, ContractError> {
        let columns = crate::columns::convert(&self.term_type, self.columns.clone(), to)?;
        Ok(Self { term_type: to.clone(), columns })
    }

    /// The native literal type and its column.
    pub(super) fn as_literal(&self) -> Option<(&LiteralType, &ColumnExpr)> {
        match (&self.term_type, self.columns.as_slice()) {
            (TermType::Literal(literal), [column]) => Some((literal, column)),
            _ => None,
        }
    }

    /// A kernel that computes one value from the value of each row.
    pub(super) fn map<T: 'static, C>(
        &self,
        name: impl std::fmt::Display,
        return_type: DataType,
        function: impl Fn(ExpressionTerm) -> Option<T> + Send + Sync + 'static,
        collect: fn(Vec<Option<T>>) -> C,
    ) -> ColumnExpr
    where
        C: arrow_array::Array + 'static,
    {
        let read = |reader: &TermReader<'_>, row| reader.value(row);
        self.kernel(name, return_type, read, function, collect)
    }

    /// A kernel that computes one value from the term of each row, in its own words.
    pub(super) fn map_terms<T: 'static, C>(
        &self,
        name: impl std::fmt::Display,
        return_type: DataType,
        function: impl Fn(Term) -> Option<T> + Send + Sync + 'static,
        collect: fn(Vec<Option<T>>) -> C,
    ) -> ColumnExpr
    where
        C: arrow_array::Array + 'static,
    {
        let read = |reader: &TermReader<'_>, row| reader.term(row);
        self.kernel(name, return_type, read, function, collect)
    }

    fn kernel<S, T: 'static, C>(
        &self,
        name: impl std::fmt::Display,
        return_type: DataType,
        read: impl Fn(&TermReader<'_>, usize) -> StreamResult<Option<S>> + Send + Sync + 'static,
        function: impl Fn(S) -> Option<T> + Send + Sync + 'static,
        collect: fn(Vec<Option<T>>) -> C,
    ) -> ColumnExpr
    where
        C: arrow_array::Array + 'static,
    {
        let term_type = self.term_type.clone();
        let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
            let reader = TermReader::new(&term_type, columns)?;
            let values = (0..rows).map(|row| Ok(read(&reader, row)?.and_then(&function)));
            Ok(Arc::new(collect(values.collect::<StreamResult<Vec<_>>>()?)))
        };
        Kernel::new(format!("{name}<{}>", self.term_type), self.columns.clone(), return_type, apply).expr()
    }
}

pub(super) fn boolean_literal(value: Option<bool>) -> ColumnExpr {
    Arc::new(ScalarLiteral::new(ScalarValue::Boolean(value)))
}

/// A Boolean that is the same in every row where all the columns are bound, and null in the others.
pub(super) fn where_bound(value: bool, columns: Vec<ColumnExpr>) -> ColumnExpr {
    if columns.is_empty() {
        return boolean_literal(Some(value));
    }
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let is_bound = |row| columns.iter().all(|column| column.is_valid(row));
        Ok(Arc::new((0..rows).map(|row| is_bound(row).then_some(value)).collect::<BooleanArray>()))
    };
    Kernel::new(format!("{value}_where_bound"), columns, DataType::Boolean, apply).expr()
}

/// The effective boolean value (SPARQL 17.2.2).
pub(super) fn effective_boolean_value(typed: &Typed) -> Result<ColumnExpr, ContractError> {
    let typed = typed.valued()?;
    let has_text = matches!(typed.term_type, TermType::Literal(LiteralType::String) | TermType::LangString(_));
    Ok(match (&typed.term_type, typed.columns.as_slice()) {
        (TermType::Literal(LiteralType::Boolean), [column]) => column.clone(),
        (_, [column]) if has_text => {
            let apply = |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
                let texts = columns[0].as_string_view().iter();
                Ok(Arc::new(texts.map(|text| text.map(|text| !text.is_empty())).collect::<BooleanArray>()))
            };
            Kernel::new("is_nonempty", vec![column.clone()], DataType::Boolean, apply).expr()
        }
        (TermType::Literal(LiteralType::Date | LiteralType::DateTime { .. }) | TermType::Iri { .. }, _) => {
            boolean_literal(None)
        }
        _ => {
            let booleans = |values: Vec<Option<bool>>| BooleanArray::from(values);
            typed.map("truth", DataType::Boolean, |value| truth(&value), booleans)
        }
    })
}
