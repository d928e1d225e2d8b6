//! Everything an engine has, asked for in several ways.

use super::GRAPH;
use futures::{StreamExt as _, TryStreamExt as _};
use oxrdf::dataset::CanonicalizationAlgorithm;
use oxrdf::{Dataset, GraphName, NamedNode, NamedOrBlankNode, Quad, Term, Triple};
use std::collections::BTreeSet;
use std::fmt;
use weft_exec::{Answer, Engine, QueryError, QueryRequest};

pub(crate) struct Quads {
    /// By `GRAPH ?g`; those of the graph of the source are in none.
    named: Vec<Quad>,
    /// The default graph of queries.
    default: Vec<Triple>,
    /// The triples of each named graph, by its IRI and by FROM.
    graphs: Vec<(NamedNode, Vec<Triple>, Vec<Triple>)>,
}

impl Quads {
    pub(crate) async fn all(engine: &Engine) -> Result<Self, QueryError> {
        let rows = ask(engine, "SELECT ?s ?p ?o ?g { GRAPH ?g { ?s ?p ?o } }").await?;
        let named: Vec<Quad> = rows.into_iter().map(quad).collect();
        let names: BTreeSet<String> = named.iter().map(|quad| quad.graph_name.to_string()).collect();
        let mut graphs = Vec::new();
        for name in names.iter().filter(|name| name.starts_with('<')) {
            let by_name = format!("CONSTRUCT {{ ?s ?p ?o }} {{ GRAPH {name} {{ ?s ?p ?o }} }}");
            let from = format!("CONSTRUCT {{ ?s ?p ?o }} FROM {name} {{ ?s ?p ?o }}");
            let node = NamedNode::new_unchecked(name.trim_matches(['<', '>']));
            graphs.push((node, construct(engine, &by_name).await?, construct(engine, &from).await?));
        }
        let default = construct(engine, "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }").await?;
        Ok(Self { named, default, graphs })
    }

    /// Whether these are the expected quads, up to the names of blank nodes. A source is a graph of its own: what its
    /// mapping puts into no graph is there, and the default graph of queries is the union of all.
    pub(crate) fn check(&self, expected: &[Quad]) -> Result<(), String> {
        let of = |triples: &[Triple], graph: &GraphName| -> Vec<Quad> {
            triples.iter().map(|triple| triple.clone().in_graph(graph.clone())).collect()
        };
        same("GRAPH ?g", &self.named, expected)?;
        let all: Vec<Quad> = expected.iter().map(|quad| with_graph(quad, GraphName::DefaultGraph)).collect();
        same("the default graph", &of(&self.default, &GraphName::DefaultGraph), &all)?;
        for (name, by_name, from) in &self.graphs {
            let own = expected.iter().filter(|quad| quad.graph_name == GraphName::NamedNode(name.clone()));
            let own: Vec<Quad> = own.cloned().collect();
            same(&format!("GRAPH {name}"), &of(by_name, &name.clone().into()), &own)?;
            same(&format!("FROM {name}"), &of(from, &name.clone().into()), &own)?;
        }
        Ok(())
    }
}

fn with_graph(quad: &Quad, graph_name: GraphName) -> Quad {
    Quad { graph_name, ..quad.clone() }
}

fn same(what: &str, found: &[Quad], expected: &[Quad]) -> Result<(), String> {
    let canonical = |quads: &[Quad]| {
        let mut dataset: Dataset = quads.iter().cloned().collect();
        dataset.canonicalize(CanonicalizationAlgorithm::Unstable);
        dataset
    };
    let repeated = quads_of(found).len() < found.len();
    match canonical(found) == canonical(expected) && !repeated {
        true => Ok(()),
        false => Err(format!("{what} gives\n{}instead of\n{}", shown(found), shown(expected))),
    }
}

fn quads_of(quads: &[Quad]) -> BTreeSet<String> {
    quads.iter().map(ToString::to_string).collect()
}

fn shown(quads: &[Quad]) -> String {
    quads_of(quads).iter().map(|quad| format!("  {quad} .\n")).collect()
}

impl fmt::Display for Quads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.named))
    }
}

fn quad(row: Vec<Option<Term>>) -> Quad {
    let [Some(subject), Some(Term::NamedNode(predicate)), Some(object), Some(Term::NamedNode(graph))] =
        <[_; 4]>::try_from(row).unwrap()
    else {
        panic!("no quad");
    };
    let subject: NamedOrBlankNode = match subject {
        Term::NamedNode(node) => node.into(),
        Term::BlankNode(node) => node.into(),
        other => panic!("{other} is a subject"),
    };
    let graph = if graph.as_str() == GRAPH { GraphName::DefaultGraph } else { graph.into() };
    Quad::new(subject, predicate, object, graph)
}

fn request(text: &str) -> QueryRequest {
    QueryRequest { text: text.to_owned(), ..QueryRequest::default() }
}

pub(crate) async fn ask(engine: &Engine, text: &str) -> Result<Vec<Vec<Option<Term>>>, QueryError> {
    let Answer::Solutions(mut solutions) = engine.query(request(text)).await? else { panic!("no rows") };
    let mut rows = Vec::new();
    while let Some(batch) = solutions.rows.next().await {
        rows.extend(batch?);
    }
    Ok(rows)
}

/// The triples, each once: one may come more often.
async fn construct(engine: &Engine, text: &str) -> Result<Vec<Triple>, QueryError> {
    let Answer::Graph(graph) = engine.query(request(text)).await? else { panic!("no graph") };
    let mut triples: Vec<Triple> = graph.triples.try_collect().await?;
    triples.sort_by_key(ToString::to_string);
    triples.dedup();
    Ok(triples)
}
