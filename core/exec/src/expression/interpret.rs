//! Evaluates what has no column function: spareval, row by row.

mod functions;
mod rewrite;

use super::bounded::Bounds;
use super::typed::Typed;
use super::{Compiler, ExpressionContext};
use crate::columns::{ColumnExpr, Kernel, Layout, TermReader, internal};
use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion_common::Result as StreamResult;
use oxrdf::{Term, Variable};
use rewrite::Rewritten;
use spareval::QueryEvaluator;
use spargebra::algebra::{Expression, GraphPattern};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weft_model::contract::ContractError;
use weft_model::term::{TermType, encode};

impl Compiler<'_> {
    pub(super) fn interpret_value(&self, expression: &Expression) -> Result<Typed, ContractError> {
        let interpreter = Interpreter::new(expression, self.layout, self.context)?;
        let bounds = Bounds::of(self.context);
        let kernel = interpreter.kernel("sparql", DataType::Utf8View, move |interpreter, columns, rows| {
            let terms = interpreter.each_row(columns, rows, Interpreter::term)?;
            bounds.column(terms.into_iter().map(|term| Ok(term.map(|term| encode(&term)))))
        });
        Ok(Typed::general(kernel))
    }

    pub(super) fn interpret_filter(&self, expression: &Expression) -> Result<ColumnExpr, ContractError> {
        let interpreter = Interpreter::new(expression, self.layout, self.context)?;
        Ok(interpreter.kernel("sparql_filter", DataType::Boolean, |interpreter, columns, rows| {
            Ok(Arc::new(BooleanArray::from(interpreter.each_row(columns, rows, Interpreter::truth)?)))
        }))
    }
}

/// A variable of the expression, and which of the argument columns hold it.
struct Input {
    variable: Variable,
    term_type: TermType,
    columns: std::ops::Range<usize>,
}

struct Interpreter {
    text: String,
    expression: sparopt::algebra::Expression,
    evaluator: QueryEvaluator,
    inputs: Vec<Input>,
    arguments: Vec<ColumnExpr>,
    is_volatile: bool,
    /// Set by a function that would have to build a string that is too long.
    too_long: Arc<AtomicBool>,
    bounds: Bounds,
}

type Bindings<'a> = [(&'a Variable, Option<Term>)];

impl Interpreter {
    fn new(expression: &Expression, layout: &Layout, context: &ExpressionContext) -> Result<Self, ContractError> {
        let too_long = Arc::new(AtomicBool::new(false));
        let Rewritten { expression: rewritten, evaluator, is_volatile } =
            rewrite::rewrite(expression, context, &too_long);
        let rewritten = optimizable(rewritten)?;
        let (mut inputs, mut arguments) = (Vec::new(), Vec::new());
        let mut variables: Vec<&Variable> = rewritten.used_variables().into_iter().collect();
        variables.sort();
        for variable in variables {
            let Some((_, term_type)) = layout.get(variable) else { continue };
            let start = arguments.len();
            arguments.extend(layout.columns(variable));
            let columns = start..arguments.len();
            inputs.push(Input { variable: variable.clone(), term_type: term_type.clone(), columns });
        }
        let types: Vec<_> = inputs.iter().map(|input| format!("{}: {}", input.variable, input.term_type)).collect();
        let base = context.base_iri.as_ref().map(|base| base.as_str()).unwrap_or_default();
        // All that a result depends on, because kernels are equal when their names are.
        let text = format!("[{}] {expression} now {} base <{base}>", types.join(", "), context.now);
        let bounds = Bounds::of(context);
        Ok(Self { text, expression: rewritten, evaluator, inputs, arguments, is_volatile, too_long, bounds })
    }

    fn kernel(
        self,
        name: &str,
        return_type: DataType,
        apply: impl Fn(&Self, &[ArrayRef], usize) -> StreamResult<ArrayRef> + Send + Sync + 'static,
    ) -> ColumnExpr {
        let name = format!("{name}{}", self.text);
        let (arguments, is_volatile) = (self.arguments.clone(), self.is_volatile);
        let apply = move |columns: &[ArrayRef], rows: usize| apply(&self, columns, rows);
        Kernel::new(name, arguments, return_type, apply).volatile(is_volatile).expr()
    }

    /// Evaluates each distinct row once, unless the expression is volatile.
    fn each_row<T: Clone>(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        evaluate: fn(&Self, &Bindings<'_>) -> Option<T>,
    ) -> StreamResult<Vec<Option<T>>> {
        let readers = self
            .inputs
            .iter()
            .map(|input| TermReader::new(&input.term_type, &columns[input.columns.clone()]))
            .collect::<StreamResult<Vec<_>>>()?;
        let mut known: HashMap<Vec<Option<Term>>, Option<T>> = HashMap::new();
        let mut results = Vec::with_capacity(rows);
        for row in 0..rows {
            let terms = readers.iter().map(|reader| reader.term(row)).collect::<StreamResult<Vec<_>>>()?;
            if !self.is_volatile
                && let Some(result) = known.get(&terms)
            {
                results.push(result.clone());
                continue;
            }
            let bindings: Vec<_> = self.inputs.iter().map(|input| &input.variable).zip(terms.iter().cloned()).collect();
            let result = evaluate(self, &bindings);
            if self.too_long.swap(false, Ordering::Relaxed) {
                return Err(self.bounds.exceeded());
            }
            if !self.is_volatile {
                known.insert(terms, result.clone());
            }
            results.push(result);
        }
        Ok(results)
    }

    fn term(&self, bindings: &Bindings<'_>) -> Option<Term> {
        self.evaluator.evaluate_expression(&self.expression, bound(bindings))
    }

    fn truth(&self, bindings: &Bindings<'_>) -> Option<bool> {
        self.evaluator.evaluate_effective_boolean_value_expression(&self.expression, bound(bindings))
    }
}

fn bound<'a>(bindings: &'a Bindings<'a>) -> impl Iterator<Item = (&'a Variable, Term)> {
    bindings.iter().filter_map(|(variable, term)| Some((*variable, term.clone()?)))
}

/// The expression in the algebra spareval evaluates, which can only be had as part of a pattern.
fn optimizable(expression: Expression) -> Result<sparopt::algebra::Expression, ContractError> {
    let pattern = GraphPattern::Extend {
        inner: Box::new(GraphPattern::Bgp { patterns: Vec::new() }),
        variable: Variable::new_unchecked("result"),
        expression,
    };
    match sparopt::algebra::GraphPattern::from(&pattern) {
        sparopt::algebra::GraphPattern::Extend { expression, .. } => Ok(expression),
        _ => Err(internal("an expression was lost in translation")),
    }
}
