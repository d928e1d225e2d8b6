//! What makes an answer right.

use super::compare::{Row, Rows, difference};
use super::expected::{Answer, row_of};
use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term};
use oxsdatatypes::{Decimal, Double, Float};
use spargebra::Query;
use spargebra::algebra::{Expression, GraphPattern};
use std::collections::HashSet;
use std::str::FromStr as _;

/// What is known of the query whose answer is judged.
#[derive(Debug, Default)]
pub(super) struct Judge {
    ordered: bool,
    /// Duplicates do not count.
    lax: bool,
    /// Variables whose terms are computed: where these are numbers, the standard leaves their lexical form open.
    computed: HashSet<String>,
    /// The literals of the data, as they are written there.
    written: HashSet<Literal>,
}

impl Judge {
    pub(super) fn new(query: Option<&Query>, lax: bool, written: HashSet<Literal>) -> Self {
        let Some(Query::Select { pattern, .. }) = query else { return Self { lax, written, ..Self::default() } };
        let mut computed = HashSet::new();
        collect_computed(pattern, &mut computed);
        Self { ordered: is_ordered(pattern), lax, computed, written }
    }

    /// What is wrong with an answer.
    pub(super) fn answer(&self, found: &Answer, expected: &Answer) -> Option<String> {
        match (found, expected) {
            (Answer::Boolean(found), Answer::Boolean(expected)) => {
                (found != expected).then(|| format!("{found} instead of {expected}"))
            }
            (Answer::Graph(found), Answer::Graph(expected)) => {
                let rows = |triples: &[oxrdf::Triple]| triples.iter().map(row_of).collect::<Vec<Row>>();
                difference(&rows(expected), &rows(found), Rows::Set)
            }
            (
                Answer::Solutions { variables: names, rows: found, .. },
                Answer::Solutions { variables, rows: expected, ordered },
            ) => {
                let (mut ours, mut theirs) = (names.clone(), variables.clone());
                ours.sort();
                theirs.sort();
                if ours != theirs {
                    return Some(format!("variables {names:?} instead of {variables:?}"));
                }
                self.solutions(variables, expected, &arranged(names, variables, found), *ordered)
            }
            _ => Some("an answer of another form".to_owned()),
        }
    }

    fn solutions(&self, variables: &[String], expected: &[Row], found: &[Row], ordered: bool) -> Option<String> {
        let rows = match (ordered || self.ordered, self.lax) {
            (_, true) => Rows::Set,
            (true, false) => Rows::InOrder,
            (false, false) => Rows::Multiset,
        };
        let open: Vec<bool> = variables.iter().map(|variable| self.computed.contains(variable)).collect();
        let foreign = self.foreign(expected);
        let canonical = |row: &Row| {
            let cell = |(cell, open): (&Option<Term>, &bool)| {
                let value = by_value(cell);
                if *open || foreign.contains(&value) { value } else { cell.clone() }
            };
            row.iter().zip(&open).map(cell).collect::<Row>()
        };
        let expected: Vec<Row> = expected.iter().map(canonical).collect();
        let found: Vec<Row> = found.iter().map(canonical).collect();
        difference(&expected, &found, rows)
    }
}

impl Judge {
    /// The values for which the suite expects a number that is written otherwise in the data: it cannot mean the words.
    fn foreign(&self, expected: &[Row]) -> HashSet<Option<Term>> {
        let is_foreign =
            |cell: &&Option<Term>| matches!(cell, Some(Term::Literal(literal)) if !self.written.contains(literal));
        expected.iter().flatten().filter(is_foreign).map(by_value).collect()
    }
}

/// The rows with their cells in the order of the expected variables.
fn arranged(names: &[String], variables: &[String], rows: &[Row]) -> Vec<Row> {
    let place = |name: &String| names.iter().position(|other| other == name);
    let places: Vec<usize> = variables.iter().filter_map(place).collect();
    rows.iter().map(|row| places.iter().map(|place| row[*place].clone()).collect()).collect()
}

/// Numbers in the form oxsdatatypes prints, and anything else as it is.
fn by_value(cell: &Option<Term>) -> Option<Term> {
    let Some(Term::Literal(literal)) = cell else { return cell.clone() };
    let text = literal.value();
    let form = match literal.datatype() {
        xsd::DECIMAL => Decimal::from_str(text).ok().map(|value| value.to_string()),
        xsd::DOUBLE => Double::from_str(text).ok().map(|value| value.to_string()),
        xsd::FLOAT => Float::from_str(text).ok().map(|value| value.to_string()),
        _ => None,
    };
    Some(form.map_or_else(|| literal.clone(), |form| Literal::new_typed_literal(form, literal.datatype())).into())
}

/// The variables that hold the values of expressions and aggregates.
fn collect_computed(pattern: &GraphPattern, computed: &mut HashSet<String>) {
    match pattern {
        GraphPattern::Extend { inner, variable, expression } => {
            collect_computed(inner, computed);
            let is_copy = matches!(expression, Expression::Variable(copied) if !computed.contains(copied.as_str()));
            if !is_copy {
                computed.insert(variable.as_str().to_owned());
            }
        }
        GraphPattern::Group { inner, aggregates, .. } => {
            collect_computed(inner, computed);
            computed.extend(aggregates.iter().map(|(variable, _)| variable.as_str().to_owned()));
        }
        GraphPattern::Join { left, right }
        | GraphPattern::LeftJoin { left, right, .. }
        | GraphPattern::Union { left, right }
        | GraphPattern::Minus { left, right } => {
            collect_computed(left, computed);
            collect_computed(right, computed);
        }
        GraphPattern::Filter { inner, .. }
        | GraphPattern::Graph { inner, .. }
        | GraphPattern::OrderBy { inner, .. }
        | GraphPattern::Project { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::Slice { inner, .. }
        | GraphPattern::Service { inner, .. } => collect_computed(inner, computed),
        _ => {}
    }
}

/// Whether the outermost modifier is ORDER BY, so that the order of the rows is part of the answer.
fn is_ordered(mut pattern: &GraphPattern) -> bool {
    loop {
        match pattern {
            GraphPattern::OrderBy { .. } => return true,
            GraphPattern::Slice { inner, .. }
            | GraphPattern::Distinct { inner }
            | GraphPattern::Reduced { inner }
            | GraphPattern::Project { inner, .. } => pattern = inner,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use spargebra::SparqlParser;

    fn double(text: &str) -> Literal {
        Literal::new_typed_literal(text, xsd::DOUBLE)
    }

    fn answer(text: &str) -> Answer {
        let rows = vec![vec![Some(double(text).into())]];
        Answer::Solutions { variables: vec!["x".to_owned()], rows, ordered: false }
    }

    fn judge(query: &str) -> Judge {
        let query = SparqlParser::new().parse_query(query).unwrap();
        Judge::new(Some(&query), false, HashSet::from([double("1.0"), double("1e0")]))
    }

    #[test]
    fn terms_of_the_data_are_compared_as_they_are_written() {
        let judge = judge("SELECT ?x { ?s ?p ?x }");
        assert_eq!(judge.answer(&answer("1.0"), &answer("1.0")), None);
        assert!(judge.answer(&answer("1e0"), &answer("1.0")).is_some());
        assert!(judge.answer(&answer("2"), &answer("1.0")).is_some());
        // The data has no such term: the suite means the value.
        assert_eq!(judge.answer(&answer("1.0"), &answer("1.00")), None);
        assert!(judge.answer(&answer("2"), &answer("1.00")).is_some());
    }

    #[test]
    fn computed_numbers_are_compared_by_value() {
        let judge = judge("SELECT (?y + 0 AS ?x) { ?s ?p ?y }");
        assert_eq!(judge.answer(&answer("1e0"), &answer("1.0")), None);
        assert!(judge.answer(&answer("1.5"), &answer("1.0")).is_some());
        assert!(judge.answer(&Answer::Boolean(true), &answer("1.0")).is_some());
    }
}
