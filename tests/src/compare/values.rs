//! Expressions as the standard means them, where spareval evaluates them otherwise. These are all differences:
//!
//! - Words (sections 17.4.2.5 and 17.5): `STR` gives those of the literal, spareval its own for the value. The values of
//!   a column are written in one way, so that the words of a term follow from its value; computed doubles are written
//!   so, too.
//! - Section 17.2.2: an ill-typed boolean or number is false, and so is a plain literal, with or without language, if it
//!   is empty, and true if it is not. spareval has an error for some of these.
//! - Section 17.3: booleans have an order. No comparison with NaN holds, and none is an error. Days are not in the table
//!   of operators: whether one with a timezone equals one without is an error where it cannot be known.
//! - Section 17.5, and 17.1 of XPath functions and operators: casts are exact, and pass over white space.

use oxrdf::vocab::xsd;
use oxrdf::{Dataset, Literal, NamedNode, NamedNodeRef, Term};
use spareval::{ExpressionTerm, InternalQuad, QueryEvaluator, QueryableDataset};
use spargebra::algebra::{Expression, Function};
use std::convert::Infallible;

type Calculation = fn(&[Term]) -> Option<Term>;

const FUNCTIONS: &[(&str, Calculation)] = &[
    ("words", words),
    ("truth", truth_of),
    ("special", is_special),
    ("less", |terms| order(terms, |a, b| !a & b)),
    ("less-or-equal", |terms| order(terms, |a, b| a <= b)),
    ("unknown", |_| None),
    ("has-zone", |terms| Some(Literal::from(has_zone(&terms[0])?).into())),
    ("string", cast_string),
    ("integer", |terms| cast_number(terms, xsd::INTEGER)),
    ("decimal", |terms| cast_number(terms, xsd::DECIMAL)),
    ("double", |terms| cast_number(terms, xsd::DOUBLE)),
    ("float", |terms| cast_number(terms, xsd::FLOAT)),
];

fn name(function: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("urn:oracle:{function}"))
}

/// An evaluator that knows the functions below.
pub(super) fn evaluator() -> QueryEvaluator {
    FUNCTIONS.iter().fold(QueryEvaluator::new(), |evaluator, (function, calculation)| {
        evaluator.with_custom_function(name(function), *calculation)
    })
}

fn call(function: &str, operands: Vec<Expression>) -> Expression {
    Expression::FunctionCall(Function::Custom(name(function)), operands)
}

fn constant(value: bool) -> Expression {
    Expression::Literal(Literal::from(value))
}

/// An expression whose operands mean what the standard says already.
pub(super) fn standard(expression: Expression) -> Expression {
    use Expression as E;
    let boxed = |e: Box<E>| Box::new(truth(*e));
    match expression {
        E::And(a, b) => E::And(boxed(a), boxed(b)),
        E::Or(a, b) => E::Or(boxed(a), boxed(b)),
        E::Not(a) => E::Not(boxed(a)),
        E::If(condition, yes, no) => E::If(boxed(condition), yes, no),
        E::Less(a, b) => ordering("less", *a, *b, E::Less),
        E::LessOrEqual(a, b) => ordering("less-or-equal", *a, *b, E::LessOrEqual),
        E::Greater(a, b) => ordering("less", *b, *a, E::Less),
        E::GreaterOrEqual(a, b) => ordering("less-or-equal", *b, *a, E::LessOrEqual),
        E::Equal(a, b) => equality(*a, *b),
        E::In(needle, list) if list.iter().any(is_zoned_day) => {
            let equal = |item| equality((*needle).clone(), item);
            list.into_iter()
                .map(equal)
                .reduce(|a, b| E::Or(Box::new(a), Box::new(b)))
                .unwrap_or_else(|| constant(false))
        }
        E::FunctionCall(Function::Str, operands) => call("words", operands),
        E::FunctionCall(Function::Custom(target), operands) => {
            let own = [
                (xsd::STRING, "string"),
                (xsd::INTEGER, "integer"),
                (xsd::DECIMAL, "decimal"),
                (xsd::DOUBLE, "double"),
                (xsd::FLOAT, "float"),
            ];
            match own.iter().find(|(datatype, _)| *datatype == target.as_ref()) {
                Some((_, function)) => call(function, operands),
                None => E::FunctionCall(Function::Custom(target), operands),
            }
        }
        other => other,
    }
}

/// The effective boolean value of an expression.
pub(super) fn truth(expression: Expression) -> Expression {
    use Expression as E;
    let is_boolean = match &expression {
        E::And(..) | E::Or(..) | E::Not(_) | E::Equal(..) | E::SameTerm(..) | E::In(..) => true,
        E::Exists(_) | E::Bound(_) => true,
        E::FunctionCall(function, _) => {
            matches!(function, Function::Regex | Function::Contains | Function::StrStarts | Function::StrEnds)
        }
        _ => false,
    };
    if is_boolean { expression } else { call("truth", vec![expression]) }
}

fn ordering(
    function: &str,
    a: Expression,
    b: Expression,
    operator: fn(Box<Expression>, Box<Expression>) -> Expression,
) -> Expression {
    let own = call(function, vec![a.clone(), b.clone()]);
    let theirs = operator(Box::new(a.clone()), Box::new(b.clone()));
    Expression::If(Box::new(call("special", vec![a, b])), Box::new(own), Box::new(theirs))
}

fn equality(a: Expression, b: Expression) -> Expression {
    let equal = Expression::Equal(Box::new(a.clone()), Box::new(b.clone()));
    let (zoned, other) = match (is_zoned_day(&a), is_zoned_day(&b)) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        _ => return equal,
    };
    // Whether days that are far apart are equal is known.
    let apart = [
        Expression::Less(Box::new(zoned.clone()), Box::new(other.clone())),
        Expression::Greater(Box::new(zoned), Box::new(other.clone())),
    ]
    .map(|expression| Expression::Coalesce(vec![expression, constant(false)]));
    let [before, after] = apart;
    let is_apart = Expression::Or(Box::new(before), Box::new(after));
    let is_local_day =
        Expression::Not(Box::new(Expression::Coalesce(vec![call("has-zone", vec![other]), constant(true)])));
    let undecided = Expression::And(Box::new(is_local_day), Box::new(Expression::Not(Box::new(is_apart))));
    Expression::If(Box::new(undecided), Box::new(call("unknown", Vec::new())), Box::new(equal))
}

fn is_zoned_day(expression: &Expression) -> bool {
    match expression {
        Expression::Literal(literal) => has_zone(&literal.clone().into()) == Some(true),
        _ => false,
    }
}

/// Whether a day has a timezone; `None` for what is no day.
fn has_zone(term: &Term) -> Option<bool> {
    match term.clone().into() {
        ExpressionTerm::DateLiteral(day) => Some(day.timezone_offset().is_some()),
        _ => None,
    }
}

fn words(terms: &[Term]) -> Option<Term> {
    match written(terms[0].clone()) {
        Term::NamedNode(node) => Some(Literal::from(node.as_str()).into()),
        Term::Literal(literal) => Some(Literal::from(literal.value()).into()),
        _ => None,
    }
}

/// A number with an exponent is written as the canonical form of XML Schema 1.1 says.
fn written(term: Term) -> Term {
    let text = match ExpressionTerm::from(term.clone()) {
        ExpressionTerm::DoubleLiteral(n) if n.is_finite() => format!("{:E}", f64::from(n)),
        ExpressionTerm::FloatLiteral(n) if n.is_finite() => format!("{:E}", f32::from(n)),
        _ => return term,
    };
    let text = if text.contains('.') { text } else { text.replace('E', ".0E") };
    match term {
        Term::Literal(literal) => Literal::new_typed_literal(text, literal.datatype()).into(),
        other => other,
    }
}

fn truth_of(terms: &[Term]) -> Option<Term> {
    let Term::Literal(literal) = &terms[0] else { return None };
    let holds = match terms[0].clone().into() {
        ExpressionTerm::BooleanLiteral(value) => value.into(),
        ExpressionTerm::StringLiteral(text) | ExpressionTerm::LangStringLiteral { value: text, .. } => !text.is_empty(),
        ExpressionTerm::OtherTypedLiteral { .. } => {
            let types = [xsd::BOOLEAN, xsd::INTEGER, xsd::DECIMAL, xsd::FLOAT, xsd::DOUBLE];
            return types.contains(&literal.datatype()).then(|| Literal::from(false).into());
        }
        value => {
            let n = number(&value)?;
            n != 0.0 && !n.is_nan()
        }
    };
    Some(Literal::from(holds).into())
}

fn number(value: &ExpressionTerm) -> Option<f64> {
    Some(match value {
        ExpressionTerm::IntegerLiteral(n) => oxsdatatypes::Double::from(*n).into(),
        ExpressionTerm::DecimalLiteral(n) => oxsdatatypes::Double::from(*n).into(),
        ExpressionTerm::FloatLiteral(n) => oxsdatatypes::Double::from(*n).into(),
        ExpressionTerm::DoubleLiteral(n) => (*n).into(),
        _ => return None,
    })
}

fn boolean(term: &Term) -> Option<bool> {
    match term.clone().into() {
        ExpressionTerm::BooleanLiteral(value) => Some(value.into()),
        _ => None,
    }
}

fn is_special(terms: &[Term]) -> Option<Term> {
    let numbers: Vec<f64> = terms.iter().filter_map(|term| number(&term.clone().into())).collect();
    let has_nan = numbers.len() == 2 && numbers.iter().any(|n| n.is_nan());
    Some(Literal::from(has_nan || terms.iter().all(|term| boolean(term).is_some())).into())
}

fn order(terms: &[Term], holds: fn(bool, bool) -> bool) -> Option<Term> {
    match (boolean(&terms[0]), boolean(&terms[1])) {
        (Some(a), Some(b)) => Some(Literal::from(holds(a, b)).into()),
        // With NaN.
        _ => Some(Literal::from(false).into()),
    }
}

fn cast_string(terms: &[Term]) -> Option<Term> {
    let floating = match terms[0].clone().into() {
        ExpressionTerm::DoubleLiteral(n) => Some(f64::from(n)),
        ExpressionTerm::FloatLiteral(n) => n.to_string().parse().ok(),
        _ => None,
    };
    match floating {
        Some(n) if n == 0.0 || (1e-6..1e6).contains(&n.abs()) => Some(Literal::from(n.to_string()).into()),
        _ => words(terms),
    }
}

fn cast_number(terms: &[Term], target: NamedNodeRef<'_>) -> Option<Term> {
    let value = ExpressionTerm::from(terms[0].clone());
    let is_exact = target == xsd::INTEGER || target == xsd::DECIMAL;
    let text = match &value {
        ExpressionTerm::StringLiteral(text) => {
            let text = text.trim_matches([' ', '\t', '\n', '\r']);
            // Rust reads words for numbers that XML Schema does not have.
            let is_word = !is_exact && text.chars().any(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E'));
            if is_word && !["NaN", "INF", "+INF", "-INF"].contains(&text) {
                return None;
            }
            text.to_owned()
        }
        ExpressionTerm::BooleanLiteral(value) => if bool::from(*value) { "1" } else { "0" }.to_owned(),
        ExpressionTerm::DoubleLiteral(_) | ExpressionTerm::FloatLiteral(_) if is_exact => {
            let n = number(&value)?;
            format!("{:.18}", if target == xsd::INTEGER { n.trunc() } else { n })
        }
        ExpressionTerm::DecimalLiteral(n) => n.to_string(),
        ExpressionTerm::FloatLiteral(n) => n.to_string(),
        ExpressionTerm::DoubleLiteral(n) => n.to_string(),
        ExpressionTerm::IntegerLiteral(n) => n.to_string(),
        _ => return None,
    };
    let is_whole = target == xsd::INTEGER && !matches!(value, ExpressionTerm::StringLiteral(_));
    let text = if is_whole { text.split('.').next()? } else { text.as_str() };
    match Term::from(Literal::new_typed_literal(text, target)).into() {
        ExpressionTerm::OtherTypedLiteral { .. } => None,
        value => Some(written(value.into())),
    }
}

/// A dataset whose terms keep their words, and in which computed numbers are written as those of columns are.
#[derive(Clone, Copy)]
pub(super) struct Exact<'a>(pub(super) &'a Dataset);

impl<'a> QueryableDataset<'a> for Exact<'a> {
    type InternalTerm = <&'a Dataset as QueryableDataset<'a>>::InternalTerm;
    type Error = Infallible;

    fn internal_quads_for_pattern(
        &self,
        subject: Option<&Self::InternalTerm>,
        predicate: Option<&Self::InternalTerm>,
        object: Option<&Self::InternalTerm>,
        graph_name: Option<Option<&Self::InternalTerm>>,
    ) -> impl Iterator<Item = Result<InternalQuad<Self::InternalTerm>, Infallible>> + use<'a> {
        self.0.internal_quads_for_pattern(subject, predicate, object, graph_name)
    }

    fn internalize_term(&self, term: Term) -> Result<Self::InternalTerm, Infallible> {
        self.0.internalize_term(term)
    }

    fn externalize_term(&self, term: Self::InternalTerm) -> Result<Term, Infallible> {
        self.0.externalize_term(term)
    }

    fn internalize_expression_term(&self, term: ExpressionTerm) -> Result<Self::InternalTerm, Infallible> {
        self.0.internalize_term(written(term.into()))
    }
}
