//! How the work of unfolding grows with the sources.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../../tests/src/shop.rs"]
#[allow(unreachable_pub, dead_code, reason = "other tests use it as a module of their crate")]
mod shop;

use super::*;
use spargebra::algebra::GraphPattern;
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use spargebra::{Query, SparqlParser};

fn patterns(text: &str) -> Vec<QuadPattern> {
    let query = SparqlParser::new().parse_query(&format!("{}{text}", shop::PREFIX)).unwrap();
    let Query::Select { pattern: GraphPattern::Project { inner, .. }, .. } = query else { panic!("{query}") };
    let GraphPattern::Bgp { patterns } = *inner else { panic!("{inner}") };
    let quad = |triple: TriplePattern| QuadPattern {
        subject: term(triple.subject),
        predicate: match triple.predicate {
            NamedNodePattern::NamedNode(node) => PatternTerm::Constant(node.into()),
            NamedNodePattern::Variable(variable) => PatternTerm::Variable(variable),
        },
        object: term(triple.object),
        graph: None,
    };
    patterns.into_iter().map(quad).collect()
}

fn term(term: TermPattern) -> PatternTerm {
    match term {
        TermPattern::NamedNode(node) => PatternTerm::Constant(node.into()),
        TermPattern::Literal(literal) => PatternTerm::Constant(literal.into()),
        TermPattern::Variable(variable) => PatternTerm::Variable(variable),
        other => panic!("{other}"),
    }
}

/// The branches of each set, and the triple maps tried for all of them.
fn unfold(catalogue: &Catalogue, text: &str) -> (Vec<usize>, usize) {
    let limits = PlanLimits::default();
    let mut unfolder = Unfolder::new(catalogue, None, &limits);
    let sets = unfolder.unfold(patterns(text)).unwrap();
    assert!(unfolder.pruned.len() <= MAX_PRUNED);
    (sets.iter().map(|set| set.branches.len()).collect(), unfolder.tried)
}

const STAR: &str = "SELECT * { ?p s:label ?label ; s:producer ?maker ; s:weight ?weight ; s:added ?added }";
const CHAIN: &str = "SELECT * { ?o s:price ?price ; s:product ?p . ?p s:label ?label . ?r s:about ?p ; s:rating 5 }";
const ENTITY: &str = "SELECT * { ?o s:product <http://shop7.example/product/1> ; s:price ?price ; s:days ?days }";
const SHARED: &str = "SELECT * { ?what s:title ?title . ?p s:means ?what ; s:label ?label ; s:producer ?maker }";

#[test]
fn what_is_tried_grows_with_what_is_found() {
    for shops in [10, 100] {
        let catalogue = Catalogue::new(shop::shops(shops), Vec::new());
        for (query, sets, tried) in [
            (STAR, vec![shops], 4 * shops),
            (CHAIN, vec![shops], 5 * shops),
            (ENTITY, vec![1], 3),
            (SHARED, vec![shops, shops], 4 * shops),
        ] {
            // What has its subjects in common with all shops is a union of its own, even where it comes between.
            assert_eq!(unfold(&catalogue, query), (sets, tried), "{shops} shops: {query}");
        }
    }
}

#[test]
fn sources_that_have_nothing_to_do_with_it_are_not_tried() {
    let mut graphs = shop::plants(200, 5);
    graphs.extend(shop::shops(20));
    let catalogue = Catalogue::new(graphs, Vec::new());
    assert_eq!(unfold(&catalogue, STAR), (vec![20], 80), "the label of a machine is no label of a product");
    assert_eq!(unfold(&catalogue, CHAIN), (vec![20], 100));
    let one = "SELECT * { <http://plant100.example/machine3/1> s:label ?label ; s:value3 ?value }";
    assert_eq!(unfold(&catalogue, one), (vec![1], 2));
}

#[test]
fn maps_that_say_the_same_are_one() {
    let mut graph = shop::shops(1).remove(0);
    let again: Vec<_> = graph
        .triples
        .iter()
        .map(|triple| weft_mapping::TripleMap {
            graph: GraphMap::Constant(NamedNode::new_unchecked("urn:other")),
            ..triple.clone()
        })
        .collect();
    graph.triples.extend(again);
    let catalogue = Catalogue::new(vec![graph], Vec::new());
    assert_eq!(unfold(&catalogue, "SELECT * { ?p s:label ?label }").0, [1]);
    let limits = PlanLimits::default();
    let named = |pattern: QuadPattern| QuadPattern {
        graph: Some(PatternTerm::Variable(Variable::new_unchecked("g"))),
        ..pattern
    };
    let mut in_graphs = patterns("SELECT * { ?p s:label ?label }");
    in_graphs = in_graphs.into_iter().map(named).collect();
    let sets = Unfolder::new(&catalogue, None, &limits).unfold(in_graphs).unwrap();
    assert_eq!(sets[0].branches.len(), 2, "in which graph they are is another matter");
}

#[test]
fn several_threads_make_the_plan_that_one_makes() {
    let catalogue = Catalogue::new(shop::shops(300), Vec::new());
    for query in [STAR, CHAIN, SHARED] {
        let text = format!("{}{query}", shop::PREFIX);
        let plan = |threads| {
            let limits = PlanLimits { threads, ..PlanLimits::default() };
            format!("{:#?}", crate::plan(&text, None, None, &catalogue, &limits).unwrap().root)
        };
        assert!(plan(1) == plan(3), "{query}");
    }
}
