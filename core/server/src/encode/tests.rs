#![allow(clippy::unwrap_used, clippy::panic)]
use super::buffer::Buffer;
use super::*;
use futures::{StreamExt, stream};
use oxrdf::{BlankNode, Literal, NamedNode, Term, Triple, Variable};
use oxrdfio::RdfParser;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use serde_json::json;
use sparesults::{QueryResultsParser, SliceQueryResultsParserOutput};
use std::collections::BTreeSet;
use std::sync::Arc;
use weft_exec::AnswerBatch;

type Row = Vec<Option<Term>>;

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
    of_width(2, vec![AnswerBatch::from_terms(2, &rows)])
}

fn of_width(width: usize, batches: Vec<AnswerBatch>) -> Solutions {
    let rows = stream::iter(batches.into_iter().map(Ok)).boxed();
    Solutions { variables: variables(width), rows, report: Arc::new(|| json!(null)) }
}

fn variables(width: usize) -> Vec<Variable> {
    ["a", "b", "größe", "d"][..width].iter().map(|name| Variable::new_unchecked(*name)).collect()
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

#[tokio::test]
async fn pieces_of_solutions_are_bounded_and_come_with_each_batch() {
    let row: Row = vec![Some(Literal::from("x".repeat(1000)).into()), None];
    let batches = vec![AnswerBatch::from_terms(2, &vec![row; 300]); 3];
    let mut encoder = Encoder::solutions(of_width(2, batches), ResultFormat::Csv).unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = encoder.next().await.unwrap() {
        assert!(piece.len() < PIECE + 1100, "{}", piece.len());
        pieces.push(encoder.written());
    }
    assert_eq!(encoder.written(), 900);
    assert!(pieces.contains(&300) && pieces.contains(&600), "a batch waits for the next one: {pieces:?}");
}

#[tokio::test]
async fn a_row_of_another_width_is_an_error() {
    let batch = AnswerBatch::from_terms(1, &[vec![None]]);
    for format in [ResultFormat::Json, ResultFormat::Xml, ResultFormat::Csv, ResultFormat::Tsv] {
        let problem = all(Encoder::solutions(of_width(2, vec![batch.clone()]), format).unwrap()).await.unwrap_err();
        assert_eq!(problem.code, Code::Internal);
    }
}

/// What the serializers of the formats write, term by term.
fn reference(width: usize, rows: &[Row], format: ResultFormat) -> Result<Vec<u8>, Problem> {
    let buffer = if format == ResultFormat::Xml { Buffer::xml() } else { Buffer::plain() };
    let write = || -> io::Result<()> {
        let mut writer = QueryResultsSerializer::from_format(format.serializer())
            .serialize_solutions_to_writer(buffer.clone(), variables(width))?;
        for row in rows {
            let names = variables(width);
            let row: Row = row.iter().map(|cell| cell.as_ref().map(|term| shown(term, format))).collect();
            writer.serialize(names.iter().zip(&row).filter_map(|(name, cell)| Some((name, cell.as_ref()?))))?;
        }
        writer.finish().map(|_| ())
    };
    write().map_err(|error| unwritable(&error))?;
    Ok(buffer.take().to_vec())
}

/// In CSV an IRI is quoted like any text; the serializer leaves its commas as they are.
fn shown(term: &Term, format: ResultFormat) -> Term {
    match term {
        Term::NamedNode(node) if format == ResultFormat::Csv => Literal::from(node.as_str()).into(),
        other => other.clone(),
    }
}

fn text() -> impl Strategy<Value = String> {
    let near = "([ \t\r\n]{0,2}[a-z<>&'\",;\\\\\u{0}-\u{20}\u{7f}\u{85}\u{fffe}\u{ffff}]{0,40}[ \t\r\n]{0,2})";
    prop_oneof![any::<String>(), "[ -~]{0,80}", near, "[+-]?[0-9]{0,3}[.]?[0-9]{0,3}([eE][+-]?[0-9]{0,2})?"]
}

fn term() -> impl Strategy<Value = Term> {
    const NAMES: &[&str] = &["string", "integer", "decimal", "double", "boolean", "date", "a'<&>\"b"];
    prop_oneof![
        "[a-z%&',?#é]{0,40}".prop_map(|rest| NamedNode::new_unchecked(format!("http://e/{rest}")).into()),
        "[a-z0-9]{1,9}".prop_map(|label| BlankNode::new_unchecked(label).into()),
        text().prop_map(|text| Literal::from(text).into()),
        (text(), prop::sample::select(NAMES)).prop_map(|(text, name)| {
            let datatype = NamedNode::new_unchecked(format!("http://www.w3.org/2001/XMLSchema#{name}"));
            Literal::new_typed_literal(text, datatype).into()
        }),
        (0_u32..40, text()).prop_map(|(n, text)| {
            Literal::new_typed_literal(text, NamedNode::new_unchecked(format!("http://e/t{n}"))).into()
        }),
        (text(), "[a-z]{2}(-[A-Z]{2})?")
            .prop_map(|(text, tag)| Literal::new_language_tagged_literal_unchecked(text, tag).into()),
        prop::sample::select(&["true", "false", "1"][..])
            .prop_map(|text| { Literal::new_typed_literal(text, oxrdf::vocab::xsd::BOOLEAN).into() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    /// However an answer is cut into batches, its bytes are those that a serializer makes of its terms.
    #[test]
    fn the_bytes_are_those_of_a_serializer_of_terms(
        width in 0_usize..4,
        cells in vec(vec(vec(weighted(0.8, term()), 3), 0..6), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let batches: Vec<Vec<Row>> =
            cells.into_iter().map(|batch| batch.into_iter().map(|row| row[..width].to_vec()).collect()).collect();
        let rows = batches.concat();
        for format in [ResultFormat::Json, ResultFormat::Xml, ResultFormat::Csv, ResultFormat::Tsv] {
            let batches = batches.iter().map(|rows| AnswerBatch::from_terms(width, rows)).collect();
            let encoder = Encoder::solutions(of_width(width, batches), format).unwrap();
            let written = runtime.block_on(all(encoder));
            let wanted = reference(width, &rows, format);
            match (&written, &wanted) {
                // Which of several characters that XML does not have is named is nobody's concern.
                (Err(problem), Err(wanted)) => prop_assert_eq!(problem.code, wanted.code),
                _ => prop_assert_eq!(&written, &wanted, "{}", format),
            }
        }
    }
}
