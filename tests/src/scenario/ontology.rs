//! Draws what an ontology says of the words of some mappings.

use super::Source;
use super::pools::pick;
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;

/// Before the axioms, each of which is one line.
const PROLOGUE: &str = "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix ex: <http://example.com/vocab#> .
";

/// Classes that no mapping names, and IRIs that things have.
const FURTHER_CLASSES: &[&str] = &["ex:Entity", "ex:Root", "ex:Thing", "<http://example.com/part/1>"];

const FURTHER_PROPERTIES: &[&str] = &["ex:linked", "ex:says", "ex:partOf", "ex:near"];

/// A document of these axioms.
pub(crate) fn document(axioms: &[String]) -> String {
    PROLOGUE.to_owned() + &axioms.join("\n") + "\n"
}

/// Mostly nothing; else a few axioms about what the sources say.
pub(super) fn draw(rng: &mut StdRng, sources: &[Source]) -> Vec<String> {
    if rng.random_bool(0.6) || sources.iter().any(says_graphs_of_joins) {
        return Vec::new();
    }
    let words = Words::of(sources);
    (0..rng.random_range(1..10)).map(|_| words.axiom(rng)).collect()
}

/// What the engine refuses to turn around: see [`weft_mapping::SaturationError`].
fn says_graphs_of_joins(source: &Source) -> bool {
    let text = source.mapping.to_turtle();
    text.contains("rr:graphMap") && text.contains("rr:parentTriplesMap")
}

struct Words {
    classes: Vec<String>,
    properties: Vec<String>,
}

impl Words {
    fn of(sources: &[Source]) -> Self {
        let (mut classes, mut properties) = (BTreeSet::new(), BTreeSet::new());
        for source in sources {
            let text = source.mapping.to_turtle();
            let words: Vec<&str> = text.split_whitespace().collect();
            for pair in words.windows(2) {
                match pair {
                    ["rr:class", name] => classes.insert((*name).to_owned()),
                    ["rr:predicate", name] => properties.insert((*name).to_owned()),
                    _ => false,
                };
            }
        }
        Self { classes: classes.into_iter().collect(), properties: properties.into_iter().collect() }
    }

    fn class(&self, rng: &mut StdRng) -> String {
        if self.classes.is_empty() || rng.random_bool(0.3) {
            return pick(rng, FURTHER_CLASSES).to_owned();
        }
        self.classes[rng.random_range(0..self.classes.len())].clone()
    }

    fn property(&self, rng: &mut StdRng) -> String {
        if rng.random_bool(0.02) {
            return "rdf:type".to_owned();
        }
        if self.properties.is_empty() || rng.random_bool(0.15) {
            return pick(rng, FURTHER_PROPERTIES).to_owned();
        }
        self.properties[rng.random_range(0..self.properties.len())].clone()
    }

    /// A property or its inverse.
    fn role(&self, rng: &mut StdRng) -> String {
        let property = self.property(rng);
        if rng.random_bool(0.2) { format!("[ owl:inverseOf {property} ]") } else { property }
    }

    fn axiom(&self, rng: &mut StdRng) -> String {
        let (a, b, c) = (self.class(rng), self.class(rng), self.class(rng));
        let (p, q, role) = (self.property(rng), self.property(rng), self.role(rng));
        let some = format!("[ owl:onProperty {role} ; owl:someValuesFrom owl:Thing ]");
        match rng.random_range(0..100) {
            0..18 => format!("{a} rdfs:subClassOf {b} ."),
            18..22 => format!("{a} owl:equivalentClass {b} ."),
            22..26 => format!("{a} rdfs:subClassOf [ owl:intersectionOf ( {b} {c} ) ] ."),
            26..30 => format!("[ owl:unionOf ( {a} {b} ) ] rdfs:subClassOf {c} ."),
            30..35 => format!("{some} rdfs:subClassOf {a} ."),
            35..39 => format!("{a} rdfs:subClassOf {some} ."),
            39..41 => format!("{a} owl:equivalentClass {some} ."),
            41..57 => format!("{p} rdfs:subPropertyOf {q} ."),
            57..60 => format!("{p} rdfs:subPropertyOf {role} ."),
            60..63 => format!("{p} owl:equivalentProperty {q} ."),
            63..71 => format!("{p} owl:inverseOf {q} ."),
            71..76 => format!("{p} a owl:SymmetricProperty ."),
            76..87 => format!("{p} rdfs:domain {a} ."),
            87..96 => format!("{p} rdfs:range {a} ."),
            // What nothing follows from, here.
            96 => format!("{p} a owl:TransitiveProperty ."),
            97 => format!("{p} a owl:FunctionalProperty ."),
            98 => format!("{a} rdfs:subClassOf [ owl:unionOf ( {b} {c} ) ] ."),
            _ => "<http://example.com/part/1> owl:sameAs <http://example.com/part/2> .".to_owned(),
        }
    }
}
