//! Labels of blank nodes.
//!
//! R2RML section 11.2: within one source, equal texts are the same blank node, whatever template they come from. A label
//! is therefore the source and the text, both escaped character by character: it is valid in every RDF syntax, two
//! labels are equal exactly when source and text are, and escaping the parts of a template separately is escaping the
//! whole.

use weft_model::term::{InvalidTemplate, IriShape};

/// The label of a blank node, from the canonical texts of the source columns, one for each placeholder of the shape in
/// [`super::Build::BlankNode`].
pub fn blank_node_label<'a>(shape: &IriShape, keys: impl IntoIterator<Item = &'a str>) -> String {
    let mut label = shape.parts()[0].clone();
    for (key, part) in keys.into_iter().zip(&shape.parts()[1..]) {
        escape(key, &mut label);
        label.push_str(part);
    }
    label
}

/// The text of the source from which a label of this shape with one placeholder was made; `None` for any other label,
/// such as those of other sources.
pub fn blank_node_text(shape: &IriShape, label: &str) -> Option<String> {
    let [prefix, suffix] = shape.parts() else { return None };
    let mut rest = label.strip_prefix(prefix.as_str())?.strip_suffix(suffix.as_str())?;
    let mut text = String::new();
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '_' {
            text.push(c);
            continue;
        }
        let (code, after) = rest.split_once('_')?;
        text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        rest = after;
    }
    // Another spelling of an escape is no label that was made here.
    (blank_node_label(shape, [text.as_str()]) == label).then_some(text)
}

/// The shape of labels for the texts that `parts` (one more than there are placeholders) build.
pub(super) fn label_shape(source: &str, parts: &[String]) -> Result<IriShape, InvalidTemplate> {
    let mut template = String::from("b");
    escape(source, &mut template);
    template.push('-');
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            template.push_str("{key}");
        }
        escape(part, &mut template);
    }
    Ok(IriShape::parse(&template)?.0)
}

/// Letters and digits stay; any other character is its code point between underscores.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else {
            out.push_str(&format!("_{:x}_", u32::from(c)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use oxrdf::BlankNode;
    use std::collections::HashMap;

    fn label(source: &str, parts: &[&str], keys: &[&str]) -> String {
        let parts: Vec<String> = parts.iter().map(|p| (*p).to_owned()).collect();
        blank_node_label(&label_shape(source, &parts).unwrap(), keys.iter().copied())
    }

    #[test]
    fn labels_are_equal_exactly_when_source_and_text_are() {
        let mut seen: HashMap<String, (String, String)> = HashMap::new();
        let texts = ["", "a", "A", "_", "__", "_61_", "a_", "-", "a-b", "a.b.", "é", "\u{0}", "a{b}", "\\", "b-", "1"];
        for source in ["erp", "e", "rp", "e-r", "1", "größe"] {
            for a in texts {
                for b in texts {
                    let text = format!("{a}x{b}");
                    let from_two = label(source, &["", "x", ""], &[a, b]);
                    let from_one = label(source, &["", ""], &[&text]);
                    assert_eq!(from_two, from_one);
                    BlankNode::new(from_one.clone()).unwrap();
                    let shape = label_shape(source, &[String::new(), String::new()]).unwrap();
                    assert_eq!(blank_node_text(&shape, &from_one), Some(text.clone()));
                    let stranger = label_shape("other", &[String::new(), String::new()]).unwrap();
                    assert_eq!(blank_node_text(&stranger, &from_one), None);
                    let origin = (source.to_owned(), text);
                    assert_eq!(*seen.entry(from_one).or_insert_with(|| origin.clone()), origin);
                }
            }
        }
    }
}
