//! What an ontology makes of a mapping, triple map by triple map.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "tables/description.rs"]
mod description;

use description::description;
use oxrdf::{NamedNode, Triple};
use oxttl::TurtleParser;
use std::sync::Arc;
use weft_mapping::{MappedTerm, Mapping, Ontology, Required, SaturationError, TripleMap, VirtualGraph};
use weft_model::term::TermType;

const TABLES: &str = "machine code:text! maker:text
  key code
run id:int64! machine:text! program:text note:text
  key id
  foreign machine -> machine(code)
log line:text machine:text
fact s:text! p:text! o:text!
";

const PREFIXES: &str = "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix weft: <https://weft.dev/ns#> .
@prefix ex: <http://e/> .
";

const MACHINE: &str = r#"<#Machine> rr:logicalTable [ rr:tableName "machine" ] ;
  rr:subjectMap [ rr:template "http://e/machine/{code}" ; rr:class ex:Machine ] ;
  rr:predicateObjectMap [ rr:predicate ex:maker ; rr:objectMap [ rr:column "maker" ] ] .
"#;

const RUN: &str = r#"<#Run> rr:logicalTable [ rr:tableName "run" ] ;
  rr:subjectMap [ rr:template "http://e/run/{id}" ] ;
  rr:predicateObjectMap [ rr:predicate ex:on ; rr:objectMap [ rr:template "http://e/machine/{machine}" ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:ran ; rr:objectMap [ rr:template "http://e/program/{program}" ] ] .
"#;

const LOG: &str = r#"<#Log> rr:logicalTable [ rr:tableName "log" ] ;
  rr:subjectMap [ rr:template "http://e/line/{line}" ] ;
  rr:predicateObjectMap [ rr:predicate ex:about ; rr:objectMap [
    rr:parentTriplesMap <#Machine> ; rr:joinCondition [ rr:child "machine" ; rr:parent "maker" ] ] ] .
"#;

const FACT: &str = r#"<#Fact> rr:logicalTable [ rr:tableName "fact" ] ;
  rr:subjectMap [ rr:column "s" ; rr:termType weft:EncodedTerm ] ;
  rr:predicateObjectMap [ rr:predicateMap [ rr:column "p" ; rr:termType weft:EncodedTerm ] ;
    rr:objectMap [ rr:column "o" ; rr:termType weft:EncodedTerm ] ] .
"#;

fn ontology(axioms: &str) -> Ontology {
    let text = format!("{PREFIXES}{axioms}");
    let triples: Vec<Triple> = TurtleParser::new().for_slice(&text).collect::<Result<_, _>>().unwrap();
    Ontology::read(&triples)
}

fn graph(maps: &[&str]) -> VirtualGraph {
    let text = format!("{PREFIXES}{}", maps.concat());
    let mapping = Mapping::parse("m.ttl", &text, "http://e/").unwrap();
    let name = NamedNode::new_unchecked("urn:s");
    VirtualGraph::new("s", name, &mapping, Arc::new(description(TABLES)), "http://e/").unwrap()
}

/// What is new, in words.
fn saturated(maps: &[&str], axioms: &str) -> Vec<String> {
    let graph = graph(maps);
    let before = graph.triples.len();
    let all = ontology(axioms).saturate(graph.clone(), 1_000).unwrap();
    assert_eq!(all.triples[..before], graph.triples, "what the mapping says stays, and first");
    all.triples[before..].iter().map(words).collect()
}

fn words(map: &TripleMap) -> String {
    let join = map.join.as_ref().map_or_else(String::new, |join| format!(" with {}", join.table));
    let mut text =
        format!("{}{join}: {} {} {}", map.table, term(&map.subject), term(&map.predicate), term(&map.object));
    for requirement in &map.requires {
        let side = if requirement.joined { " there" } else { "" };
        let is = match &requirement.is {
            Required::Bound => "is there".to_owned(),
            Required::Iri(node) => format!("is {}", short(node)),
            Required::OtherThan(node) => format!("is not {}", short(node)),
            Required::Resource => "is no literal".to_owned(),
        };
        text.push_str(&format!(", {}{side} {is}", term(&requirement.term)));
    }
    text
}

fn term(term: &MappedTerm) -> String {
    match &term.term_type {
        TermType::Constant(oxrdf::Term::NamedNode(node)) => short(node),
        _ => format!("({})", term.columns.join(" ")),
    }
}

fn short(node: &NamedNode) -> String {
    let iri = node.as_str();
    if iri == "http://www.w3.org/1999/02/22-rdf-syntax-ns#type" { "a".into() } else { iri.replace("http://e/", "") }
}

#[test]
fn classes_and_properties_have_what_is_above_them_once_whatever_the_order() {
    let forwards =
        "ex:Machine rdfs:subClassOf ex:Asset . ex:Asset rdfs:subClassOf ex:Thing . ex:Thing rdfs:subClassOf ex:Asset .
        ex:maker rdfs:subPropertyOf ex:says . ex:says owl:equivalentProperty ex:tells .";
    let expected = [
        "machine: (code) a Asset",
        "machine: (code) a Thing",
        "machine: (code) says (maker)",
        "machine: (code) tells (maker)",
    ];
    let mut found = saturated(&[MACHINE], forwards);
    found.sort();
    assert_eq!(found, expected);
    let axioms: Vec<&str> = forwards.split(" .").map(str::trim).filter(|axiom| !axiom.is_empty()).collect();
    let backwards: String = axioms.iter().rev().map(|axiom| format!("{axiom} .\n")).collect();
    let mut found = saturated(&[MACHINE], &backwards);
    found.sort();
    assert_eq!(found, expected);
}

/// A class that all rows of a table have is one scan of the table, whatever else it follows from.
#[test]
fn what_a_mapping_says_already_is_not_said_again() {
    for axioms in [
        "ex:maker rdfs:domain ex:Machine .",
        "ex:on rdfs:range ex:Machine .",
        "ex:about rdfs:range ex:Machine .",
        "[ owl:onProperty [ owl:inverseOf ex:on ] ; owl:someValuesFrom owl:Thing ] rdfs:subClassOf ex:Machine .",
        "ex:Machine rdfs:subClassOf ex:Machine . ex:maker rdfs:subPropertyOf ex:maker .",
        "ex:maker rdfs:range ex:Machine .",
    ] {
        assert_eq!(saturated(&[MACHINE, RUN, LOG], axioms), Vec::<String>::new(), "{axioms}");
    }
    // Nor what a later rule says better.
    let axioms = "ex:on rdfs:range ex:Asset . ex:Machine rdfs:subClassOf ex:Asset .";
    assert_eq!(saturated(&[RUN, MACHINE], axioms), ["machine: (code) a Asset"]);
    let without_machines = saturated(&[RUN], "ex:on rdfs:range ex:Machine .");
    assert_eq!(without_machines, ["run: (machine) a Machine"], "then the rows that refer to them are all there is");
}

#[test]
fn what_follows_from_a_value_needs_the_value() {
    let domain = "ex:ran rdfs:domain ex:Run . ex:ran rdfs:range ex:Program .";
    assert_eq!(saturated(&[RUN], domain), ["run: (id) a Run, (program) is there", "run: (program) a Program"]);
    assert_eq!(saturated(&[RUN], "ex:on rdfs:domain ex:Run ."), ["run: (id) a Run"]);
    let both = "ex:ran rdfs:domain ex:Run . ex:on rdfs:domain ex:Run .";
    assert_eq!(saturated(&[RUN], both), ["run: (id) a Run"], "one says all that the other says");
    let of_joined = "ex:about rdfs:domain ex:Line .";
    assert_eq!(saturated(&[LOG, MACHINE], of_joined), ["log with machine: (line) a Line"]);
}

#[test]
fn properties_are_turned_around_unless_their_objects_are_literals() {
    let inverse = "ex:did owl:inverseOf ex:on . ex:maker owl:inverseOf ex:made . ex:about a owl:SymmetricProperty .
        ex:ran rdfs:subPropertyOf [ owl:inverseOf ex:ranBy ] .";
    let mut found = saturated(&[RUN, MACHINE, LOG], inverse);
    found.sort();
    assert_eq!(
        found,
        ["machine with log: (code) about (line)", "run: (machine) did (id)", "run: (program) ranBy (id)"]
    );
}

#[test]
fn a_column_of_predicates_or_classes_is_held_to_what_a_rule_is_about() {
    let axioms = "ex:p rdfs:subPropertyOf [ owl:inverseOf ex:q ] . ex:A rdfs:subClassOf ex:B .";
    assert_eq!(
        saturated(&[FACT], axioms),
        ["fact: (o) q (s), (p) is p, (o) is no literal", "fact: (s) a B, (p) is a, (o) is A",]
    );
    assert_eq!(
        saturated(&[FACT], "ex:p rdfs:domain ex:A . ex:A rdfs:subClassOf ex:B ."),
        [
            // A text that is no term is no object.
            "fact: (s) a A, (p) is p, (o) is there",
            "fact: (s) a B, (p) is a, (o) is A",
            "fact: (s) a B, (p) is p, (o) is there"
        ]
    );
}

#[test]
fn what_exists_tells_of_what_has_it() {
    let axioms =
        "ex:Machine rdfs:subClassOf [ a owl:Restriction ; owl:onProperty ex:owner ; owl:someValuesFrom ex:Person ] .
        ex:owner rdfs:subPropertyOf [ owl:inverseOf ex:owns ] . ex:owns rdfs:range ex:Owned .";
    assert_eq!(saturated(&[MACHINE], axioms), ["machine: (code) a Owned"]);
    let notes = ontology(axioms).notes().join("\n");
    assert!(notes.starts_with("<http://e/Machine>: an existential is not followed: "), "{notes}");
}

#[test]
fn what_is_not_followed_is_told() {
    let axioms = "ex:p a owl:TransitiveProperty , owl:FunctionalProperty , owl:ObjectProperty ; rdfs:range xsd:string .
        ex:a owl:sameAs ex:b . ex:q owl:propertyChainAxiom ( ex:p ex:p ) . ex:A owl:disjointWith ex:B ;
        owl:hasKey ( ex:p ) ; rdfs:subClassOf [ owl:unionOf ( ex:B ex:C ) ] , [ owl:onProperty ex:p ; owl:allValuesFrom ex:A ] .
        [ owl:onProperty ex:q ; owl:someValuesFrom ex:C ] rdfs:subClassOf ex:A .
        ex:o a owl:Ontology ; owl:imports ex:o , ex:elsewhere .";
    let ontology = ontology(axioms);
    assert!(ontology.is_empty());
    let told = |what: &str| ontology.notes().iter().filter(|note| note.contains(what)).count();
    for what in [
        "TransitiveProperty",
        "FunctionalProperty",
        "owl:sameAs",
        "propertyChainAxiom",
        "disjointWith",
        "hasKey",
        "a union",
        "a class expression is",
        "a class expression as a condition",
        "owl:imports <http://e/elsewhere>",
    ] {
        assert_eq!(told(what), 1, "{what} in {:#?}", ontology.notes());
    }
    assert_eq!(ontology.notes().len(), 10, "{:#?}", ontology.notes());
}

#[test]
fn there_is_an_end_to_what_follows() {
    let chain: String = (0..500).map(|n| format!("ex:C{n} rdfs:subClassOf ex:C{} .\n", n + 1)).collect();
    let error = ontology(&format!("ex:Machine rdfs:subClassOf ex:C0 . {chain}")).saturate(graph(&[MACHINE]), 100);
    assert_eq!(error.unwrap_err(), SaturationError::TooMany { name: "s".into(), limit: 100 });
    let hostile = "_:l owl:intersectionOf _:l . ex:A rdfs:subClassOf _:l . _:m rdf:first ex:B ; rdf:rest _:m .
        ex:A rdfs:subClassOf [ owl:intersectionOf _:m ] . _:u owl:unionOf ( _:u ) . _:u rdfs:subClassOf ex:A .
        [ owl:inverseOf _:p ] rdfs:subPropertyOf 5 . ex:p owl:inverseOf 5 . ex:A rdfs:subClassOf 5 . 5 a ex:A .";
    let hostile = hostile.replace("5 a ex:A .", "");
    assert!(!ontology(&hostile).notes().is_empty());
}

#[test]
fn statements_have_the_same_consequences() {
    let rules = ontology(
        "ex:same a owl:SymmetricProperty . ex:serial rdfs:subPropertyOf ex:same . ex:same rdfs:range ex:Item . ex:name rdfs:range ex:No .",
    );
    let triple = |s: &str, p: &str, o: oxrdf::Term| {
        Triple::new(NamedNode::new_unchecked(s), NamedNode::new_unchecked(format!("http://e/{p}")), o)
    };
    let b = NamedNode::new_unchecked("urn:b");
    let mut found: Vec<String> =
        rules.entailed(&triple("urn:a", "serial", b.into())).iter().map(Triple::to_string).collect();
    found.sort();
    let is_item = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://e/Item>";
    assert_eq!(
        found,
        [
            "<urn:a> <http://e/same> <urn:b>".to_owned(),
            format!("<urn:a> {is_item}"),
            "<urn:b> <http://e/same> <urn:a>".to_owned(),
            format!("<urn:b> {is_item}"),
        ]
    );
    let literal = oxrdf::Literal::new_simple_literal("x");
    assert!(rules.entailed(&triple("urn:a", "name", literal.into())).is_empty());
    assert!(rules.entailed(&triple("urn:a", "other", oxrdf::Literal::from(1).into())).is_empty());
}
