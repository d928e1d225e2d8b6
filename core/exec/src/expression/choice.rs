//! IF and COALESCE, over columns of the narrowest type that holds all branches.

use super::Compiler;
use super::typed::Typed;
use crate::columns::{ColumnExpr, Kernel};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_select::zip::zip;
use datafusion_common::{Result as StreamResult, internal_datafusion_err};
use spargebra::algebra::Expression;
use weft_model::contract::ContractError;
use weft_model::term::TermType;

impl Compiler<'_> {
    pub(super) fn choice(
        &self,
        condition: &Expression,
        yes: &Expression,
        no: &Expression,
    ) -> Result<Typed, ContractError> {
        let condition = self.filter(condition)?;
        let (term_type, branches) = unified(vec![self.value(yes)?, self.value(no)?])?;
        let mut arguments = vec![condition];
        arguments.extend(branches);
        Ok(single(term_type, arguments, "if", |columns| {
            let condition = columns[0].as_boolean();
            let chosen = zip(&without_nulls(condition), &columns[1], &columns[2])?;
            // An error in the condition is an error of the whole.
            let is_error = (0..condition.len()).map(|row| condition.is_null(row)).map(Some).collect::<BooleanArray>();
            Ok(arrow_select::nullif::nullif(&chosen, &is_error)?)
        }))
    }

    pub(super) fn coalesce(&self, list: &[Expression]) -> Result<Typed, ContractError> {
        let values = list.iter().map(|e| self.value(e)).collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() {
            return Typed::unbound();
        }
        let (term_type, columns) = unified(values)?;
        Ok(single(term_type, columns, "coalesce", |columns| {
            let (last, others) = columns.split_last().ok_or_else(|| internal_datafusion_err!("coalesce of nothing"))?;
            others.iter().rev().try_fold(last.clone(), |rest, column| {
                let is_bound = (0..column.len()).map(|row| Some(column.is_valid(row))).collect::<BooleanArray>();
                Ok(zip(&is_bound, column, &rest)?)
            })
        }))
    }
}

fn single(
    term_type: TermType,
    columns: Vec<ColumnExpr>,
    name: &str,
    apply: impl Fn(&[ArrayRef]) -> StreamResult<ArrayRef> + Send + Sync + 'static,
) -> Typed {
    let data_type = term_type.columns().swap_remove(0);
    let name = format!("{name}<{term_type}>");
    let column = Kernel::new(name, columns, data_type, move |columns, _| apply(columns)).expr();
    Typed { term_type, columns: vec![column] }
}

/// One column for each value, all of one type.
fn unified(values: Vec<Typed>) -> Result<(TermType, Vec<ColumnExpr>), ContractError> {
    let values = values.iter().map(Typed::nativized).collect::<Result<Vec<_>, _>>()?;
    let first = values[0].term_type.clone();
    let mut wide = values.iter().fold(first, |wide, value| wide.widen(&value.term_type));
    if wide.columns().len() != 1 {
        wide = TermType::General;
    }
    let columns = values.iter().map(|value| Ok(value.convert(&wide)?.columns.swap_remove(0)));
    let columns = columns.collect::<Result<_, ContractError>>()?;
    Ok((wide, columns))
}

fn without_nulls(condition: &BooleanArray) -> BooleanArray {
    (0..condition.len()).map(|row| Some(condition.is_valid(row) && condition.value(row))).collect()
}
