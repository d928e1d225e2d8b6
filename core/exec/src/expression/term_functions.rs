//! Functions on terms: what they are, and the parts of dates and times.

use super::bounded::Bounds;
use super::typed::{Typed, where_bound};
use super::{Compiler, arithmetic, text};
use arrow_array::{BooleanArray, Decimal128Array, Int64Array, StringViewArray};
use arrow_schema::DataType;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term};
use spareval::ExpressionTerm;
use spargebra::algebra::{Expression, Function};
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType, encode_iri};

impl Compiler<'_> {
    pub(super) fn function(
        &self,
        function: &Function,
        arguments: &[Expression],
    ) -> Result<Option<Typed>, ContractError> {
        if *function == Function::Now {
            return Ok(Some(Typed::constant(Literal::from(self.context.now).into())));
        }
        let patterns = matches!(function, Function::Regex | Function::Replace);
        if patterns {
            return self.pattern_function(function, arguments);
        }
        let Some(natives) = self.natives(arguments)? else {
            return Ok(None);
        };
        let natives = natives.iter().map(Typed::nativized).collect::<Result<Vec<_>, _>>()?;
        if let [argument] = natives.as_slice()
            && let Some(typed) = unary(function, argument)
        {
            return Ok(Some(typed));
        }
        Ok(text::function(function, &natives, Bounds::of(self.context)))
    }
}

fn unary(function: &Function, argument: &Typed) -> Option<Typed> {
    match function {
        Function::Str => Some(str(argument)),
        Function::Lang => Some(lang(argument)),
        Function::Datatype => Some(Typed::general(argument.map("datatype", DataType::Utf8View, datatype, texts))),
        Function::IsIri | Function::IsBlank | Function::IsLiteral | Function::IsNumeric => {
            Some(kind(function, argument))
        }
        Function::Year | Function::Month | Function::Day | Function::Hours | Function::Minutes => {
            let part = date_part(function)?;
            let column = argument.map(function, DataType::Int64, part, Int64Array::from);
            Some(Typed::literal(LiteralType::Integer, column))
        }
        Function::Seconds => Some(seconds(argument)),
        Function::Tz => {
            let column = argument.map(function, DataType::Utf8View, timezone, texts);
            Some(Typed::literal(LiteralType::String, column))
        }
        Function::Abs | Function::Ceil | Function::Floor | Function::Round => arithmetic::rounding(function, argument),
        Function::Custom(name) => match name.as_ref() {
            xsd::STRING => Some(str(argument)),
            xsd::INTEGER => arithmetic::cast(&LiteralType::Integer, argument),
            xsd::DECIMAL => arithmetic::cast(&LiteralType::Decimal, argument),
            xsd::DOUBLE => arithmetic::cast(&LiteralType::Double, argument),
            _ => None,
        },
        _ => None,
    }
}

fn texts(values: Vec<Option<String>>) -> StringViewArray {
    values.into_iter().collect()
}

/// STR: the text of an IRI, the lexical form of a literal; an error on a blank node.
fn str(argument: &Typed) -> Typed {
    let column = match &argument.term_type {
        TermType::Literal(LiteralType::String) | TermType::LangString(_) => argument.columns[0].clone(),
        _ => argument.map("str", DataType::Utf8View, lexical, texts),
    };
    Typed::literal(LiteralType::String, column)
}

fn lexical(term: ExpressionTerm) -> Option<String> {
    match term.into() {
        Term::NamedNode(node) => Some(node.into_string()),
        Term::Literal(literal) => Some(literal.destruct().0),
        _ => None,
    }
}

fn lang(argument: &Typed) -> Typed {
    let tag = |term| match term {
        ExpressionTerm::LangStringLiteral { language, .. } => Some(language),
        ExpressionTerm::NamedNode(_) | ExpressionTerm::BlankNode(_) => None,
        _ => Some(String::new()),
    };
    Typed::literal(LiteralType::String, argument.map("lang", DataType::Utf8View, tag, texts))
}

/// The encoded datatype.
fn datatype(term: ExpressionTerm) -> Option<String> {
    match Term::from(term) {
        Term::Literal(literal) => Some(encode_iri(literal.datatype().as_str())),
        _ => None,
    }
}

fn kind(function: &Function, argument: &Typed) -> Typed {
    let known = match (&argument.term_type, function) {
        (TermType::Iri { .. }, function) => Some(*function == Function::IsIri),
        (TermType::LangString(_), function) => Some(*function == Function::IsLiteral),
        (TermType::Literal(LiteralType::Other(_)), Function::IsNumeric) => None,
        (TermType::Literal(literal), Function::IsNumeric) => Some(literal.is_numeric()),
        (TermType::Literal(_), function) => Some(*function == Function::IsLiteral),
        _ => None,
    };
    if let Some(known) = known {
        return Typed::boolean(where_bound(known, argument.columns.clone()));
    }
    let is_kind = match function {
        Function::IsIri => is_iri,
        Function::IsBlank => is_blank,
        Function::IsLiteral => is_literal,
        _ => is_numeric,
    };
    let booleans = |values: Vec<Option<bool>>| BooleanArray::from(values);
    Typed::boolean(argument.map(function, DataType::Boolean, is_kind, booleans))
}

fn is_iri(term: ExpressionTerm) -> Option<bool> {
    Some(matches!(term, ExpressionTerm::NamedNode(_)))
}

fn is_blank(term: ExpressionTerm) -> Option<bool> {
    Some(matches!(term, ExpressionTerm::BlankNode(_)))
}

fn is_literal(term: ExpressionTerm) -> Option<bool> {
    Some(!matches!(term, ExpressionTerm::NamedNode(_) | ExpressionTerm::BlankNode(_)))
}

fn is_numeric(term: ExpressionTerm) -> Option<bool> {
    use ExpressionTerm as T;
    Some(matches!(term, T::IntegerLiteral(_) | T::DecimalLiteral(_) | T::FloatLiteral(_) | T::DoubleLiteral(_)))
}

fn date_part(function: &Function) -> Option<fn(ExpressionTerm) -> Option<i64>> {
    Some(match function {
        Function::Year => year,
        Function::Month => month,
        Function::Day => day,
        Function::Hours => hours,
        Function::Minutes => minutes,
        _ => return None,
    })
}

fn year(term: ExpressionTerm) -> Option<i64> {
    match term {
        ExpressionTerm::DateTimeLiteral(t) => Some(t.year()),
        ExpressionTerm::DateLiteral(t) => Some(t.year()),
        ExpressionTerm::GYearMonthLiteral(t) => Some(t.year()),
        ExpressionTerm::GYearLiteral(t) => Some(t.year()),
        _ => None,
    }
}

fn month(term: ExpressionTerm) -> Option<i64> {
    Some(i64::from(match term {
        ExpressionTerm::DateTimeLiteral(t) => t.month(),
        ExpressionTerm::DateLiteral(t) => t.month(),
        ExpressionTerm::GYearMonthLiteral(t) => t.month(),
        ExpressionTerm::GMonthDayLiteral(t) => t.month(),
        ExpressionTerm::GMonthLiteral(t) => t.month(),
        _ => return None,
    }))
}

fn day(term: ExpressionTerm) -> Option<i64> {
    Some(i64::from(match term {
        ExpressionTerm::DateTimeLiteral(t) => t.day(),
        ExpressionTerm::DateLiteral(t) => t.day(),
        ExpressionTerm::GMonthDayLiteral(t) => t.day(),
        ExpressionTerm::GDayLiteral(t) => t.day(),
        _ => return None,
    }))
}

fn hours(term: ExpressionTerm) -> Option<i64> {
    match term {
        ExpressionTerm::DateTimeLiteral(t) => Some(t.hour().into()),
        ExpressionTerm::TimeLiteral(t) => Some(t.hour().into()),
        _ => None,
    }
}

fn minutes(term: ExpressionTerm) -> Option<i64> {
    match term {
        ExpressionTerm::DateTimeLiteral(t) => Some(t.minute().into()),
        ExpressionTerm::TimeLiteral(t) => Some(t.minute().into()),
        _ => None,
    }
}

fn seconds(argument: &Typed) -> Typed {
    let second = |term| match term {
        ExpressionTerm::DateTimeLiteral(t) => Some(crate::columns::unscaled(t.second())),
        ExpressionTerm::TimeLiteral(t) => Some(crate::columns::unscaled(t.second())),
        _ => None,
    };
    let decimals =
        |values: Vec<Option<i128>>| Decimal128Array::from(values).with_data_type(LiteralType::Decimal.arrow());
    let column = argument.map("seconds", LiteralType::Decimal.arrow(), second, decimals);
    Typed::literal(LiteralType::Decimal, column)
}

fn timezone(term: ExpressionTerm) -> Option<String> {
    use ExpressionTerm as T;
    let offset = match term {
        T::DateTimeLiteral(t) => t.timezone_offset(),
        T::TimeLiteral(t) => t.timezone_offset(),
        T::DateLiteral(t) => t.timezone_offset(),
        T::GYearMonthLiteral(t) => t.timezone_offset(),
        T::GYearLiteral(t) => t.timezone_offset(),
        T::GMonthDayLiteral(t) => t.timezone_offset(),
        T::GDayLiteral(t) => t.timezone_offset(),
        T::GMonthLiteral(t) => t.timezone_offset(),
        _ => return None,
    };
    Some(offset.map_or_else(String::new, |offset| offset.to_string()))
}
