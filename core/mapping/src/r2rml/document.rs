//! A Turtle document with the line of every statement.

mod tokens;

use oxrdf::{NamedNode, NamedOrBlankNode, Term, Triple};
use oxttl::TurtleParser;
use oxttl::turtle::LowLevelTurtleParser;
use std::collections::{HashMap, HashSet};
use tokens::{Token, Tokens};

/// The statements of a document, in its order. Lines start at 1.
pub(super) struct Document {
    pub(super) statements: Vec<Statement>,
    nodes: HashMap<NamedOrBlankNode, Node>,
    /// The subjects in the order of their first line.
    pub(super) subjects: Vec<NamedOrBlankNode>,
    /// Blank node labels that the document itself has, as written (`_:x`).
    labels: HashSet<String>,
}

pub(super) struct Statement {
    pub(super) subject: NamedOrBlankNode,
    pub(super) predicate: NamedNode,
    pub(super) object: Term,
    /// Where the object is written; for a blank node with its own statements, where these begin.
    pub(super) line: u64,
}

struct Node {
    line: u64,
    statements: Vec<usize>,
}

/// A line and what is wrong there.
pub(super) type Fault = (u64, String);

/// A document with more syntax errors than this is not Turtle.
const MAX_SYNTAX_ERRORS: usize = 20;

impl Document {
    pub(super) fn parse(text: &str, base: &str) -> Result<Self, Vec<Fault>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parser = || {
            let parser = TurtleParser::new().with_base_iri(base);
            parser.map_err(|error| vec![(1, format!("the base IRI {base:?} is not an absolute IRI: {error}"))])
        };
        let mut errors: Vec<Fault> =
            parser()?.for_slice(text).filter_map(Result::err).take(MAX_SYNTAX_ERRORS).map(syntax_error).collect();
        // What follows an error on its line mostly follows from it.
        errors.dedup_by_key(|(line, _)| *line);
        if !errors.is_empty() {
            return Err(errors);
        }
        Self::locate(text, parser()?.low_level())
    }

    /// Parses again, token by token: a statement belongs to the token with which it comes out. On valid documents only,
    /// where parser and tokens agree on what a token is.
    fn locate(text: &str, mut parser: LowLevelTurtleParser) -> Result<Self, Vec<Fault>> {
        let mut document =
            Self { statements: Vec::new(), nodes: HashMap::new(), subjects: Vec::new(), labels: HashSet::new() };
        let mut place = Place::default();
        for token in Tokens::new(text) {
            parser.extend_from_slice(token.with_trivia.as_bytes());
            place.enter(&token);
            if token.text.starts_with("_:") {
                document.labels.insert(token.text.trim_end_matches('.').to_owned());
            }
            document.drain(&mut parser, &place)?;
            place.leave();
        }
        parser.end();
        document.drain(&mut parser, &place)?;
        document.subjects = document.nodes.keys().cloned().collect();
        let nodes = &document.nodes;
        document.subjects.sort_by_key(|s| nodes.get(s).map(|node| (node.line, node.statements.first().copied())));
        Ok(document)
    }

    fn drain(&mut self, parser: &mut LowLevelTurtleParser, place: &Place) -> Result<(), Vec<Fault>> {
        while let Some(triple) = parser.parse_next() {
            let triple = triple.map_err(|error| vec![syntax_error(error)])?;
            let (subject_line, line) = place.of(&triple.object);
            self.push(triple, subject_line, line);
        }
        Ok(())
    }

    fn push(&mut self, triple: Triple, subject_line: u64, line: u64) {
        let node = self
            .nodes
            .entry(triple.subject.clone())
            .or_insert_with(|| Node { line: subject_line, statements: Vec::new() });
        node.statements.push(self.statements.len());
        let Triple { subject, predicate, object } = triple;
        self.statements.push(Statement { subject, predicate, object, line });
    }

    /// The numbers of the statements about a node.
    pub(super) fn about(&self, node: &NamedOrBlankNode) -> &[usize] {
        self.nodes.get(node).map_or(&[], |node| &node.statements)
    }

    /// A node as the document writes it. The parser invents labels for anonymous ones, which mean nothing to readers.
    pub(super) fn name(&self, node: &NamedOrBlankNode) -> String {
        let name = node.to_string();
        if node.is_named_node() || self.labels.contains(&name) {
            return name;
        }
        self.line(node).map_or_else(|| "a blank node".to_owned(), |line| format!("the blank node of line {line}"))
    }

    /// Where the statements about a node begin.
    pub(super) fn line(&self, node: &NamedOrBlankNode) -> Option<u64> {
        self.nodes.get(node).map(|node| node.line)
    }
}

fn syntax_error(error: oxttl::TurtleSyntaxError) -> Fault {
    let start = error.location().start;
    (start.line + 1, format!("not valid Turtle at column {}: {}", start.column + 1, error.message()))
}

/// Where the parser is.
#[derive(Default)]
struct Place {
    token_line: u64,
    previous_line: u64,
    is_punctuation: bool,
    /// Lines of the open `[`.
    brackets: Vec<u64>,
    /// Line of the `[` that the token closes.
    closed: Option<u64>,
    /// First line of the statement outside all brackets.
    statement: Option<u64>,
    ends_statement: bool,
    /// Inside `PREFIX` or `BASE`, which end without a dot.
    directive: bool,
}

impl Place {
    fn enter(&mut self, token: &Token<'_>) {
        let starts = self.statement.is_none();
        let is_suffix = !starts && token.text.starts_with(['@', '^']);
        self.token_line = if is_suffix { self.previous_line } else { token.line };
        self.is_punctuation = token.is_punctuation();
        self.closed = None;
        self.statement.get_or_insert(token.line);
        match token.text {
            "[" => self.brackets.push(token.line),
            "]" => self.closed = self.brackets.pop(),
            keyword if starts => {
                self.directive = keyword.eq_ignore_ascii_case("prefix") || keyword.eq_ignore_ascii_case("base");
            }
            _ => {}
        }
        let is_word = !token.text.starts_with(['"', '\'', '<']);
        self.ends_statement = self.brackets.is_empty()
            && (is_word && token.text.ends_with('.') || self.directive && token.text.starts_with('<'));
    }

    fn leave(&mut self) {
        self.previous_line = self.token_line;
        if self.ends_statement {
            self.statement = None;
            self.directive = false;
        }
    }

    /// The lines of subject and object of a triple that comes out here. A literal comes out one token late, because a
    /// datatype or language could have followed, and a blank node when its bracket closes.
    fn of(&self, object: &Term) -> (u64, u64) {
        let outer = self.brackets.last().copied().or(self.statement).unwrap_or(self.token_line);
        match (self.closed, object) {
            (Some(opened), Term::BlankNode(_)) => (outer, opened),
            (Some(opened), _) => (opened, self.previous_line),
            (None, _) if self.is_punctuation => (outer, self.previous_line),
            (None, _) => (outer, self.token_line),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_statement_has_the_line_it_is_written_on() {
        let text = "\u{feff}# comment with [ and \"\nPREFIX ex: <http://ex/#>\r\n@prefix e: <http://e/> . # more\n\n\
            ex:a\n  ex:p \"l7.\" # ; not yet\n  ;\n  ex:p [ # 9\n    ex:q '''two\nlines'''@en ;\n    ex:r 5\n  ] , \"x\"\n  \
            , ex:c\n.\nex:b\n ex:p [ ex:p\n[] ] . ex:d ex:p \"\"^^ex:t.\n";
        let document = Document::parse(text, "http://base/").unwrap();
        let lines: Vec<String> = document
            .statements
            .iter()
            .map(|s| format!("{} {} {}", document.line(&s.subject).unwrap(), s.predicate.as_str(), s.line))
            .collect();
        let expected = [
            "5 http://ex/#p 6",
            "8 http://ex/#q 9",
            "8 http://ex/#r 11",
            "5 http://ex/#p 8",
            "5 http://ex/#p 12",
            "5 http://ex/#p 13",
            "16 http://ex/#p 17",
            "15 http://ex/#p 16",
            "17 http://ex/#p 17",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn syntax_errors_have_line_and_column() {
        let faults = Document::parse("@prefix ex: <http://ex/> .\nex:a ex:p ex:b .\nex:a nope:p ex:b .\n", "http://b/");
        let faults = faults.err().unwrap();
        assert_eq!(faults[0].0, 3);
        assert!(faults[0].1.starts_with("not valid Turtle at column 6: "), "{faults:?}");
        assert!(Document::parse("", "no base").err().unwrap()[0].1.contains("base IRI \"no base\""));
    }
}
