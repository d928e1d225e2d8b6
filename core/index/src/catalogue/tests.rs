#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn the_first_comments_of_a_question_say_what_it_is_for() {
    let question = |text: &str| {
        let question = Question::new("q", text, QuestionForm::Select);
        (question.label, question.comment)
    };
    let of = |label: &str, comment: &str| (Some(label.to_owned()), Some(comment.to_owned()));
    assert_eq!(
        question("# Which lots?\n#  All of them.\nSELECT * {} # not this"),
        of("Which lots?", "Which lots?\nAll of them.")
    );
    assert_eq!(question("#\n## Which?\n\n# late\nASK {}"), of("Which?", "Which?"));
    assert_eq!(question("SELECT * {}"), (None, None));
}

#[test]
fn templates_are_told_as_prefix_pattern_and_template() {
    let (shape, columns) = weft_model::term::IriShape::parse("http://e/a.b/{x}/r\\{{y z}").unwrap();
    assert_eq!(template::text(&shape, &columns), "http://e/a.b/{x}/r\\{{y z}");
    let value = "[^:/?#\\[\\]@!$&'()*+,;=]*";
    assert_eq!(template::pattern(&shape), format!("^http://e/a\\.b/{value}/r\\{{{value}$"));
}

#[test]
fn names_of_tables_and_columns_are_encoded_below_the_source() {
    let source = NamedNode::new_unchecked("urn:weft:source:a");
    assert_eq!(fragment(&source, &["table", "Order Lines"]).as_str(), "urn:weft:source:a#table/Order%20Lines");
    let with_fragment = NamedNode::new_unchecked("http://e/g#a");
    assert_eq!(fragment(&with_fragment, &["table", "x"]).as_str(), "http://e/g#a/table/x");
}
