#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use futures::stream;
use oxrdf::{BlankNode, Literal, NamedNode};
use oxrdfio::RdfParser;
use serde_json::json;
use sparesults::{QueryResultsParser, SliceQueryResultsParserOutput};
use std::collections::BTreeSet;
use std::sync::Arc;

fn node(name: &str) -> NamedNode {
    NamedNode::new(format!("https://e/{name}")).unwrap()
}

/// Texts that formats like to change.
fn texts() -> Vec<Term> {
    let mut terms: Vec<Term> = [
        "",
        " ",
        "  x \n",
        "a\r\nb",
        "\r",
        "\t",
        "\"'<>&]]>",
        "\\u0041\\",
        "é\u{10FFFF}\u{FFFD}",
        "?x",
        "a,b",
        "_:b",
        "{\"@id\": 1}",
        "\u{85}\u{2028}",
    ]
    .map(|text| Literal::from(text).into())
    .to_vec();
    terms.push(Literal::new_language_tagged_literal("x", "de-AT").unwrap().into());
    terms.push(Literal::new_typed_literal(" 01 ", node("type")).into());
    terms.push(Literal::from(7).into());
    terms.push(Literal::from(1.5e300).into());
    terms.push(Literal::from(true).into());
    terms.push(node("ü?q=%20&x").into());
    terms
}

fn graph(triples: Vec<Result<Triple, Problem>>) -> Graph {
    let prefixes = vec![("e".into(), "https://e/".into()), ("no iri".into(), "x".into())];
    Graph { triples: stream::iter(triples).boxed(), prefixes, report: Arc::new(|| json!(null)) }
}

fn solutions(rows: Vec<Row>) -> Solutions {
    let variables = vec![Variable::new_unchecked("a"), Variable::new_unchecked("b")];
    Solutions { variables, rows: stream::iter([Ok(rows)]).boxed(), report: Arc::new(|| json!(null)) }
}

async fn all(mut encoder: Encoder) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = encoder.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[tokio::test]
async fn every_graph_format_gives_back_every_term() {
    let mut triples = Vec::new();
    for (number, term) in texts().into_iter().enumerate() {
        triples.push(Triple::new(node(&format!("s{}", number / 3)), node("p/name"), term.clone()));
        triples.push(Triple::new(BlankNode::new("b1").unwrap(), rdf_type(), node("Class")));
        triples.push(Triple::new(BlankNode::new("b1").unwrap(), node("q"), term));
    }
    let wanted: BTreeSet<String> = triples.iter().map(|triple| without_label(&triple.to_string())).collect();
    for format in GraphFormat::ALL {
        let encoder = Encoder::graph(graph(triples.iter().cloned().map(Ok).collect()), *format);
        let text = all(encoder).await.unwrap();
        let read: BTreeSet<String> = RdfParser::from_format(format.serializer())
            .for_slice(&text)
            .map(|quad| without_label(&Triple::from(quad.unwrap()).to_string()))
            .collect();
        assert_eq!(read, wanted, "{format}: {}", String::from_utf8_lossy(&text));
        let empty = all(Encoder::graph(graph(Vec::new()), *format)).await.unwrap();
        assert_eq!(RdfParser::from_format(format.serializer()).for_slice(&empty).count(), 0, "{format}");
    }
    let turtle = all(Encoder::graph(graph(triples.into_iter().map(Ok).collect()), GraphFormat::Turtle)).await.unwrap();
    assert!(String::from_utf8(turtle).unwrap().starts_with("@prefix e: <https://e/> ."));
}

fn rdf_type() -> NamedNode {
    oxrdf::vocab::rdf::TYPE.into_owned()
}

/// Labels may change, and there is only one blank node.
fn without_label(triple: &str) -> String {
    match triple.strip_prefix("_:") {
        Some(rest) => format!("_: {}", rest.split_once(' ').unwrap().1),
        None => triple.to_owned(),
    }
}

#[tokio::test]
async fn every_result_format_gives_back_every_term() {
    let rows: Vec<Row> = texts().into_iter().map(|term| vec![Some(term), None]).collect();
    for format in [ResultFormat::Json, ResultFormat::Xml, ResultFormat::Tsv] {
        let text = all(Encoder::solutions(solutions(rows.clone()), format).unwrap()).await.unwrap();
        let parser = QueryResultsParser::from_format(format.serializer());
        let SliceQueryResultsParserOutput::Solutions(read) = parser.for_slice(&text).unwrap() else { panic!() };
        let read: Vec<Row> = read.map(|row| row.unwrap().values().to_vec()).collect();
        assert_eq!(read, rows, "{format}: {}", String::from_utf8_lossy(&text));
    }
}

#[tokio::test]
async fn what_xml_cannot_say_is_refused_and_not_changed() {
    for text in ["\u{1}", "a\u{FFFE}", "\u{0}", "\u{FFFF}b", "\u{1b}[31m"] {
        let row = vec![Some(Literal::from(text).into()), None];
        let problem = all(Encoder::solutions(solutions(vec![row]), ResultFormat::Xml).unwrap()).await.unwrap_err();
        assert!(problem.message.contains("XML has no character U+"), "{problem}");
        let triple = Triple::new(node("s"), node("p"), Literal::from(text));
        let problem = all(Encoder::graph(graph(vec![Ok(triple.clone())]), GraphFormat::RdfXml)).await.unwrap_err();
        assert_eq!(problem.code, Code::NotAcceptable);
        all(Encoder::graph(graph(vec![Ok(triple)]), GraphFormat::Turtle)).await.unwrap();
    }
    let s = || node("s");
    for triple in [
        Triple::new(s(), node("p/1"), s()),
        Triple::new(s(), node("p#"), s()),
        Triple::new(s(), rdf_type(), node("class/42")),
        Triple::new(s(), NamedNode::new_unchecked("http://www.w3.org/2000/xmlns/a"), s()),
        Triple::new(s(), NamedNode::new_unchecked("http://www.w3.org/1999/02/22-rdf-syntax-ns#about"), s()),
        Triple::new(BlankNode::new("1").unwrap(), node("p"), s()),
    ] {
        let text = triple.to_string();
        let problem = all(Encoder::graph(graph(vec![Ok(triple)]), GraphFormat::RdfXml)).await.unwrap_err();
        assert_eq!(problem.code, Code::NotAcceptable, "{text}");
    }
}

#[tokio::test]
async fn a_graph_that_fails_is_not_finished_and_a_slow_one_is_not_held_back() {
    let triple = Triple::new(node("s"), node("p"), node("o"));
    let failure = Problem::new(Code::SourceFailed, Fault::Source, "disk on fire");
    let encoder = Encoder::graph(graph(vec![Ok(triple.clone()), Err(failure.clone())]), GraphFormat::NTriples);
    assert_eq!(all(encoder).await.unwrap_err(), failure);
    let slow = Graph { triples: stream::iter([Ok(triple)]).chain(stream::pending()).boxed(), ..graph(Vec::new()) };
    let mut encoder = Encoder::graph(slow, GraphFormat::NTriples);
    assert_eq!(&encoder.next().await.unwrap().unwrap()[..], b"<https://e/s> <https://e/p> <https://e/o> .\n");
    assert_eq!(encoder.written(), 1);
}

#[tokio::test]
async fn pieces_are_bounded() {
    let triple = Triple::new(node("s"), node("p"), Literal::from("x".repeat(1000)));
    let mut encoder = Encoder::graph(graph(vec![Ok(triple); 5000]), GraphFormat::JsonLd);
    while let Some(piece) = encoder.next().await.unwrap() {
        assert!(piece.len() < PIECE + 4000, "{}", piece.len());
    }
    assert_eq!(encoder.written(), 5000);
}
