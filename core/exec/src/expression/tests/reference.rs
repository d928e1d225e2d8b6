//! What the standard says: SPARQL 17 evaluated term by term, with spareval for each operator, except where the two differ.
//!
//! The differences are all in [`differing`], [`truth`] and [`well_typed`], each with the section that decides.

use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term, Variable};
use spareval::{ExpressionTerm, QueryEvaluator};
use spargebra::algebra::{Expression, Function, GraphPattern};
use std::collections::HashMap;
use std::sync::LazyLock;

static EVALUATOR: LazyLock<QueryEvaluator> = LazyLock::new(QueryEvaluator::new);

pub(crate) type Row = HashMap<Variable, Term>;

/// The value of an expression; `None` is an error.
pub(crate) fn evaluate(expression: &Expression, row: &Row) -> Option<Term> {
    use Expression as E;
    match expression {
        E::NamedNode(node) => Some(node.clone().into()),
        E::Literal(literal) => Some(literal.clone().into()),
        E::Variable(variable) => row.get(variable).cloned(),
        E::Bound(variable) => Some(boolean(row.contains_key(variable))),
        E::Not(inner) => truth(&evaluate(inner, row)?).map(|truth| boolean(!truth)),
        E::And(a, b) => connective(expression_truth(a, row), expression_truth(b, row), false),
        E::Or(a, b) => connective(expression_truth(a, row), expression_truth(b, row), true),
        E::If(condition, yes, no) => evaluate(if expression_truth(condition, row)? { yes } else { no }, row),
        E::Coalesce(list) => list.iter().find_map(|e| evaluate(e, row)),
        #[allow(clippy::manual_try_fold, reason = "an error before the term that is found does not matter")]
        E::In(needle, list) => list.iter().fold(Some(boolean(false)), |found, item| {
            let equal = evaluate(&E::Equal(needle.clone(), Box::new(item.clone())), row);
            connective(found.as_ref().and_then(truth), equal.as_ref().and_then(truth), true)
        }),
        // 17.4.1.8: the words count.
        E::SameTerm(a, b) => Some(boolean(evaluate(a, row)? == evaluate(b, row)?)),
        _ => {
            let arguments: Option<Vec<_>> = operands(expression).into_iter().map(|e| evaluate(e, row)).collect();
            operator(expression, &arguments?)
        }
    }
}

/// The effective boolean value of an expression.
pub(crate) fn expression_truth(expression: &Expression, row: &Row) -> Option<bool> {
    truth(&evaluate(expression, row)?)
}

fn operands(expression: &Expression) -> Vec<&Expression> {
    weft_plan::children(expression)
}

/// SPARQL 17.2: what `||` (with `true` as `wins`) and `&&` make of errors.
fn connective(a: Option<bool>, b: Option<bool>, wins: bool) -> Option<Term> {
    match (a, b) {
        (Some(a), Some(b)) => Some(boolean(if wins { a || b } else { a && b })),
        (Some(known), None) | (None, Some(known)) if known == wins => Some(boolean(wins)),
        _ => None,
    }
}

/// SPARQL 17.2.2. spareval has an error where an ill-typed boolean or number is false, and for plain literals with a
/// language.
fn truth(term: &Term) -> Option<bool> {
    let Term::Literal(literal) = term else { return None };
    if !well_typed(literal) {
        let datatype = literal.datatype();
        let boolean_or_numeric = datatype == xsd::BOOLEAN || is_numeric_type(datatype.as_str());
        return boolean_or_numeric.then_some(false);
    }
    if literal.language().is_some() {
        return Some(!literal.value().is_empty());
    }
    let expression = operation(Expression::Not(Box::new(variable(0))));
    let negated = EVALUATOR.evaluate_expression(&expression, [(&name(0), term.clone())]);
    negated.map(|negated| negated == boolean(false))
}

fn is_numeric_type(datatype: &str) -> bool {
    let derived = ["integer", "long", "int", "short", "byte", "decimal", "float", "double"];
    datatype
        .rsplit('#')
        .next()
        .is_some_and(|name| derived.contains(&name) || name.starts_with("unsigned") || name.ends_with("Integer"))
}

/// 17.1 and 17.4.2.4: whether a literal is in the lexical space of its datatype. spareval takes every integer for one of
/// any derived type, times for time stamps, and Rust's words for numbers.
fn well_typed(literal: &Literal) -> bool {
    let text = literal.value();
    let in_range = |low: i64, high: i64| text.parse::<i64>().is_ok_and(|n| (low..=high).contains(&n));
    let name = literal.datatype().as_str().strip_prefix("http://www.w3.org/2001/XMLSchema#").unwrap_or_default();
    match name {
        "integer" | "long" => in_range(i64::MIN, i64::MAX),
        "int" => in_range(i32::MIN.into(), i32::MAX.into()),
        "short" => in_range(i16::MIN.into(), i16::MAX.into()),
        "byte" => in_range(i8::MIN.into(), i8::MAX.into()),
        "unsignedByte" => in_range(0, u8::MAX.into()),
        "nonNegativeInteger" => in_range(0, i64::MAX),
        "boolean" => ["true", "false", "0", "1"].contains(&text),
        "decimal" => text.parse::<oxsdatatypes::Decimal>().is_ok(),
        "double" | "float" => {
            let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            ["NaN", "INF", "+INF", "-INF"].contains(&text)
                || is_number && text.parse::<f64>().is_ok_and(f64::is_finite) && !text.contains("inf")
        }
        _ => true,
    }
}

fn operator(expression: &Expression, arguments: &[Term]) -> Option<Term> {
    if let Some(result) = differing(expression, arguments) {
        return result;
    }
    // An argument whose value is not known is an error to every operator that is left, but `=`.
    let ill_typed = |term: &Term| matches!(term, Term::Literal(literal) if !well_typed(literal));
    if arguments.iter().any(ill_typed) && !matches!(expression, Expression::Equal(..)) {
        return None;
    }
    let expression = with_variables(expression);
    let names: Vec<_> = (0..arguments.len()).map(name).collect();
    let arguments = arguments.iter().map(|term| if ill_typed(term) { opaque(term) } else { term.clone() });
    let result = EVALUATOR.evaluate_expression(&operation(expression), names.iter().zip(arguments))?;
    Some(canonical(result))
}

/// Where spareval and the standard give different results for these operands.
fn differing(expression: &Expression, arguments: &[Term]) -> Option<Option<Term>> {
    use Expression as E;
    let string = |text: String| Some(Some(Literal::from(text).into()));
    match (expression, arguments) {
        // 17.4.2.5, 17.4.2.7: the words and datatype of the literal, not those of its value.
        (E::FunctionCall(Function::Str, _), [Term::Literal(literal)]) => string(literal.value().to_owned()),
        (E::FunctionCall(Function::Datatype, _), [Term::Literal(literal)]) => {
            Some(Some(literal.datatype().into_owned().into()))
        }
        // 17.4.2.9: the literal with these words.
        (E::FunctionCall(Function::StrDt, _), [Term::Literal(text), Term::NamedNode(datatype)])
            if text.datatype() == xsd::STRING =>
        {
            Some(Some(Literal::new_typed_literal(text.value(), datatype.clone()).into()))
        }
        // 17.4.2.2, 17.4.2.4: these look at all literals; only one that is well typed is a number.
        (E::FunctionCall(Function::IsIri | Function::IsBlank, _), [Term::Literal(_)]) => Some(Some(boolean(false))),
        (E::FunctionCall(Function::IsLiteral, _), [Term::Literal(_)]) => Some(Some(boolean(true))),
        (E::FunctionCall(Function::IsNumeric, _), [Term::Literal(literal)]) if !well_typed(literal) => {
            Some(Some(boolean(false)))
        }
        (E::FunctionCall(Function::Lang, _), [Term::Literal(literal)]) if !well_typed(literal) => string(String::new()),
        (E::FunctionCall(Function::Custom(name), _), [Term::Literal(literal)]) => cast(name.as_ref(), literal),
        (E::Equal(..), [a, b]) => equality(a, b),
        (E::Less(..) | E::LessOrEqual(..) | E::Greater(..) | E::GreaterOrEqual(..), [a, b]) => {
            ordering(expression, a, b)
        }
        _ => None,
    }
}

/// 17.5, that is XPath 17.1.
fn cast(target: oxrdf::NamedNodeRef<'_>, literal: &Literal) -> Option<Option<Term>> {
    let spaces: &[char] = &[' ', '\t', '\n', '\r'];
    let value = ExpressionTerm::from(Term::from(literal.clone()));
    if target == xsd::STRING {
        let text = match value {
            _ if !well_typed(literal) => literal.value().to_owned(),
            // 17.1.2: doubles without exponent only where they are neither small nor large.
            ExpressionTerm::DoubleLiteral(n) => floating(n.into()),
            ExpressionTerm::FloatLiteral(n) => floating(n.to_string().parse().ok()?),
            _ => return None,
        };
        return Some(Some(Literal::from(text).into()));
    }
    // 17.1.3.3, 17.1.3.4: the closest number. oxsdatatypes makes 999999 of 1e6.
    let floating = match value {
        ExpressionTerm::DoubleLiteral(n) => Some(f64::from(n)),
        ExpressionTerm::FloatLiteral(n) => Some(f64::from(f32::from(n))),
        _ => None,
    };
    if let Some(n) = floating.filter(|_| target == xsd::INTEGER || target == xsd::DECIMAL) {
        let digits = format!("{:.18}", if target == xsd::INTEGER { n.trunc() } else { n });
        let text = if target == xsd::INTEGER { digits.split('.').next()? } else { digits.as_str() };
        let words: Term = Literal::new_typed_literal(text, target).into();
        return Some(match ExpressionTerm::from(words) {
            ExpressionTerm::OtherTypedLiteral { .. } => None,
            value => Some(value.into()),
        });
    }
    // 17.1.1: white space around the words of a string does not count, and these words are XML Schema's.
    if literal.datatype() == xsd::STRING {
        let text = literal.value().trim_matches(spaces);
        let is_floating = target == xsd::DOUBLE || target == xsd::FLOAT;
        let words = Literal::new_typed_literal(text, target);
        if is_floating && !well_typed(&words) {
            return Some(None);
        }
        if text != literal.value() {
            let call = Expression::FunctionCall(Function::Custom(target.into_owned()), vec![variable(0)]);
            return Some(operator(&call, &[Literal::from(text).into()]));
        }
    }
    None
}

fn floating(value: f64) -> String {
    if value == 0.0 || !value.is_finite() || (1e-6..1e6).contains(&value.abs()) {
        return oxsdatatypes::Double::from(value).to_string();
    }
    let text = format!("{value:E}");
    if text.contains('.') { text } else { text.replace('E', ".0E") }
}

/// 17.3: days are not in the table of operators, so that two which cannot be told apart are an error.
fn equality(a: &Term, b: &Term) -> Option<Option<Term>> {
    match (value(a)?, value(b)?) {
        (ExpressionTerm::DateLiteral(a), ExpressionTerm::DateLiteral(b)) => {
            Some(a.partial_cmp(&b).map(|ordering| boolean(ordering.is_eq())))
        }
        _ => None,
    }
}

/// 17.3: booleans have an order; a comparison with NaN is false, where spareval has an error, or takes a NaN for equal to
/// itself.
fn ordering(expression: &Expression, a: &Term, b: &Term) -> Option<Option<Term>> {
    let (a, b) = (value(a)?, value(b)?);
    let ordering = match (&a, &b) {
        (ExpressionTerm::BooleanLiteral(a), ExpressionTerm::BooleanLiteral(b)) => bool::from(*a).cmp(&bool::from(*b)),
        _ if is_number(&a) && is_number(&b) && (is_nan(&a) || is_nan(&b)) => return Some(Some(boolean(false))),
        _ => return None,
    };
    Some(Some(boolean(match expression {
        Expression::Less(..) => ordering.is_lt(),
        Expression::LessOrEqual(..) => ordering.is_le(),
        Expression::Greater(..) => ordering.is_gt(),
        _ => ordering.is_ge(),
    })))
}

fn value(term: &Term) -> Option<ExpressionTerm> {
    match term {
        Term::Literal(literal) if !well_typed(literal) => None,
        term => Some(term.clone().into()),
    }
}

fn is_number(value: &ExpressionTerm) -> bool {
    use ExpressionTerm as T;
    matches!(value, T::IntegerLiteral(_) | T::DecimalLiteral(_) | T::FloatLiteral(_) | T::DoubleLiteral(_))
}

fn is_nan(value: &ExpressionTerm) -> bool {
    match value {
        ExpressionTerm::DoubleLiteral(n) => n.is_nan(),
        ExpressionTerm::FloatLiteral(n) => n.is_nan(),
        _ => false,
    }
}

/// A literal that spareval knows no value of.
fn opaque(term: &Term) -> Term {
    let unknown = oxrdf::NamedNode::new_unchecked("urn:unknown");
    Literal::new_typed_literal(term.to_string(), unknown).into()
}

/// Doubles and floats as XML Schema writes them; spareval writes no exponent.
pub(crate) fn canonical(term: Term) -> Term {
    let Term::Literal(literal) = &term else { return term };
    let scientific = |text: String| if text.contains('.') { text } else { text.replace('E', ".0E") };
    let text = match ExpressionTerm::from(term.clone()) {
        ExpressionTerm::DoubleLiteral(n) if n.is_finite() => scientific(format!("{:E}", f64::from(n))),
        ExpressionTerm::FloatLiteral(n) if n.is_finite() => scientific(format!("{:E}", f32::from(n))),
        _ => return term,
    };
    Literal::new_typed_literal(text, literal.datatype()).into()
}

fn boolean(value: bool) -> Term {
    Literal::from(value).into()
}

fn name(i: usize) -> Variable {
    Variable::new_unchecked(format!("operand{i}"))
}

fn variable(i: usize) -> Expression {
    Expression::Variable(name(i))
}

/// The operator alone, over variables.
fn with_variables(expression: &Expression) -> Expression {
    use Expression as E;
    let [a, b] = [0, 1].map(|i| Box::new(variable(i)));
    match expression {
        E::Equal(..) => E::Equal(a, b),
        E::Greater(..) => E::Greater(a, b),
        E::GreaterOrEqual(..) => E::GreaterOrEqual(a, b),
        E::Less(..) => E::Less(a, b),
        E::LessOrEqual(..) => E::LessOrEqual(a, b),
        E::Add(..) => E::Add(a, b),
        E::Subtract(..) => E::Subtract(a, b),
        E::Multiply(..) => E::Multiply(a, b),
        E::Divide(..) => E::Divide(a, b),
        E::UnaryPlus(_) => E::UnaryPlus(a),
        E::UnaryMinus(_) => E::UnaryMinus(a),
        E::FunctionCall(function, arguments) => {
            E::FunctionCall(function.clone(), (0..arguments.len()).map(variable).collect())
        }
        other => panic!("{other} is no operator"),
    }
}

fn operation(expression: Expression) -> sparopt::algebra::Expression {
    let pattern = GraphPattern::Extend {
        inner: Box::new(GraphPattern::Bgp { patterns: Vec::new() }),
        variable: Variable::new_unchecked("result"),
        expression,
    };
    match sparopt::algebra::GraphPattern::from(&pattern) {
        sparopt::algebra::GraphPattern::Extend { expression, .. } => expression,
        other => panic!("{other:?}"),
    }
}
