//! Names of tables and columns, as SQL identifiers.

use std::fmt;
use std::ops::Deref;
use weft_model::contract::UnquotedNames;

/// The name of a table or column as a mapping writes it, without its quotes: what it means is for the source to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SqlName {
    text: String,
    parts: Vec<Identifier>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identifier {
    text: String,
    quoted: bool,
}

impl SqlName {
    /// A column: an SQL identifier, with or without quotes.
    pub(super) fn column(identifier: &str) -> Result<Self, String> {
        let parts = identifiers(identifier)?;
        match parts.len() {
            1 => Ok(Self::of(parts)),
            // A dot between unquoted words is part of the name: sources are free in how they name columns.
            _ if !identifier.contains('"') => {
                Ok(Self::of(vec![Identifier { text: identifier.to_owned(), quoted: false }]))
            }
            _ => Err(format!("bad column {identifier:?}: a column has one name, without its table")),
        }
    }

    /// A table: identifiers between dots (`"mes"."machine_run"`).
    pub(super) fn table(identifier: &str) -> Result<Self, String> {
        Ok(Self::of(identifiers(identifier)?))
    }

    fn of(parts: Vec<Identifier>) -> Self {
        let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        Self { text: texts.join("."), parts }
    }

    /// The name that a source understands, which reads names without quotes in this way.
    pub(crate) fn read(&self, unquoted: UnquotedNames) -> String {
        let read = |part: &Identifier| match unquoted {
            UnquotedNames::LowerCase if !part.quoted => part.text.to_lowercase(),
            _ => part.text.clone(),
        };
        self.parts.iter().map(read).collect::<Vec<_>>().join(".")
    }

    /// Whether the name is one of a schema.
    pub(crate) fn is_qualified(&self) -> bool {
        self.parts.len() > 1
    }
}

impl Deref for SqlName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SqlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn identifiers(text: &str) -> Result<Vec<Identifier>, String> {
    let bad = |what: &str| format!("bad SQL identifier {text:?}: {what}");
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (text, after) = quoted_name(quoted).ok_or_else(|| bad("a quote is not closed"))?;
                (Identifier { text, quoted: true }, after)
            }
            None => {
                let (name, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                (Identifier { text: name.to_owned(), quoted: false }, after)
            }
        };
        if name.text.is_empty() {
            return Err(bad("a name is empty"));
        }
        names.push(name);
        if after.is_empty() {
            return Ok(names);
        }
        rest = after.strip_prefix('.').ok_or_else(|| bad("there is text after a quoted name"))?;
    }
}

/// A name up to its closing quote (a doubled quote stands for one), and what follows.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            None => return Some((name, after)),
            Some(doubled) => {
                name.push('"');
                rest = doubled;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sql_identifiers_lose_their_quotes() {
        let column = |text: &str| SqlName::column(text).unwrap().to_string();
        let table = |text: &str| SqlName::table(text).unwrap().to_string();
        assert_eq!(column("Name"), "Name");
        assert_eq!(column("\"Country \"\"Code\"\".x\""), "Country \"Code\".x");
        assert_eq!(column("a.b"), "a.b");
        assert_eq!(table("\"mes\".\"machine_run\""), "mes.machine_run");
        assert_eq!(table("mes.machine_run"), "mes.machine_run");
        for bad in ["", "\"", "\"a", "\"a\"b", "\"\"", "a..b", "\"a\"."] {
            assert!(SqlName::table(bad).is_err(), "{bad}");
        }
        assert!(SqlName::column("\"t\".\"c\"").is_err());
    }

    #[test]
    fn only_names_without_quotes_are_read_in_another_case() {
        let name = SqlName::table("MES.\"Machine Run\"").unwrap();
        assert_eq!(name.read(UnquotedNames::LowerCase), "mes.Machine Run");
        assert_eq!(name.read(UnquotedNames::AsWritten), "MES.Machine Run");
        assert!(name.is_qualified() && !SqlName::table("\"a.b\"").unwrap().is_qualified());
    }
}
