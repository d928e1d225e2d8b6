//! A query in pieces that can be printed and left out.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

const PROLOGUE: &str = "PREFIX ex: <http://example.com/vocab#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub form: Form,
    pub pattern: Vec<Element>,
    /// Variables, or `(expression AS ?name)`.
    pub group_by: Vec<Item>,
    pub having: Option<String>,
    /// Variables; true: descending.
    pub order_by: Vec<(String, bool)>,
    pub limit: Option<usize>,
    pub offset: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Form {
    Ask,
    /// No items: `*`.
    Select {
        dedup: Dedup,
        items: Vec<Item>,
    },
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
    Expression { text: String, name: String },
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Element {
    Triples(Vec<[String; 3]>),
    Filter(String),
    Optional(Vec<Element>),
    Union(Vec<Vec<Element>>),
    Bind(String, String),
    Values(Vec<String>, Vec<Vec<String>>),
    Graph(String, Vec<Element>),
    Group(Vec<Element>),
}

impl Aggregate {
    /// Whether the result does not depend on the order of the input.
    pub fn is_determined(&self) -> bool {
        matches!(self.function.as_str(), "COUNT" | "SUM" | "AVG")
    }

    pub fn text(&self) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let argument = self.argument.as_deref().unwrap_or("*");
        let separator = self.separator.as_ref().map(|s| format!(" ; SEPARATOR = \"{s}\"")).unwrap_or_default();
        format!("{}({distinct}{argument}{separator})", self.function)
    }
}

impl Item {
    pub fn name(&self) -> &str {
        match self {
            Self::Variable(name) | Self::Expression { name, .. } => name,
            Self::Aggregate(aggregate) => &aggregate.name,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Variable(name) => format!("?{name}"),
            Self::Expression { text, name } => format!("({text} AS ?{name})"),
            Self::Aggregate(aggregate) => format!("({} AS ?{})", aggregate.text(), aggregate.name),
        }
    }
}

impl Query {
    pub fn new(pattern: Vec<Element>) -> Self {
        Self {
            form: Form::Select { dedup: Dedup::All, items: Vec::new() },
            pattern,
            group_by: Vec::new(),
            having: None,
            order_by: Vec::new(),
            limit: None,
            offset: None,
        }
    }

    /// The same without ORDER BY, LIMIT and OFFSET. The oracle is asked this: its order of terms that have none is not
    /// a total one, and sorting by it can panic.
    #[must_use]
    pub fn unordered(&self) -> Self {
        Self { order_by: Vec::new(), limit: None, offset: None, ..self.clone() }
    }

    pub fn text(&self) -> String {
        let mut text = PROLOGUE.to_owned();
        match &self.form {
            Form::Ask => text.push_str("ASK "),
            Form::Select { dedup, items } => {
                text.push_str(match dedup {
                    Dedup::All => "SELECT ",
                    Dedup::Distinct => "SELECT DISTINCT ",
                    Dedup::Reduced => "SELECT REDUCED ",
                });
                let items: Vec<String> = items.iter().map(Item::text).collect();
                text.push_str(&if items.is_empty() { "*".to_owned() } else { items.join(" ") });
                text.push_str(" WHERE ");
            }
        }
        write_group(&mut text, &self.pattern, 0);
        if !self.group_by.is_empty() {
            let items: Vec<String> = self.group_by.iter().map(Item::text).collect();
            let _ = write!(text, "\nGROUP BY {}", items.join(" "));
        }
        if let Some(having) = &self.having {
            let _ = write!(text, "\nHAVING ({having})");
        }
        if !self.order_by.is_empty() {
            text.push_str("\nORDER BY");
            for (name, descending) in &self.order_by {
                let _ = if *descending { write!(text, " DESC(?{name})") } else { write!(text, " ?{name}") };
            }
        }
        if let Some(limit) = self.limit {
            let _ = write!(text, "\nLIMIT {limit}");
        }
        if let Some(offset) = self.offset {
            let _ = write!(text, "\nOFFSET {offset}");
        }
        text.push('\n');
        text
    }
}

fn write_group(text: &mut String, elements: &[Element], depth: usize) {
    text.push_str("{\n");
    let indent = "  ".repeat(depth + 1);
    for element in elements {
        text.push_str(&indent);
        write_element(text, element, depth + 1);
        text.push('\n');
    }
    text.push_str(&"  ".repeat(depth));
    text.push('}');
}

fn write_element(text: &mut String, element: &Element, depth: usize) {
    match element {
        Element::Triples(triples) => {
            let lines: Vec<String> = triples.iter().map(|triple| format!("{} .", triple.join(" "))).collect();
            text.push_str(&lines.join(&format!("\n{}", "  ".repeat(depth))));
        }
        Element::Filter(condition) => {
            let _ = write!(text, "FILTER ({condition})");
        }
        Element::Optional(group) => {
            text.push_str("OPTIONAL ");
            write_group(text, group, depth);
        }
        Element::Union(branches) => {
            for (i, branch) in branches.iter().enumerate() {
                if i > 0 {
                    text.push_str(" UNION ");
                }
                write_group(text, branch, depth);
            }
        }
        Element::Bind(expression, name) => {
            let _ = write!(text, "BIND ({expression} AS ?{name})");
        }
        Element::Values(names, rows) => {
            let names: Vec<String> = names.iter().map(|name| format!("?{name}")).collect();
            let rows: Vec<String> = rows.iter().map(|row| format!("({})", row.join(" "))).collect();
            let _ = write!(text, "VALUES ({}) {{ {} }}", names.join(" "), rows.join(" "));
        }
        Element::Graph(name, group) => {
            let _ = write!(text, "GRAPH {name} ");
            write_group(text, group, depth);
        }
        Element::Group(group) => write_group(text, group, depth),
    }
}
