//! Running link rules over the sources.

use super::Links;
use super::asking::for_each_row;
use crate::failure::Failure;
use oxrdf::{NamedNode, Term};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use weft_index::{Link, LinkFilter, LinkState, RuleRun};
use weft_links::{ChangeCounts, Coverage, Entities, LinkRule, Matches, Side, TooMany, find_links, reconcile, suspect};
use weft_model::Code;
use weft_server::QueryEndpoint;

/// Violations that are told one by one.
const SHOWN_VIOLATIONS: usize = 10;

/// Links of a changed rule that are marked at once.
const PAGE: usize = 10_000;

/// What a run of a rule came to.
#[derive(Debug, serde::Serialize)]
pub(crate) struct RuleOutcome {
    #[serde(flatten)]
    pub(crate) coverage: Coverage,
    /// The first links that violate a shape, with its message.
    pub(crate) violations: Vec<String>,
    /// Rows without an IRI for the entity or with a key that is neither an IRI nor a literal.
    pub(crate) skipped: u64,
}

impl Links {
    /// The rules of this name, or all.
    pub(crate) fn rules(&self, name: Option<&str>) -> Result<Vec<LinkRule>, Failure> {
        let Some(name) = name else { return Ok(self.rules.rules.clone()) };
        let rule = self.rules.rule(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.rules.rules.iter().map(|rule| rule.name.as_str()).collect();
            Failure::new(Code::NotFound, format!("there is no rule {name:?}; there are {}", known.join(", ")))
        });
        Ok(vec![rule?])
    }

    /// Runs a rule and records what it changes, all or nothing; with `dry`, records nothing.
    pub(crate) async fn run(
        &self,
        rule: &LinkRule,
        sources: &dyn QueryEndpoint,
        dry: bool,
    ) -> Result<RuleOutcome, Failure> {
        let (left, skipped_left) = self.entities(rule, &rule.left, "left", sources).await?;
        let (right, skipped_right) = self.entities(rule, &rule.right, "right", sources).await?;
        let sides = Arc::new([left, right]);
        let (of_rule, of_sides) = (rule.clone(), sides.clone());
        let matches = tokio::task::spawn_blocking(move || find_links(&of_rule, &of_sides[0], &of_sides[1]))
            .await
            .map_err(|error| Failure::caused(Code::Internal, &error))?
            .map_err(|stopped| too_many(&stopped))?;
        let refused = self.refused(rule, &matches, sources).await?;
        let [left, right] = sides.as_ref();
        let entities: BTreeSet<&NamedNode> = left.all().union(right.all()).collect();
        let name = rule.name.clone();
        let current = self.blocking(move |desk| Ok(desk.store().opinions_of_rule(&name)?)).await?;
        let changes = reconcile(rule, &current, &matches.links, &refused, &entities);
        let outcome = self.outcome(rule, [left, right], matches, refused, changes.counts);
        let outcome = RuleOutcome { skipped: skipped_left + skipped_right, ..outcome };
        if !dry {
            let coverage =
                serde_json::to_string(&outcome.coverage).map_err(|error| Failure::caused(Code::Internal, &error))?;
            let run = RuleRun { rule: rule.name.clone(), text: rule.text(), ran_at: None, coverage };
            self.record_run(changes.links, run).await?;
        }
        Ok(outcome)
    }

    /// A run that finds what the last one found, by a rule that says what it said, leaves no trace.
    async fn record_run(&self, links: Vec<Link>, run: RuleRun) -> Result<(), Failure> {
        self.blocking(move |desk| {
            let mut store = desk.store();
            let known = store.last_runs()?.into_iter().any(|known| known.rule == run.rule && known.text == run.text);
            if !(known && links.is_empty()) {
                store.record_run(&links, &run)?;
            }
            Ok(())
        })
        .await
    }

    fn outcome(
        &self,
        rule: &LinkRule,
        sides: [&Entities; 2],
        mut matches: Matches,
        refused: HashMap<(NamedNode, NamedNode), String>,
        counts: ChangeCounts,
    ) -> RuleOutcome {
        matches.links.retain(|found| !refused.contains_key(&(found.subject.clone(), found.object.clone())));
        let coverage = Coverage::new(&rule.name, sides, &matches, refused.len() as u64, counts);
        let mut violations: Vec<String> = refused
            .into_iter()
            .map(|((subject, object), message)| format!("{subject} to {object}: {message}"))
            .collect();
        violations.sort();
        violations.truncate(SHOWN_VIOLATIONS);
        RuleOutcome { coverage, violations, skipped: 0 }
    }

    async fn entities(
        &self,
        rule: &LinkRule,
        side: &Side,
        which: &'static str,
        sources: &dyn QueryEndpoint,
    ) -> Result<(Entities, u64), Failure> {
        let graph = side.source.as_ref().and_then(|name| {
            let source = self.config.sources.get(name)?;
            NamedNode::new(source.graph_iri(name)).ok()
        });
        let mut entities = Entities::new(side);
        let mut skipped = 0;
        let limit = rule.limits.most_entities;
        let about = |failure: Failure| failure.about(format_args!("rule {}, {which}", rule.name));
        for_each_row(sources, &self.config, side.query(graph.as_ref()), &mut |row| {
            match key_row(&row) {
                Some((entity, keys)) => entities.add(side, entity, &keys),
                None => skipped += 1,
            }
            if entities.rows() > limit {
                return Err(too_many(&TooMany::Entities { rule: rule.name.clone(), side: which, limit }));
            }
            Ok(())
        })
        .await
        .map_err(about)?;
        Ok((entities, skipped))
    }

    /// The links that violate a shape, with its message.
    async fn refused(
        &self,
        rule: &LinkRule,
        matches: &Matches,
        sources: &dyn QueryEndpoint,
    ) -> Result<HashMap<(NamedNode, NamedNode), String>, Failure> {
        let mut refused = HashMap::new();
        if !self.shapes.are_about(&rule.predicate) {
            return Ok(refused);
        }
        let ends: BTreeSet<&NamedNode> =
            matches.links.iter().flat_map(|found| [&found.subject, &found.object]).collect();
        let mut facts = self.facts(&ends, Some(&rule.name), Some(sources)).await?;
        for found in matches.links.iter().filter(|found| found.is_confirmed) {
            facts.add_link(&found.subject, &rule.predicate, &found.object);
        }
        for found in &matches.links {
            if let Err(violation) = self.shapes.check(&found.subject, &rule.predicate, &found.object, &facts) {
                refused.insert((found.subject.clone(), found.object.clone()), violation.to_string());
            }
        }
        Ok(refused)
    }

    /// What a rule said while its text was another is suspect until it runs again; what a rule said that is gone, for good.
    /// A configuration that names no file of rules says nothing of them.
    pub(super) fn suspect_changed_rules(&self) -> Result<(), Failure> {
        if self.config.link_rules().is_none() {
            return Ok(());
        }
        let mut store = self.store();
        for run in store.last_runs()? {
            let why = match self.rules.rule(&run.rule) {
                Some(rule) if rule.text() == run.text => continue,
                Some(_) => "the rule was changed since it ran",
                None => "the rule is no longer there",
            };
            let mut marked = 0;
            for state in [LinkState::Confirmed, LinkState::Proposed] {
                let filter = LinkFilter { rule: Some(run.rule.clone()), state: Some(state), ..LinkFilter::default() };
                loop {
                    let page = store.list(&filter, i64::MIN, PAGE)?;
                    if page.is_empty() {
                        break;
                    }
                    let links: Vec<Link> = page.iter().map(|record| suspect(record, why.to_owned())).collect();
                    marked += store.record(&links)?;
                }
            }
            if marked > 0 {
                tracing::warn!(rule = run.rule, links = marked, "its links are suspect: {why}");
            }
        }
        Ok(())
    }
}

/// The entity and its keys, as texts.
fn key_row(row: &[Option<Term>]) -> Option<(NamedNode, Vec<&str>)> {
    let (entity, keys) = row.split_first()?;
    let Some(Term::NamedNode(entity)) = entity else { return None };
    let keys = keys.iter().map(|key| match key {
        Some(Term::NamedNode(node)) => Some(node.as_str()),
        Some(Term::Literal(literal)) => Some(literal.value()),
        _ => None,
    });
    Some((entity.clone(), keys.collect::<Option<Vec<&str>>>()?))
}

fn too_many(stopped: &TooMany) -> Failure {
    Failure::new(Code::LimitExceeded, format!("{stopped}; nothing of it was recorded"))
}
