//! Triple and quad patterns, with blank nodes as variables.

use crate::catalogue::Place;
use oxrdf::{NamedNode, Term, Variable};

/// A triple or quad pattern of the query.
#[derive(Clone, Debug)]
pub(crate) struct QuadPattern {
    pub(crate) subject: PatternTerm,
    pub(crate) predicate: PatternTerm,
    pub(crate) object: PatternTerm,
    /// `None`: the default graph.
    pub(crate) graph: Option<PatternTerm>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PatternTerm {
    Variable(Variable),
    Constant(Term),
}

impl PatternTerm {
    pub(crate) fn variable(&self) -> Option<&Variable> {
        match self {
            Self::Variable(variable) => Some(variable),
            Self::Constant(_) => None,
        }
    }
}

impl std::fmt::Display for PatternTerm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(variable) => write!(f, "{variable}"),
            Self::Constant(term) => write!(f, "{term}"),
        }
    }
}

impl std::fmt::Display for QuadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(graph) = &self.graph {
            write!(f, "GRAPH {graph} ")?;
        }
        write!(f, "{} {} {}", self.subject, self.predicate, self.object)
    }
}

impl QuadPattern {
    pub(crate) fn places(&self) -> impl Iterator<Item = (Place, &PatternTerm)> {
        let triple =
            [(Place::Subject, &self.subject), (Place::Predicate, &self.predicate), (Place::Object, &self.object)];
        triple.into_iter().chain(self.graph.as_ref().map(|graph| (Place::Graph, graph)))
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.places().filter_map(|(_, term)| term.variable())
    }

    /// Whether the two share a variable, or a constant that is the subject of one.
    pub(crate) fn is_connected(&self, other: &Self) -> bool {
        self.subject == other.subject
            || self.subject == other.object
            || self.object == other.subject
            || self.variables().any(|mine| other.variables().any(|theirs| mine == theirs))
    }

    pub(crate) fn predicate_constant(&self) -> Option<&NamedNode> {
        match &self.predicate {
            PatternTerm::Constant(Term::NamedNode(node)) => Some(node),
            _ => None,
        }
    }
}
