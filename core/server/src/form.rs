//! The form of a query, and so the shape of its answer, by its first words.
//!
//! This is for content negotiation before the query runs, and for telemetry; whether the text is a query is for the planner to say.

/// The form of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Select,
    Ask,
    Construct,
    Describe,
}

/// What an answer consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// SELECT and ASK.
    Rows,
    /// CONSTRUCT and DESCRIBE.
    Graph,
}

impl Form {
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Select | Self::Ask => Shape::Rows,
            Self::Construct | Self::Describe => Shape::Graph,
        }
    }

    /// The keyword.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Ask => "ASK",
            Self::Construct => "CONSTRUCT",
            Self::Describe => "DESCRIBE",
        }
    }
}

/// Nothing where the text does not begin like a query.
pub(crate) fn form(text: &str) -> Option<Form> {
    let mut rest = skip_blank(text);
    loop {
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = skip_blank(after);
        match word.to_ascii_lowercase().as_str() {
            "select" => return Some(Form::Select),
            "ask" => return Some(Form::Ask),
            "construct" => return Some(Form::Construct),
            "describe" => return Some(Form::Describe),
            "base" => rest = skip_iri(rest)?,
            "prefix" => rest = skip_iri(skip_blank(rest.split_once(':')?.1))?,
            "version" => rest = skip_string(rest)?,
            _ => return None,
        }
        rest = skip_blank(rest);
    }
}

/// White space and comments.
fn skip_blank(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix('#') {
        rest = comment.split_once(['\n', '\r']).map_or("", |(_, after)| after).trim_start();
    }
    rest
}

fn skip_iri(text: &str) -> Option<&str> {
    Some(text.strip_prefix('<')?.split_once('>')?.1)
}

fn skip_string(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(text[1..].split_once(quote)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keyword_after_the_prologue_counts() {
        for (text, expected) in [
            ("SELECT * {}", Some(Form::Select)),
            (" \n ask{}", Some(Form::Ask)),
            ("# CONSTRUCT\n# <x>\rDescribe <urn:x>", Some(Form::Describe)),
            ("BASE<urn:SELECT>PREFIX : # <no>\n <http://e/#> construct {}", Some(Form::Construct)),
            ("PREFIX select: <urn:a> PREFIX b: <urn:b>\nASK { ?s ?p \"CONSTRUCT\" }", Some(Form::Ask)),
            ("VERSION '1.2' SELECT ?x {}", Some(Form::Select)),
            ("", None),
            ("# only", None),
            ("SELECTED", None),
            ("PREFIX a <urn:a> SELECT", None),
            ("PREFIX a: <urn:a", None),
            ("VERSION", None),
            ("DROP ALL", None),
            ("ééé", None),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }
}
