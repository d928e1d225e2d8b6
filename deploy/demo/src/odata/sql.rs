//! From query options to one SQL statement with bound parameters. Identifiers come from the schema of the file, never
//! from the request.

use super::filter::{Comparison, Filter, TextFunction};
use super::options::{Options, Path};
use super::schema::{Edm, EntitySet, Property, Schema};
use rusqlite::types::Value;
use std::fmt::Write;

/// A statement and its parameters, in order.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) parameters: Vec<Value>,
}

/// Builds statements over one entity set, known as `e`; the entity of navigation property `i` is known as `n<i>`.
pub(super) struct Builder<'a> {
    schema: &'a Schema,
    set: &'a EntitySet,
}

impl<'a> Builder<'a> {
    pub(super) fn new(schema: &'a Schema, set: &'a EntitySet) -> Self {
        Self { schema, set }
    }

    /// The columns of a page: those of the entity, then those of each expanded entity, its key first.
    pub(super) fn page(&self, options: &Options, limit: u64, offset: u64) -> Statement {
        let mut columns: Vec<String> = selected(options, self.set)
            .into_iter()
            .map(|property| self.column(Path { navigation: None, property }))
            .collect();
        for expand in &options.expand {
            let target = self.target(expand.navigation);
            for &property in target.key.iter().chain(&expand.properties) {
                columns.push(self.column(Path { navigation: Some(expand.navigation), property }));
            }
        }
        // A selection of nothing still has rows.
        let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        let mut statement = self.select(&columns, options);
        let mut keys: Vec<String> = options
            .order_by
            .iter()
            .map(|key| format!("{}{}", self.column(key.path), if key.descending { " DESC" } else { "" }))
            .collect();
        // The key makes the order total, so that pages neither overlap nor leave gaps.
        keys.extend(self.set.key.iter().map(|&property| self.column(Path { navigation: None, property })));
        let offset = offset.min(i64::MAX as u64);
        let _ = write!(statement.text, " ORDER BY {} LIMIT {limit} OFFSET {offset}", keys.join(", "));
        statement
    }

    pub(super) fn count(&self, options: &Options) -> Statement {
        self.select("count(*)", options)
    }

    /// One entity by the values of its key.
    pub(super) fn entity(&self, options: &Options, key: Vec<Value>) -> Statement {
        let mut statement = self.page(options, 2, 0);
        let columns = self.set.key.iter().map(|&property| self.column(Path { navigation: None, property }));
        let conditions: Vec<String> = columns.map(|column| format!("{column} IS ?")).collect();
        let clause = format!(" WHERE {} ORDER BY ", conditions.join(" AND "));
        statement.text = statement.text.replacen(" ORDER BY ", &clause, 1);
        statement.parameters = key;
        statement
    }

    fn target(&self, navigation: usize) -> &EntitySet {
        &self.schema.sets[self.set.navigation[navigation].target]
    }

    fn property(&self, path: Path) -> &Property {
        match path.navigation {
            None => &self.set.properties[path.property],
            Some(navigation) => &self.target(navigation).properties[path.property],
        }
    }

    fn column(&self, path: Path) -> String {
        let name = &self.property(path).name;
        match path.navigation {
            None => format!("e.\"{name}\""),
            Some(navigation) => format!("n{navigation}.\"{name}\""),
        }
    }

    fn select(&self, columns: &str, options: &Options) -> Statement {
        let mut statement =
            Statement { text: format!("SELECT {columns} FROM \"{}\" AS e", self.set.name), parameters: Vec::new() };
        for (index, navigation) in self.set.navigation.iter().enumerate() {
            let target = &self.schema.sets[navigation.target];
            let on: Vec<String> = navigation
                .columns
                .iter()
                .map(|&(here, there)| {
                    format!("e.\"{}\" = n{index}.\"{}\"", self.set.properties[here].name, target.properties[there].name)
                })
                .collect();
            let _ = write!(statement.text, " LEFT JOIN \"{}\" AS n{index} ON {}", target.name, on.join(" AND "));
        }
        if let Some(filter) = &options.filter {
            statement.text.push_str(" WHERE ");
            self.condition(&mut statement, filter);
        }
        statement
    }

    /// OData has two-valued comparisons (null equals null, and is neither less nor greater than anything), but functions
    /// of null are null, and so is their negation.
    fn condition(&self, out: &mut Statement, filter: &Filter) {
        match filter {
            Filter::And(parts) => self.connect(out, parts, " AND "),
            Filter::Or(parts) => self.connect(out, parts, " OR "),
            Filter::Not(inner) => {
                out.text.push_str("NOT (");
                self.condition(out, inner);
                out.text.push(')');
            }
            Filter::Compare { path, operator, value } => {
                let column = self.comparable(*path);
                out.text.push_str(&comparison(&column, *operator, "?"));
                out.parameters.push(value.clone());
            }
            Filter::ComparePaths { left, operator, right } => {
                let (left, right) = (self.comparable(*left), self.comparable(*right));
                out.text.push_str(&comparison(&left, *operator, &right));
            }
            Filter::In { path, values } => self.list(out, *path, values),
            Filter::Text { path, function, pattern } => self.text(out, *path, *function, pattern),
        }
    }

    /// Writes a balanced tree: SQLite limits the depth of an expression, and a chain is as deep as it is long.
    fn connect(&self, out: &mut Statement, parts: &[Filter], word: &str) {
        if let [part] = parts {
            return self.condition(out, part);
        }
        let (left, right) = parts.split_at(parts.len() / 2);
        out.text.push('(');
        self.connect(out, left, word);
        out.text.push_str(word);
        self.connect(out, right, word);
        out.text.push(')');
    }

    /// Instants are stored as canonical text with a Z, which would sort after a fraction of a second.
    fn comparable(&self, path: Path) -> String {
        let column = self.column(path);
        if self.property(path).edm == Edm::DateTimeOffset { format!("rtrim({column}, 'Z')") } else { column }
    }

    fn list(&self, out: &mut Statement, path: Path, values: &[Value]) {
        let column = self.comparable(path);
        let present: Vec<&Value> = values.iter().filter(|value| **value != Value::Null).collect();
        let marks = vec!["?"; present.len()].join(", ");
        let null = if present.len() < values.len() { format!(" OR {column} IS NULL") } else { String::new() };
        let _ = write!(out.text, "(coalesce({column} IN ({marks}), 0){null})");
        out.parameters.extend(present.into_iter().cloned());
    }

    fn text(&self, out: &mut Statement, path: Path, function: TextFunction, pattern: &str) {
        let column = self.column(path);
        let length = pattern.chars().count();
        let _ = match function {
            TextFunction::Contains => write!(out.text, "instr({column}, ?) > 0"),
            TextFunction::StartsWith => write!(out.text, "substr({column}, 1, {length}) = ?"),
            TextFunction::EndsWith if length == 0 => write!(out.text, "substr({column}, 1, 0) = ?"),
            TextFunction::EndsWith => write!(out.text, "substr({column}, -{length}) = ?"),
        };
        out.parameters.push(Value::Text(pattern.to_owned()));
    }
}

/// The properties an answer shows, in order.
pub(super) fn selected(options: &Options, set: &EntitySet) -> Vec<usize> {
    options.select.clone().unwrap_or_else(|| (0..set.properties.len()).collect())
}

fn comparison(left: &str, operator: Comparison, right: &str) -> String {
    let symbol = match operator {
        Comparison::Eq => return format!("{left} IS {right}"),
        Comparison::Ne => return format!("{left} IS NOT {right}"),
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
    };
    format!("coalesce({left} {symbol} {right}, 0)")
}
