//! Which members of two unions can have rows together, and what it costs to join them pair by pair.
//!
//! Members are compared by the namespaces of what they share; members with the same ones are one class, so that thousands
//! that all meet, or hardly any of which meet, take no more time than there are members.

use crate::PlanLimits;
use crate::Rule;
use crate::namespace::{Namespace, NamespaceIndex, Namespaces};
use hashbrown::HashMap;

/// More pairs than these are never made.
pub(crate) const MOST_PAIRS: usize = 100_000;

/// More pairs of classes than these are taken to meet without a closer look.
const MOST_LOOKS: usize = 100_000;

/// Of more variables than these only the first are compared.
pub(crate) const MOST_SHARED: usize = 4;

/// The namespaces of the shared variables, in one order for both unions.
pub(crate) type Key = [Namespace; MOST_SHARED];

/// A member of a union, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) key: Key,
    /// What it asks, by [`crate::catalogue::Catalogue::request`], each once.
    pub(crate) requests: Vec<u64>,
}

/// The pairs that can meet.
#[derive(Debug)]
pub(crate) struct Meeting {
    left: Classes,
    right: Classes,
    /// By class of the left, classes of the right.
    links: Vec<Vec<u32>>,
    pairs: usize,
    requests: usize,
    separate: usize,
}

#[derive(Debug, Default)]
struct Classes {
    keys: Vec<Key>,
    members: Vec<Vec<u32>>,
    of_member: Vec<u32>,
}

impl Classes {
    fn new(members: &[Member]) -> Self {
        let mut classes = Self::default();
        let mut numbers: HashMap<Key, u32> = HashMap::with_capacity(members.len());
        for (position, member) in members.iter().enumerate() {
            let class = *numbers.entry(member.key).or_insert_with(|| {
                classes.keys.push(member.key);
                classes.members.push(Vec::new());
                number(classes.keys.len() - 1)
            });
            classes.members[class as usize].push(number(position));
            classes.of_member.push(class);
        }
        classes
    }
}

fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

impl Meeting {
    pub(crate) fn new(namespaces: &Namespaces, left: &[Member], right: &[Member]) -> Self {
        let (left_classes, right_classes) = (Classes::new(left), Classes::new(right));
        let links = links(namespaces, &left_classes, &right_classes);
        let mut meeting = Self { left: left_classes, right: right_classes, links, pairs: 0, requests: 0, separate: 0 };
        meeting.count(left, right);
        meeting
    }

    /// Counts the pairs, the requests they take, and those of the two unions without the members that meet nothing.
    fn count(&mut self, left: &[Member], right: &[Member]) {
        let asked =
            |members: &[u32], of: &[Member]| members.iter().map(|m| of[*m as usize].requests.len()).sum::<usize>();
        let mut in_class: HashMap<(u32, u64), usize> = HashMap::new();
        for (member, class) in right.iter().zip(&self.right.of_member) {
            for request in &member.requests {
                *in_class.entry((*class, *request)).or_default() += 1;
            }
        }
        let right_asked: Vec<usize> = self.right.members.iter().map(|members| asked(members, right)).collect();
        let mut met = vec![false; right_asked.len()];
        for (class, links) in self.links.iter().enumerate() {
            let members = &self.left.members[class];
            if !links.is_empty() {
                self.separate += asked(members, left);
            }
            for other in links {
                let others = self.right.members[*other as usize].len();
                self.pairs = self.pairs.saturating_add(members.len().saturating_mul(others));
                if !std::mem::replace(&mut met[*other as usize], true) {
                    self.separate += right_asked[*other as usize];
                }
                for requests in members.iter().map(|member| &left[*member as usize].requests) {
                    let common = requests.iter().filter_map(|request| in_class.get(&(*other, *request))).sum::<usize>();
                    let together = requests.len().saturating_mul(others) + right_asked[*other as usize] - common;
                    self.requests = self.requests.saturating_add(together);
                }
            }
        }
    }

    pub(crate) fn pairs(&self) -> usize {
        self.pairs
    }

    /// How many members the right has.
    pub(crate) fn members_right(&self) -> usize {
        self.right.of_member.len()
    }

    /// Whether a union of joins is better than a join of unions: where that asks the sources no more often, or where all
    /// joins are made by sources and they are not too many.
    pub(crate) fn pays(&self, limits: &PlanLimits) -> bool {
        if !limits.rules.allows(Rule::JoinUnderUnion) {
            return self.pairs <= 1;
        }
        let in_sources = self.requests == self.pairs && self.pairs <= limits.joins_under_union;
        self.pairs <= MOST_PAIRS && (in_sources || self.requests <= self.separate)
    }

    /// How many requests it takes more than two unions would.
    pub(crate) fn surplus(&self) -> i64 {
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        signed(self.requests).saturating_sub(signed(self.separate))
    }

    /// The members of the right that can meet a member of the left, in their order.
    pub(crate) fn right_of(&self, left: usize) -> Vec<usize> {
        let links = self.left.of_member.get(left).map_or(&[][..], |class| &self.links[*class as usize]);
        let classes = links.iter().map(|class| &self.right.members[*class as usize]);
        let mut found: Vec<usize> = classes.flatten().map(|member| *member as usize).collect();
        found.sort_unstable();
        found
    }

    /// For each member of the left, whether it can meet any of the right.
    pub(crate) fn left_meets(&self) -> Vec<bool> {
        self.left.of_member.iter().map(|class| !self.links[*class as usize].is_empty()).collect()
    }

    /// For each member of the right, whether it can meet any of the left.
    pub(crate) fn right_meets(&self) -> Vec<bool> {
        let mut met = vec![false; self.right.members.len()];
        self.links.iter().flatten().for_each(|class| met[*class as usize] = true);
        self.right.of_member.iter().map(|class| met[*class as usize]).collect()
    }
}

/// For each class of the left, the classes of the right it can meet.
fn links(namespaces: &Namespaces, left: &Classes, right: &Classes) -> Vec<Vec<u32>> {
    let place = most_different(&right.keys);
    let mut index = NamespaceIndex::default();
    for (class, key) in right.keys.iter().enumerate() {
        index.insert(namespaces, key[place], number(class));
    }
    let mut looks = 0;
    let mut meet = |a: &Key, b: &Key| {
        looks += 1;
        looks > MOST_LOOKS || a.iter().zip(b).all(|(a, b)| namespaces.may_meet(*a, *b))
    };
    let near = |key: &Key| index.near(namespaces, key[place]).collect::<Vec<_>>();
    left.keys
        .iter()
        .map(|key| {
            let mut found = near(key);
            found.retain(|class| meet(key, &right.keys[*class as usize]));
            found
        })
        .collect()
}

/// The place that tells most of the keys apart.
fn most_different(keys: &[Key]) -> usize {
    let different = |place: usize| {
        let mut seen: Vec<u64> = keys.iter().map(|key| key[place].key()).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    };
    (0..MOST_SHARED).rev().max_by_key(|place| different(*place)).unwrap_or_default()
}

/// Members, grouped so that those of different groups never meet. Groups of one are left out.
pub(crate) fn connected(namespaces: &Namespaces, group: &[u32], of: impl Fn(u32) -> Namespace) -> Vec<Vec<u32>> {
    let mut classes: HashMap<Namespace, u32> = HashMap::new();
    let mut found: Vec<(Namespace, Vec<u32>)> = Vec::new();
    for member in group {
        let namespace = of(*member);
        let class = *classes.entry(namespace).or_insert_with(|| {
            found.push((namespace, Vec::new()));
            number(found.len() - 1)
        });
        found[class as usize].1.push(*member);
    }
    let mut index = NamespaceIndex::default();
    for (class, (namespace, _)) in found.iter().enumerate() {
        index.insert(namespaces, *namespace, number(class));
    }
    let mut parents: Vec<u32> = (0..number(found.len())).collect();
    let mut looks = 0;
    for (class, (namespace, _)) in found.iter().enumerate() {
        for other in index.near(namespaces, *namespace) {
            looks += 1;
            if looks > MOST_LOOKS || namespaces.may_meet(*namespace, found[other as usize].0) {
                let (a, b) = (root(&mut parents, number(class)), root(&mut parents, other));
                parents[a as usize] = b;
            }
        }
    }
    let mut groups: HashMap<u32, Vec<u32>> = HashMap::new();
    for (class, (_, members)) in found.into_iter().enumerate() {
        groups.entry(root(&mut parents, number(class))).or_default().extend(members);
    }
    groups.into_values().filter(|members| members.len() > 1).collect()
}

fn root(parents: &mut [u32], mut class: u32) -> u32 {
    while parents[class as usize] != class {
        let above = parents[parents[class as usize] as usize];
        parents[class as usize] = above;
        class = above;
    }
    class
}

#[cfg(test)]
mod tests;
