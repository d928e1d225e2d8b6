//! From Turtle to shapes.

use super::{LinkShapes, NodeKind, NodeTest, Path, PropertyShape, Qualified, Shape, ShapeError, Target};
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{Graph, NamedNode, NamedOrBlankNode, NamedOrBlankNodeRef, Term, TermRef};
use oxttl::TurtleParser;
use regex::RegexBuilder;
use std::collections::{BTreeSet, HashSet};

const SH: &str = "http://www.w3.org/ns/shacl#";

/// Elements of a list, and bytes of a compiled pattern.
const MOST_ELEMENTS: usize = 10_000;
const PATTERN_BYTES: usize = 1 << 20;

/// Words that say nothing of what is valid.
const DESCRIPTIVE: [&str; 8] =
    ["name", "description", "order", "group", "message", "deactivated", "severity", "targetSubjectsOf"];

/// Words of a node shape, or of what is nested in a property shape, besides [`DESCRIPTIVE`].
const OF_NODES: [&str; 7] = ["nodeKind", "pattern", "flags", "class", "in", "property", "targetObjectsOf"];

/// Words of a property shape, besides [`DESCRIPTIVE`] and [`OF_NODES`].
const OF_PROPERTIES: [&str; 7] =
    ["path", "minCount", "maxCount", "disjoint", "qualifiedValueShape", "qualifiedMinCount", "qualifiedMaxCount"];

impl LinkShapes {
    /// Reads a Turtle file. All that is wrong is told.
    pub fn parse(file: &std::path::Path, text: &str, base: &str) -> Result<Self, Vec<ShapeError>> {
        let mut graph = Graph::new();
        let parser = TurtleParser::new().with_base_iri(base).map_err(|error| {
            vec![ShapeError::Shape { file: file.to_owned(), shape: base.to_owned(), message: error.to_string() }]
        })?;
        for triple in parser.for_slice(text) {
            let triple = triple.map_err(|error| {
                let (place, message) = (error.location().start, error.message().to_owned());
                let (line, column) = (place.line + 1, place.column + 1);
                vec![ShapeError::Syntax { file: file.to_owned(), line, column, message }]
            })?;
            graph.insert(&triple);
        }
        let mut reader = Reader { graph: &graph, wrong: Vec::new() };
        let shapes = reader.shapes();
        if reader.wrong.is_empty() {
            return Ok(Self { shapes });
        }
        let error = |(shape, message)| ShapeError::Shape { file: file.to_owned(), shape, message };
        Err(reader.wrong.into_iter().map(error).collect())
    }
}

struct Reader<'a> {
    graph: &'a Graph,
    /// The shape and what is wrong with it.
    wrong: Vec<(String, String)>,
}

type Node<'a> = NamedOrBlankNodeRef<'a>;

impl<'a> Reader<'a> {
    fn shapes(&mut self) -> Vec<Shape> {
        let mut nodes: HashSet<NamedOrBlankNode> = HashSet::new();
        for word in ["targetSubjectsOf", "targetObjectsOf", "targetClass", "targetNode", "target"] {
            nodes.extend(self.graph.triples_for_predicate(&sh(word)).map(|triple| triple.subject.into_owned()));
        }
        let typed = self.graph.subjects_for_predicate_object(rdf::TYPE, &sh("NodeShape"));
        nodes.extend(typed.map(Node::into_owned));
        let mut nodes: Vec<NamedOrBlankNode> = nodes.into_iter().collect();
        nodes.sort_by_cached_key(ToString::to_string);
        nodes.iter().filter_map(|node| self.shape(node)).collect()
    }

    fn shape(&mut self, node: &NamedOrBlankNode) -> Option<Shape> {
        let node = node.as_ref();
        let name = self.name(node);
        self.check_words(node, &name, &[]);
        let subjects = self.iris(node, "targetSubjectsOf", &name).into_iter().map(Target::SubjectsOf);
        let mut targets: Vec<Target> = subjects.collect();
        targets.extend(self.iris(node, "targetObjectsOf", &name).into_iter().map(Target::ObjectsOf));
        let shape = Shape {
            message: self.message(node, &name),
            node: self.node_test(node, &name),
            properties: self.property_shapes(node),
            targets,
            name,
        };
        let is_active = self.is_active(node, &shape.name);
        // A shape without targets is one that others refer to.
        (is_active && !shape.targets.is_empty()).then_some(shape)
    }

    fn property_shapes(&mut self, node: Node<'_>) -> Vec<PropertyShape> {
        let nested: Vec<Term> =
            self.graph.objects_for_subject_predicate(node, &sh("property")).map(TermRef::into_owned).collect();
        nested.iter().filter_map(|term| self.property_shape(term, node)).collect()
    }

    fn property_shape(&mut self, term: &Term, parent: Node<'_>) -> Option<PropertyShape> {
        let parent_name = self.name(parent);
        let node = self.as_node(term, &parent_name, "property")?;
        let name = match node.as_ref() {
            Node::NamedNode(_) => self.name(node.as_ref()),
            Node::BlankNode(_) => parent_name,
        };
        let node = node.as_ref();
        self.check_words(node, &name, &OF_PROPERTIES);
        if self.graph.objects_for_subject_predicate(node, &sh("property")).next().is_some() {
            self.wrong(&name, "sh:property inside of sh:property is not supported");
        }
        let path = self.path(node, &name);
        let qualified = self.qualified(node, &name);
        let shape = PropertyShape {
            path: path?,
            message: self.message(node, &name),
            each: self.node_test(node, &name),
            min_count: self.count(node, "minCount", &name),
            max_count: self.count(node, "maxCount", &name),
            disjoint: self.iris(node, "disjoint", &name),
            qualified,
            name,
        };
        let is_active = self.is_active(node, &shape.name);
        is_active.then_some(shape)
    }

    fn path(&mut self, node: Node<'_>, name: &str) -> Option<Path> {
        let path = self.graph.object_for_subject_predicate(node, &sh("path")).map(TermRef::into_owned);
        match path {
            Some(Term::NamedNode(predicate)) => Some(Path::Forward(predicate)),
            Some(Term::BlankNode(path)) => {
                let steps: Vec<_> = self.graph.triples_for_subject(&path).collect();
                match steps.as_slice() {
                    [step] if step.predicate == sh("inversePath").as_ref() => match step.object {
                        TermRef::NamedNode(predicate) => return Some(Path::Inverse(predicate.into_owned())),
                        _ => self.wrong(name, "sh:inversePath of anything but a predicate is not supported"),
                    },
                    _ => self.wrong(name, "sh:path is a predicate or sh:inversePath of one: others are not supported"),
                }
                None
            }
            _ => {
                self.wrong(name, "sh:property has no sh:path");
                None
            }
        }
    }

    fn qualified(&mut self, node: Node<'_>, name: &str) -> Option<Qualified> {
        let counts = [self.count(node, "qualifiedMinCount", name), self.count(node, "qualifiedMaxCount", name)];
        let shape = self.graph.object_for_subject_predicate(node, &sh("qualifiedValueShape")).map(TermRef::into_owned);
        match (shape, counts) {
            (None, [None, None]) => None,
            (None, _) => {
                self.wrong(name, "a qualified count has no sh:qualifiedValueShape");
                None
            }
            (Some(_), [None, None]) => {
                self.wrong(name, "sh:qualifiedValueShape has neither sh:qualifiedMinCount nor sh:qualifiedMaxCount");
                None
            }
            (Some(shape), [min, max]) => {
                let nested = self.as_node(&shape, name, "qualifiedValueShape")?;
                self.check_words(nested.as_ref(), name, &[]);
                if !self.property_shapes(nested.as_ref()).is_empty() {
                    self.wrong(name, "sh:property inside of sh:qualifiedValueShape is not supported");
                }
                Some(Qualified { test: self.node_test(nested.as_ref(), name), min, max })
            }
        }
    }

    fn node_test(&mut self, node: Node<'_>, name: &str) -> NodeTest {
        let kinds = self.iris(node, "nodeKind", name);
        if kinds.len() > 1 {
            self.wrong(name, "there is more than one sh:nodeKind");
        }
        NodeTest {
            kind: kinds.first().and_then(|kind| self.node_kind(kind, name)),
            patterns: self.patterns(node, name),
            classes: self.iris(node, "class", name),
            one_of: self.one_of(node, name),
        }
    }

    fn node_kind(&mut self, kind: &NamedNode, name: &str) -> Option<NodeKind> {
        const KINDS: [(&str, bool); 6] = [
            ("IRI", true),
            ("BlankNodeOrIRI", true),
            ("IRIOrLiteral", true),
            ("BlankNode", false),
            ("Literal", false),
            ("BlankNodeOrLiteral", false),
        ];
        let local = kind.as_str().strip_prefix(SH);
        let known = KINDS.into_iter().find(|(known, _)| local == Some(*known));
        if known.is_none() {
            self.wrong(name, &format!("{kind} is no sh:nodeKind"));
        }
        known.map(|(name, allows_iri)| NodeKind { name, allows_iri })
    }

    /// SPARQL's `REGEX`, whose patterns are those of the engine: what it cannot read is refused.
    fn patterns(&mut self, node: Node<'_>, name: &str) -> Vec<regex::Regex> {
        let flags = self.texts(node, "flags", name).into_iter().next().unwrap_or_default();
        if let Some(flag) = flags.chars().find(|flag| !"imsx".contains(*flag)) {
            self.wrong(name, &format!("sh:flags {flag:?} is not supported"));
        }
        let mut patterns = Vec::new();
        for text in self.texts(node, "pattern", name) {
            let built = RegexBuilder::new(&text)
                .case_insensitive(flags.contains('i'))
                .multi_line(flags.contains('m'))
                .dot_matches_new_line(flags.contains('s'))
                .ignore_whitespace(flags.contains('x'))
                .size_limit(PATTERN_BYTES)
                .build();
            match built {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.wrong(name, &format!("sh:pattern {text:?}: {}", last_line(&error.to_string()))),
            }
        }
        patterns
    }

    fn one_of(&mut self, node: Node<'_>, name: &str) -> Option<BTreeSet<NamedNode>> {
        let mut rest = self.graph.object_for_subject_predicate(node, &sh("in"))?.into_owned();
        let mut all = BTreeSet::new();
        for _ in 0..MOST_ELEMENTS {
            let list = match &rest {
                Term::NamedNode(end) if *end == rdf::NIL => return Some(all),
                Term::BlankNode(list) => list.clone(),
                _ => break,
            };
            match self.graph.object_for_subject_predicate(&list, rdf::FIRST) {
                Some(TermRef::NamedNode(element)) => all.insert(element.into_owned()),
                // No end of a link is anything else, so that it changes nothing.
                Some(_) => false,
                None => break,
            };
            let Some(next) = self.graph.object_for_subject_predicate(&list, rdf::REST) else { break };
            rest = next.into_owned();
        }
        self.wrong(name, &format!("sh:in is no list of at most {MOST_ELEMENTS} terms"));
        None
    }

    fn is_active(&mut self, node: Node<'_>, name: &str) -> bool {
        for severity in self.iris(node, "severity", name) {
            if severity != sh("Violation") {
                self.wrong(name, &format!("sh:severity {severity} is not supported: a link is recorded or refused"));
            }
        }
        !self.texts(node, "deactivated", name).iter().any(|text| text == "true" || text == "1")
    }

    /// The message without a language, else the English one, else the first.
    fn message(&mut self, node: Node<'_>, name: &str) -> Option<String> {
        let mut messages = Vec::new();
        for term in self.graph.objects_for_subject_predicate(node, &sh("message")) {
            match term {
                TermRef::Literal(literal) => {
                    let rank = match literal.language() {
                        None => 0,
                        Some(tag) if tag.starts_with("en") => 1,
                        Some(_) => 2,
                    };
                    messages.push((rank, literal.value().to_owned()));
                }
                _ => self.wrong.push((name.to_owned(), "sh:message is a text".to_owned())),
            }
        }
        messages.into_iter().min().map(|(_, text)| text)
    }

    fn count(&mut self, node: Node<'_>, word: &str, name: &str) -> Option<usize> {
        let terms: Vec<Term> =
            self.graph.objects_for_subject_predicate(node, &sh(word)).map(TermRef::into_owned).collect();
        let [term] = terms.as_slice() else {
            if !terms.is_empty() {
                self.wrong(name, &format!("there is more than one sh:{word}"));
            }
            return None;
        };
        let count = match term {
            Term::Literal(literal) if literal.datatype() == xsd::INTEGER => literal.value().parse().ok(),
            _ => None,
        };
        if count.is_none() {
            self.wrong(name, &format!("sh:{word} is a whole number, not {term}"));
        }
        count
    }

    fn iris(&mut self, node: Node<'_>, word: &str, name: &str) -> Vec<NamedNode> {
        let mut found = BTreeSet::new();
        for term in self.graph.objects_for_subject_predicate(node, &sh(word)) {
            match term {
                TermRef::NamedNode(iri) => {
                    found.insert(iri.into_owned());
                }
                other => self.wrong.push((name.to_owned(), format!("sh:{word} is an IRI, not {other}"))),
            }
        }
        found.into_iter().collect()
    }

    fn texts(&mut self, node: Node<'_>, word: &str, name: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        for term in self.graph.objects_for_subject_predicate(node, &sh(word)) {
            match term {
                TermRef::Literal(literal) => {
                    found.insert(literal.value().to_owned());
                }
                other => self.wrong.push((name.to_owned(), format!("sh:{word} is a literal, not {other}"))),
            }
        }
        found.into_iter().collect()
    }

    /// Every word of SHACL that is not supported is an error.
    fn check_words(&mut self, node: Node<'_>, name: &str, more: &[&str]) {
        let words: BTreeSet<&str> = self
            .graph
            .triples_for_subject(node)
            .filter_map(|triple| triple.predicate.as_str().strip_prefix(SH))
            .filter(|word| ![DESCRIPTIVE.as_slice(), &OF_NODES, more].concat().contains(word))
            .collect();
        for word in words {
            self.wrong.push((name.to_owned(), format!("sh:{word} is not supported here")));
        }
    }

    fn as_node(&mut self, term: &Term, name: &str, word: &str) -> Option<NamedOrBlankNode> {
        match term {
            Term::NamedNode(node) => Some(node.clone().into()),
            Term::BlankNode(node) => Some(node.clone().into()),
            other => {
                self.wrong(name, &format!("sh:{word} is a shape, not {other}"));
                None
            }
        }
    }

    fn name(&self, node: Node<'_>) -> String {
        match node {
            Node::NamedNode(node) => node.as_str().to_owned(),
            Node::BlankNode(_) => {
                let target =
                    |word: &str| Some((word.to_owned(), self.graph.object_for_subject_predicate(node, &sh(word))?));
                match target("targetSubjectsOf").or_else(|| target("targetObjectsOf")) {
                    Some((word, of)) => format!("without a name, sh:{word} {of}"),
                    None => "without a name".to_owned(),
                }
            }
        }
    }

    fn wrong(&mut self, name: &str, message: &str) {
        self.wrong.push((name.to_owned(), message.to_owned()));
    }
}

fn sh(word: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{SH}{word}"))
}

/// The last line of what the engine of patterns says tells what is wrong; those before show where.
fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text)
}
