//! CONSTRUCT: a template filled in for each row (SPARQL section 16.2).

use crate::engine::GraphAnswer;
use crate::error::QueryError;
use crate::report::ReportHandle;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use oxrdf::{BlankNode, NamedNode, NamedOrBlankNode, Term, Triple, Variable};
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use std::collections::HashMap;

type Row = Vec<Option<Term>>;

/// The triples of the template for the rows, whose terms are of `variables`.
pub(crate) fn graph(
    template: Vec<TriplePattern>,
    variables: Vec<Variable>,
    rows: BoxStream<'static, Result<Vec<Row>, QueryError>>,
    report: ReportHandle,
) -> GraphAnswer {
    let triples = rows.map_ok(move |rows| {
        let filled: Vec<Triple> = rows.iter().flat_map(|row| fill(&template, &variables, row)).collect();
        stream::iter(filled.into_iter().map(Ok))
    });
    GraphAnswer { triples: triples.try_flatten().boxed(), report }
}

/// The triples of one row; one with an unbound variable, or that is no triple of RDF, is left out.
fn fill(template: &[TriplePattern], variables: &[Variable], row: &Row) -> Vec<Triple> {
    let mut filling = Filling { variables, row, blank_nodes: HashMap::new() };
    template.iter().filter_map(|triple| filling.triple(triple)).collect()
}

struct Filling<'a> {
    variables: &'a [Variable],
    row: &'a Row,
    /// Each row has blank nodes of its own.
    blank_nodes: HashMap<BlankNode, BlankNode>,
}

impl Filling<'_> {
    fn triple(&mut self, pattern: &TriplePattern) -> Option<Triple> {
        let subject: NamedOrBlankNode = match self.term(&pattern.subject)? {
            Term::NamedNode(node) => node.into(),
            Term::BlankNode(node) => node.into(),
            _ => return None,
        };
        let predicate: NamedNode = match &pattern.predicate {
            NamedNodePattern::NamedNode(node) => node.clone(),
            NamedNodePattern::Variable(variable) => match self.value(variable)? {
                Term::NamedNode(node) => node,
                _ => return None,
            },
        };
        Some(Triple::new(subject, predicate, self.term(&pattern.object)?))
    }

    fn term(&mut self, pattern: &TermPattern) -> Option<Term> {
        match pattern {
            TermPattern::NamedNode(node) => Some(node.clone().into()),
            TermPattern::Literal(literal) => Some(literal.clone().into()),
            TermPattern::BlankNode(node) => Some(self.blank_nodes.entry(node.clone()).or_default().clone().into()),
            TermPattern::Variable(variable) => self.value(variable),
            #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
            _ => None,
        }
    }

    fn value(&self, variable: &Variable) -> Option<Term> {
        let position = self.variables.iter().position(|known| known == variable)?;
        self.row.get(position)?.clone()
    }
}
