//! Regular expressions as spareval reads them, compiled once where they are constant.

use oxrdf::Literal;
use oxrdf::vocab::xsd;
use regex::{Regex, RegexBuilder};
use spargebra::algebra::Expression;
use std::borrow::Cow;

/// As in spareval.
const SIZE_LIMIT: usize = 1_000_000;

/// The constant pattern of REGEX or REPLACE: `None` when it, or its flags, is not a constant string, or not a valid
/// pattern.
pub(super) fn constant_pattern(pattern: &Expression, flags: Option<&Expression>) -> Option<(String, Regex)> {
    let pattern = constant_string(pattern)?;
    let flags = match flags {
        Some(flags) => constant_string(flags)?.value(),
        None => "",
    };
    let regex = compile(pattern.value(), flags)?;
    Some((format!("{:?}, {flags:?}", pattern.value()), regex))
}

fn constant_string(expression: &Expression) -> Option<&Literal> {
    match expression {
        Expression::Literal(literal) if literal.datatype() == xsd::STRING => Some(literal),
        _ => None,
    }
}

/// `None` when the pattern or a flag is invalid, which is an error of the expression.
pub(super) fn compile(pattern: &str, flags: &str) -> Option<Regex> {
    let pattern = if flags.contains('q') { Cow::Owned(regex::escape(pattern)) } else { Cow::Borrowed(pattern) };
    let mut builder = RegexBuilder::new(&pattern);
    builder.size_limit(SIZE_LIMIT);
    for flag in flags.chars() {
        match flag {
            's' => builder.dot_matches_new_line(true),
            'm' => builder.multi_line(true),
            'i' => builder.case_insensitive(true),
            'x' => builder.ignore_whitespace(true),
            'q' => &mut builder,
            _ => return None,
        };
    }
    builder.build().ok()
}
