//! From a read to lookups in the store: every value a column may have becomes a bound position of a quad pattern.

use crate::statements::COLUMNS;
use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringViewArray};
use oxrdf::{GraphName, NamedNode, NamedOrBlankNode, Term};
use std::collections::BTreeSet;
use weft_model::contract::{CompareOperator, ContractError, Expression, KeyBlock, Read, Value};
use weft_model::term::decode;
use weft_model::{Code, Fault};

/// What the rows of a read must fulfil.
#[derive(Debug)]
pub(crate) struct Conditions {
    /// For each column, the encoded terms a filter allows.
    allowed: [Option<BTreeSet<String>>; 4],
    keys: Option<Keys>,
}

/// A key block: for each row, a term in each of these columns.
#[derive(Debug)]
struct Keys {
    columns: Vec<usize>,
    values: Vec<StringViewArray>,
    rows: usize,
}

/// One lookup: the encoded terms of the bound positions.
pub(crate) type Pattern = [Option<String>; 4];

/// The positions of a pattern as terms.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    pub(crate) subject: Option<NamedOrBlankNode>,
    pub(crate) predicate: Option<NamedNode>,
    pub(crate) object: Option<Term>,
    pub(crate) graph: Option<GraphName>,
}

impl Conditions {
    /// `fixed` is what the table is limited to.
    pub(crate) fn of(read: &Read, fixed: &Pattern) -> Result<Self, ContractError> {
        let allowed = fixed.clone().map(|term| term.map(|term| BTreeSet::from([term])));
        let mut conditions = Self { allowed, keys: None };
        if let Some(filter) = &read.filter {
            conditions.add_filter(filter)?;
        }
        conditions.keys = read.keys.as_ref().map(Keys::of).transpose()?;
        Ok(conditions)
    }

    /// A conjunction of equalities, which is what the tables declare. Conjunctions may nest.
    fn add_filter(&mut self, filter: &Expression) -> Result<(), ContractError> {
        let mut pending = vec![filter];
        while let Some(expression) = pending.pop() {
            match expression {
                Expression::And(parts) => pending.extend(parts),
                Expression::Compare { operator: CompareOperator::Equal, left, right } => {
                    self.add_equality(left, right)?;
                }
                Expression::In { input, values } => self.restrict(column_of(input)?, values)?,
                other => return Err(unsupported(other)),
            }
        }
        Ok(())
    }

    fn add_equality(&mut self, left: &Expression, right: &Expression) -> Result<(), ContractError> {
        match (left, right) {
            (column @ Expression::Column(_), Expression::Literal(value))
            | (Expression::Literal(value), column @ Expression::Column(_)) => {
                self.restrict(column_of(column)?, std::slice::from_ref(value))
            }
            _ => Err(invalid("the index compares columns with constants only")),
        }
    }

    fn restrict(&mut self, column: usize, values: &[Value]) -> Result<(), ContractError> {
        let mut set = BTreeSet::new();
        for value in values {
            let Value::Text(text) = value else {
                return Err(invalid(format!("column {} holds text, not {:?}", COLUMNS[column], value.kind())));
            };
            set.insert(check_term(text)?.to_owned());
        }
        self.allowed[column] = Some(match self.allowed[column].take() {
            Some(former) => former.intersection(&set).cloned().collect(),
            None => set,
        });
        Ok(())
    }

    /// Whether a filter lets these cells pass. The store compares numbers by value, columns are compared as text.
    pub(crate) fn allow(&self, cells: &[String; 4]) -> bool {
        self.allowed.iter().zip(cells).all(|(allowed, cell)| allowed.as_ref().is_none_or(|set| set.contains(cell)))
    }

    /// Lookups that together find every row once.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = Pattern> + '_ {
        let rows = self.keys.as_ref().map_or(1, |keys| keys.rows);
        (0..rows).filter_map(|row| self.pattern(row)).flat_map(|pattern| self.expand(pattern))
    }

    /// The pattern of one key row; nothing when the filter contradicts it.
    fn pattern(&self, row: usize) -> Option<Pattern> {
        let mut pattern: Pattern = [const { None }; 4];
        for (position, allowed) in pattern.iter_mut().zip(&self.allowed) {
            let Some(allowed) = allowed else { continue };
            let first = allowed.first()?;
            if allowed.len() == 1 {
                *position = Some(first.clone());
            }
        }
        let Some(keys) = &self.keys else { return Some(pattern) };
        for (column, values) in keys.columns.iter().zip(&keys.values) {
            let key = values.value(row);
            if self.allowed[*column].as_ref().is_some_and(|allowed| !allowed.contains(key)) {
                return None;
            }
            pattern[*column] = Some(key.to_owned());
        }
        Some(pattern)
    }

    /// A pattern without subject and object would visit much: the smallest list of values is looked up one by one.
    fn expand(&self, pattern: Pattern) -> Vec<Pattern> {
        if pattern[0].is_some() || pattern[2].is_some() {
            return vec![pattern];
        }
        let lists = [0, 2, 1, 3].into_iter().filter(|column| pattern[*column].is_none());
        let smallest = lists.filter_map(|column| Some((column, self.allowed[column].as_ref()?)));
        let Some((column, values)) = smallest.min_by_key(|(_, values)| values.len()) else { return vec![pattern] };
        values
            .iter()
            .map(|value| {
                let mut bound = pattern.clone();
                bound[column] = Some(value.clone());
                bound
            })
            .collect()
    }

    /// What is looked up, for people: a quad pattern in the notation of SPARQL.
    pub(crate) fn describe(&self) -> String {
        let term = |column: usize| match &self.allowed[column] {
            Some(set) if set.len() == 1 => {
                set.first().and_then(|text| decode(text).ok()).map_or_else(String::new, |term| term.to_string())
            }
            _ => format!("?{}", COLUMNS[column]),
        };
        let mut text = format!("GRAPH {} {{ {} {} {} }}", term(3), term(0), term(1), term(2));
        for (column, allowed) in self.allowed.iter().enumerate() {
            if let Some(set) = allowed.as_ref().filter(|set| set.len() != 1) {
                text.push_str(&format!(" ?{} IN ({} terms)", COLUMNS[column], set.len()));
            }
        }
        if let Some(keys) = &self.keys {
            let columns: Vec<String> = keys.columns.iter().map(|c| format!("?{}", COLUMNS[*c])).collect();
            text.push_str(&format!(" VALUES ({}) {{ {} keys }}", columns.join(" "), keys.rows));
        }
        text
    }
}

impl Keys {
    fn of(block: &KeyBlock) -> Result<Self, ContractError> {
        let columns = block.columns.iter().map(|name| position(name)).collect::<Result<Vec<_>, _>>()?;
        if columns.len() != block.keys.num_columns() {
            return Err(invalid("a key block has another number of columns than it names"));
        }
        let values = (0..columns.len()).map(|i| key_column(&block.keys, i)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { columns, values, rows: block.keys.num_rows() })
    }
}

fn key_column(keys: &RecordBatch, column: usize) -> Result<StringViewArray, ContractError> {
    let array = keys.column(column);
    let Some(texts) = array.as_string_view_opt() else {
        return Err(invalid(format!("key column {column} holds {}, not text", array.data_type())));
    };
    if texts.null_count() > 0 {
        return Err(invalid(format!("key column {column} holds nulls")));
    }
    texts.iter().flatten().try_for_each(|text| check_term(text).map(drop))?;
    Ok(texts.clone())
}

fn column_of(expression: &Expression) -> Result<usize, ContractError> {
    match expression {
        Expression::Column(column) => position(&column.name),
        other => Err(unsupported(other)),
    }
}

pub(crate) fn position(name: &str) -> Result<usize, ContractError> {
    COLUMNS.iter().position(|column| *column == name).ok_or_else(|| {
        ContractError::new(Code::SchemaChanged, Fault::Broker, format!("the index has no column {name:?}"))
    })
}

fn check_term(text: &str) -> Result<&str, ContractError> {
    decode(text).map_err(|error| invalid(error.to_string()))?;
    Ok(text)
}

fn unsupported(expression: &Expression) -> ContractError {
    invalid("the index evaluates equality, lists of values and their conjunction only")
        .with_detail(format!("{expression:?}"))
}

pub(crate) fn invalid(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::InvalidRequest, Fault::Broker, message)
}

impl Bound {
    /// Nothing when a position holds a term that no quad can have there.
    pub(crate) fn of(pattern: &Pattern) -> Option<Self> {
        let mut bound = Self::default();
        let [subject, predicate, object, graph] = pattern;
        if let Some(text) = subject {
            bound.subject = Some(match decode(text).ok()? {
                Term::NamedNode(node) => node.into(),
                Term::BlankNode(node) => node.into(),
                _ => return None,
            });
        }
        if let Some(text) = predicate {
            let Term::NamedNode(node) = decode(text).ok()? else { return None };
            bound.predicate = Some(node);
        }
        if let Some(text) = object {
            bound.object = Some(decode(text).ok()?);
        }
        if let Some(text) = graph {
            let Term::NamedNode(node) = decode(text).ok()? else { return None };
            bound.graph = Some(node.into());
        }
        Some(bound)
    }
}
