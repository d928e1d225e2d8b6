//! All that an ontology makes of some statements, by brute force: the rules of OWL 2 RL (tables 4 to 7 of its profile) that
//! RDFS and OWL 2 QL have, applied to every statement until nothing is new. Other code than the engine's, which never looks
//! at a statement.

use anyhow::Context;
use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{BlankNode, Literal, NamedNode, NamedOrBlankNode, Quad, Term, Triple};
use oxttl::TurtleParser;
use std::collections::HashSet;

const OWL: &str = "http://www.w3.org/2002/07/owl#";

/// Begins the labels of what exists and has no name.
const WITNESS: &str = "witness";

/// The statements of a Turtle text. Its blank nodes are none of the data's.
pub fn statements(turtle: &str) -> anyhow::Result<Vec<Triple>> {
    TurtleParser::new().for_slice(turtle).collect::<Result<_, _>>().with_context(|| turtle.to_owned())
}

/// The quads with all that follows from each graph by itself.
pub fn close(quads: Vec<Quad>, ontology: &[Triple]) -> Vec<Quad> {
    let mut literals: Vec<Literal> = Vec::new();
    let mut known: HashSet<Quad> = quads.into_iter().map(|quad| of_nodes(quad, &mut literals)).collect();
    let mut new: Vec<Quad> = known.iter().cloned().collect();
    while let Some(quad) = new.pop() {
        for triple in follow(&quad, ontology) {
            let quad = triple.in_graph(quad.graph_name.clone());
            if known.insert(quad.clone()) {
                new.push(quad);
            }
        }
    }
    let mut closed: Vec<Quad> = known
        .into_iter()
        .filter(|quad| !is_made_up(quad, ontology))
        .filter_map(|quad| of_literals(quad, &literals))
        .collect();
    closed.sort_by_cached_key(ToString::to_string);
    closed
}

/// Begins the labels of nodes in the place of literals: rules turn statements around, and what follows then of subjects that
/// are literals is followed further.
const LITERAL: &str = "literal";

/// The statement with a node in the place of a literal.
fn of_nodes(quad: Quad, literals: &mut Vec<Literal>) -> Quad {
    let Term::Literal(literal) = &quad.object else { return quad };
    let number = literals.iter().position(|known| known == literal).unwrap_or_else(|| {
        literals.push(literal.clone());
        literals.len() - 1
    });
    Quad { object: BlankNode::new_unchecked(format!("{LITERAL}{number}")).into(), ..quad }
}

/// The statement with its literal again; none where that is no statement.
fn of_literals(quad: Quad, literals: &[Literal]) -> Option<Quad> {
    let literal = |node: &BlankNode| literals.get(node.as_str().strip_prefix(LITERAL)?.parse::<usize>().ok()?);
    if matches!(&quad.subject, NamedOrBlankNode::BlankNode(node) if literal(node).is_some()) {
        return None;
    }
    let object = match &quad.object {
        Term::BlankNode(node) => literal(node).map_or_else(|| quad.object.clone(), |literal| literal.clone().into()),
        other => other.clone(),
    };
    Some(Quad { object, ..quad })
}

/// What has no name outside of the ontology: expressions, and what only exists.
fn is_made_up(quad: &Quad, ontology: &[Triple]) -> bool {
    let is_expression = |node: &BlankNode| is_expression(node, ontology);
    let of_subject =
        matches!(&quad.subject, NamedOrBlankNode::BlankNode(node) if is_witness(node) || is_expression(node));
    of_subject || matches!(&quad.object, Term::BlankNode(node) if is_witness(node) || is_expression(node))
}

fn is_expression(node: &BlankNode, ontology: &[Triple]) -> bool {
    let node = NamedOrBlankNode::from(node.clone());
    ontology.iter().any(|axiom| axiom.subject == node)
}

fn is_witness(node: &BlankNode) -> bool {
    node.as_str().starts_with(WITNESS)
}

/// What follows from one statement in one step.
fn follow(quad: &Quad, ontology: &[Triple]) -> Vec<Triple> {
    let (x, p, y) = (&quad.subject, &quad.predicate, &quad.object);
    // To be of a class without name is a step of the rules, and no statement that something is said of.
    let is_said = *p != rdf::TYPE || !matches!(y, Term::BlankNode(node) if is_expression(node, ontology));
    let mut found = Vec::new();
    for axiom in ontology {
        let (subject, object) = (Term::from(axiom.subject.clone()), &axiom.object);
        let name = axiom.predicate.as_str().strip_prefix(OWL).unwrap_or_default();
        // prp-dom, prp-rng, prp-spo1, prp-eqp1 and 2, prp-inv1 and 2, prp-symp
        if let Some(inverse) = reads(&subject, p, ontology).filter(|_| is_said) {
            let (from, to) =
                if inverse { (resource(y), Some(Term::from(x.clone()))) } else { (Some(x.clone()), Some(y.clone())) };
            if axiom.predicate == rdfs::DOMAIN {
                found.extend(from.clone().and_then(|from| is_a(from, object)));
            } else if axiom.predicate == rdfs::RANGE {
                found.extend(to.as_ref().and_then(resource).and_then(|to| is_a(to, object)));
            } else if axiom.predicate == rdfs::SUB_PROPERTY_OF || name == "equivalentProperty" {
                found.extend(statement(from.clone(), object, to.clone(), ontology));
            } else if name == "inverseOf" && matches!(subject, Term::NamedNode(_)) {
                let back = to.as_ref().and_then(resource);
                found.extend(statement(back, object, from.clone().map(Into::into), ontology));
            } else if axiom.predicate == rdf::TYPE && *object == owl("SymmetricProperty") {
                let back = to.as_ref().and_then(resource);
                found.extend(statement(back, &subject, from.clone().map(Into::into), ontology));
            }
        }
        if let Some(inverse) = reads(object, p, ontology).filter(|_| is_said) {
            let (from, to) =
                if inverse { (resource(y), Some(Term::from(x.clone()))) } else { (Some(x.clone()), Some(y.clone())) };
            if name == "equivalentProperty" {
                found.extend(statement(from.clone(), &subject, to.clone(), ontology));
            } else if name == "inverseOf" && matches!(subject, Term::NamedNode(_)) {
                let back = to.as_ref().and_then(resource);
                found.extend(statement(back, &subject, from.clone().map(Into::into), ontology));
            } else if name == "onProperty" && said(&subject, "someValuesFrom", ontology) == Some(owl("Thing")) {
                // cls-svf2
                found.extend(from.and_then(|from| is_a(from, &subject)));
            }
        }
        if *p == rdf::TYPE {
            found.extend(follow_class(x, y, axiom, ontology));
        }
    }
    found
}

/// cax-sco, cax-eqc1 and 2, cls-int2, cls-uni, and the statement that an existential promises.
fn follow_class(x: &NamedOrBlankNode, class: &Term, axiom: &Triple, ontology: &[Triple]) -> Vec<Triple> {
    let subject = Term::from(axiom.subject.clone());
    let name = axiom.predicate.as_str().strip_prefix(OWL).unwrap_or_default();
    let mut found = Vec::new();
    if subject == *class {
        if axiom.predicate == rdfs::SUB_CLASS_OF || name == "equivalentClass" {
            found.extend(is_a(x.clone(), &axiom.object));
        } else if name == "intersectionOf" {
            found.extend(members(&axiom.object, ontology).iter().filter_map(|member| is_a(x.clone(), member)));
        } else if name == "someValuesFrom"
            && !matches!(x, NamedOrBlankNode::BlankNode(node) if is_witness(node))
            && let Some(property) = said(&subject, "onProperty", ontology)
        {
            let label: String = x.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
            let witness = BlankNode::new_unchecked(format!("{WITNESS}{label}"));
            found.extend(statement(Some(x.clone()), &property, Some(witness.into()), ontology));
        }
    }
    if axiom.object == *class && name == "equivalentClass" {
        found.extend(is_a(x.clone(), &subject));
    }
    if name == "unionOf" && members(&axiom.object, ontology).contains(class) {
        found.extend(is_a(x.clone(), &subject));
    }
    found
}

/// Whether a statement with the predicate is one with this property, or one with its inverse.
fn reads(property: &Term, predicate: &NamedNode, ontology: &[Triple]) -> Option<bool> {
    match property {
        Term::NamedNode(name) if name == predicate => Some(false),
        Term::BlankNode(_) if said(property, "inverseOf", ontology)? == predicate.clone().into() => Some(true),
        _ => None,
    }
}

fn statement(from: Option<NamedOrBlankNode>, property: &Term, to: Option<Term>, ontology: &[Triple]) -> Option<Triple> {
    match property {
        Term::NamedNode(name) => Some(Triple::new(from?, name.clone(), to?)),
        Term::BlankNode(_) => match said(property, "inverseOf", ontology)? {
            Term::NamedNode(name) => Some(Triple::new(resource(&to?)?, name, Term::from(from?))),
            _ => None,
        },
        _ => None,
    }
}

fn said(expression: &Term, word: &str, ontology: &[Triple]) -> Option<Term> {
    let of = |axiom: &&Triple| {
        Term::from(axiom.subject.clone()) == *expression && axiom.predicate.as_str().strip_prefix(OWL) == Some(word)
    };
    ontology.iter().find(of).map(|axiom| axiom.object.clone())
}

fn members(list: &Term, ontology: &[Triple]) -> Vec<Term> {
    let of = |node: &Term, name: oxrdf::NamedNodeRef<'_>| {
        let axiom = ontology.iter().find(|axiom| Term::from(axiom.subject.clone()) == *node && axiom.predicate == name);
        axiom.map(|axiom| axiom.object.clone())
    };
    let mut found = Vec::new();
    let mut rest = list.clone();
    while let (Some(first), Some(next)) = (of(&rest, rdf::FIRST), of(&rest, rdf::REST)) {
        found.push(first);
        rest = next;
    }
    found
}

fn resource(term: &Term) -> Option<NamedOrBlankNode> {
    match term {
        Term::NamedNode(node) => Some(node.clone().into()),
        Term::BlankNode(node) => Some(node.clone().into()),
        _ => None,
    }
}

/// A literal is of no class: those are datatypes.
fn is_a(x: NamedOrBlankNode, class: &Term) -> Option<Triple> {
    let is_literal = matches!(&x, NamedOrBlankNode::BlankNode(node) if node.as_str().starts_with(LITERAL));
    (!is_literal).then(|| Triple::new(x, rdf::TYPE.into_owned(), class.clone()))
}

fn owl(name: &str) -> Term {
    NamedNode::new_unchecked(format!("{OWL}{name}")).into()
}
