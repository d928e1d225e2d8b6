//! Views: queries of the configuration that are served as tables. Their text is the operator's; no request ever brings any.

use crate::catalogue::{LiveColumn, LiveTable};
use crate::config::View;
use crate::error::{OpenError, Result, invalid_config};
use std::collections::HashSet;
use weft_model::contract::ContractError;

/// The views of a configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Views(Vec<View>);

impl Views {
    /// Checks what needs no database, and leaves out the semicolons at the end.
    pub(crate) fn new(views: Vec<View>) -> std::result::Result<Self, OpenError> {
        let mut names = HashSet::new();
        let mut checked = Vec::with_capacity(views.len());
        for view in views {
            let wrong = |why: &str| OpenError::View { name: view.name.clone(), why: why.to_owned() };
            let sql = view.sql.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace());
            if view.name.is_empty() {
                return Err(wrong("a view needs a name"));
            }
            if !names.insert(view.name.clone()) {
                return Err(wrong("is the name of two views"));
            }
            if sql.is_empty() || sql.contains('\0') {
                return Err(wrong("views.sql must be one SELECT"));
            }
            if view.keys.iter().any(|key| key.is_empty()) {
                return Err(wrong("a key has at least one column"));
            }
            checked.push(View { sql: sql.to_owned(), ..view });
        }
        Ok(Self(checked))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &View> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&View> {
        self.0.iter().find(|view| view.name == name)
    }

    /// Refuses a view that hides a table.
    pub(crate) fn check_names(&self, tables: &[LiveTable]) -> Result<()> {
        match tables.iter().find_map(|table| self.get(&table.name)) {
            Some(view) => Err(wrong(view, "is the name of a table of the database, too")),
            None => Ok(()),
        }
    }
}

/// A view that cannot be served, and why.
pub(crate) fn wrong(view: &View, why: impl std::fmt::Display) -> ContractError {
    invalid_config(format!("view {:?}: {why}", view.name))
}

/// The query as one whose columns have the names that other statements know them by.
pub(crate) fn wrapped(view: &View) -> String {
    format!("SELECT * FROM ({}\n) AS weft_view", view.sql)
}

/// The view as a table with these columns. Those of its keys are never null, as the configuration promises.
pub(crate) fn table(view: &View, typed: bool, mut columns: Vec<LiveColumn>) -> Result<LiveTable> {
    if columns.is_empty() {
        return Err(wrong(view, "the query has no column of a type that can be served"));
    }
    for name in view.keys.iter().flatten() {
        match columns.iter_mut().find(|column| column.name == *name) {
            Some(column) => column.nullable = false,
            None => return Err(wrong(view, format!("has no column {name:?}, which is one of its keys"))),
        }
    }
    let query = Some(view.sql.clone());
    Ok(LiveTable { name: view.name.clone(), schema: None, table: view.name.clone(), query, typed, columns })
}

/// Refuses two columns of one name: which of them a statement means could not be told.
pub(crate) fn check_columns<'a>(view: &View, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name.to_owned()) {
            return Err(wrong(view, format!("the query has two columns that are called {name:?}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn view(name: &str, sql: &str) -> View {
        View { name: name.into(), sql: sql.into(), ..View::default() }
    }

    #[test]
    fn a_view_has_a_name_of_its_own_and_one_query() {
        let views = Views::new(vec![view("v", "\n SELECT 1 ; ;\n")]).unwrap();
        assert_eq!(views.get("v").unwrap().sql, "SELECT 1");
        for (views, why) in [
            (vec![view("", "SELECT 1")], "needs a name"),
            (vec![view("v", "SELECT 1"), view("v", "SELECT 2")], "two views"),
            (vec![view("v", " ; ")], "one SELECT"),
            (vec![View { keys: vec![Vec::new()], ..view("v", "SELECT 1") }], "at least one column"),
        ] {
            let error = Views::new(views).unwrap_err().to_string();
            assert!(error.starts_with("views: ") && error.contains(why), "{error}");
        }
    }
}
