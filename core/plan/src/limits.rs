//! What a query may cost before it is looked at closely.
//!
//! The parser recurses, so the first check is lexical: it counts bytes, tokens and the depth of brackets without
//! recursion, and a query that is too deep never reaches the parser.

use crate::expression::children;
use crate::{Node, NodeKind, Observed, PlanError, Position, Rules};
use spargebra::Query;
use spargebra::algebra::{AggregateExpression, Expression, GraphPattern, OrderExpression};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weft_model::Code;

/// Limits on a query and its plan.
#[derive(Clone, Debug)]
pub struct PlanLimits {
    /// Bytes of query text.
    pub query_bytes: usize,
    /// Nesting of brackets and prefix operators.
    pub query_depth: usize,
    /// Words, strings, IRIs and signs.
    pub query_tokens: usize,
    /// Nesting of the parsed query: also long chains of `||` or `UNION` nest.
    pub algebra_depth: usize,
    /// Ways in which one triple pattern may be matched.
    pub branches: usize,
    /// Joins within sources a union may be made of before it becomes a join of unions, where the unions would ask the
    /// sources less often.
    pub joins_under_union: usize,
    /// Operators of a plan.
    pub plan_nodes: usize,
    /// Rows all operators of a plan are expected to make, by the statistics of the sources.
    pub plan_rows: u64,
    /// Keys a bind join sends at once, where the source takes as many.
    pub key_block: usize,
    /// Threads that plan the branches of a large union, and the stack of each in bytes: conditions are read recursively.
    pub threads: usize,
    pub stack: usize,
    /// Set when nobody waits for the plan any more: planning stops.
    pub cancelled: Arc<AtomicBool>,
    /// Solutions shipped with one request of a SERVICE.
    pub service_block: usize,
    /// The rewrites a plan may use.
    pub rules: Rules,
    /// What earlier scans showed; nothing where [`crate::Rule::ObservedStatistics`] is off.
    pub observed: Arc<Observed>,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            query_bytes: 256 * 1024,
            query_depth: 100,
            query_tokens: 50_000,
            algebra_depth: 400,
            branches: 5_000,
            joins_under_union: 32,
            plan_nodes: 30_000,
            plan_rows: 1_000_000_000_000_000_000,
            key_block: 2_000,
            threads: 2,
            stack: 64 << 20,
            cancelled: Arc::default(),
            service_block: 100,
            rules: Rules::default(),
            observed: Arc::default(),
        }
    }
}

/// The parser tries a group behind a sign twice, so its time doubles with each level.
const MAX_NEGATED_GROUPS: usize = 8;

impl PlanLimits {
    /// The lexical check. Never recurses.
    pub(crate) fn check_text(&self, text: &str) -> Result<(), PlanError> {
        if text.len() > self.query_bytes {
            return Err(too_large(format!(
                "the query has {} bytes; limits.query_bytes allows {}",
                text.len(),
                self.query_bytes
            )));
        }
        let mut scanner = Scanner { rest: text, line: 1, column: 1 };
        let (mut open, mut prefixes, mut tokens) = (Vec::new(), 0_usize, 0_usize);
        while let Some(token) = scanner.next_token() {
            tokens += 1;
            match token {
                Token::Open => open.push(prefixes > 0),
                Token::Close => drop(open.pop()),
                Token::Prefix | Token::Other => {}
            }
            prefixes = if token == Token::Prefix { prefixes + 1 } else { 0 };
            let too_deep = if open.len() + prefixes > self.query_depth {
                format!("the query nests deeper than limits.query_depth allows ({})", self.query_depth)
            } else if open.iter().filter(|negated| **negated).count() > MAX_NEGATED_GROUPS {
                format!("more than {MAX_NEGATED_GROUPS} groups with a sign before them are nested")
            } else {
                String::new()
            };
            if !too_deep.is_empty() {
                let mut error = too_large(too_deep);
                error.position = Some(Position::new(text, scanner.line, scanner.column.saturating_sub(1)));
                return Err(error);
            }
            if tokens > self.query_tokens {
                return Err(too_large(format!(
                    "the query has more tokens than limits.query_tokens allows ({})",
                    self.query_tokens
                )));
            }
        }
        Ok(())
    }

    /// Checks the depth of the parsed query, so that everything after may recurse.
    pub(crate) fn check_depth(&self, query: &Query) -> Result<(), PlanError> {
        let (Query::Select { pattern, .. }
        | Query::Ask { pattern, .. }
        | Query::Construct { pattern, .. }
        | Query::Describe { pattern, .. }) = query;
        let mut stack = vec![(Part::Pattern(pattern), 1_usize)];
        while let Some((part, depth)) = stack.pop() {
            if depth > self.algebra_depth {
                return Err(too_large(format!(
                    "the query nests deeper than limits.algebra_depth allows ({}); a long chain of operators nests too",
                    self.algebra_depth
                )));
            }
            part.children(&mut |child| stack.push((child, depth + 1)));
        }
        Ok(())
    }

    /// Fails when nobody waits for the plan any more.
    pub(crate) fn check_wanted(&self) -> Result<(), PlanError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(PlanError::new(Code::Cancelled, "nobody waits for the plan any more"));
        }
        Ok(())
    }

    pub(crate) fn check_plan(&self, root: &Node) -> Result<(), PlanError> {
        let nodes = count(root);
        if nodes > self.plan_nodes {
            return Err(too_large(format!(
                "the plan has {nodes} operators; limits.plan_nodes allows {}: name more predicates, classes or graphs",
                self.plan_nodes
            )));
        }
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let most = self.plan_rows as f64;
        let rows = expected_rows(root);
        if rows > most {
            return Err(too_large(format!(
                "the plan is expected to make {rows:.1e} rows; limits.plan_rows allows {most:.1e}: join what is not connected, \
                 or ask for less"
            )));
        }
        Ok(())
    }
}

fn too_large(message: String) -> PlanError {
    PlanError::new(Code::QueryTooLarge, message)
}

fn expected_rows(node: &Node) -> f64 {
    node.estimate + node.kind.children().into_iter().map(expected_rows).sum::<f64>()
}

fn count(node: &Node) -> usize {
    1 + match &node.kind {
        NodeKind::Scan(scan) => scan.relation.reads().len(),
        NodeKind::Unpivot(unpivot) => unpivot.ways.len(),
        kind => kind.children().into_iter().map(count).sum(),
    }
}

/// A part of a query whose nesting is counted.
enum Part<'a> {
    Pattern(&'a GraphPattern),
    Expression(&'a Expression),
}

impl<'a> Part<'a> {
    fn children(&self, visit: &mut dyn FnMut(Part<'a>)) {
        match self {
            Self::Pattern(pattern) => pattern_children(pattern, visit),
            Self::Expression(expression) => expression_children(expression, visit),
        }
    }
}

fn pattern_children<'a>(pattern: &'a GraphPattern, visit: &mut dyn FnMut(Part<'a>)) {
    match pattern {
        GraphPattern::Bgp { .. } | GraphPattern::Path { .. } | GraphPattern::Values { .. } => {}
        GraphPattern::Join { left, right }
        | GraphPattern::Union { left, right }
        | GraphPattern::Minus { left, right } => {
            visit(Part::Pattern(left));
            visit(Part::Pattern(right));
        }
        GraphPattern::LeftJoin { left, right, expression } => {
            visit(Part::Pattern(left));
            visit(Part::Pattern(right));
            expression.iter().for_each(|e| visit(Part::Expression(e)));
        }
        GraphPattern::Filter { expr, inner } => {
            visit(Part::Expression(expr));
            visit(Part::Pattern(inner));
        }
        GraphPattern::Extend { inner, expression, .. } => {
            visit(Part::Expression(expression));
            visit(Part::Pattern(inner));
        }
        GraphPattern::OrderBy { inner, expression } => {
            for OrderExpression::Asc(e) | OrderExpression::Desc(e) in expression {
                visit(Part::Expression(e));
            }
            visit(Part::Pattern(inner));
        }
        GraphPattern::Group { inner, aggregates, .. } => {
            for (_, aggregate) in aggregates {
                if let AggregateExpression::FunctionCall { expr, .. } = aggregate {
                    visit(Part::Expression(expr));
                }
            }
            visit(Part::Pattern(inner));
        }
        GraphPattern::Graph { inner, .. }
        | GraphPattern::Project { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::Slice { inner, .. }
        | GraphPattern::Service { inner, .. } => visit(Part::Pattern(inner)),
        #[allow(unreachable_patterns, reason = "features of the parser that are off add patterns")]
        _ => {}
    }
}

fn expression_children<'a>(expression: &'a Expression, visit: &mut dyn FnMut(Part<'a>)) {
    match expression {
        Expression::Exists(pattern) => visit(Part::Pattern(pattern)),
        other => children(other).into_iter().for_each(|child| visit(Part::Expression(child))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    /// `!`, `^`, `+`, `-`: may stand in a row, each one level of recursion.
    Prefix,
    Other,
}

/// Splits query text roughly: it only has to know strings, IRIs and comments from brackets.
struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl Scanner<'_> {
    fn next_token(&mut self) -> Option<Token> {
        loop {
            let c = self.rest.chars().next()?;
            match c {
                c if c.is_whitespace() => self.advance(c.len_utf8()),
                '#' => self.advance(self.rest.find(['\n', '\r']).unwrap_or(self.rest.len())),
                _ => break,
            }
        }
        let first = self.rest.chars().next()?;
        let (token, length) = match first {
            '{' | '(' | '[' => (Token::Open, 1),
            '}' | ')' | ']' => (Token::Close, 1),
            '!' | '^' | '+' | '-' => (Token::Prefix, 1),
            '"' | '\'' => (Token::Other, string_length(self.rest)),
            '<' => (Token::Other, iri_length(self.rest)),
            c if is_word(c) => (Token::Other, self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len())),
            c => (Token::Other, c.len_utf8()),
        };
        self.advance(length);
        Some(token)
    }

    fn advance(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        for c in passed.chars() {
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.rest = rest;
    }
}

/// The tokens of the text, roughly: strings and IRIs are one each, comments none.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut scanner = Scanner { rest: text, line: 1, column: 1 };
    let mut found = Vec::new();
    let mut last = 0;
    while scanner.next_token().is_some() {
        let end = text.len() - scanner.rest.len();
        let token = text.get(last..end).unwrap_or_default();
        // Comments and white space stand before the token.
        found.push(token.rsplit(['\n', '\r']).next().unwrap_or_default().trim_start());
        last = end;
    }
    found
}

/// The text with TRUE and False as `true` and `false`, at the same places: keywords have no case (SPARQL section 19.8), but
/// the parser takes these for names.
pub(crate) fn with_plain_booleans(text: &str) -> Cow<'_, str> {
    let mut scanner = Scanner { rest: text, line: 1, column: 1 };
    let mut out = Cow::Borrowed(text);
    while scanner.next_token().is_some() {
        let end = text.len() - scanner.rest.len();
        let word = text[..end].trim_end_matches('.');
        for boolean in ["true", "false"] {
            let Some(start) = word.len().checked_sub(boolean.len()) else { continue };
            let is_whole = word.get(..start).is_some_and(|before| !before.ends_with(is_word));
            if is_whole && word.get(start..).is_some_and(|found| found.eq_ignore_ascii_case(boolean)) {
                out.to_mut().replace_range(start..word.len(), boolean);
            }
        }
    }
    out
}

/// The text with another IRI for each one that could be read as parts of an expression, and where the first of them
/// begins; none without such.
pub(crate) fn with_plain_iris(text: &str) -> Option<(String, usize)> {
    let mut scanner = Scanner { rest: text, line: 1, column: 1 };
    let (mut plain, mut copied, mut first) = (String::new(), 0, None);
    while scanner.next_token().is_some() {
        let end = text.len() - scanner.rest.len();
        let Some(start) = text[..end].rfind('<').filter(|_| text[..end].ends_with('>')) else { continue };
        let is_token = start >= copied && iri_length(&text[start..]) == end - start;
        if is_token && text[start..end].contains(['&', ',', '(', ')']) {
            plain.push_str(&text[copied..start]);
            plain.push_str("<x:/y>");
            copied = end;
            first.get_or_insert(start);
        }
    }
    plain.push_str(&text[copied..]);
    first.map(|first| (plain, first))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '?' | '$' | '.' | '%' | '\\')
}

/// The length of the string literal at the start: short or long quotes, with escapes.
fn string_length(text: &str) -> usize {
    let quote = &text[..1];
    let long = quote.repeat(3);
    let (delimiter, start) = if text.starts_with(&long) { (long.as_str(), 3) } else { (quote, 1) };
    let mut position = start;
    while let Some(c) = text[position..].chars().next() {
        if text[position..].starts_with(delimiter) {
            return position + delimiter.len();
        }
        if delimiter.len() == 1 && c == '\n' {
            return position;
        }
        position += c.len_utf8();
        if c == '\\' {
            position += text[position..].chars().next().map_or(0, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the IRI at the start, or 1 when `<` is the operator.
fn iri_length(text: &str) -> usize {
    let end = text[1..]
        .find(|c: char| c == '>' || c.is_whitespace() || matches!(c, '<' | '"' | '{' | '}' | '|' | '^' | '`' | '\\'));
    match end {
        Some(end) if text[1 + end..].starts_with('>') => end + 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_iris_and_comments() {
        let limits = PlanLimits { query_depth: 3, ..PlanLimits::default() };
        for fine in [
            "SELECT * { { ?s ?p \"{{{{\" } }",
            "SELECT * { # {{{{\n ?s ?p '''{{{{''' }",
            "SELECT * { <http://ex/(((> ?p \"\\\"((((\" }",
            "SELECT * { ?s ?p ?o FILTER(?o < 3 && ?o > 1) }",
        ] {
            limits.check_text(fine).unwrap();
        }
        for deep in ["{{{{", "((((", "{ ( !!", "[ [ { ("] {
            assert_eq!(limits.check_text(deep).unwrap_err().code, Code::QueryTooLarge, "{deep}");
        }
    }

    #[test]
    fn only_iris_that_look_like_expressions_are_in_doubt() {
        assert_eq!(with_plain_iris("SELECT * { ?s <http://ex/?a=1> \"<a&&b>\" # <a&&b>\n }"), None);
        let found = with_plain_iris("{ FILTER (?x<?a&&?b>?y) ?s <http://ex/?a=1&b=2> 'x>' }");
        assert_eq!(found, Some(("{ FILTER (?x<x:/y>?y) ?s <x:/y> 'x>' }".to_owned(), 12)));
    }

    #[test]
    fn booleans_have_no_case_where_they_are_words() {
        let text = "SELECT (TRUE AS ?True) { ?s True:x \"TRUE\", False. <http://ex/TRUE> ?p true }";
        let expected = "SELECT (true AS ?True) { ?s True:x \"TRUE\", false. <http://ex/TRUE> ?p true }";
        assert_eq!(with_plain_booleans(text), expected);
    }

    #[test]
    fn nested_negations_are_refused_before_the_parser_doubles_its_time() {
        let query = |n: usize| format!("SELECT * {{ ?s ?p ?o FILTER({}?o{}) }}", "!(".repeat(n), ")".repeat(n));
        let limits = PlanLimits::default();
        limits.check_text(&query(MAX_NEGATED_GROUPS)).unwrap();
        assert_eq!(limits.check_text(&query(MAX_NEGATED_GROUPS + 1)).unwrap_err().code, Code::QueryTooLarge);
    }

    #[test]
    fn megabytes_of_brackets_are_refused_without_recursion() {
        let limits = PlanLimits { query_bytes: usize::MAX, ..PlanLimits::default() };
        let error = limits.check_text(&"{".repeat(4_000_000)).unwrap_err();
        assert_eq!(error.position.unwrap().column, 101);
    }
}
