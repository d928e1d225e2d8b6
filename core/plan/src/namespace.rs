//! Which terms can meet, found without comparing all with all.
//!
//! Each mapped term of a catalogue has a [`Namespace`]: the template or the term of its IRIs, the datatype or language of
//! its literals, the source of its blank nodes. Terms of two namespaces that do not meet are never equal, so an index over
//! namespaces finds the few that matter among thousands. A namespace may hold more terms than the mapping gives, never
//! less.

use hashbrown::{HashMap, HashSet};
use oxrdf::Term;
use weft_mapping::{Build, MappedTerm};
use weft_model::term::{IriShape, TermType};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Namespace {
    /// Nothing is known.
    Any,
    /// The IRIs of a template, or one IRI: the number of the text they begin with, and that of the whole.
    Iri { prefix: u32, shape: u32 },
    /// The literals of a datatype or a language, by number.
    Literal(u32),
    /// The blank nodes of a source, by number.
    Blank(u32),
}

/// All namespaces of a catalogue.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    prefixes: Numbers,
    /// For each prefix, the shorter ones that are those of templates and begin it.
    above: Vec<Vec<u32>>,
    /// For each prefix, the longer ones that it is above.
    below: Vec<Vec<u32>>,
    /// The prefixes that are those of templates, and how long they are, in bytes.
    templates: HashSet<u32>,
    lengths: Vec<usize>,
    shapes: Vec<Shape>,
    shape_numbers: HashMap<Shape, u32>,
    literals: Numbers,
    blanks: Numbers,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Shape {
    Template(IriShape),
    One(String),
}

/// Texts and their numbers.
#[derive(Debug, Default)]
struct Numbers {
    texts: Vec<std::sync::Arc<str>>,
    numbers: HashMap<std::sync::Arc<str>, u32>,
}

impl Numbers {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let text: std::sync::Arc<str> = text.into();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    fn get(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }
}

impl Namespaces {
    /// The namespace of a mapped term. Terms are added first, then [`Self::finish`] is called once.
    pub(crate) fn add(&mut self, mapped: &MappedTerm) -> Namespace {
        match (&mapped.term_type, mapped.build.of_terms()) {
            (TermType::Iri { shape, .. }, _) | (TermType::General, Build::IriTemplate(shape)) => self.template(shape),
            (TermType::Constant(Term::NamedNode(node)), _) => self.one(node.as_str()),
            (TermType::Constant(Term::Literal(literal)), _) => {
                Namespace::Literal(self.literals.number(&literal_text(literal)))
            }
            (TermType::Literal(literal), _) => Namespace::Literal(self.literals.number(literal.datatype().as_str())),
            (TermType::LangString(tag), _) => Namespace::Literal(self.literals.number(&format!("@{tag}"))),
            (TermType::General, Build::BlankNode(shape)) => Namespace::Blank(self.blanks.number(source_of(shape))),
            (TermType::General | TermType::Constant(_), _) => Namespace::Any,
        }
    }

    fn template(&mut self, shape: &IriShape) -> Namespace {
        let prefix = self.prefixes.number(&shape.parts()[0]);
        self.templates.insert(prefix);
        Namespace::Iri { prefix, shape: self.shape(Shape::Template(shape.clone())) }
    }

    fn one(&mut self, iri: &str) -> Namespace {
        let prefix = self.prefixes.number(iri);
        Namespace::Iri { prefix, shape: self.shape(Shape::One(iri.to_owned())) }
    }

    fn shape(&mut self, shape: Shape) -> u32 {
        if let Some(known) = self.shape_numbers.get(&shape) {
            return *known;
        }
        let number = u32::try_from(self.shapes.len()).unwrap_or(u32::MAX);
        self.shapes.push(shape.clone());
        self.shape_numbers.insert(shape, number);
        number
    }

    /// The shapes of IRIs, found by what IRIs begin with. After [`Self::finish`].
    pub(crate) fn by_prefix(&self) -> ShapesByPrefix<'_> {
        let texts = &self.prefixes.texts;
        let mut order: Vec<u32> = (0_u32..).take(texts.len()).collect();
        order.sort_unstable_by(|a, b| texts[*a as usize].cmp(&texts[*b as usize]));
        let mut shapes = vec![Vec::new(); texts.len()];
        for (number, shape) in (0_u32..).zip(&self.shapes) {
            let prefix = match shape {
                Shape::Template(shape) => shape.parts()[0].as_str(),
                Shape::One(iri) => iri.as_str(),
            };
            if let Some(prefix) = self.prefixes.get(prefix) {
                shapes[prefix as usize].push(number);
            }
        }
        ShapesByPrefix { namespaces: self, order, shapes }
    }

    /// Finds the prefixes that begin others: in the order of texts, what begins a text stands before it, and nothing that
    /// stands between does not begin with it.
    pub(crate) fn finish(&mut self) {
        let texts = &self.prefixes.texts;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_unstable_by(|a, b| texts[*a].cmp(&texts[*b]));
        self.above = vec![Vec::new(); texts.len()];
        let mut open: Vec<u32> = Vec::new();
        for number in order {
            while open.last().is_some_and(|last| !texts[number].starts_with(&*texts[*last as usize])) {
                open.pop();
            }
            self.above[number].clone_from(&open);
            let own = u32::try_from(number).unwrap_or(u32::MAX);
            if self.templates.contains(&own) {
                open.push(own);
            }
        }
        self.below = vec![Vec::new(); texts.len()];
        for (number, above) in self.above.iter().enumerate() {
            above
                .iter()
                .for_each(|prefix| self.below[*prefix as usize].push(u32::try_from(number).unwrap_or(u32::MAX)));
        }
        self.lengths = self.templates.iter().map(|number| texts[*number as usize].len()).collect();
        self.lengths.sort_unstable();
        self.lengths.dedup();
    }

    /// The keys (see [`Namespace::key`]) of all namespaces that may hold the term.
    pub(crate) fn keys_of(&self, term: &Term) -> Vec<u64> {
        let mut keys = vec![Namespace::Any.key()];
        match term {
            Term::NamedNode(node) => {
                let iri = node.as_str();
                let begins = self.lengths.iter().filter_map(|length| self.prefixes.get(iri.get(..*length)?));
                let mut prefixes: Vec<u32> = begins.chain(self.prefixes.get(iri)).collect();
                prefixes.sort_unstable();
                prefixes.dedup();
                keys.extend(prefixes.into_iter().map(|prefix| Namespace::Iri { prefix, shape: 0 }.key()));
            }
            Term::Literal(literal) => {
                keys.extend(self.literals.get(&literal_text(literal)).map(|number| Namespace::Literal(number).key()));
            }
            // A blank node is never a constant of a query.
            _ => {}
        }
        keys
    }

    /// The keys of all namespaces that some of these may meet; `None` where that may be any.
    pub(crate) fn keys_near(&self, namespaces: impl IntoIterator<Item = Namespace>) -> Option<Vec<u64>> {
        let mut keys = vec![Namespace::Any.key()];
        for namespace in namespaces {
            keys.push(namespace.key());
            match namespace {
                Namespace::Any => return None,
                Namespace::Iri { prefix, .. } => {
                    let near = self.above[prefix as usize].iter().chain(&self.below[prefix as usize]);
                    keys.extend(near.map(|prefix| Namespace::Iri { prefix: *prefix, shape: 0 }.key()));
                }
                Namespace::Literal(_) | Namespace::Blank(_) => {}
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }

    /// Whether some term can be in both.
    pub(crate) fn may_meet(&self, a: Namespace, b: Namespace) -> bool {
        match (a, b) {
            (Namespace::Any, _) | (_, Namespace::Any) => true,
            (Namespace::Iri { prefix: p, shape: a }, Namespace::Iri { prefix: q, shape: b }) => {
                a == b || self.begins(p, q) && self.shapes_meet(a, b)
            }
            (a, b) => a == b,
        }
    }

    /// Whether one prefix begins the other, or is it.
    fn begins(&self, p: u32, q: u32) -> bool {
        p == q || self.above[p as usize].contains(&q) || self.above[q as usize].contains(&p)
    }

    fn shapes_meet(&self, a: u32, b: u32) -> bool {
        match (&self.shapes[a as usize], &self.shapes[b as usize]) {
            (Shape::One(a), Shape::One(b)) => a == b,
            (Shape::One(iri), Shape::Template(shape)) | (Shape::Template(shape), Shape::One(iri)) => {
                shape.may_build(iri)
            }
            (Shape::Template(a), Shape::Template(b)) => a.may_equal(b),
        }
    }
}

/// The shapes that could build an IRI, for many IRIs.
pub(crate) struct ShapesByPrefix<'a> {
    namespaces: &'a Namespaces,
    /// Prefixes in the order of their texts.
    order: Vec<u32>,
    /// The shapes that begin with each.
    shapes: Vec<Vec<u32>>,
}

impl ShapesByPrefix<'_> {
    /// What begins an IRI stands before it, and begins whatever stands between.
    pub(crate) fn building<'i>(&'i self, iri: &'i str) -> impl Iterator<Item = u32> + 'i {
        let texts = &self.namespaces.prefixes.texts;
        let after = self.order.partition_point(|prefix| *texts[*prefix as usize] <= *iri);
        let last = after.checked_sub(1).map(|before| self.order[before]);
        let above = last.map_or(&[] as &[u32], |last| &self.namespaces.above[last as usize]);
        let begins = last.iter().copied().chain(above.iter().copied()).collect::<Vec<_>>().into_iter();
        let begins = begins.filter(move |prefix| iri.starts_with(&*texts[*prefix as usize]));
        let shapes = begins.flat_map(|prefix| self.shapes[prefix as usize].iter().copied());
        shapes.filter(move |shape| match &self.namespaces.shapes[*shape as usize] {
            Shape::One(known) => known == iri,
            Shape::Template(shape) => match shape.parts() {
                // Most templates are of this form.
                [first, last] => iri
                    .get(first.len()..)
                    .and_then(|rest| rest.strip_suffix(last.as_str()))
                    .is_some_and(|value| !value.contains(['/', '#', '?', ':'])),
                _ => shape.may_build(iri),
            },
        })
    }
}

/// A datatype, or a language behind the sign that no datatype begins with.
fn literal_text(literal: &oxrdf::Literal) -> String {
    match literal.language() {
        Some(tag) => format!("@{tag}"),
        None => literal.datatype().as_str().to_owned(),
    }
}

/// The part of a label that tells the source: a label is that, a dash, and text whose other characters are escaped.
fn source_of(shape: &IriShape) -> &str {
    let first = &shape.parts()[0];
    first.split_once('-').map_or(first.as_str(), |(source, _)| source)
}

impl Namespace {
    /// A number for what terms of different templates with one prefix have in common.
    pub(crate) fn key(self) -> u64 {
        match self {
            Self::Any => 0,
            Self::Iri { prefix, .. } => 1 << 32 | u64::from(prefix),
            Self::Literal(number) => 2 << 32 | u64::from(number),
            Self::Blank(number) => 3 << 32 | u64::from(number),
        }
    }
}

/// Positions in a list of namespaces, found by what can meet.
#[derive(Debug, Default)]
pub(crate) struct NamespaceIndex {
    all: Vec<u32>,
    any: Vec<u32>,
    exact: HashMap<u64, Vec<u32>>,
    /// By each prefix that begins theirs.
    below: HashMap<u32, Vec<u32>>,
}

impl NamespaceIndex {
    pub(crate) fn insert(&mut self, namespaces: &Namespaces, namespace: Namespace, position: u32) {
        self.all.push(position);
        if namespace == Namespace::Any {
            self.any.push(position);
            return;
        }
        self.exact.entry(namespace.key()).or_default().push(position);
        if let Namespace::Iri { prefix, .. } = namespace {
            for above in &namespaces.above[prefix as usize] {
                self.below.entry(*above).or_default().push(position);
            }
        }
    }

    /// The positions of what can meet, and perhaps others: [`Namespaces::may_meet`] decides.
    pub(crate) fn near(&self, namespaces: &Namespaces, namespace: Namespace) -> impl Iterator<Item = u32> {
        let mut lists: Vec<&[u32]> = Vec::with_capacity(3);
        if namespace == Namespace::Any {
            lists.push(&self.all);
            return lists.into_iter().flatten().copied();
        }
        lists.push(&self.any);
        lists.extend(self.exact.get(&namespace.key()).map(Vec::as_slice));
        if let Namespace::Iri { prefix, .. } = namespace {
            lists.extend(self.below.get(&prefix).map(Vec::as_slice));
            let above = namespaces.above[prefix as usize].iter();
            let above = above.filter_map(|prefix| self.exact.get(&Namespace::Iri { prefix: *prefix, shape: 0 }.key()));
            lists.extend(above.map(Vec::as_slice));
        }
        lists.into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests;
