//! Property paths by the words of SPARQL section 18.4, over the triples of one graph.

use oxrdf::{NamedNode, Term};
use spargebra::algebra::PropertyPathExpression as Path;
use std::collections::{BTreeMap, BTreeSet};

/// More pairs than this are not worth looking at.
const MOST_PAIRS: usize = 20_000;

/// Pairs of terms as often as the path gives them; none when there are too many.
pub(super) type Pairs = Option<Vec<(Term, Term)>>;

type Number = usize;

/// The triples of a graph, each once, with its terms by number.
pub(super) struct Graph {
    terms: Vec<Term>,
    numbers: BTreeMap<String, Number>,
    links: BTreeMap<NamedNode, BTreeSet<(Number, Number)>>,
    nodes: BTreeSet<Number>,
}

impl Graph {
    pub(super) fn new(triples: impl IntoIterator<Item = (Term, NamedNode, Term)>) -> Self {
        let mut graph =
            Self { terms: Vec::new(), numbers: BTreeMap::new(), links: BTreeMap::new(), nodes: BTreeSet::new() };
        for (subject, predicate, object) in triples {
            let pair = (graph.number(&subject), graph.number(&object));
            graph.nodes.extend([pair.0, pair.1]);
            graph.links.entry(predicate).or_default().insert(pair);
        }
        graph
    }

    /// What `path` leads from and to; an end that is a term is given.
    pub(super) fn pairs(&mut self, path: &Path, from: Option<&Term>, to: Option<&Term>) -> Pairs {
        let from = from.map(|term| self.number(term));
        let to = to.map(|term| self.number(term));
        let pairs = self.eval(path, from, to)?;
        Some(pairs.into_iter().map(|(from, to)| (self.terms[from].clone(), self.terms[to].clone())).collect())
    }

    fn number(&mut self, term: &Term) -> Number {
        let next = self.terms.len();
        let number = *self.numbers.entry(term.to_string()).or_insert(next);
        if number == next {
            self.terms.push(term.clone());
        }
        number
    }

    fn eval(&self, path: &Path, from: Option<Number>, to: Option<Number>) -> Option<Vec<(Number, Number)>> {
        let fits = |(a, b): &(Number, Number)| from.is_none_or(|x| x == *a) && to.is_none_or(|y| y == *b);
        let pairs: Vec<(Number, Number)> = match path {
            Path::NamedNode(predicate) => {
                self.links.get(predicate).into_iter().flatten().copied().filter(fits).collect()
            }
            Path::NegatedPropertySet(without) => {
                let others = self.links.iter().filter(|(predicate, _)| !without.contains(predicate));
                others.flat_map(|(_, pairs)| pairs).copied().filter(fits).collect()
            }
            Path::Reverse(inner) => self.eval(inner, to, from)?.into_iter().map(|(a, b)| (b, a)).collect(),
            Path::Alternative(a, b) => [self.eval(a, from, to)?, self.eval(b, from, to)?].concat(),
            Path::Sequence(a, b) => self.sequence(&self.eval(a, from, None)?, &self.eval(b, None, to)?)?,
            Path::ZeroOrOne(inner) => {
                let mut pairs: BTreeSet<_> = self.eval(inner, from, to)?.into_iter().collect();
                pairs.extend(self.same(from, to));
                pairs.into_iter().collect()
            }
            Path::ZeroOrMore(inner) => self.closure(inner, from, to, true)?,
            Path::OneOrMore(inner) => self.closure(inner, from, to, false)?,
        };
        (pairs.len() <= MOST_PAIRS).then_some(pairs)
    }

    fn sequence(&self, left: &[(Number, Number)], right: &[(Number, Number)]) -> Option<Vec<(Number, Number)>> {
        let mut follow: BTreeMap<Number, Vec<Number>> = BTreeMap::new();
        right.iter().for_each(|(middle, to)| follow.entry(*middle).or_default().push(*to));
        let mut pairs = Vec::new();
        for (from, middle) in left {
            pairs.extend(follow.get(middle).into_iter().flatten().map(|to| (*from, *to)));
            if pairs.len() > MOST_PAIRS {
                return None;
            }
        }
        Some(pairs)
    }

    /// Paths of length zero: at a term that is given whether it is in the graph or not, else at every node.
    fn same(&self, from: Option<Number>, to: Option<Number>) -> Vec<(Number, Number)> {
        match (from, to) {
            (Some(x), Some(y)) if x != y => Vec::new(),
            (Some(x), _) | (None, Some(x)) => vec![(x, x)],
            (None, None) => self.nodes.iter().map(|x| (*x, *x)).collect(),
        }
    }

    fn closure(
        &self,
        inner: &Path,
        from: Option<Number>,
        to: Option<Number>,
        zero: bool,
    ) -> Option<Vec<(Number, Number)>> {
        if from.is_none() && to.is_some() {
            let reversed = Path::Reverse(Box::new(inner.clone()));
            let pairs = self.closure(&reversed, to, from, zero)?;
            return Some(pairs.into_iter().map(|(a, b)| (b, a)).collect());
        }
        let mut steps: BTreeMap<Number, BTreeSet<Number>> = BTreeMap::new();
        for (a, b) in self.eval(inner, None, None)? {
            steps.entry(a).or_default().insert(b);
        }
        if let Some(x) = from {
            steps.entry(x).or_default().extend(self.eval(inner, Some(x), None)?.into_iter().map(|(_, b)| b));
        }
        let starts: Vec<Number> = from.map_or_else(|| self.nodes.iter().copied().collect(), |x| vec![x]);
        let mut pairs = Vec::new();
        for start in starts {
            let reached = reach(&steps, start, zero);
            pairs.extend(reached.into_iter().filter(|end| to.is_none_or(|to| to == *end)).map(|end| (start, end)));
            if pairs.len() > MOST_PAIRS {
                return None;
            }
        }
        Some(pairs)
    }
}

fn reach(steps: &BTreeMap<Number, BTreeSet<Number>>, start: Number, zero: bool) -> BTreeSet<Number> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<Number> =
        if zero { vec![start] } else { steps.get(&start).into_iter().flatten().copied().collect() };
    while let Some(node) = next.pop() {
        if reached.insert(node) {
            next.extend(steps.get(&node).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use spargebra::algebra::GraphPattern;
    use spargebra::{Query, SparqlParser};

    fn node(name: &str) -> Term {
        NamedNode::new(format!("urn:{name}")).unwrap().into()
    }

    /// `a p b`, `b p c`, `c p a`, `a q b`, `a q d`, `d p c`.
    fn graph() -> Graph {
        let triple = |text: &str| {
            let names: Vec<&str> = text.split(' ').collect();
            (node(names[0]), NamedNode::new(format!("urn:{}", names[1])).unwrap(), node(names[2]))
        };
        Graph::new(["a p b", "b p c", "c p a", "a q b", "a q d", "d p c"].map(triple))
    }

    fn path(text: &str) -> Path {
        let query = format!("SELECT * {{ ?s {} ?o }}", text.replace('p', "<urn:p>").replace('q', "<urn:q>"));
        let query = SparqlParser::new().parse_query(&query).unwrap();
        let Query::Select { pattern: GraphPattern::Project { inner, .. }, .. } = query else { unreachable!() };
        let GraphPattern::Path { path, .. } = *inner else { unreachable!("{inner} is no path") };
        path
    }

    fn ends(text: &str, from: Option<&str>, to: Option<&str>) -> Vec<String> {
        let (from, to) = (from.map(node), to.map(node));
        let pairs = graph().pairs(&path(text), from.as_ref(), to.as_ref()).unwrap();
        let name = |term: &Term| term.to_string().trim_matches(['<', '>']).trim_start_matches("urn:").to_owned();
        let mut ends: Vec<String> = pairs.iter().map(|(a, b)| name(a) + &name(b)).collect();
        ends.sort();
        ends
    }

    #[test]
    fn alternatives_and_sequences_keep_duplicates_and_closures_do_not() {
        assert_eq!(ends("(p|q)", Some("a"), None), ["ab", "ab", "ad"]);
        assert_eq!(ends("((p|q)/p|p)", Some("a"), None), ["ab", "ac", "ac", "ac"]);
        assert_eq!(ends("(p|q)+", Some("a"), None), ["aa", "ab", "ac", "ad"]);
        assert_eq!(ends("(p|q)?", Some("a"), None), ["aa", "ab", "ad"]);
        assert_eq!(ends("!q", Some("a"), None), ["ab"]);
        assert_eq!(ends("!(p|^q)", Some("b"), None), ["ba"]);
    }

    #[test]
    fn a_path_of_no_step_is_at_a_given_term_or_at_every_node() {
        assert_eq!(ends("p*", Some("x"), None), ["xx"]);
        assert_eq!(ends("p*", None, Some("x")), ["xx"]);
        assert_eq!(ends("q?", Some("x"), Some("x")), ["xx"]);
        assert_eq!(ends("p+", Some("x"), None), [""; 0]);
        assert_eq!(ends("q?", None, None), ["aa", "ab", "ad", "bb", "cc", "dd"]);
        assert_eq!(ends("(^p)*", Some("b"), Some("d")), ["bd"]);
    }
}
