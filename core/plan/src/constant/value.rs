//! Terms and the values they stand for.

use oxrdf::vocab::xsd;
use oxrdf::{Literal, NamedNodeRef, Term};
use spareval::ExpressionTerm;
use weft_model::term::{double_text, float_text, integer_range, parse_double, parse_float};

/// The value a term stands for. A literal that is not in the lexical space of its datatype stands for nothing known, and
/// so does one of an unknown datatype: both are [`ExpressionTerm::OtherTypedLiteral`].
pub fn value_of(term: &Term) -> ExpressionTerm {
    let ill_typed = matches!(term, Term::Literal(literal) if !is_well_typed(literal));
    match (term, ill_typed) {
        (Term::Literal(literal), true) => ExpressionTerm::OtherTypedLiteral {
            value: literal.value().to_owned(),
            datatype: literal.datatype().into_owned(),
        },
        (term, _) => term.clone().into(),
    }
}

/// Whether what oxsdatatypes reads as a value is one: it takes types derived from `xsd:integer` for that type, times for
/// time stamps, and more words for floating numbers than XML Schema does.
fn is_well_typed(literal: &Literal) -> bool {
    let text = literal.value();
    match literal.datatype() {
        xsd::DOUBLE => parse_double(text).is_some(),
        xsd::FLOAT => parse_float(text).is_some(),
        xsd::INTEGER | xsd::STRING => true,
        DATE_TIME_STAMP => {
            text.ends_with('Z')
                || text.len() > 6 && text.as_bytes()[text.len() - 3] == b':' && {
                    let sign = text.as_bytes()[text.len() - 6];
                    // In `T12:00:00` the sixth character from the end is a colon.
                    sign == b'+' || sign == b'-'
                }
        }
        derived => match integer_range(derived) {
            Some(range) => text.parse().is_ok_and(|n: i64| range.contains(&n)),
            None => true,
        },
    }
}

const DATE_TIME_STAMP: NamedNodeRef<'static> =
    NamedNodeRef::new_unchecked("http://www.w3.org/2001/XMLSchema#dateTimeStamp");

/// The term a computed value is: in the canonical form of XML Schema, as the values of native columns are, so that one
/// value of one datatype is one term wherever it comes from.
pub fn term_of(value: ExpressionTerm) -> Term {
    match value {
        ExpressionTerm::DoubleLiteral(n) => Literal::new_typed_literal(double_text(n.into()), xsd::DOUBLE).into(),
        ExpressionTerm::FloatLiteral(n) => Literal::new_typed_literal(float_text(n.into()), xsd::FLOAT).into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxrdf::NamedNode;

    fn typed(text: &str, name: &str) -> Term {
        let datatype = NamedNode::new_unchecked(format!("http://www.w3.org/2001/XMLSchema#{name}"));
        Literal::new_typed_literal(text, datatype).into()
    }

    #[test]
    fn what_is_not_in_the_lexical_space_has_no_value() {
        for (text, name) in [
            ("300", "byte"),
            ("-1", "nonNegativeInteger"),
            ("0", "positiveInteger"),
            ("five", "integer"),
            ("inf", "double"),
            ("Infinity", "float"),
            ("2020-01-01T12:00:00", "dateTimeStamp"),
        ] {
            let value = value_of(&typed(text, name));
            assert!(matches!(value, ExpressionTerm::OtherTypedLiteral { .. }), "{text} {name}");
            assert_eq!(term_of(value), typed(text, name));
        }
    }

    #[test]
    fn values_are_written_in_canonical_form() {
        for (text, name, canonical, written) in [
            ("007", "byte", "7", "integer"),
            ("1", "double", "1.0E0", "double"),
            ("80.25", "float", "8.025E1", "float"),
            ("-INF", "double", "-INF", "double"),
            ("10.50", "decimal", "10.5", "decimal"),
            ("1", "boolean", "true", "boolean"),
            ("2020-01-01T12:00:00.0Z", "dateTimeStamp", "2020-01-01T12:00:00Z", "dateTime"),
        ] {
            assert_eq!(term_of(value_of(&typed(text, name))), typed(canonical, written), "{text} {name}");
        }
    }
}
