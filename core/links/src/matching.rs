//! From entities with keys to links.

use crate::rule::{LinkRule, Side};
use oxrdf::NamedNode;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Longer keys are similar only where they are equal: comparing takes the product of the lengths.
const FUZZY_CHARACTERS: usize = 1_000;

/// Keys shown as evidence are cut to this many characters each.
const SHOWN_CHARACTERS: usize = 200;

/// An entity, and one value of each of its keys. An entity with several values comes several times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entity {
    pub iri: NamedNode,
    /// In the order of [`Side::key_names`].
    keys: Vec<String>,
}

/// The entities of one side of a rule.
#[derive(Clone, Debug, Default)]
pub struct Entities {
    names: Vec<String>,
    rows: Vec<Entity>,
    /// All that were asked for, also those whose keys a normaliser does not accept.
    all: BTreeSet<NamedNode>,
}

impl Entities {
    pub fn new(side: &Side) -> Self {
        let names = side.key_names().into_iter().map(str::to_owned).collect();
        Self { names, rows: Vec::new(), all: BTreeSet::new() }
    }

    /// Adds an entity with its keys as the sources have them, in the order of [`Side::raw_names`].
    pub fn add(&mut self, side: &Side, iri: NamedNode, raw: &[&str]) {
        let mut keys = Vec::with_capacity(self.names.len());
        let mut is_keyed = true;
        for (name, value) in side.raw_names().into_iter().zip(raw) {
            match side.normalise.get(name) {
                None => keys.push((*value).to_owned()),
                Some(normaliser) if normaliser.groups().is_empty() => match normaliser.apply(value) {
                    Some(value) => keys.push(value.into_owned()),
                    None => is_keyed = false,
                },
                Some(normaliser) => match normaliser.extract(value) {
                    Some(values) => keys.extend(values),
                    None => is_keyed = false,
                },
            }
        }
        self.all.insert(iri.clone());
        if is_keyed {
            self.rows.push(Entity { iri, keys });
        }
    }

    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// All entities, also those without a usable key.
    pub fn all(&self) -> &BTreeSet<NamedNode> {
        &self.all
    }

    /// The entities that have usable keys.
    pub(crate) fn keyed(&self) -> usize {
        self.rows.iter().map(|row| &row.iri).collect::<BTreeSet<_>>().len()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// A link that a rule finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub subject: NamedNode,
    pub object: NamedNode,
    pub score: f64,
    /// Whether it is above the rule's `confirm`, and not ambiguous where that matters.
    pub is_confirmed: bool,
    pub evidence: String,
}

/// What a rule finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// In the order of subjects and objects.
    pub links: Vec<Found>,
    /// Pairs that were compared and scored less than `propose`.
    pub ignored: u64,
    /// Entities that have more than one counterpart.
    pub ambiguous_subjects: u64,
    pub ambiguous_objects: u64,
}

/// A limit of a rule that was reached. Nothing of the rule is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    #[error("rule {rule}: the {side} has more than {limit} entities (limits.most_entities)")]
    Entities { rule: String, side: &'static str, limit: usize },
    #[error(
        "rule {rule}: the block {block} has {left} by {right} candidates, more than {limit} (limits.most_candidates)"
    )]
    Candidates { rule: String, block: String, left: usize, right: usize, limit: usize },
    #[error("rule {rule}: {entity} would have more than {limit} counterparts (limits.most_counterparts)")]
    Counterparts { rule: String, entity: NamedNode, limit: usize },
    #[error("rule {rule}: it would make more than {limit} links (limits.most_links)")]
    Links { rule: String, limit: usize },
}

/// The links of a rule, the same for the same entities in whichever order.
pub fn find_links(rule: &LinkRule, left: &Entities, right: &Entities) -> Result<Matches, TooMany> {
    for (side, entities) in [("left", left), ("right", right)] {
        if entities.rows() > rule.limits.most_entities {
            return Err(TooMany::Entities { rule: rule.name.clone(), side, limit: rule.limits.most_entities });
        }
    }
    let comparison = Comparison::new(rule, left, right);
    let blocks = comparison.blocks(right, 1);
    let mut scored: BTreeMap<(&NamedNode, &NamedNode), Scored<'_>> = BTreeMap::new();
    let mut ignored = 0;
    for (block, members) in comparison.blocks(left, 0) {
        let Some(others) = blocks.get(&block) else { continue };
        if members.len().saturating_mul(others.len()) > rule.limits.most_candidates {
            return Err(TooMany::Candidates {
                rule: rule.name.clone(),
                block: block.iter().map(|key| shown(key)).collect::<Vec<_>>().join(", "),
                left: members.len(),
                right: others.len(),
                limit: rule.limits.most_candidates,
            });
        }
        for a in &members {
            for b in others.iter().filter(|b| a.iri != b.iri) {
                let score = comparison.score(a, b);
                if score < rule.propose {
                    ignored += 1;
                    continue;
                }
                let candidate = Scored { score, left: a, right: b };
                let best = scored.entry((&a.iri, &b.iri)).or_insert(candidate);
                if (candidate.score, &b.keys, &a.keys) > (best.score, &best.right.keys, &best.left.keys) {
                    *best = candidate;
                }
                if scored.len() > rule.limits.most_links {
                    return Err(TooMany::Links { rule: rule.name.clone(), limit: rule.limits.most_links });
                }
            }
        }
    }
    comparison.finish(scored, ignored)
}

/// Two entities, with the keys by which they are most alike.
#[derive(Clone, Copy)]
struct Scored<'a> {
    score: f64,
    left: &'a Entity,
    right: &'a Entity,
}

/// Where the keys of a rule are in the rows of its sides.
struct Comparison<'a> {
    rule: &'a LinkRule,
    /// Position on the left and on the right, and how many of the first characters; all without.
    block: Vec<([usize; 2], Option<usize>)>,
    fuzzy: Vec<[usize; 2]>,
    weights: f64,
    /// The keys shown as evidence.
    shown: Vec<(&'a str, [usize; 2])>,
}

impl<'a> Comparison<'a> {
    fn new(rule: &'a LinkRule, left: &Entities, right: &Entities) -> Self {
        let place = |name: &str| Some([left.position(name)?, right.position(name)?]);
        let exact = rule.exact.iter().filter_map(|key| Some((place(key)?, None)));
        let first = rule
            .block
            .iter()
            .filter_map(|(key, length)| Some((place(key)?, Some(*length).filter(|length| *length > 0))));
        let keys = rule.exact.iter().map(String::as_str).chain(rule.fuzzy.iter().map(|fuzzy| fuzzy.key.as_str()));
        Self {
            rule,
            block: exact.chain(first).collect(),
            fuzzy: rule.fuzzy.iter().filter_map(|fuzzy| place(&fuzzy.key)).collect(),
            weights: rule.fuzzy.iter().map(|fuzzy| fuzzy.weight).sum(),
            shown: keys.filter_map(|key| Some((key, place(key)?))).collect(),
        }
    }

    /// The rows of a side by what must be equal. A key that is empty is equal to none.
    fn blocks<'b>(&self, entities: &'b Entities, side: usize) -> HashMap<Vec<&'b str>, Vec<&'b Entity>> {
        let mut blocks: HashMap<Vec<&str>, Vec<&Entity>> = HashMap::new();
        for row in &entities.rows {
            let key: Option<Vec<&str>> = self
                .block
                .iter()
                .map(|(places, length)| {
                    let value = row.keys[places[side]].as_str();
                    let end = length.and_then(|length| value.char_indices().nth(length)).map_or(value.len(), |c| c.0);
                    Some(&value[..end]).filter(|value| !value.is_empty())
                })
                .collect();
            if let Some(key) = key {
                blocks.entry(key).or_default().push(row);
            }
        }
        blocks
    }

    fn score(&self, a: &Entity, b: &Entity) -> f64 {
        if self.fuzzy.is_empty() {
            return self.rule.confidence;
        }
        let similar = self.rule.fuzzy.iter().zip(&self.fuzzy).map(|(fuzzy, [left, right])| {
            let (a, b) = (a.keys[*left].as_str(), b.keys[*right].as_str());
            let comparable = a.len().max(b.len()) <= FUZZY_CHARACTERS;
            let similarity = match a == b {
                true => 1.0,
                false if comparable => fuzzy.similarity.between(a, b),
                false => 0.0,
            };
            similarity * fuzzy.weight
        });
        // Rounded, so that a score is the same number on every machine and in every order.
        let score = similar.sum::<f64>() / self.weights * self.rule.confidence;
        (score * 1e6).round() / 1e6
    }

    fn finish(&self, scored: BTreeMap<(&NamedNode, &NamedNode), Scored<'_>>, ignored: u64) -> Result<Matches, TooMany> {
        let scored = one_way(scored);
        let mut of_subject: HashMap<&NamedNode, usize> = HashMap::new();
        let mut of_object: HashMap<&NamedNode, usize> = HashMap::new();
        for (subject, object) in scored.keys() {
            *of_subject.entry(subject).or_default() += 1;
            *of_object.entry(object).or_default() += 1;
        }
        let limit = self.rule.limits.most_counterparts;
        let most = of_subject.iter().chain(&of_object).filter(|(_, count)| **count > limit);
        if let Some((entity, _)) = most.min_by_key(|(entity, _)| entity.as_str()) {
            return Err(TooMany::Counterparts { rule: self.rule.name.clone(), entity: (*entity).clone(), limit });
        }
        let link = |((subject, object), found): (&(&NamedNode, &NamedNode), &Scored<'_>)| {
            let is_ambiguous = of_subject[subject] > 1 || of_object[object] > 1;
            Found {
                subject: (*subject).clone(),
                object: (*object).clone(),
                score: found.score,
                is_confirmed: found.score >= self.rule.confirm && (self.rule.confirm_ambiguous || !is_ambiguous),
                evidence: self.evidence(found, is_ambiguous),
            }
        };
        let ambiguous = |counts: &HashMap<&NamedNode, usize>| counts.values().filter(|n| **n > 1).count() as u64;
        Ok(Matches {
            links: scored.iter().map(link).collect(),
            ignored,
            ambiguous_subjects: ambiguous(&of_subject),
            ambiguous_objects: ambiguous(&of_object),
        })
    }

    fn evidence(&self, found: &Scored<'_>, is_ambiguous: bool) -> String {
        let keys = self.shown.iter().map(|(name, [left, right])| {
            let (a, b) = (shown(&found.left.keys[*left]), shown(&found.right.keys[*right]));
            if a == b { format!("{name} {a:?}") } else { format!("{name} {a:?} ~ {b:?}") }
        });
        let keys = keys.collect::<Vec<_>>().join(", ");
        if is_ambiguous { format!("{keys} (one of several counterparts)") } else { keys }
    }
}

/// Of a pair that was found both ways, which happens where both sides have the same entities, the way from the smaller
/// to the larger IRI.
fn one_way<'a>(
    scored: BTreeMap<(&'a NamedNode, &'a NamedNode), Scored<'a>>,
) -> BTreeMap<(&'a NamedNode, &'a NamedNode), Scored<'a>> {
    let is_first = |(a, b): &(&NamedNode, &NamedNode)| a < b || !scored.contains_key(&(*b, *a));
    scored.iter().filter(|(pair, _)| is_first(pair)).map(|(pair, found)| (*pair, *found)).collect()
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).collect()
}

#[cfg(test)]
mod tests;
