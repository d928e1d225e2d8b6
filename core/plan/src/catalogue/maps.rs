//! Triple maps, found by the namespaces of their subjects and objects.

use super::TripleId;
use crate::namespace::Namespace;

/// A position in a triple map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Subject,
    Predicate,
    Object,
    Graph,
}

/// Triple maps in the order of their sources.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    ids: Vec<TripleId>,
    /// Sorted: the keys of namespaces and positions in `ids`.
    subjects: Vec<(u64, u32)>,
    objects: Vec<(u64, u32)>,
}

/// Triple maps of one key, each with it.
type Range<'a> = &'a [(u64, u32)];

impl Maps {
    pub(super) fn push(&mut self, id: TripleId, places: &[Namespace; 4]) {
        let position = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.push(id);
        self.subjects.push((places[Place::Subject as usize].key(), position));
        self.objects.push((places[Place::Object as usize].key(), position));
    }

    pub(super) fn finish(&mut self) {
        self.subjects.sort_unstable();
        self.objects.sort_unstable();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = TripleId> {
        self.ids.iter().copied()
    }

    /// Those that have one of the keys at each place where keys are given, and perhaps others.
    pub(super) fn matching(&self, keys: &Keys) -> Vec<TripleId> {
        let found = self.ranges(keys).into_iter().flatten().min_by_key(|ranges| size(ranges));
        let Some(ranges) = found else { return self.ids.clone() };
        let mut positions: Vec<u32> = ranges.into_iter().flatten().map(|(_, position)| *position).collect();
        positions.sort_unstable();
        positions.into_iter().map(|position| self.ids[position as usize]).collect()
    }

    /// How many [`Self::matching`] gives.
    pub(super) fn count(&self, keys: &Keys) -> usize {
        self.ranges(keys).iter().flatten().map(|ranges| size(ranges)).min().unwrap_or(self.ids.len())
    }

    fn ranges(&self, keys: &Keys) -> [Option<Vec<Range<'_>>>; 2] {
        let ranges = |sorted, keys: &Option<Vec<u64>>| keys.as_ref().map(|keys| ranges(sorted, keys));
        [ranges(&self.subjects, &keys.subject), ranges(&self.objects, &keys.object)]
    }
}

/// The keys that a subject and an object can have; `None` for any.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) subject: Option<Vec<u64>>,
    pub(crate) object: Option<Vec<u64>>,
}

fn ranges<'m>(sorted: &'m [(u64, u32)], keys: &[u64]) -> Vec<&'m [(u64, u32)]> {
    let range = |key: &u64| {
        let rest = &sorted[sorted.partition_point(|(known, _)| known < key)..];
        &rest[..rest.partition_point(|(known, _)| known == key)]
    };
    keys.iter().map(range).filter(|range| !range.is_empty()).collect()
}

fn size(ranges: &[&[(u64, u32)]]) -> usize {
    ranges.iter().map(|range| range.len()).sum()
}
