//! From the algebra of a query to trees.

mod describe;
mod exists;
mod path;
mod solution;

use crate::catalogue::Catalogue;
use crate::combine::{filter, join, left_join};
use crate::dataset::Dataset;
use crate::expression::{conjuncts, refuse_unknown_functions};
use crate::pattern::{PatternTerm, QuadPattern};
use crate::rewrite::{Rename, in_scope};
use crate::thread::{KnownAliases, ThreadUnfolder};
use crate::tree::{Tree, binds, variables};
use crate::unfold::Unfolder;
use crate::{PlanError, PlanLimits, Pruned, ServiceName};
use hashbrown::{HashMap, HashSet};
use oxrdf::{NamedNode, Term, Variable};
use solution::calls_blank_node;
use spargebra::algebra::{AggregateExpression, AggregateFunction, Expression, GraphPattern, OrderExpression};
use spargebra::term::{GroundTerm, NamedNodePattern, TermPattern, TriplePattern};
use std::cell::{Cell, RefCell};

pub(crate) struct Translation<'a> {
    unfolder: Unfolder<'a>,
    catalogue: &'a Catalogue,
    dataset: Option<&'a Dataset>,
    limits: &'a PlanLimits,
    /// Sub-queries so far; each has variables of its own.
    sub_queries: usize,
    /// Rows so far that more than one place reads.
    shared: usize,
    /// Those of them that an EXISTS reads, by the variable that numbers them.
    numbered: HashMap<Variable, Tree>,
    /// In the thread view, what is known of names.
    thread: Option<&'a KnownAliases>,
    thread_notes: Vec<String>,
}

/// Where a pattern stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// The active graph; `None` is the default graph.
    graph: Option<PatternTerm>,
    /// Variables that are a node of the active graph in every row that matters.
    nodes: HashSet<Variable>,
}

impl Scope {
    fn with_nodes(&self, more: HashSet<Variable>) -> Self {
        Self { graph: self.graph.clone(), nodes: self.nodes.union(&more).cloned().collect() }
    }

    fn without_nodes(&self) -> Self {
        Self { graph: self.graph.clone(), nodes: HashSet::new() }
    }
}

impl<'a> Translation<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, dataset: Option<&'a Dataset>, limits: &'a PlanLimits) -> Self {
        let unfolder = Unfolder::new(catalogue, dataset, limits);
        Self {
            unfolder,
            catalogue,
            dataset,
            limits,
            sub_queries: 0,
            shared: 0,
            numbered: HashMap::new(),
            thread: None,
            thread_notes: Vec::new(),
        }
    }

    /// Answers over things, whatever they are called.
    pub(crate) fn in_thread(mut self, thread: Option<&'a KnownAliases>) -> Self {
        self.thread_notes.extend(thread.map(KnownAliases::summary));
        Self { thread, ..self }
    }

    /// What was left out, and what the thread view made of the places of things.
    pub(crate) fn into_notes(self) -> (Vec<Pruned>, Vec<String>) {
        (self.unfolder.pruned, self.thread_notes)
    }

    /// Translates the pattern of a whole query, whose projection is at its top.
    pub(crate) fn translate(&mut self, pattern: &GraphPattern) -> Result<Tree, PlanError> {
        self.select(pattern, &Scope::default())
    }

    fn select(&mut self, pattern: &GraphPattern, scope: &Scope) -> Result<Tree, PlanError> {
        Ok(match pattern {
            GraphPattern::Slice { inner, start, length } => {
                Tree::Slice { input: Box::new(self.select(inner, scope)?), offset: *start, count: *length }
            }
            // REDUCED permits what DISTINCT demands, and also nothing at all: duplicates stay.
            GraphPattern::Reduced { inner } => self.select(inner, scope)?,
            GraphPattern::Distinct { inner } => Tree::Distinct(Box::new(self.select(inner, scope)?)),
            GraphPattern::Project { inner, variables } => {
                Tree::Project { input: Box::new(self.modifiers(inner, scope)?), variables: variables.clone() }
            }
            other => self.modifiers(other, scope)?,
        })
    }

    /// What stands between the projection and the WHERE clause: ORDER BY, expressions of SELECT, HAVING, GROUP BY.
    fn modifiers(&mut self, pattern: &GraphPattern, scope: &Scope) -> Result<Tree, PlanError> {
        let GraphPattern::OrderBy { inner, expression } = pattern else { return self.pattern(pattern, scope) };
        let mut tree = self.modifiers(inner, scope)?;
        let mut keys = Vec::with_capacity(expression.len());
        for key in expression {
            let (OrderExpression::Asc(e) | OrderExpression::Desc(e)) = key;
            let (input, e) = self.expression(tree, e, scope)?;
            tree = input;
            keys.push(match key {
                OrderExpression::Asc(_) => OrderExpression::Asc(e),
                OrderExpression::Desc(_) => OrderExpression::Desc(e),
            });
        }
        Ok(Tree::Sort { input: Box::new(tree), keys })
    }

    fn pattern(&mut self, pattern: &GraphPattern, scope: &Scope) -> Result<Tree, PlanError> {
        self.limits.check_wanted()?;
        match pattern {
            GraphPattern::Bgp { patterns } => self.bgp(patterns, scope),
            GraphPattern::Path { subject, path, object } => self.path(&term(subject)?, path, &term(object)?, scope),
            GraphPattern::Join { left, right } => {
                let left_tree = self.pattern(left, &scope.with_nodes(path::nodes_of(right)))?;
                let right_tree = self.pattern(right, &scope.with_nodes(path::nodes_of(left)))?;
                Ok(join(left_tree, right_tree, self.catalogue, self.limits))
            }
            GraphPattern::LeftJoin { left, right, expression } => {
                let left_tree = self.pattern(left, scope)?;
                let right_tree = self.pattern(right, &scope.with_nodes(path::nodes_of(left)))?;
                self.optional(left_tree, right_tree, expression.as_ref(), scope)
            }
            GraphPattern::Union { left, right } => {
                let mut members = Vec::new();
                for side in [left, right] {
                    match self.pattern(side, scope)? {
                        Tree::Union(inner) => members.extend(inner),
                        other => members.push(other),
                    }
                }
                Ok(Tree::Union(members))
            }
            GraphPattern::Minus { left, right } => {
                let left = self.pattern(left, scope)?;
                let right = self.pattern(right, &scope.without_nodes())?;
                Ok(minus(left, right))
            }
            GraphPattern::Filter { expr, inner } => {
                let tree = self.pattern(inner, scope)?;
                self.filter(tree, expr, scope)
            }
            GraphPattern::Extend { inner, variable, expression } => {
                let input = self.pattern(inner, scope)?;
                let (input, expression) = self.expression(input, expression, scope)?;
                Ok(Tree::Extend { input: Box::new(input), variable: variable.clone(), expression })
            }
            GraphPattern::Values { variables, bindings } => self.values(variables, bindings),
            GraphPattern::Group { inner, variables, aggregates } => self.group(inner, variables, aggregates, scope),
            GraphPattern::Graph { name, inner } => self.graph(name, inner),
            GraphPattern::Service { name, inner, silent } => Ok(Tree::Service {
                endpoint: match name {
                    NamedNodePattern::NamedNode(node) => ServiceName::Iri(node.clone()),
                    NamedNodePattern::Variable(variable) => ServiceName::Variable(variable.clone()),
                },
                silent: *silent,
                pattern: (**inner).clone(),
                variables: in_scope(inner).into_iter().collect(),
            }),
            GraphPattern::Project { .. }
            | GraphPattern::Distinct { .. }
            | GraphPattern::Reduced { .. }
            | GraphPattern::Slice { .. }
            | GraphPattern::OrderBy { .. } => self.sub_query(pattern, scope),
            #[allow(unreachable_patterns, reason = "features of the parser that are off add patterns")]
            _ => Err(PlanError::unsupported("LATERAL")),
        }
    }

    fn values(&self, variables: &[Variable], bindings: &[Vec<Option<GroundTerm>>]) -> Result<Tree, PlanError> {
        if let Some(shared) = variables.first().and_then(|number| self.numbered.get(number)) {
            return Ok(Tree::Project { input: Box::new(shared.clone()), variables: variables.to_vec() });
        }
        let rows = bindings
            .iter()
            .map(|row| row.iter().map(|term| term.as_ref().map(ground_term).transpose()).collect())
            .collect::<Result<_, PlanError>>()?;
        Ok(Tree::Values { variables: variables.to_vec(), rows })
    }

    fn group(
        &mut self,
        inner: &GraphPattern,
        keys: &[Variable],
        aggregates: &[(Variable, AggregateExpression)],
        scope: &Scope,
    ) -> Result<Tree, PlanError> {
        let mut input = self.pattern(inner, &scope.without_nodes())?;
        let mut translated = Vec::with_capacity(aggregates.len());
        for (variable, aggregate) in aggregates {
            let aggregate = match aggregate {
                AggregateExpression::CountSolutions { .. } => aggregate.clone(),
                AggregateExpression::FunctionCall { name: AggregateFunction::Custom(name), .. } => {
                    return Err(PlanError::unknown_function(name));
                }
                AggregateExpression::FunctionCall { name, expr, distinct } => {
                    let (lifted, expr) = self.expression(input, expr, scope)?;
                    input = lifted;
                    AggregateExpression::FunctionCall { name: name.clone(), expr, distinct: *distinct }
                }
            };
            translated.push((variable.clone(), aggregate));
        }
        Ok(Tree::Group { input: Box::new(input), keys: keys.to_vec(), aggregates: translated })
    }

    /// A sub-query: only the variables it projects are those of the query around it (SPARQL section 18.2.1).
    fn sub_query(&mut self, pattern: &GraphPattern, scope: &Scope) -> Result<Tree, PlanError> {
        self.sub_queries += 1;
        let number = self.sub_queries;
        let projected = in_scope(pattern);
        let names: RefCell<HashMap<Variable, Variable>> = RefCell::default();
        let rename = |variable: &Variable| {
            if projected.contains(variable) {
                return variable.clone();
            }
            let own = || Variable::new_unchecked(format!("{}.{number}", variable.as_str()));
            names.borrow_mut().entry(variable.clone()).or_insert_with(own).clone()
        };
        let own = Rename::variables(&rename).pattern(pattern);
        self.select(&own, &scope.without_nodes())
    }

    fn graph(&mut self, name: &NamedNodePattern, inner: &GraphPattern) -> Result<Tree, PlanError> {
        let in_graph = |graph| Scope { graph: Some(graph), nodes: HashSet::new() };
        let variable = match name {
            NamedNodePattern::NamedNode(node) => {
                let tree = self.pattern(inner, &in_graph(PatternTerm::Constant(node.clone().into())))?;
                return Ok(if self.has_graph(node) { tree } else { nothing(&tree) });
            }
            NamedNodePattern::Variable(variable) => variable,
        };
        if let Some(tree) = self.graph_in_patterns(variable, inner)? {
            return Ok(tree);
        }
        let mut members = Vec::new();
        for node in self.named_graphs()? {
            let tree = self.pattern(inner, &in_graph(PatternTerm::Constant(node.clone().into())))?;
            let name = Tree::Values { variables: vec![variable.clone()], rows: vec![vec![Some(node.into())]] };
            members.push(join(tree, name, self.catalogue, self.limits));
        }
        Ok(Tree::Union(members))
    }

    /// GRAPH with a variable as one more term of each triple pattern, where that says the same. Inside, the variable is
    /// another one: it is joined with the name of the graph only then (section 18.6).
    fn graph_in_patterns(&mut self, variable: &Variable, inner: &GraphPattern) -> Result<Option<Tree>, PlanError> {
        if needs_each_graph(inner) {
            return Ok(None);
        }
        let in_graph =
            |graph: &Variable| Scope { graph: Some(PatternTerm::Variable(graph.clone())), nodes: HashSet::new() };
        if !mentions(inner, variable) {
            let tree = self.pattern(inner, &in_graph(variable))?;
            return Ok(binds(&tree, variable).then_some(tree));
        }
        let name = self.unfolder.hidden("graph");
        let own = self.unfolder.hidden("own");
        let rename = |known: &Variable| if known == variable { own.clone() } else { known.clone() };
        let tree = self.pattern(&Rename::variables(&rename).pattern(inner), &in_graph(&name))?;
        if !binds(&tree, &name) {
            return Ok(None);
        }
        let unbound = Expression::Not(Box::new(Expression::Bound(own.clone())));
        let same = Expression::SameTerm(
            Box::new(Expression::Variable(own.clone())),
            Box::new(Expression::Variable(name.clone())),
        );
        let input = filter(tree, Expression::Or(Box::new(unbound), Box::new(same)));
        let expression = Expression::Variable(name);
        Ok(Some(Tree::Extend { input: Box::new(input), variable: variable.clone(), expression }))
    }

    /// The named graphs of the dataset.
    fn named_graphs(&self) -> Result<Vec<NamedNode>, PlanError> {
        if let Some(dataset) = self.dataset {
            return Ok(dataset.named.clone());
        }
        self.catalogue.named_graphs().map(<[NamedNode]>::to_vec).map_err(|source| {
            PlanError::unsupported(format!(
                "GRAPH with a variable around this pattern, where source {source} has graphs that are not known before it \
                 is asked: choose them by FROM NAMED"
            ))
        })
    }

    fn has_graph(&self, node: &NamedNode) -> bool {
        match self.dataset {
            Some(dataset) => dataset.named.contains(node),
            None => self.catalogue.may_have_graph(node),
        }
    }

    fn bgp(&mut self, patterns: &[TriplePattern], scope: &Scope) -> Result<Tree, PlanError> {
        if patterns.is_empty() {
            return Ok(Tree::Unit);
        }
        let quads = patterns
            .iter()
            .map(|pattern| {
                Ok(QuadPattern {
                    subject: term(&pattern.subject)?,
                    predicate: match &pattern.predicate {
                        NamedNodePattern::NamedNode(node) => PatternTerm::Constant(node.clone().into()),
                        NamedNodePattern::Variable(variable) => PatternTerm::Variable(variable.clone()),
                    },
                    object: term(&pattern.object)?,
                    graph: scope.graph.clone(),
                })
            })
            .collect::<Result<Vec<_>, PlanError>>()?;
        self.quads(quads)
    }

    fn quads(&mut self, quads: Vec<QuadPattern>) -> Result<Tree, PlanError> {
        if let Some(known) = self.thread {
            let (unfolder, notes) = (&mut self.unfolder, &mut self.thread_notes);
            return ThreadUnfolder { catalogue: self.catalogue, known, limits: self.limits, unfolder, notes }
                .unfold(quads);
        }
        let mut sets: Vec<Tree> = self.unfolder.unfold(quads)?.into_iter().map(Tree::Branches).collect();
        match sets.pop() {
            Some(only) if sets.is_empty() => Ok(only),
            Some(last) => {
                sets.push(last);
                Ok(Tree::Join(sets))
            }
            None => Ok(Tree::Unit),
        }
    }

    fn filter(&mut self, tree: Tree, expression: &Expression, scope: &Scope) -> Result<Tree, PlanError> {
        let adds_variables = |conjunct: &Expression| exists::has_exists(conjunct) || calls_blank_node(conjunct);
        let (exists, plain): (Vec<_>, Vec<_>) = conjuncts(expression).into_iter().partition(adds_variables);
        plain.iter().try_for_each(refuse_unknown_functions)?;
        let tree = plain.into_iter().fold(tree, filter);
        exists.into_iter().try_fold(tree, |tree, conjunct| self.filter_exists(tree, &conjunct, scope))
    }

    fn optional(
        &mut self,
        left: Tree,
        right: Tree,
        condition: Option<&Expression>,
        scope: &Scope,
    ) -> Result<Tree, PlanError> {
        match condition {
            Some(condition) if exists::has_exists(condition) || calls_blank_node(condition) => {
                self.optional_exists(left, right, condition, scope)
            }
            _ => {
                condition.iter().copied().try_for_each(refuse_unknown_functions)?;
                Ok(left_join(left, right, condition.cloned(), self.catalogue, self.limits))
            }
        }
    }
}

/// MINUS of what shares no variable takes nothing away.
fn minus(left: Tree, right: Tree) -> Tree {
    let known = variables(&left);
    if !variables(&right).iter().any(|variable| known.contains(variable)) {
        return left;
    }
    Tree::Minus { left: Box::new(left), right: Box::new(right) }
}

/// No rows, with the variables of the tree.
fn nothing(tree: &Tree) -> Tree {
    Tree::Values { variables: variables(tree), rows: Vec::new() }
}

/// Whether the variable is anywhere in the pattern.
fn mentions(pattern: &GraphPattern, variable: &Variable) -> bool {
    let found = Cell::new(false);
    let look = |known: &Variable| {
        found.set(found.get() || known == variable);
        known.clone()
    };
    Rename::variables(&look).pattern(pattern);
    found.get()
}

/// Whether a pattern says something about one graph as a whole, so that it has to be asked of each by itself.
fn needs_each_graph(pattern: &GraphPattern) -> bool {
    match pattern {
        GraphPattern::Bgp { .. } | GraphPattern::Values { .. } => false,
        GraphPattern::Join { left, right }
        | GraphPattern::LeftJoin { left, right, .. }
        | GraphPattern::Union { left, right } => needs_each_graph(left) || needs_each_graph(right),
        GraphPattern::Filter { expr, inner } => exists::has_exists(expr) || needs_each_graph(inner),
        GraphPattern::Extend { expression, inner, .. } => exists::has_exists(expression) || needs_each_graph(inner),
        _ => true,
    }
}

/// A blank node of a query is a variable that cannot be asked for (SPARQL section 4.1.4).
fn term(pattern: &TermPattern) -> Result<PatternTerm, PlanError> {
    match pattern {
        TermPattern::NamedNode(node) => Ok(PatternTerm::Constant(node.clone().into())),
        TermPattern::Literal(literal) => Ok(PatternTerm::Constant(literal.clone().into())),
        TermPattern::Variable(variable) => Ok(PatternTerm::Variable(variable.clone())),
        TermPattern::BlankNode(node) => {
            Ok(PatternTerm::Variable(Variable::new_unchecked(format!("_:{}", node.as_str()))))
        }
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        _ => Err(PlanError::unsupported("a triple term")),
    }
}

fn ground_term(term: &GroundTerm) -> Result<Term, PlanError> {
    match term {
        GroundTerm::NamedNode(node) => Ok(node.clone().into()),
        GroundTerm::Literal(literal) => Ok(literal.clone().into()),
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        _ => Err(PlanError::unsupported("a triple term")),
    }
}
