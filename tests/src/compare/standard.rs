//! The query as the standard means it, where the engine behind the oracle reads it otherwise.
//!
//! - Property paths: section 18.4 keeps the duplicates of sequences and alternatives at any depth, and a path of length
//!   zero from a term is there whether the term is in the graph or not. Here the pairs of each path are found by
//!   [`super::path`] and put into a graph of their own, one node for each pair, which is asked in the path's place.
//! - `GRAPH ?g { P }`: section 18.6 evaluates P in each named graph and joins `?g` afterwards, so P does not see `?g`,
//!   and MINUS in P does not share it. Here it is a union over the named graphs.
//! - `GRAPH <g> { P }` where no such graph is: nothing, whatever P is. A graph that a source or the query names is
//!   there, even without a triple.
//! - FROM with several graphs: their merge is a set.
//! - OPTIONAL: section 18.6 evaluates both sides by themselves. The engine feeds the rows of what is around a left join into its
//!   right side, where BIND, FILTER and MINUS then see variables that are not in their scope. Here a left join with anything
//!   such on its right is behind a slice of all rows, which nothing is fed into.
//! - Expressions: see [`super::values`].
//! - `COUNT` of an expression counts where it is no error (section 18.5.1.2), and is no error itself.

use super::path::Graph;
use super::values::{standard, truth};
use oxrdf::{Dataset, GraphName, GraphNameRef, NamedNode, NamedOrBlankNode, Quad, Term, Variable};
use spargebra::Query;
use spargebra::algebra::{
    AggregateExpression, AggregateFunction, Expression, GraphPattern, OrderExpression, QueryDataset,
};
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use std::collections::{BTreeSet, HashMap};

/// The query and the data it is asked over, where these are others than those given; none when a path has too many
/// pairs.
pub(super) fn by_the_standard(
    query: Query,
    all: &Dataset,
    graphs: &BTreeSet<NamedNode>,
) -> Option<(Query, Option<Dataset>)> {
    let mut chosen = query.dataset().map(|dataset| select(dataset, all));
    let dataset = chosen.as_ref().unwrap_or(all);
    let named = match query.dataset() {
        Some(chosen) => chosen.named.iter().flatten().cloned().collect(),
        None => graphs.clone(),
    };
    let mut rewriting = Rewriting { named, dataset, graphs: HashMap::new(), pairs: Vec::new(), paths: 0 };
    let query = rewriting.query(query)?;
    let pairs = rewriting.pairs;
    if !pairs.is_empty() {
        chosen.get_or_insert_with(|| all.clone()).extend(pairs.iter());
    }
    Some((query, chosen))
}

/// The dataset a query chooses, as the whole dataset.
fn select(chosen: &QueryDataset, all: &Dataset) -> Dataset {
    let mut dataset = Dataset::new();
    for quad in all.iter().map(oxrdf::QuadRef::into_owned) {
        let GraphName::NamedNode(graph) = &quad.graph_name else { continue };
        if chosen.default.contains(graph) {
            dataset.insert(&Quad { graph_name: GraphName::DefaultGraph, ..quad.clone() });
        }
        if chosen.named.iter().flatten().any(|named| named == graph) {
            dataset.insert(&quad);
        }
    }
    dataset
}

/// The graph that patterns are matched in.
type Active = Option<NamedNode>;

struct Rewriting<'a> {
    named: BTreeSet<NamedNode>,
    dataset: &'a Dataset,
    graphs: HashMap<Active, Graph>,
    /// The pairs of all paths so far.
    pairs: Vec<Quad>,
    paths: usize,
}

impl Rewriting<'_> {
    fn query(&mut self, query: Query) -> Option<Query> {
        let default = None;
        Some(match query {
            Query::Select { pattern, base_iri, .. } => {
                Query::Select { dataset: None, pattern: self.pattern(pattern, &default)?, base_iri }
            }
            Query::Ask { pattern, base_iri, .. } => {
                Query::Ask { dataset: None, pattern: self.pattern(pattern, &default)?, base_iri }
            }
            Query::Describe { pattern, base_iri, .. } => {
                Query::Describe { dataset: None, pattern: self.pattern(pattern, &default)?, base_iri }
            }
            Query::Construct { template, pattern, base_iri, .. } => {
                Query::Construct { template, dataset: None, pattern: self.pattern(pattern, &default)?, base_iri }
            }
        })
    }

    #[allow(clippy::boxed_local, reason = "it takes apart what holds boxes")]
    fn boxed(&mut self, pattern: Box<GraphPattern>, active: &Active) -> Option<Box<GraphPattern>> {
        self.pattern(*pattern, active).map(Box::new)
    }

    fn pattern(&mut self, pattern: GraphPattern, active: &Active) -> Option<GraphPattern> {
        use GraphPattern as P;
        Some(match pattern {
            // There is one solution in a graph without triples, too.
            P::Bgp { patterns } if patterns.is_empty() => {
                P::Values { variables: Vec::new(), bindings: vec![Vec::new()] }
            }
            P::Bgp { patterns } => P::Bgp { patterns: patterns.into_iter().map(without_blank_nodes).collect() },
            P::Path { subject, path, object } => {
                let (subject, object) = (variable_for(subject), variable_for(object));
                let graph = self.graphs.entry(active.clone()).or_insert_with(|| graph_of(self.dataset, active));
                let pairs = graph.pairs(&path, term(&subject).as_ref(), term(&object).as_ref())?;
                self.table(subject, object, &pairs)
            }
            P::Graph { name: NamedNodePattern::NamedNode(name), inner } => {
                if !self.named.contains(&name) {
                    return Some(P::Values { variables: Vec::new(), bindings: Vec::new() });
                }
                let inner = self.boxed(inner, &Some(name.clone()))?;
                P::Graph { name: name.into(), inner }
            }
            P::Graph { name: NamedNodePattern::Variable(variable), inner } => self.each_graph(&variable, &inner)?,
            P::Join { left, right } => P::Join { left: self.boxed(left, active)?, right: self.boxed(right, active)? },
            P::LeftJoin { left, right, expression } => {
                let feels_what_is_around = !only_matches(&right);
                let (left, right) = (self.boxed(left, active)?, self.boxed(right, active)?);
                let expression = self.optional(expression, active)?;
                let joined = P::LeftJoin { left, right, expression };
                if !feels_what_is_around {
                    return Some(joined);
                }
                P::Slice { inner: Box::new(joined), start: 0, length: Some(usize::MAX) }
            }
            P::Filter { expr, inner } => {
                P::Filter { expr: truth(self.expression(expr, active)?), inner: self.boxed(inner, active)? }
            }
            P::Union { left, right } => P::Union { left: self.boxed(left, active)?, right: self.boxed(right, active)? },
            P::Minus { left, right } => P::Minus { left: self.boxed(left, active)?, right: self.boxed(right, active)? },
            P::Extend { inner, variable, expression } => P::Extend {
                inner: self.boxed(inner, active)?,
                variable,
                expression: self.expression(expression, active)?,
            },
            P::OrderBy { inner, expression } => {
                P::OrderBy { inner: self.boxed(inner, active)?, expression: self.order(expression, active)? }
            }
            P::Project { inner, variables } => P::Project { inner: self.boxed(inner, active)?, variables },
            P::Distinct { inner } => P::Distinct { inner: self.boxed(inner, active)? },
            P::Reduced { inner } => P::Reduced { inner: self.boxed(inner, active)? },
            P::Slice { inner, start, length } => P::Slice { inner: self.boxed(inner, active)?, start, length },
            P::Group { inner, variables, aggregates } => {
                let inner = self.pattern(*inner, active)?;
                let (inner, aggregates) = self.aggregates(inner, aggregates, active)?;
                P::Group { inner: Box::new(inner), variables, aggregates }
            }
            other => other,
        })
    }

    fn each_graph(&mut self, variable: &Variable, inner: &GraphPattern) -> Option<GraphPattern> {
        let mut all = GraphPattern::Values { variables: vec![variable.clone()], bindings: Vec::new() };
        for name in self.named.clone() {
            let inner = self.pattern(inner.clone(), &Some(name.clone()))?;
            let row = GraphPattern::Values {
                variables: vec![variable.clone()],
                bindings: vec![vec![Some(name.clone().into())]],
            };
            let graph = GraphPattern::Graph { name: name.into(), inner: Box::new(inner) };
            let joined = GraphPattern::Join { left: Box::new(graph), right: Box::new(row) };
            all = GraphPattern::Union { left: Box::new(all), right: Box::new(joined) };
        }
        Some(all)
    }

    /// A pattern that gives each pair once, from a graph made for it.
    fn table(&mut self, subject: TermPattern, object: TermPattern, pairs: &[(Term, Term)]) -> GraphPattern {
        self.paths += 1;
        let name = NamedNode::new_unchecked(format!("urn:oracle:path:{}", self.paths));
        let [from, to] = ["from", "to"].map(|end| NamedNode::new_unchecked(format!("urn:oracle:{end}")));
        for (number, (a, b)) in pairs.iter().enumerate() {
            let row = NamedNode::new_unchecked(format!("{}:{number}", name.as_str()));
            self.pairs.push(Quad::new(row.clone(), from.clone(), a.clone(), name.clone()));
            self.pairs.push(Quad::new(row, to.clone(), b.clone(), name.clone()));
        }
        let row = TermPattern::Variable(Variable::new_unchecked(format!("path_{}", self.paths)));
        let triple = |predicate: NamedNode, object: TermPattern| TriplePattern {
            subject: row.clone(),
            predicate: predicate.into(),
            object,
        };
        let mut variables: Vec<Variable> = [&subject, &object].into_iter().filter_map(variable).collect();
        variables.dedup();
        let patterns = vec![triple(from, subject), triple(to, object)];
        let inner = GraphPattern::Graph { name: name.into(), inner: Box::new(GraphPattern::Bgp { patterns }) };
        GraphPattern::Project { inner: Box::new(inner), variables }
    }

    fn optional(&mut self, expression: Option<Expression>, active: &Active) -> Option<Option<Expression>> {
        match expression {
            Some(expression) => self.expression(expression, active).map(truth).map(Some),
            None => Some(None),
        }
    }

    fn order(&mut self, keys: Vec<OrderExpression>, active: &Active) -> Option<Vec<OrderExpression>> {
        keys.into_iter()
            .map(|key| {
                Some(match key {
                    OrderExpression::Asc(e) => OrderExpression::Asc(self.expression(e, active)?),
                    OrderExpression::Desc(e) => OrderExpression::Desc(self.expression(e, active)?),
                })
            })
            .collect()
    }

    /// The aggregates over `inner`, which is given a variable for each expression that is counted.
    fn aggregates(
        &mut self,
        mut inner: GraphPattern,
        aggregates: Vec<(Variable, AggregateExpression)>,
        active: &Active,
    ) -> Option<(GraphPattern, Vec<(Variable, AggregateExpression)>)> {
        let mut all = Vec::new();
        for (variable, aggregate) in aggregates {
            let AggregateExpression::FunctionCall { name, expr, distinct } = aggregate else {
                all.push((variable, aggregate));
                continue;
            };
            let mut expr = self.expression(expr, active)?;
            if name == AggregateFunction::Count && !matches!(expr, Expression::Variable(_)) {
                let counted = Variable::new_unchecked(format!("counted_{}", variable.as_str()));
                inner = GraphPattern::Extend { inner: Box::new(inner), variable: counted.clone(), expression: expr };
                expr = counted.into();
            }
            all.push((variable, AggregateExpression::FunctionCall { name, expr, distinct }));
        }
        Some((inner, all))
    }

    fn expression(&mut self, expression: Expression, active: &Active) -> Option<Expression> {
        use Expression as E;
        let mut two = |a: Box<E>, b: Box<E>| {
            Some((Box::new(self.expression(*a, active)?), Box::new(self.expression(*b, active)?)))
        };
        Some(standard(match expression {
            E::Or(a, b) => two(a, b).map(|(a, b)| E::Or(a, b))?,
            E::And(a, b) => two(a, b).map(|(a, b)| E::And(a, b))?,
            E::Equal(a, b) => two(a, b).map(|(a, b)| E::Equal(a, b))?,
            E::SameTerm(a, b) => two(a, b).map(|(a, b)| E::SameTerm(a, b))?,
            E::Greater(a, b) => two(a, b).map(|(a, b)| E::Greater(a, b))?,
            E::GreaterOrEqual(a, b) => two(a, b).map(|(a, b)| E::GreaterOrEqual(a, b))?,
            E::Less(a, b) => two(a, b).map(|(a, b)| E::Less(a, b))?,
            E::LessOrEqual(a, b) => two(a, b).map(|(a, b)| E::LessOrEqual(a, b))?,
            E::Add(a, b) => two(a, b).map(|(a, b)| E::Add(a, b))?,
            E::Subtract(a, b) => two(a, b).map(|(a, b)| E::Subtract(a, b))?,
            E::Multiply(a, b) => two(a, b).map(|(a, b)| E::Multiply(a, b))?,
            E::Divide(a, b) => two(a, b).map(|(a, b)| E::Divide(a, b))?,
            E::UnaryPlus(a) => E::UnaryPlus(Box::new(self.expression(*a, active)?)),
            E::UnaryMinus(a) => E::UnaryMinus(Box::new(self.expression(*a, active)?)),
            E::Not(a) => E::Not(Box::new(self.expression(*a, active)?)),
            E::Exists(pattern) => E::Exists(self.boxed(pattern, active)?),
            E::If(a, b, c) => {
                let (a, b) = two(a, b)?;
                E::If(a, b, Box::new(self.expression(*c, active)?))
            }
            E::In(a, list) => E::In(Box::new(self.expression(*a, active)?), self.list(list, active)?),
            E::Coalesce(list) => E::Coalesce(self.list(list, active)?),
            E::FunctionCall(function, list) => E::FunctionCall(function, self.list(list, active)?),
            leaf @ (E::NamedNode(_) | E::Literal(_) | E::Variable(_) | E::Bound(_)) => leaf,
        }))
    }

    fn list(&mut self, list: Vec<Expression>, active: &Active) -> Option<Vec<Expression>> {
        list.into_iter().map(|expression| self.expression(expression, active)).collect()
    }
}

/// Whether rows of the pattern are those of its triples, so that it gives the same for rows it is fed.
fn only_matches(pattern: &GraphPattern) -> bool {
    use GraphPattern as P;
    match pattern {
        P::Bgp { .. } | P::Path { .. } | P::Values { .. } => true,
        P::Join { left, right } | P::Union { left, right } => only_matches(left) && only_matches(right),
        P::Graph { inner, .. } => only_matches(inner),
        _ => false,
    }
}

fn graph_of(dataset: &Dataset, active: &Active) -> Graph {
    let in_graph = dataset.iter().filter(|quad| match (active, quad.graph_name) {
        (None, graph) => graph.is_default_graph(),
        (Some(name), GraphNameRef::NamedNode(graph)) => name.as_ref() == graph,
        (Some(_), _) => false,
    });
    Graph::new(in_graph.map(|quad| {
        let subject = match quad.subject.into_owned() {
            NamedOrBlankNode::NamedNode(node) => node.into(),
            NamedOrBlankNode::BlankNode(node) => node.into(),
        };
        (subject, quad.predicate.into_owned(), quad.object.into_owned())
    }))
}

/// A blank node of a pattern is a variable that is not seen.
fn variable_for(pattern: TermPattern) -> TermPattern {
    match pattern {
        TermPattern::BlankNode(node) => Variable::new_unchecked(format!("node_{}", node.as_str())).into(),
        other => other,
    }
}

fn without_blank_nodes(triple: TriplePattern) -> TriplePattern {
    TriplePattern { subject: variable_for(triple.subject), object: variable_for(triple.object), ..triple }
}

fn variable(end: &TermPattern) -> Option<Variable> {
    match end {
        TermPattern::Variable(variable) => Some(variable.clone()),
        _ => None,
    }
}

fn term(end: &TermPattern) -> Option<Term> {
    match end {
        TermPattern::NamedNode(node) => Some(node.clone().into()),
        TermPattern::Literal(literal) => Some(literal.clone().into()),
        _ => None,
    }
}
