//! The alias step of a plan.

use super::KnownAliases;
use crate::group::Outer;
use crate::join::{Needed, Planner};
use crate::operators::{distinct, known as binding_of, project};
use crate::tree::{Tree, variables};
use crate::{Binding, Node, NodeKind, PlanError};
use hashbrown::HashSet;
use oxrdf::Variable;
use weft_model::term::TermType;

/// Patterns over names, and what the names are names of.
#[derive(Clone, Debug)]
pub(crate) struct AliasTree {
    pub(crate) input: Tree,
    /// The variable of a name, and that of the thing. Where a thing has several, or is a variable of the input as well, the
    /// rows are those for which all of them say the same thing.
    pub(crate) names: Vec<(Variable, Variable)>,
    /// Variables of the input that stand for constants of the query.
    pub(crate) hidden: Vec<Variable>,
    /// Whether different rows of the input are different rows over the things.
    pub(crate) is_set: bool,
}

impl AliasTree {
    fn is_inner(&self, variable: &Variable) -> bool {
        self.hidden.contains(variable) || self.names.iter().any(|(own, _)| own == variable)
    }

    fn things(&self) -> impl Iterator<Item = &Variable> {
        self.names.iter().map(|(_, thing)| thing)
    }

    /// The variables of its rows.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        let mut found: Vec<Variable> =
            variables(&self.input).into_iter().filter(|variable| !self.is_inner(variable)).collect();
        for thing in self.things() {
            if !found.contains(thing) {
                found.push(thing.clone());
            }
        }
        found
    }

    /// Whether a condition on these variables sees below what it sees above.
    pub(crate) fn passes(&self, looked_at: &HashSet<Variable>) -> bool {
        let own = variables(&self.input);
        looked_at.iter().all(|v| own.contains(v) && !self.is_inner(v) && !self.things().any(|thing| thing == v))
    }

    /// What is known of names, where this is known of things.
    pub(crate) fn below(&self, bindings: &[Binding]) -> Vec<Binding> {
        let mut below = bindings.to_vec();
        for (own, thing) in &self.names {
            let Some(known) = bindings.iter().find(|binding| binding.variable == *thing) else { continue };
            let term_type = match &known.term_type {
                literal @ (TermType::Literal(_) | TermType::LangString(_)) => literal.clone(),
                _ => TermType::General,
            };
            below.push(Binding { variable: own.clone(), term_type, optional: known.optional });
        }
        below
    }

    /// Plans the step. Its rows are a set over all its variables.
    pub(crate) fn plan(
        self,
        planner: &Planner<'_>,
        needed: &Needed,
        outer: Option<&Outer<'_>>,
    ) -> Result<Node, PlanError> {
        let inner = variables(&self.input);
        let must_be_set = !self.is_set && needed.duplicates;
        let shown: Vec<Variable> =
            self.variables().into_iter().filter(|v| must_be_set || needed.variables.contains(v)).collect();
        // What is a thing in two ways is compared, whether somebody looks at it or not.
        let ways = |thing: &Variable| {
            self.things().filter(|other| *other == thing).count() + usize::from(inner.contains(thing))
        };
        let is_wanted = |thing: &Variable| shown.contains(thing) || ways(thing) > 1;
        let names: Vec<(Variable, Variable)> =
            self.names.iter().filter(|(_, thing)| is_wanted(thing)).cloned().collect();
        let mut wanted: HashSet<Variable> = shown.iter().filter(|v| inner.contains(v)).cloned().collect();
        wanted.extend(names.iter().map(|(own, _)| own.clone()));
        wanted.extend(names.iter().map(|(_, thing)| thing).filter(|thing| inner.contains(thing)).cloned());
        let wanted = match self.is_set && needed.duplicates {
            true => Needed::all(wanted),
            false => Needed::once(wanted),
        };
        let below = outer.map(|outer| self.below(outer.bindings));
        let below = below.as_ref().zip(outer).map(|(bindings, outer)| Outer { bindings, rows: outer.rows });
        let input = planner.plan(self.input, &wanted, below.as_ref())?;
        let node = if names.is_empty() { project(input, &shown) } else { alias(input, names, &shown) };
        Ok(if must_be_set { distinct(node) } else { node })
    }
}

fn alias(input: Node, names: Vec<(Variable, Variable)>, shown: &[Variable]) -> Node {
    let binding = |variable: &Variable| match input.binding(variable) {
        Some(_) => binding_of(&input, variable),
        None => Binding { variable: variable.clone(), term_type: TermType::General, optional: false },
    };
    let bindings = shown.iter().map(binding).collect();
    let estimate = input.estimate;
    Node::new(NodeKind::Alias { input: Box::new(input), names }, bindings, estimate)
}

impl KnownAliases {
    pub(crate) fn summary(&self) -> String {
        match self.aliases().things() {
            1 => "1 thing has several names".to_owned(),
            things => format!("{things} things have several names"),
        }
    }
}
