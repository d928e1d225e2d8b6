//! The IRIs of templates, as VoID tells of them.

use weft_mapping::{Build, MappedTerm};
use weft_model::term::{IriShape, TermType};

/// The template of a term, if it has one.
pub(super) fn shape(term: &MappedTerm) -> Option<&IriShape> {
    match (&term.term_type, &term.build) {
        (TermType::Iri { shape, .. }, _) | (TermType::General, Build::IriTemplate(shape)) => Some(shape),
        _ => None,
    }
}

/// With the names of the columns, as R2RML writes it (section 7.3).
pub(super) fn text(shape: &IriShape, columns: &[String]) -> String {
    let mut text = String::new();
    let mut columns = columns.iter();
    for (number, part) in shape.parts().iter().enumerate() {
        if number > 0 {
            text.push('{');
            escape(columns.next().map_or("", String::as_str), &mut text);
            text.push('}');
        }
        escape(part, &mut text);
    }
    text
}

fn escape(part: &str, text: &mut String) {
    for c in part.chars() {
        if matches!(c, '{' | '}' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
}

/// `void:uriRegexPattern`: the IRIs of the template, and no others that its prefix begins. A value has no reserved character.
pub(super) fn pattern(shape: &IriShape) -> String {
    let mut pattern = String::from("^");
    for (number, part) in shape.parts().iter().enumerate() {
        if number > 0 {
            pattern.push_str("[^:/?#\\[\\]@!$&'()*+,;=]*");
        }
        for c in part.chars() {
            if "\\^$.|?*+()[]{}".contains(c) {
                pattern.push('\\');
            }
            pattern.push(c);
        }
    }
    pattern.push('$');
    pattern
}
