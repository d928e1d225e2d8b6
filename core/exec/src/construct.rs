//! CONSTRUCT: a template filled in for each row (SPARQL section 16.2).

use crate::answer::AnswerStream;
use crate::columns::{Layout, rows};
use crate::engine::GraphAnswer;
use crate::report::ReportHandle;
use futures::stream;
use futures::{StreamExt as _, TryStreamExt as _};
use oxrdf::{BlankNode, NamedNode, NamedOrBlankNode, Term, Triple, Variable};
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};

type Row = [Option<Term>];

/// The triples of the template for the rows of an answer.
pub(crate) fn graph(
    template: &[TriplePattern],
    layout: Layout,
    answer: AnswerStream,
    report: ReportHandle,
) -> GraphAnswer {
    let template = Template::new(template, layout.variables());
    let triples = answer.read(move |batch| {
        let rows = rows(batch, &layout)?;
        let bytes = rows.iter().flatten().flatten().map(text_bytes).sum();
        let filled: Vec<Triple> = rows.iter().flat_map(|row| template.fill(row)).collect();
        Ok((filled, bytes))
    });
    let triples = triples.map_ok(|filled| stream::iter(filled.into_iter().map(Ok))).try_flatten();
    GraphAnswer { triples: triples.boxed(), report }
}

pub(crate) fn text_bytes(term: &Term) -> u64 {
    let length = match term {
        Term::NamedNode(node) => node.as_str().len(),
        Term::BlankNode(node) => node.as_str().len(),
        Term::Literal(literal) => literal.value().len() + literal.datatype().as_str().len(),
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        _ => 0,
    };
    length as u64
}

/// A template whose variables and blank nodes are numbers.
struct Template {
    /// A slot for each subject, predicate and object. Those that never make a triple are left out.
    triples: Vec<[Slot; 3]>,
    blank_nodes: usize,
}

enum Slot {
    Term(Term),
    /// A cell of the row.
    Cell(usize),
    /// A blank node that each row has for itself.
    BlankNode(usize),
}

impl Template {
    fn new(template: &[TriplePattern], variables: &[Variable]) -> Self {
        let mut labels = Vec::new();
        let cell = |variable: &Variable| variables.iter().position(|known| known == variable).map(Slot::Cell);
        let mut slot = |pattern: &TermPattern| match pattern {
            TermPattern::NamedNode(node) => Some(Slot::Term(node.clone().into())),
            TermPattern::Literal(literal) => Some(Slot::Term(literal.clone().into())),
            TermPattern::BlankNode(node) => Some(Slot::BlankNode(number(&mut labels, node))),
            TermPattern::Variable(variable) => cell(variable),
            #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
            _ => None,
        };
        let mut triple = |pattern: &TriplePattern| {
            let predicate = match &pattern.predicate {
                NamedNodePattern::NamedNode(node) => Slot::Term(node.clone().into()),
                NamedNodePattern::Variable(variable) => cell(variable)?,
            };
            Some([slot(&pattern.subject)?, predicate, slot(&pattern.object)?])
        };
        let triples = template.iter().filter_map(&mut triple).collect();
        Self { triples, blank_nodes: labels.len() }
    }

    /// The triples of one row; one with an unbound variable, or that is no triple of RDF, is left out.
    fn fill<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = Triple> + 'a {
        let blank_nodes: Vec<BlankNode> = (0..self.blank_nodes).map(|_| BlankNode::default()).collect();
        self.triples.iter().filter_map(move |[subject, predicate, object]| {
            let term = |slot: &Slot| match slot {
                Slot::Term(term) => Some(term.clone()),
                Slot::Cell(place) => row.get(*place)?.clone(),
                Slot::BlankNode(number) => blank_nodes.get(*number).cloned().map(Term::from),
            };
            let subject: NamedOrBlankNode = match term(subject)? {
                Term::NamedNode(node) => node.into(),
                Term::BlankNode(node) => node.into(),
                _ => return None,
            };
            let predicate: NamedNode = match term(predicate)? {
                Term::NamedNode(node) => node,
                _ => return None,
            };
            Some(Triple::new(subject, predicate, term(object)?))
        })
    }
}

fn number(labels: &mut Vec<BlankNode>, label: &BlankNode) -> usize {
    labels.iter().position(|known| known == label).unwrap_or_else(|| {
        labels.push(label.clone());
        labels.len() - 1
    })
}
