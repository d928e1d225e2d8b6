//! What is known of names: which of the IRIs that mappings build are names of things that have others.

use crate::namespace::{Namespace, Namespaces};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;
use weft_model::Aliases;

/// The names of things, and what that means for the namespaces of a catalogue. Exact data of the index, no statistics.
///
/// It may say more than is true where a template could build a name that no row has, never less.
#[derive(Debug)]
pub(crate) struct KnownAliases {
    aliases: Arc<dyn Aliases>,
    /// The shapes that could build a name that is not the representative.
    renamed: HashSet<u32>,
    /// The shapes that could build some name.
    touched: HashSet<u32>,
    /// Two shapes, the smaller number first, that could build two names of one thing.
    linked: HashSet<(u32, u32)>,
}

impl KnownAliases {
    /// Looks at each name once.
    pub(crate) fn new(aliases: Arc<dyn Aliases>, namespaces: &Namespaces) -> Self {
        let shapes = namespaces.by_prefix();
        let mut known =
            Self { aliases: aliases.clone(), renamed: HashSet::new(), touched: HashSet::new(), linked: HashSet::new() };
        let mut counts: HashMap<u32, usize> = HashMap::new();
        aliases.for_each_thing(&mut |names| {
            counts.clear();
            for (position, name) in names.iter().enumerate() {
                for shape in shapes.building(name) {
                    *counts.entry(shape).or_default() += 1;
                    known.touched.insert(shape);
                    if position > 0 {
                        known.renamed.insert(shape);
                    }
                }
            }
            for (one, count) in &counts {
                let others = counts.keys().filter(|other| one < *other || one == *other && *count > 1);
                known.linked.extend(others.map(|other| (*one, *other)));
            }
        });
        known
    }

    pub(crate) fn aliases(&self) -> &Arc<dyn Aliases> {
        &self.aliases
    }

    /// Whether some IRI of the namespace has another representative than itself.
    pub(crate) fn renames(&self, namespace: Namespace) -> bool {
        match namespace {
            Namespace::Any => self.aliases.things() > 0,
            Namespace::Iri { shape, .. } => self.renamed.contains(&shape),
            Namespace::Literal(_) | Namespace::Blank(_) => false,
        }
    }

    /// Whether some IRI of the namespace is a name of a thing that has several.
    pub(crate) fn is_touched(&self, namespace: Namespace) -> bool {
        match namespace {
            Namespace::Any => self.aliases.things() > 0,
            Namespace::Iri { shape, .. } => self.touched.contains(&shape),
            Namespace::Literal(_) | Namespace::Blank(_) => false,
        }
    }

    /// Whether two different IRIs, one of each namespace, can be names of one thing. Where they cannot, two terms of
    /// them have one representative exactly when they are the same term.
    pub(crate) fn are_linked(&self, one: Namespace, other: Namespace) -> bool {
        match (one, other) {
            (Namespace::Any, Namespace::Any) => self.aliases.things() > 0,
            (Namespace::Any, Namespace::Iri { shape, .. }) | (Namespace::Iri { shape, .. }, Namespace::Any) => {
                self.touched.contains(&shape)
            }
            (Namespace::Iri { shape: a, .. }, Namespace::Iri { shape: b, .. }) => {
                self.linked.contains(&(a.min(b), a.max(b)))
            }
            _ => false,
        }
    }
}
