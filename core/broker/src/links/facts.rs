//! What shapes ask for, besides the links themselves.

use super::Links;
use super::asking::instances;
use crate::failure::Failure;
use oxrdf::NamedNode;
use std::collections::BTreeSet;
use weft_index::{AsOf, Link, LinkFilter, LinkState, LinkTime};
use weft_links::Facts;
use weft_model::Code;
use weft_server::QueryEndpoint;

/// Ends of links that the store is asked for at once, and records of one answer.
const ENDS: usize = 500;
const PAGE: usize = 10_000;

impl Links {
    /// Refuses a link that violates a shape, with the shape's message.
    pub(super) async fn check_shapes(&self, link: &Link, sources: Option<&dyn QueryEndpoint>) -> Result<(), Failure> {
        if !self.shapes.are_about(&link.predicate) {
            return Ok(());
        }
        let ends = BTreeSet::from([&link.subject, &link.object]);
        let facts = self.facts(&ends, None, sources).await?;
        let checked = self.shapes.check(&link.subject, &link.predicate, &link.object, &facts);
        checked.map_err(|violation| Failure::new(Code::LinkRefused, violation.to_string()))
    }

    /// Whether sources are needed to tell whether links of this predicate satisfy their shapes.
    pub(crate) fn needs_sources(&self, predicate: &NamedNode) -> bool {
        self.shapes.are_about(predicate) && !self.shapes.classes().is_empty()
    }

    /// The classes of these entities, and the confirmed links they have, but for those of a rule.
    pub(super) async fn facts(
        &self,
        ends: &BTreeSet<&NamedNode>,
        but_of: Option<&str>,
        sources: Option<&dyn QueryEndpoint>,
    ) -> Result<Facts, Failure> {
        let mut facts = Facts::default();
        let ends: Vec<&NamedNode> = ends.iter().copied().collect();
        for class in self.shapes.classes() {
            let Some(sources) = sources else {
                let message =
                    format!("whether the ends are instances of {class} is asked of the sources, which are not there");
                return Err(Failure::new(Code::SourceUnavailable, message));
            };
            for entity in instances(sources, &self.config, &class, &ends).await? {
                facts.add_class(entity, class.clone());
            }
        }
        if self.shapes.look_at_other_links() {
            let ends: Vec<NamedNode> = ends.into_iter().cloned().collect();
            let but_of = but_of.map(str::to_owned);
            let add = move |links: &Self| {
                let but_of = but_of.as_deref();
                ends.chunks(ENDS).try_for_each(|block| links.add_links(block, but_of, &mut facts))?;
                Ok(facts)
            };
            return self.blocking(add).await;
        }
        Ok(facts)
    }

    fn add_links(&self, ends: &[NamedNode], but_of: Option<&str>, facts: &mut Facts) -> Result<(), Failure> {
        let filter = LinkFilter {
            entities: ends.to_vec(),
            state: Some(LinkState::Confirmed),
            ..LinkFilter::at(&AsOf { recorded: None, valid: Some(LinkTime::now()) })
        };
        let mut after = i64::MIN;
        loop {
            let page = self.list(&filter, after, PAGE)?;
            for record in page.iter().filter(|record| but_of.is_none() || record.rule.as_deref() != but_of) {
                facts.add_link(&record.subject, &record.predicate, &record.object);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.record,
                _ => return Ok(()),
            }
        }
    }
}
