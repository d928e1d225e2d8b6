//! Whether an answer is the expected one.

use super::ask::Table;
use crate::answers::{Answer, Cell};
use anyhow::{Result, bail, ensure};
use oxrdf::Term;
use oxrdf::vocab::xsd;

/// Numbers may be written in several ways and sums rounded: relative difference that still is the same number.
const TOLERANCE: f64 = 1e-9;

/// Same variables, same rows in the same order (every question of the demonstration orders its answer).
pub(super) fn compare(expected: &Answer, got: &Table) -> Result<()> {
    ensure!(
        expected.variables == got.variables,
        "expected the variables {}, got {}",
        expected.variables.join(", "),
        got.variables.join(", ")
    );
    for (index, (expected, got)) in expected.rows.iter().zip(&got.rows).enumerate() {
        if !expected.iter().zip(got).all(|(expected, got)| same(expected, got.as_ref())) {
            let got: Vec<Cell> = got.iter().map(|term| term.as_ref().map(text)).collect();
            bail!("row {}: expected {}, got {}", index + 1, row(expected), row(&got));
        }
    }
    ensure!(expected.rows.len() == got.rows.len(), "expected {} rows, got {}", expected.rows.len(), got.rows.len());
    Ok(())
}

fn row(cells: &[Cell]) -> String {
    let cells: Vec<&str> = cells.iter().map(|cell| cell.as_deref().unwrap_or("(unbound)")).collect();
    cells.join(" | ")
}

/// The IRI, or the lexical form of the literal.
pub(super) fn text(term: &Term) -> String {
    match term {
        Term::NamedNode(node) => node.as_str().to_owned(),
        Term::Literal(literal) => literal.value().to_owned(),
        other => other.to_string(),
    }
}

fn same(expected: &Cell, got: Option<&Term>) -> bool {
    match (expected, got) {
        (None, None) => true,
        (Some(expected), Some(Term::Literal(literal))) if is_number(literal.datatype()) => {
            let parsed = expected.parse::<f64>().ok().zip(literal.value().parse::<f64>().ok());
            parsed.is_some_and(|(a, b)| (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()))
        }
        (Some(expected), Some(term)) => *expected == text(term),
        _ => false,
    }
}

fn is_number(datatype: oxrdf::NamedNodeRef<'_>) -> bool {
    [xsd::INTEGER, xsd::DECIMAL, xsd::DOUBLE, xsd::FLOAT, xsd::INT, xsd::LONG].contains(&datatype)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use oxrdf::{Literal, NamedNode};

    fn expected() -> Answer {
        let rows =
            vec![vec![Some("a".to_owned()), Some("2.50".to_owned())], vec![Some("https://e/b".to_owned()), None]];
        Answer { variables: vec!["x".to_owned(), "y".to_owned()], rows }
    }

    fn got() -> Table {
        let rows = vec![
            vec![
                Some(Literal::new_simple_literal("a").into()),
                Some(Literal::new_typed_literal("2.5E0", xsd::DOUBLE).into()),
            ],
            vec![Some(NamedNode::new_unchecked("https://e/b").into()), None],
        ];
        Table { variables: vec!["x".to_owned(), "y".to_owned()], rows }
    }

    #[test]
    fn the_expected_answer_passes() {
        compare(&expected(), &got()).unwrap();
    }

    #[test]
    fn anything_else_is_named() {
        let failure = |table: Table| compare(&expected(), &table).unwrap_err().to_string();
        let mut fewer = got();
        fewer.rows.pop();
        assert_eq!(failure(fewer), "expected 2 rows, got 1");
        let mut other = got();
        other.rows[0][1] = Some(Literal::new_typed_literal("2.51", xsd::DECIMAL).into());
        assert_eq!(failure(other), "row 1: expected a | 2.50, got a | 2.51");
        let mut bound = got();
        bound.rows[1][1] = Some(Literal::new_simple_literal("z").into());
        assert_eq!(failure(bound), "row 2: expected https://e/b | (unbound), got https://e/b | z");
        let mut swapped = got();
        swapped.rows.swap(0, 1);
        assert!(failure(swapped).starts_with("row 1:"));
        let mut renamed = got();
        renamed.variables[1] = "z".to_owned();
        assert_eq!(failure(renamed), "expected the variables x, y, got x, z");
    }
}
