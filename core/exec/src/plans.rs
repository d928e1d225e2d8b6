//! Plans that are kept for questions that are asked again.
//!
//! A plan is a function of the question, the catalogue, what was observed and the limits of the engine ([`plan_view`]): made
//! of the same, it is the same. Catalogues and observations are compared by identity; they change rarely, and as a whole.
//! How much is kept is bounded by what plans are made of: operators, and the constants that the text of a question has.

use crate::error::QueryError;
use lru::LruCache;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use weft_plan::{Catalogue, Dataset, Node, Observed, Plan, PlanLimits, plan_view};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) base_iri: Option<String>,
    /// Chosen by the request.
    pub(crate) dataset: Option<Dataset>,
    pub(crate) thread: bool,
}

#[derive(Debug)]
struct Kept {
    plan: Arc<Plan>,
    size: usize,
    catalogue: Weak<Catalogue>,
    observed: Weak<Observed>,
}

/// The plans asked for last.
#[derive(Debug)]
pub(crate) struct Plans {
    /// The sizes of all plans that are kept, in operators.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plans: LruCache<Question, Kept>,
    size: usize,
}

impl Plans {
    /// Keeps plans of so many operators together; a part of a text counts as one.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, state: Mutex::new(State { plans: LruCache::unbounded(), size: 0 }) }
    }

    /// The plan for a question, made now unless it is kept.
    ///
    /// # Errors
    /// As [`plan_view`]. What cannot be planned is not kept.
    pub(crate) fn plan(
        &self,
        question: Question,
        catalogue: &Arc<Catalogue>,
        limits: &PlanLimits,
    ) -> Result<Arc<Plan>, QueryError> {
        let sources = (Arc::downgrade(catalogue), Arc::downgrade(&limits.observed));
        if let Some(plan) = self.kept(&question, &sources) {
            return Ok(plan);
        }
        let Question { text, base_iri, dataset, thread } = &question;
        let plan = plan_view(text, base_iri.as_deref(), dataset.as_ref(), *thread, catalogue, limits)?;
        let plan = Arc::new(plan);
        self.keep(question, plan.clone(), sources);
        Ok(plan)
    }

    fn kept(&self, question: &Question, sources: &(Weak<Catalogue>, Weak<Observed>)) -> Option<Arc<Plan>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = state.plans.get(question)?;
        let same = kept.catalogue.ptr_eq(&sources.0) && kept.observed.ptr_eq(&sources.1);
        same.then(|| kept.plan.clone())
    }

    fn keep(&self, question: Question, plan: Arc<Plan>, (catalogue, observed): (Weak<Catalogue>, Weak<Observed>)) {
        let size = operators(&plan.root) + question.size().div_ceil(BYTES_OF_ONE);
        if size > self.most {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.size += size;
        if let Some(before) = state.plans.put(question, Kept { plan, size, catalogue, observed }) {
            state.size -= before.size;
        }
        while state.size > self.most {
            let Some((_, oldest)) = state.plans.pop_lru() else { break };
            state.size -= oldest.size;
        }
    }
}

/// So many bytes of a question count as an operator: they can be constants, of which an operator may hold thousands.
const BYTES_OF_ONE: usize = 64;

impl Question {
    /// In bytes.
    fn size(&self) -> usize {
        let graphs = self.dataset.iter().flat_map(|dataset| dataset.default.iter().chain(&dataset.named));
        let graphs: usize = graphs.map(|node| node.as_str().len()).sum();
        self.text.len() + self.base_iri.as_ref().map_or(0, String::len) + graphs
    }
}

fn operators(node: &Node) -> usize {
    1 + node.kind.children().into_iter().map(operators).sum::<usize>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn question(text: &str) -> Question {
        Question { text: text.to_owned(), base_iri: None, dataset: None, thread: false }
    }

    #[test]
    fn a_plan_is_made_once_for_the_same_catalogue_and_observations() {
        let plans = Plans::new(100);
        let catalogue = Arc::new(Catalogue::new(Vec::new(), Vec::new()));
        let limits = PlanLimits::default();
        let first = plans.plan(question("SELECT * { ?s ?p ?o }"), &catalogue, &limits).unwrap();
        let again = plans.plan(question("SELECT * { ?s ?p ?o }"), &catalogue, &limits).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let others = [
            Question { base_iri: Some("http://example.com/".to_owned()), ..question("SELECT * { ?s ?p ?o }") },
            Question {
                dataset: Some(Dataset { default: Vec::new(), named: Vec::new() }),
                ..question("SELECT * { ?s ?p ?o }")
            },
            Question { thread: true, ..question("SELECT * { ?s ?p ?o }") },
        ];
        for other in others {
            assert!(!Arc::ptr_eq(&first, &plans.plan(other, &catalogue, &limits).unwrap()));
        }
        let learned = PlanLimits { observed: Arc::default(), ..PlanLimits::default() };
        let newer = plans.plan(question("SELECT * { ?s ?p ?o }"), &catalogue, &learned).unwrap();
        assert!(!Arc::ptr_eq(&first, &newer));
        let changed = Arc::new(Catalogue::new(Vec::new(), Vec::new()));
        let other = plans.plan(question("SELECT * { ?s ?p ?o }"), &changed, &learned).unwrap();
        assert!(!Arc::ptr_eq(&newer, &other));
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        let plans = Plans::new(8);
        let catalogue = Arc::new(Catalogue::new(Vec::new(), Vec::new()));
        let limits = PlanLimits::default();
        let ask = |n: usize| plans.plan(question(&format!("SELECT * {{ BIND({n} AS ?x) }}")), &catalogue, &limits);
        let first = ask(0).unwrap();
        (1..10).for_each(|n| drop(ask(n).unwrap()));
        let state = |plans: &Plans| {
            let state = plans.state.lock().unwrap();
            (state.size, state.plans.iter().map(|(_, kept)| kept.size).sum::<usize>())
        };
        let (counted, kept) = state(&plans);
        assert!(counted == kept && kept <= 8 && kept > 0, "{counted} and {kept}");
        assert!(!Arc::ptr_eq(&first, &ask(0).unwrap()));
        // Many constants are few operators.
        let values = format!("SELECT * {{ VALUES ?x {{ {} }} }}", "1234567 ".repeat(1_000));
        plans.plan(question(&values), &catalogue, &limits).unwrap();
        assert!(state(&plans).0 <= 8);
        let room = Plans::new(1_000);
        room.plan(question(&values), &catalogue, &limits).unwrap();
        assert!((125..200).contains(&state(&room).0), "{}", state(&room).0);
        let nothing = Plans::new(0);
        nothing.plan(question("ASK {}"), &catalogue, &limits).unwrap();
        assert_eq!(state(&nothing), (0, 0));
    }
}
