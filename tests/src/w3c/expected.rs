//! The answers the suites expect.

use super::compare::Row;
use super::files::Suites;
use anyhow::{Context, bail};
use oxrdf::vocab::rdf;
use oxrdf::{Graph, NamedNodeRef, NamedOrBlankNodeRef, Term, TermRef, Triple};
use sparesults::{QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput};

const RS: &str = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#";

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Boolean(bool),
    /// `ordered`: the result itself numbers its rows.
    Solutions {
        variables: Vec<String>,
        rows: Vec<Row>,
        ordered: bool,
    },
    Graph(Vec<Triple>),
}

/// Reads the file of a result.
pub(super) fn read(suites: &Suites, iri: &str) -> anyhow::Result<Answer> {
    let format = match iri.rsplit('.').next() {
        Some("srx") => QueryResultsFormat::Xml,
        Some("srj") => QueryResultsFormat::Json,
        Some("tsv") => QueryResultsFormat::Tsv,
        _ => {
            let triples = suites.triples(iri)?;
            let graph: Graph = triples.iter().collect();
            return Ok(result_set(&graph)?.unwrap_or(Answer::Graph(triples)));
        }
    };
    parse(suites.text(iri)?.as_bytes(), format).with_context(|| iri.to_owned())
}

/// Reads an answer in one of the standard formats.
pub(super) fn parse(text: &[u8], format: QueryResultsFormat) -> anyhow::Result<Answer> {
    match QueryResultsParser::from_format(format).for_slice(text)? {
        SliceQueryResultsParserOutput::Boolean(value) => Ok(Answer::Boolean(value)),
        SliceQueryResultsParserOutput::Solutions(solutions) => {
            let variables: Vec<_> = solutions.variables().to_vec();
            let mut rows = Vec::new();
            for solution in solutions {
                let solution = solution?;
                rows.push(variables.iter().map(|variable| solution.get(variable).cloned()).collect());
            }
            let variables = variables.iter().map(|variable| variable.as_str().to_owned()).collect();
            Ok(Answer::Solutions { variables, rows, ordered: false })
        }
    }
}

/// The answer that a graph describes in the words of the working group, if it describes one.
fn result_set(graph: &Graph) -> anyhow::Result<Option<Answer>> {
    let class = NamedNodeRef::new(&format!("{RS}ResultSet"))?.into_owned();
    let Some(set) = graph.subject_for_predicate_object(rdf::TYPE, class.as_ref()) else { return Ok(None) };
    if let Some(TermRef::Literal(value)) = object(graph, set, "boolean") {
        return Ok(Some(Answer::Boolean(matches!(value.value(), "true" | "1"))));
    }
    let mut variables: Vec<String> = objects(graph, set, "resultVariable").into_iter().map(lexical).collect();
    variables.sort();
    let mut rows: Vec<(Option<i64>, Row)> = Vec::new();
    for solution in objects(graph, set, "solution") {
        let solution = node(solution)?;
        let mut row: Row = vec![None; variables.len()];
        for binding in objects(graph, solution, "binding") {
            let binding = node(binding)?;
            let variable = object(graph, binding, "variable").map(lexical).context("a binding without variable")?;
            let position = variables.iter().position(|known| *known == variable).context("an unknown variable")?;
            row[position] = object(graph, binding, "value").map(TermRef::into_owned);
        }
        let index = object(graph, solution, "index").map(lexical).map(|text| text.parse()).transpose()?;
        rows.push((index, row));
    }
    let ordered = !rows.is_empty() && rows.iter().all(|(index, _)| index.is_some());
    rows.sort_by_key(|(index, _)| *index);
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Some(Answer::Solutions { variables, rows, ordered }))
}

fn objects<'a>(graph: &'a Graph, subject: NamedOrBlankNodeRef<'a>, name: &str) -> Vec<TermRef<'a>> {
    let predicate = format!("{RS}{name}");
    let triples = graph.triples_for_subject(subject);
    triples.filter(|triple| triple.predicate.as_str() == predicate).map(|triple| triple.object).collect()
}

fn object<'a>(graph: &'a Graph, subject: NamedOrBlankNodeRef<'a>, name: &str) -> Option<TermRef<'a>> {
    objects(graph, subject, name).into_iter().next()
}

fn lexical(term: TermRef<'_>) -> String {
    match term {
        TermRef::Literal(literal) => literal.value().to_owned(),
        other => other.to_string(),
    }
}

fn node(term: TermRef<'_>) -> anyhow::Result<NamedOrBlankNodeRef<'_>> {
    Ok(match term {
        TermRef::NamedNode(node) => node.into(),
        TermRef::BlankNode(node) => node.into(),
        other => bail!("{other} is no node of a result set"),
    })
}

/// A triple as a row.
pub(super) fn row_of(triple: &Triple) -> Row {
    vec![
        Some(Term::from(triple.subject.clone())),
        Some(Term::from(triple.predicate.clone())),
        Some(triple.object.clone()),
    ]
}
