//! Parsing, and the forms of query that are answered.

use crate::{Catalogue, Form, PlanError, Position};
use oxrdf::Variable;
use spargebra::algebra::GraphPattern;
use spargebra::{Query, SparqlParser};
use std::collections::HashSet;
use weft_model::Code;

pub(crate) fn parse(text: &str, base_iri: Option<&str>, catalogue: &Catalogue) -> Result<Query, PlanError> {
    let mut parser = SparqlParser::new();
    if let Some(base) = base_iri {
        parser = parser
            .with_base_iri(base)
            .map_err(|error| PlanError::new(Code::InvalidRequest, format!("base IRI {base:?}: {error}")))?;
    }
    for (prefix, iri) in catalogue.prefixes() {
        parser = parser
            .with_prefix(prefix, iri)
            .map_err(|error| PlanError::new(Code::InvalidConfig, format!("prefix {prefix:?}: {error}")))?;
    }
    parser.parse_query(text).map_err(|error| syntax_error(text, &error.to_string()))
}

/// The parser tells the position only in its message: `error at LINE:COLUMN: expected ...`.
fn syntax_error(text: &str, message: &str) -> PlanError {
    let located = message.strip_prefix("error at ").and_then(|rest| {
        let (place, what) = rest.split_once(": ")?;
        let (line, column) = place.split_once(':')?;
        Some((line.parse().ok()?, column.parse().ok()?, what))
    });
    let Some((line, column, what)) = located else {
        return PlanError::new(Code::InvalidQuery, format!("the query is not SPARQL: {message}"));
    };
    let what = expectation(text, line, column, what);
    let mut error = PlanError::new(Code::InvalidQuery, format!("syntax error at line {line}, column {column}: {what}"));
    error.position = Some(Position::new(text, line, column));
    error
}

/// The parser lists everything that could have come, down to classes of characters; people need the signs and words.
fn expectation(text: &str, line: usize, column: usize, what: &str) -> String {
    const SHOWN: usize = 12;
    let before: String =
        text.lines().nth(line.saturating_sub(1)).unwrap_or_default().chars().take(column.saturating_sub(1)).collect();
    let word = before.rsplit(|c: char| c.is_whitespace() || "{}()[];,|/^".contains(c)).next().unwrap_or_default();
    if what.contains("Prefix not found")
        && let Some((prefix, _)) = word.split_once(':')
    {
        return format!("the prefix {prefix}: is not declared");
    }
    // Quotes among the signs are escaped.
    let what = what.replace("\\\"", "''");
    let mut signs: Vec<&str> = what.split('"').skip(1).step_by(2).filter(|sign| !sign.contains("''")).collect();
    signs.sort_unstable();
    signs.dedup();
    let more = if signs.len() > SHOWN { ", ..." } else { "" };
    match signs.get(..SHOWN).unwrap_or(&signs) {
        [] => "this cannot stand here".to_owned(),
        signs => format!("expected one of {}{more}", signs.join(" ")),
    }
}

/// Tells the form of a query and its pattern, refusing what is not answered in this version.
pub(crate) fn form(query: &Query) -> Result<(Form, &GraphPattern), PlanError> {
    let (dataset, form, pattern) = match query {
        Query::Select { dataset, pattern, .. } => (dataset, Form::Select(result_variables(pattern)), pattern),
        Query::Ask { dataset, pattern, .. } => (dataset, Form::Ask, pattern),
        Query::Construct { .. } => return Err(PlanError::unsupported("CONSTRUCT")),
        Query::Describe { .. } => return Err(PlanError::unsupported("DESCRIBE")),
    };
    if dataset.is_some() {
        return Err(PlanError::unsupported("a dataset chosen by the query (FROM, FROM NAMED)"));
    }
    Ok((form, pattern))
}

/// The variables of the outermost projection.
fn result_variables(pattern: &GraphPattern) -> Vec<Variable> {
    match pattern {
        GraphPattern::Project { variables, .. } => variables.clone(),
        GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::Slice { inner, .. }
        | GraphPattern::OrderBy { inner, .. } => result_variables(inner),
        _ => Vec::new(),
    }
}

/// The variables the answer shows.
pub(crate) fn needed_variables(form: &Form) -> HashSet<Variable> {
    match form {
        Form::Select(variables) => variables.iter().cloned().collect(),
        Form::Ask => HashSet::new(),
    }
}
