//! Templates.

use super::name::SqlName;
use weft_model::term::IriShape;

/// R2RML section 7.3: a template whose placeholders are SQL identifiers.
pub(super) fn parse(template: &str) -> Result<(IriShape, Vec<SqlName>), String> {
    let (shape, columns) = IriShape::parse(template).map_err(|error| {
        let hint = if template.contains(['{', '}']) { "" } else { ", use rr:constant" };
        format!("bad rr:template {template:?}: {error}{hint}")
    })?;
    let columns = columns.iter().map(|column| SqlName::column(column)).collect::<Result<_, _>>()?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
