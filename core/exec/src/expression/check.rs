//! Refuses what is not evaluated before anything is built from it.

use super::chain;
use crate::columns::unsupported;
use oxrdf::NamedNode;
use oxrdf::vocab::xsd;
use spargebra::algebra::{Expression, Function};
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};

pub(super) fn check(expression: &Expression, depth: usize) -> Result<(), ContractError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ContractError::new(Code::QueryTooLarge, Fault::Caller, "an expression is nested too deep"));
    };
    match expression {
        Expression::NamedNode(_) | Expression::Literal(_) | Expression::Variable(_) | Expression::Bound(_) => Ok(()),
        Expression::Or(..) | Expression::And(..) => check_all(chain(expression), depth),
        Expression::Equal(a, b)
        | Expression::SameTerm(a, b)
        | Expression::Greater(a, b)
        | Expression::GreaterOrEqual(a, b)
        | Expression::Less(a, b)
        | Expression::LessOrEqual(a, b)
        | Expression::Add(a, b)
        | Expression::Subtract(a, b)
        | Expression::Multiply(a, b)
        | Expression::Divide(a, b) => check_all([a.as_ref(), b], depth),
        Expression::UnaryPlus(a) | Expression::UnaryMinus(a) | Expression::Not(a) => check(a, depth),
        Expression::If(a, b, c) => check_all([a.as_ref(), b, c], depth),
        Expression::In(needle, list) => {
            check(needle, depth)?;
            check_all(list, depth)
        }
        Expression::Coalesce(list) => check_all(list, depth),
        Expression::FunctionCall(function, arguments) => {
            check_function(function, arguments.len())?;
            check_all(arguments, depth)
        }
        Expression::Exists(_) => Err(unsupported("EXISTS in this place")),
    }
}

fn check_all<'a>(list: impl IntoIterator<Item = &'a Expression>, depth: usize) -> Result<(), ContractError> {
    list.into_iter().try_for_each(|expression| check(expression, depth))
}

fn check_function(function: &Function, arguments: usize) -> Result<(), ContractError> {
    use Function as F;
    let arity = match function {
        F::BNode => 0..=1,
        F::Rand | F::Now | F::Uuid | F::StrUuid => 0..=0,
        F::Str | F::Lang | F::Datatype | F::Iri | F::Abs | F::Ceil | F::Floor | F::Round | F::StrLen => 1..=1,
        F::UCase | F::LCase | F::EncodeForUri | F::Timezone | F::Tz => 1..=1,
        F::Year | F::Month | F::Day | F::Hours | F::Minutes | F::Seconds => 1..=1,
        F::Md5 | F::Sha1 | F::Sha256 | F::Sha384 | F::Sha512 => 1..=1,
        F::IsIri | F::IsBlank | F::IsLiteral | F::IsNumeric => 1..=1,
        F::LangMatches | F::Contains | F::StrStarts | F::StrEnds | F::StrBefore | F::StrAfter => 2..=2,
        F::StrLang | F::StrDt | F::Adjust => 2..=2,
        F::SubStr | F::Regex => 2..=3,
        F::Replace => 3..=4,
        F::Concat => 0..=usize::MAX,
        F::Custom(name) if is_cast(name) => 1..=1,
        other => return Err(unsupported(format!("the function {other}"))),
    };
    if arity.contains(&arguments) {
        return Ok(());
    }
    let message = format!("the function {function} does not take {arguments} arguments");
    Err(ContractError::new(Code::InvalidQuery, Fault::Caller, message))
}

/// The constructor functions of XML Schema datatypes that spareval evaluates.
fn is_cast(name: &NamedNode) -> bool {
    let casts = [
        xsd::STRING,
        xsd::BOOLEAN,
        xsd::DOUBLE,
        xsd::FLOAT,
        xsd::INTEGER,
        xsd::DECIMAL,
        xsd::DATE,
        xsd::TIME,
        xsd::DATE_TIME,
        xsd::DURATION,
        xsd::YEAR_MONTH_DURATION,
        xsd::DAY_TIME_DURATION,
        xsd::G_YEAR,
        xsd::G_YEAR_MONTH,
        xsd::G_MONTH,
        xsd::G_MONTH_DAY,
        xsd::G_DAY,
    ];
    casts.contains(&name.as_ref())
}
