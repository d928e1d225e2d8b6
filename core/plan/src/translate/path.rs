//! Property paths (SPARQL section 9 and 18.4).

use super::{Scope, Translation};
use crate::branch::{Branch, term_expression};
use crate::combine::{filter, join};
use crate::pattern::{PatternTerm, QuadPattern};
use crate::rewrite::in_scope;
use crate::tree::{ClosureTree, PathEnd, Tree};
use crate::{PlanError, Reach};
use hashbrown::HashSet;
use oxrdf::{NamedNode, Term, Variable};
use spargebra::algebra::{Expression, GraphPattern, PropertyPathExpression as Path};
use spargebra::term::TermPattern;
use weft_model::term::TermType;

impl Translation<'_> {
    pub(super) fn path(
        &mut self,
        subject: &PatternTerm,
        path: &Path,
        object: &PatternTerm,
        scope: &Scope,
    ) -> Result<Tree, PlanError> {
        match path {
            Path::NamedNode(predicate) => {
                self.quads(vec![self.quad(subject, &PatternTerm::Constant(predicate.clone().into()), object, scope)])
            }
            Path::Reverse(inner) => self.path(object, inner, subject, scope),
            Path::Sequence(first, second) => {
                let middle = self.unfolder.hidden("path");
                let nodes = |path: &Path| {
                    if steps_at_least_once(path) { HashSet::from([middle.clone()]) } else { HashSet::new() }
                };
                let (before, after) = (scope.with_nodes(nodes(second)), scope.with_nodes(nodes(first)));
                let middle = PatternTerm::Variable(middle.clone());
                let left = self.path(subject, first, &middle, &before)?;
                let right = self.path(&middle, second, object, &after)?;
                Ok(join(left, right, self.catalogue, self.limits))
            }
            Path::Alternative(one, other) => Ok(Tree::Union(vec![
                self.path(subject, one, object, scope)?,
                self.path(subject, other, object, scope)?,
            ])),
            Path::NegatedPropertySet(excluded) => self.negated(subject, excluded, object, scope),
            Path::ZeroOrMore(step) => self.closure(subject, step, Reach::ZeroOrMore, object, scope),
            Path::OneOrMore(step) => self.closure(subject, step, Reach::OneOrMore, object, scope),
            Path::ZeroOrOne(step) => self.closure(subject, step, Reach::ZeroOrOne, object, scope),
        }
    }

    fn quad(&self, subject: &PatternTerm, predicate: &PatternTerm, object: &PatternTerm, scope: &Scope) -> QuadPattern {
        let [subject, predicate, object] = [subject, predicate, object].map(Clone::clone);
        QuadPattern { subject, predicate, object, graph: scope.graph.clone() }
    }

    fn negated(
        &mut self,
        subject: &PatternTerm,
        excluded: &[NamedNode],
        object: &PatternTerm,
        scope: &Scope,
    ) -> Result<Tree, PlanError> {
        let predicate = self.unfolder.hidden("predicate");
        let quad = self.quad(subject, &PatternTerm::Variable(predicate.clone()), object, scope);
        let mut tree = self.quads(vec![quad])?;
        if let Tree::Branches(set) = &mut tree {
            set.branches.retain(|branch| branch.constant_iri(&predicate).is_none_or(|iri| !excluded.contains(iri)));
            if set.branches.iter().all(|branch| branch.constant_iri(&predicate).is_some()) {
                return Ok(tree);
            }
        }
        let list = excluded.iter().map(|node| Expression::NamedNode(node.clone())).collect();
        let is_excluded = Expression::In(Box::new(Expression::Variable(predicate)), list);
        Ok(filter(tree, Expression::Not(Box::new(is_excluded))))
    }

    fn closure(
        &mut self,
        subject: &PatternTerm,
        step: &Path,
        reach: Reach,
        object: &PatternTerm,
        scope: &Scope,
    ) -> Result<Tree, PlanError> {
        let both_constant = subject.variable().is_none() && object.variable().is_none();
        let mut from = self.end(subject, reach, scope)?;
        let mut to = self.end(object, reach, scope)?;
        let mut equal_to: Option<Expression> = None;
        if both_constant || subject == object {
            let hidden = self.unfolder.hidden("path");
            equal_to = Some(match &object {
                PatternTerm::Variable(variable) => Expression::Variable(variable.clone()),
                PatternTerm::Constant(term) => term_expression(term),
            });
            to = PathEnd { variable: hidden, term: None, is_node: true, nodes: from.nodes.clone() };
        } else if to.term.is_some() {
            std::mem::swap(&mut from, &mut to);
        }
        let forward = both_constant || subject == object || from.variable_of(subject);
        let ends = [&from, &to].map(|end| PatternTerm::Variable(end.variable.clone()));
        let inner =
            Scope { graph: scope.graph.clone(), nodes: ends.iter().filter_map(|e| e.variable().cloned()).collect() };
        let step = if forward {
            self.path(&ends[0], step, &ends[1], &inner)?
        } else {
            self.path(&ends[1], step, &ends[0], &inner)?
        };
        let hidden = to.variable.clone();
        let tree = Tree::Closure(Box::new(ClosureTree { step, reach, from, to }));
        Ok(match equal_to {
            None => tree,
            Some(term) => filter(tree, Expression::SameTerm(Box::new(Expression::Variable(hidden)), Box::new(term))),
        })
    }

    fn end(&mut self, term: &PatternTerm, reach: Reach, scope: &Scope) -> Result<PathEnd, PlanError> {
        match term {
            PatternTerm::Constant(constant) => {
                let variable = self.unfolder.hidden("path");
                Ok(PathEnd { variable, term: Some(constant.clone()), is_node: true, nodes: None })
            }
            PatternTerm::Variable(variable) => Ok(PathEnd {
                variable: variable.clone(),
                term: None,
                is_node: scope.nodes.contains(variable),
                nodes: if reach.is_reflexive() { Some(self.nodes(variable, scope)?) } else { None },
            }),
        }
    }

    /// The subjects and objects of the active graph.
    fn nodes(&mut self, variable: &Variable, scope: &Scope) -> Result<Tree, PlanError> {
        let node = PatternTerm::Variable(variable.clone());
        let mut members = Vec::with_capacity(2);
        for is_subject in [true, false] {
            let predicate = PatternTerm::Variable(self.unfolder.hidden("predicate"));
            let other = PatternTerm::Variable(self.unfolder.hidden("node"));
            let (subject, object) = if is_subject { (&node, &other) } else { (&other, &node) };
            members.push(self.quads(vec![self.quad(subject, &predicate, object, scope)])?);
        }
        let input = Box::new(Tree::Union(members));
        Ok(Tree::Distinct(Box::new(Tree::Project { input, variables: vec![variable.clone()] })))
    }
}

impl PathEnd {
    /// Whether this end stands for the term of the query.
    fn variable_of(&self, term: &PatternTerm) -> bool {
        match term {
            PatternTerm::Variable(variable) => self.variable == *variable,
            PatternTerm::Constant(constant) => self.term.as_ref() == Some(constant),
        }
    }
}

/// Whether both ends of the path are always nodes of the graph.
fn steps_at_least_once(path: &Path) -> bool {
    match path {
        Path::NamedNode(_) | Path::NegatedPropertySet(_) => true,
        Path::Reverse(inner) | Path::OneOrMore(inner) => steps_at_least_once(inner),
        Path::Sequence(a, b) | Path::Alternative(a, b) => steps_at_least_once(a) && steps_at_least_once(b),
        Path::ZeroOrMore(_) | Path::ZeroOrOne(_) => false,
    }
}

/// The variables that are a node of the active graph in every solution of the pattern.
pub(super) fn nodes_of(pattern: &GraphPattern) -> HashSet<Variable> {
    match pattern {
        GraphPattern::Bgp { patterns } => patterns
            .iter()
            .flat_map(|triple| [&triple.subject, &triple.object])
            .filter_map(|term| match term {
                TermPattern::Variable(variable) => Some(variable.clone()),
                _ => None,
            })
            .collect(),
        GraphPattern::Path { path, .. } if steps_at_least_once(path) => in_scope(pattern).into_iter().collect(),
        GraphPattern::Join { left, right } => &nodes_of(left) | &nodes_of(right),
        GraphPattern::Union { left, right } => &nodes_of(left) & &nodes_of(right),
        GraphPattern::LeftJoin { left: inner, .. }
        | GraphPattern::Minus { left: inner, .. }
        | GraphPattern::Filter { inner, .. }
        | GraphPattern::Extend { inner, .. } => nodes_of(inner),
        _ => HashSet::new(),
    }
}

impl Branch {
    /// The IRI a variable always is, if it is one.
    fn constant_iri<'b>(&'b self, variable: &'b Variable) -> Option<&'b NamedNode> {
        self.occurrences_of(variable).find_map(|occurrence| match &occurrence.term.term_type {
            TermType::Constant(Term::NamedNode(node)) => Some(node),
            _ => None,
        })
    }
}
