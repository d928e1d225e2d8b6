#![allow(clippy::unwrap_used)]

use super::{CodeList, read_csv};
use oxrdf::NamedNode;
use weft_model::contract::{DataType, Value};
use weft_model::term::IriShape;

fn iri(text: &str) -> NamedNode {
    NamedNode::new(text).unwrap()
}

fn list(entries: &[(&str, &str)], unknown: Option<&str>) -> CodeList {
    let unknown = unknown.map(|template| IriShape::parse(template).unwrap().0);
    CodeList::new(entries.iter().map(|(code, to)| ((), (*code).to_owned(), iri(to))), unknown).unwrap()
}

#[test]
fn codes_and_iris_tell_each_other() {
    let states = list(&[("A", "urn:s:active"), ("I", "urn:s:idle")], None);
    assert_eq!(states.iri("A").as_deref(), Some("urn:s:active"));
    assert_eq!(states.iri("a"), None);
    assert_eq!(states.codes_of(&iri("urn:s:idle")), ["I"]);
    assert!(states.codes_of(&iri("urn:s:other")).is_empty());
    assert!(states.is_one_to_one() && !states.is_complete());
    assert_eq!(states.values_of(&iri("urn:s:idle"), DataType::Text), Some(vec![Value::Text("I".to_owned())]));
    assert_eq!(states.values_of(&iri("urn:s:idle"), DataType::Int64), Some(Vec::new()));
    assert_eq!(states.values_of(&iri("urn:s:idle"), DataType::Boolean), None);
}

#[test]
fn several_codes_of_one_iri_are_all_found() {
    let states = list(&[("1", "urn:s:on"), ("2", "urn:s:on"), ("03", "urn:s:on"), ("4", "urn:s:off")], None);
    assert!(!states.is_one_to_one());
    assert_eq!(states.codes_of(&iri("urn:s:on")), ["03", "1", "2"]);
    let numbers = states.values_of(&iri("urn:s:on"), DataType::Int64).unwrap();
    assert_eq!(numbers, [Value::Int64(1), Value::Int64(2)]);
}

#[test]
fn a_template_stands_for_what_is_not_listed() {
    let states = list(&[("A", "urn:s:active"), ("B", "urn:s:code-C")], Some("urn:s:code-{code}"));
    assert_eq!(states.iri("x y").as_deref(), Some("urn:s:code-x%20y"));
    assert_eq!(states.codes_of(&iri("urn:s:code-x%20y")), ["x y"]);
    // The template would build it for a code that is listed otherwise, which has no row.
    assert!(states.codes_of(&iri("urn:s:code-A")).is_empty());
    // Listed for one code, and built for another.
    assert_eq!(states.codes_of(&iri("urn:s:code-C")), ["B", "C"]);
    assert!(states.is_complete() && !states.is_one_to_one());
    assert!(list(&[("A", "urn:s:active")], Some("urn:s:code-{code}")).is_one_to_one());
}

#[test]
fn a_code_stands_for_one_thing() {
    let entries = [(1, "A", "urn:a"), (2, "A", "urn:a"), (3, "A", "urn:b")];
    let errors = CodeList::new(entries.map(|(line, code, to)| (line, code.to_owned(), iri(to))), None).unwrap_err();
    assert_eq!(errors, [(3, "code \"A\" is both <urn:a> and <urn:b>".to_owned())]);
}

#[test]
fn lists_are_told_apart_by_their_text() {
    let text = |entries: &[(&str, &str)]| format!("{:?}", list(entries, None));
    assert_eq!(text(&[("A", "urn:a"), ("B", "urn:b")]), text(&[("B", "urn:b"), ("A", "urn:a")]));
    assert_ne!(text(&[("A", "urn:a")]), text(&[("A", "urn:b")]));
}

#[test]
fn csv_has_lines_and_limits() {
    let read = |text: &str, most| {
        read_csv(text, most).map(|found| {
            found.into_iter().map(|(line, code, iri)| format!("{line} {code} {}", iri.as_str())).collect::<Vec<_>>()
        })
    };
    let text = "\u{feff}iri,label,code\r\nurn:a,\"one,\ntwo\",A\r\nurn:b,,\"B \"\"x\"\"\"\r\n";
    assert_eq!(read(text, 10).unwrap(), ["2 A urn:a", "4 B \"x\" urn:b"]);
    let errors = read("code,iri\nA\nB,relative\nC,urn:c\n", 10).unwrap_err();
    let lines: Vec<u64> = errors.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3]);
    assert!(errors[1].1.contains("\"relative\" is not an absolute IRI"), "{errors:?}");
    assert!(read("name,iri\n", 10).unwrap_err()[0].1.contains("needs the columns code and iri"));
    assert!(read("code,iri\nA,urn:a\nB,urn:b\n", 1).unwrap_err()[0].1.contains("more than 1 codes"));
    assert_eq!(read("code,iri\n", 0).unwrap(), Vec::<String>::new());
}
