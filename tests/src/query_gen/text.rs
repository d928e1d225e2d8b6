//! The text of a query.

use super::{Aggregate, Dataset, Dedup, Element, Form, Item, Query};
use std::fmt::Write as _;

const PROLOGUE: &str = "PREFIX ex: <http://example.com/vocab#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
";

impl Aggregate {
    pub fn text(&self) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let argument = self.argument.as_deref().unwrap_or("*");
        let separator = self.separator.as_ref().map(|s| format!(" ; SEPARATOR = \"{s}\"")).unwrap_or_default();
        format!("{}({distinct}{argument}{separator})", self.function)
    }
}

impl Item {
    pub fn text(&self) -> String {
        match self {
            Self::Variable(name) => format!("?{name}"),
            Self::Expression { text, name } => format!("({} AS ?{name})", text.text()),
            Self::Aggregate(aggregate) => format!("({} AS ?{})", aggregate.text(), aggregate.name),
        }
    }
}

impl Query {
    pub fn text(&self) -> String {
        let mut text = PROLOGUE.to_owned();
        write_query(&mut text, self, 0);
        text.push('\n');
        text
    }
}

fn write_query(text: &mut String, query: &Query, depth: usize) {
    write_form(text, &query.form);
    for clause in &query.dataset {
        let _ = match clause {
            Dataset::From(graph) => write!(text, "FROM {graph} "),
            Dataset::FromNamed(graph) => write!(text, "FROM NAMED {graph} "),
        };
    }
    let is_bare =
        matches!(&query.form, Form::Describe(targets) if targets.iter().all(|target| !target.starts_with('?')));
    if !(is_bare && query.pattern.is_empty()) {
        text.push_str(if query.form == Form::Ask { "" } else { "WHERE " });
        write_group(text, &query.pattern, depth);
    }
    if !query.group_by.is_empty() {
        let items: Vec<String> = query.group_by.iter().map(Item::text).collect();
        let _ = write!(text, "\nGROUP BY {}", items.join(" "));
    }
    if let Some(having) = &query.having {
        let _ = write!(text, "\nHAVING ({})", having.text());
    }
    if !query.order_by.is_empty() {
        text.push_str("\nORDER BY");
        for (name, descending) in &query.order_by {
            let _ = if *descending { write!(text, " DESC(?{name})") } else { write!(text, " ?{name}") };
        }
    }
    if let Some(limit) = query.limit {
        let _ = write!(text, "\nLIMIT {limit}");
    }
    if let Some(offset) = query.offset {
        let _ = write!(text, "\nOFFSET {offset}");
    }
    if let Some((names, rows)) = &query.values {
        text.push('\n');
        write_values(text, names, rows);
    }
}

fn write_form(text: &mut String, form: &Form) {
    match form {
        Form::Ask => text.push_str("ASK "),
        Form::Select { dedup, items } => {
            text.push_str(match dedup {
                Dedup::All => "SELECT ",
                Dedup::Distinct => "SELECT DISTINCT ",
                Dedup::Reduced => "SELECT REDUCED ",
            });
            let items: Vec<String> = items.iter().map(Item::text).collect();
            text.push_str(&if items.is_empty() { "* ".to_owned() } else { items.join(" ") + " " });
        }
        Form::Construct(template) if template.is_empty() => text.push_str("CONSTRUCT "),
        Form::Construct(template) => {
            let triples: Vec<String> = template.iter().map(|triple| triple.join(" ")).collect();
            let _ = write!(text, "CONSTRUCT {{ {} }} ", triples.join(" . "));
        }
        Form::Describe(targets) if targets.is_empty() => text.push_str("DESCRIBE * "),
        Form::Describe(targets) => {
            let _ = write!(text, "DESCRIBE {} ", targets.join(" "));
        }
    }
}

pub(super) fn write_group(text: &mut String, elements: &[Element], depth: usize) {
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
            text.push_str("FILTER (");
            condition.write(text, depth);
            text.push(')');
        }
        Element::Optional(group) => {
            text.push_str("OPTIONAL ");
            write_group(text, group, depth);
        }
        Element::Minus(group) => {
            text.push_str("MINUS ");
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
            text.push_str("BIND (");
            expression.write(text, depth);
            let _ = write!(text, " AS ?{name})");
        }
        Element::Values(names, rows) => write_values(text, names, rows),
        Element::Graph(name, group) => {
            let _ = write!(text, "GRAPH {name} ");
            write_group(text, group, depth);
        }
        Element::Group(group) => write_group(text, group, depth),
        Element::Query(query) => {
            text.push_str("{ ");
            write_query(text, query, depth);
            text.push_str(" }");
        }
    }
}

fn write_values(text: &mut String, names: &[String], rows: &[Vec<String>]) {
    let names: Vec<String> = names.iter().map(|name| format!("?{name}")).collect();
    let rows: Vec<String> = rows.iter().map(|row| format!("({})", row.join(" "))).collect();
    let _ = write!(text, "VALUES ({}) {{ {} }}", names.join(" "), rows.join(" "));
}
