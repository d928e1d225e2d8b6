//! Functions on terms: what they are, and the parts of dates and times.

use super::bounded::Bounds;
use super::term_calls::Patterns;
use super::typed::{Typed, where_bound};
use super::{Compiler, arithmetic, term_calls, text};
use arrow_array::{BooleanArray, Decimal128Array, Int64Array, StringViewArray};
use arrow_schema::DataType;
use oxrdf::{Literal, Term};
use spareval::ExpressionTerm;
use spargebra::algebra::{Expression, Function};
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType, encode_iri};

impl Compiler<'_> {
    pub(super) fn function(&self, function: &Function, arguments: &[Expression]) -> Result<Typed, ContractError> {
        if matches!(function, Function::Regex | Function::Replace)
            && let Some(typed) = self.pattern_function(function, arguments)?
        {
            return Ok(typed);
        }
        let typed = arguments.iter().map(|e| self.value(e)).collect::<Result<Vec<_>, _>>()?;
        if let Some(own) = self.term_function(function, &typed)? {
            return Ok(own);
        }
        let valued = typed.iter().map(Typed::valued).collect::<Result<Vec<_>, _>>()?;
        if let [argument] = valued.as_slice()
            && let Some(typed) = unary(function, argument)
        {
            return Ok(typed);
        }
        match text::function(function, &valued, Bounds::of(self.context)) {
            Some(typed) => Ok(typed),
            None => self.row_function(function, &valued),
        }
    }

    /// What looks at the words of a term, or makes one.
    fn term_function(&self, function: &Function, arguments: &[Typed]) -> Result<Option<Typed>, ContractError> {
        Ok(Some(match (function, arguments) {
            (Function::Now, _) => Typed::constant(Literal::from(self.context.now).into()),
            (Function::Str, [argument]) => str(argument),
            (Function::Lang, [argument]) => lang(argument),
            (Function::Datatype, [argument]) => {
                Typed::general(argument.map_terms("datatype", DataType::Utf8View, datatype, texts))
            }
            (Function::IsIri | Function::IsBlank | Function::IsLiteral | Function::IsNumeric, [argument]) => {
                kind(function, argument)
            }
            (Function::Iri, [argument]) => match &argument.term_type {
                TermType::Iri { .. } | TermType::Constant(Term::NamedNode(_)) => argument.clone(),
                _ => {
                    let base = self.context.base_iri.clone();
                    let name = format!("iri[{}]", base.as_ref().map(|base| base.as_str()).unwrap_or_default());
                    self.call(&name, arguments, move |terms| Ok(term_calls::iri(base.as_ref(), &terms[0])))?
                }
            },
            (Function::StrDt, [_, _]) => {
                self.call("strdt", arguments, |terms| Ok(term_calls::typed_literal(&terms[0], &terms[1])))?
            }
            (Function::StrLang, [_, _]) => {
                self.call("strlang", arguments, |terms| Ok(term_calls::language_literal(&terms[0], &terms[1])))?
            }
            (Function::BNode, [_, ..]) => {
                self.call("bnode", arguments, |terms| Ok(term_calls::blank_node(&terms[0], terms.get(1))))?
            }
            (Function::Custom(target), [argument]) => self.cast(target, &argument.valued()?)?,
            _ => return Ok(None),
        }))
    }

    /// Functions without a column function for these operands.
    fn row_function(&self, function: &Function, arguments: &[Typed]) -> Result<Typed, ContractError> {
        let bounds = Bounds::of(self.context);
        let result = result_type(function);
        let name = function.to_string();
        let patterns = Patterns::default();
        match function {
            Function::Concat if arguments.is_empty() => Ok(Typed::constant(Literal::from("").into())),
            Function::Concat => self.call(&name, arguments, move |terms| term_calls::concat(bounds, terms)),
            Function::EncodeForUri => {
                self.call_as(result, &name, arguments, move |terms| term_calls::encode_for_uri(bounds, &terms[0]))
            }
            Function::Regex => self.call_as(result, &name, arguments, move |terms| Ok(patterns.is_match(terms))),
            Function::Replace => self.call(&name, arguments, move |terms| patterns.replace(bounds, terms)),
            _ => {
                let spareval = self
                    .spareval(|operands| Some(Expression::FunctionCall(function.clone(), operands)), arguments.len())?;
                match arguments {
                    [] => self.volatile(result, &name, move || spareval.evaluate(&[])),
                    _ => self.call_as(result, &name, arguments, move |terms| Ok(spareval.evaluate(terms))),
                }
            }
        }
    }
}

/// The type of all results of a function.
fn result_type(function: &Function) -> TermType {
    use Function as F;
    TermType::Literal(match function {
        F::Contains | F::StrStarts | F::StrEnds | F::LangMatches | F::Regex => LiteralType::Boolean,
        F::StrLen => LiteralType::Integer,
        F::EncodeForUri | F::StrUuid | F::Md5 | F::Sha1 | F::Sha256 | F::Sha384 | F::Sha512 => LiteralType::String,
        F::Rand => LiteralType::Double,
        _ => return TermType::General,
    })
}

fn unary(function: &Function, argument: &Typed) -> Option<Typed> {
    match function {
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
        _ => None,
    }
}

fn texts(values: Vec<Option<String>>) -> StringViewArray {
    values.into_iter().collect()
}

/// STR: the text of an IRI, the lexical form of a literal; an error on a blank node.
pub(super) fn str(argument: &Typed) -> Typed {
    let column = match &argument.term_type {
        TermType::Literal(LiteralType::String) | TermType::LangString(_) => argument.columns[0].clone(),
        _ => argument.map_terms("str", DataType::Utf8View, lexical, texts),
    };
    Typed::literal(LiteralType::String, column)
}

fn lexical(term: Term) -> Option<String> {
    match term {
        Term::NamedNode(node) => Some(node.into_string()),
        Term::Literal(literal) => Some(literal.destruct().0),
        _ => None,
    }
}

fn lang(argument: &Typed) -> Typed {
    let tag = |term| match term {
        Term::Literal(literal) => Some(literal.language().unwrap_or_default().to_owned()),
        _ => None,
    };
    Typed::literal(LiteralType::String, argument.map_terms("lang", DataType::Utf8View, tag, texts))
}

/// The encoded datatype.
fn datatype(term: Term) -> Option<String> {
    match term {
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
