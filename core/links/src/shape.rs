//! SHACL shapes for links: what a link must satisfy to be recorded.
//!
//! A part of SHACL Core, read strictly: what is not supported is an error when the shapes are read, never ignored. Only links
//! are looked at, one at a time as they are recorded, and the classes of their ends, which the sources know. The crates that
//! validate SHACL (rudof's `shacl_validation`, 0.2) want the data as one graph or one endpoint, and bring a SPARQL
//! service, `reqwest` and a second store with them; the part needed here is small.
//!
//! | | supported |
//! |---|---|
//! | targets | `sh:targetSubjectsOf`, `sh:targetObjectsOf` |
//! | of nodes | `sh:nodeKind`, `sh:pattern` with `sh:flags`, `sh:class`, `sh:in` |
//! | of properties | those, `sh:minCount`, `sh:maxCount`, `sh:disjoint`, `sh:qualifiedValueShape` with its counts |
//! | paths | a predicate, `sh:inversePath` of one |
//! | others | `sh:message`, `sh:deactivated`, `sh:severity sh:Violation` |

mod read;
#[cfg(test)]
mod tests;

use oxrdf::NamedNode;
use regex::Regex;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

/// The shapes of a file.
#[derive(Clone, Debug, Default)]
pub struct LinkShapes {
    shapes: Vec<Shape>,
}

/// A node shape with targets.
#[derive(Clone, Debug)]
struct Shape {
    name: String,
    targets: Vec<Target>,
    message: Option<String>,
    node: NodeTest,
    properties: Vec<PropertyShape>,
}

/// The nodes a shape is about: the ends of links with a predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    SubjectsOf(NamedNode),
    ObjectsOf(NamedNode),
}

/// What a node must be.
#[derive(Clone, Debug, Default)]
struct NodeTest {
    /// Whether IRIs are allowed, which all ends of links are.
    kind: Option<NodeKind>,
    patterns: Vec<Regex>,
    classes: Vec<NamedNode>,
    one_of: Option<BTreeSet<NamedNode>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NodeKind {
    name: &'static str,
    allows_iri: bool,
}

/// What the nodes at the other end of links must be, one by one and together.
#[derive(Clone, Debug)]
struct PropertyShape {
    name: String,
    path: Path,
    message: Option<String>,
    each: NodeTest,
    min_count: Option<usize>,
    max_count: Option<usize>,
    disjoint: Vec<NamedNode>,
    qualified: Option<Qualified>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Path {
    Forward(NamedNode),
    Inverse(NamedNode),
}

/// How many of the nodes must be of a shape.
#[derive(Clone, Debug)]
struct Qualified {
    test: NodeTest,
    min: Option<usize>,
    max: Option<usize>,
}

/// What is known of the ends of links, besides the link itself. What is not in here is not so.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// (entity, class)
    classes: HashSet<(NamedNode, NamedNode)>,
    objects: HashMap<(NamedNode, NamedNode), BTreeSet<NamedNode>>,
    subjects: HashMap<(NamedNode, NamedNode), BTreeSet<NamedNode>>,
}

/// A shape that a link violates. The message is that of the shape, where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (shape {shape})")]
pub struct Violation {
    pub shape: String,
    pub message: String,
}

/// What is wrong with a file of shapes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    #[error("{file}:{line}:{column}: {message}", file = file.display())]
    Syntax { file: PathBuf, line: u64, column: u64, message: String },
    #[error("{file}: shape {shape}: {message}", file = file.display())]
    Shape { file: PathBuf, shape: String, message: String },
}

impl Facts {
    pub fn add_class(&mut self, entity: NamedNode, class: NamedNode) {
        self.classes.insert((entity, class));
    }

    /// A link that is confirmed.
    pub fn add_link(&mut self, subject: &NamedNode, predicate: &NamedNode, object: &NamedNode) {
        self.objects.entry((subject.clone(), predicate.clone())).or_default().insert(object.clone());
        self.subjects.entry((object.clone(), predicate.clone())).or_default().insert(subject.clone());
    }

    fn values(&self, focus: &NamedNode, path: &Path) -> BTreeSet<NamedNode> {
        let values = match path {
            Path::Forward(predicate) => self.objects.get(&(focus.clone(), predicate.clone())),
            Path::Inverse(predicate) => self.subjects.get(&(focus.clone(), predicate.clone())),
        };
        values.cloned().unwrap_or_default()
    }
}

impl LinkShapes {
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Adds the shapes of another file.
    pub fn extend(&mut self, more: Self) {
        self.shapes.extend(more.shapes);
    }

    /// Whether the answer depends on other links of the same ends.
    pub fn look_at_other_links(&self) -> bool {
        self.shapes.iter().any(|shape| {
            shape.properties.iter().any(|property| {
                property.min_count.is_some()
                    || property.max_count.is_some()
                    || property.qualified.is_some()
                    || !property.disjoint.is_empty()
            })
        })
    }

    /// All classes that any shape asks for.
    pub fn classes(&self) -> BTreeSet<NamedNode> {
        let of_property = |property: &PropertyShape| {
            let qualified = property.qualified.iter().flat_map(|qualified| qualified.test.classes.clone());
            property.each.classes.iter().cloned().chain(qualified).collect::<Vec<_>>()
        };
        let of_shape = |shape: &Shape| {
            let properties = shape.properties.iter().flat_map(of_property);
            shape.node.classes.iter().cloned().chain(properties).collect::<Vec<_>>()
        };
        self.shapes.iter().flat_map(of_shape).collect()
    }

    /// Whether any shape is about links with this predicate.
    pub fn are_about(&self, predicate: &NamedNode) -> bool {
        self.shapes.iter().flat_map(|shape| &shape.targets).any(|target| match target {
            Target::SubjectsOf(of) | Target::ObjectsOf(of) => of == predicate,
        })
    }

    /// The first shape that the link violates, were it confirmed beside those of `facts`.
    pub fn check(
        &self,
        subject: &NamedNode,
        predicate: &NamedNode,
        object: &NamedNode,
        facts: &Facts,
    ) -> Result<(), Violation> {
        for shape in &self.shapes {
            for target in &shape.targets {
                let focus = match target {
                    Target::SubjectsOf(of) if of == predicate => subject,
                    Target::ObjectsOf(of) if of == predicate => object,
                    _ => continue,
                };
                shape.check(focus, (subject, predicate, object), facts)?;
            }
        }
        Ok(())
    }
}

type LinkTerms<'a> = (&'a NamedNode, &'a NamedNode, &'a NamedNode);

impl Shape {
    fn check(&self, focus: &NamedNode, link: LinkTerms<'_>, facts: &Facts) -> Result<(), Violation> {
        if let Some(wrong) = self.node.wrong(focus, facts) {
            return Err(self.violation(None, wrong));
        }
        for property in &self.properties {
            let mut values = facts.values(focus, &property.path);
            let (subject, predicate, object) = link;
            match &property.path {
                Path::Forward(of) if of == predicate && focus == subject => values.insert(object.clone()),
                Path::Inverse(of) if of == predicate && focus == object => values.insert(subject.clone()),
                _ => false,
            };
            if let Some(wrong) = property.wrong(focus, &values, facts) {
                return Err(self.violation(Some(property), wrong));
            }
        }
        Ok(())
    }

    fn violation(&self, property: Option<&PropertyShape>, wrong: String) -> Violation {
        let message = property.and_then(|property| property.message.as_ref()).or(self.message.as_ref());
        let message = message.map_or_else(|| wrong.clone(), |message| format!("{message}: {wrong}"));
        Violation { shape: property.map_or(&self.name, |property| &property.name).clone(), message }
    }
}

impl PropertyShape {
    fn wrong(&self, focus: &NamedNode, values: &BTreeSet<NamedNode>, facts: &Facts) -> Option<String> {
        if let Some(wrong) = values.iter().find_map(|value| self.each.wrong(value, facts)) {
            return Some(wrong);
        }
        if let Some(wrong) = wrong_count(focus, values.len(), self.min_count, self.max_count, "") {
            return Some(wrong);
        }
        for predicate in &self.disjoint {
            let others = facts.values(focus, &Path::Forward(predicate.clone()));
            if let Some(both) = values.intersection(&others).next() {
                return Some(format!("{focus} has {both} also as {predicate}"));
            }
        }
        let qualified = self.qualified.as_ref()?;
        let count = values.iter().filter(|value| qualified.test.wrong(value, facts).is_none()).count();
        wrong_count(focus, count, qualified.min, qualified.max, " of the qualified shape")
    }
}

fn wrong_count(focus: &NamedNode, count: usize, min: Option<usize>, max: Option<usize>, of: &str) -> Option<String> {
    match (min, max) {
        (_, Some(max)) if count > max => Some(format!("{focus} would have {count} values{of}, and may have {max}")),
        (Some(min), _) if count < min => Some(format!("{focus} would have {count} values{of}, and must have {min}")),
        _ => None,
    }
}

impl NodeTest {
    /// What is wrong with a node.
    fn wrong(&self, node: &NamedNode, facts: &Facts) -> Option<String> {
        if let Some(kind) = self.kind.as_ref().filter(|kind| !kind.allows_iri) {
            return Some(format!("{node} is an IRI, and not a {}", kind.name));
        }
        if let Some(pattern) = self.patterns.iter().find(|pattern| !pattern.is_match(node.as_str())) {
            return Some(format!("{node} does not match {:?}", pattern.as_str()));
        }
        let is_a = |class: &&NamedNode| facts.classes.contains(&(node.clone(), (*class).clone()));
        if let Some(class) = self.classes.iter().find(|class| !is_a(class)) {
            return Some(format!("{node} is not a {class} in any source"));
        }
        let one_of = self.one_of.as_ref()?;
        (!one_of.contains(node)).then(|| format!("{node} is none of the {} allowed", one_of.len()))
    }
}
