//! Example questions, as SHACL writes executable queries down.

use super::{CATALOGUE, DCTERMS, Description, SERVICE, SH, fragment, named, vocabulary};
use oxrdf::Literal;
use oxrdf::vocab::{rdf, rdfs};

/// Of `DESCRIBE`, for which SHACL has no word.
const EXAMPLES: &str = "https://purl.expasy.org/sparql-examples/ontology#";
const SCHEMA: &str = "https://schema.org/";

/// A query with what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Unique, such as the name of its file.
    pub name: String,
    /// The query as it was written.
    pub text: String,
    pub form: QuestionForm,
    pub label: Option<String>,
    pub comment: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionForm {
    Select,
    Ask,
    Construct,
    Describe,
}

impl Question {
    /// A query whose first comments say what it is for: their first line, and all of them.
    pub fn new(name: &str, text: &str, form: QuestionForm) -> Self {
        let comments = text.lines().map(str::trim).take_while(|line| line.starts_with('#'));
        let lines: Vec<&str> = comments.map(|line| line.trim_start_matches('#').trim()).collect();
        let comment = lines.join("\n").trim().to_owned();
        let label = lines.iter().find(|line| !line.is_empty()).map(|line| (*line).to_owned());
        let comment = (!comment.is_empty()).then_some(comment);
        Self { name: name.to_owned(), text: text.to_owned(), form, label, comment }
    }
}

/// SHACL-AF section 5.1 has SELECT, ASK and CONSTRUCT executables.
pub(super) fn describe(description: &mut Description, question: &Question) {
    let node = fragment(&named(CATALOGUE), &["question", &question.name]);
    let (class, property) = match question.form {
        QuestionForm::Select => (vocabulary(SH, "SPARQLSelectExecutable"), vocabulary(SH, "select")),
        QuestionForm::Ask => (vocabulary(SH, "SPARQLAskExecutable"), vocabulary(SH, "ask")),
        QuestionForm::Construct => (vocabulary(SH, "SPARQLConstructExecutable"), vocabulary(SH, "construct")),
        QuestionForm::Describe => (vocabulary(EXAMPLES, "SPARQLDescribeExecutable"), vocabulary(EXAMPLES, "describe")),
    };
    description.add(&node, rdf::TYPE, vocabulary(SH, "SPARQLExecutable"));
    description.add(&node, rdf::TYPE, class);
    description.text(&node, DCTERMS, "identifier", &question.name);
    let label = question.label.as_ref().unwrap_or(&question.name);
    description.add(&node, rdfs::LABEL, Literal::from(label.as_str()));
    if let Some(comment) = &question.comment {
        description.add(&node, rdfs::COMMENT, Literal::from(comment.as_str()));
    }
    description.add(&node, property.as_ref(), Literal::from(question.text.as_str()));
    description.add(&node, vocabulary(SH, "prefixes").as_ref(), named(CATALOGUE));
    description.add(&node, vocabulary(SCHEMA, "target").as_ref(), named(SERVICE));
}
