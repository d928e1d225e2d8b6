//! Functions of whole terms, row by row: for operands whose types are not known, and what has no column function.

use super::Compiler;
use super::bounded::{Bounds, TooLong};
use super::typed::Typed;
use crate::columns::{Kernel, TermReader, internal, native_scalar};
use crate::deadline::in_time;
use arrow_array::{ArrayRef, new_empty_array};
use datafusion_common::{Result as StreamResult, ScalarValue};
use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term, Variable};
use spareval::{ExpressionTerm, QueryEvaluator};
use spargebra::algebra::{Expression, GraphPattern};
use std::collections::HashMap;
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType, encode};
use weft_plan::{term_of, value_of};

impl Compiler<'_> {
    /// Any term, from the terms of each row; null where one of them is, or where the function gives an error.
    pub(super) fn call(
        &self,
        name: &str,
        arguments: &[Typed],
        function: impl Fn(&[Term]) -> Result<Option<Term>, TooLong> + Send + Sync + 'static,
    ) -> Result<Typed, ContractError> {
        self.call_as(TermType::General, name, arguments, function)
    }

    /// The same for a function that gives terms of one type with one column.
    pub(super) fn call_as(
        &self,
        result: TermType,
        name: &str,
        arguments: &[Typed],
        function: impl Fn(&[Term]) -> Result<Option<Term>, TooLong> + Send + Sync + 'static,
    ) -> Result<Typed, ContractError> {
        Call { name, result, bounds: Bounds::of(self.context), is_volatile: false }.kernel(arguments, function)
    }

    /// A function that gives another term each time.
    pub(super) fn volatile(
        &self,
        result: TermType,
        name: &str,
        function: impl Fn() -> Option<Term> + Send + Sync + 'static,
    ) -> Result<Typed, ContractError> {
        let call = Call { name, result, bounds: Bounds::of(self.context), is_volatile: true };
        call.kernel(&[], move |_: &[Term]| Ok(function()))
    }

    /// An operation that spareval evaluates, built from as many operands.
    pub(super) fn spareval(
        &self,
        build: impl FnOnce(Vec<Expression>) -> Option<Expression>,
        operands: usize,
    ) -> Result<Spareval, ContractError> {
        let variables: Vec<_> = (0..operands).map(|i| Variable::new_unchecked(format!("a{i}"))).collect();
        let expression = build(variables.iter().cloned().map(Expression::Variable).collect())
            .ok_or_else(|| internal("an operation misses an operand"))?;
        Ok(Spareval { expression: optimizable(expression)?, evaluator: QueryEvaluator::new(), variables })
    }
}

struct Call<'a> {
    /// Tells everything the function captured.
    name: &'a str,
    result: TermType,
    bounds: Bounds,
    is_volatile: bool,
}

impl Call<'_> {
    fn kernel(
        self,
        arguments: &[Typed],
        function: impl Fn(&[Term]) -> Result<Option<Term>, TooLong> + Send + Sync + 'static,
    ) -> Result<Typed, ContractError> {
        let types: Vec<TermType> = arguments.iter().map(|argument| argument.term_type.clone()).collect();
        let shown: Vec<_> = types.iter().map(ToString::to_string).collect();
        let name = format!("term_{}<{}>", self.name, shown.join(", "));
        let data_type = self.result.columns().pop().ok_or_else(|| internal("a function gives one column"))?;
        let columns = arguments.iter().flat_map(|argument| argument.columns.iter().cloned()).collect();
        let Self { result, bounds, is_volatile, .. } = self;
        let term_type = result.clone();
        let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
            let readers = readers(&types, columns)?;
            let terms = if is_volatile {
                (0..rows).map(|_| function(&[])).collect::<Result<_, _>>()
            } else {
                each_row(&readers, rows, &function)?
            };
            term_column(&result, bounds, terms.map_err(|TooLong| bounds.exceeded())?)
        };
        let column = Kernel::new(name, columns, data_type, apply).volatile(is_volatile).expr();
        Ok(Typed { term_type, columns: vec![column] })
    }
}

fn readers<'a>(types: &'a [TermType], columns: &'a [ArrayRef]) -> StreamResult<Vec<TermReader<'a>>> {
    let mut start = 0;
    let reader = |term_type: &'a TermType| {
        let end = start + term_type.columns().len();
        let reader = TermReader::new(term_type, &columns[start..end]);
        start = end;
        reader
    };
    types.iter().map(reader).collect()
}

/// Evaluates each distinct row once.
fn each_row(
    readers: &[TermReader<'_>],
    rows: usize,
    function: impl Fn(&[Term]) -> Result<Option<Term>, TooLong>,
) -> StreamResult<Result<Vec<Option<Term>>, TooLong>> {
    let mut known: HashMap<Vec<Term>, Option<Term>> = HashMap::new();
    let mut results = Vec::with_capacity(rows);
    for row in 0..rows {
        in_time()?;
        let terms = readers.iter().map(|reader| reader.term(row)).collect::<StreamResult<Option<Vec<_>>>>()?;
        let Some(terms) = terms else {
            results.push(None);
            continue;
        };
        let result = match known.get(&terms) {
            Some(result) => result.clone(),
            None => match function(&terms) {
                Ok(result) => {
                    known.insert(terms, result.clone());
                    result
                }
                Err(TooLong) => return Ok(Err(TooLong)),
            },
        };
        results.push(result);
    }
    Ok(Ok(results))
}

fn term_column(result: &TermType, bounds: Bounds, terms: Vec<Option<Term>>) -> StreamResult<ArrayRef> {
    let misfit = |term: &Term| crate::columns::in_stream(internal(format!("{term} is not {result}")));
    let TermType::Literal(literal_type) = result else {
        return bounds.column(terms.into_iter().map(|term| Ok(term.map(|term| encode(&term)))));
    };
    if *literal_type == LiteralType::String {
        return bounds.column(terms.into_iter().map(|term| match term {
            Some(Term::Literal(literal)) => Ok(Some(literal.destruct().0)),
            Some(other) => Err(misfit(&other)),
            None => Ok(None),
        }));
    }
    if terms.is_empty() {
        return Ok(new_empty_array(&literal_type.arrow()));
    }
    let null = ScalarValue::try_from(&literal_type.arrow())?;
    let scalars = terms.iter().map(|term| match term {
        None => Ok(null.clone()),
        Some(Term::Literal(literal)) => {
            native_scalar(literal_type, literal).ok_or_else(|| misfit(&literal.clone().into()))
        }
        Some(other) => Err(misfit(other)),
    });
    ScalarValue::iter_to_array(scalars.collect::<StreamResult<Vec<_>>>()?)
}

/// One operation in the algebra of spareval.
pub(super) struct Spareval {
    expression: sparopt::algebra::Expression,
    evaluator: QueryEvaluator,
    variables: Vec<Variable>,
}

impl Spareval {
    /// Of values: spareval drops the words of a term. What has no known value is an error to all it is used for.
    pub(super) fn evaluate(&self, terms: &[Term]) -> Option<Term> {
        let is_unknown = |term: &Term| matches!(value_of(term), ExpressionTerm::OtherTypedLiteral { .. });
        if terms.iter().any(is_unknown) {
            return None;
        }
        let result =
            self.evaluator.evaluate_expression(&self.expression, self.variables.iter().zip(terms.iter().cloned()))?;
        Some(computed(result))
    }
}

/// In the words in which the engine writes what it computes.
fn computed(term: Term) -> Term {
    let is_floating = |literal: &Literal| literal.datatype() == xsd::DOUBLE || literal.datatype() == xsd::FLOAT;
    match &term {
        Term::Literal(literal) if is_floating(literal) => term_of(value_of(&term)),
        _ => term,
    }
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
