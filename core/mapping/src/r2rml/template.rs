//! Templates and SQL identifiers.

use weft_model::term::IriShape;

/// R2RML section 7.3: a template whose placeholders are SQL identifiers.
pub(super) fn parse(template: &str) -> Result<(IriShape, Vec<String>), String> {
    let (shape, columns) = IriShape::parse(template).map_err(|error| {
        let hint = if template.contains(['{', '}']) { "" } else { ", use rr:constant" };
        format!("bad rr:template {template:?}: {error}{hint}")
    })?;
    let columns = columns.iter().map(|column| column_name(column)).collect::<Result<_, _>>()?;
    Ok((shape, columns))
}

/// What is wrong with a template as one of IRIs. Relative ones are tried behind the base.
pub(super) fn check_iri(shape: &IriShape, base: &str) -> Result<(), String> {
    const NEVER: &str = "<>\"{}|\\^`";
    let invalid = |c: &char| *c <= ' ' || NEVER.contains(*c);
    if let Some(c) = shape.parts().iter().flat_map(|part| part.chars()).find(|c| invalid(c)) {
        return Err(format!("the IRI template \"{shape}\" contains {c:?}, which no IRI may contain"));
    }
    let prefix = if is_relative(shape)? { base } else { "" };
    // Keys are percent-encoded text, which is valid nearly everywhere: a port, for one, takes digits only.
    for key in ["1", "a"] {
        let iri = format!("{prefix}{}", shape.build(std::iter::repeat_n(key, shape.keys())));
        oxiri::Iri::parse(iri).map_err(|error| format!("the template \"{shape}\" does not give IRIs: {error}"))?;
    }
    Ok(())
}

/// Whether the IRIs of a template start with the base: those that do not begin with a scheme.
pub(crate) fn is_relative(shape: &IriShape) -> Result<bool, String> {
    let first_delimiter = |part: &str| part.find([':', '/', '?', '#']).map(|at| (at, part[at..].starts_with(':')));
    for (i, part) in shape.parts().iter().enumerate() {
        match first_delimiter(part) {
            None => {}
            Some((at, true)) if i == 0 => return Ok(!is_scheme(&part[..at])),
            Some((_, true)) => {
                return Err(format!(
                    "the IRI template \"{shape}\" has no fixed scheme: write it out before the first column"
                ));
            }
            Some((_, false)) => return Ok(true),
        }
    }
    Ok(true)
}

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The name of a column: an SQL identifier, with or without quotes.
pub(super) fn column_name(identifier: &str) -> Result<String, String> {
    let mut parts = identifiers(identifier)?;
    match parts.len() {
        1 => Ok(parts.remove(0)),
        // A dot between unquoted words is part of the name: sources are free in how they name columns.
        _ if !identifier.contains('"') => Ok(identifier.to_owned()),
        _ => Err(format!("bad column {identifier:?}: a column has one name, without its table")),
    }
}

/// The name of a table: SQL identifiers, with or without quotes, between dots (`"mes"."machine_run"`).
pub(super) fn table_name(identifier: &str) -> Result<String, String> {
    Ok(identifiers(identifier)?.join("."))
}

fn identifiers(text: &str) -> Result<Vec<String>, String> {
    let bad = |what: &str| format!("bad SQL identifier {text:?}: {what}");
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_name(quoted).ok_or_else(|| bad("a quote is not closed"))?,
            None => {
                let (name, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                (name.to_owned(), after)
            }
        };
        if name.is_empty() {
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
        assert_eq!(column_name("Name").unwrap(), "Name");
        assert_eq!(column_name("\"Country \"\"Code\"\".x\"").unwrap(), "Country \"Code\".x");
        assert_eq!(column_name("a.b").unwrap(), "a.b");
        assert_eq!(table_name("\"mes\".\"machine_run\"").unwrap(), "mes.machine_run");
        assert_eq!(table_name("mes.machine_run").unwrap(), "mes.machine_run");
        for bad in ["", "\"", "\"a", "\"a\"b", "\"\"", "a..b", "\"a\"."] {
            assert!(table_name(bad).is_err(), "{bad}");
        }
        assert!(column_name("\"t\".\"c\"").is_err());
    }

    #[test]
    fn templates_are_absolute_relative_or_refused() {
        let check = |template: &str| {
            let (shape, _) = parse(template).unwrap();
            check_iri(&shape, "http://base/").map(|()| is_relative(&shape).unwrap())
        };
        for absolute in ["http://ex/{a}", "urn:x:{a}:{b}", "h+.-1:{a}", "mailto:{a}@{b}"] {
            assert_eq!(check(absolute), Ok(false), "{absolute}");
        }
        for relative in ["{a}", "{a}/b:c", "a/{a}:x", "1:{a}", "#{a}", "{a}{b}"] {
            assert_eq!(check(relative), Ok(true), "{relative}");
        }
        for bad in [
            "{a}:x",
            "ex{a}:b",
            "http://ex/{a} b",
            "http://ex/<{a}",
            "http://ex/\\{{a}",
            "http://ex:{a}/",
            "http://ex/%{a}",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
