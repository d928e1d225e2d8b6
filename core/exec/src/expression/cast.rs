//! The constructor functions of XML Schema datatypes (SPARQL 17.5, XPath functions and operators 17.1).

use super::Compiler;
use super::arithmetic;
use super::term_functions::str;
use super::typed::Typed;
use crate::columns::term_of;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, NamedNode, NamedNodeRef, Term};
use oxsdatatypes::{Decimal, Double, Float, Integer};
use spareval::ExpressionTerm;
use spargebra::algebra::{Expression, Function};
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType, double_text, parse_double, parse_float};
use weft_plan::value_of;

impl Compiler<'_> {
    /// The argument as a literal of the datatype, an error where it has no such value.
    pub(super) fn cast(&self, target: &NamedNode, argument: &Typed) -> Result<Typed, ContractError> {
        let name = format!("cast_{}", target.as_str());
        match target.as_ref() {
            xsd::STRING if argument.as_literal().is_some_and(|(literal, _)| is_written_as_cast(literal)) => {
                Ok(str(argument))
            }
            xsd::STRING => {
                let result = TermType::Literal(LiteralType::String);
                self.call_as(result, &name, std::slice::from_ref(argument), |terms| {
                    Ok(text(&terms[0]).map(|text| Literal::from(text).into()))
                })
            }
            xsd::INTEGER => self.cast_number(&name, LiteralType::Integer, argument),
            xsd::DECIMAL => self.cast_number(&name, LiteralType::Decimal, argument),
            xsd::DOUBLE => self.cast_number(&name, LiteralType::Double, argument),
            xsd::FLOAT => self.call(&name, std::slice::from_ref(argument), |terms| Ok(float(&terms[0]))),
            xsd::BOOLEAN => {
                let result = TermType::Literal(LiteralType::Boolean);
                self.call_as(result, &name, std::slice::from_ref(argument), |terms| {
                    Ok(boolean(&value_of(&terms[0])).map(|b| Literal::from(b).into()))
                })
            }
            _ => {
                let function = Function::Custom(target.clone());
                let spareval = self.spareval(|operands| Some(Expression::FunctionCall(function, operands)), 1)?;
                self.call(&name, std::slice::from_ref(argument), move |terms| {
                    Ok(spareval.evaluate(&[collapsed(&terms[0])]))
                })
            }
        }
    }

    fn cast_number(&self, name: &str, target: LiteralType, argument: &Typed) -> Result<Typed, ContractError> {
        if let Some(typed) = arithmetic::cast(&target, argument) {
            return Ok(typed);
        }
        // Not every decimal of spareval fits a column.
        let result = if target == LiteralType::Decimal { TermType::General } else { TermType::Literal(target.clone()) };
        self.call_as(result, name, std::slice::from_ref(argument), move |terms| {
            Ok(number(target.datatype(), &value_of(&terms[0])).map(term_of))
        })
    }
}

/// Whether a column of the type has the words XPath casts its values to.
fn is_written_as_cast(literal: &LiteralType) -> bool {
    !matches!(literal, LiteralType::Double | LiteralType::Other(_))
}

/// The number a value is as one of `xsd:integer`, `xsd:decimal` or `xsd:double`.
pub(super) fn number(target: NamedNodeRef<'_>, value: &ExpressionTerm) -> Option<ExpressionTerm> {
    match target {
        xsd::INTEGER => integer(value).map(ExpressionTerm::IntegerLiteral),
        xsd::DECIMAL => decimal(value).map(ExpressionTerm::DecimalLiteral),
        _ => double(value).map(ExpressionTerm::DoubleLiteral),
    }
}

fn integer(value: &ExpressionTerm) -> Option<Integer> {
    use ExpressionTerm as T;
    match value {
        T::IntegerLiteral(n) => Some(*n),
        T::DecimalLiteral(n) => (*n).try_into().ok(),
        T::FloatLiteral(n) => truncated(f32::from(*n).into()),
        T::DoubleLiteral(n) => truncated((*n).into()),
        T::BooleanLiteral(b) => Some((*b).into()),
        T::StringLiteral(text) => trimmed(text).parse().ok(),
        _ => None,
    }
}

/// The integer part, if it is one that is computed with.
fn truncated(value: f64) -> Option<Integer> {
    format!("{:.0}", value.trunc()).parse().ok()
}

/// The decimal of eighteen places that is closest, exactly: conversions by arithmetic are not.
fn closest(value: f64) -> Option<Decimal> {
    format!("{value:.18}").parse().ok()
}

fn decimal(value: &ExpressionTerm) -> Option<Decimal> {
    use ExpressionTerm as T;
    match value {
        T::IntegerLiteral(n) => Some((*n).into()),
        T::DecimalLiteral(n) => Some(*n),
        T::FloatLiteral(n) => closest(f32::from(*n).into()),
        T::DoubleLiteral(n) => closest((*n).into()),
        T::BooleanLiteral(b) => Some((*b).into()),
        T::StringLiteral(text) => trimmed(text).parse().ok(),
        _ => None,
    }
}

fn double(value: &ExpressionTerm) -> Option<Double> {
    use ExpressionTerm as T;
    match value {
        T::IntegerLiteral(n) => Some((*n).into()),
        T::DecimalLiteral(n) => Some((*n).into()),
        T::FloatLiteral(n) => Some((*n).into()),
        T::DoubleLiteral(n) => Some(*n),
        T::BooleanLiteral(b) => Some((*b).into()),
        T::StringLiteral(text) => parse_double(trimmed(text)).map(Double::from),
        _ => None,
    }
}

fn float(term: &Term) -> Option<Term> {
    use ExpressionTerm as T;
    let float: Float = match value_of(term) {
        T::IntegerLiteral(n) => n.into(),
        T::DecimalLiteral(n) => n.into(),
        T::FloatLiteral(n) => n,
        T::DoubleLiteral(n) => n.into(),
        T::BooleanLiteral(b) => b.into(),
        T::StringLiteral(text) => parse_float(trimmed(&text))?.into(),
        _ => return None,
    };
    Some(term_of(T::FloatLiteral(float)))
}

fn boolean(value: &ExpressionTerm) -> Option<bool> {
    use ExpressionTerm as T;
    match value {
        T::BooleanLiteral(b) => Some((*b).into()),
        T::IntegerLiteral(n) => Some(oxsdatatypes::Boolean::from(*n).into()),
        T::DecimalLiteral(n) => Some(oxsdatatypes::Boolean::from(*n).into()),
        T::FloatLiteral(n) => Some(oxsdatatypes::Boolean::from(*n).into()),
        T::DoubleLiteral(n) => Some(oxsdatatypes::Boolean::from(*n).into()),
        T::StringLiteral(text) => match trimmed(text) {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The value of a literal as XPath writes it, an IRI as it is, and the words of a literal whose value is not known.
fn text(term: &Term) -> Option<String> {
    use ExpressionTerm as T;
    let literal = match term {
        Term::NamedNode(node) => return Some(node.as_str().to_owned()),
        Term::Literal(literal) => literal,
        _ => return None,
    };
    Some(match value_of(term) {
        T::StringLiteral(text) | T::LangStringLiteral { value: text, .. } => text,
        T::OtherTypedLiteral { .. } => literal.value().to_owned(),
        T::DoubleLiteral(n) => floating(n.into(), double_text(n.into())),
        T::FloatLiteral(n) => floating(f32::from(n).into(), term_text(T::FloatLiteral(n))),
        value => term_text(value),
    })
}

fn term_text(value: ExpressionTerm) -> String {
    match term_of(value) {
        Term::Literal(literal) => literal.destruct().0,
        other => other.to_string(),
    }
}

/// XPath functions and operators 17.1.2: without exponent where few digits need none.
fn floating(value: f64, scientific: String) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let is_plain = (1e-6..1e6).contains(&value.abs());
    match scientific.parse::<f64>() {
        Ok(shortest) if is_plain => shortest.to_string(),
        _ => scientific,
    }
}

/// XPath functions and operators 17.1.1: casts collapse the white space of a string.
fn collapsed(term: &Term) -> Term {
    match term {
        Term::Literal(literal) if literal.datatype() == xsd::STRING => Literal::from(trimmed(literal.value())).into(),
        other => other.clone(),
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}
