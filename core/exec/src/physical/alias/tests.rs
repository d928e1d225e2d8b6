#![allow(clippy::unwrap_used)]
use super::*;
use arrow_array::Int64Array;
use weft_model::term::LiteralType;

#[derive(Debug)]
struct Two;

impl Aliases for Two {
    fn names(&self, iri: &str) -> Vec<&str> {
        if ["a", "b", "c"].contains(&iri) { vec!["a", "b", "c"] } else { Vec::new() }
    }

    fn representative(&self, iri: &str) -> Option<&str> {
        self.names(iri).first().copied()
    }

    fn for_each_thing(&self, visit: &mut dyn FnMut(&[&str])) {
        visit(&["a", "b", "c"]);
    }

    fn things(&self) -> usize {
        1
    }
}

fn variable(name: &str) -> Variable {
    Variable::new_unchecked(name)
}

fn texts(column: &ArrayRef) -> Vec<Option<&str>> {
    column.as_string_view().iter().collect()
}

#[test]
fn keys_become_all_names_of_things() {
    let integer = TermType::Literal(LiteralType::Integer);
    let layout = Layout::new(vec![(variable("n"), integer), (variable("x"), TermType::General)]);
    let terms = [Some("Ia"), Some("Ib"), Some("Id"), Some("Sa"), None];
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from_iter_values(0..5)), Arc::new(StringViewArray::from_iter(terms))];
    let keys = KeySource { rows: RecordBatch::try_new(layout.schema().clone(), columns).unwrap(), layout };
    let names = [(variable("_:own"), variable("x")), (variable("_:other"), variable("y"))];
    let named = names_of(&keys, &names, &Two).unwrap();
    assert_eq!(named.layout.variables(), [variable("n"), variable("x"), variable("_:own")]);
    // The name b is no thing, and so no row is about it.
    let expected = [Some("Ia"), Some("Ib"), Some("Ic"), Some("Id"), Some("Sa"), None];
    assert_eq!(texts(named.rows.column(2)), expected);
    assert_eq!(texts(named.rows.column(1)), [Some("Ia"), Some("Ia"), Some("Ia"), Some("Id"), Some("Sa"), None]);
}

#[test]
fn no_keys_have_no_names() {
    let layout = Layout::new(vec![(variable("x"), TermType::General)]);
    let keys = KeySource { rows: RecordBatch::new_empty(layout.schema().clone()), layout };
    let named = names_of(&keys, &[(variable("_:own"), variable("x"))], &Two).unwrap();
    assert_eq!((named.rows.num_rows(), named.rows.num_columns()), (0, 2));
}

#[test]
fn names_become_things_and_must_agree() {
    let things = vec![ThingColumns { columns: vec![0, 1], is_shown: true }];
    let step = Step { things, shown: 1, aliases: Arc::new(Two) };
    let layout = Layout::new(vec![(variable("x"), TermType::General), (variable("_:c"), TermType::General)]);
    let first = StringViewArray::from_iter([Some("Ib"), Some("Ic"), Some("Id"), Some("Sb")]);
    let other = StringViewArray::from_iter([Some("Ic"), Some("Id"), Some("Id"), Some("Sb")]);
    let columns: Vec<ArrayRef> = vec![Arc::new(first), Arc::new(other)];
    let batch = RecordBatch::try_new(layout.schema().clone(), columns).unwrap();
    let target = Layout::new(vec![(variable("x"), TermType::General)]);
    let rows = step.replace(&batch, target.schema()).unwrap();
    assert_eq!(texts(rows.column(0)), [Some("Ia"), Some("Id"), Some("Sb")]);
    let unseen = vec![ThingColumns { columns: vec![0, 1], is_shown: false }];
    let step = Step { things: unseen, shown: 0, aliases: Arc::new(Two) };
    let target = Layout::new(vec![(variable("_:row"), TermType::Literal(LiteralType::Boolean))]);
    let rows = step.replace(&batch, target.schema()).unwrap();
    assert_eq!((rows.num_rows(), rows.num_columns()), (3, 1));
}
