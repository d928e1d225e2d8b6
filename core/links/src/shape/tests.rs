#![allow(clippy::unwrap_used)]
use super::*;
use std::path::Path as FilePath;

const HEAD: &str = "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <https://e/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n";

fn read(text: &str) -> Result<LinkShapes, Vec<String>> {
    LinkShapes::parse(FilePath::new("s.ttl"), &format!("{HEAD}{text}"), "https://e/")
        .map_err(|wrong| wrong.iter().map(ToString::to_string).collect())
}

fn node(name: &str) -> NamedNode {
    NamedNode::new(format!("https://e/{name}")).unwrap()
}

fn refusal(shapes: &LinkShapes, subject: &str, object: &str, facts: &Facts) -> Option<String> {
    shapes.check(&node(subject), &node("same"), &node(object), facts).err().map(|violation| violation.to_string())
}

#[test]
fn a_link_is_refused_with_the_message_of_the_shape() {
    let shapes = read(
        "ex:Ends a sh:NodeShape ; rdfs:label \"ends\" ; sh:targetSubjectsOf ex:same ; sh:nodeKind sh:IRI ; \
         sh:pattern \"^HTTPS://E/ITEM\" ; sh:flags \"i\" ; sh:message \"a link begins at an item\", \"ein Teil\"@de .",
    )
    .unwrap();
    let facts = Facts::default();
    assert_eq!(refusal(&shapes, "item/1", "lot/1", &facts), None);
    let message = refusal(&shapes, "lot/1", "item/1", &facts).unwrap();
    assert!(message.starts_with("a link begins at an item: <https://e/lot/1> does not match"), "{message}");
    assert!(message.ends_with("(shape https://e/Ends)"), "{message}");
    assert_eq!(shapes.check(&node("lot/1"), &node("other"), &node("item/1"), &facts), Ok(()));
}

#[test]
fn classes_are_those_the_sources_know() {
    let shapes = read(
        "ex:S sh:targetSubjectsOf ex:same ; sh:class ex:Item . ex:O sh:targetObjectsOf ex:same ; sh:class ex:Lot .",
    )
    .unwrap();
    assert_eq!(shapes.classes(), BTreeSet::from([node("Item"), node("Lot")]));
    let mut facts = Facts::default();
    facts.add_class(node("a"), node("Item"));
    assert!(refusal(&shapes, "a", "b", &facts).unwrap().contains("<https://e/b> is not a <https://e/Lot>"));
    facts.add_class(node("b"), node("Lot"));
    assert_eq!(refusal(&shapes, "a", "b", &facts), None);
    assert!(refusal(&shapes, "b", "a", &facts).is_some());
}

#[test]
fn counts_are_those_of_all_confirmed_links_with_the_new_one() {
    let shapes = read(
        "ex:S sh:targetSubjectsOf ex:same ; sh:property [ sh:path ex:same ; sh:maxCount 2 ; sh:message \"two names\" ; \
         sh:qualifiedValueShape [ sh:pattern \"/lot/\" ] ; sh:qualifiedMaxCount 1 ] .\
         ex:O sh:targetObjectsOf ex:same ; sh:property [ sh:path [ sh:inversePath ex:same ] ; sh:maxCount 1 ] .",
    )
    .unwrap();
    assert!(shapes.look_at_other_links());
    let mut facts = Facts::default();
    facts.add_link(&node("a"), &node("same"), &node("lot/1"));
    assert_eq!(refusal(&shapes, "a", "lot/1", &facts), None, "the same link again is no second one");
    assert_eq!(refusal(&shapes, "a", "item/1", &facts), None);
    let message = refusal(&shapes, "a", "lot/2", &facts).unwrap();
    assert!(message.starts_with("two names: <https://e/a> would have 2 values of the qualified shape"), "{message}");
    assert!(refusal(&shapes, "b", "lot/1", &facts).unwrap().contains("would have 2 values, and may have 1"));
    facts.add_link(&node("a"), &node("same"), &node("item/1"));
    assert!(refusal(&shapes, "a", "item/2", &facts).unwrap().contains("would have 3 values"));
}

#[test]
fn disjoint_predicates_do_not_share_values() {
    let shapes =
        read("ex:S sh:targetSubjectsOf ex:same ; sh:property [ sh:path ex:same ; sh:disjoint ex:different ] .")
            .unwrap();
    let mut facts = Facts::default();
    facts.add_link(&node("a"), &node("different"), &node("b"));
    assert!(refusal(&shapes, "a", "b", &facts).unwrap().contains("also as <https://e/different>"));
    assert_eq!(refusal(&shapes, "a", "c", &facts), None);
}

#[test]
fn what_is_not_supported_is_an_error_that_names_it() {
    for (text, message) in [
        (
            "ex:S sh:targetSubjectsOf ex:same ; sh:xone ( ex:A ex:B ) .",
            "s.ttl: shape https://e/S: sh:xone is not supported here",
        ),
        ("ex:S sh:targetClass ex:A .", "sh:targetClass is not supported here"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:maxCount 1 .", "sh:maxCount is not supported here"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:sparql [] .", "sh:sparql is not supported here"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:severity sh:Warning .", "a link is recorded or refused"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:pattern \"(\" .", "sh:pattern \"(\": "),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:pattern \"a\" ; sh:flags \"q\" .", "sh:flags 'q' is not supported"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:nodeKind ex:IRI .", "is no sh:nodeKind"),
        ("ex:S sh:targetSubjectsOf \"same\" .", "sh:targetSubjectsOf is an IRI"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:property [ sh:maxCount 1 ] .", "sh:property has no sh:path"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:property [ sh:path ( ex:a ex:b ) ] .", "others are not supported"),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:property [ sh:path ex:a ; sh:maxCount \"1\" ] .", "is a whole number"),
        (
            "ex:S sh:targetSubjectsOf ex:same ; sh:property [ sh:path ex:a ; sh:qualifiedMaxCount 1 ] .",
            "has no sh:qualifiedValueShape",
        ),
        ("ex:S sh:targetSubjectsOf ex:same ; sh:in ex:a .", "sh:in is no list"),
        ("ex:S sh:targetSubjectsOf ???", "s.ttl:2:"),
    ] {
        let wrong = read(text).map(|_| ()).unwrap_err();
        assert!(wrong.iter().any(|line| line.contains(message)), "{text}: {wrong:?}");
    }
    let two = read("ex:S sh:targetSubjectsOf ex:p ; sh:xone () . ex:T sh:targetObjectsOf ex:p ; sh:or () .");
    assert_eq!(two.map(|_| ()).unwrap_err().len(), 2);
}

#[test]
fn lists_and_deactivated_shapes() {
    let shapes = read(
        "ex:S sh:targetObjectsOf ex:same ; sh:in ( ex:a ex:b ) . ex:T sh:targetObjectsOf ex:same ; sh:deactivated true ; sh:pattern \"no\" .",
    )
    .unwrap();
    assert_eq!(shapes.len(), 1);
    assert_eq!(refusal(&shapes, "x", "a", &Facts::default()), None);
    assert!(refusal(&shapes, "x", "c", &Facts::default()).unwrap().contains("none of the 2 allowed"));
}
