//! Tables on a terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use oxrdf::vocab::xsd;
use oxrdf::{Literal, NamedNode, Term, Variable};
use serde_json::Value;

/// A table with these headings. It is as wide as it has to be.
pub(crate) fn plain_table<T: AsRef<str>>(headings: &[T]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(AsRef::as_ref));
    table
}

/// The first rows of an answer, and the number of all.
pub(crate) struct AnswerTable {
    table: Table,
    prefixes: Vec<(String, String)>,
    limit: usize,
    shown: usize,
    total: usize,
}

impl AnswerTable {
    /// IRIs in the namespaces of `prefixes` are shortened.
    pub(crate) fn new(variables: &[Variable], prefixes: &[(String, String)], limit: usize) -> Self {
        let headings: Vec<&str> = variables.iter().map(Variable::as_str).collect();
        Self { table: plain_table(&headings), prefixes: prefixes.to_vec(), limit, shown: 0, total: 0 }
    }

    pub(crate) fn add(&mut self, row: &[Option<Term>]) {
        self.total += 1;
        if self.shown < self.limit {
            self.shown += 1;
            let cells = row.iter().map(|cell| cell.as_ref().map_or_else(String::new, |term| self.text(term)));
            let cells: Vec<String> = cells.collect();
            self.table.add_row(cells);
        }
    }

    pub(crate) fn shown(&self) -> usize {
        self.shown
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn into_text(self) -> String {
        self.table.to_string()
    }

    /// A term as people write it: plain datatypes that speak for themselves without their name.
    fn text(&self, term: &Term) -> String {
        let text = match term {
            Term::NamedNode(node) => self.iri(node),
            Term::Literal(literal) => self.literal(literal),
            other => other.to_string(),
        };
        // A control character could do anything to a terminal.
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    fn iri(&self, node: &NamedNode) -> String {
        for (prefix, namespace) in &self.prefixes {
            if let Some(local) = node.as_str().strip_prefix(namespace.as_str())
                && !local.is_empty()
                && local.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
            {
                return format!("{prefix}:{local}");
            }
        }
        format!("<{}>", node.as_str())
    }

    fn literal(&self, literal: &Literal) -> String {
        let plain = [
            xsd::STRING,
            xsd::INTEGER,
            xsd::DECIMAL,
            xsd::DOUBLE,
            xsd::BOOLEAN,
            xsd::DATE,
            xsd::DATE_TIME,
            xsd::INT,
            xsd::LONG,
            xsd::FLOAT,
        ];
        match literal.language() {
            Some(language) => format!("{}@{language}", literal.value()),
            None if plain.contains(&literal.datatype()) => literal.value().to_owned(),
            None => format!("{}^^{}", literal.value(), self.iri(&literal.datatype().into_owned())),
        }
    }
}

/// The report of an answer: a line a source, and the times.
pub(crate) fn report_table(report: &Value) -> String {
    let mut table = plain_table(&["source", "scans", "requests", "rows", "bytes"]);
    let sources = report.get("sources").and_then(Value::as_array);
    for source in sources.into_iter().flatten() {
        let name = source.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let count = |key: &str| source.get(key).and_then(Value::as_u64).map_or_else(|| "?".into(), |n| n.to_string());
        table.add_row([name, count("scans"), count("requests"), count("rows"), count("bytes")]);
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let millis = |key: &str| report.get(key).and_then(Value::as_f64).unwrap_or_default();
    let hidden = not_told(report);
    format!("{table}\n{hidden}{:.0} ms, of which planning {:.0} ms", millis("elapsed"), millis("planning"))
}

/// What SERVICE SILENT or the policy of a source kept from being an error, one a line.
fn not_told(report: &Value) -> String {
    let sources = report.get("sources").and_then(Value::as_array);
    let mut lines = String::new();
    for source in sources.into_iter().flatten() {
        let count = source.get("hiddenFailures").and_then(Value::as_u64).unwrap_or_default();
        if count > 0 {
            let name = source.get("name").and_then(Value::as_str).unwrap_or_default();
            lines.push_str(&format!("{count} failures of service {name} were hidden by SILENT\n"));
        }
        let count = source.get("invalidValues").and_then(Value::as_u64).unwrap_or_default();
        if count > 0 {
            let name = source.get("name").and_then(Value::as_str).unwrap_or_default();
            lines.push_str(&format!("{count} values of source {name} are no terms and were left out\n"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn terms_are_short_where_nothing_is_lost() {
        let prefixes = [("ex".to_owned(), "https://e/".to_owned())];
        let mut table = AnswerTable::new(&[Variable::new("a").unwrap()], &prefixes, 6);
        let node = |iri: &str| Some(Term::from(NamedNode::new(iri).unwrap()));
        table.add(&[node("https://e/part-7")]);
        table.add(&[node("https://e/part/7")]);
        table.add(&[Some(Literal::new_language_tagged_literal("Teil", "de").unwrap().into())]);
        table.add(&[Some(Literal::from(7).into())]);
        table.add(&[Some(Literal::new_typed_literal("x\u{1b}[31m", NamedNode::new("https://e/t").unwrap()).into())]);
        table.add(&[None]);
        table.add(&[Some(Literal::from("not shown").into())]);
        assert_eq!((table.shown(), table.total()), (6, 7));
        let text = table.into_text();
        for expected in [" ex:part-7 ", " <https://e/part/7> ", " Teil@de ", " 7 ", " x [31m^^ex:t "] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        assert!(!text.contains("not shown") && !text.contains('\u{1b}'));
    }

    #[test]
    fn a_report_has_a_line_for_each_source() {
        let report =
            json!({"sources": [{"name": "erp", "scans": 1, "requests": 2, "rows": 3, "bytes": 4}], "elapsed": 12.3});
        let text = report_table(&report);
        assert!(text.contains(" erp ") && text.ends_with("12 ms, of which planning 0 ms"), "{text}");
    }
}
