//! Documents that change, that are wrong, and how their terms are written.

use crate::world::{World, context, read, rows, scan};
use oxrdf::vocab::xsd;
use oxrdf::{BlankNode, Literal, NamedNode, Term};
use std::time::{Duration, SystemTime};
use weft_connector::Connector as _;
use weft_connector_triples::Limits;
use weft_model::Code;

/// A clock may be too coarse to see two writes of one test.
fn touch(world: &World, name: &str, seconds: u64) {
    let file = std::fs::File::options().append(true).open(world.path(name)).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
}

#[tokio::test]
async fn a_document_is_read_again_when_it_has_changed() {
    let mut world = World::new();
    world.write("a.ttl", "<a> <p> _:x . _:x <p> 1 .").write("b.ttl", "<b> <p> _:x .");
    let connector = world.open();
    let all = async || rows(&connector, read("triples", &["s", "o"])).await;
    let before = all().await;
    assert_eq!(before.len(), 3);
    assert_eq!(all().await, before, "the labels of blank nodes stay");

    world.write("b.ttl", "<b> <p> 1, 2, 3 .");
    touch(&world, "b.ttl", 10);
    assert_eq!(all().await.len(), 5);
    let description = connector.describe(&context()).await.unwrap();
    assert_eq!(description.tables[0].rows.unwrap().count, 5);

    world.write("b.ttl", "<b> <p> ");
    touch(&world, "b.ttl", 20);
    let broken = scan(&connector, crate::world::request(read("triples", &["s"]))).await.unwrap_err();
    assert_eq!(broken.code, Code::InvalidData);
    assert!(broken.message.contains("b.ttl, line 1"), "{broken}");
    std::fs::remove_file(world.path("b.ttl")).unwrap();
    let gone = connector.describe(&context()).await.unwrap_err();
    assert_eq!(gone.code, Code::SourceUnavailable);

    world.write("b.ttl", "<b> <p> 1 .");
    touch(&world, "b.ttl", 30);
    assert_eq!(all().await.len(), 3);
}

#[test]
fn what_cannot_be_served_is_told_when_it_starts() {
    let mut world = World::new();
    assert!(world.refusal().contains("there is none"));
    world.write("a.ttl", "<a> <p>\n<b> .\n<a> <p> .");
    assert!(world.refusal().contains("a.ttl, line 3, column "), "{}", world.refusal());
    world.write("a.ttl", "<a> <p> 1, 2, 3 .");
    world.limits = Limits { statements: 2, ..Limits::default() };
    assert!(world.refusal().contains("more than 2 statements"));
    world.limits = Limits { file_bytes: 5, ..Limits::default() };
    assert!(world.refusal().contains("5 are allowed"));
    world.limits = Limits { keys: 0, ..Limits::default() };
    assert_eq!(world.refusal(), "limits.keys: must be at least 1");
    world.limits = Limits::default();
    world.files[0].format = Some("json".into());
    assert!(world.refusal().contains("\"json\" is none of"));
    world.files[0].format = None;
    world.write("a.csv", "");
    assert!(world.refusal().contains("\"csv\" is none of"));
    world.files.truncate(1);
    std::fs::remove_file(world.path("a.ttl")).unwrap();
    assert!(world.refusal().ends_with("a.ttl: cannot be read"));
}

#[tokio::test]
async fn relative_references_are_about_the_file_itself() {
    let mut world = World::new();
    world.write("a.ttl", "<x> <p> <> .");
    world.files[0].base = None;
    let found = rows(&world.open(), read("triples", &["s", "o"])).await;
    let file = format!("Ifile://{}", world.path("a.ttl").display());
    assert_eq!(found, [[file.replace("a.ttl", "x"), file]]);
}

/// The encoding that the connector writes is the one the broker reads.
#[test]
fn terms_are_encoded_as_the_broker_encodes_them() {
    let literal = |text: &str| Term::from(Literal::new_simple_literal(text));
    let terms: Vec<Term> = vec![
        NamedNode::new_unchecked("http://ex/ä").into(),
        BlankNode::new_unchecked("b1").into(),
        literal(""),
        literal("a\u{1}b\n"),
        Literal::new_language_tagged_literal_unchecked("x", "en-us").into(),
        Literal::new_typed_literal("01", xsd::INTEGER).into(),
        Literal::new_typed_literal("", NamedNode::new_unchecked("http://ex/t")).into(),
    ];
    for term in &terms {
        let encoded = weft_triples::encode(term.as_ref()).unwrap();
        assert_eq!(encoded, weft_model::term::encode(term));
        assert_eq!(&weft_model::term::decode(&encoded).unwrap(), term);
    }
    let upper = Literal::new_language_tagged_literal_unchecked("x", "EN");
    assert_eq!(weft_triples::encode(Term::from(upper).as_ref()).unwrap(), "Len\u{1}x");
}
