//! Parsing, and what the forms of a query show.

use crate::tree::Tree;
use crate::{Catalogue, PlanError, Position, limits};
use oxrdf::Variable;
use spargebra::algebra::GraphPattern;
use spargebra::term::{TermPattern, TriplePattern};
use spargebra::{Query, SparqlParser};
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
    let query = parser.clone().parse_query(&limits::with_plain_booleans(text));
    let query = query.map_err(|error| syntax_error(text, &error.to_string()))?;
    check_iris(text, parser)?;
    Ok(query)
}

/// SPARQL takes the longest token (section 19.8, note 2): in `?x<?a&&?b>?y` stands an IRI. The parser sees operators there,
/// which it no longer does when the IRI is one that looks like nothing else.
fn check_iris(text: &str, parser: SparqlParser) -> Result<(), PlanError> {
    let Some((plain, first)) = limits::with_plain_iris(text) else { return Ok(()) };
    if parser.parse_query(&limits::with_plain_booleans(&plain)).is_ok() {
        return Ok(());
    }
    let before = &text[..first];
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
    let what = "from < to > this is an IRI, which cannot stand here: write a space after <";
    let mut error = PlanError::new(Code::InvalidQuery, format!("syntax error at line {line}, column {column}: {what}"));
    error.position = Some(Position::new(text, line, column));
    Err(error)
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
    if let Some(refused) = refused(text) {
        let mut error = PlanError::new(Code::UnsupportedQuery, refused);
        error.position = Some(Position::new(text, line, column));
        return error;
    }
    let what = expectation(text, line, column, what);
    let mut error = PlanError::new(Code::InvalidQuery, format!("syntax error at line {line}, column {column}: {what}"));
    error.position = Some(Position::new(text, line, column));
    error
}

/// What is no SPARQL 1.1 Query but is known by name: SPARQL 1.2, and updates.
fn refused(text: &str) -> Option<String> {
    const FUNCTIONS: [&str; 9] =
        ["TRIPLE", "SUBJECT", "PREDICATE", "OBJECT", "ISTRIPLE", "LANGDIR", "HASLANG", "HASLANGDIR", "STRLANGDIR"];
    const UPDATES: [&str; 9] = ["INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD"];
    const FORMS: [&str; 4] = ["SELECT", "ASK", "CONSTRUCT", "DESCRIBE"];
    let tokens = limits::tokens(text);
    let is_one = |words: &[&str], token: &str| words.iter().any(|word| token.eq_ignore_ascii_case(word));
    let verb = tokens.iter().find(|token| is_one(&FORMS, token) || is_one(&UPDATES, token));
    if let Some(update) = verb.filter(|token| is_one(&UPDATES, token)) {
        return Some(format!("{} is an update; sources are only read", update.to_uppercase()));
    }
    for pair in tokens.windows(2) {
        match pair {
            [function, "("] if is_one(&FUNCTIONS, function) => {
                return Some(format!("the function {function} is one of SPARQL 1.2, which is not answered"));
            }
            ["<", "<"] | ["{", "|"] => {
                return Some("triple terms are a part of SPARQL 1.2, which is not answered".to_owned());
            }
            _ => {}
        }
    }
    None
}

/// The line up to the place.
fn before(text: &str, line: usize, column: usize) -> String {
    text.lines().nth(line.saturating_sub(1)).unwrap_or_default().chars().take(column.saturating_sub(1)).collect()
}

/// The parser lists everything that could have come, down to classes of characters; people need the signs and words.
fn expectation(text: &str, line: usize, column: usize, what: &str) -> String {
    const SHOWN: usize = 12;
    let before = before(text, line, column);
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

/// The variables an answer shows, those of `SELECT *` in the order in which the text names them.
pub(crate) fn shown_variables(text: &str, pattern: &GraphPattern) -> Vec<Variable> {
    let mut variables = result_variables(pattern);
    let tokens = limits::tokens(text);
    let select = tokens.iter().position(|token| token.eq_ignore_ascii_case("SELECT"));
    let mut after = tokens.iter().skip(select.map_or(tokens.len(), |select| select + 1));
    let is_duplicates = |token: &&&str| ["DISTINCT", "REDUCED"].iter().any(|word| token.eq_ignore_ascii_case(word));
    let clause = after.next().filter(|token| !is_duplicates(token)).or_else(|| after.next());
    if clause.is_some_and(|clause| *clause == "*") {
        let place = |variable: &Variable| {
            let is_it = |token: &&str| {
                token.strip_prefix(['?', '$']).is_some_and(|name| name.trim_end_matches('.') == variable.as_str())
            };
            tokens.iter().position(is_it).unwrap_or(usize::MAX)
        };
        variables.sort_by_key(place);
    }
    variables
}

/// The variables of the outermost projection.
pub(crate) fn result_variables(pattern: &GraphPattern) -> Vec<Variable> {
    match pattern {
        GraphPattern::Project { variables, .. } => variables.clone(),
        GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::Slice { inner, .. }
        | GraphPattern::OrderBy { inner, .. } => result_variables(inner),
        _ => Vec::new(),
    }
}

/// The variables of a template.
pub(crate) fn template_variables(template: &[TriplePattern]) -> Vec<Variable> {
    let mut found = Vec::new();
    let pattern = GraphPattern::Bgp { patterns: template.to_vec() };
    pattern.on_in_scope_variable(|variable| {
        if !found.contains(variable) {
            found.push(variable.clone());
        }
    });
    found
}

/// Each row a template can be filled in with, once: the result is a set of triples. A template with blank nodes has new
/// ones for every row.
pub(crate) fn once_for_template(tree: Tree, template: &[TriplePattern]) -> Tree {
    let is_blank = |term: &TermPattern| matches!(term, TermPattern::BlankNode(_));
    if template.iter().any(|triple| is_blank(&triple.subject) || is_blank(&triple.object)) {
        return tree;
    }
    let variables = template_variables(template);
    Tree::Distinct(Box::new(Tree::Project { input: Box::new(tree), variables }))
}
