//! The text of an `rr:sqlQuery`, and whether a source has a table that is made of it.

/// The query without the white space around it, and without the semicolon that may end it.
pub(crate) fn trimmed(query: &str) -> &str {
    query
        .trim_matches(|c: char| c.is_ascii_whitespace())
        .trim_end_matches(|c: char| c == ';' || c.is_ascii_whitespace())
}

/// Whether two texts are the same query: the same words with other white space between them.
///
/// White space counts inside quotes, and ends comments. Text with anything but plain quotes has to be the same to the
/// letter.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (trimmed(a), trimmed(b));
    a == b || is_plain(a) && is_plain(b) && spaced(a) == spaced(b)
}

fn is_plain(query: &str) -> bool {
    !["--", "/*", "$", "\\"].iter().any(|mark| query.contains(mark))
}

/// One blank for each run of white space outside quotes.
fn spaced(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut quote = None;
    for c in query.chars() {
        match quote {
            // A doubled quote ends a text and begins the next one, which comes to the same.
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None if c.is_ascii_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
                continue;
            }
            None => {}
        }
        out.push(c);
    }
    out
}

/// The lines of a connector's configuration that make a query a table of the source.
pub(crate) fn configuration(name: &str, query: &str) -> String {
    let query = trimmed(query);
    let text = if query.contains("'''") || query.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        basic_string(query)
    } else {
        format!("'''\n{query}\n'''")
    };
    format!("[[views]]\nname = {}\nsql = {text}", basic_string(name))
}

/// A basic string of TOML.
fn basic_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_makes_no_other_query_but_in_quotes() {
        assert!(is_same(" SELECT a\n\t FROM t ; ", "SELECT a FROM t"));
        assert!(is_same("SELECT 'it''s  x' FROM t", "SELECT  'it''s  x'  FROM t"));
        for (a, b) in [
            ("SELECT 'a  b'", "SELECT 'a b'"),
            ("SELECT \"a  b\"", "SELECT \"a b\""),
            ("SELECT a -- c\n FROM t", "SELECT a -- c FROM t"),
            ("SELECT $$a  b$$", "SELECT $$a b$$"),
            ("SELECT a FROM t", "SELECT A FROM t"),
            ("SELECT ab", "SELECT a b"),
        ] {
            assert!(!is_same(a, b), "{a}");
        }
        assert!(is_same("SELECT a -- c\n FROM t", "\nSELECT a -- c\n FROM t;"));
    }

    #[test]
    fn configuration_is_toml() {
        assert_eq!(configuration("a", "\nSELECT 1;"), "[[views]]\nname = \"a\"\nsql = '''\nSELECT 1\n'''");
        assert_eq!(configuration("a", "SELECT '''x'\n"), "[[views]]\nname = \"a\"\nsql = \"SELECT '''x'\"");
    }
}
