//! A query in pieces that can be printed and left out.

use super::Expression;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub form: Form,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dataset: Vec<Dataset>,
    pub pattern: Vec<Element>,
    /// Variables, or `(expression AS ?name)`.
    pub group_by: Vec<Item>,
    pub having: Option<Expression>,
    /// Variables; true: descending.
    pub order_by: Vec<(String, bool)>,
    pub limit: Option<usize>,
    pub offset: Option<usize>,
    /// VALUES after everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Table>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Form {
    Ask,
    /// No items: `*`.
    Select {
        dedup: Dedup,
        items: Vec<Item>,
    },
    /// No triples: those of the pattern (`CONSTRUCT WHERE`).
    Construct(Vec<[String; 3]>),
    /// Variables with their question mark, and IRIs. None: `*`.
    Describe(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dataset {
    From(String),
    FromNamed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dedup {
    All,
    Distinct,
    Reduced,
}

/// Variables are named without their question mark everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Item {
    Variable(String),
    Expression { text: Expression, name: String },
    Aggregate(Aggregate),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// `COUNT`, `SUM` and so on.
    pub function: String,
    pub distinct: bool,
    /// An expression; none: `*`.
    pub argument: Option<String>,
    pub separator: Option<String>,
    pub name: String,
}

/// The variables and rows of VALUES.
pub type Table = (Vec<String>, Vec<Vec<String>>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Element {
    /// The middle may be a path.
    Triples(Vec<[String; 3]>),
    Filter(Expression),
    Optional(Vec<Element>),
    Union(Vec<Vec<Element>>),
    Minus(Vec<Element>),
    Bind(Expression, String),
    Values(Vec<String>, Vec<Vec<String>>),
    Graph(String, Vec<Element>),
    Group(Vec<Element>),
    Query(Box<Query>),
}

impl Aggregate {
    /// Whether the result does not depend on the order of the input.
    pub fn is_determined(&self) -> bool {
        matches!(self.function.as_str(), "COUNT" | "SUM" | "AVG")
    }
}

impl Item {
    pub fn name(&self) -> &str {
        match self {
            Self::Variable(name) | Self::Expression { name, .. } => name,
            Self::Aggregate(aggregate) => &aggregate.name,
        }
    }
}

impl Query {
    pub fn new(pattern: Vec<Element>) -> Self {
        Self {
            form: Form::Select { dedup: Dedup::All, items: Vec::new() },
            dataset: Vec::new(),
            pattern,
            group_by: Vec::new(),
            having: None,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            values: None,
        }
    }

    /// The same without ORDER BY, LIMIT and OFFSET, and without an order that means nothing in sub-queries. The oracle is
    /// asked this: its order of terms that have none is not a total one, and sorting by it can panic.
    #[must_use]
    pub fn unordered(&self) -> Self {
        let mut query = Self { order_by: Vec::new(), limit: None, offset: None, ..self.clone() };
        query.sub_queries(&mut |inner| {
            if inner.limit.is_none() && inner.offset.is_none() {
                inner.order_by.clear();
            }
        });
        query
    }

    /// What is grouped, as a query for all its rows.
    #[must_use]
    pub fn ungrouped(&self, items: Vec<Item>) -> Self {
        let form = Form::Select { dedup: Dedup::All, items };
        Self { form, dataset: self.dataset.clone(), ..Self::new(self.pattern.clone()) }
    }

    /// The variables a sub-query hands out; of `*`, those in scope in its pattern.
    pub fn projected(&self) -> Vec<String> {
        match &self.form {
            Form::Select { items, .. } if !items.is_empty() => items.iter().map(|i| i.name().to_owned()).collect(),
            Form::Select { .. } => variables_in_scope(&self.pattern),
            _ => Vec::new(),
        }
    }

    /// Sub-queries at any depth that stand where their answer is the same for whatever is around them.
    pub fn sub_queries(&mut self, visit: &mut dyn FnMut(&mut Query)) {
        self.pattern.iter_mut().for_each(|element| sub_queries(element, visit));
    }
}

fn sub_queries(element: &mut Element, visit: &mut dyn FnMut(&mut Query)) {
    match element {
        Element::Query(query) => {
            query.sub_queries(visit);
            visit(query);
        }
        Element::Optional(group) | Element::Group(group) | Element::Minus(group) | Element::Graph(_, group) => {
            group.iter_mut().for_each(|element| sub_queries(element, visit));
        }
        Element::Union(branches) => branches.iter_mut().flatten().for_each(|element| sub_queries(element, visit)),
        Element::Triples(_) | Element::Filter(_) | Element::Bind(..) | Element::Values(..) => {}
    }
}

/// SPARQL section 18.2.1.
pub fn variables_in_scope(elements: &[Element]) -> Vec<String> {
    let mut names = Vec::new();
    elements.iter().for_each(|element| variables(element, &mut names));
    names.sort();
    names.dedup();
    names
}

fn variables(element: &Element, names: &mut Vec<String>) {
    let mut add = |text: &str| names.extend(text.strip_prefix('?').map(str::to_owned));
    match element {
        Element::Triples(triples) => triples.iter().flatten().for_each(|term| add(term)),
        Element::Filter(_) | Element::Minus(_) => {}
        Element::Bind(_, name) => names.push(name.clone()),
        Element::Values(columns, _) => names.extend(columns.iter().cloned()),
        Element::Graph(name, group) => {
            add(name);
            group.iter().for_each(|element| variables(element, names));
        }
        Element::Optional(group) | Element::Group(group) => {
            group.iter().for_each(|element| variables(element, names));
        }
        Element::Union(branches) => branches.iter().flatten().for_each(|element| variables(element, names)),
        Element::Query(query) => names.extend(query.projected()),
    }
}
