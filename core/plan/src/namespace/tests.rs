#![allow(clippy::unwrap_used)]

use super::*;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, NamedNode};
use weft_model::term::{KeyKind, LiteralType};

fn mapped(term_type: TermType, build: Build) -> MappedTerm {
    MappedTerm { term_type, columns: Vec::new(), build }
}

fn template(text: &str) -> MappedTerm {
    let shape = IriShape::parse(text).unwrap().0;
    let keys = vec![KeyKind::Text; shape.keys()];
    mapped(TermType::Iri { shape, keys }, Build::Columns)
}

fn constant(term: impl Into<Term>) -> MappedTerm {
    mapped(TermType::Constant(term.into()), Build::Columns)
}

fn node(iri: &str) -> NamedNode {
    NamedNode::new(iri).unwrap()
}

fn blank(label: &str) -> MappedTerm {
    mapped(TermType::General, Build::BlankNode(IriShape::parse(label).unwrap().0))
}

/// Terms of all kinds whose namespaces nest, repeat and miss each other.
fn terms() -> Vec<MappedTerm> {
    vec![
        template("http://a/{x}"),
        template("http://a/p/{x}"),
        template("http://a/p/{x}/q/{y}"),
        template("http://a/{x}/q/{y}"),
        template("http://a/p/1{x}"),
        template("http://ab/{x}"),
        template("http://b/p/{x}"),
        template("http://a/p/{x}"),
        mapped(TermType::General, Build::IriTemplate(IriShape::parse("http://a/p/{x}-{y}").unwrap().0)),
        constant(node("http://a/p/")),
        constant(node("http://a/p/1")),
        constant(node("http://a/p/1/q/2")),
        constant(node("http://c/")),
        constant(Literal::from(1)),
        constant(Literal::new_language_tagged_literal("x", "en").unwrap()),
        mapped(TermType::Literal(LiteralType::Integer), Build::Columns),
        mapped(TermType::Literal(LiteralType::String), Build::Columns),
        mapped(TermType::LangString("en".into()), Build::Columns),
        mapped(TermType::LangString("de".into()), Build::Columns),
        blank("berp-{x}"),
        blank("berp-part{x}"),
        blank("bmes-{x}"),
        mapped(TermType::General, Build::Encoded),
    ]
}

#[test]
fn what_can_be_equal_can_meet_and_is_found() {
    let terms = terms();
    let mut namespaces = Namespaces::default();
    let found: Vec<Namespace> = terms.iter().map(|term| namespaces.add(term)).collect();
    namespaces.finish();
    let mut index = NamespaceIndex::default();
    for (position, namespace) in found.iter().enumerate() {
        index.insert(&namespaces, *namespace, position as u32);
    }
    let mut apart = 0;
    for (i, a) in terms.iter().enumerate() {
        let near: Vec<u32> = index.near(&namespaces, found[i]).collect();
        let mut once = near.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), near.len(), "{a:?} is near something twice");
        for (j, b) in terms.iter().enumerate() {
            let meet = namespaces.may_meet(found[i], found[j]);
            assert_eq!(meet, namespaces.may_meet(found[j], found[i]), "{a:?} and {b:?}");
            assert!(!meet || near.contains(&(j as u32)), "{a:?} does not find {b:?}");
            let keys = namespaces.keys_near([found[i]]);
            assert!(!meet || keys.is_none_or(|keys| keys.contains(&found[j].key())), "{a:?} has no key of {b:?}");
            let general = a.term_type == TermType::General || b.term_type == TermType::General;
            assert!(meet || general || !a.term_type.may_equal(&b.term_type), "{a:?} can be {b:?}");
            apart += usize::from(!meet);
        }
    }
    assert!(apart > terms.len() * terms.len() / 2, "hardly anything is told apart");
}

#[test]
fn templates_and_sources_keep_apart_what_cannot_meet() {
    let mut namespaces = Namespaces::default();
    let mut meet = |a: &MappedTerm, b: &MappedTerm| {
        let (a, b) = (namespaces.add(a), namespaces.add(b));
        namespaces.finish();
        namespaces.may_meet(a, b)
    };
    assert!(!meet(&template("http://v1/p/{x}"), &template("http://v10/p/{x}")));
    assert!(!meet(&template("http://v/p/{x}"), &template("http://v/p/{x}/q/{y}")));
    assert!(meet(&template("http://v/{x}"), &template("http://v/p{x}")));
    assert!(!meet(&blank("bv1-{x}"), &blank("bv10-{x}")));
    assert!(meet(&blank("bv1-{x}"), &blank("bv1-p{x}")));
    assert!(!meet(&blank("bv1-{x}"), &template("http://v/{x}")));
}

#[test]
fn a_constant_finds_every_namespace_it_can_be_in() {
    let terms = terms();
    let mut namespaces = Namespaces::default();
    let found: Vec<Namespace> = terms.iter().map(|term| namespaces.add(term)).collect();
    namespaces.finish();
    let constants: Vec<Term> = vec![
        node("http://a/p/1").into(),
        node("http://a/p/1/q/2").into(),
        node("http://a/x").into(),
        node("http://a/é").into(),
        node("http://d/x").into(),
        Literal::from(1).into(),
        Literal::new_typed_literal("1", xsd::BYTE).into(),
        Literal::new_language_tagged_literal("x", "en").unwrap().into(),
    ];
    for constant in &constants {
        let keys = namespaces.keys_of(constant);
        for (term, namespace) in terms.iter().zip(&found) {
            let known = keys.contains(&namespace.key());
            let is_blank = matches!(term.build, Build::BlankNode(_) | Build::IriTemplate(_));
            assert!(known || is_blank || !term.term_type.may_hold(constant), "{constant} can be {term:?}");
        }
    }
    assert_eq!(namespaces.keys_of(&constants[4]), [Namespace::Any.key()], "nothing else can be {}", constants[4]);
}
