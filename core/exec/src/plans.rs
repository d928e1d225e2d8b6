//! Plans that are kept for questions that are asked again.
//!
//! A plan is a function of the question, the catalogue, what was observed and the limits of the engine ([`plan_view`]): made
//! of the same, it is the same. Catalogues and observations are compared by identity; they change rarely, and as a whole.

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
    operators: usize,
    catalogue: Weak<Catalogue>,
    observed: Weak<Observed>,
}

/// The plans asked for last.
#[derive(Debug)]
pub(crate) struct Plans {
    /// Operators of all plans that are kept.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plans: LruCache<Question, Kept>,
    operators: usize,
}

impl Plans {
    /// Keeps plans of so many operators together.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, state: Mutex::new(State { plans: LruCache::unbounded(), operators: 0 }) }
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
        let operators = operators(&plan.root);
        if operators > self.most {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.operators += operators;
        if let Some(before) = state.plans.put(question, Kept { plan, operators, catalogue, observed }) {
            state.operators -= before.operators;
        }
        while state.operators > self.most {
            let Some((_, oldest)) = state.plans.pop_lru() else { break };
            state.operators -= oldest.operators;
        }
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
    fn no_more_operators_are_kept_than_allowed() {
        let plans = Plans::new(5);
        let catalogue = Arc::new(Catalogue::new(Vec::new(), Vec::new()));
        let limits = PlanLimits::default();
        let ask = |n: usize| plans.plan(question(&format!("SELECT * {{ BIND({n} AS ?x) }}")), &catalogue, &limits);
        let first = ask(0).unwrap();
        (1..10).for_each(|n| drop(ask(n).unwrap()));
        let state = |plans: &Plans| {
            let state = plans.state.lock().unwrap();
            (state.operators, state.plans.iter().map(|(_, kept)| kept.operators).sum::<usize>())
        };
        let (counted, kept) = state(&plans);
        assert!(counted == kept && kept <= 5 && kept > 0, "{counted} and {kept}");
        assert!(!Arc::ptr_eq(&first, &ask(0).unwrap()));
        let nothing = Plans::new(0);
        nothing.plan(question("ASK {}"), &catalogue, &limits).unwrap();
        assert_eq!(state(&nothing), (0, 0));
    }
}
