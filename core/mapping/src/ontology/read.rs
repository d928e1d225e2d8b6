//! From the statements of ontology files to rules.

use super::{Ontology, PropertyRules, Role};
use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{BlankNode, NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Triple};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const OWL: &str = "http://www.w3.org/2002/07/owl#";

/// Expressions in expressions, and members of a list, that are looked into.
const DEPTH: usize = 16;
const MEMBERS: usize = 10_000;

/// More notes are counted, not told.
const NOTES: usize = 200;

/// Predicates that say something that is not followed, and why.
const NOT_FOLLOWED: &[(&str, &str)] = &[
    ("sameAs", "things that are one are links, weft:sameThingAs: nothing follows for the other name"),
    ("propertyChainAxiom", "it needs several statements; write the chain as a path in the query"),
    ("hasKey", "it needs several statements; declare a link rule"),
    ("disjointWith", "contradictions are not looked for"),
    ("propertyDisjointWith", "contradictions are not looked for"),
    ("disjointUnionOf", "which member a thing is in does not follow"),
    ("differentFrom", "contradictions are not looked for"),
];

/// Classes of properties that say something that is not followed, and why.
const NOT_FOLLOWED_TYPES: &[(&str, &str)] = &[
    ("TransitiveProperty", "it needs several statements; write + behind the property in the query"),
    ("FunctionalProperty", "it needs several statements; declare a link rule"),
    ("InverseFunctionalProperty", "it needs several statements; declare a link rule"),
    ("ReflexiveProperty", "it would be said of everything"),
    ("IrreflexiveProperty", "contradictions are not looked for"),
    ("AsymmetricProperty", "contradictions are not looked for"),
    ("AllDisjointClasses", "contradictions are not looked for"),
    ("AllDisjointProperties", "contradictions are not looked for"),
    ("AllDifferent", "contradictions are not looked for"),
    ("NegativePropertyAssertion", "contradictions are not looked for"),
];

/// What something is concluded from, or what is concluded of it: a thing is of a class, or is the subject of some
/// statement with a property.
#[derive(Clone, Debug)]
enum Concept {
    Class(NamedNode),
    Exists(Role),
}

struct Reader<'a> {
    /// What is said of blank nodes, which are expressions.
    expressions: HashMap<&'a BlankNode, Vec<(NamedNodeRef<'a>, &'a Term)>>,
    datatypes: HashSet<&'a NamedNode>,
    ontologies: HashSet<&'a NamedNode>,
    ontology: Ontology,
    /// What has a property, though nobody knows with which object.
    existentials: Vec<(Concept, Role)>,
    notes: BTreeSet<String>,
}

impl Ontology {
    /// The rules that these statements are. Blank nodes of different files must differ.
    pub fn read(triples: &[Triple]) -> Self {
        let mut reader = Reader::new(triples);
        for triple in triples {
            reader.axiom(triple);
        }
        reader.follow_existentials();
        while reader.turn_around() {}
        let Reader { mut ontology, notes, .. } = reader;
        let more = notes.len().saturating_sub(NOTES);
        ontology.notes = notes.into_iter().take(NOTES).collect();
        if more > 0 {
            ontology.notes.push(format!("{more} more that are not followed"));
        }
        ontology
    }
}

impl<'a> Reader<'a> {
    fn new(triples: &'a [Triple]) -> Self {
        let mut reader = Self {
            expressions: HashMap::new(),
            datatypes: HashSet::new(),
            ontologies: HashSet::new(),
            ontology: Ontology::default(),
            existentials: Vec::new(),
            notes: BTreeSet::new(),
        };
        for triple in triples {
            match (&triple.subject, &triple.object) {
                (NamedOrBlankNode::BlankNode(node), object) => {
                    reader.expressions.entry(node).or_default().push((triple.predicate.as_ref(), object));
                }
                (NamedOrBlankNode::NamedNode(name), Term::NamedNode(class)) if triple.predicate == rdf::TYPE => {
                    if *class == rdfs::DATATYPE {
                        reader.datatypes.insert(name);
                    } else if class.as_str().strip_prefix(OWL) == Some("Ontology") {
                        reader.ontologies.insert(name);
                    }
                }
                _ => {}
            }
        }
        reader
    }

    fn axiom(&mut self, triple: &'a Triple) {
        let subject: Term = triple.subject.clone().into();
        let predicate = triple.predicate.as_ref();
        match predicate {
            rdfs::SUB_CLASS_OF => self.sub_class(&subject, &triple.object),
            rdfs::SUB_PROPERTY_OF => self.sub_property(&subject, &triple.object),
            rdfs::DOMAIN => self.domain(&subject, &triple.object, false),
            rdfs::RANGE if self.is_datatype(&triple.object) => {}
            rdfs::RANGE => self.domain(&subject, &triple.object, true),
            rdf::TYPE => self.typed(&subject, &triple.object),
            _ => {
                if let Some(name) = predicate.as_str().strip_prefix(OWL) {
                    self.owl(name, &subject, &triple.object);
                }
            }
        }
    }

    fn owl(&mut self, name: &str, subject: &Term, object: &Term) {
        match name {
            "equivalentClass" => {
                self.sub_class(subject, object);
                self.sub_class(object, subject);
            }
            "equivalentProperty" => {
                self.sub_property(subject, object);
                self.sub_property(object, subject);
            }
            // Of a blank node it is an expression, which is read where it is used.
            "inverseOf" if matches!(subject, Term::NamedNode(_)) => {
                let (Some(role), Some(other)) = (self.role(subject), self.role(object)) else {
                    return self.note(subject, "owl:inverseOf", "it names no property");
                };
                let flipped = |role: &Role| Role { inverse: !role.inverse, ..role.clone() };
                self.above(role.clone(), flipped(&other));
                self.above(other, flipped(&role));
            }
            "imports" => {
                if let Term::NamedNode(node) = object
                    && !self.ontologies.contains(node)
                {
                    self.note(subject, &format!("owl:imports {node}"), "nothing is fetched: list its file, too");
                }
            }
            _ => {
                if let Some((name, why)) = NOT_FOLLOWED.iter().find(|(known, _)| *known == name) {
                    self.note(subject, &format!("owl:{name}"), why);
                }
            }
        }
    }

    fn typed(&mut self, subject: &Term, class: &Term) {
        let Term::NamedNode(class) = class else { return };
        let Some(name) = class.as_str().strip_prefix(OWL) else { return };
        if name == "SymmetricProperty" {
            match self.role(subject) {
                Some(role) => self.above(role.clone(), Role { inverse: !role.inverse, ..role }),
                None => self.note(subject, "owl:SymmetricProperty", "it names no property"),
            }
        } else if let Some((name, why)) = NOT_FOLLOWED_TYPES.iter().find(|(known, _)| *known == name) {
            self.note(subject, &format!("owl:{name}"), why);
        }
    }

    fn sub_class(&mut self, sub: &Term, class: &Term) {
        let conclusions = self.conclusions(sub, class, DEPTH);
        if conclusions.is_empty() {
            return;
        }
        for premise in self.premises(sub, DEPTH) {
            conclusions.iter().for_each(|conclusion| self.conclude(&premise, conclusion));
        }
    }

    fn conclude(&mut self, premise: &Concept, conclusion: &Concept) {
        match (premise, conclusion) {
            (premise, Concept::Exists(role)) => self.existentials.push((premise.clone(), role.clone())),
            (Concept::Class(name), Concept::Class(class)) if name == class => {}
            (Concept::Class(name), Concept::Class(class)) => {
                add(self.ontology.classes.entry(name.clone()).or_default(), class);
            }
            (Concept::Exists(role), Concept::Class(class)) => {
                let rules = self.rules(&role.name);
                add(if role.inverse { &mut rules.range } else { &mut rules.domain }, class);
            }
        }
    }

    /// What has a property is in the classes of its subjects, whatever the object is. Nothing else follows for what has
    /// a name.
    fn follow_existentials(&mut self) {
        for (premise, role) in std::mem::take(&mut self.existentials) {
            for class in self.classes_of(role) {
                self.conclude(&premise, &Concept::Class(class));
            }
        }
    }

    /// What follows from a statement turned around, without turning it around: no statement has a literal as its subject.
    /// Tells whether that was new.
    fn turn_around(&mut self) -> bool {
        let known = self.ontology.properties.clone();
        for (name, rules) in &known {
            let turned = rules.supers.iter().filter(|role| role.inverse).filter_map(|role| known.get(&role.name));
            for other in turned {
                for role in &other.supers {
                    let above = Role { name: role.name.clone(), inverse: !role.inverse };
                    self.above(Role { name: name.clone(), inverse: false }, above);
                }
                let own = self.rules(name);
                other.range.iter().for_each(|class| add(&mut own.domain, class));
                other.domain.iter().for_each(|class| add(&mut own.range, class));
            }
        }
        self.ontology.properties != known
    }

    /// The classes of what has a property, in this direction.
    fn classes_of(&self, role: Role) -> Vec<NamedNode> {
        let (mut roles, mut classes) = (vec![role], Vec::new());
        let mut next = 0;
        while let Some(Role { name, inverse }) = roles.get(next).cloned() {
            next += 1;
            let Some(rules) = self.ontology.properties.get(&name) else { continue };
            classes.extend_from_slice(if inverse { &rules.range } else { &rules.domain });
            for above in &rules.supers {
                let above = Role { name: above.name.clone(), inverse: above.inverse != inverse };
                if !roles.contains(&above) {
                    roles.push(above);
                }
            }
        }
        classes
    }

    fn domain(&mut self, property: &Term, class: &Term, is_range: bool) {
        let Some(role) = self.role(property) else {
            return self.note(property, "rdfs:domain or rdfs:range", "it names no property");
        };
        let role = Role { inverse: role.inverse != is_range, ..role };
        for conclusion in self.conclusions(property, class, DEPTH) {
            self.conclude(&Concept::Exists(role.clone()), &conclusion);
        }
    }

    fn sub_property(&mut self, sub: &Term, property: &Term) {
        match (self.role(sub), self.role(property)) {
            (Some(sub), Some(role)) => self.above(sub, role),
            _ => self.note(sub, "rdfs:subPropertyOf", "it names no property"),
        }
    }

    fn above(&mut self, sub: Role, role: Role) {
        let above = Role { inverse: role.inverse != sub.inverse, name: role.name };
        if above.name == sub.name && !above.inverse {
            return;
        }
        let supers = &mut self.rules(&sub.name).supers;
        if !supers.contains(&above) {
            supers.push(above);
        }
    }

    fn rules(&mut self, property: &NamedNode) -> &mut PropertyRules {
        let properties: &mut BTreeMap<_, _> = &mut self.ontology.properties;
        properties.entry(property.clone()).or_default()
    }

    /// A property, or `[ owl:inverseOf property ]`.
    fn role(&self, term: &Term) -> Option<Role> {
        match term {
            Term::NamedNode(name) => Some(Role { name: name.clone(), inverse: false }),
            Term::BlankNode(node) => match self.said(node, "inverseOf")? {
                Term::NamedNode(name) => Some(Role { name: name.clone(), inverse: true }),
                _ => None,
            },
            _ => None,
        }
    }

    /// What follows for a thing that is in this expression.
    fn conclusions(&mut self, about: &Term, class: &Term, depth: usize) -> Vec<Concept> {
        let node = match class {
            Term::NamedNode(name) => return vec![Concept::Class(name.clone())],
            Term::BlankNode(node) => node,
            _ => {
                self.note(about, &class.to_string(), "it is no class");
                return Vec::new();
            }
        };
        if let (Some(list), true) = (self.said(node, "intersectionOf"), depth > 0) {
            let members = self.members(list);
            return members.into_iter().flat_map(|member| self.conclusions(about, member, depth - 1)).collect();
        }
        if self.is_said(node, "someValuesFrom") {
            let why = "which thing there is, nobody knows; only the classes of what has the property follow";
            self.note(about, "an existential", why);
            let role = self.said(node, "onProperty").and_then(|property| self.role(property));
            return role.map(Concept::Exists).into_iter().collect();
        }
        let (what, why) = if self.is_said(node, "unionOf") {
            ("a union", "in which of its classes a thing is does not follow")
        } else {
            ("a class expression", "only names, and intersections of them, follow")
        };
        self.note(about, what, why);
        Vec::new()
    }

    /// What a thing must be to be in this expression; each alone is enough.
    fn premises(&mut self, class: &Term, depth: usize) -> Vec<Concept> {
        let node = match class {
            Term::NamedNode(name) => return vec![Concept::Class(name.clone())],
            Term::BlankNode(node) => node,
            _ => return Vec::new(),
        };
        if let (Some(list), true) = (self.said(node, "unionOf"), depth > 0) {
            let members = self.members(list);
            return members.into_iter().flat_map(|member| self.premises(member, depth - 1)).collect();
        }
        let filler = self.said(node, "someValuesFrom");
        let is_everything = matches!(filler, Some(Term::NamedNode(class)) if class.as_str().strip_prefix(OWL) == Some("Thing") || *class == rdfs::RESOURCE);
        let role = self.said(node, "onProperty").and_then(|property| self.role(property));
        match role {
            Some(role) if is_everything => vec![Concept::Exists(role)],
            role => {
                let about = role.map_or_else(|| class.clone(), |role| role.name.into());
                self.note(
                    &about,
                    "a class expression as a condition",
                    "it needs several statements, or is beyond OWL 2 QL",
                );
                Vec::new()
            }
        }
    }

    /// The members of a list, as far as it is one.
    fn members(&self, list: &'a Term) -> Vec<&'a Term> {
        let mut members = Vec::new();
        let mut rest = list;
        while let (Term::BlankNode(node), true) = (rest, members.len() < MEMBERS) {
            let said = self.expressions.get(node).into_iter().flatten();
            let of = |wanted: NamedNodeRef<'_>| said.clone().find(|(name, _)| *name == wanted).map(|(_, term)| *term);
            let (Some(first), Some(next)) = (of(rdf::FIRST), of(rdf::REST)) else { break };
            members.push(first);
            rest = next;
        }
        members
    }

    /// What OWL says of an expression by one of its words.
    fn said(&self, node: &BlankNode, word: &str) -> Option<&'a Term> {
        let said = self.expressions.get(node)?;
        said.iter().find(|(name, _)| name.as_str().strip_prefix(OWL) == Some(word)).map(|(_, term)| *term)
    }

    fn is_said(&self, node: &BlankNode, word: &str) -> bool {
        self.said(node, word).is_some()
    }

    /// A range of literals: no thing is in it.
    fn is_datatype(&self, class: &Term) -> bool {
        match class {
            Term::NamedNode(name) => {
                self.datatypes.contains(name)
                    || name.as_str().starts_with(XSD)
                    || [rdfs::LITERAL, rdf::LANG_STRING].contains(&name.as_ref())
                    || name.as_str() == RDF_PLAIN_LITERAL
            }
            Term::BlankNode(node) => {
                self.is_said(node, "onDatatype") || self.is_said(node, "oneOf") && self.is_data_range(node)
            }
            _ => false,
        }
    }

    fn is_data_range(&self, node: &BlankNode) -> bool {
        self.said(node, "oneOf")
            .is_some_and(|list| self.members(list).iter().any(|member| matches!(member, Term::Literal(_))))
    }

    fn note(&mut self, about: &Term, what: &str, why: &str) {
        let about = match about {
            Term::NamedNode(name) => name.to_string(),
            _ => "an unnamed expression".to_owned(),
        };
        self.notes.insert(format!("{about}: {what} is not followed: {why}"));
    }
}

/// The namespace that all of its datatypes share.
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const RDF_PLAIN_LITERAL: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#PlainLiteral";

fn add(classes: &mut Vec<NamedNode>, class: &NamedNode) {
    if !classes.contains(class) {
        classes.push(class.clone());
    }
}
