//! SPARQL aggregates (section 18.5.1) as DataFusion aggregate functions.
//!
//! An argument that is an error makes the whole aggregate an error, except in COUNT and in SAMPLE; SUM and AVG of nothing
//! are 0, and MIN, MAX and SAMPLE of nothing are unbound. DISTINCT tells terms apart, not values.

mod accumulator;
mod running;
mod state;
#[cfg(test)]
mod tests;

use crate::columns::{ColumnExpr, Layout, internal, unsupported};
use crate::expression::{Bounds, ExpressionContext, value};
use accumulator::TermAccumulator;
use arrow_schema::{DataType, Field, FieldRef};
use datafusion_common::{Result as StreamResult, ScalarValue};
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use datafusion_functions_aggregate::count::count_udaf;
use datafusion_physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion_physical_expr::expressions::Literal;
use oxrdf::Variable;
use spargebra::algebra::{AggregateExpression, AggregateFunction};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType};

/// One aggregate over the batches of a layout, as one column called `name`, and the type of its values. For
/// `AggregateExec` in any mode.
pub(crate) fn aggregate(
    name: &str,
    expression: &AggregateExpression,
    layout: &Layout,
    context: &ExpressionContext,
) -> Result<(TermType, Arc<AggregateFunctionExpr>), ContractError> {
    let bounds = Bounds::of(context);
    match expression {
        AggregateExpression::CountSolutions { distinct: false } => native_count(name, one(), layout),
        AggregateExpression::CountSolutions { distinct: true } => {
            // Hidden variables are none of the solution.
            let shown = |variable: &&Variable| !variable.as_str().starts_with("_:");
            let variables: Vec<&Variable> = layout.variables().iter().filter(shown).collect();
            let columns = variables.iter().flat_map(|variable| layout.columns(variable)).collect();
            let inputs = variables.iter().filter_map(|variable| Some(layout.get(variable)?.1.clone())).collect();
            let function =
                TermAggregate::new(Function::CountRows, true, inputs, TermType::Literal(LiteralType::Integer), bounds);
            build(name, function, columns, layout)
        }
        AggregateExpression::FunctionCall { name: called, expr, distinct } => {
            let (input, columns) = value(expr, layout, context)?;
            let function = function(called)?;
            if function == Function::Count && !distinct {
                return native_count(name, columns.into_iter().next().unwrap_or_else(one), layout);
            }
            let output = output(&function, &input);
            build(name, TermAggregate::new(function, *distinct, vec![input], output, bounds), columns, layout)
        }
    }
}

fn function(called: &AggregateFunction) -> Result<Function, ContractError> {
    Ok(match called {
        AggregateFunction::Count => Function::Count,
        AggregateFunction::Sum => Function::Sum,
        AggregateFunction::Avg => Function::Avg,
        AggregateFunction::Min => Function::Min,
        AggregateFunction::Max => Function::Max,
        AggregateFunction::Sample => Function::Sample,
        AggregateFunction::GroupConcat { separator } => {
            Function::GroupConcat { separator: separator.as_deref().unwrap_or(" ").into() }
        }
        AggregateFunction::Custom(name) => return Err(unsupported(format!("the aggregate {name}"))),
    })
}

fn output(function: &Function, input: &TermType) -> TermType {
    match (function, input) {
        (Function::Count | Function::CountRows, _) => TermType::Literal(LiteralType::Integer),
        (Function::Sum, TermType::Literal(LiteralType::Integer | LiteralType::DerivedInteger(_))) => {
            TermType::Literal(LiteralType::Integer)
        }
        (Function::GroupConcat { .. }, _) => TermType::Literal(LiteralType::String),
        // An empty group has the integer 0, whatever the type.
        (Function::Sum | Function::Avg, _) => TermType::General,
        (_, TermType::Literal(LiteralType::Other(_))) => TermType::General,
        (_, TermType::Literal(_) | TermType::LangString(_)) => input.clone(),
        _ => TermType::General,
    }
}

fn one() -> ColumnExpr {
    Arc::new(Literal::new(ScalarValue::Int64(Some(1))))
}

fn native_count(
    name: &str,
    column: ColumnExpr,
    layout: &Layout,
) -> Result<(TermType, Arc<AggregateFunctionExpr>), ContractError> {
    let expr = build_expr(name, count_udaf(), vec![column], layout)?;
    Ok((TermType::Literal(LiteralType::Integer), expr))
}

fn build(
    name: &str,
    function: TermAggregate,
    mut columns: Vec<ColumnExpr>,
    layout: &Layout,
) -> Result<(TermType, Arc<AggregateFunctionExpr>), ContractError> {
    let output = function.output.clone();
    if columns.is_empty() {
        // An aggregate has an argument; that of a constant only counts the rows.
        columns.push(one());
    }
    let expr = build_expr(name, Arc::new(AggregateUDF::from(function)), columns, layout)?;
    Ok((output, expr))
}

fn build_expr(
    name: &str,
    function: Arc<AggregateUDF>,
    columns: Vec<ColumnExpr>,
    layout: &Layout,
) -> Result<Arc<AggregateFunctionExpr>, ContractError> {
    let builder = AggregateExprBuilder::new(function, columns).schema(layout.schema().clone()).alias(name);
    builder.build().map(Arc::new).map_err(|error| internal(error.to_string()))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Function {
    Count,
    /// COUNT(DISTINCT *).
    CountRows,
    Sum,
    Avg,
    Min,
    Max,
    Sample,
    GroupConcat {
        separator: Box<str>,
    },
}

impl Function {
    fn is_of_numbers(&self) -> bool {
        matches!(self, Self::Sum | Self::Avg)
    }
}

/// An aggregate function over the columns of terms.
#[derive(Debug)]
struct TermAggregate {
    /// Tells everything else apart.
    name: String,
    function: Function,
    distinct: bool,
    inputs: Arc<[TermType]>,
    output: TermType,
    bounds: Bounds,
    signature: Signature,
}

impl TermAggregate {
    fn new(function: Function, distinct: bool, inputs: Vec<TermType>, output: TermType, bounds: Bounds) -> Self {
        let columns: usize = inputs.iter().map(|input| input.columns().len()).sum();
        let types: Vec<_> = inputs.iter().map(ToString::to_string).collect();
        let distinct_text = if distinct { " distinct" } else { "" };
        Self {
            name: format!("{function:?}{distinct_text}<{}>", types.join(", ")),
            function,
            distinct,
            inputs: inputs.into(),
            output,
            bounds,
            signature: Signature::any(columns.max(1), Volatility::Immutable),
        }
    }

    fn output_type(&self) -> StreamResult<DataType> {
        let column = self.output.columns().into_iter().next();
        column.ok_or_else(|| crate::columns::in_stream(internal("an aggregate has one column")))
    }
}

impl PartialEq for TermAggregate {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TermAggregate {}

impl Hash for TermAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateUDFImpl for TermAggregate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> StreamResult<DataType> {
        self.output_type()
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> StreamResult<Box<dyn Accumulator>> {
        let inputs = self.inputs.clone();
        let function = self.function.clone();
        Ok(Box::new(TermAccumulator::new(function, self.distinct, inputs, self.output.clone(), self.bounds)))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> StreamResult<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "state"), DataType::Binary, true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}
