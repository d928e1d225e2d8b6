#![allow(clippy::unwrap_used)]
use super::*;
use crate::namespace::Namespaces;
use oxrdf::{Literal, NamedNode, Term};
use std::sync::Arc;
use weft_mapping::{Build, MappedTerm};
use weft_model::Aliases;
use weft_model::term::{IriShape, KeyKind, TermType};

#[test]
fn pragmas_stand_in_comments_at_the_start() {
    let text = "\n# a question\n#pragma weft:thread\n  # pragma weft:as-of \"2026-03-01\"\n#pragma other:thing x\n\
                #pragma weft:valid-at \"2017-08-01T12:00:00Z\"\nSELECT * {}\n#pragma weft:nothing";
    let expected =
        Pragmas { thread: true, as_of: Some("2026-03-01".into()), valid_at: Some("2017-08-01T12:00:00Z".into()) };
    assert_eq!(Pragmas::of_text(text).unwrap(), expected);
    assert_eq!(Pragmas::of_text("SELECT * {} #pragma weft:thread").unwrap(), Pragmas::default());
    assert_eq!(Pragmas::of_text("").unwrap(), Pragmas::default());
}

#[test]
fn pragmas_that_are_wrong_are_refused_with_their_place() {
    for (text, message) in [
        (
            "#pragma weft:tread\nASK {}",
            "syntax error at line 1, column 1: there is no pragma weft:tread: weft:thread, ",
        ),
        ("\n  #pragma weft:thread on\nASK {}", "syntax error at line 2, column 3: the pragma weft:thread stands alone"),
        (
            "#pragma weft:thread\n#pragma weft:thread",
            "syntax error at line 2, column 1: the pragma weft:thread comes twice",
        ),
        ("#pragma weft:as-of 2026-03-01", "syntax error at line 1, column 1: the pragma weft:as-of is followed by"),
        ("#pragma weft:valid-at \"\"", "syntax error at line 1, column 1: the pragma weft:valid-at is followed by"),
        ("#pragma weft:", "syntax error at line 1, column 1: there is no pragma weft:: "),
    ] {
        let error = Pragmas::of_text(text).unwrap_err();
        assert!(error.message.starts_with(message), "{text}: {}", error.message);
        assert!(error.position.is_some());
    }
}

/// Classes of names, each with its representative first.
#[derive(Debug)]
struct Classes(Vec<Vec<&'static str>>);

impl Aliases for Classes {
    fn names(&self, iri: &str) -> Vec<&str> {
        self.0.iter().find(|names| names.contains(&iri)).cloned().unwrap_or_default()
    }

    fn representative(&self, iri: &str) -> Option<&str> {
        self.names(iri).first().copied()
    }

    fn for_each_thing(&self, visit: &mut dyn FnMut(&[&str])) {
        self.0.iter().for_each(|names| visit(names));
    }

    fn things(&self) -> usize {
        self.0.len()
    }
}

fn template(text: &str) -> MappedTerm {
    let shape = IriShape::parse(text).unwrap().0;
    let keys = vec![KeyKind::Text; shape.keys()];
    MappedTerm { term_type: TermType::Iri { shape, keys }, columns: Vec::new(), build: Build::Columns }
}

fn constant(term: impl Into<Term>) -> MappedTerm {
    MappedTerm { term_type: TermType::Constant(term.into()), columns: Vec::new(), build: Build::Columns }
}

#[test]
fn what_names_mean_for_templates() {
    let mut namespaces = Namespaces::default();
    let [erp, deep, mes, plm, one, other, literal, any] = [
        template("http://e/erp/{x}"),
        template("http://e/erp/{x}/rev/{y}"),
        template("http://e/mes/{x}#this"),
        template("http://e/plm/{x}"),
        constant(NamedNode::new_unchecked("http://e/mes/9#this")),
        constant(NamedNode::new_unchecked("http://e/mes/8#this")),
        constant(Literal::from(1)),
        MappedTerm { term_type: TermType::General, columns: Vec::new(), build: Build::Encoded },
    ]
    .map(|term| namespaces.add(&term));
    namespaces.finish();
    let classes = Classes(vec![
        vec!["http://e/erp/1", "http://e/mes/9#this"],
        vec!["http://e/erp/1/rev/2", "http://e/erp/1/rev/3", "http://e/zzz"],
    ]);
    let known = KnownAliases::new(Arc::new(classes), &namespaces);
    let renamed: Vec<bool> =
        [erp, deep, mes, plm, one, other, literal, any].iter().map(|n| known.renames(*n)).collect();
    assert_eq!(renamed, [false, true, true, false, true, false, false, true]);
    let touched: Vec<bool> =
        [erp, deep, mes, plm, one, other, literal, any].iter().map(|n| known.is_touched(*n)).collect();
    assert_eq!(touched, [true, true, true, false, true, false, false, true]);
    for (a, b, linked) in [
        (erp, erp, false),
        (erp, mes, true),
        (mes, erp, true),
        (erp, one, true),
        (mes, mes, false),
        // Two names of revisions are one thing.
        (deep, deep, true),
        (deep, erp, false),
        (erp, plm, false),
        (plm, any, false),
        (mes, any, true),
        (any, any, true),
        (literal, any, false),
    ] {
        assert_eq!(known.are_linked(a, b), linked, "{a:?} {b:?}");
    }
}

#[test]
fn constants_are_replaced_where_they_are_things() {
    let classes = Classes(vec![vec!["http://e/a", "http://e/b"]]);
    let text = "CONSTRUCT { <http://e/b> <http://e/b> <http://e/b> } FROM <http://e/b> WHERE { \
                <http://e/b> <http://e/b>* ?x . VALUES ?x { <http://e/b> UNDEF } \
                GRAPH <http://e/b> { ?x ?p <http://e/b> FILTER(?x = <http://e/b> && EXISTS { ?x ?p <http://e/b> }) } \
                SERVICE <http://e/b> { <http://e/b> ?p ?x } }";
    let parse = |text: &str| spargebra::SparqlParser::new().parse_query(text).unwrap();
    let expected = "CONSTRUCT { <http://e/a> <http://e/b> <http://e/a> } FROM <http://e/b> WHERE { \
                <http://e/a> <http://e/b>* ?x . VALUES ?x { <http://e/a> UNDEF } \
                GRAPH <http://e/b> { ?x ?p <http://e/a> FILTER(?x = <http://e/a> && EXISTS { ?x ?p <http://e/a> }) } \
                SERVICE <http://e/b> { <http://e/b> ?p ?x } }";
    assert_eq!(with_representatives(parse(text), &classes), parse(expected));
    // The variable of a DESCRIBE has a random name.
    let described = with_representatives(parse("DESCRIBE <http://e/b>"), &classes).to_sse();
    assert!(described.contains("<http://e/a>") && !described.contains("<http://e/b>"), "{described}");
}
