//! What the left rows of a bind join tell a service to look for.
//!
//! What is shipped must only ever leave out solutions that no left row is compatible with, and give no other twice: the
//! solutions of one VALUES block are pairwise incompatible, so that each left row is compatible with the answers to one of
//! them only. A variable that some row cannot ship is left open for all rows that are otherwise the same.

use crate::columns::TermReader;
use crate::error::QueryError;
use crate::physical::keys::KeySource;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, NamedNode, Term, Variable};
use oxsdatatypes::{Boolean, DateTime, Double};
use spargebra::algebra::GraphPattern;
use spargebra::term::GroundTerm;
use std::collections::{HashMap, HashSet};

/// What one left row knows of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Unbound, so that any term is compatible; or a blank node, which is none of the service's; or a term that cannot be
    /// told from another one.
    Open,
    Exact(Term),
}

impl Key {
    fn new(term: Option<Term>) -> Self {
        match term {
            None | Some(Term::BlankNode(_)) => Self::Open,
            Some(term) => Self::Exact(term),
        }
    }

    fn exact(&self) -> Option<&Term> {
        if let Self::Exact(term) = self { Some(term) } else { None }
    }
}

/// One solution of a VALUES block.
type Solution = Vec<Option<Term>>;

/// The solutions shipped to one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Shipment {
    variables: Vec<Variable>,
    solutions: Vec<Solution>,
}

impl Shipment {
    /// Where nothing is known, which is no reason to look for nothing.
    pub(super) fn open() -> Self {
        Self { variables: Vec::new(), solutions: vec![Vec::new()] }
    }

    fn new(variables: Vec<Variable>, mut rows: Vec<Vec<Key>>) -> Self {
        (0..variables.len()).for_each(|column| open_equal_values(&mut rows, column));
        let always = |column: usize| rows.iter().all(|row| row[column].exact().is_some());
        let always: Vec<usize> = (0..variables.len()).filter(|column| always(*column)).collect();
        let alike = grouped(rows, |row| always.iter().map(|column| row[*column].clone()).collect::<Vec<_>>());
        let solutions = alike.into_iter().flat_map(|rows| solutions(variables.len(), rows)).collect();
        Self { variables, solutions }
    }

    pub(super) fn len(&self) -> usize {
        self.solutions.len()
    }

    /// Parts with at most so many solutions, and about so many bytes of terms.
    pub(super) fn parts(self, most: usize, bytes: usize) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        let (mut count, mut size) = (0, 0);
        for solution in self.solutions {
            let weight = weight(&solution);
            match parts.last_mut() {
                Some(part) if count < most && size + weight <= bytes => {
                    part.solutions.push(solution);
                    (count, size) = (count + 1, size + weight);
                }
                _ => {
                    parts.push(Self { variables: self.variables.clone(), solutions: vec![solution] });
                    (count, size) = (1, weight);
                }
            }
        }
        parts
    }

    /// The first solutions only.
    pub(super) fn first(&self, count: usize) -> Self {
        Self { solutions: self.solutions.iter().take(count).cloned().collect(), ..self.clone() }
    }

    /// The pattern joined with what is shipped.
    pub(super) fn joined_with(&self, pattern: GraphPattern) -> GraphPattern {
        let bound: Vec<usize> = (0..self.variables.len())
            .filter(|column| self.solutions.iter().any(|solution| solution[*column].is_some()))
            .collect();
        if bound.is_empty() {
            return pattern;
        }
        let row = |solution: &Solution| bound.iter().map(|c| solution[*c].clone().and_then(ground)).collect();
        let values = GraphPattern::Values {
            variables: bound.iter().map(|column| self.variables[*column].clone()).collect(),
            bindings: self.solutions.iter().map(row).collect(),
        };
        GraphPattern::Join { left: Box::new(values), right: Box::new(pattern) }
    }

    /// Each solution as a row of these variables, which binds what the left rows have and nothing else.
    pub(super) fn rows<'a>(&'a self, variables: &'a [Variable]) -> impl Iterator<Item = Vec<Option<Term>>> + 'a {
        let columns: Vec<_> = variables.iter().map(|v| self.variables.iter().position(|own| own == v)).collect();
        self.solutions.iter().map(move |solution| {
            columns.iter().map(|column| column.and_then(|column| solution[column].clone())).collect()
        })
    }
}

/// Solutions that are pairwise incompatible, for rows that are the same where all rows are exact.
fn solutions(columns: usize, rows: Vec<Vec<Key>>) -> Vec<Solution> {
    let shipped: Vec<bool> = (0..columns).map(|column| rows.iter().all(|row| row[column].exact().is_some())).collect();
    let solution = |row: &Vec<Key>| -> Solution {
        row.iter().zip(&shipped).map(|(key, shipped)| key.exact().filter(|_| *shipped).cloned()).collect()
    };
    grouped(rows, solution).iter().map(|rows| solution(&rows[0])).collect()
}

/// Leaves open what some service takes for one term: numbers and times that are equal, however they are written.
fn open_equal_values(rows: &mut [Vec<Key>], column: usize) {
    let mut terms: HashMap<Value, HashSet<Term>> = HashMap::new();
    for term in rows.iter().filter_map(|row| row[column].exact()) {
        if let Some(value) = Value::of(term) {
            terms.entry(value).or_default().insert(term.clone());
        }
    }
    for row in rows {
        let value = row[column].exact().and_then(Value::of);
        if value.is_some_and(|value| terms.get(&value).is_some_and(|terms| terms.len() > 1)) {
            row[column] = Key::Open;
        }
    }
}

/// What is the same for literals that some service may take for the same.
#[derive(PartialEq, Eq, Hash)]
enum Value {
    Number(u64),
    Instant([u8; 16]),
    /// Of this datatype, whose values are not looked into.
    Some(NamedNode),
}

impl Value {
    /// Nothing for a term that is one value written in the one way there is.
    fn of(term: &Term) -> Option<Self> {
        let Term::Literal(literal) = term else { return None };
        let (text, datatype) = (literal.value(), literal.datatype());
        if !datatype.as_str().starts_with(XSD) || datatype == xsd::STRING || datatype == xsd::ANY_URI {
            return None;
        }
        if let Ok(time) = text.parse::<DateTime>() {
            let mut instant = [0; 16];
            instant.copy_from_slice(&time.to_be_bytes()[..16]);
            return Some(Self::Instant(instant));
        }
        if [xsd::DATE, xsd::G_YEAR, xsd::G_YEAR_MONTH].contains(&datatype) {
            let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            return if is_plain { None } else { Some(Self::Some(datatype.into_owned())) };
        }
        match (text.parse::<Double>(), text.parse::<Boolean>()) {
            // Zero has two signs.
            (Ok(number), _) => Some(Self::Number((f64::from(number) + 0.0).to_bits())),
            (_, Ok(boolean)) => Some(Self::Number(f64::from(u8::from(bool::from(boolean))).to_bits())),
            _ => Some(Self::Some(datatype.into_owned())),
        }
    }
}

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// Rows of one name together, in the order in which the names come first. No group is empty.
fn grouped<N: Eq + std::hash::Hash>(rows: Vec<Vec<Key>>, name: impl Fn(&Vec<Key>) -> N) -> Vec<Vec<Vec<Key>>> {
    let mut positions: HashMap<N, usize> = HashMap::new();
    let mut groups: Vec<Vec<Vec<Key>>> = Vec::new();
    for row in rows {
        let position = *positions.entry(name(&row)).or_insert(groups.len());
        match groups.get_mut(position) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// Roughly the bytes it takes in a query.
fn weight(solution: &Solution) -> usize {
    solution.iter().map(|term| term.as_ref().map_or(6, term_bytes)).sum::<usize>() + 4
}

fn term_bytes(term: &Term) -> usize {
    match term {
        Term::NamedNode(node) => node.as_str().len() + 3,
        Term::Literal(literal) => literal_bytes(literal),
        _ => 0,
    }
}

fn literal_bytes(literal: &Literal) -> usize {
    let escaped = literal.value().bytes().filter(|b| matches!(b, b'"' | b'\\' | b'\n' | b'\r' | b'\t')).count();
    let datatype = match literal.datatype() {
        xsd::STRING => 0,
        other => other.as_str().len() + 4,
    };
    literal.value().len() + escaped + datatype + 5
}

fn ground(term: Term) -> Option<GroundTerm> {
    match term {
        Term::NamedNode(node) => Some(node.into()),
        Term::Literal(literal) => Some(literal.into()),
        _ => None,
    }
}

/// The left rows, by the term that names the endpoint where `name` is a variable. Rows that are the same are one.
pub(super) fn shipments(
    keys: &KeySource,
    asked: &[Variable],
    name: Option<&Variable>,
) -> Result<Vec<(Option<Term>, Shipment)>, QueryError> {
    let variables: Vec<Variable> = asked.iter().filter(|v| keys.layout.get(v).is_some()).cloned().collect();
    let columns = variables.iter().map(|variable| terms(keys, variable)).collect::<Result<Vec<_>, _>>()?;
    let names = name.map(|name| terms(keys, name)).transpose()?;
    let mut seen = HashSet::new();
    let mut positions: HashMap<Option<Term>, usize> = HashMap::new();
    let mut found: Vec<(Option<Term>, Vec<Vec<Key>>)> = Vec::new();
    for row in 0..keys.rows.num_rows() {
        let name = names.as_ref().and_then(|names| names[row].clone());
        let row: Vec<Key> = columns.iter().map(|column| Key::new(column[row].clone())).collect();
        if !seen.insert((name.clone(), row.clone())) {
            continue;
        }
        let position = *positions.entry(name.clone()).or_insert(found.len());
        match found.get_mut(position) {
            Some((_, rows)) => rows.push(row),
            None => found.push((name, vec![row])),
        }
    }
    Ok(found.into_iter().map(|(name, rows)| (name, Shipment::new(variables.clone(), rows))).collect())
}

/// The terms of a variable, one a row; unbound where the left does not have it.
fn terms(keys: &KeySource, variable: &Variable) -> Result<Vec<Option<Term>>, QueryError> {
    let Some((start, term_type)) = keys.layout.get(variable) else { return Ok(vec![None; keys.rows.num_rows()]) };
    let reader = TermReader::new(term_type, &keys.rows.columns()[start..start + term_type.columns().len()])?;
    let terms = (0..keys.rows.num_rows()).map(|row| reader.term(row)).collect::<Result<Vec<_>, _>>()?;
    Ok(terms)
}
