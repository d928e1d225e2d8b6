//! Unfolding: a basic graph pattern becomes a union of conjunctive branches over tables.
//!
//! Each triple pattern may be matched by several triple maps; each choice of one for every pattern is a [`Branch`]. The
//! patterns that share a subject and a table whose key the subject is are one access to that table, never a self-join
//! (the star of the pattern). Branches whose terms cannot meet are never built: candidates are found by the namespaces of
//! the terms they share, so that a thousand sources with terms of their own take a thousand steps and not a million.

mod place;

use crate::branch::{Branch, BranchSet};
use crate::catalogue::{Catalogue, Keys, Place, TripleId};
use crate::constant::mismatch;
use crate::dataset::Dataset;
use crate::meeting::{Key, MOST_SHARED, Meeting, Member};
use crate::namespace::Namespace;
use crate::pattern::{PatternTerm, QuadPattern};
use crate::{PlanError, PlanLimits, Pruned, Rule, parallel};
use hashbrown::HashSet;
use oxrdf::{NamedNode, Term, Variable};
use weft_mapping::{GraphMap, MappedTerm};
use weft_model::Code;
use weft_model::term::TermType;

/// Unfolds basic graph patterns, and names the hidden variables they need.
pub(crate) struct Unfolder<'a> {
    catalogue: &'a Catalogue,
    dataset: Option<&'a Dataset>,
    /// The graphs of the dataset, default and named.
    chosen: [HashSet<&'a NamedNode>; 2],
    limits: &'a PlanLimits,
    hidden: Hidden,
    pub(crate) pruned: Vec<Pruned>,
    /// Triple maps that were tried in a branch.
    #[cfg(test)]
    tried: usize,
}

/// Numbers the variables that no query can name.
#[derive(Clone, Copy, Debug, Default)]
struct Hidden {
    last: usize,
    /// Which of several branches that are made side by side, from the same number on. What is hidden in one is none of the
    /// others: a variable with terms of two types would tell them apart.
    branch: usize,
}

impl Hidden {
    fn variable(&mut self, kind: &str) -> Variable {
        self.last += 1;
        Variable::new_unchecked(match self.branch {
            0 => format!("_:{kind}{}", self.last),
            branch => format!("_:{kind}{}_{branch}", self.last),
        })
    }
}

/// More reasons than these are not worth reading.
pub(crate) const MAX_PRUNED: usize = 200;

/// A pattern and the triple maps that can match it by itself.
struct Matched {
    pattern: QuadPattern,
    ids: Vec<TripleId>,
}

/// Patterns that are one union of branches.
struct Part {
    set: BranchSet,
    patterns: Vec<QuadPattern>,
}

impl Part {
    fn is_connected(&self, pattern: &QuadPattern) -> bool {
        self.patterns.iter().any(|other| pattern.is_connected(other))
    }
}

impl<'a> Unfolder<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, dataset: Option<&'a Dataset>, limits: &'a PlanLimits) -> Self {
        let chosen = match dataset {
            Some(dataset) => [dataset.default.iter().collect(), dataset.named.iter().collect()],
            None => Default::default(),
        };
        Self {
            catalogue,
            dataset,
            chosen,
            limits,
            hidden: Hidden::default(),
            pruned: Vec::new(),
            #[cfg(test)]
            tried: 0,
        }
    }

    /// A variable no query can name.
    pub(crate) fn hidden(&mut self, kind: &str) -> Variable {
        self.hidden.variable(kind)
    }

    /// Unfolds a basic graph pattern: several sets are to be joined.
    ///
    /// A pattern goes into the set where that saves most requests: a join of two unions asks each source once, a union of
    /// many joins asks it for each of them, and a join within each source asks it for nothing more. Patterns that share
    /// no variable never go together.
    pub(crate) fn unfold(&mut self, patterns: Vec<QuadPattern>) -> Result<Vec<BranchSet>, PlanError> {
        let mut parts: Vec<Part> = Vec::new();
        for (pattern, keys) in self.in_order(patterns) {
            self.limits.check_wanted()?;
            let mut matched = self.matching(pattern, keys, &parts);
            let mut best: Option<(usize, Meeting)> = None;
            let mut only = None;
            for (position, part) in parts.iter_mut().enumerate() {
                if !part.is_connected(&matched.pattern) {
                    continue;
                }
                let meeting = self.meeting(&part.set, &matched);
                only = only.or_else(|| only_one(&part.set));
                if !meeting.pays(self.limits) {
                    drop_lonely(&mut part.set, &mut matched, &meeting);
                } else if best.as_ref().is_none_or(|(_, known)| meeting.surplus() < known.surplus()) {
                    best = Some((position, meeting));
                }
            }
            match best {
                Some((position, meeting)) if meeting.members_right() == matched.ids.len() => {
                    self.extend(&mut parts[position], &mut matched, &meeting);
                }
                // Another set has left some of them without partner since.
                Some((position, _)) => {
                    let meeting = self.meeting(&parts[position].set, &matched);
                    self.extend(&mut parts[position], &mut matched, &meeting);
                }
                None => parts.push(self.start(&mut matched)?),
            }
            self.tell_pruned(&matched, only.as_ref());
        }
        if parts.is_empty() {
            return Ok(vec![BranchSet { branches: vec![Branch::default()], variables: Vec::new() }]);
        }
        Ok(parts.into_iter().map(|part| part.set).collect())
    }

    fn too_many(&self, pattern: &QuadPattern, ways: usize) -> PlanError {
        let most = self.limits.branches;
        PlanError::new(
            Code::QueryTooLarge,
            format!(
                "the pattern {pattern} can be matched in {ways} ways; limits.branches allows {most}: name a predicate, class or graph"
            ),
        )
    }

    /// What can be matched in few ways first, then whatever shares a variable with what is there: branches that cannot be
    /// are found out early.
    fn in_order(&self, patterns: Vec<QuadPattern>) -> Vec<(QuadPattern, Keys)> {
        let mut rest: Vec<(usize, QuadPattern, Keys)> = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let keys = self.catalogue.keys(&pattern);
            rest.push((self.catalogue.count(pattern.predicate_constant(), &keys), pattern, keys));
        }
        let mut ordered: Vec<(QuadPattern, Keys)> = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            let best = (0..rest.len()).min_by_key(|position| {
                let (count, pattern, _) = &rest[*position];
                let connected = ordered.is_empty() || ordered.iter().any(|(other, _)| pattern.is_connected(other));
                (!connected, *count, pattern.variables().count())
            });
            let Some(best) = best else { break };
            let (_, pattern, keys) = rest.remove(best);
            ordered.push((pattern, keys));
        }
        ordered
    }

    /// The triple maps that can match the pattern by itself, and perhaps some of those only that can match it together with
    /// the others. Of maps that give the same triples one is enough.
    fn matching(&self, pattern: QuadPattern, mut keys: Keys, parts: &[Part]) -> Matched {
        keys.subject = keys.subject.or_else(|| self.keys_bound(&pattern.subject, parts));
        keys.object = keys.object.or_else(|| self.keys_bound(&pattern.object, parts));
        let fits =
            |id: TripleId| (self.is_in_dataset(&pattern, id) && self.misfit(&pattern, id).is_none()).then_some(id);
        let candidates = self.catalogue.candidates(pattern.predicate_constant(), &keys);
        let mut ids: Vec<TripleId> = Vec::with_capacity(candidates.len());
        for id in parallel::each(candidates, self.limits, fits).into_iter().flatten() {
            if !self.is_repeated(&pattern, &ids, id) {
                ids.push(id);
            }
        }
        Matched { pattern, ids }
    }

    /// The triple maps that can match the pattern by itself.
    pub(crate) fn candidates(&self, pattern: &QuadPattern) -> Vec<TripleId> {
        self.matching(pattern.clone(), self.catalogue.keys(pattern), &[]).ids
    }

    /// The keys of what a variable is bound to in some set that it is in.
    fn keys_bound(&self, term: &PatternTerm, parts: &[Part]) -> Option<Vec<u64>> {
        let variable = term.variable()?;
        let part = parts.iter().find(|part| part.set.variables.contains(variable))?;
        let bound = part.set.branches.iter().map(|branch| branch.namespace(variable));
        self.catalogue.namespaces().keys_near(bound)
    }

    /// Why the triples of a map never match the pattern.
    fn misfit(&self, pattern: &QuadPattern, id: TripleId) -> Option<String> {
        let triple = self.catalogue.triple(id);
        let places = self.catalogue.places(id);
        let mut bound: Vec<(&Variable, &MappedTerm, Namespace)> = Vec::with_capacity(4);
        for (place, term) in pattern.places() {
            let mapped = match place {
                Place::Subject => &triple.subject,
                Place::Predicate => &triple.predicate,
                Place::Object => &triple.object,
                Place::Graph => match (term, &triple.graph) {
                    (PatternTerm::Constant(Term::NamedNode(wanted)), GraphMap::Constant(graph)) if wanted != graph => {
                        return Some(mismatch(&wanted.clone().into(), &TermType::Constant(graph.clone().into())));
                    }
                    (_, GraphMap::Constant(_)) => continue,
                    (_, GraphMap::Term(graph)) => graph,
                },
            };
            match term {
                // It was found by its predicate.
                PatternTerm::Constant(_)
                    if place == Place::Predicate && matches!(mapped.term_type, TermType::Constant(_)) => {}
                PatternTerm::Constant(constant) if !mapped.term_type.may_hold(constant) => {
                    return Some(mismatch(constant, &mapped.term_type));
                }
                PatternTerm::Constant(constant) => {
                    if let Some(reason) = place::without_code(mapped, constant) {
                        return Some(reason);
                    }
                }
                PatternTerm::Variable(variable) => {
                    let namespace = places[place as usize];
                    let differs = bound.iter().find(|(known, other, its)| {
                        *known == variable
                            && (!other.term_type.may_equal(&mapped.term_type)
                                || !self.catalogue.namespaces().may_meet(*its, namespace))
                    });
                    if let Some((_, other, _)) = differs {
                        return Some(format!("{variable} cannot be both {} and {}", other.term_type, mapped.term_type));
                    }
                    bound.push((variable, mapped, namespace));
                }
            }
        }
        None
    }

    /// Whether another map of the same table says the same, as far as the pattern sees it: then the set of its triples is
    /// there already.
    fn is_repeated(&self, pattern: &QuadPattern, ids: &[TripleId], id: TripleId) -> bool {
        let triple = self.catalogue.triple(id);
        let sees_graphs = pattern.graph.is_some() || self.dataset.is_some();
        let before = &ids[..ids.partition_point(|other| *other < id)];
        before.iter().rev().take_while(|other| other.graph == id.graph).any(|other| {
            let other = self.catalogue.triple(*other);
            let same_graph = !sees_graphs || other.graph == triple.graph;
            same_graph
                && other.table == triple.table
                && other.object == triple.object
                && other.subject == triple.subject
                && other.predicate == triple.predicate
                && other.join == triple.join
                && other.requires == triple.requires
        })
    }

    /// Which branches of a set a pattern can be matched with.
    fn meeting(&self, set: &BranchSet, matched: &Matched) -> Meeting {
        let mut shared: Vec<(Place, &Variable)> = Vec::with_capacity(MOST_SHARED);
        for (place, term) in matched.pattern.places() {
            if let PatternTerm::Variable(variable) = term
                && set.variables.contains(variable)
                && !shared.iter().any(|(_, known)| *known == variable)
            {
                shared.push((place, variable));
            }
        }
        let variables: Vec<&Variable> = shared.iter().map(|(_, variable)| *variable).collect();
        let member = |id: &TripleId| {
            let places = self.catalogue.places(*id);
            let mut key: Key = [Namespace::Any; MOST_SHARED];
            key.iter_mut().zip(&shared).for_each(|(own, (place, _))| *own = places[*place as usize]);
            let triple = self.catalogue.triple(*id);
            let mut requests = vec![self.catalogue.request(id.graph, &triple.table)];
            let joined = triple.join.iter().map(|join| self.catalogue.request(id.graph, &join.table));
            requests.extend(joined.filter(|joined| *joined != requests[0]).collect::<Vec<_>>());
            Member { key, requests }
        };
        let members: Vec<Member> = matched.ids.iter().map(member).collect();
        Meeting::new(self.catalogue.namespaces(), &set.members(&variables, self.catalogue), &members)
    }

    /// A set of one pattern.
    fn start(&mut self, matched: &mut Matched) -> Result<Part, PlanError> {
        if matched.ids.len() > self.limits.branches {
            return Err(self.too_many(&matched.pattern, matched.ids.len()));
        }
        let mut part =
            Part { set: BranchSet { branches: vec![Branch::default()], variables: Vec::new() }, patterns: Vec::new() };
        let meeting = self.meeting(&part.set, matched);
        self.extend(&mut part, matched, &meeting);
        Ok(part)
    }

    /// Matches the pattern in every branch, and keeps the triple maps that could be.
    fn extend(&mut self, part: &mut Part, matched: &mut Matched, meeting: &Meeting) {
        let Matched { pattern, ids } = matched;
        let pairs = pairs(std::mem::take(&mut part.set.branches), meeting);
        #[cfg(test)]
        {
            self.tried += pairs.len();
        }
        let add = |(number, (branch, position)): (usize, (Branch, usize))| {
            let mut hidden = Hidden { branch: number, ..self.hidden };
            let extended = self.add(branch, pattern, ids[position], &mut hidden).ok()?;
            Some((extended, position, hidden.last))
        };
        let extended: Vec<_> =
            parallel::each(pairs.into_iter().enumerate().collect(), self.limits, add).into_iter().flatten().collect();
        let mut used = vec![false; ids.len()];
        for (branch, position, last) in extended {
            self.hidden.last = self.hidden.last.max(last);
            used[position] = true;
            part.set.branches.push(branch);
        }
        let mut used = used.into_iter();
        ids.retain(|_| used.next().unwrap_or(true));
        if self.limits.rules.allows(Rule::Containment) {
            part.set.drop_contained();
        }
        for variable in pattern.variables() {
            if !part.set.variables.contains(variable) {
                part.set.variables.push(variable.clone());
            }
        }
        part.patterns.push(pattern.clone());
    }

    /// Tells why the other triple maps with the predicate are left out, of as many as are worth reading. Where the pattern
    /// was joined with a single branch, that tells where the terms differ.
    fn tell_pruned(&mut self, matched: &Matched, only: Option<&Branch>) {
        let Matched { pattern, ids } = matched;
        let catalogue = self.catalogue;
        let text = pattern.to_string();
        for id in catalogue.with_predicate(pattern.predicate_constant()) {
            if self.pruned.len() >= MAX_PRUNED {
                return;
            }
            if ids.binary_search(&id).is_ok() || !self.is_in_dataset(pattern, id) || self.is_repeated(pattern, ids, id)
            {
                continue;
            }
            let apart = || "no other pattern has these terms".to_owned();
            let reason = match self.misfit(pattern, id) {
                Some(reason) => reason,
                None => only
                    .and_then(|branch| self.add(branch.clone(), pattern, id, &mut self.hidden.clone()).err())
                    .unwrap_or_else(apart),
            };
            self.prune(&text, id, reason);
        }
    }

    fn prune(&mut self, pattern: &str, id: TripleId, reason: String) {
        let pruned = Pruned {
            pattern: pattern.to_owned(),
            source: self.catalogue.source(id.graph),
            table: self.catalogue.triple(id).table.clone(),
            reason,
        };
        let mut of_source = self.pruned.iter().rev().take_while(|known| known.source == pruned.source);
        if !of_source.any(|known| *known == pruned) {
            self.pruned.push(pruned);
        }
    }

    /// The graphs the dataset has for a pattern; `None` where the dataset is everything.
    fn graphs_for(&self, pattern: &QuadPattern) -> Option<&'a [NamedNode]> {
        let dataset = self.dataset?;
        Some(if pattern.graph.is_none() { &dataset.default } else { &dataset.named })
    }

    /// Whether the triples of a map can be in the dataset. A chosen default graph is made of the graphs it names.
    fn is_in_dataset(&self, pattern: &QuadPattern, id: TripleId) -> bool {
        let triple = self.catalogue.triple(id);
        if self.dataset.is_none() {
            return pattern.graph.is_some() || triple.in_default_graph;
        }
        let chosen = &self.chosen[usize::from(pattern.graph.is_some())];
        match &triple.graph {
            GraphMap::Constant(node) => chosen.contains(node),
            GraphMap::Term(graph) => {
                chosen.iter().any(|node| graph.term_type.may_hold(&Term::NamedNode((*node).clone())))
            }
        }
    }
}

/// Each branch with each triple map that it may be matched with.
fn pairs(branches: Vec<Branch>, meeting: &Meeting) -> Vec<(Branch, usize)> {
    let mut pairs = Vec::with_capacity(meeting.pairs());
    for (number, branch) in branches.into_iter().enumerate() {
        let mut others = meeting.right_of(number);
        let last = others.pop();
        pairs.extend(others.into_iter().map(|position| (branch.clone(), position)));
        pairs.extend(last.map(|position| (branch, position)));
    }
    pairs
}

/// Leaves out branches and triple maps that a join of the two unions would find without partner.
fn drop_lonely(set: &mut BranchSet, matched: &mut Matched, meeting: &Meeting) {
    let mut meets = meeting.left_meets().into_iter();
    set.branches.retain(|_| meets.next().unwrap_or(true));
    let mut meets = meeting.right_meets().into_iter();
    matched.ids.retain(|_| meets.next().unwrap_or(true));
}

fn only_one(set: &BranchSet) -> Option<Branch> {
    match set.branches.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
