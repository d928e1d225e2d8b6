//! DESCRIBE: the concise bounded description of each resource.
//!
//! All triples of the default graph with the resource as subject, and those of the blank nodes reached from there over
//! blank nodes only.

use super::{Scope, Translation};
use crate::combine::{filter, join};
use crate::pattern::{PatternTerm, QuadPattern};
use crate::tree::{ClosureTree, PathEnd, Tree};
use crate::{PlanError, Reach};
use oxrdf::Variable;
use spargebra::algebra::{Expression, Function, GraphPattern};
use spargebra::term::TriplePattern;
use weft_model::term::TermType;

impl Translation<'_> {
    /// The triples about each resource the pattern finds, and the template that makes them.
    pub(crate) fn describe(&mut self, pattern: &GraphPattern) -> Result<(Tree, Vec<TriplePattern>), PlanError> {
        let found = self.translate(pattern)?;
        let resource = self.unfolder.hidden("resource");
        let resources = self.resources(found, &crate::parse::result_variables(pattern), &resource);
        let [about, predicate, object] = ["subject", "predicate", "object"].map(Variable::new_unchecked);
        let node = self.unfolder.hidden("node");
        let any = self.any_triple(&resource, &node);
        let mut step = self.quads(vec![any])?;
        if let Tree::Branches(set) = &mut step {
            // Only a general term can be a blank node.
            set.branches.retain(|b| b.occurrences_of(&node).all(|o| o.term.term_type == TermType::General));
        }
        let step = filter(step, Expression::FunctionCall(Function::IsBlank, vec![Expression::Variable(node.clone())]));
        let end = |variable: &Variable| PathEnd { variable: variable.clone(), term: None, is_node: true, nodes: None };
        let reached = ClosureTree { step, reach: Reach::ZeroOrMore, from: end(&resource), to: end(&node) };
        let reached = join(resources, Tree::Closure(Box::new(reached)), self.catalogue, self.limits);
        let subjects = Tree::Distinct(Box::new(Tree::Project {
            input: Box::new(Tree::Extend {
                input: Box::new(reached),
                variable: about.clone(),
                expression: Expression::Variable(node),
            }),
            variables: vec![about.clone()],
        }));
        let [s, p, o] = [&about, &predicate, &object].map(|variable| PatternTerm::Variable(variable.clone()));
        let triples = self.quads(vec![QuadPattern { subject: s, predicate: p, object: o, graph: None }])?;
        let template = TriplePattern { subject: about.into(), predicate: predicate.into(), object: object.into() };
        Ok((join(subjects, triples, self.catalogue, self.limits), vec![template]))
    }

    fn any_triple(&mut self, subject: &Variable, object: &Variable) -> QuadPattern {
        let [subject, object] = [subject, object].map(|variable| PatternTerm::Variable(variable.clone()));
        let predicate = PatternTerm::Variable(self.unfolder.hidden("predicate"));
        QuadPattern { subject, predicate, object, graph: Scope::default().graph }
    }

    /// The terms of all these variables as one.
    fn resources(&mut self, found: Tree, variables: &[Variable], resource: &Variable) -> Tree {
        if variables.is_empty() {
            return Tree::Values { variables: vec![resource.clone()], rows: Vec::new() };
        }
        let found = match variables {
            [_] => found,
            _ => self.shared_rows(found),
        };
        let members = variables.iter().map(|variable| Tree::Project {
            input: Box::new(Tree::Extend {
                input: Box::new(Tree::Filter {
                    input: Box::new(found.clone()),
                    expression: Expression::Bound(variable.clone()),
                }),
                variable: resource.clone(),
                expression: Expression::Variable(variable.clone()),
            }),
            variables: vec![resource.clone()],
        });
        Tree::Distinct(Box::new(Tree::Union(members.collect())))
    }
}
